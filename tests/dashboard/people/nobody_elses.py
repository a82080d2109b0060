"""The property: whoever asks whatever, nothing of another organisation is told, and nothing of it is changed.

The endpoints are those of the application's list, the callbacks those that Dash gives its page, the pages those of
Flask's map: a new one is asked too, without a word here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient

from metrica.dashboard.ingest.api import Route
from metrica.dashboard.ingest.app import ROUTES
from tests.dashboard.client import Client
from tests.dashboard.people.samples import sample
from tests.dashboard.people.world import CANARY, MINE, NOBODY, NOWHERE, THEIR_USER, THEIRS, World
from tests.dashboard.web.browser import csrf_inside, log_in

UPDATE = "/_dash-update-component"
_NO_KEY = "badc0ffee000"
_RANDOM = re.compile(r"""mp_[\w-]{43}|'key': '[0-9a-f]{12}'|"end_id":"[^"]*\"""")  # new in each answer
_SCRIPTS = "/_dash-component-suites/"  # files of libraries, the same for everybody


@dataclass(frozen=True)
class Names:
    """What an address, a form or a body can name."""

    store: str
    name: str
    key: str
    webhook: str = "100000001"
    box: str = "no-such-box"


NOTHING = Names(NOWHERE, NOBODY, _NO_KEY)
"""What is not there."""


def check_endpoints(world: World, routes: tuple[Route, ...] = ROUTES) -> int:
    """Ask every endpoint as everybody for what is another's, and return how many requests that were."""
    asked, before = 0, world.of_theirs()
    for route in routes:
        for who, client in world.clients.items():
            for pair in _pairs(world, route):
                for chosen in _choices(route):
                    said = [asked_of(client, route, names, chosen) for names in pair]
                    asked += len(said)
                    assert said[0] == said[1], f"{who} learns from {route.method} {route.path} what there is"
                    own = asked_of(client, route, Names(MINE, who, _NO_KEY), chosen, others=False)
                    for answer in (*said, own):
                        assert CANARY not in answer, f"{route.method} {route.path} tells {who} of others: {answer}"
            assert world.of_theirs() == before, f"{who} changes others with {route.method} {route.path}"
    return asked


def check_pages(world: World) -> int:
    """Ask every page and form as everybody for what is another's, and return how many requests that were."""
    asked, before = 0, world.of_theirs()
    for rule in world.web.url_map.iter_rules():
        if rule.rule.startswith(_SCRIPTS):
            continue
        for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "DELETE", "PATCH"}):
            for who, browser in world.browsers.items():
                said: list[str] = []
                for names in (_theirs(world), NOTHING):
                    if browser.get("/session").status_code != 200:  # a page has logged the user out
                        log_in(browser, name=who)
                    said.append(visited(world, browser, method, rule.rule, names))
                asked += len(said)
                assert said[0] == said[1], f"{who} learns from {method} {rule.rule} what there is"
                for answer in said:
                    assert CANARY not in answer, f"{method} {rule.rule} tells {who} of others"
                assert world.of_theirs() == before, f"{who} changes what is another's with {method} {rule.rule}"
    return asked


def check_callbacks(world: World) -> int:
    """Ask every callback of the page as everybody for another's store, and return how many requests that were."""
    asked, before = 0, world.of_theirs()
    for who, browser in world.browsers.items():
        for callback in browser.get("/_dash-dependencies").get_json():
            if callback["clientside_function"]:
                continue
            said = [updated(browser, callback, store) for store in (THEIRS, NOWHERE)]
            asked += len(said)
            assert _same(said[0], THEIRS) == _same(said[1], NOWHERE), f"{who} learns from {callback['output']}"
            for answer in (_same(said[0], THEIRS), updated(browser, callback, MINE)):
                assert CANARY not in answer, f"{callback['output']} tells {who} of others"
                assert "777" not in answer, f"{callback['output']} gives {who} the figures of others"
            assert world.of_theirs() == before
    return asked


