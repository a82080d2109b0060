"""From detections to tracks: a person keeps one id from frame to frame, as long as they are in the picture."""

from metrica.nodes.tracking.bytetrack import ByteTrack
from metrica.nodes.tracking.node import TrackerNode
from metrica.nodes.tracking.ocsort import OcSort
from metrica.nodes.tracking.sort import Sort
from metrica.nodes.tracking.tracker import TrackedBoxes, Tracker, usable

__all__ = ["ByteTrack", "OcSort", "Sort", "TrackedBoxes", "Tracker", "TrackerNode", "usable"]
