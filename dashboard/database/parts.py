"""A large write in parts: each is a job of its own, so that the jobs of others have their turn between two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
C = TypeVar("C")


def run_parts(
    submit: Callable[[Callable[[C], T]], Future[T]], parts: Iterator[Callable[[C], T]], whole: Callable[[list[T]], R]
) -> Future[R]:
    """Submit the parts one after another, each when the one before it is done.

    Returns a future of what `whole` makes of their results. It raises the error of the first part that fails; the
    parts after that are not begun. Raises what `submit` raises for the first part.
    """
    result = Future[R]()
    results: list[T] = []

    def submit_next() -> None:
        part = next(parts, None)
        if part is None:
            result.set_result(whole(results))
        else:
            submit(part).add_done_callback(part_done)

    def part_done(part: Future[T]) -> None:
        # In the writer's thread. An error must reach whoever waits: the thread has no use for it.
        try:
            results.append(part.result())
            submit_next()
        except BaseException as error:  # noqa: BLE001
            result.set_exception(error)

    result.set_running_or_notify_cancel()  # so it cannot be cancelled: half a write helps nobody
    submit_next()
    return result