def updated(browser: FlaskClient, callback: dict[str, Any], store: str) -> str:
    """Ask for an update as the page does, with the store in every element but the clock's tick."""
    names = [name.rsplit(".", 1) for name in callback["output"].strip(".").split("...")]
    given = {
        part: [each | {"value": 3 if each["property"] == "n_intervals" else store} for each in callback[part]]
        for part in ("inputs", "state")
    }
    outputs: Any = [{"id": name, "property": what} for name, what in names]
    body = {
        "output": callback["output"],
        "outputs": outputs if callback["output"].startswith("..") else outputs[0],
        "changedPropIds": [f"{each['id']}.{each['property']}" for each in callback["inputs"]],
        **given,
    }
    answer = browser.post(UPDATE, json=body)
    assert answer.status_code in (200, 204), answer.text
    return answer.text


def _theirs(world: World) -> Names:
    return Names(THEIRS, THEIR_USER, world.their_key, world.their_webhook, f"{CANARY}-box")


def _pairs(world: World, route: Route) -> Iterator[tuple[Names, Names]]:
    """What is another's beside what is not there: all of it, and below one's own store what is not the store."""
    yield _theirs(world), NOTHING
    if set(re.findall(r"{(\w+)}", route.path)) > {"store"}:
        yield replace(_theirs(world), store=MINE), replace(NOTHING, store=MINE)


def _choices(route: Route) -> Iterator[dict[str, str]]:
    """Each value of each parameter that is one of a few."""
    yield {}
    for parameter in route.query:
        yield from ({parameter.name: str(value)} for value in parameter.schema().get("enum", ()))


def asked_of(client: Client, route: Route, names: Names, chosen: dict[str, str], *, others: bool = True) -> str:
    """Ask an endpoint, and return status and answer, in which the names that were asked for are all the same.

    others: also name them in the query and in the body.
    """
    named = asdict(names)
    unknown = set(re.findall(r"{(\w+)}", route.path)) - set(named)
    assert not unknown, f"{route.path}: say in this file what of another's its {unknown} can be"
    query, body, headers = dict(chosen), None, dict[str, str]()
    if others:
        query |= {"store": names.store, "group": "north", "tag": CANARY, "organisation": CANARY, "user": names.name}
    if route.takes is not None and others:
        fields = named | {"stores": [names.store], "role": "viewer", "password": "a good password"}
        fields |= {"organisation": CANARY, "url": "https://192.0.2.1/"}
        if "role" not in route.takes.model_fields:  # what somebody calls their own things is not another's
            fields["name"] = "neutral"
        body = json.dumps(sample(route.takes, fields)).encode()
        headers["Content-Type"] = "application/json"
    path = f"{route.path.format_map(named)}?{urlencode(query)}"
    answer = client.request(route.method, path, body=body, headers=headers)
    assert answer.status < 500, f"{route.method} {route.path}: {answer.body}"
    text = f"{answer.status} {answer.body!r}"
    return _same(text, *named.values()) if others else text


def visited(world: World, browser: FlaskClient, method: str, path: str, names: Names) -> str:
    """Open a page or send a form, and return status and answer, in which the names that were asked for are the same."""
    csrf = csrf_inside(browser)
    path = re.sub(r"<[^>]+>", names.store, path)
    mark = world.their_mark if names.store == THEIRS else 10**6
    fields = asdict(names) | {"user": names.name, "n": str(mark), "csrf": csrf, "stores": names.store}
    if method == "GET":
        answer = browser.get(path, query_string=fields)
    else:
        answer = browser.open(path, method=method, data=fields)
    shown = answer.get_data().decode("utf-8", "replace")
    assert answer.status_code < 500, f"{method} {path}: {shown}"
    text = re.sub(r'(name="csrf" value=")[^"]+', r"\1", shown).replace(csrf, "")
    return f"{answer.status_code} {answer.headers.get('Location')} {_same(text, *asdict(names).values())}"


def _same(text: str, *names: str) -> str:
    """Replace what was asked for, which an answer may repeat."""
    for name in names:
        text = text.replace(name, "X")
    return _RANDOM.sub("", text)
