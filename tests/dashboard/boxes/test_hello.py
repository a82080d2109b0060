"""A box says hello over HTTP; the server keeps the last one and the hours, and answers with how the box is."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from metrica.box import Hello
from metrica.dashboard.boxes.table import HOUR, KEPT_DAYS, MOST_BOXES, BoxTable
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.api_tokens import ApiTokenTable
from metrica.dashboard.people.organisations import OrganisationTable
from metrica.dashboard.people.rights import FIGURES, HEALTH, Right
from metrica.dashboard.store.users import User
from metrica.dashboard.upkeep.erasure import Erasure
from tests.dashboard.boxes.hellos import BOX, camera, hello, node
from tests.dashboard.client import Answer, Client, Ingest, ingest_server, packed

MINUTE = 60 * 10**9


@pytest.fixture
def server(place: Path | str) -> Generator[Ingest]:
    with ingest_server(place) as ingest:
        ingest.database.users.put(User("owner", "hash"))
        yield ingest


def say(server: Ingest, said: Hello | dict[str, Any], box: str = BOX, token: str | None = None) -> Answer:
    document = said.model_dump() if isinstance(said, Hello) else said
    headers = {"Content-Type": "application/msgpack"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return server.request("POST", f"/v1/boxes/{box}/hello", body=packed(document), headers=headers)


def ask(server: Ingest, path: str, *rights: Right) -> Answer:
    """Ask with a token of the owner's own."""
    token, _ = ApiTokenTable(server.database).create("owner", rights or (HEALTH,))
    return Client(server.address, token).get(path)


def boxes(server: Ingest) -> list[Any]:
    found: list[Any] = ask(server, "/v1/stores/tunis-01/boxes").body["boxes"]
    assert found == [box for box in ask(server, "/v1/boxes").body["boxes"] if box["store"] == "tunis-01"]
    return found


def test_a_box_that_is_well_has_nothing_wrong(server: Ingest) -> None:
    answer = say(server, hello())
    assert (answer.status, answer.body) == (200, {"heard": server.clock.now})
    (box,) = boxes(server)
    assert (box["store"], box["box"], box["silent_s"], box["wrong"]) == ("tunis-01", BOX, 0, [])
    assert box["hello"] == hello().model_dump()
    assert box["looked"] == {"door": "2026-11-22T10:59:59Z"}


def test_the_last_hello_takes_the_place_of_the_one_before(server: Ingest) -> None:
    say(server, hello())
    server.clock.now += MINUTE
    say(server, hello(version="0.2", nodes=[node("/door/capture", state="failed", trouble="no route to the camera")]))
    (box,) = boxes(server)
    assert box["hello"]["version"] == "0.2"
    assert [(wrong["code"], wrong["subject"]) for wrong in box["wrong"]] == [("node_down", "/door/capture")]
    assert box["first_heard"] < box["heard"]


def test_a_box_that_falls_silent_is_only_that(server: Ingest) -> None:
    say(server, hello(nodes=[node("/door/capture", state="failed")]))
    server.clock.now += 16 * MINUTE
    (box,) = boxes(server)
    assert [wrong["code"] for wrong in box["wrong"]] == ["silent"]
    assert box["silent_s"] == 960


def test_a_newer_box_may_say_more(server: Ingest) -> None:
    said = hello().model_dump()
    said["nodes"][0]["mood"] = "good"
    more = said | {"humidity": 40}
    assert say(server, more).status == 200
    assert "humidity" not in boxes(server)[0]["hello"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"v": 2}, 400),
        ({"store": "elsewhere"}, 403),
        ({"store": ""}, 400),
        ({"nodes": [{"name": "/x", "state": "Active!"}]}, 400),
        ({"nodes": [{"name": "x" * 201, "state": "active"}]}, 400),
        ({"nodes": [{"name": f"/n{n}", "state": "active"} for n in range(301)]}, 400),
        ({"cameras": [{"name": f"c{n}"} for n in range(65)]}, 400),
        ({"temperature": float("nan")}, 400),
        ({"temperature": "hot"}, 400),
        ({"disk_free": -1}, 400),
        ({"unsent": 2**60}, 400),
        ({"launch": "not hexadecimal"}, 400),
        ({"version": "9" * 70_000}, 413),
    ],
)
def test_what_no_box_says_is_refused(server: Ingest, change: dict[str, Any], status: int) -> None:
    answer = say(server, hello().model_dump() | change)
    assert (answer.status, list(answer.body)) == (status, ["error"])
    assert boxes(server) == []


@pytest.mark.parametrize("name", ["abc", "Box-12345", "box_12345", "b" * 41, "box-%2e%2e", "-box1"])
def test_a_name_that_no_box_has_is_refused(server: Ingest, name: str) -> None:
    assert say(server, hello(), box=name).status == 400


