"""From the box to the server: events and coverage, each once, and how the box is."""

from metrica.nodes.delivery.box_reporter import BoxReporter
from metrica.nodes.delivery.uploader import Uploader
from metrica.nodes.delivery.watching_uploader import WatchingUploader

__all__ = ["BoxReporter", "Uploader", "WatchingUploader"]
