"""From the box to the server: events and coverage, each once."""

from metrica.nodes.delivery.uploader import Uploader, WatchingUploader

__all__ = ["Uploader", "WatchingUploader"]
