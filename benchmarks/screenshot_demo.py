"""Takes the README's screenshots of the demonstration, launched as a user does it.

python -m benchmarks.screenshot_demo [FOLDER] [SECONDS] [--set NODE.KEY=VALUE …]      (default docs/images 90; chromium)

It also prints how many seconds after the command the first person was counted on the page.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.harness import ROOT, figure

CHROMIUM = "/usr/bin/chromium"
_NOTE = re.compile(r"to open in a browser stands in (\S+), which")
_OPEN = re.compile(r"(http://\S+) \((the live picture|log in as (\w+), password (\S+)\))")


def main() -> None:
    plain = sys.argv[1 : sys.argv.index("--set") if "--set" in sys.argv else None]
    more = sys.argv[1 + len(plain) :]
    folder = Path(plain[0]) if plain else ROOT / "docs" / "images"
    seconds = float(plain[1]) if len(plain) > 1 else 90.0
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demo-") as home:
        began = time.monotonic()
        process = subprocess.Popen(
            [Path(sys.executable).with_name("metrica-launch"), "--demo", "--run-dir", f"{home}/run", *more],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_DATA_HOME": home},
        )
        try:
            live, page, login = opened(process)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                take_pictures(browser, folder, live, page, login, began, seconds)
                browser.close()
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def opened(process: subprocess.Popen[str]) -> tuple[str, str, tuple[str, str]]:
    """The addresses of the live picture and of the owner's page, and the login, from files that the launcher names."""
    assert process.stderr
    live = page = ""
    login = ("", "")
    for line in process.stderr:
        sys.stdout.write(line)
        if (note := _NOTE.search(line)) and (found := _OPEN.search(Path(note[1]).read_text("utf-8"))):
            if found[2] == "the live picture":
                live = found[1]
            else:
                page, login = found[1], (found[3], found[4])
        if live and page:
            return live, page, login
    raise SystemExit("the demonstration ended before it said what to open")


def take_pictures(
    browser: Browser, folder: Path, live: str, page: str, login: tuple[str, str], began: float, seconds: float
) -> None:
    """Save screenshots of the live picture and of the owner's page, `seconds` after `began`."""
    phone = browser.new_page(viewport={"width": 390, "height": 844})
    phone.goto(page)
    phone.fill("#name", login[0])
    phone.fill("#password", login[1])
    phone.click("#login-button")
    first = wait_for_somebody(phone) - began
    figure("demo_first_crossing_on_page", first, "s", goal="15")
    screen = browser.new_page(viewport={"width": 960, "height": 640})
    # The page never finishes loading, because the stream of pictures has no end.
    screen.goto(live, wait_until="commit")
    screen.wait_for_timeout(max(5.0, began + seconds - time.monotonic()) * 1000)
    screen.screenshot(path=folder / "demo-live.png")
    phone.screenshot(path=folder / "demo-phone.png")


def wait_for_somebody(page: Page) -> float:
    """Wait until the page shows a counted person, and return the monotonic time in seconds."""
    page.wait_for_function(
        "() => ['kpi-in-today', 'kpi-out-today'].some(id => +document.getElementById(id)?.textContent > 0)",
        timeout=120_000,
        polling=100,
    )
    return time.monotonic()


if __name__ == "__main__":
    main()
