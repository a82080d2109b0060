"""Who asks gets their own stores, with their rights, and learns nothing of those of others."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.access import Access
from metrica.dashboard.people.api_tokens import ApiTokenTable
from metrica.dashboard.people.asker import Asker, Owned
from metrica.dashboard.people.errors import AccessError, ForbiddenError, UnknownError
from metrica.dashboard.people.members import MemberTable
from metrica.dashboard.people.organisations import MAIN, OrganisationTable
from metrica.dashboard.people.rights import FIGURES, HEALTH, PEOPLE, RIGHTS, SEND, SETTINGS, Right, Role
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.users import User
from tests.dashboard.client import ManualClock
from tests.dashboard.database.places import Place

MINE, OTHER, THEIRS = "tunis-01", "tunis-02", "sfax-01"
DAY = 24 * 3600 * 10**9


@pytest.fixture
def database(place: Place) -> Generator[Database]:
    with Database(place, clock=ManualClock()) as opened:
        for store in (MINE, OTHER, THEIRS):
            opened.stores.put(Store(store, "Africa/Tunis"))
        OrganisationTable(opened).add("medina", "La Médina")
        OrganisationTable(opened).move_store(THEIRS, "medina")
        yield opened


def member(database: Database, role: Role, stores: list[str] | None = None, organisation: str = MAIN) -> Asker:
    name = "amel" if organisation == MAIN else f"amel@{organisation}"
    MemberTable(database).add(organisation, name, "hash", role, stores)
    asker = Access(database).of_user(name)
    assert asker is not None
    return asker


def rights(database: Database, asker: Asker, store: str) -> set[Right]:
    found: set[Right] = set()
    for right in Right:
        try:
            Access(database).store(asker, store, right)
        except AccessError:
            continue
        found.add(right)
    return found


def test_a_user_who_was_there_before_is_an_owner_of_everything_that_was_there(database: Database) -> None:
    database.users.put(User("owner", "hash"))
    owner = Access(database).of_user("owner")
    assert owner is not None
    assert (owner.organisation, owner.role) == (MAIN, Role.OWNER)
    assert [store.id for store in Access(database).stores(owner)] == [MINE, OTHER]
    assert rights(database, owner, MINE) == set(Right)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.INSTALLER, Role.VIEWER])
def test_a_role_has_its_rights_for_the_named_stores_only(database: Database, role: Role) -> None:
    asker = member(database, role, [MINE])
    assert rights(database, asker, MINE) == RIGHTS[role]
    assert rights(database, asker, OTHER) == rights(database, asker, THEIRS) == set()
    for right in Right:
        expected = [MINE] if right in RIGHTS[role] else []
        assert [store.id for store in Access(database).stores(asker, right)] == expected


def test_an_installer_sees_no_figures_and_a_viewer_changes_nothing() -> None:
    assert FIGURES not in RIGHTS[Role.INSTALLER]
    assert RIGHTS[Role.INSTALLER] >= {HEALTH, SETTINGS}
    assert RIGHTS[Role.VIEWER] == {FIGURES}
    assert [role for role in Role if PEOPLE in RIGHTS[role]] == [Role.OWNER]


def test_the_store_of_another_organisation_is_like_one_that_is_not_there(database: Database) -> None:
    asker = member(database, Role.OWNER)
    said = []
    for store in (THEIRS, "nowhere"):
        for right in (None, *Right):
            with pytest.raises(UnknownError) as error:
                Access(database).store(asker, store, right)
            said.append(str(error.value).replace(store, "X"))
    assert set(said) == {"there is no store 'X'"}


def test_a_right_that_is_missing_for_ones_own_store_is_said(database: Database) -> None:
    asker = member(database, Role.VIEWER, [MINE])
    with pytest.raises(ForbiddenError, match="has the role viewer and may not do this"):
        Access(database).store(asker, MINE, SETTINGS)
    with pytest.raises(UnknownError):
        Access(database).store(asker, OTHER, SETTINGS)


def test_all_stores_are_also_those_to_come_and_named_ones_are_not(database: Database) -> None:
    everything = member(database, Role.VIEWER)
    MemberTable(database).add(MAIN, "salma", "hash", Role.VIEWER, [MINE])
    named = Access(database).of_user("salma")
    assert named is not None
    database.stores.put(Store("bizerte-01", "Africa/Tunis"))
    assert "bizerte-01" in [store.id for store in Access(database).stores(everything)]
    assert [store.id for store in Access(database).stores(named)] == [MINE]


def test_a_store_that_moves_is_gone_for_those_who_had_it_by_name(database: Database) -> None:
    asker = member(database, Role.MANAGER, [MINE])
    OrganisationTable(database).move_store(MINE, "medina")
    assert rights(database, asker, MINE) == set(), "also for who had asked before"
    OrganisationTable(database).move_store(MINE, MAIN)
    again = Access(database).of_user("amel")
    assert again is not None
    assert rights(database, again, MINE) == set(), "and it is not given back by moving it back"


def test_a_box_speaks_for_its_store_alone(database: Database) -> None:
    box = Access(database).of_token(database.tokens.create(MINE))
    assert box is not None
    assert (box.role, box.stores, box.organisation) == (Role.BOX, {MINE}, MAIN)
    assert rights(database, box, MINE) == {FIGURES, SEND}
    assert rights(database, box, OTHER) == rights(database, box, THEIRS) == set()
    with pytest.raises(ForbiddenError, match="the token of a box cannot do this"):
        box.require(PEOPLE)


def test_no_user_is_a_box(database: Database) -> None:
    with pytest.raises(ValueError, match="there is no role 'box': use owner, manager, installer or viewer"):
        MemberTable(database).add(MAIN, "amel", "hash", Role.BOX)


def test_a_token_has_the_scopes_that_it_was_given_and_no_others(database: Database) -> None:
    member(database, Role.MANAGER, [MINE])
    token, known = ApiTokenTable(database).create("amel", [FIGURES], label="spreadsheet", days=30)
    program = Access(database).of_token(token)
    assert program is not None
    assert rights(database, program, MINE) == {FIGURES}
    assert rights(database, program, OTHER) == set()
    with pytest.raises(ForbiddenError, match="the token does not have the scope settings:write"):
        Access(database).store(program, MINE, SETTINGS)
    assert token not in repr(database.rows("SELECT * FROM api_tokens")) + repr(database.audit.all())
    assert database.audit.all()[-1].detail["key"] == known.key


def test_a_token_follows_the_role_of_its_user(database: Database) -> None:
    member(database, Role.MANAGER, [MINE])
    token, _ = ApiTokenTable(database).create("amel", [FIGURES, SETTINGS])
    MemberTable(database).change(MAIN, "amel", Role.INSTALLER, [OTHER])
    program = Access(database).of_token(token)
    assert program is not None
    assert rights(database, program, MINE) == set()
    assert rights(database, program, OTHER) == {SETTINGS}


def test_a_token_ends_when_it_expires_is_revoked_or_its_user_goes(database: Database) -> None:
    clock = database.clock
    assert isinstance(clock, ManualClock)
    member(database, Role.VIEWER)
    MemberTable(database).add(MAIN, "olfa", "hash", Role.OWNER)
    tokens, access = ApiTokenTable(database), Access(database)
    short, _ = tokens.create("amel", [FIGURES], days=1)
    revoked, known = tokens.create("amel", [FIGURES])
    of_who_goes, _ = tokens.create("amel", [FIGURES])
    tokens.revoke(["amel"], known.key)
    assert [access.of_token(token) is not None for token in (short, revoked, of_who_goes)] == [True, False, True]
    clock.now += DAY
    assert access.of_token(short) is None
    MemberTable(database).remove(MAIN, "amel")
    MemberTable(database).add(MAIN, "amel", "hash", Role.OWNER)
    assert access.of_token(of_who_goes) is None, "whoever gets the name later does not get the tokens"


def test_a_token_of_the_owner_does_not_come_back_with_the_owner(database: Database) -> None:
    """Of the first user a row stays when it is removed, so that no launch file brings it back."""
    database.users.put(User("owner", "hash"))
    token, _ = ApiTokenTable(database).create("owner", [FIGURES])
    database.users.remove("owner")
    assert Access(database).of_token(token) is None
    assert Access(database).of_user("owner") is None
    database.users.put(User("owner", "hash"))
    assert Access(database).of_token(token) is None


def test_a_token_that_was_made_with_another_has_no_more_and_ends_with_it(database: Database) -> None:
    clock = database.clock
    assert isinstance(clock, ManualClock)
    member(database, Role.OWNER)
    tokens, access = ApiTokenTable(database), Access(database)
    first, known = tokens.create("amel", [FIGURES, HEALTH], days=10)
    clock.now += 5 * DAY
    maker = access.of_token(first)
    assert maker is not None
    with pytest.raises(ValueError, match="cannot have the scope settings:write"):
        tokens.create("amel", [SETTINGS], maker=maker)
    second, second_known = tokens.create("amel", [FIGURES], days=90, maker=maker)
    assert second_known.expires == known.expires
    third, _ = tokens.create("amel", [FIGURES], maker=access.of_token(second))
    other, _ = tokens.create("amel", [FIGURES])
    tokens.revoke(["amel"], known.key)
    assert [access.of_token(token) is not None for token in (first, second, third, other)] == [False] * 3 + [True]


@pytest.mark.parametrize("days", [0, -1, 401, 10**9])
def test_a_token_has_an_end_and_a_scope(database: Database, days: int) -> None:
    member(database, Role.OWNER)
    with pytest.raises(ValueError, match="cannot be valid for"):
        ApiTokenTable(database).create("amel", [FIGURES], days=days)
    with pytest.raises(ValueError, match="a token needs a scope"):
        ApiTokenTable(database).create("amel", [])


def test_nobody_makes_a_token_with_a_scope_that_the_role_does_not_have(database: Database) -> None:
    member(database, Role.INSTALLER, [MINE])
    with pytest.raises(ValueError, match="'amel' has the role installer"):
        ApiTokenTable(database).create("amel", [FIGURES])


def test_groups_and_tags_never_lead_to_other_stores(database: Database) -> None:
    row = "INSERT INTO store_labels (store, kind, label) VALUES (?, ?, ?)"
    rows = [(store, kind, "coast") for store in (MINE, THEIRS) for kind in ("group", "tag")]
    database.write(lambda db: db.executemany(row, rows)).result()
    asker, access = member(database, Role.OWNER), Access(database)
    for how in ({"group": "coast"}, {"tag": "coast"}, {"group": "coast", "tag": "coast"}):
        assert [store.id for store in access.stores(asker, FIGURES, **how)] == [MINE]
    assert access.stores(asker, FIGURES, group="mountains") == []


def test_may_is_the_same_question_without_a_database(database: Database) -> None:
    asker = member(database, Role.MANAGER, [MINE])
    assert asker.may(FIGURES, Owned(MINE, MAIN))
    assert not asker.may(PEOPLE, Owned(MINE, MAIN))
    assert not asker.may(FIGURES, Owned(OTHER, MAIN))
    assert not asker.may(FIGURES, Owned(MINE, "medina")), "an id alone is not enough"


def test_no_token_is_made_with_one_that_was_revoked_meanwhile(database: Database) -> None:
    member(database, Role.OWNER)
    tokens, access = ApiTokenTable(database), Access(database)
    token, known = tokens.create("amel", [FIGURES])
    maker = access.of_token(token)
    assert maker is not None
    tokens.revoke(["amel"], known.key)
    with pytest.raises(UnknownError, match="the token is unknown or revoked"):
        tokens.create("amel", [FIGURES], maker=maker)
