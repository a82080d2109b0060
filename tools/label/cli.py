"""`metrica-label`: tap IN and OUT while a clip plays in the browser, and get its label file."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import secrets
import signal
import socket
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from aiohttp import web

from metrica.errors import MetricaError, ParameterError
from metrica.nodes.geometry.anchors import Anchor
from metrica.nodes.geometry.lines import Line
from metrica.tools.count.lines import outside, read_lines
from metrica.tools.count.output import print_any_text
from metrica.tools.label.frames import ClipFrames
from metrica.tools.label.server import create_app
from metrica.tools.label.session import begin
from metrica.version import __version__

_USAGE_ERROR, _FAILED = 2, 1

_ABOUT = """Label a clip: a page on this machine plays it, and you tap IN or OUT whenever somebody crosses the line.

Every tap is in the label file at once. metrica-eval CLIP LABELS then says how well the clip is counted.
"""
_EXITS = "Runs until Ctrl-C, and exits with 0 then; with 2 when something given is wrong, 1 when it fails."


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    print_any_text()
    options = _parser().parse_args(argv)
    try:
        return _label(options)
    except MetricaError as error:
        return _say(str(error), _USAGE_ERROR)
    except OSError as error:
        return _say(f"{error.filename or f'{options.host}:{options.port}'}: {error.strerror}", _FAILED)
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "metrica-label", description=_ABOUT, epilog=_EXITS, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("clip", metavar="CLIP", help="a video file")
    add(
        "--line",
        action="append",
        default=[],
        metavar="[NAME=]X1,Y1,X2,Y2[,…]",
        help="as of metrica-count; give several",
    )
    add("--out", default="labels.json", metavar="FILE", help="the label file; goes on with what it has (labels.json)")
    add("--anchor", choices=get_args(Anchor), default="bottom_center", help="the point of a person that crosses")
    add("--host", default="127.0.0.1", metavar="ADDRESS", help="0.0.0.0 to tap on a phone in the same network")
    add("--port", type=int, default=0, metavar="N", help="a free one by default")
    add("--open", action="store_true", help="open the page in this machine's browser")
    add("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _label(options: argparse.Namespace) -> int:
    path, out = Path(options.clip), Path(options.out)
    lines = read_lines(options.line)
    for name, numbers in lines.items():
        try:
            Line.of(name, numbers)
        except ValueError as error:
            raise ParameterError("line", str(error)) from None
    clip = ClipFrames(path)
    try:
        session = begin(out, path.name, lines, options.anchor, clip.fps, clip.count, clip.size)
    except MetricaError:
        clip.close()
        raise
    for name in outside({x.name: x.points for x in session.labels.lines}, *clip.size):
        _say(f"the line '{name}' lies outside the picture of {clip.size[0]}x{clip.size[1]}", 0)
    token = secrets.token_urlsafe(16)
    app = create_app(clip, session, token)
    asyncio.run(_serve(app, options, token))
    if session.unsaved:
        return _say(f"the last labels could not be written to {out}", _FAILED)
    return _say(f"the labels are in {out}" if out.exists() else "nothing was labelled", 0)


async def _serve(app: web.Application, options: argparse.Namespace, token: str) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port)
        await site.start()
        host, port = runner.addresses[0][:2]
        address = f"http://{_reachable(str(host))}:{port}/{token}/"
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        if not _is_loopback(str(host)):
            _say("whoever knows this address can see the clip until you end this with Ctrl-C", 0)
        if options.open:
            webbrowser.open(address)
        await over.wait()
    finally:
        await runner.cleanup()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reachable(host: str) -> str:
    """The host to print in an address; for 0.0.0.0 the address under which others in the network see this machine."""
    if host in ("0.0.0.0", "::"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))  # connecting a UDP socket sends nothing; it only chooses the interface
                host = str(probe.getsockname()[0])
            except OSError:
                host = socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _say(sentence: str, status: int) -> int:
    sys.stderr.write(f"metrica-label: {sentence}\n")
    return status
