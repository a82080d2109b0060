"""The secrets that this process knows. There is one list, because a library may log anything that it was given."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from metrica.secrets.forms import pattern

HIDDEN = "***"
"""What stands in the place of a secret."""
SHORTEST = 4
"""Letters that a secret must have to be hidden wherever it stands. A shorter one would take letters out of every word,
and the holes would spell it: it is hidden where it is the whole value of a field, and inside its address."""
_LONGEST = 256  # a longer secret is hidden in parts, because its pattern would be slow
# What no reader of ours has parsed: an address that a camera or a server has made up, a header that a library quotes.
_UNPARSED = re.compile(r"(?<=\w://)[^\s\"]*(?=@)|(?i:(?<=bearer )|(?<=basic ))[\w.~+/=-]{4,}")


class _Registry:
    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may log, too
        self._secrets: dict[str, Callable[[], str]] = {}
        self._suspects: dict[str, Callable[[], str]] = {}
        self._compiled: dict[str, re.Pattern[str]] = {}
        self._stale = False
        self.short: frozenset[str] = frozenset()

    def add(self, new: Mapping[str, Callable[[], str]]) -> None:
        if new.keys() <= self._secrets.keys():
            return
        with self._lock:
            self._secrets = {**self._secrets, **new}
            self._stale = True

    def suspect(self, new: Mapping[str, Callable[[], str]]) -> None:
        with self._lock:
            self._suspects, self._stale = dict(new), True

    def found(self) -> Iterable[re.Pattern[str]]:
        """A pattern for each secret, the longest first: the shorter one may be a part of it."""
        if self._stale:
            with self._lock:
                known = {**self._suspects, **self._secrets}
                self._compiled = {
                    text: self._compiled.get(text) or re.compile(known[text]())
                    for text in sorted(known, key=len, reverse=True)
                }
                self._stale = False
        return self._compiled.values()


_known = _Registry()


def register(secret: object, *, before: str = "") -> None:
    """Hide this text from now on, in all that this process logs. An empty text changes nothing.

    Args:
        secret: The secret; of a list or mapping, each value in it.
        before: What stands behind it. Where that follows, a short secret is hidden too.
    """
    for text in _texts(secret):
        if before:
            _known.add({f"{text}{before}": partial(_pattern_before, text, before)})
        elif len(text) < SHORTEST:
            _known.short |= {text}
        else:
            _known.add(_parts(text))


def suspect(values: object) -> None:
    """Hide all these texts too until the next call: those of a node whose class, which says which are secret, is not
    loaded yet."""
    _known.suspect({key: make for text in _texts(values) for key, make in _parts(text).items()})


def forget_all() -> None:
    """Forget every secret; for tests."""
    _known.__init__()  # type: ignore[misc]


def hide(text: str, *, keep_length: bool = False) -> str:
    """The text without secrets: `***` in their place, or with `keep_length` one `*` for each of their letters."""

    def stars(found: re.Match[str]) -> str:
        return "*" * len(found[0]) if keep_length else HIDDEN

    for found in _known.found():
        text = found.sub(stars, text)
    return text if keep_length else _UNPARSED.sub(HIDDEN, text)


def hide_value(value: Any, _depth: int = 0) -> Any:
    """A value of a log record without secrets, as JSON knows values: what JSON does not know becomes a text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping) and _depth < 8:
        return {hide(str(k)): hide_value(v, _depth + 1) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, (list, tuple, set, frozenset)) and _depth < 8:
        return [hide_value(item, _depth + 1) for item in value]  # pyright: ignore[reportUnknownVariableType]
    text = str(value)
    shown = HIDDEN if text in _known.short else hide(text)
    # Any number of ours fits a float or an int; a subclass may print itself in its own way.
    return value if shown == text and type(value) in (int, float) else shown


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, Mapping):
        for item in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from _texts(item)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _texts(item)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, bytes):
        yield from _texts(value.decode("utf-8", "surrogateescape"))
    elif value is not None and not isinstance(value, bool):
        text = str(value)
        if text.strip("*"):
            yield text


def _pattern_before(text: str, before: str) -> str:
    return f"(?:{pattern(text)})(?={pattern(before)})"


def _parts(text: str) -> dict[str, Callable[[], str]]:
    """The secret and, if it has several lines, each of them: whoever prints line by line tears it apart."""
    found: dict[str, Callable[[], str]] = {}
    for line in {text, text.strip(), *text.splitlines()}:
        parts = [line[at : at + _LONGEST] for at in range(0, len(line), _LONGEST)]
        found.update({part: partial(pattern, part) for part in parts if len(part) >= SHORTEST and part.strip("*")})
    return found
