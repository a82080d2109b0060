"""The shape of the project: its rooms, and what may import what."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.project.layout import DRAWING, FOLDERS, OURS, python_files, setup_cfg

MAX_FILES = 20


def test_the_files_are_looked_for_at_any_depth() -> None:
    """A pattern that stops at the first folder would find nothing wrong in the rooms, silently."""
    assert {ROOT / "nodes/tracking/tracker.py", ROOT / "simulator/world/room.py"} <= set(python_files(*FOLDERS))
    assert len(DRAWING.source_files()) == len(python_files(*DRAWING.FOLDERS))


# Folders.


def test_the_packages_of_setup_cfg_are_the_rooms() -> None:
    options = setup_cfg()["options"]
    directories = dict(line.split(" = ") for line in options["package_dir"].strip().splitlines())
    assert directories == {"metrica": "metrica", **{f"metrica.{folder}": folder for folder in FOLDERS}}
    rooms = {path.parent.relative_to(ROOT).parts for path in python_files(*DRAWING.FOLDERS)}
    named = {".".join(parts if parts[0] == "metrica" else ("metrica", *parts)) for parts in rooms}
    assert sorted(options["packages"].split()) == sorted(named)
    for parts in rooms:
        assert (ROOT.joinpath(*parts) / "__init__.py").is_file(), "/".join(parts)


def test_the_links_for_type_checkers_lead_to_the_folders() -> None:
    links = {path.name: path.readlink() for path in (ROOT / "metrica").iterdir() if path.is_symlink()}
    assert links == {folder: Path("..") / folder for folder in FOLDERS}
    for folder in FOLDERS:
        assert (ROOT / "metrica" / folder).resolve() == ROOT / folder


def test_every_entry_point_exists() -> None:
    points = setup_cfg()["options.entry_points"]
    for group in ("console_scripts", "metrica.nodes"):
        for line in points[group].strip().splitlines():
            module, _, name = line.split(" = ")[1].partition(":")
            assert hasattr(importlib.import_module(module), name), line


@pytest.mark.parametrize(
    "path",
    [
        "metrica.nodes.capture:Capture",
        "metrica.nodes.detection:OpenvinoDetector",
        "metrica.nodes.tracking:ByteTrack",
        "metrica.nodes.tracking:Sort",
        "metrica.nodes.tracking:OcSort",
        "metrica.nodes.counting:LineCounter",
        "metrica.nodes.counting:ZoneCounter",
        "metrica.nodes.reporting:BoxReporter",
        "metrica.nodes.delivery:Uploader",
        "metrica.nodes.delivery:WatchingUploader",
        "metrica.nodes.mqtt:Mqtt",
        "metrica.nodes.preview:Preview",
    ],
)
def test_a_room_gives_its_nodes_by_its_own_name(path: str) -> None:
    """So a launch file may say `type: metrica.nodes.capture:Capture`, whichever file of the room holds the class."""
    module, _, name = path.partition(":")
    assert name in importlib.import_module(module).__all__


def test_no_room_is_a_corridor() -> None:
    counts: dict[Path, int] = {}
    for path in python_files(*OURS):
        counts[path.parent] = counts.get(path.parent, 0) + 1
    assert {str(room.relative_to(ROOT)): n for room, n in counts.items() if n > MAX_FILES} == {}


# What may import what.

RUNTIME = {
    "metrica",
    "metrica/box",
    "metrica/files",
    "metrica/secrets",
    "metrica/transport",
    "metrica/journal",
    "metrica/executors",
}
NODES = {f"nodes/{room}" for room in ("geometry", "capture", "detection", "tracking", "counting", "preview")}


def _of_dashboard(*rooms: str) -> set[str]:
    return {f"dashboard/{room}" for room in rooms}


MAY_IMPORT: dict[str, set[str]] = {
    "messages": set(),
    "models": set(),
    "models/training": {"models"},
    "metrica/secrets": set(),
    "metrica/box": set(),
    "metrica": {"messages", "metrica/secrets"},
    "metrica/files": {"messages", "metrica"},
    "metrica/transport": {"messages", "metrica", "metrica/secrets"},
    "metrica/journal": {"messages", "metrica"},
    "metrica/executors": {"messages", *RUNTIME},
    "nodes/geometry": set(),
    "nodes/capture": {"messages", "metrica", "metrica/files", "metrica/secrets", "simulator"},
    "nodes/detection": {"messages", "metrica", "models"},
    "nodes/tracking": {"messages", "metrica", "nodes/geometry"},
    "nodes/counting": {"messages", "metrica", "nodes/geometry"},
    "nodes/delivery": {"messages", "metrica", "metrica/box", "metrica/files", "metrica/journal", "metrica/secrets"},
    "nodes/reporting": {"messages", "metrica", "metrica/box", "metrica/journal", "nodes/delivery"},
    "nodes/mqtt": {"messages", "metrica", "metrica/files", "metrica/journal", "metrica/secrets", "nodes/delivery"},
    "nodes/preview": {"messages", "metrica", "metrica/secrets", "nodes/geometry"},
    "simulator": {"messages", "metrica", "metrica/files", "nodes/geometry", "simulator/world", "simulator/figures"},
    "simulator/world": {"messages", "nodes/geometry", "simulator/figures"},
    "simulator/figures": {"messages", "nodes/geometry"},
    "tools/count": {"messages", "models", "simulator", *RUNTIME, *NODES},
    "tools/evaluate": {"messages", "models", "simulator", "tools/count", *RUNTIME, *NODES},
    "tools/label": {"messages", "models", "simulator", "tools/count", "tools/evaluate", *RUNTIME, *NODES},
    "launch": {"metrica", "metrica/secrets", "metrica/transport", "launch/reading", "launch/supervision"},
    "launch/reading": {"messages", *RUNTIME},
    "launch/status": {
        "metrica",
        "metrica/box",
        "metrica/secrets",
        "launch/reading",
        "nodes/delivery",
        "nodes/reporting",
    },
    "launch/supervision": {"messages", "launch/reading", *RUNTIME},
    "dashboard/kpis": set(),
    "dashboard/database": {"messages"},
    "dashboard/database/schema": {"dashboard/database"},
    "dashboard/database/postgresql": {"metrica/secrets", "dashboard/database", "dashboard/database/schema"},
    "dashboard/database/sqlite": {"dashboard/database", "dashboard/database/schema"},
    "dashboard/store": {"messages", *_of_dashboard("database", "database/postgresql", "database/sqlite", "kpis")},
    "dashboard/boxes": {"metrica/box", "dashboard/database"},
    "dashboard/service": {"messages", "metrica/secrets", "dashboard/database"},
    "dashboard/reports": _of_dashboard("database", "store", "kpis"),
    "dashboard/alerts": {
        "messages",
        "metrica/box",
        *_of_dashboard("database", "store", "boxes", "kpis", "people", "reports", "service", "texts", "webhooks"),
    },
    "dashboard/upkeep": _of_dashboard("database", "database/sqlite", "database/postgresql", "store", "kpis", "reports"),
    "dashboard/copying": _of_dashboard(
        "database", "database/schema", "database/sqlite", "database/postgresql", "store", "upkeep"
    ),
    "dashboard/texts": {"dashboard/kpis"},
    "dashboard/people": {"messages", *_of_dashboard("database", "kpis", "store")},
    "dashboard/web/figures": _of_dashboard("kpis", "texts"),
    "dashboard/privacy": {"metrica", *_of_dashboard("database", "store", "kpis", "upkeep")},
    "dashboard/webhooks": {"metrica/secrets", *_of_dashboard("database", "store", "kpis", "service", "upkeep")},
    "dashboard/admin/shared": {"messages", *_of_dashboard("database", "kpis", "people", "service", "store")},
    "dashboard/admin": {
        "messages",
        *_of_dashboard("database", "store", "kpis", "people", "reports", "service", "upkeep", "privacy", "webhooks"),
        *_of_dashboard("boxes", "alerts", "texts", "copying"),
        "dashboard/admin/shared",
    },
    # The two services import the room of `metrica-admin` for their old commands, which do the same.
    "dashboard/ingest/schemas": {"metrica/box"} | _of_dashboard("people", "service", "store"),
    "dashboard/ingest": {
        "messages",
        "metrica/box",
        *_of_dashboard("database", "store", "boxes", "alerts", "kpis", "people", "reports", "service"),
        *_of_dashboard("upkeep", "webhooks", "admin", "ingest/schemas"),
        "dashboard/admin/shared",
    },
    "dashboard/web": {
        "messages",
        "metrica/secrets",
        *_of_dashboard("database", "store", "kpis", "people", "reports", "service", "admin", "texts", "web/figures"),
    },
    # dashboard/nodes.py wraps the two services as nodes: the only file there that knows the runtime.
    "dashboard": {
        "metrica",
        *_of_dashboard("database", "store", "kpis", "reports", "service", "upkeep"),
        *_of_dashboard("alerts", "people", "privacy", "texts", "admin", "ingest", "web"),
    },
}
ONLY_WHEN_NEEDED = {("nodes/capture", "simulator"), ("tools/count", "nodes/detection")}
"""Imported inside functions only: the simulator for a `sim://` address, OpenVINO not for `--help`."""


def test_every_room_has_its_rule() -> None:
    assert set(DRAWING.rooms()) == set(MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_arrows_point_one_way(room: str) -> None:
    known = DRAWING.modules()
    wrong = [
        f"{path} imports {name}"
        for path in known.values()
        if DRAWING.room_of(path) == room
        for name, lazy in DRAWING.imports(path, known)
        if (other := DRAWING.room_of(known[name])) != room
        and (other not in MAY_IMPORT[room] or ((room, other) in ONLY_WHEN_NEEDED and not lazy))
    ]
    assert wrong == []


def test_there_is_no_circle_between_rooms() -> None:
    below: dict[str, set[str]] = {}
    for a, b in DRAWING.arrows():
        below.setdefault(a, set()).add(b)
    left = set(DRAWING.rooms())
    while free := {room for room in left if not below.get(room, set()) & left}:
        left -= free
    assert left == set(), "these import each other in a circle, or stand on one that does"


def test_the_drawing_of_the_rooms_is_up_to_date() -> None:
    text = DRAWING.PAGE.read_text("utf-8")
    assert DRAWING.drawn(text) == text, "run: python docs/draw_rooms.py"


def test_a_live_camera_loads_nothing_of_the_simulator() -> None:
    code = (
        "import sys; from metrica.nodes.capture import Capture; Capture(uri='rtsp://127.0.0.1/door').check();"
        "print([name for name in sys.modules if name.startswith('metrica.simulator')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("command", ["metrica.tools.count.cli", "metrica.tools.evaluate.cli"])
def test_a_command_on_clips_loads_no_web_server_and_no_openvino_for_its_help(command: str) -> None:
    code = f"import sys, {command}; print([name for name in ('aiohttp', 'openvino') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("folder", [*DRAWING.FOLDERS, "tests", "benchmarks"])
def test_nothing_is_imported_by_the_name_of_its_folder(folder: str) -> None:
    """`import nodes` works by chance in the checkout and never once installed."""
    for path in python_files(folder):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name} imports relatively"
                names = [node.module or ""]
            assert not {name.split(".")[0] for name in names} & set(FOLDERS), path.name
