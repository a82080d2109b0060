"""From tracks to events: crossings of lines, and people in zones."""

from metrica.nodes.counting.line_counter import LineCounter
from metrica.nodes.counting.zone_counter import ZoneCounter

__all__ = ["LineCounter", "ZoneCounter"]
