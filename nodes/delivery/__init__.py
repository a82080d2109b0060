"""From the box to others: events and coverage to the server, each once, and how the box is; to a broker what counts."""

from metrica.nodes.delivery.box_reporter import BoxReporter
from metrica.nodes.delivery.mqtt import Mqtt
from metrica.nodes.delivery.uploader import Uploader
from metrica.nodes.delivery.watching_uploader import WatchingUploader

__all__ = ["BoxReporter", "Mqtt", "Uploader", "WatchingUploader"]
