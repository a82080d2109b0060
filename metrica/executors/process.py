"""The program of a node process: `python -m metrica.executors.process` reads a NodeSpec from standard input."""

from __future__ import annotations

import ctypes
import faulthandler
import logging
import os
import select
import signal
import sys
import threading

from pydantic import ValidationError

from metrica import logs, secrets
from metrica.errors import DeclarationError, JournalError, MetricaError, NodeError, ParameterError, TopicError
from metrica.executors.control import DUMP_SIGNAL, Exit
from metrica.executors.executor import Executor
from metrica.journal import JournalUnavailableError
from metrica.registry import UnknownNodeType, load_node_type
from metrica.runtime import NodeLog
from metrica.secrets.streams import hide_in_output
from metrica.transport import NodeSpec

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run the node until it ends. Returns the exit status of the process (`metrica.executors.control.Exit`)."""
    _die_with_launcher(sys.argv[1:])
    faulthandler.enable()
    faulthandler.register(DUMP_SIGNAL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the launcher handles Ctrl-C: it stops the sources first
    try:
        spec = NodeSpec.model_validate_json(sys.stdin.buffer.read())
    except ValidationError as error:
        print(f"metrica.executors.process is started by metrica-launch, not by hand: {error}", file=sys.stderr)  # noqa: T201
        return Exit.PERMANENT
    secrets.register_environment(os.environ)
    hide_in_output()
    logs.setup(spec.name, level=spec.log_level)
    log = NodeLog(logging.getLogger("metrica.node"), {"node": spec.name})
    try:
        return _run(spec)
    except MetricaError as error:
        log.error(str(error))
        return Exit.PERMANENT if _is_permanent(error) else Exit.FAILED
    except Exception:  # any error inside a node ends its process, with a log line
        log.exception("the node failed")
        return Exit.FAILED


def _run(spec: NodeSpec) -> Exit:
    secrets.suspect(spec.params)  # the class says which of them are secret, and its module may fail and say anything
    cls = load_node_type(spec.type)
    secrets.suspect(())
    node = cls(**spec.params)
    executor = Executor(spec, node)
    signal.signal(signal.SIGTERM, lambda *_: executor.stop())
    executor.run()
    return Exit.DONE


def _is_permanent(error: MetricaError) -> bool:
    """Whether another start would end in the same way."""
    if isinstance(error, NodeError):
        return error.permanent
    if isinstance(error, ParameterError):
        return not error.may_pass
    if isinstance(error, JournalError):
        return not isinstance(error, JournalUnavailableError)
    return isinstance(error, (DeclarationError, TopicError, UnknownNodeType))


def _die_with_launcher(arguments: list[str]) -> None:
    """Have the kernel send this process SIGTERM when its launcher dies, so that no node is left running.

    arguments: the pidfd of the launcher; none if the process is not started by one.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if not arguments or not arguments[0].isdecimal():
        return
    launcher = int(arguments[0])
    # If the launcher died before the call, the kernel sends nothing, and the parent is another process already.
    if select.select([launcher], [], [], 0)[0]:
        os._exit(Exit.FAILED)
    os.close(launcher)


if __name__ == "__main__":
    status = main()
    if status != Exit.DONE or any(thread.daemon for thread in threading.enumerate()):
        # A node that failed was not shut down: its threads and libraries must not keep the process alive. A thread that
        # is still in a library, such as one that compiles a model, would abort the process when it comes back.
        logging.shutdown()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
