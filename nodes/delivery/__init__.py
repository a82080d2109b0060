"""From the box to the server: events and coverage, each once."""

from metrica.nodes.delivery.uploader import Uploader
from metrica.nodes.delivery.watching_uploader import WatchingUploader

__all__ = ["Uploader", "WatchingUploader"]
