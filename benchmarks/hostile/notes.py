"""What an attack has seen, and whether it had any right to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.hostile.target import Target
from benchmarks.hostile.wire import Answer

_OPEN = ("/login", "/healthz", "/openapi.json", "/assets/", "/language", "/favicon")
"""What anybody may see."""
_KEPT = 12
_HONEST = (501, 503, 505)
"""A transfer encoding or a version of HTTP that the server does not know; a server that is busy and says so."""


@dataclass
class Notes:
    """The findings of one attack."""

    attack: str
    requests: int = 0
    statuses: dict[str, int] = field(default_factory=dict[str, int])
    server_errors: list[str] = field(default_factory=list[str])
    successes: list[str] = field(default_factory=list[str])
    """Answers with data to somebody without a right to them."""
    leaks: list[str] = field(default_factory=list[str])
    not_json: list[str] = field(default_factory=list[str])
    slowest: float = 0.0
    remarks: dict[str, Any] = field(default_factory=dict[str, Any])

    def see(self, target: Target, what: str, answer: Answer, *, may: bool, api: bool = True) -> None:
        """Judge an answer. may: the sender has a right to it (of its own shop). api: errors have to be JSON."""
        self.requests += 1
        self.statuses[str(answer.status)] = self.statuses.get(str(answer.status), 0) + 1
        self.slowest = max(self.slowest, answer.seconds)
        short = f"{what[:160]!r} -> {answer.status} {answer.text[:80]!r}"
        if answer.status >= 500 and answer.status not in _HONEST:
            _add(self.server_errors, short)
        if not may and 200 <= answer.status < 300 and not _is_open(what):
            _add(self.successes, short)
        if any(canary in answer.text for canary in target.canaries):
            _add(self.leaks, short)
        if api and answer.status >= 400 and answer.body and not answer.is_json:
            _add(self.not_json, short)

    def as_json(self) -> str:
        return json.dumps(asdict(self))


def _add(kept: list[str], what: str) -> None:
    if len(kept) < _KEPT:
        kept.append(what)
    else:
        kept[-1] = f"… and more, the last: {what}"[:300]


def _is_open(what: str) -> bool:
    path = what.split(" ", 1)[-1]
    return path.startswith(_OPEN)
