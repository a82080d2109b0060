"""`metrica-label` in a real browser, and from its command line."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from metrica.tools.evaluate.labels import read_labels
from metrica.tools.label.cli import main
from tests.clips import ENTRANCE
from tests.nodes.capture.footage import write_video

COMMAND = [sys.executable, "-c", "from metrica.tools.label.cli import main; raise SystemExit(main())"]


@contextmanager
def labelling(*arguments: str) -> Generator[str]:
    """The address that a running metrica-label prints."""
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address, process.communicate()
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "door.mp4", frames=90, fps=15)


@pytest.fixture
def address(video: Path, tmp_path: Path) -> Generator[str]:
    with labelling(str(video), "--line", "80,96,80,0", "--out", str(tmp_path / "labels.json")) as url:
        yield url


@pytest.fixture
def page(browser: Browser, address: str) -> Generator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    said: list[str] = []
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    opened.goto(address)
    at_frame(opened, 0)
    yield opened
    context.close()
    assert said == []


def at_frame(page: Page, number: int) -> None:
    expect(page.locator("body")).to_have_attribute("data-frame", str(number))


def seek(page: Page, frame: int) -> None:
    script = "(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); }"
    page.locator("#seek").evaluate(script, frame)
    at_frame(page, frame)


def saved(page: Page, path: Path, events: list[tuple[int, str]]) -> None:
    """Wait until these events, and no others, are in the file."""
    for _ in range(200):
        found = [event for line in read_labels(path).lines for event in line.events] if path.exists() else None
        if found == events:
            break
        page.wait_for_timeout(50)
    else:
        pytest.fail(f"not in the file: {events}")
    expect(page.locator("#status")).to_have_text("saved")


def test_taps_by_finger_and_by_key_are_in_the_file(page: Page, tmp_path: Path) -> None:
    seek(page, 30)
    page.locator("#in").tap()
    expect(page.locator("#totals")).to_have_text("1 in, 0 out")
    page.keyboard.press("ArrowRight")
    at_frame(page, 31)
    page.keyboard.press("Shift+ArrowRight")
    at_frame(page, 46)
    page.keyboard.press("o")
    page.keyboard.press("i")
    expect(page.locator("#totals")).to_have_text("2 in, 1 out")
    page.keyboard.press("u")
    expect(page.locator("#totals")).to_have_text("1 in, 1 out")
    saved(page, tmp_path / "labels.json", [(30, "in"), (46, "out")])
    page.get_by_role("button", name="remove in at 0:02.0").click()
    expect(page.locator("#list li")).to_have_count(1)
    saved(page, tmp_path / "labels.json", [(46, "out")])


def test_a_clip_that_is_played_to_its_end_has_been_watched(page: Page, tmp_path: Path) -> None:
    page.locator("#speed").select_option("4")
    page.keyboard.press("Space")
    at_frame(page, 88)  # every second frame at four times the speed: 0, 2, …
    expect(page.locator("#play")).to_have_text("Play")
    expect(page.locator("#status")).to_have_text("saved")
    labels = read_labels(tmp_path / "labels.json")
    assert labels.watched == (0, 88)
    assert labels.events() == []


def test_who_crosses_in_a_simulated_clip_is_labelled_as_its_truth_says(browser: Browser, tmp_path: Path) -> None:
    out = tmp_path / "labels.json"
    truth = [(int(frame), str(way)) for frame, way in ENTRANCE.truth["lines"][0]["events"]]
    line = ",".join(str(v) for v in ENTRANCE.line)
    with labelling(str(ENTRANCE.path), "--line", line, "--anchor", ENTRANCE.anchor, "--out", str(out)) as address:
        page = browser.new_page()
        page.goto(address)
        at_frame(page, 0)
        for frame, way in truth:
            seek(page, frame)
            page.keyboard.press(way[0])
        saved(page, out, truth)
        page.close()
    assert read_labels(out).events() == read_labels(ENTRANCE.labels).events()


def test_a_jump_is_not_watching(page: Page, tmp_path: Path) -> None:
    seek(page, 60)
    page.locator("#out").tap()
    expect(page.locator("#status")).to_have_text("saved")
    assert read_labels(tmp_path / "labels.json").watched == (0, 0)


def test_the_page_goes_on_with_what_was_tapped_before(page: Page) -> None:
    seek(page, 45)
    page.locator("#in").tap()
    expect(page.locator("#status")).to_have_text("saved")
    page.reload()
    expect(page.locator("#totals")).to_have_text("1 in, 0 out")
    page.locator("#list .jump").click()
    at_frame(page, 45)


def test_the_picture_fills_a_phone_and_nothing_is_wider_than_it(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator("#in").bounding_box()
    assert box is not None
    assert box["height"] >= 64
    # The picture is really there: frame 0 is dark, and has the line of the clip over it.
    colours = page.evaluate(
        "Array.from(document.getElementById('picture').getContext('2d').getImageData(80,70,1,1).data)"
    )
    assert colours[2] > 150


def test_nobody_gets_in_without_the_address_and_nothing_comes_from_elsewhere(address: str) -> None:
    for path in ("/", "/guess/", "/guess/clip.json", "/guess/frame/0.jpg"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(re.sub(r"/[^/]+/$", path, address), timeout=10)
        assert caught.value.code == 404
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        text = answer.read().decode()
    assert "http:" not in text
    assert "https:" not in text
    assert address.startswith("http://127.0.0.1:")


def test_for_a_phone_it_prints_an_address_of_the_network(video: Path, tmp_path: Path) -> None:
    arguments = [str(video), "--line", "80,96,80,0", "--out", str(tmp_path / "labels.json"), "--host", "0.0.0.0"]
    with labelling(*arguments) as address:
        assert "0.0.0.0" not in address
        assert re.fullmatch(r"http://[^/]+:\d+/[\w-]{20,}/", address)


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"{}", 400), (b'{"revision": 7}', 409)])
def test_a_save_that_cannot_be_is_one_sentence(address: str, body: bytes, status: int) -> None:
    request = urllib.request.Request(address + "labels", body, {"Content-Type": "application/json"}, method="PUT")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.code == status
    assert json.loads(caught.value.read())["error"]


def test_wrong_arguments_are_named(capsys: pytest.CaptureFixture[str], video: Path, tmp_path: Path) -> None:
    def refused(*arguments: str) -> str:
        assert main(list(arguments)) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        return said.err

    out = ["--out", str(tmp_path / "labels.json")]
    assert "there is no line to label" in refused(str(video), *out)
    assert "'1,2' is not a line" in refused(str(video), *out, "--line", "1,2")
    assert "starts and ends at the same point" in refused(str(video), *out, "--line", "5,5,5,5")
    assert "there is no file" in refused(str(tmp_path / "none.mp4"), *out, "--line", "1,2,3,4")
