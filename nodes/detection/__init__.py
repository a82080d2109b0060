"""From frames to detections: the people in each picture, found by OpenVINO."""

from metrica.nodes.detection.openvino_detector import OpenvinoDetector

__all__ = ["OpenvinoDetector"]
