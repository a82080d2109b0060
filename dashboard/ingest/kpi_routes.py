"""The GET endpoints of the ingest: the same figures as on the pages, for programs."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel

from metrica.dashboard.ingest.api import DATABASE, Route, answer
from metrica.dashboard.ingest.asking import STORE
from metrica.dashboard.ingest.body import RequestError
from metrica.dashboard.ingest.parameters import DateQuery, Query
from metrica.dashboard.ingest.schemas import kpis as out
from metrica.dashboard.kpis import footfall
from metrica.dashboard.kpis.dwell import Dwell
from metrica.dashboard.kpis.events import SECOND
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.rights import FIGURES
from metrica.dashboard.reports.answers import Answers
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.reports.store_reports import DAYS
from metrica.dashboard.reports.views import WEEKS, calendar_of

ANSWERS = web.AppKey("answers", Answers)
"""The application's figures."""

_DAYS = Query("days", DAYS, 1, 36_500, "How many business days, today included.")
_FROM = DateQuery("from", "The first business day, instead of `days`; else the first one of which anything is known.")
_TO = DateQuery("to", "The last business day, included; else today.")
_PERIOD = (_DAYS, _FROM, _TO)
_WEEKS = Query("weeks", WEEKS, 1, WEEKS, "How many weeks to take the mean of.")

T = TypeVar("T", bound=BaseModel)


async def get_store(request: web.Request) -> web.Response:
    """Answer with the store, and the times of its first and last event."""

    def compute(reports: Reports, store: Store, now: int) -> out.StoreInfo:
        headline = reports.headline(store, now)
        return out.StoreInfo(
            store=store.id,
            timezone=store.timezone,
            cutoff_hour=store.cutoff_hour,
            business_day=headline.day,
            first_event=_local(store, headline.first_event),
            last_event=_local(store, headline.last_event),
        )

    return await _answer(request, "store", compute)


async def get_kpis(request: web.Request) -> web.Response:
    """Answer with the figures that are one number each."""

    def compute(reports: Reports, store: Store, now: int) -> out.Kpis:
        headline = reports.headline(store, now)
        return out.Kpis(
            store=store.id,
            time=calendar_of(store).local(now),
            business_day=headline.day,
            inside=headline.estimate.occupancy.people,
            inside_margin=headline.estimate.occupancy.margin,
            inside_known=not headline.estimate.in_gap,
            today=out.Today(entered=headline.traffic.entered, left=headline.traffic.left, last_week=headline.last_week),
            inflow_per_hour=headline.inflow_rate,
            dwell=_dwell(headline.estimate.dwell),
            missing_seconds=round(headline.estimate.missing / SECOND),
            emptied=_local(store, headline.empty_mark.time if headline.empty_mark else None),
            peak=_peak(headline.peak),
            usual_peak=_peak(headline.usual_peak),
            last_event=_local(store, headline.last_event),
        )

    return await _answer(request, "kpis", compute)


async def get_hourly(request: web.Request) -> web.Response:
    """Answer with visitors per hour, today and on the same weekday last week."""

    def compute(reports: Reports, store: Store, now: int) -> out.Hourly:
        day = calendar_of(store).day_of(now)
        rows = reports.hourly(store, now)
        return out.Hourly(
            store=store.id,
            business_day=day,
            compared_with=day - timedelta(days=7),
            hours=[
                out.Hour(hour=row.hour, today=row.today, last_week=row.last_week, missing=round(row.missing, 3))
                for row in rows
            ],
        )

    return await _answer(request, "hourly", compute)


async def get_daily(request: web.Request) -> web.Response:
    """Answer with visitors per business day."""
    days, first, last = _DAYS.read(request), _FROM.read(request), _TO.read(request)
    period = first is not None or last is not None
    if period and "days" in request.query:
        raise RequestError(400, "give 'days', or 'from' and 'to', not both")
    if first is not None and last is not None and first > last:
        raise RequestError(400, "'to' is before 'from'")

    def compute(reports: Reports, store: Store, now: int) -> out.Daily:
        rows = reports.daily_between(store, now, first, last) if period else reports.daily(store, now, days)
        listed = [out.Day(day=row.day, visitors=row.visitors, missing_hours=round(row.missing, 3)) for row in rows]
        return out.Daily(store=store.id, days=listed)

    return await _answer(request, ("daily", days, first, last), compute)


async def get_heatmap(request: web.Request) -> web.Response:
    """Answer with mean visitors by weekday and hour."""
    weeks = _WEEKS.read(request)

    def compute(reports: Reports, store: Store, now: int) -> out.Heat:
        heat = reports.heat_map(store, now, weeks)
        rows = [out.Weekday(weekday=n, visitors=list(cells)) for n, cells in enumerate(heat.cells)]
        return out.Heat(store=store.id, weeks=weeks, hours=list(heat.hours), weekdays=rows)

    return await _answer(request, ("heatmap", weeks), compute)


_PATH = "/v1/stores/{store}"

ROUTES: tuple[Route, ...] = (
    Route("GET", _PATH, get_store, "The store, and how old its data are", out.StoreInfo, FIGURES),
    Route(
        "GET", f"{_PATH}/kpis", get_kpis, "Inside now, in and out today, inflow, dwell, peak hour", out.Kpis, FIGURES
    ),
    Route("GET", f"{_PATH}/hourly", get_hourly, "Visitors per hour, today and a week ago", out.Hourly, FIGURES),
    Route(
        "GET",
        f"{_PATH}/daily",
        get_daily,
        "Visitors per day",
        out.Daily,
        FIGURES,
        query=(_DAYS, _FROM, _TO),
        errors=(400,),
    ),
    Route("GET", f"{_PATH}/heatmap", get_heatmap, "Hour by weekday", out.Heat, FIGURES, query=(_WEEKS,), errors=(400,)),
)


async def _answer(
    request: web.Request, question: Hashable, compute: Callable[[Reports, Store, int], T]
) -> web.Response:
    """Answer for the store in the path, at the present time.

    The header `Age` says how many seconds ago the figures were right, if fresh ones take too long.
    """
    database, answers, store = request.app[DATABASE], request.app[ANSWERS], request[STORE]
    now = database.clock()
    found = await answers.ask_async(store, question, now, lambda reports: compute(reports, store, now))
    response = answer(found.value)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Age"] = str((now - found.moment) // SECOND)
    return response


def _local(store: Store, moment: int | None) -> datetime | None:
    return None if moment is None else calendar_of(store).local(moment)


def _dwell(dwell: Dwell | None) -> out.Dwell | None:
    if dwell is None:
        return None
    percentiles = dwell.percentiles
    estimates = None if percentiles is None else out.DwellEstimates(p50=percentiles.p50, p90=percentiles.p90)
    return out.Dwell(seconds=dwell.seconds, sessions=dwell.sessions, estimated_percentiles=estimates)


def _peak(peak: footfall.Peak | None) -> out.Peak | None:
    return None if peak is None else out.Peak(hour=peak.hour, visitors=peak.visitors)
