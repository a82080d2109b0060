"""Is stopped (SIGSTOP) before it gives a first sign of life: when its module is imported by a node process."""

import os
import signal

from metrica import Node

if "METRICA_RUN_DIR" in os.environ:
    os.kill(os.getpid(), signal.SIGSTOP)


class Stopped(Node):
    pass
