"""An address of PostgreSQL says where to go, and never shows its password; a statement gets numbers for its `?`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.places import is_address
from metrica.dashboard.database.postgresql.address import Address
from metrica.dashboard.database.postgresql.placeholders import numbered
from metrica.dashboard.store.database import Database
from metrica.secrets import hide

SECRET = "s3cr3t-of-the-shop"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://metrica@db.example/metrica", "postgresql://metrica@db.example/metrica"),
        ("postgres://metrica@db.example:5433/shops", "postgresql://metrica@db.example:5433/shops"),
        (
            f"postgresql://metrica:{SECRET}@db.example/metrica?sslmode=require",
            "postgresql://metrica@db.example/metrica",
        ),
        (f"postgresql://db.example/metrica?user=leila&password={SECRET}", "postgresql://leila@db.example/metrica"),
        ("postgresql://m@a,b:5433/metrica", "postgresql://m@a,b:5433/metrica"),
        ("postgresql://m@[::1]:5432/metrica", "postgresql://m@[::1]:5432/metrica"),
        ("postgresql:///metrica", "postgresql:///metrica"),
    ],
)
def test_the_name_is_the_address_without_the_password(url: str, name: str) -> None:
    address = Address.of(url)
    assert address.name == name
    assert SECRET not in repr(address)
    assert is_address(url)


def test_what_stands_in_the_address_is_hidden_from_all_logs() -> None:
    Address.of(f"postgresql://metrica:{SECRET}@db.example/metrica")
    assert SECRET not in hide(f"connection string with {SECRET} in it")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://metrica:{SECRET}@db.example:not-a-port/metrica",
        f"postgresql://metrica:{SECRET}@[::1/metrica",
        f"postgresql://metrica:{SECRET}@db.example/metrica?no_such_parameter=1",
        f"postgresql://metrica:{SECRET}%zz@db.example/metrica",
    ],
)
def test_an_address_that_cannot_be_read_is_a_sentence_without_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="the address of the database") as caught:
        Database(url)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_password_may_stand_in_a_file_which_is_read_each_time(tmp_path: Path) -> None:
    file = tmp_path / "the password"
    file.write_text(f"{SECRET}\n")
    address = Address.of(f"postgresql://metrica@db.example/metrica?password_file={str(file).replace(' ', '%20')}")
    assert address.with_password()["password"] == SECRET
    file.write_text("another one\n")
    assert address.with_password()["password"] == "another one"
    file.unlink()
    with pytest.raises(DatabaseError, match=r"password file .* cannot be read: No such file"):
        address.with_password()


def test_a_path_is_no_address() -> None:
    for path in ("metrica.db", "/var/lib/postgresql://x", Path("postgresql:") / "x", "sqlite://x", "postgresql"):
        assert not is_address(path), path


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT ? + ?", "SELECT $1 + $2"),
        ("SELECT '?' || ? || 'it''s ?'", "SELECT '?' || $1 || 'it''s ?'"),
        ('SELECT "a?""b" FROM t WHERE x = ?', 'SELECT "a?""b" FROM t WHERE x = $1'),
        ("SELECT ? -- what?\n, ?", "SELECT $1 -- what?\n, $2"),
        ("SELECT /* ? */ ?", "SELECT /* ? */ $1"),
        ("SELECT $x$ ? $x$, $$ ? $$, ?", "SELECT $x$ ? $x$, $$ ? $$, $1"),
        ("SELECT '%s %' LIKE ?", "SELECT '%s %' LIKE $1"),
    ],
)
def test_question_marks_become_numbers_but_for_those_in_quotes_and_comments(sql: str, expected: str) -> None:
    assert numbered(sql) == expected


pieces = st.one_of(
    st.just("?"),
    st.text("ab ?%", max_size=5).map(lambda text: f"'{text}'"),
    st.text("ab ?%", max_size=5).map(lambda text: f'"{text}x"'),
    st.text("ab,=()%", max_size=5),
)


@given(st.lists(pieces, max_size=12))
def test_any_statement_has_a_number_for_each_value_and_is_the_same_otherwise(parts: list[str]) -> None:
    made = numbered(" ".join(parts))
    values = parts.count("?")
    assert re.sub(r"\$\d+", "?", made) == " ".join(parts)
    assert re.findall(r"\$(\d+)", made) == [str(n) for n in range(1, values + 1)]
