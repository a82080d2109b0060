"""The steps of the schema, taken by sqlite-utils, which notes in the file which ones were taken."""

from __future__ import annotations

from sqlite_utils import Database as SqliteDatabase
from sqlite_utils import Migrations

from metrica.dashboard.database.schema.step import Step
from metrica.dashboard.database.schema.steps import STEPS

migrations = Migrations("metrica")


def _register(step: Step) -> None:
    @migrations(name=step.name)
    def apply(db: SqliteDatabase) -> None:
        step.apply(db.conn, "sqlite")


for _step in STEPS:
    _register(_step)
