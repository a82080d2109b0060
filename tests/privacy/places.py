"""Every place where something is kept or leaves a process: messages, tables, the API, metrics and log fields."""

from __future__ import annotations

import ast
import pkgutil
import sqlite3
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

from prometheus_client.parser import text_string_to_metric_families

import metrica
from metrica.dashboard.ingest.app import ROUTES
from metrica.dashboard.ingest.metrics import Metrics
from metrica.dashboard.ingest.openapi import openapi
from metrica.dashboard.store.database import Database
from metrica.journal import Journal
from metrica.messages import Message
from tests.paths import ROOT

FOLDERS = ("dashboard", "launch", "messages", "metrica", "models", "nodes", "simulator", "tools")
"""The folders of the product."""
_METHODS = frozenset({"debug", "info", "warning", "error", "critical", "exception"})
_OF_THE_CALL = frozenset({"exc_info", "stack_info", "stacklevel", "extra"})


def of_messages() -> dict[str, Any]:
    """Message.field -> its type, for each message class of the product, and of the dataclasses within them."""
    for module in pkgutil.walk_packages(metrica.__path__, "metrica."):
        if ".training" not in module.name and not module.name.endswith("__main__"):
            import_module(module.name)
    found: dict[str, Any] = {}
    waiting = [cls for cls in _subclasses(Message) if cls.__module__.startswith("metrica.")]
    seen: set[type[Any]] = set()
    while waiting:
        cls = waiting.pop()
        if cls in seen:
            continue
        seen.add(cls)
        for name, hint in get_type_hints(cls, include_extras=True).items():
            if name in {field.name for field in fields(cls)}:
                found[f"{cls.__name__}.{name}"] = hint
                if isinstance(hint, type) and is_dataclass(hint):
                    waiting.append(hint)
    return found


def of_tables(folder: Path) -> set[str]:
    """file: table.column, for the server's database and the box's journal."""
    Database(folder / "metrica.db").close()
    Journal(folder / "journal.db").close()
    found: set[str] = set()
    for path in (folder / "metrica.db", folder / "journal.db"):
        with sqlite3.connect(path) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                for row in connection.execute(f"PRAGMA table_info({table})"):
                    found.add(f"{path.stem}: {table}.{row[1]}")
    return found


def of_the_api() -> set[str]:
    """Schema.property of each schema, and METHOD path ?parameter of each endpoint."""
    document = openapi(ROUTES)
    found = {
        f"{name}.{key}"
        for name, schema in document["components"]["schemas"].items()
        for key in schema.get("properties", ())
    }
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            found.add(f"{method.upper()} {path}")
            found |= {f"{method.upper()} {path} ?{given['name']}" for given in described.get("parameters", ())}
    return found


def of_metrics(folder: Path) -> set[str]:
    """metric{label} of each metric of the ingest."""
    with Database(folder / "metrica.db") as database:
        metrics = Metrics(database)
        metrics.events(accepted=1, duplicates=1, refused=1)
        text = metrics.text().decode()
    found: set[str] = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found |= {f"{sample.name}{{{label}}}" for label in sample.labels} or {sample.name}
    return found


def of_logs() -> set[str]:
    """The names of all fields that a call gives to a log, beside its message."""
    return {name for _, call in _calls() for name in _field_names(call)}


def of_log_messages() -> set[str]:
    """file: expression, for whatever is put into a log message by a format string or as an argument."""
    found: set[str] = set()
    for path, call in _calls():
        if _is_log(call):
            for argument in call.args:
                parts = [part.value for part in ast.walk(argument) if isinstance(part, ast.FormattedValue)]
                values = parts or ([argument] if not isinstance(argument, ast.Constant | ast.JoinedStr) else [])
                found |= {f"{path.relative_to(ROOT)}: {ast.unparse(value)}" for value in values}
    return found


def _is_log(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _METHODS:
        return False
    owner = ast.unparse(call.func.value)
    return owner in ("log", "logging") or owner.endswith((".log", "_log"))


def _field_names(call: ast.Call) -> Iterator[str]:
    if _is_log(call):
        yield from (keyword.arg for keyword in call.keywords if keyword.arg and keyword.arg not in _OF_THE_CALL)


def _calls() -> Iterator[tuple[Path, ast.Call]]:
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            for part in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(part, ast.Call):
                    yield path, part


def _subclasses(cls: type[Any]) -> set[type[Any]]:
    return {cls}.union(*(_subclasses(below) for below in cls.__subclasses__())) - {Message}
