"""People, tokens and settings over HTTP: who may change what, and that it acts with the next request."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from metrica.dashboard.people.rights import Role
from tests.dashboard.client import Client, Ingest, ingest_server

SETTINGS = "/v1/stores/tunis-01/settings"
PASSWORD = "a good password"


@pytest.fixture
def server(tmp_path: Path) -> Generator[Ingest]:
    with ingest_server(tmp_path) as running:
        yield running


@pytest.fixture
def owner(server: Ingest) -> Client:
    return server.as_user()


def test_an_owner_adds_changes_and_removes_a_user(server: Ingest, owner: Client) -> None:
    new = {"name": "amel", "password": PASSWORD, "role": "manager", "stores": ["tunis-01"]}
    assert owner.change("POST", "/v1/users", new).status == 200
    assert [user["name"] for user in owner.get("/v1/users").body["users"]] == ["amel", "olfa"]
    changed = owner.change("PUT", "/v1/users/amel", {"role": "viewer"}).body
    assert (changed["role"], changed["stores"]) == ("viewer", ["tunis-01"])
    assert owner.change("PUT", "/v1/users/amel", {"stores": None}).body["stores"] is None
    promoted = owner.change("PUT", "/v1/users/amel", {"role": "owner"}).body
    assert (promoted["role"], promoted["stores"]) == ("owner", None)
    assert owner.request("DELETE", "/v1/users/amel").body == {"removed": "amel"}
    assert owner.request("DELETE", "/v1/users/amel").status == 404
    assert "last owner" in owner.request("DELETE", "/v1/users/olfa").body["error"]
    actions = [(e.actor, e.action) for e in server.database.audit.all() if e.actor == "olfa"]
    assert actions == [("olfa", "user added"), *[("olfa", "role changed")] * 3, ("olfa", "user removed")]


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"name": "amel"}, 400, "the body has no 'password'"),
        ({"name": "amel", "password": "short", "role": "viewer"}, 400, "the password is too short"),
        ({"name": "amel", "password": PASSWORD, "role": "box"}, 400, "'role' is wrong"),
        ({"name": "olfa", "password": PASSWORD, "role": "viewer"}, 400, "there is a user 'olfa' already"),
        ({"name": "a@medina", "password": PASSWORD, "role": "viewer"}, 400, "cannot name a user"),
        ({"name": "amel", "password": PASSWORD, "role": "viewer", "stores": ["x"]}, 404, "there is no store 'x'"),
        ({"name": "amel", "password": PASSWORD, "role": "viewer", "admin": True}, 400, "which is not known here"),
        ([], 400, "the body is not a map"),
        ("\ud800", 400, "the body"),
    ],
)
def test_a_user_who_cannot_be_is_refused(owner: Client, body: Any, status: int, sentence: str) -> None:
    answer = owner.change("POST", "/v1/users", body)
    assert (answer.status, sentence in answer.body["error"]) == (status, True), answer.body
    assert PASSWORD not in answer.body["error"]
    assert len(owner.get("/v1/users").body["users"]) == 1


def test_a_body_that_is_no_small_json_is_refused(owner: Client) -> None:
    json = {"Content-Type": "application/json"}
    assert owner.request("POST", "/v1/users", body=b"{", headers=json).status == 400
    assert owner.request("POST", "/v1/users", body=b"{}", headers={"Content-Type": "text/plain"}).status == 415
    assert owner.request("POST", "/v1/users", body=b"{}", headers=json | {"Content-Encoding": "br"}).status == 415
    assert owner.request("POST", "/v1/users", body=b" " * (129 << 10), headers=json).status == 413


def test_settings_are_changed_one_by_one_and_all_or_none(server: Ingest, owner: Client) -> None:
    hours = {"weekdays": {"friday": ["20:00-02:00"]}, "exceptions": {"2026-12-25": []}}
    changed = owner.change("PUT", SETTINGS, {"name": "Lafayette", "hours": hours, "empty_hour": 23}).body
    assert (changed["name"], changed["empty_hour"], changed["hours"]["weekdays"]) == (
        "Lafayette",
        23,
        {"friday": ["20:00-02:00"]},
    )
    assert owner.change("PUT", SETTINGS, {"empty_hour": None}).body["empty_hour"] is None
    before = owner.get(SETTINGS).body
    assert before["name"] == "Lafayette"
    for body in (
        {"capacity": 5, "cutoff_hour": 24},
        {"cutoff_hour": 5, "country": "XX"},
        {"cutoff_hour": 5, "hours": {"weekdays": {"friday": ["x"]}}},
        {"timezone": None},
        {"timezone": "Mars/Olympus"},
        {"cutoff_hour": True},
        {"recall": "NaN"},
        {},
    ):
        answer = owner.change("PUT", SETTINGS, body)
        assert answer.status == 400 and "\n" not in answer.body["error"], body
    assert owner.get(SETTINGS).body == before
    assert server.database.stores.origins("tunis-01")["empty_hour"] == "admin", "it stands against a launch file"


def test_each_role_does_what_it_may(server: Ingest) -> None:
    clients = {role: server.as_user(role.value, role, ["tunis-01"]) for role in (Role.MANAGER, Role.INSTALLER)}
    clients[Role.VIEWER] = server.as_user("viewer", Role.VIEWER)
    for role, client in clients.items():
        assert client.get("/v1/stores/tunis-01/kpis").status == (403 if role is Role.INSTALLER else 200)
        assert client.change("PUT", SETTINGS, {"capacity": 9}).status == (403 if role is Role.VIEWER else 200)
        assert client.get("/v1/users").status == 403
        assert client.change("PUT", "/v1/organisation", {"name": "x"}).status == 403
        sent = client.change("POST", "/v1/events", {"v": 1, "store": "tunis-01", "events": []})
        assert sent.status == (403 if role is Role.VIEWER else 200)
        assert client.get("/v1/me").body["role"] == role.value


def test_a_change_of_role_acts_with_the_next_request_of_a_program(server: Ingest, owner: Client) -> None:
    program = server.as_user("amel", Role.VIEWER, ["tunis-01"])
    assert program.get("/v1/stores/tunis-01").status == 200
    owner.change("PUT", "/v1/users/amel", {"stores": []})
    assert program.get("/v1/stores/tunis-01").status == 404
    owner.request("DELETE", "/v1/users/amel")
    assert program.get("/v1/me").status == 401


def test_a_program_makes_tokens_that_have_less_and_end_with_its_own(server: Ingest, owner: Client) -> None:
    made = owner.change("POST", "/v1/tokens", {"scopes": ["figures:read", "settings:write"], "label": "one"}).body
    first = Client(server.address, made["token"])
    assert first.get("/v1/me").body["rights"] == ["figures:read", "settings:write"]
    assert first.get("/v1/users").status == 403
    assert first.change("POST", "/v1/tokens", {"scopes": ["people:write"]}).status == 400
    second = Client(server.address, first.change("POST", "/v1/tokens", {"scopes": ["figures:read"]}).body["token"])
    assert second.change("PUT", SETTINGS, {"capacity": 3}).status == 403
    assert owner.request("DELETE", f"/v1/tokens/{made['info']['key']}").status == 200
    assert [client.get("/v1/me").status for client in (first, second, owner)] == [401, 401, 200]
    assert made["token"] not in repr(owner.get("/v1/tokens").body)


def test_whoever_has_no_right_to_people_sees_and_ends_only_their_own_tokens(server: Ingest, owner: Client) -> None:
    amel = server.as_user("amel", Role.VIEWER)
    (own,) = amel.get("/v1/tokens").body["tokens"]
    others = [t["key"] for t in owner.get("/v1/tokens").body["tokens"] if t["user"] == "olfa"]
    assert own["user"] == "amel"
    assert amel.request("DELETE", f"/v1/tokens/{others[0]}").status == 404
    assert owner.request("DELETE", f"/v1/tokens/{own['key']}").status == 200
    assert amel.get("/v1/me").status == 401


def test_a_token_that_has_expired_opens_nothing(server: Ingest, owner: Client) -> None:
    short = owner.change("POST", "/v1/tokens", {"scopes": ["figures:read"], "days": 1}).body["token"]
    assert Client(server.address, short).get("/v1/me").status == 200
    server.clock.now += 24 * 3600 * 10**9
    assert Client(server.address, short).get("/v1/me").status == 401
