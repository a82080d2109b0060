"""The pages in a real browser: the owner reads what the database holds, on every screen, without the internet."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from metrica.dashboard.kpis.events import HOUR, IN, MINUTE, OUT
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.details_table import DetailsTable
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.store.users import User
from metrica.dashboard.texts.texts import texts
from metrica.dashboard.texts.wording import duration, hour_span, number
from metrica.dashboard.web.passwords import OWNER, hashed
from tests.dashboard.client import STORE
from tests.dashboard.footfall import at, event
from tests.dashboard.web.site import AFTERNOON, PASSWORD, ZONE, Opener, Site, chart, later, serving, text


def test_a_wrong_password_stays_outside_and_the_right_one_comes_in(site: Site, open_page: Opener) -> None:
    page = open_page(site, log_in=False)
    assert page.url == f"{site.address}/login"
    assert page.input_value("#name") == OWNER
    page.fill("#password", "wrong")
    page.click("#login-button")
    expect(page.locator("#login-problem")).to_have_text("This name and password do not belong together.")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#store-name")).to_have_text(STORE.id)
    page.click("#log-out")
    expect(page.locator("#login-button")).to_be_visible()
    page.goto(site.address)
    assert page.url == f"{site.address}/login"


def test_the_numbers_on_the_page_are_those_of_the_database(busy_site: Site, open_page: Opener) -> None:
    page = open_page(busy_site)
    midnight_and_four = at(ZONE, 2026, 11, 22, 4)
    rows = busy_site.database.write(
        lambda db: db.execute("SELECT time, direction FROM events WHERE time >= ?", [midnight_and_four]).fetchall()
    ).result()
    came = [time for time, direction in rows if direction == IN]
    left = [time for time, direction in rows if direction == OUT]
    expect(page.locator("#kpi-in-today")).to_have_text(str(len(came)))
    assert text(page, "kpi-out-today") == str(len(left))
    assert text(page, "kpi-rate") == str(4 * sum(time > AFTERNOON - 15 * MINUTE for time in came))
    headline = Reports(busy_site.database).headline(STORE, AFTERNOON)
    inside, dwell = headline.estimate.occupancy, headline.estimate.dwell
    assert (text(page, "kpi-inside"), text(page, "kpi-inside-margin")) == (str(inside.people), f"± {inside.margin}")
    assert dwell is not None
    assert text(page, "kpi-dwell") == duration(dwell.seconds, texts())
    assert headline.peak is not None
    assert text(page, "kpi-peak") == hour_span(headline.peak.hour, texts())
    assert text(page, "now") == "Sunday 22 November, 17:42"
    assert text(page, "kpi-age").startswith("last event ")
    reference, today = chart(page, "hourly")
    assert sum(n or 0 for n in today["y"]) == len(came)
    assert max(today["y"][n] or 0 for n in range(len(today["y"]))) == headline.peak.visitors
    assert sum(reference["y"]) == Reports(busy_site.database).daily(STORE, AFTERNOON)[-8].visitors
    past, last = chart(page, "daily")
    assert (len(past["y"]) + 1, last["y"]) == (28, [len(came)])
    (heat,) = chart(page, "heat")
    assert (len(heat["z"]), heat["y"][0]) == (7, "Mon")


def test_the_page_refreshes_by_itself_when_somebody_crosses_a_line(site: Site, open_page: Opener) -> None:
    site.send(event(0, AFTERNOON - HOUR), event(1, AFTERNOON - HOUR + MINUTE, "out"))
    page = open_page(site)
    expect(page.locator("#kpi-in-today")).to_have_text("1")
    expect(page.locator("#kpi-inside")).to_have_text("0")
    site.send(event(2, AFTERNOON), event(3, AFTERNOON), event(4, AFTERNOON, "out"))
    expect(page.locator("#kpi-in-today")).to_have_text("3")
    expect(page.locator("#kpi-out-today")).to_have_text("2")
    expect(page.locator("#kpi-inside")).to_have_text("1")
    expect(page.locator("#kpi-age")).to_have_text("last event just now")
    site.clock.now += 5 * MINUTE
    expect(page.locator("#kpi-age")).to_have_text("last event 5 min ago")
    assert sum(n or 0 for n in chart(page, "hourly")[1]["y"]) == 3


def test_at_the_cutoff_hour_a_new_day_begins_on_the_page(busy_site: Site, open_page: Opener) -> None:
    page = open_page(busy_site)
    expect(page.locator("#kpi-in-today")).not_to_have_text("–")
    busy_site.clock.now = at(ZONE, 2026, 11, 23, 4, 1)
    expect(page.locator("#kpi-in-today")).to_have_text("0")
    expect(page.locator("#kpi-inside")).to_have_text("0")
    expect(page.locator("#hourly-legend")).to_have_text("No visitors yet todayLast Monday")


def test_before_the_first_event_the_page_says_what_to_do_and_then_fills(site: Site, open_page: Opener) -> None:
    page = open_page(site, 390, 844)
    expect(page.locator("#notice")).to_contain_text("Waiting for the first event")
    expect(page.locator("#kpi-age")).to_have_text("waiting for the first event")
    expect(page.locator("#charts")).to_be_hidden()
    expect(page.locator("#kpi-inside")).to_have_text("0")
    site.send(event(1, AFTERNOON - MINUTE))
    expect(page.locator("#kpi-inside")).to_have_text("1")
    expect(page.locator("#notice")).to_be_empty()
    expect(page.locator("#charts")).to_be_visible()
    assert sum(n or 0 for n in chart(page, "hourly")[1]["y"]) == 1
    box = page.locator("#chart-hourly .main-svg").first.bounding_box()
    assert box is not None
    assert box["width"] > 300, "drawn to the width that it has when it appears"


def test_without_a_store_the_page_says_how_to_add_one(tmp_path: Path, open_page: Opener) -> None:
    with serving(tmp_path, stores=()) as site:
        page = open_page(site)
        expect(page.locator("#notice")).to_contain_text("metrica-admin store add")
        expect(page.locator("#figures")).to_be_hidden()


def test_a_name_is_shown_as_it_is_and_never_run(tmp_path: Path, open_page: Opener) -> None:
    name = "<img src=x onerror=document.title='run'> \u0627\u0644\u0645\u062f\u064a\u0646\u0629 & 'Lac'"
    with serving(tmp_path, stores=(STORE, Store("sfax-01", ZONE))) as site:
        DetailsTable(site.database).change("sfax-01", {"name": name})
        page = open_page(site)
        expect(page.locator("#store-name")).to_have_text(name)
        expect(page.locator("#store")).to_have_value(name)
        page.click("#store")
        expect(page.get_by_role("option", name=name)).to_be_visible()
        page.get_by_role("option", name=STORE.id).click()
        expect(page.locator("#store-name")).to_have_text(STORE.id)
        assert page.locator("#store-name img, [role=option] img").count() == 0
        assert page.title() != "run"


def test_of_several_stores_one_is_chosen(tmp_path: Path, open_page: Opener) -> None:
    with serving(tmp_path, stores=(STORE, Store("sfax-01", ZONE))) as site:
        site.send(event(1, AFTERNOON - MINUTE))
        page = open_page(site)
        expect(page.locator("#store-name")).to_have_text("sfax-01")
        expect(page.locator("#kpi-inside")).to_have_text("0")
        page.click("#store")
        page.get_by_role("option", name=STORE.id).click()
        expect(page.locator("#store-name")).to_have_text(STORE.id)
        expect(page.locator("#kpi-inside")).to_have_text("1")


def test_every_screen_shows_it_all_and_a_phone_the_most_urgent_first(busy_site: Site, open_page: Opener) -> None:
    busy_site.send(*(event(10**6 + n, AFTERNOON - n * MINUTE // 200, camera="crowd") for n in range(12_345)))
    entered = Reports(busy_site.database).headline(STORE, AFTERNOON).traffic.entered
    page = open_page(busy_site, 360, 740)
    expect(page.locator("#kpi-in-today")).to_have_text(number(entered, texts()))
    chart(page, "heat")
    urgent = [page.locator(f"#kpi-{name}").bounding_box() for name in ("inside", "in-today", "rate")]
    tops = [box["y"] for box in urgent if box is not None]
    assert tops == sorted(tops)
    assert max(tops) < 740, "on the first screen"
    for width, height in ((360, 740), (390, 844), (800, 1100), (1280, 900)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        outside = page.evaluate(
            """[...document.querySelectorAll('.page *')].filter(e => !e.closest('svg')
               && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.id || e.className)"""
        )
        assert outside == []
        figures = "[...document.querySelectorAll('.figure, .hero, .label')]"
        assert page.evaluate(f"{figures}.filter(e => e.scrollWidth > e.clientWidth).length") == 0


def test_the_browser_asks_nothing_of_anybody_else_and_complains_of_nothing(busy_site: Site, open_page: Opener) -> None:
    page = open_page(busy_site, log_in=False)
    page.fill("#password", PASSWORD)
    page.click("#login-button")
    chart(page, "heat")
    page.hover("#chart-hourly")
    assert len(busy_site.asked) > 20
    assert [url for url in busy_site.asked if not url.startswith((f"{busy_site.address}/", "data:", "blob:"))] == []
    assert busy_site.complaints == []


def test_light_and_dark_follow_the_device_at_once(busy_site: Site, open_page: Opener) -> None:
    page = open_page(busy_site)
    chart(page, "hourly")
    expect(page.locator("#chart-hourly .xy2 .bars path").first).to_be_attached()
    ground = "getComputedStyle(document.body).backgroundColor"
    bar = "getComputedStyle(document.querySelector('#chart-hourly .xy2 .bars path')).fill"
    light = page.evaluate(f"[{ground}, {bar}]")
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(f"[{ground}, {bar}]")
    assert [before != after for before, after in zip(light, dark, strict=True)] == [True, True]


def test_a_page_that_lost_its_server_says_so(busy_site: Site, open_page: Opener) -> None:
    page = open_page(busy_site)
    expect(page.locator("#kpi-in-today")).not_to_have_text("–")
    expect(page.locator("#offline")).to_be_hidden()
    busy_site.stop()
    later(page)
    expect(page.locator("#offline")).to_have_text(texts()("offline"))


def test_a_broken_database_is_said_in_one_sentence(busy_site: Site, open_page: Opener) -> None:
    page = open_page(busy_site)
    expect(page.locator("#kpi-in-today")).not_to_have_text("–")
    busy_site.database.close()
    later(page)
    expect(page.locator("#offline")).to_have_text(f"the database {busy_site.database.path} is closed")


def test_a_page_whose_session_is_over_goes_to_the_login(busy_site: Site, open_page: Opener) -> None:
    page = open_page(busy_site)
    expect(page.locator("#kpi-in-today")).not_to_have_text("–")
    busy_site.database.users.put(User(OWNER, hashed("another password")))
    later(page)
    expect(page.locator("#login-button")).to_be_visible()


def test_on_an_arabic_phone_it_all_goes_from_right_to_left_and_the_shop_can_be_emptied(
    busy_site: Site, open_page: Opener
) -> None:
    noon = at(ZONE, 2026, 11, 22, 12)
    gone = f"DELETE FROM events WHERE time >= {noon} AND time < {noon + 2 * HOUR}"
    busy_site.database.write(lambda db: db.execute(gone)).result()
    page = open_page(busy_site, 360, 740, language="ar-TN")
    arabic = texts("ar")
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["ar", "rtl"]
    expect(page.locator("#kpi-inside")).not_to_have_text("–")
    expect(page.locator("#kpi-in-note")).to_contain_text(arabic("partial", missing="")[:8])
    expect(page.locator("#hourly-legend")).to_contain_text(arabic("no_data"))
    reference, today, none = chart(page, "hourly")
    assert {"12", "13"} <= set(none["x"])
    assert today["y"][reference["x"].index("12")] is None
    assert page.evaluate("document.querySelector('#chart-hourly .js-plotly-plot').layout.yaxis.side") == "right"
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    before = text(page, "kpi-inside")
    page.click("#empty-now")
    expect(page.locator("#kpi-inside")).to_have_text("0")
    expect(page.locator("#emptied-note")).to_have_text(arabic("emptied_at", time="17:42"))
    page.click("#empty-undo")
    expect(page.locator("#kpi-inside")).to_have_text(before)
    expect(page.locator("#emptied")).to_be_hidden()
    page.click("text=Français")
    expect(page.locator("#empty-now")).to_have_text(texts("fr")("empty_now"))
    assert page.evaluate("document.documentElement.lang") == "fr"
    assert busy_site.complaints == []
