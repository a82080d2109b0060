"""From detections to tracks: the same person keeps the same id for a few seconds."""

from metrica.nodes.tracking.bytetrack import ByteTrack
from metrica.nodes.tracking.node import TrackerNode
from metrica.nodes.tracking.ocsort import OcSort
from metrica.nodes.tracking.sort import Sort
from metrica.nodes.tracking.tracker import TrackedBoxes, Tracker

__all__ = ["ByteTrack", "OcSort", "Sort", "TrackedBoxes", "Tracker", "TrackerNode"]