def test_a_token_speaks_for_its_own_store_only(server: Ingest) -> None:
    server.database.stores.put(Store("other", "UTC"))
    other = server.database.tokens.create("other")
    say(server, hello())
    assert say(server, hello(), token="mt_of-nobody").status == 401
    assert say(server, hello(), token=other).status == 403
    assert say(server, hello(store="other"), token=other).status == 200
    assert [box["store"] for box in boxes(server)] == ["tunis-01"]


def test_how_the_boxes_are_is_for_who_may_see_their_health(server: Ingest) -> None:
    say(server, hello())
    organisations = OrganisationTable(server.database)
    organisations.add("medina", "La Médina")
    server.database.stores.put(Store("sfax-01", "Africa/Tunis"))
    organisations.move_store("sfax-01", "medina")
    BoxTable(server.database).hear("sfax-01", BOX, hello(store="sfax-01")).result()
    paths = ["/v1/boxes", "/v1/stores/tunis-01/boxes", f"/v1/stores/tunis-01/boxes/{BOX}/hours"]
    assert [ask(server, path).status for path in paths] == [200, 200, 200]
    assert [ask(server, path, FIGURES).status for path in paths] == [403, 403, 403]
    assert [server.get(path).status for path in paths] == [403, 403, 403], "a box sees no boxes, not even itself"
    assert [box["store"] for box in ask(server, "/v1/boxes").body["boxes"]] == ["tunis-01"]
    for path in ("/v1/stores/sfax-01/boxes", f"/v1/stores/sfax-01/boxes/{BOX}/hours"):
        assert ask(server, path).status == 404, "another organisation's store is as one that is not there"


def test_a_token_cannot_fill_the_database_with_names(server: Ingest) -> None:
    for n in range(MOST_BOXES):
        assert say(server, hello(), box=f"box-{n:04d}").status == 200
    answer = say(server, hello(), box="box-more")
    assert answer.status == 409
    assert "metrica-admin box" in answer.body["error"]
    assert say(server, hello(), box="box-0000").status == 200
    assert BoxTable(server.database).remove("tunis-01", "box-0001")
    assert say(server, hello(), box="box-more").status == 200


def test_each_hour_is_the_sum_and_the_worst_of_its_hellos(server: Ingest) -> None:
    server.clock.now -= server.clock.now % HOUR
    counted = [(1000, 990), (1600, 1580), (100, 90)]  # the last one after a restart of the nodes
    for (came, went), degrees, free in zip(counted, (50.0, 71.5, 60.0), (9 * 10**9, 8 * 10**9, 9 * 10**9), strict=True):
        said = camera("door", frames_in=came, frames_out=went, latency_ms=degrees)
        say(server, hello(cameras=[said], temperature=degrees, disk_free=free))
        server.clock.now += MINUTE
    server.clock.now += HOUR
    say(server, hello(nodes=[node("/door/capture", state="waiting", restarts=3)], cameras=[camera("door", None)]))
    first, second = ask(server, f"/v1/stores/tunis-01/boxes/{BOX}/hours?days=1").body["hours"]
    assert (first["hellos"], first["frames_in"], first["frames_out"]) == (3, 1700, 1670)
    assert (first["temperature"], first["disk_free"], first["latency_ms"]) == (71.5, 8 * 10**9, 71.5)
    assert (first["restarts"], first["down"], first["blind"]) == (0, 0, 0)
    assert (second["restarts"], second["down"], second["blind"]) == (3, 1, 1)


def test_hours_are_kept_for_a_bounded_time(server: Ingest) -> None:
    say(server, hello())
    begun = server.clock.now
    server.clock.now += (KEPT_DAYS + 1) * 24 * HOUR
    say(server, hello())
    (row,) = BoxTable(server.database).hours("tunis-01", BOX, 0)
    assert row.hour > begun


def test_a_store_that_is_erased_has_no_boxes(tmp_path: Path) -> None:
    with ingest_server(tmp_path) as server:
        say(server, hello())
        Erasure(server.database).erase("tunis-01")
        assert BoxTable(server.database).of_stores(["tunis-01"]) == []
        assert BoxTable(server.database).hours("tunis-01", BOX, 0) == []


def test_a_box_that_cannot_be_called_so_has_no_hours(server: Ingest) -> None:
    for box in ("nobody-is-called-so", "%00", "a%2Fb", "%ED%A0%80"):
        answer = ask(server, f"/v1/stores/tunis-01/boxes/{box}/hours")
        assert (answer.status, answer.body["hours"]) == (200, []), box
