"""Detectors: model cards, finding and fetching their files, decoders, and networks ready to run.

`metrica.models.network` (which loads OpenVINO) and `metrica.models.pull` (which loads urllib3) are imported by name
where they are needed; this package alone is light.

OpenVINO reports each import of itself to its makers' Google Analytics, through a package of its own. A shop's box must
not report anything to anybody unasked, so importing that package is blocked here, before OpenVINO is imported; OpenVINO
then works without it.
"""

import sys
from types import ModuleType
from typing import cast

from metrica.models.card import Card, Thresholds, Variant, read_card
from metrica.models.choice import remark
from metrica.models.errors import DeviceError, MissingFileError, ModelError
from metrica.models.library import Model, find_card, find_model, have, list_cards

sys.modules.setdefault("openvino_telemetry", cast(ModuleType, None))

__all__ = [
    "Card",
    "DeviceError",
    "MissingFileError",
    "Model",
    "ModelError",
    "Thresholds",
    "Variant",
    "find_card",
    "find_model",
    "have",
    "list_cards",
    "read_card",
    "remark",
]
