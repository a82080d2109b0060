"""From the box to others: to the server events and coverage, each once; to a broker what is counted."""

from metrica.nodes.delivery.mqtt import Mqtt
from metrica.nodes.delivery.uploader import Uploader
from metrica.nodes.delivery.watching_uploader import WatchingUploader

__all__ = ["Mqtt", "Uploader", "WatchingUploader"]
