"""Every step of the schema, in order. A new one goes to the end, in a file of its own."""

from __future__ import annotations

from metrica.dashboard.database.schema.first_steps import FIRST_STEPS
from metrica.dashboard.database.schema.m009_rollups import ROLLUPS
from metrica.dashboard.database.schema.m010_organisations import ORGANISATIONS
from metrica.dashboard.database.schema.m011_boxes import BOXES
from metrica.dashboard.database.schema.m012_webhooks import WEBHOOKS
from metrica.dashboard.database.schema.m014_many_people import MANY_PEOPLE
from metrica.dashboard.database.schema.step import Step

STEPS: tuple[Step, ...] = (*FIRST_STEPS, ROLLUPS, ORGANISATIONS, BOXES, WEBHOOKS, MANY_PEOPLE)
