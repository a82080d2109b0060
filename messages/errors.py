"""The root of Metrica's exceptions, and the one that decoding raises. `metrica.errors` shows the whole tree.

They are here because this package imports no other package of Metrica.
"""


class MetricaError(Exception):
    """The base of all errors that Metrica raises on purpose. Its text is one sentence that says what to do."""


class DecodeError(MetricaError):
    """Bytes are not a message: they are random, cut short, of an unknown type, or a field has the wrong type."""
