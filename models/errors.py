"""The error of this package. It stands alone: model cards know nothing of the graph, nor of its exceptions."""

from __future__ import annotations


class ModelError(Exception):
    """A model that cannot be found, read, fetched or used; the text is one sentence that says what to do."""
