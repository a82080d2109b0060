"""Slow work of a node, in a thread beside its loop, or at once where no message may be lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

T = TypeVar("T")

_TURN_SECONDS = 0.1


def settled(work: Callable[[], T]) -> Future[T]:
    """Do the work now, in this thread. The future has its result, or what it raised."""
    future = Future[T]()
    _settle(future, work)
    return future


def started(work: Callable[[], T]) -> Future[T]:
    """Begin the work in a thread that does not keep the process alive."""
    future = Future[T]()
    threading.Thread(target=_settle, args=(future, work), name="slow-work", daemon=True).start()
    return future


def await_alive(future: Future[Any], alive: Callable[[], bool]) -> bool:
    """Wait until the work is done, and call `alive` several times a second; stop when that returns False.

    Returns whether the work is done.
    """
    while not future.done() and alive():
        wait([future], timeout=_TURN_SECONDS)
    return future.done()


def _settle(future: Future[T], work: Callable[[], T]) -> None:
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - it is raised where somebody asks for the result
        future.set_exception(error)
    else:
        future.set_result(result)
