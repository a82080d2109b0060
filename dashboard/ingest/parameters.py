"""Parameters in the query string of an address: how each is read, and what the OpenAPI document says of it."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from aiohttp import web

from metrica.dashboard.admin.shared.times import parse_time
from metrica.dashboard.ingest.body import RequestError


class Parameter(Protocol):
    """What each kind of parameter has."""

    @property
    def name(self) -> str:
        """What it is called in the address."""
        ...

    @property
    def help(self) -> str:
        """What it does, for the OpenAPI document."""
        ...

    def schema(self) -> dict[str, Any]:
        """Return what values it takes, as JSON Schema."""
        ...


@dataclass(frozen=True, slots=True)
class Query:
    """A whole number from `least` to `most`."""

    name: str
    """What the parameter is called in the address, such as `days`."""
    default: int
    """The value if the request does not give one."""
    least: int
    """The smallest value that is accepted."""
    most: int
    """The largest value that is accepted."""
    help: str
    """What the parameter does, for the OpenAPI document."""

    def read(self, request: web.Request) -> int:
        """Return its value in this request. Raises RequestError 400."""
        text = request.query.get(self.name)
        if text is None:
            return self.default
        if not (text.isascii() and text.isdigit() and len(text) < 10 and self.least <= int(text) <= self.most):
            raise RequestError(400, f"'{self.name}' must be a whole number from {self.least} to {self.most}")
        return int(text)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "default": self.default, "minimum": self.least, "maximum": self.most}


_DATE = re.compile(r"(19|20|21)\d\d-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class DateQuery:
    """A date such as 2026-11-28, or nothing."""

    name: str
    help: str

    def read(self, request: web.Request) -> date | None:
        """Return its value in this request; None if it gives none. Raises RequestError 400."""
        text = request.query.get(self.name)
        if text is None:
            return None
        if _DATE.fullmatch(text):
            with contextlib.suppress(ValueError):
                return date.fromisoformat(text)
        raise RequestError(400, f"'{self.name}' must be a date such as 2026-11-28")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words; the first is what a request means that gives none."""

    name: str
    choices: tuple[str, ...]
    help: str

    def read(self, request: web.Request) -> str:
        """Return its value in this request. Raises RequestError 400."""
        text = request.query.get(self.name, self.choices[0])
        if text not in self.choices:
            raise RequestError(400, f"'{self.name}' must be one of {', '.join(self.choices)}")
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices), "default": self.choices[0]}


@dataclass(frozen=True, slots=True)
class Time:
    """A time, by the store's clock unless it has an offset from UTC."""

    name: str
    help: str

    def read(self, request: web.Request, timezone: str, default: int) -> int:
        """Return its value in this request, ns UTC. Raises RequestError 400."""
        text = request.query.get(self.name)
        if text is None:
            return default
        try:
            # An offset such as +01:00 that was not written as %2B01:00 arrives with a blank.
            return parse_time(text.replace(" ", "+") if text.count(" ") and "T" in text else text, timezone)
        except ValueError as error:
            raise RequestError(400, f"'{self.name}': {error}") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "examples": ["2026-11-28", "2026-11-28T14:30"]}


@dataclass(frozen=True, slots=True)
class Text:
    """A name; without it, or if it is empty, all are meant."""

    name: str
    help: str

    def read(self, request: web.Request) -> str:
        """Return its value in this request. Raises RequestError 400."""
        text = request.query.get(self.name, "")
        if len(text) > 100 or not text.isprintable():
            raise RequestError(400, f"'{self.name}' must be a name of up to 100 characters")
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": 100, "default": ""}
