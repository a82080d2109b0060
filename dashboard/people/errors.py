"""The errors of who may do what. Each message is one sentence for who asked.

MetricaError
└── AccessError             whoever asks gets no answer
    ├── UnknownError            there is no such thing, or it is not theirs: nobody can tell which
    └── ForbiddenError          they have it, but not the right
"""

from __future__ import annotations

from metrica.messages import MetricaError


class AccessError(MetricaError):
    """Whoever asks may not have it."""


class UnknownError(AccessError):
    """There is no such store, user or token for whoever asks; the same whether it is another's, or not there."""


class ForbiddenError(AccessError):
    """Whoever asks has the store, but not the right."""
