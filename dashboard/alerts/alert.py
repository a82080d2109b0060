"""An alert, and which of them began or ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal[
    "camera_blind", "box_silent", "nothing_uploaded", "disk_low", "count_zero", "certificate_ends", "token_ends"
]
"""What an alert is about."""
KINDS: tuple[Kind, ...] = get_args(Kind)

Key = tuple[str, str, str]
"""Store, kind and subject: of two alerts with the same key only one is on."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody should see to."""

    store: str
    """The id of the store; empty for the server itself."""
    kind: Kind
    """What it is about."""
    subject: str
    """The box, camera or token; empty for the store."""
    since: int
    """When it began, ns UTC."""
    facts: Mapping[str, int | str] = field(default_factory=dict[str, int | str])
    """What its sentence says besides."""

    @property
    def key(self) -> Key:
        return (self.store, self.kind, self.subject)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule has found."""

    alert: Alert
    begins: bool
    """Whether it is bad enough, at a time at which it matters, to begin an alert. If not, it keeps one on."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs from before."""

    begun: list[Alert]
    """The alerts that were not on before."""
    over: list[Alert]
    """The alerts that were on and are over, as they began."""


def changes(on: Mapping[Key, Alert], findings: Iterable[Finding]) -> Changes:
    """Compare what was found with the alerts that are on. on: by their keys."""
    found = {finding.alert.key: finding for finding in findings}
    begun = [finding.alert for key, finding in found.items() if finding.begins and key not in on]
    return Changes(begun, [alert for key, alert in on.items() if key not in found])
