"""Wheel and sdist hold every file of the rooms, code and data. `make packages` builds and tries both."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.paths import ROOT
from tests.project.layout import DRAWING

_LIST = """
import json
from setuptools import Distribution
distribution = Distribution({"script_name": "setup.py"})
distribution.parse_config_files()
build = distribution.get_command_obj("build_py")
build.ensure_finalized()
data = [f"{source}/{name}" for _, source, _, names in build.data_files for name in names]
print(json.dumps([*build.get_source_files(), *data]))
"""


def test_every_file_of_the_rooms_is_packaged() -> None:
    done = subprocess.run([sys.executable, "-c", _LIST], cwd=ROOT, capture_output=True, text=True, check=True)
    packaged = {Path(path) for path in json.loads(done.stdout.splitlines()[-1])}
    present = {
        path.relative_to(ROOT)
        for folder in DRAWING.FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and not any(parent.is_symlink() for parent in path.parents)
    }
    assert len(present) > 200
    assert present - packaged == set()
