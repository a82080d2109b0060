"""From the box to others: to the server events and coverage, each once, and how it is; to a broker what is counted."""

from metrica.nodes.delivery.box_reporter import BoxReporter
from metrica.nodes.delivery.mqtt import Mqtt
from metrica.nodes.delivery.uploader import Uploader
from metrica.nodes.delivery.watching_uploader import WatchingUploader

__all__ = ["BoxReporter", "Mqtt", "Uploader", "WatchingUploader"]
