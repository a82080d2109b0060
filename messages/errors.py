"""The root of Metrica's exceptions, here because messages import nothing else of ours.

The whole tree is drawn in `metrica.errors`.
"""


class MetricaError(Exception):
    """Every error that Metrica raises on purpose; its text is one sentence for a person to act on."""


class DecodeError(MetricaError):
    """Bytes that are not a message: garbage, cut short, of an unknown type, or with a field of the wrong type."""
