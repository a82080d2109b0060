"""The figures as a table, as one JSON line, and as the generated section of docs/reliability.md."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date

from benchmarks.chaos.result import GOALS, Result, figures, meets, percentile
from benchmarks.harness import ROOT

PAGE = ROOT / "docs" / "reliability.md"
_BEGIN, _END = "<!-- {name}: written by {command} -->", "<!-- {name} end -->"


def table(results: Sequence[Result]) -> str:
    """For people: a line for each scenario, then the figures."""
    by_scenario: dict[str, list[Result]] = {}
    for result in results:
        by_scenario.setdefault(result.scenario, []).append(result)
    lines = [f"{'scenario':<10}{'faults':>8}{'walks':>8}{'lost':>6}{'twice':>6}{'phantom':>8}  recovery p95  seconds"]
    for scenario, found in by_scenario.items():
        times = [s for r in found for s in (r.recoveries or r.camera_back)]
        p95 = percentile(times, 95)
        lines.append(
            f"{scenario:<10}{sum(r.faults for r in found):>8}{sum(r.certain for r in found):>8}"
            f"{sum(r.lost for r in found):>6}{sum(r.doubled for r in found):>6}{sum(r.phantoms for r in found):>8}"
            f"  {'-' if p95 is None else f'{p95:.1f} s':>12}  {sum(r.seconds for r in found):.0f}"
        )
        lines += [f"    {key}: {json.dumps(value)}" for r in found for key, value in r.detail.items()]
        lines += [f"    NOT AS PROMISED: {problem}" for r in found for problem in r.problems]
    made = figures(results)
    for name, value in made.items():
        how, goal = GOALS[name]
        state = "not measured" if value is None else "ok" if meets(name, value) else "NOT MET"
        lines.append(f"{name:<28}{'-' if value is None else value:>10}  goal {how} {goal:g}  {state}")
    return "\n".join(lines)


def json_line(results: Sequence[Result]) -> str:
    """For programs: the figures, and what each scenario found."""
    detail: dict[str, dict[str, object]] = {}
    for result in results:
        one = detail.setdefault(result.scenario, {"faults": 0, "lost": 0, "doubled": 0, "phantoms": 0, "problems": []})
        for key in ("faults", "lost", "doubled", "phantoms"):
            one[key] = int(str(one[key])) + int(getattr(result, key))
        problems = one["problems"]
        assert isinstance(problems, list)
        problems += result.problems
    return json.dumps({**figures(results), "scenarios": detail})


def write_docs(name: str, command: str, rows: Mapping[str, tuple[str, str]]) -> None:
    """Replace a generated section of the page. rows: figure -> (value, goal)."""
    begin, end = _BEGIN.format(name=name, command=command), _END.format(name=name)
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(f"<!-- {name}: written by ")
    _, _, after = rest.partition(end)
    if not rest or not after:
        raise ValueError(f"{PAGE} has no section {name!r}")
    made = [begin, "", f"Measured on {date.today().isoformat()} with `{command}`.", "", "| figure | value | goal |"]
    made += ["|---|---|---|", *(f"| `{key}` | {value} | {goal} |" for key, (value, goal) in rows.items()), "", end]
    PAGE.write_text(before + "\n".join(made) + after, "utf-8")


def chaos_rows(results: Sequence[Result]) -> dict[str, tuple[str, str]]:
    """The figures as rows of the page."""
    return {
        name: ("not measured yet" if value is None else f"{value:g}", " ".join((GOALS[name][0], f"{GOALS[name][1]:g}")))
        for name, value in figures(results).items()
    }
