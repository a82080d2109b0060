"""Secrets are found in whatever form a library writes them, and nothing else is."""

from __future__ import annotations

import base64
import html
import json
import shlex
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metrica import secrets
from metrica.nodes.capture.address import read_address
from metrica.nodes.capture.credentials import authorization
from metrica.secrets.addresses import user_info

SECRETS = st.text(min_size=4, max_size=20).filter(lambda text: text.strip("*"))
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "repr": repr,
    "ascii": ascii,
    "bytes": lambda s: repr(s.encode()),
    "json": json.dumps,
    "json in letters": lambda s: json.dumps(s, ensure_ascii=False),
    "repr of repr": lambda s: repr(repr(s)),
    "json of json": lambda s: json.dumps(json.dumps(s)),
    "percent": lambda s: urllib.parse.quote(s, safe=""),
    "percent, some": urllib.parse.quote,
    "percent, small": lambda s: "".join(f"%{byte:02x}" for byte in s.encode()),
    "percent twice": lambda s: urllib.parse.quote(urllib.parse.quote(s, safe=""), safe=""),
    "form": urllib.parse.quote_plus,
    "html": html.escape,
    "xml": lambda s: s.encode("ascii", "xmlcharrefreplace").decode(),
    "backslashes": lambda s: s.encode("ascii", "backslashreplace").decode(),
    "shell": shlex.quote,
    "yaml": lambda s: "'" + s.replace("'", "''") + "'",
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "hexadecimal": lambda s: s.encode().hex(),
    "latin-1": lambda s: s.encode().decode("latin-1"),
    "without its letters": lambda s: s.encode("ascii", "replace").decode(),
}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=20, deadline=None)
@given(secret=SECRETS)
def test_a_secret_is_found_in_each_form(form: str, secret: str) -> None:
    secrets.forget_all()
    secrets.register(secret)
    hidden = secrets.hide(f"<{FORMS[form](secret)}>")
    assert "***" in hidden
    assert len(hidden.replace("\\", "")) <= 14, hidden


@settings(max_examples=100, deadline=None)
@given(secret=SECRETS, text=st.text(max_size=200))
def test_what_is_no_secret_stays_and_the_length_can_stay_too(secret: str, text: str) -> None:
    secrets.forget_all()
    secrets.register(secret)
    if secrets.hide(text) == text:
        assert secrets.hide(text, keep_length=True) == text
    masked = secrets.hide(f"a {secret} b", keep_length=True)
    assert len(masked) == len(f"a {secret} b") and secret not in masked


WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="/?#:@%", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]),
    min_size=4,
    max_size=12,
)


@settings(max_examples=100, deadline=None)
@given(user=WORDS, password=st.text(min_size=4, max_size=20), quoted=st.booleans())
def test_what_the_camera_s_parser_takes_for_a_password_is_hidden(user: str, password: str, quoted: bool) -> None:
    secrets.forget_all()
    password = password.strip()
    written = urllib.parse.quote(password, safe="") if quoted else password
    assume(password)
    assume(quoted or not set("/?#%") & set(password))
    address = read_address(f"rtsp://{user}:{written}@10.0.0.7:554/cam")
    assert address.password == password
    for text in (address.uri, password, address.password, authorization("", "DESCRIBE", "rtsp://x", address)):
        if len(text) >= 4 and text.strip("*"):
            assert text not in secrets.hide(f"<{text}>")
    assert str(address) == "rtsp://***@10.0.0.7:554/cam"
    assert secrets.hide(f"the camera {address.uri} is open") == f"the camera {address} is open"


@pytest.mark.parametrize(
    ("address", "info"),
    [
        ("rtsp://a:b@h/", "a:b"),
        ("rtsp://a:b c@h/", "a:b c"),
        ("rtsp://a:b@c@h/x@y", "a:b@c"),
        ("rtsp://a:b/c@h/", "a:b/c"),
        ("rtsp://:b@h", ":b"),
        ("admin:b@h/cam", "admin:b"),
        ("http://10.0.0.7:80/snap@2x.jpg", ""),
        ("http://localhost/a@b", ""),
        ("http://h/", ""),
        ("clip.mp4", ""),
    ],
)
def test_user_and_password_of_an_address(address: str, info: str) -> None:
    assert user_info(address) == info


def test_a_name_without_a_password_is_not_hidden_and_an_address_without_scheme_is() -> None:
    for harmless in ("clip.mp4", "/dev/video0", "sim://entrance?seed=7", "rtsp://10.0.0.7/cam", "a b.mp4"):
        secrets.register_address(harmless)
        assert secrets.hide(f"there is no file {harmless}") == f"there is no file {harmless}"
    secrets.register_address("admin:hunter22@10.0.0.7/cam")
    assert secrets.hide("there is no file admin:hunter22@10.0.0.7/cam") == "there is no file ***@10.0.0.7/cam"


def test_a_short_secret_is_hidden_in_its_address_and_as_a_value_only() -> None:
    secrets.register_address("rtsp://admin:in@h/cam?pwd=x")
    assert secrets.hide("in the rtsp://admin:in@h/ is nothing") == "in the rtsp://***@h/ is nothing"
    assert secrets.hide_value({"password": "in", "direction": "inside", "n": [1, "in"]}) == {
        "password": "***",
        "direction": "inside",
        "n": [1, "***"],
    }


def test_values_of_a_record_stay_what_they_are_unless_they_hold_a_secret() -> None:
    secrets.register(["12345", {"a": b"by tes"}, 7.0625])
    values = {"a": 1, "b": 2.5, "c": None, "d": True, "e": [1, (2, "x")], "f": {"g": 12345}, 12345: "h"}
    assert secrets.hide_value(values) == {
        "a": 1,
        "b": 2.5,
        "c": None,
        "d": True,
        "e": [1, [2, "x"]],
        "f": {"g": "***"},
        "***": "h",
    }
    assert secrets.hide_value(7.0625) == "***"
    assert secrets.hide("by tes, 123456") == "***, ***6"


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("METRICA_PASSWORD", True),
        ("password", True),
        ("GITHUB_TOKEN", True),
        ("CAMERA_API_KEY", True),
        ("DOOR_PW", True),
        ("TOKENIZERS_PARALLELISM", False),
        ("PASSWORD_STORE_DIR", False),
        ("HOME", False),
    ],
)
def test_variables_whose_name_ends_like_a_secret_are_secrets(name: str, hidden: bool) -> None:
    secrets.register_environment({name: "some value"})
    assert (secrets.hide("<some value>") == "<***>") is hidden


def test_a_private_file_is_only_its_user_s_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "open" / "door"
    for text in ("a long first text\n", "short\n"):
        secrets.write_private(path, text)
        assert path.read_text() == text
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        path.chmod(0o644)
    assert [p.name for p in path.parent.iterdir()] == ["door"]
