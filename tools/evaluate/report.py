"""The report of `metrica-eval`: as text for people, and as one JSON object for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from metrica.tools.evaluate.match import Evaluation, Interval, Score, TimedCrossing
from metrica.tools.evaluate.mot import MotScores


def as_text(result: Evaluation, clip: str, tolerance: float, watched: float | None) -> str:
    """The scores in a table and every mistake with its time. watched: seconds that somebody looked at."""
    looked = f", {clock(watched)} of it watched" if watched is not None else ""
    rows = [
        f"{clip}: same line and direction within {tolerance:g} s{looked}",
        "       labelled  counted  right  precision (95 %)         recall (95 %)            F1       total error",
    ]
    for name in ("in", "out", "all"):
        s = result.scores[name]
        rows.append(
            f"  {name:4} {s.labelled:8d} {s.counted:8d} {s.right:6d}  "
            f"{_rate(s.precision, s.precision_interval):24} {_rate(s.recall, s.recall_interval):24} "
            f"{_percent(s.f1):8} {_signed(s.total_error)}"
        )
    if result.mean_delay is not None:
        late = "later" if result.mean_delay >= 0 else "earlier"
        rows.append(f"counted {abs(result.mean_delay):.2f} s {late} than labelled, on average")
    for title, events in (("missed", result.missed), ("extra", result.extra)):
        rows += [f"{title:6}  {moment(e)}" for e in events]
    if not (result.missed or result.extra):
        rows.append("no mistakes")
    return "\n".join(rows) + "\n"


def as_json(result: Evaluation, clip: str, tolerance: float) -> dict[str, Any]:
    """The scores as JSON: rates from 0 to 1 (null if there is nothing to divide by), times in seconds."""
    return {
        "clip": clip,
        "tolerance": tolerance,
        "scores": {name: _score(s) for name, s in result.scores.items()},
        "mean_delay": result.mean_delay,
        "missed": [asdict(e) for e in result.missed],
        "extra": [asdict(e) for e in result.extra],
    }


def mot_text(name: str, s: MotScores) -> str:
    """The MOT scores of one sequence."""
    return (
        f"{name}: HOTA {s.hota:.2f}  DetA {s.det_a:.2f}  AssA {s.ass_a:.2f}  MOTA {s.mota:.2f}  IDF1 {s.idf1:.2f}  "
        f"IDSW {s.id_switches}  (TP {s.true_positives}, FP {s.false_positives}, FN {s.false_negatives})\n"
    )


def moment(event: TimedCrossing) -> str:
    """A crossing as text, such as `0:18.8 in at main`."""
    return f"{clock(event.time)} {event.direction} at {event.line}"


def clock(seconds: float) -> str:
    """A time in seconds as text, such as 1:02:03.5."""
    tenths = round(seconds * 10)
    hours, minutes, rest = tenths // 36000, tenths // 600 % 60, tenths % 600
    start = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{start}:{rest // 10:02d}.{rest % 10}"


def _score(s: Score) -> dict[str, Any]:
    return {
        "labelled": s.labelled,
        "counted": s.counted,
        "right": s.right,
        "precision": s.precision,
        "precision_interval": s.precision_interval,
        "recall": s.recall,
        "recall_interval": s.recall_interval,
        "f1": s.f1,
        "total_error": s.total_error,
    }


def _rate(value: float | None, interval: Interval) -> str:
    low, high = interval
    return f"{_percent(value)} ({100 * low:.1f} to {100 * high:.1f})" if value is not None else "-"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:+.1f} %"
