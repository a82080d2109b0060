"""Predicates on line segments, for checking the points of lines and the corners of zones."""

from __future__ import annotations

Point = tuple[float, float]
"""x and y, pixels."""


def segments_intersect(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the segments ab and cd share a point; touching at an end counts.

    The usual test by orientation: each segment has the ends of the other on different sides, or an end lies on it.
    """
    abc, abd, cda, cdb = _orientation(a, b, c), _orientation(a, b, d), _orientation(c, d, a), _orientation(c, d, b)
    if (abc > 0) != (abd > 0) and (cda > 0) != (cdb > 0) and 0 not in (abc, abd, cda, cdb):
        return True
    ends = ((abc, a, b, c), (abd, a, b, d), (cda, c, d, a), (cdb, c, d, b))
    return any(orientation == 0 and _in_bounding_box(p, q, r) for orientation, p, q, r in ends)


def turns_back(a: Point, b: Point, c: Point) -> bool:
    """Whether the segment bc runs back over the segment ab: the path a, b, c makes a turn of 180 degrees at b."""
    return _orientation(a, b, c) == 0 and (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) < 0


def _orientation(p: Point, q: Point, r: Point) -> float:
    """Cross product of pq and pr: 0 if the three points lie on one line; its sign is the side of pq that r is on."""
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def _in_bounding_box(p: Point, q: Point, r: Point) -> bool:
    """Whether r lies in the bounding box of the segment pq."""
    return min(p[0], q[0]) <= r[0] <= max(p[0], q[0]) and min(p[1], q[1]) <= r[1] <= max(p[1], q[1])
