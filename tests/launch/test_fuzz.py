"""Whatever is done to a launch file, the answer is a graph or a list of mistakes at places that exist."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.launch.reading.load import LaunchFileError, load

BAD = Path(__file__).parent / "bad"
FILES = sorted(BAD.glob("*.yaml"))
PIECES = ["{", "}", "[", "]", ": ", ":", "- ", "\n", "  ", "\t", "'", '"', "$(", ")", "$(env X)", "$(camera.uri)", "#"]
MORE = [
    "&a ",
    "*a",
    "!t ",
    "---",
    "null",
    "~",
    "/",
    "*",
    "è",
    "باب",
    "\x85",
    "\u2028",
    "%",
    "@",
    "|",
    ">",
    "? ",
    "<<",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file of the collection with pieces put in, and some of it taken out."""
    text = draw(st.sampled_from(FILES)).read_bytes().decode("utf-8", "replace")
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(text))), draw(st.integers(0, 8))
        text = text[:at] + draw(st.sampled_from([*PIECES, *MORE]) | st.text(max_size=3)) + text[at + length :]
    return text.encode("utf-8", "surrogatepass")


@settings(max_examples=150, deadline=None)
@given(data=damaged(), override=st.none() | st.text(max_size=12).map(lambda text: f"capture.uri={text}"))
def test_a_damaged_file_is_read_or_refused_with_places(data: bytes, override: str | None) -> None:
    before = list(sys.path)
    sys.path.insert(0, str(BAD))
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "store.yaml"
            path.write_bytes(data)
            load(str(path), overrides=[override] if override else [], run_dir=Path("/run/x"), environment={"X": "1"})
    except LaunchFileError as error:
        for problem in error.problems.sorted():
            source = problem.place.source
            assert -1 <= problem.place.line <= len(source.lines)
            assert str(problem).startswith(problem.place.describe())
            assert "\x1b" not in str(problem)
    finally:
        sys.path[:] = before
