"""Do two straight pieces of the plane meet? For the checks of lines and zones."""

from __future__ import annotations

Point = tuple[float, float]


def meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Do the segments ab and cd share a point?"""
    abc, abd, cda, cdb = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if (abc > 0) != (abd > 0) and (cda > 0) != (cdb > 0) and 0 not in (abc, abd, cda, cdb):
        return True
    touching = ((abc, a, b, c), (abd, a, b, d), (cda, c, d, a), (cdb, c, d, b))
    return any(turn == 0 and _within(p, q, r) for turn, p, q, r in touching)


def folds(a: Point, b: Point, c: Point) -> bool:
    """Does the way from a to b to c go back over itself?"""
    return _turn(a, b, c) == 0 and (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) < 0


def _turn(p: Point, q: Point, r: Point) -> float:
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def _within(p: Point, q: Point, r: Point) -> bool:
    return min(p[0], q[0]) <= r[0] <= max(p[0], q[0]) and min(p[1], q[1]) <= r[1] <= max(p[1], q[1])
