"""The endpoints of the webhooks, and the server that delivers: who may, and what is said."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from metrica.dashboard.people.api_tokens import ApiTokenTable
from metrica.dashboard.people.members import MemberTable
from metrica.dashboard.people.organisations import MAIN, OrganisationTable
from metrica.dashboard.people.rights import RIGHTS, Role
from metrica.dashboard.webhooks.table import Webhooks
from tests.dashboard.client import NOON, STORE, Answer, Client, Ingest, ingest_server
from tests.dashboard.footfall import event
from tests.dashboard.webhooks.receiver import receiving, until

HOOKS = "/v1/stores/tunis-01/webhooks"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Ingest]:
    with ingest_server(tmp_path_factory.mktemp("ingest")) as running:
        yield running


def client(server: Ingest, name: str, role: Role = Role.OWNER, organisation: str = MAIN) -> Client:
    """A program with a token of a new user."""
    MemberTable(server.database).add(organisation, name, "hash", role)
    token, _ = ApiTokenTable(server.database).create(name, RIGHTS[role])
    return Client(server.address, token)


def register(one: Client, document: Any, path: str = HOOKS) -> Answer:
    return one.request("POST", path, body=json.dumps(document).encode(), headers={"Content-Type": "application/json"})


@pytest.fixture(scope="module")
def owner(server: Ingest) -> Client:
    return client(server, "amel")


def test_a_webhook_is_registered_listed_tested_and_removed(server: Ingest, owner: Client) -> None:
    made = register(owner, {"url": "https://hooks.invalid/key-4711", "kind": "quarter"})
    assert made.status == 200 and made.body["secret"].startswith("whsec_")
    n = made.body["n"]
    listed = owner.get(HOOKS)
    assert listed.headers["Cache-Control"] == "no-store"
    assert listed.body["webhooks"] == [
        {
            "n": n,
            "to": "https://hooks.invalid/…",
            "kind": "quarter",
            "state": "good",
            "delivered": 0,
            "last_success": None,
            "trouble": "",
        }
    ]
    tried = owner.request("POST", f"{HOOKS}/{n}/test")
    assert tried.status == 200 and tried.body["delivered"] is False and "cannot be reached" in tried.body["trouble"]
    assert owner.request("DELETE", f"{HOOKS}/{n}").body == {"removed": n}
    assert owner.request("DELETE", f"{HOOKS}/{n}").status == 404
    assert owner.get(HOOKS).body["webhooks"] == []
    actors = {(entry.actor, entry.action) for entry in server.database.audit.all()}
    assert {("amel", "webhook added"), ("amel", "webhook removed")} <= actors


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"url": "https://127.0.0.1/x", "kind": "event"}, "of this network"),
        ({"url": "http://example.com/x", "kind": "event"}, "plain HTTP"),
        ({"url": "https://example.com/x", "kind": "day"}, "kind"),
        ({"url": "https://example.com/x", "kind": "event", "allow_private": True}, "allow_private"),
        ({"kind": "event"}, "url"),
        ([], "the body"),
    ],
)
def test_what_cannot_be_registered_is_said(owner: Client, document: Any, words: str) -> None:
    answer = register(owner, document)
    assert answer.status == 400 and words in answer.body["error"]


def test_who_may_not_see_figures_or_change_the_store_registers_nothing(server: Ingest) -> None:
    wanted = {"url": "https://example.com/x", "kind": "event"}
    assert register(Client(server.address, server.token), wanted).status == 403  # a box
    for name, role in (("viewer", Role.VIEWER), ("installer", Role.INSTALLER)):
        one = client(server, name, role)
        assert register(one, wanted).status == 403
        assert one.get(HOOKS).status == 403
    OrganisationTable(server.database).add("medina", "La Médina")
    stranger = client(server, "ines@medina", Role.OWNER, "medina")
    assert register(stranger, wanted).status == 404
    assert stranger.request("POST", f"{HOOKS}/1/test").status == 404
    assert register(Client(server.address, None), wanted).status == 401
    assert Webhooks(server.database).of_store(STORE.id) == []


def test_the_server_delivers_and_counts(tmp_path: Path) -> None:
    with receiving() as target, ingest_server(tmp_path) as server:
        Webhooks(server.database).add(STORE.id, target.address, "event", allow_private=True)
        assert server.send([event(1, NOON)]).status == 200
        until(lambda: len(target.posts) == 1)
        until(lambda: 'metrica_webhook_deliveries_total{outcome="delivered"} 1.0' in server.metrics())
        assert 'metrica_webhooks{state="good"} 1.0' in server.metrics()
    assert target.taken[0]["id"] == "door/main/epoch/1"
