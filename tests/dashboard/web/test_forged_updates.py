"""`/_dash-update-component` with what no page of ours sends: refused with a sentence, never a 500."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrica.dashboard.store.database import Database
from metrica.dashboard.store.users import User
from metrica.dashboard.web.app import WebSettings, create_web
from metrica.dashboard.web.passwords import OWNER, hashed
from tests.dashboard.client import STORE
from tests.dashboard.web.site import PASSWORD
from tests.dashboard.web.test_login import log_in

UPDATE = "/_dash-update-component"
ODD: list[Any] = [
    *("", "nowhere", "' OR 1=1 --", "<script>", "\ud800", "x" * 100_000),
    *(None, True, -1, 10**30, -(2**63) - 1, 1e308, float("nan")),
    *([], {}, [[]], {"type": "x", "index": "ALL"}, ["a"] * 1000),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[FlaskClient, list[dict[str, Any]]]]:
    """Somebody who is logged in, and the updates that the page itself asks for."""
    with Database(tmp_path_factory.mktemp("web") / "metrica.db") as database:
        database.stores.put(STORE)
        database.users.put(User(OWNER, hashed(PASSWORD)))
        client = create_web(database, WebSettings(secret_key="k" * 32)).test_client()
        log_in(client)
        listed = client.get("/_dash-dependencies").get_json()
        yield client, [asked(callback) for callback in listed if not callback["clientside_function"]]


def asked(callback: dict[str, Any]) -> dict[str, Any]:
    """What a page sends for a callback."""
    names = [name.rsplit(".", 1) for name in callback["output"].strip(".").split("...")]
    outputs = [{"id": name, "property": what} for name, what in names]
    return {
        "output": callback["output"],
        "outputs": outputs,
        "changedPropIds": ["tick.n_intervals"],
        "inputs": [each | {"value": 3 if each["id"] == "tick" else STORE.id} for each in callback["inputs"]],
        "state": [each | {"value": None} for each in callback["state"]],
    }


def test_what_the_page_sends_is_answered(page: tuple[FlaskClient, list[dict[str, Any]]]) -> None:
    client, updates = page
    assert len(updates) == 2
    for update in updates:
        answer = client.post(UPDATE, json=update)
        assert (answer.status_code, "response" in answer.get_json()) == (200, True)


CHANGES: list[Callable[[dict[str, Any], Any], Any]] = [
    lambda update, odd: odd,
    lambda update, odd: update | {"output": odd},
    lambda update, odd: update | {"output": "offline.hidden"},
    lambda update, odd: update | {"outputs": odd},
    lambda update, odd: update | {"outputs": update["outputs"][1:]},
    lambda update, odd: update | {"outputs": update["outputs"] + [odd]},
    lambda update, odd: update | {"inputs": odd},
    lambda update, odd: update | {"inputs": update["inputs"][:1]},
    lambda update, odd: update | {"inputs": [odd, odd]},
    lambda update, odd: update | {"inputs": [each | {"value": odd} for each in update["inputs"]]},
    lambda update, odd: update | {"inputs": [each | {"id": odd} for each in update["inputs"]]},
    lambda update, odd: update | {"state": odd},
    lambda update, odd: update | {"state": [odd]},
    lambda update, odd: update | {"state": [each | {"value": odd} for each in update["state"]]},
    lambda update, odd: update | {"changedPropIds": odd},
    lambda update, odd: update | {"changedPropIds": [odd]},
]


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_else_is_an_error_of_the_server(
    page: tuple[FlaskClient, list[dict[str, Any]]], change: Callable[[dict[str, Any], Any], Any]
) -> None:
    client, updates = page
    for update in updates:
        for odd in ODD:
            answer = client.post(UPDATE, json=change(copy.deepcopy(update), odd))
            assert answer.status_code in (200, 204, 400), odd
            if answer.status_code == 400:
                assert answer.get_json()["error"]


@pytest.mark.parametrize("key", ["output", "outputs", "inputs", "state", "changedPropIds"])
def test_a_field_that_is_missing_is_no_error_of_the_server(
    page: tuple[FlaskClient, list[dict[str, Any]]], key: str
) -> None:
    client, updates = page
    for update in updates:
        rest = {name: value for name, value in update.items() if name != key}
        assert client.post(UPDATE, json=rest).status_code in (200, 204, 400)


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs=documents, state=documents, outputs=documents)
def test_any_document_is_answered(
    page: tuple[FlaskClient, list[dict[str, Any]]], inputs: Any, state: Any, outputs: Any
) -> None:
    client, updates = page
    body = {"output": updates[0]["output"], "inputs": inputs, "state": state, "outputs": outputs}
    assert client.post(UPDATE, json=body).status_code == 400


def test_who_is_not_logged_in_gets_nothing(tmp_path: Path) -> None:
    with Database(tmp_path / "metrica.db") as database:
        client = create_web(database, WebSettings(secret_key="k" * 32)).test_client()
        assert client.post(UPDATE, json={"output": "offline.hidden"}).status_code == 401
