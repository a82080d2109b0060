"""Two organisations on one server, of which one may never learn anything of the other: whatever is theirs says so."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.people.api_tokens import ApiTokenTable
from metrica.dashboard.people.members import MemberTable
from metrica.dashboard.people.organisations import MAIN, OrganisationTable
from metrica.dashboard.people.rights import RIGHTS, Role
from metrica.dashboard.people.settings import change_settings
from metrica.dashboard.service.serving import AioServer
from metrica.dashboard.store.database import Database
from metrica.dashboard.web.app import WebSettings, create_web
from metrica.dashboard.web.passwords import hashed
from metrica.dashboard.webhooks.table import Webhooks
from tests.dashboard.client import NOON, Client, ManualClock
from tests.dashboard.footfall import event
from tests.dashboard.web.browser import PASSWORD, log_in

CANARY = "canary"
"""Stands in everything of the other organisation. Whoever reads it has learnt something."""
THEIRS, NOWHERE = "canary-01", "nowhere-1"
"""A store of the other organisation, and one that is not there."""
THEIR_USER, NOBODY = f"{CANARY}@{CANARY}", "nobody@nobody"
MINE = "tunis-01"
ROLES = (Role.OWNER, Role.MANAGER, Role.INSTALLER, Role.VIEWER)


@dataclass
class World:
    """The server of both."""

    database: Database
    address: str
    web: Flask
    their_key: str
    their_mark: int
    their_webhook: str
    clients: dict[str, Client] = field(default_factory=dict[str, Client])
    browsers: dict[str, FlaskClient] = field(default_factory=dict[str, FlaskClient])

    def of_theirs(self) -> dict[str, Any]:
        """All rows of the database in which the other organisation is named, or that are of its store, by table."""
        names = [row[0] for row in self.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = {name: self.database.rows(f'SELECT * FROM "{name}"') for name in names}
        # That somebody tries another's name at the login is noted, and changes nothing.
        tables["audit"] = [row for row in tables["audit"] if "login failed" not in row]
        return {name: [row for row in rows if CANARY in repr(row)] for name, rows in tables.items()}


@contextlib.contextmanager
def world(folder: Path) -> Generator[World]:
    """Both organisations; of mine, a client and a browser for each role, and a box."""
    with Database(folder / "metrica.db", clock=ManualClock()) as database:
        OrganisationTable(database).add(CANARY, CANARY)
        for store, organisation, visitors in ((MINE, MAIN, 5), (THEIRS, CANARY, 777)):
            database.stores.say(store, {"timezone": "Africa/Tunis"}, organisation=organisation)
            camera = CANARY if organisation == CANARY else "door"
            events = [event(n, NOON - n * 10**9, camera=camera) for n in range(1, visitors + 1)]
            database.events.add(store, events).result()
        details = {"name": CANARY, "address": CANARY, "tags": [CANARY], "groups": ["north"], "capacity": 777}
        change_settings(database, THEIRS, details)
        change_settings(database, MINE, {"groups": ["north"], "name": "Lafayette"})
        MemberTable(database).add(CANARY, THEIR_USER, CANARY, Role.OWNER)
        _, token = ApiTokenTable(database).create(THEIR_USER, RIGHTS[Role.OWNER], label=CANARY)
        database.tokens.create(THEIRS, CANARY)
        mark = database.empty_marks.add(THEIRS, THEIR_USER)
        hook = Webhooks(database).add(THEIRS, f"https://{CANARY}.example.com/{CANARY}", "event")
        # A number that is in no other text.
        database.write(lambda db: db.execute("UPDATE webhooks SET n = 900000009 WHERE n = ?", (hook.n,))).result()
        web = create_web(database, WebSettings(secret_key="k" * 32, patience=None))
        server = AioServer(create_app(database, patience=None), "127.0.0.1", 0)
        made = World(database, server.address, web, token.key, mark.n, "900000009")
        made.clients["box"] = Client(server.address, database.tokens.create(MINE))
        password = hashed(PASSWORD)
        for role in ROLES:
            MemberTable(database).add(MAIN, role, password, role, None if role is Role.OWNER else [MINE])
            own, _ = ApiTokenTable(database).create(role, RIGHTS[role])
            made.clients[role] = Client(server.address, own)
            made.browsers[role] = web.test_client()
            assert log_in(made.browsers[role], name=role).status_code == 302
        try:
            yield made
        finally:
            server.stop()
