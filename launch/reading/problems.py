"""The mistakes in a launch file: collected, sorted by place, and shown all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from metrica.launch.reading.source import Place, hide_passwords
from metrica.params import closest
from metrica.secrets import hide

_HINT = ": did you mean "


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a launch file; its text is what the launcher prints."""

    place: Place
    """Where the mistake is."""
    message: str
    """What is wrong, in one sentence."""
    hint: str = ""
    """What to do, printed behind the caret; may be empty."""
    may_pass: bool = False
    """Whether what is missing may come by itself."""

    def __str__(self) -> str:
        lines = [f"{self.place.describe()}: error: {hide(hide_passwords(self.message))}"]
        return "\n".join(lines + self.place.excerpt(hide(hide_passwords(self.hint))))


class Problems:
    """Collects problems. A problem that occurs once for each of many cameras is kept once."""

    def __init__(self) -> None:
        self._found: dict[tuple[Place, str], Problem] = {}
        self.passing: list[str] = []
        """What is missing now but may come by itself, such as a file on a disk that is not mounted yet: no mistake."""

    def add(self, place: Place, message: str, hint: str = "", *, may_pass: bool = False) -> None:
        """Add a problem. A hint at the end of the message (`…: did you mean 'x'?`) is moved behind the caret.

        may_pass: a start is no mistake nevertheless, because what is missing may come.
        """
        if may_pass and hide_passwords(message) not in self.passing:
            self.passing.append(hide_passwords(message))
        if not hint and _HINT in message:
            message, _, rest = message.rpartition(_HINT)
            hint = _HINT.removeprefix(": ") + rest
        self._found.setdefault((place, message), Problem(place, message, hint, may_pass))

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def forbid_start(self) -> bool:
        """Whether there is a mistake, and not only something that may come by itself."""
        return not all(problem.may_pass for problem in self._found.values())

    def sorted(self) -> list[Problem]:
        """The problems in the order of their places; those of `--set` arguments come after those of the file."""
        return sorted(self._found.values(), key=lambda p: (p.place.source.argument, p.place.line, p.place.column))

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.sorted())


def suggest(word: str, candidates: Sequence[str]) -> str:
    """The hint `did you mean 'x'?` if a candidate is similar to the word, else an empty text."""
    near = closest(word, candidates)
    return f"did you mean '{near}'?" if near else ""


def nearest(word: str, candidates: Sequence[str]) -> str | None:
    """The most similar candidate, even if it is not very similar; None if there are no candidates."""
    found = get_close_matches(word, candidates, n=1, cutoff=0.0)
    return found[0] if found else None
