"""What is secret in an address: user and password, and the fields of its query that are called like a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from metrica.secrets.registry import register

SECRET_FIELD = re.compile(r"(?i)\b(user(?:name)?|usr|pass(?:word|wd)?|pwd|token|auth|key)=([^&\s/?#]*)")
"""A field of an address that may hold a secret: its name and its value. Some cameras have such fields in the path."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HOST = re.compile(r"(\d+\.\d+\.\d+\.\d+|localhost|\[[\da-fA-F:.]+\])(:\d+)?[/?#]")  # no user is called like this
_VARIABLE = re.compile(r"(?i)(?:^|_)(?:pass(?:word|wd|phrase)?|pw|secret|token|api_?key)$")


def user_info(address: str) -> str:
    """What stands before the host of an address: `USER:PASSWORD`, as written; empty if there is nothing.

    A password may hold any letter that is not written as %XX, also '@', ':' and blanks, up to the first '/', '?' or
    '#'. If there is an '@' only behind these, the password is taken to hold them.
    """
    scheme = _SCHEME.match(address)
    rest = address[scheme.end() :] if scheme else address
    before_path = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in before_path:
        return before_path.rpartition("@")[0]
    return "" if _HOST.match(rest) else rest.rpartition("@")[0]


def register_address(text: str) -> None:
    """Hide the user, the password and the tokens of an address, if there are any in the text."""
    text = text.strip()
    without_scheme = [text] if re.match(r"[^/\s:]+:.*@", text) else []
    for address in _SCHEME.split(text)[1:] or without_scheme:
        info = user_info(address)
        user, colon, password = info.partition(":")
        for form in dict.fromkeys((info, f"{unquote(user)}{colon}{unquote(password)}")):
            register(form, before="@")
        for form in dict.fromkeys((password, unquote(password))):
            register(form)
        for name, value in SECRET_FIELD.findall(address):
            if not name.lower().startswith("us"):
                register(value)
                register(unquote(value))


def register_environment(environment: Mapping[str, str]) -> None:
    """Hide the values of variables that are called like a secret, and the passwords of addresses in all others."""
    for name, value in environment.items():
        if _VARIABLE.search(name):
            register(value)
        elif "://" in value:
            register_address(value)
