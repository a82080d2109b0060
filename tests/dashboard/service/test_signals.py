"""Stop signals of the servers: several that come close together stop a server, and never hang it."""

from __future__ import annotations

import subprocess
import sys

_MANY_STOPS = """
import os, signal, time
from metrica.dashboard.service.signals import interruptible

ask, answer = os.pipe(), os.pipe()
program = os.getpid()
if os.fork() == 0:  # another process sends the signals, as a shell or systemd does
    os.close(ask[1])
    while order := os.read(ask[0], 1):
        time.sleep(1e-3)  # until the program waits
        for _ in range(8):
            os.kill(program, signal.SIGTERM)
            until = time.perf_counter() + order[0] * 1e-6
            while time.perf_counter() < until:
                pass
        os.write(answer[1], b"x")
    os._exit(0)
for n in range(1000):
    with interruptible() as wait:
        os.write(ask[1], bytes([n % 50]))
        wait()
        os.read(answer[0], 1)
print("stopped")
"""


def test_signals_close_together_stop_a_server_every_time() -> None:
    ended = subprocess.run([sys.executable, "-c", _MANY_STOPS], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "stopped\n", "")


_NOTHING_LEFT = """
from metrica.dashboard.service.signals import interruptible

asked = []
with interruptible() as wait:
    print(wait(lambda: asked.append(1) or ("nothing is written any more" if len(asked) == 2 else "")))
"""


def test_a_program_that_can_do_nothing_any_more_does_not_wait_for_a_signal() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _NOTHING_LEFT], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "nothing is written any more\n")
