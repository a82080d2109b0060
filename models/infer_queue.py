"""Many inferences side by side, in an OpenVINO AsyncInferQueue that can be closed safely.

    def finished(request, camera):  # on OpenVINO's thread
        found[camera] = network.decode(request, width, height)

    with InferQueue(network.compiled(width, height), network.jobs(width, height), finished) as queue:
        for camera, image in images.items():
            queue.start([image[None]], camera)

An AsyncInferQueue that is used directly can end the process. `wait_all` returns when the last callback has returned,
but OpenVINO's thread releases the callback object only after that. What happens if queue and compiled model are
dropped in between:

- The callback can reach the compiled model (a closure over a `Network` is enough) and is now its last owner. OpenVINO's
  thread then destroys the model, the executor of the model, and with it joins itself: "terminate called after
  throwing an instance of 'std::system_error': Resource deadlock avoided", exit status 134.
- It cannot reach the model. The main thread destroys the executor and waits for OpenVINO's thread while it holds the
  GIL, and OpenVINO's thread waits for the GIL to release the callback: neither ever goes on.
- A callback runs while the interpreter ends: "FATAL: exception not rethrown", exit status 134.
"""

from __future__ import annotations

import atexit
import contextlib
import time
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import openvino as ov

_PATIENCE = 5.0
"""Seconds to wait for OpenVINO's thread to leave the callback, which takes microseconds once the thread has a core."""


class InferQueue:
    """Runs up to `requests` inferences at once. Close it, or use it as a context manager.

    compiled: what `Network.compiled` returns.
    finished: called with the finished request and the `userdata` of `start`, on OpenVINO's thread, which computes
    nothing meanwhile; not called for an inference that failed.

    Invariant: OpenVINO's threads never hold the last reference to an OpenVINO object. `_open` keeps the queue alive
    until `close`, in the caller's thread, has waited until OpenVINO's thread has released the callback, and has cleared
    what the callback can reach.
    """

    def __init__(self, compiled: ov.CompiledModel, requests: int, finished: Callable[[Any, Any], None]) -> None:
        self._compiled: ov.CompiledModel | None = compiled
        self._finished: Callable[[Any, Any], None] | None = finished
        self._queue: Any = ov.AsyncInferQueue(compiled, requests)  # noqa: TID251 - what it is banned for is mended here
        # `self._call` makes a new bound method. When this constructor has returned, only OpenVINO holds it, so its end
        # shows that no thread of OpenVINO is in the callback any more.
        callback = self._call
        self._callback = weakref.ref(callback)
        self._queue.set_callback(callback)
        _open.add(self)

    def idle(self) -> Any:
        """The request that the next `start` will use, waiting until one is free.

        Raises RuntimeError if an inference has failed. An AsyncInferQueue repeats that error for ever, so close it.
        """
        return self._queue[self._queue.get_idle_request_id()]

    def start(self, inputs: Any, userdata: Any) -> None:
        """Begin an inference, waiting until a request is free. Raises RuntimeError as `idle` does.

        inputs: as OpenVINO takes them; None to leave them as they are in the request.
        """
        self._queue.start_async(inputs, userdata)

    def wait(self) -> None:
        """Wait until every inference is finished and its callback has returned. Raises RuntimeError as `idle` does."""
        self._queue.wait_all()

    def close(self) -> None:
        """Wait for running inferences, then release the queue and the compiled model.

        Do not call it from a callback. Closing again does nothing.
        """
        if self._queue is not None:
            self._wait_for_each()
            # Replaces the callback in every request, also in one that something still holds, such as a traceback.
            self._queue.set_callback(_nothing)
        self._queue = None
        if self._is_released():
            # OpenVINO's thread may hold this object a moment longer than the callback: leave nothing in it.
            self._finished = self._compiled = None
            _open.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _call(self, request: Any, userdata: Any) -> None:
        if self._finished is not None:
            self._finished(request, userdata)

    def _wait_for_each(self) -> None:
        for request in self._queue:
            with contextlib.suppress(RuntimeError):  # a failed inference: `idle` and `wait` report it
                request.wait()

    def _is_released(self) -> bool:
        """Wait until OpenVINO's threads have released the callback. False if they have not after `_PATIENCE` seconds.

        This polls instead of waiting for an event that the death of the callback sets: the thread that set it would
        still run Python and need the GIL. Between the death of the callback and the moment in which OpenVINO's thread
        gives the GIL back nothing else runs, so whoever holds the GIL and sees it dead knows that the thread is done.
        """
        until = time.monotonic() + _PATIENCE
        while self._callback() is not None:
            if time.monotonic() > until:
                return False
            time.sleep(0.001)
        return True


def _nothing(request: Any, userdata: Any) -> None:
    """The callback of a queue that is closed: never called."""


_open: set[InferQueue] = set()


@atexit.register
def _close_all() -> None:
    """Close every queue before the interpreter ends: a callback that runs later would abort the process."""
    for queue in list(_open):
        queue.close()
