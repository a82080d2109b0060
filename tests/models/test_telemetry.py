"""Loading a network tells nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_openvino_does_not_report_that_it_was_imported(tmp_path: Path) -> None:
    program = """
import sys
import metrica.models.network
print([name for name, module in sys.modules.items() if name.startswith("openvino_telemetry") and module])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.stdout == "[]\n"
    assert list(tmp_path.iterdir()) == [], "nor is there a client's id for Google Analytics"
