"""What is known of a store: kept as it was said, on both databases, and refused in one sentence if it cannot be."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.details import StoreDetails
from metrica.dashboard.people.details_table import DetailsTable, as_document
from metrica.dashboard.people.errors import UnknownError
from metrica.dashboard.people.settings import change_settings
from metrica.dashboard.store.database import Database
from metrica.dashboard.upkeep.erasure import Erasure
from tests.dashboard.database.places import Place

EVERYTHING: dict[str, Any] = {
    "name": "Lafayette",
    "address": "Avenue Habib Bourguiba\n1001 Tunis",
    "country": "TN",
    "currency": "TND",
    "hours": {"weekdays": {"monday": ["09:00-13:00", "16:00-20:00"]}, "exceptions": {"2026-12-25": []}},
    "floor_area": 180.5,
    "capacity": 60,
    "tags": ["mall", "وسط البلد"],
    "groups": ["north"],
}


@pytest.fixture
def database(place: Place) -> Generator[Database]:
    with Database(place) as opened:
        opened.stores.put(Store("tunis-01", "Africa/Tunis"))
        yield opened


def test_what_is_said_is_kept(database: Database) -> None:
    DetailsTable(database).change("tunis-01", EVERYTHING)
    assert as_document(DetailsTable(database).get("tunis-01")) == EVERYTHING
    DetailsTable(database).change("tunis-01", {"capacity": None, "tags": [], "hours": None})
    after = DetailsTable(database).get("tunis-01")
    assert (after.capacity, after.tags, after.hours, after.name) == (None, (), None, "Lafayette")
    assert DetailsTable(database).names(["tunis-01", "nowhere"]) == {"tunis-01": "Lafayette"}


def test_nothing_is_known_of_a_store_that_nobody_described(database: Database) -> None:
    assert DetailsTable(database).get("tunis-01") == StoreDetails()
    with pytest.raises(UnknownError):
        DetailsTable(database).change("nowhere", {"name": "x"})


def test_blanks_codes_and_labels_are_put_in_order(database: Database) -> None:
    given = {"name": "  Lafayette ", "country": "tn", "currency": "tnd", "tags": ["b", "a", "b "]}
    after = DetailsTable(database).change("tunis-01", given)
    assert (after.name, after.country, after.currency, after.tags) == ("Lafayette", "TN", "TND", ("a", "b"))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": "x" * 101}, "cannot be a name"),
        ({"name": "a\nb"}, "cannot be a name"),
        ({"address": "x" * 301}, "the address cannot be kept"),
        ({"address": "a\0"}, "the address cannot be kept"),
        ({"country": "XX"}, "there is no country 'XX'"),
        ({"currency": "EURO"}, "there is no currency 'EURO'"),
        ({"floor_area": 0}, "a floor area of 0 m² cannot be"),
        ({"floor_area": float("nan")}, "a floor area of nan m² cannot be"),
        ({"capacity": -1}, "a capacity of -1 people cannot be"),
        ({"tags": ["a,b"]}, "'a,b' cannot be a tag"),
        ({"groups": [""]}, "'' cannot be a group"),
        ({"tags": [f"t{n}" for n in range(51)]}, "51 tags are too many"),
        ({"hours": {"weekdays": {"monday": ["9"]}}}, "'9' is no time of opening"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence_and_changes_nothing(
    database: Database, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError) as error:
        change_settings(database, "tunis-01", {"cutoff_hour": 5} | given)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert database.stores.get("tunis-01") == Store("tunis-01", "Africa/Tunis"), "the other settings neither"
    with pytest.raises(ValueError, match="the day cannot begin at 24"):
        change_settings(database, "tunis-01", {"name": "x", "cutoff_hour": 24})
    assert DetailsTable(database).get("tunis-01").name == ""


def test_what_an_administrator_said_stands_against_a_launch_file(database: Database) -> None:
    change_settings(database, "tunis-01", {"cutoff_hour": 6, "name": "Lafayette"})
    stands = database.stores.fill("tunis-01", {"timezone": "UTC", "cutoff_hour": 3}, "launch file of /ingest")
    assert stands["cutoff_hour"] == 6
    assert DetailsTable(database).get("tunis-01").name == "Lafayette"


def test_a_detail_that_no_store_has_is_said(database: Database) -> None:
    with pytest.raises(ValueError, match="a store has no 'colour': it has name, address"):
        DetailsTable(database).change("tunis-01", {"colour": "red"})


def test_a_store_that_is_erased_leaves_nothing_of_it(tmp_path: Path) -> None:
    with Database(tmp_path / "metrica.db") as database:
        database.stores.put(Store("tunis-01", "Africa/Tunis"))
        DetailsTable(database).change("tunis-01", EVERYTHING)
        Erasure(database).erase("tunis-01")
        assert database.rows("SELECT * FROM store_details") == database.rows("SELECT * FROM store_labels") == []


def test_changes_are_in_the_audit_log_with_what_was_before(database: Database) -> None:
    DetailsTable(database).change("tunis-01", {"name": "Lafayette"}, actor="amel", address="192.0.2.7")
    DetailsTable(database).change("tunis-01", {"name": "Lafayette"}, actor="amel")
    DetailsTable(database).change("tunis-01", {"name": "Bourguiba"}, actor="amel")
    last, before = database.audit.all()[-1], database.audit.all()[-2]
    assert (before.actor, before.action, before.subject, before.address) == (
        "amel",
        "store changed",
        "tunis-01",
        "192.0.2.0/24",
    )
    assert last.detail == {"name": "Bourguiba", "name before": "Lafayette"}
