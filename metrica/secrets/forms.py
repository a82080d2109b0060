"""How a secret may be written in a text: one pattern that finds all its forms. Pure."""

from __future__ import annotations

import base64
import html
import re

_NAMED = {"\n": "n", "\r": "r", "\t": "t", "\f": "f", "\v": "v", "\b": "b", "\a": "a", "\0": "0"}


def pattern(secret: str) -> str:
    """A regular expression for the secret as it is, and as it stands after one or more of these:

    percent encoding (also twice, and of any choice of letters), `repr` of a text or of its bytes, JSON, the quotes of
    YAML and of a shell, HTML, a form (`+` for a blank), bytes read as Latin-1, an encoding that lacks its letters, and
    as a whole Base64 or hexadecimal digits.
    """
    data = secret.encode("utf-8", "surrogateescape" if _is_bytes(secret) else "surrogatepass")
    whole = {base64.b64encode(data).rstrip(b"=").decode(), base64.urlsafe_b64encode(data).rstrip(b"=").decode()}
    written = "".join(_letter(c) for c in secret)
    return "|".join([written, *(re.escape(text) for text in sorted(whole)), f"(?i:{data.hex()})"])


def _letter(c: str) -> str:
    """A pattern for all the forms of one letter."""
    code = ord(c)
    data = c.encode("utf-8", "surrogateescape" if _is_bytes(c) else "surrogatepass")
    percent = "".join(f"%(?:25)*(?i:{byte:02x})" for byte in data)
    if c.isascii() and c.isalnum():
        return f"(?:{c}|{percent})"
    forms = [percent, rf"\\+(?i:u{code:04x}|x{code:02x}|U{code:08x})", rf"&#(?:{code}|(?i:x0*{code:x}));"]
    if c in _NAMED:
        forms.append(rf"\\+{_NAMED[c]}")
    if (named := html.escape(c)) != c:
        forms.append(re.escape(named))
    if c == " ":
        forms.append(r"\+")
    if c == "'":
        forms += [r"\\+'", "''", r"'\\+''", "'\"'\"'"]
    elif c == "\\":
        forms.append(r"\\+")
    elif not c.isalnum():
        forms.append(r"\\+" + re.escape(c))
    if len(data) > 1:
        forms += ["".join(rf"\\+x(?i:{byte:02x})" for byte in data), re.escape(data.decode("latin-1")), r"\?", "\ufffd"]
    if code > 0xFFFF:
        pair = c.encode("utf-16-be")
        forms.append(rf"\\+u(?i:{pair[:2].hex()})\\+u(?i:{pair[2:].hex()})")
    return f"(?:{'|'.join([*forms, re.escape(c)])})"  # the longer forms first


def _is_bytes(text: str) -> bool:
    """Whether the text holds bytes that are no UTF-8, as Python puts them into names (PEP 383)."""
    return any("\udc80" <= c <= "\udcff" for c in text)
