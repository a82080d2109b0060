"""A node process, as the launcher starts it: `python -m metrica.process`, its NodeSpec on standard input."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys

from pydantic import ValidationError

from metrica import logs
from metrica.control import Exit
from metrica.errors import MetricaError, NodeError, ParameterError
from metrica.executor import Executor
from metrica.registry import UnknownNodeType, load_node_type
from metrica.runtime import NodeLog
from metrica.wiring import NodeSpec

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run the node to its end; the result is the process's exit status (`metrica.control.Exit`)."""
    launcher = os.getppid()
    _die_with(launcher)
    try:
        spec = NodeSpec.model_validate_json(sys.stdin.buffer.read())
    except ValidationError as error:
        print(f"metrica.process is started by metrica-launch, not by hand: {error}", file=sys.stderr)  # noqa: T201
        return Exit.PERMANENT
    logs.setup(spec.name, level=spec.log_level)
    log = NodeLog(logging.getLogger("metrica.node"), {"node": spec.name})
    try:
        return _run(spec)
    except MetricaError as error:
        log.error(str(error))
        return Exit.PERMANENT if _is_permanent(error) else Exit.FAILED
    except Exception:  # whatever is wrong inside a node ends this process with a log line
        log.exception("the node failed")
        return Exit.FAILED


def _run(spec: NodeSpec) -> Exit:
    node = load_node_type(spec.type)(**spec.params)
    executor = Executor(spec, node)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the launcher's to hear; it stops sources first
    signal.signal(signal.SIGTERM, lambda *_: executor.stop())
    executor.run()
    return Exit.DONE


def _is_permanent(error: MetricaError) -> bool:
    return isinstance(error, (ParameterError, UnknownNodeType)) or (isinstance(error, NodeError) and error.permanent)


def _die_with(parent: int) -> None:
    """Have the kernel end this process when its launcher dies, so that nothing is left behind."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the call
        sys.exit(Exit.FAILED)


if __name__ == "__main__":
    sys.exit(main())
