"""Attacks by what stands in the body of a request."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Iterator

import msgpack

from benchmarks.hostile.notes import Notes
from benchmarks.hostile.target import Target, Until, bearer, event, events_body
from benchmarks.hostile.wire import ask

_JSON = {"Content-Type": "application/json"}
_GZIP = {"Content-Encoding": "gzip"}


def gzip_bomb(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """A few KB that unpack to millions of values, as msgpack and as JSON; from the issue, with variants."""
    bombs = [
        ("application/msgpack", b"\xdd" + (7_000_000).to_bytes(4, "big") + b"\xc0" * 7_000_000),
        ("application/msgpack", b"\xdd" + (2_000_000).to_bytes(4, "big") + b"\x91\x90" * 2_000_000),
        ("application/msgpack", b"\xdf" + (800_000).to_bytes(4, "big") + b"\xa1a\x90" * 800_000),
        ("application/msgpack", b"\x91" * 4_000_000),
        ("application/json", b"[" + b"[]," * 2_500_000 + b"[]]"),
        ("application/json", b'{"v":1,"store":"mine","events":[' + b"{}," * 2_500_000 + b"{}]}"),
        ("application/json", b'{"v":1,"store":"mine","events":["' + "\U0001f600".encode() * 1_900_000 + b'"]}'),
        ("application/json", b"[" * 7_000_000),
        ("application/json", bytes(30_000_000)),
    ]
    packed = [(kind, gzip.compress(body, 9)) for kind, body in bombs]
    packed.append(("application/json", gzip.compress(packed[5][1], 9)))
    del bombs
    yield  # the attack begins when all are made
    while until:
        for path in ("/v1/events", "/v1/watched"):
            for kind, body in packed:
                headers = bearer(target.own) | _GZIP | {"Content-Type": kind}
                answer = ask(target.ingest, "POST", path, headers=headers, body=body)
                notes.see(target, f"POST {path} bomb {kind}", answer, may=True)
                if answer.status == 200:
                    notes.remarks["answered with 200"] = notes.remarks.get("answered with 200", 0) + 1
                yield


def backward_spans(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """Thousands of spans of coverage, each before the one before: quadratic if they are looked up one by one."""
    base = time.time_ns() - 300 * 86_400 * 10**9
    number = 0
    while until:
        spans: list[dict[str, object]] = []
        for step in range(5000):
            start = base + (5000 - step) * 300 * 10**9 + number * 7 * 10**9
            spans.append({"camera": f"c{number % 3}", "start": start, "end": start + 10**9})
        body = gzip.compress(msgpack.packb({"v": 1, "store": "mine", "watched": spans}) or b"")
        headers = bearer(target.own) | _GZIP | {"Content-Type": "application/msgpack"}
        notes.see(
            target, "POST /v1/watched", ask(target.ingest, "POST", "/v1/watched", headers=headers, body=body), may=True
        )
        number += 1
        yield


def full_batches(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """The largest honest batches, of old and new days, one after the other: what one busy shop can ask for."""
    number = 0
    while until:
        old = time.time_ns() - random.randrange(400) * 86_400 * 10**9
        events = [event(n, time=old + n * 10**6, id=f"b/{number}/{n}/{old:x}") for n in range(5000)]
        body = gzip.compress(msgpack.packb({"v": 1, "store": "mine", "events": events}) or b"", 1)
        headers = bearer(target.own) | _GZIP | {"Content-Type": "application/msgpack"}
        notes.see(
            target, "POST /v1/events", ask(target.ingest, "POST", "/v1/events", headers=headers, body=body), may=True
        )
        for what in ("kpis", "heatmap", "daily?days=400"):
            path = f"/v1/stores/mine/{what}"
            notes.see(target, f"GET {path}", ask(target.ingest, "GET", path, headers=bearer(target.own)), may=True)
        number += 1
        yield


def huge_values(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """Ids of a megabyte, numbers of a thousand digits, NaN, nesting, wrong types, NUL, lone surrogates."""
    odd: list[object] = [
        "x" * 900_000, "", "\0", "\ud800", "\u202e" * 50, -1, 2**63, -(2**63) - 1, 10**1000, float("nan"),
        float("inf"), 1e308, True, None, [], {}, {"$ne": 1}, [[[[]]]], "in\nout", "é" * 200,
    ]  # fmt: skip
    fields = ("id", "camera", "line", "direction", "track", "time")
    while until:
        for value in odd:
            for name in fields:
                body = json.dumps({"v": 1, "store": "mine", "events": [event(1, **{name: value})]}).encode()
                headers = bearer(target.own) | _JSON
                answer = ask(target.ingest, "POST", "/v1/events", headers=headers, body=body)
                notes.see(target, f"POST /v1/events {name}={str(value)[:20]!r}", answer, may=True)
            for document in ({"v": value, "store": "mine", "events": []}, {"v": 1, "store": value, "events": value}):
                body = json.dumps(document).encode()
                answer = ask(target.ingest, "POST", "/v1/events", headers=bearer(target.own) | _JSON, body=body)
                notes.see(target, f"POST /v1/events {str(document)[:40]}", answer, may=True)
            yield


_INJECTIONS = [
    "'; DROP TABLE events; --",
    "' OR 1=1 --",
    '" OR ""="',
    "1); DELETE FROM stores; --",
    "%' UNION SELECT hash FROM tokens --",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{7*7}}",
    "${7*7}",
    "{%print(1)%}",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    "\t=1+1",
    "../../etc/passwd",
    "$(id)",
    "`id`",
    "; id",
    "%0d%0aSet-Cookie: a=b",
]


def injections(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """SQL, HTML, templates, formulas and shell words where a name may stand."""
    while until:
        for word in _INJECTIONS:
            headers = bearer(target.own) | _JSON
            for name in ("id", "camera", "line"):
                body = events_body("mine", [event(1, **{name: word})])
                answer = ask(target.ingest, "POST", "/v1/events", headers=headers, body=body)
                notes.see(target, f"POST /v1/events {word}", answer, may=True)
            quoted = "".join(f"%{byte:02x}" for byte in word.encode())
            for path in (f"/v1/stores/{quoted}/kpis", f"/v1/stores/mine/daily?days={quoted}"):
                answer = ask(target.ingest, "GET", path, headers=bearer(target.own))
                notes.see(target, f"GET {path}", answer, may=True)
                if "alert(1)" in answer.text and "json" not in answer.headers.get("content-type", ""):
                    notes.server_errors.append(f"unescaped in HTML: {path}")
            yield


def garbage(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """Our own generator: a valid body, with bytes changed, cut, doubled or put in, under every content type."""
    rng = random.Random(3)
    while until:
        document = {"v": 1, "store": "mine", "events": [event(n) for n in range(rng.randrange(4))]}
        kind = rng.choice(
            ["application/json", "application/msgpack", "text/plain", "application/x-www-form-urlencoded", ""]
        )
        body = bytearray(json.dumps(document).encode() if rng.random() < 0.5 else msgpack.packb(document) or b"")
        for _ in range(rng.randrange(6)):
            at = rng.randrange(len(body)) if body else 0
            change = rng.randrange(4)
            if change == 0 and body:
                body[at] = rng.randrange(256)
            elif change == 1:
                del body[at : at + rng.randrange(1, 9)]
            elif change == 2:
                body[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(9)))
            else:
                body += body[: rng.randrange(40)]
        sent = gzip.compress(bytes(body)) if rng.random() < 0.3 else bytes(body)
        headers = bearer(target.own) | {"Content-Type": kind}
        if rng.random() < 0.4:
            headers["Content-Encoding"] = rng.choice(["gzip", "deflate", "br", "gzip, gzip", "zstd", ""])
        path = rng.choice(["/v1/events", "/v1/watched"])
        notes.see(
            target, f"POST {path} garbage", ask(target.ingest, "POST", path, headers=headers, body=sent), may=True
        )
        yield
