"""A process with the real ingest and the real pages over a database, by a clock that can be set.

    python -m benchmarks.backoffice.served PLACE [--now NS] [--web]

PLACE is the path of a SQLite file or the address of a PostgreSQL database. Its line on standard output is JSON: the
addresses of the two services. Figures are computed anew for each request, however long it takes: with their usual
patience the servers would answer with the last ones, and growth would stay unseen. It ends with its standard input.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.service.serving import AioServer, WsgiServer
from metrica.dashboard.store.database import Database


def main() -> int:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place")
    parser.add_argument("--now", type=int, default=0, metavar="NS", help="the present time at the start, ns UTC")
    parser.add_argument("--web", action="store_true", help="serve the pages too")
    parser.add_argument("--patience", type=float, default=None, metavar="S", help="as the servers have it: 0.03")
    args = parser.parse_args()
    ahead = args.now - time.time_ns() if args.now else 0
    with Database(as_place(args.place), clock=lambda: time.time_ns() + ahead) as database:
        servers: list[AioServer] = [AioServer(create_app(database, patience=args.patience), "127.0.0.1", 0)]
        if args.web:
            from metrica.dashboard.web.app import WebSettings, create_web

            web = create_web(database, WebSettings(secret_key="k" * 32, patience=args.patience))
            servers.append(WsgiServer(web, "127.0.0.1", 0))
        print(json.dumps([server.address for server in servers]), flush=True)
        sys.stdin.buffer.read()
        for server in servers:
            server.stop()
    return 0


def as_place(text: str) -> Path:
    """What `Database` takes: a path, or the address of a database on a server."""
    return text if "://" in text else Path(text)  # type: ignore[return-value]


if __name__ == "__main__":
    sys.exit(main())
