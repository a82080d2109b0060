"""Detectors: model cards, finding and fetching their files, decoders, and networks ready to run.

`metrica.models.network` (which loads OpenVINO) and `metrica.models.pull` (which loads urllib3) are imported by name
where they are needed; this package alone is light.
"""

from metrica.models.card import Card, Thresholds, Variant, read_card
from metrica.models.choice import remark
from metrica.models.errors import ModelError
from metrica.models.store import Model, find_card, find_model, have, list_cards

__all__ = [
    "Card",
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
