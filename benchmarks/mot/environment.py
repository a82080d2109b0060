"""The peers' Python environment: other people's trackers, and trackeval, apart from Metrica's dependencies."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from platformdirs import user_cache_dir

from benchmarks.harness import ROOT

PACKAGES = ("trackers>=2.6,<3", "supervision>=0.31,<0.32", "trackeval>=1.3,<2")
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Peers:
    """Runs `peers.py` in the peers' environment, with one thread."""

    def __init__(self, python: Path) -> None:
        self._python = python

    def call(self, *arguments: str | Path) -> str:
        """Run a command of `peers.py` and return its output. Raises SystemExit with its last error line if it fails."""
        command = [str(self._python), str(Path(__file__).with_name("peers.py")), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **_ONE_THREAD})
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise SystemExit(f"the peers' environment ({self._python}) cannot {arguments[0]}: {last}")
        return done.stdout

    def ask(self, *arguments: str | Path) -> Any:
        """Run a command of `peers.py`, and return its JSON output."""
        return json.loads(self.call(*arguments))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options `--data` and `--peers-python`."""
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "mot", help="sequences, truth and peers")
    parser.add_argument(
        "--peers-python",
        type=Path,
        help="a Python with trackers, supervision and trackeval; without it an environment is made, once",
    )


def open_peers(args: argparse.Namespace, parser: argparse.ArgumentParser) -> Peers:
    """The environment that the options name, or the one in the user's cache, made at the first use."""
    if not (args.data / "sequences").is_dir():
        parser.error(f"there are no sequences in {args.data}: name their folder with --data")
    python = args.peers_python or _make(Path(user_cache_dir("metrica")) / "peers")
    if not python.exists():
        parser.error(f"there is no Python at {python}: give --peers-python one that has {', '.join(PACKAGES)}")
    return Peers(python)


def _make(folder: Path) -> Path:
    python, ready = folder / "bin" / "python", folder / "ready"
    wanted = "\n".join(PACKAGES)
    if not ready.exists() or ready.read_text() != wanted:
        print(f"making the peers' environment in {folder} (once)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        ready.write_text(wanted)
    return python
