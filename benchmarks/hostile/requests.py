"""Attacks by who asks for what: tokens, cookies, passwords, paths, headers, forged states of a page."""

from __future__ import annotations

import json
import random
import urllib.parse
from collections.abc import Iterator

from benchmarks.hostile.notes import Notes
from benchmarks.hostile.target import Target, Until, bearer, event, events_body, log_in
from benchmarks.hostile.wire import ask, raw

_JSON = {"Content-Type": "application/json"}


def tokens(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """No token, a revoked one, one of another shop, and things that look like one, on every endpoint that is listed."""
    listed = json.loads(ask(target.ingest, "GET", "/openapi.json").body)["paths"]
    bad = [
        "", target.revoked, target.own[:-1], target.own + "x", target.own.upper(), target.own.swapcase(), "null", "a",
        "*", "' OR 1=1 --", "\xe9" * 20, "Bearer", target.own.encode().hex(), "x" * 5000,
    ]  # fmt: skip
    while until:
        for path, methods in listed.items():
            for method in methods:
                theirs = path.replace("{store}", "theirs")
                body = events_body("theirs", [event(1, camera="forged")]) if method == "post" else b""
                if "watched" in path:
                    body = json.dumps({"v": 1, "store": "theirs", "watched": []}).encode()
                what = f"{method.upper()} {theirs}"
                for token in bad:
                    headers = _JSON | {"Authorization": f"Bearer {token}", "X-Forwarded-For": "192.0.2.1"}
                    answer = ask(target.ingest, method.upper(), theirs, headers=headers, body=body)
                    notes.see(target, what, answer, may=False)
                answer = ask(target.ingest, method.upper(), theirs, headers=_JSON | bearer(target.own), body=body)
                # With the token of its own shop: whatever names a shop must refuse; /metrics names none.
                notes.see(target, what, answer, may="{store}" not in path and method != "post")
                if 200 <= answer.status < 300 and ("{store}" in path or method == "post"):
                    notes.leaks.append(f"{what} with another shop's token -> {answer.status}")
            yield
        for scheme in ("Basic", "bearer", "Token", "Digest", "BEARER BEARER"):
            headers = {"Authorization": f"{scheme} {target.revoked}"}
            notes.see(
                target, f"GET {scheme}", ask(target.ingest, "GET", "/v1/stores/theirs", headers=headers), may=False
            )
        yield


def wrong_passwords(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """Twenty wrong passwords in a row from one address, then from the next; the owner logs in from elsewhere."""
    number = 0
    while until:
        source = f"127.0.1.{number % 200 + 1}"
        for _ in range(20):
            answer, _ = log_in(target.dashboard, f"wrong-{number}", source=source)
            notes.see(target, "POST /signin", answer, may=False, api=False)
            if answer.status == 429:
                notes.remarks["throttled"] = notes.remarks.get("throttled", 0) + 1
            number += 1
            yield


def cookies_after_logout(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """A cookie that was copied before logging out, cookies that are changed, and none at all."""
    while until:
        answer, cookie = log_in(target.dashboard, target.password, source="127.0.0.9")
        page = ask(target.dashboard, "GET", "/session", headers={"Cookie": cookie}, source="127.0.0.9")
        if page.status != 200:
            notes.remarks["logins that failed"] = notes.remarks.get("logins that failed", 0) + 1
            yield
            continue
        layout = ask(target.dashboard, "GET", "/_dash-layout", headers={"Cookie": cookie}, source="127.0.0.9")
        csrf = layout.text.partition('"value":"')[2].partition('"')[0] if '"csrf"' in layout.text else ""
        found = _csrf(layout.text) or csrf
        form = urllib.parse.urlencode({"csrf": found}).encode()
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        ask(target.dashboard, "POST", "/logout", headers=headers, body=form, source="127.0.0.9")
        forged = [cookie, cookie[:-1], cookie + "x", cookie.replace(".", ""), "", f"{cookie}; {cookie}", "session=1"]
        for each in forged:
            for path in ("/session", "/_dash-layout", "/_dash-dependencies", "/"):
                answer = ask(
                    target.dashboard, "GET", path, headers={"Cookie": each} if each else {}, source="127.0.0.9"
                )
                notes.see(target, f"GET {path}", answer, may=False, api=False)
        yield


def _csrf(layout: str) -> str:
    """The token of the form in a page's layout."""
    try:
        todo = [json.loads(layout)]
    except ValueError:
        return ""
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            if node.get("name") == "csrf" and isinstance(node.get("value"), str):
                return str(node["value"])
            todo += list(node.values())
        elif isinstance(node, list):
            todo += node
    return ""


def forged_updates(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """`_dash-update-component` with outputs, inputs and states that no page of ours sends; with and without a login."""
    rng = random.Random(5)
    _, cookie = log_in(target.dashboard, target.password, source="127.0.0.10")
    headers = {"Cookie": cookie} | _JSON
    listed = ask(target.dashboard, "GET", "/_dash-dependencies", headers=headers, source="127.0.0.10")
    callbacks = json.loads(listed.body) if listed.is_json and isinstance(json.loads(listed.body), list) else []
    odd: list[object] = [
        None, "", "theirs", "nowhere", "' OR 1=1 --", "<script>", -1, 10**30, 1e308, [], {}, ["theirs"] * 1000, True,
        {"type": "x", "index": "ALL"}, "x" * 100_000, "2026-13-45", "\ud800",
    ]  # fmt: skip
    while until:
        for callback in callbacks or [{"output": "page.children", "inputs": [], "state": []}]:
            made: dict[str, object] = {"output": callback["output"], "changedPropIds": []}
            ids = [part.rsplit(".", 1) for part in callback["output"].strip(".").split("...")]
            outputs = [{"id": part[0], "property": part[-1].split("@")[0]} for part in ids]
            made["outputs"] = outputs if len(outputs) > 1 else outputs[0]
            for kind in ("inputs", "state"):
                made[kind] = [each | {"value": rng.choice(odd)} for each in callback.get(kind, [])]
            change = rng.randrange(6)
            if change == 0:
                made["output"] = rng.choice(odd)
            elif change == 1:
                made.pop(rng.choice(list(made)))
            elif change == 2:
                made["inputs"] = rng.choice(odd)
            elif change == 3:
                made["outputs"] = rng.choice(odd)
            body = json.dumps(made).encode()
            path = "/_dash-update-component"
            answer = ask(target.dashboard, "POST", path, headers=headers, body=body, source="127.0.0.10")
            notes.see(target, f"POST {path} {body[:100]!r}", answer, may=True, api=False)
            answer = ask(target.dashboard, "POST", path, headers=_JSON, body=body, source="127.0.0.11")
            notes.see(target, f"POST {path}", answer, may=False, api=False)
            yield


_PATHS = [
    "/..",
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/assets/../../../etc/passwd",
    "/assets/%2e%2e/%2e%2e/app.py",
    "//",
    "//evil.example/",
    "/\\evil.example",
    "/%00",
    "/v1/stores/%00/kpis",
    "/v1/stores/theirs%2fkpis",
    "/v1//events",
    "/v1/stores/mine/../theirs/kpis",
    "/v1/stores/mine%2f..%2ftheirs/kpis",
    "/V1/EVENTS",
    "/v1/events/",
    "/v1/events;x=1",
    "/v1/stores/theirs/kpis?store=mine",
    "/v1/stores/mine/kpis?store=theirs",
    "/%ff%fe",
    "/" + "a" * 7000,
    "/" + "%41" * 2000,
    "/?" + "&".join(f"a{n}=1" for n in range(2000)),
    "/_dash-component-suites/../../app.py",
    "/_reload-hash",
    "/_dash-layout",
    "/_dash-dependencies",
    "/_favicon.ico",
    "/metrics",
    "/session",
    "/.git/config",
    "/.env",
    "/journal.db",
    "/metrica.db",
    "http://evil.example/",
    "*",
    "/v1/stores/\xe9/kpis",
    "/login/../session",
    "/login%2f..%2fsession",
    "/healthz/../metrics",
]


def paths(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """Paths that climb, double, escape or hide, on both servers and with every method, with no right at all."""
    methods = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PATCH", "BREW", "get"]
    rng = random.Random(7)
    while until:
        for path in _PATHS:
            for port in (target.ingest, target.dashboard):
                method = rng.choice(methods)
                data = f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.7\r\nConnection: close\r\n\r\n"
                answer = raw(port, data.encode("latin-1"), method=method, source="127.0.0.12")
                notes.see(target, f"{method} {path}", answer, may=method == "OPTIONS", api=port == target.ingest)
            yield


def _heads(token: str) -> list[bytes]:
    post = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token.encode() + b"\r\n"
    get = b"GET /v1/stores/mine HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    return [
        post + b"Expect: \xe9\r\nContent-Length: 0\r\n\r\n",
        post + b"Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        post + b"Expect: " + b"x" * 4000 + b"\r\nContent-Length: 0\r\n\r\n",
        post + b"Expect:\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
        post + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        post + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\nhello\r\n0\r\n\r\n",
        post + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        post + b"Transfer-Encoding: xchunked\r\n\r\n",
        post + b"Content-Length: -1\r\n\r\n",
        post + b"Content-Length: 99999999999999999999\r\n\r\n",
        post + b"Content-Length: \xb2\r\n\r\n",
        post + b"Content-Type: application/json; charset=\xe9\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        post + b"Content-Encoding: \xe9\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        get + b"Authorization: Bearer \x00\r\n\r\n",
        get + b"Authorization: Bearer a\x0bb\r\n\r\n",
        get + b"Authorization: Bearer \xff\xfe\r\n\r\n",
        get + b"Authorization: " + b"Bearer " * 900 + b"\r\n\r\n",
        get + b"X: " + b"y" * 70_000 + b"\r\n\r\n",
        get + b"".join(b"X-%d: y\r\n" % n for n in range(3000)) + b"\r\n",
        get + b"Range: bytes=0-,0-,0-\r\n\r\n",
        get + b"Cookie: " + b"a=b; " * 1500 + b"\r\n\r\n",
        get + b"Accept-Language: " + b"fr," * 1500 + b"\r\n\r\n",
        get + b"X-Forwarded-Prefix: /../<script>\r\nX-Forwarded-Host: evil.example\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /\r\n\r\n",
        b"\r\n" * 500 + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        bytes(range(256)) * 20,
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n folded\r\n\r\n",
    ]


def headers(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """`Expect: \\xe9` and other heads that no HTTP library sends."""
    while until:
        for head in _heads(target.own):
            for port in (target.ingest, target.dashboard):
                answer = raw(port, head, source="127.0.0.13", wait=3.0, method=head[:4].decode("latin-1").strip())
                # A head that is broken is answered by the library in plain text; a whole request must get JSON.
                whole = port == target.ingest and head.startswith((b"POST /v1/events HTTP/1.1\r\nHost: x", b"GET /v1"))
                notes.see(
                    target, f"HEAD {head[:20]!r}{head[-60:]!r}", answer, may=True, api=whole and answer.status >= 500
                )
            yield
