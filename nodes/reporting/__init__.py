"""From the box to its server: how the box itself is."""

from metrica.nodes.reporting.box_reporter import BoxReporter

__all__ = ["BoxReporter"]
