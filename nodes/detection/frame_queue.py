"""Inferences side by side: a queue for frames of one size, which can be replaced after a failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import openvino as ov

from metrica.messages import Frame
from metrica.models.infer_queue import InferQueue
from metrica.nodes.detection.order import Ticket


class FrameQueue:
    """Runs up to `requests` inferences at once.

    compiled: takes one frame, uint8 [1, height, width, 3].
    done: called with each finished ticket, on OpenVINO's threads.
    """

    def __init__(
        self,
        compiled: ov.CompiledModel,
        requests: int,
        done: Callable[[Ticket], None],
    ) -> None:
        self._compiled, self._requests = compiled, requests
        self._done = done
        self._outputs = len(compiled.outputs)
        self._running: dict[int, Ticket] = {}
        self._queue: InferQueue | None = self._new_queue()

    def start(self, frame: Frame, ticket: Ticket) -> bool:
        """Start an inference on a frame; waits until a request is free.

        Returns False if the frame's pixels were overwritten meanwhile. Raises RuntimeError if this inference or an
        earlier one has failed: call `recover` then.
        """
        # The frame may lie in shared memory that its publisher soon overwrites: copy it first, then check that it was
        # still intact.
        if self._queue is None:
            self._queue = self._new_queue()
        np.copyto(self._queue.idle().get_input_tensor().data[0], frame.image)
        if not frame.intact():
            return False
        self._running[id(ticket)] = ticket
        self._queue.start(None, ticket)
        return True

    def wait(self) -> None:
        """Wait until all inferences are finished. Raises RuntimeError as `start` does."""
        if self._queue is not None:
            self._queue.wait()

    def recover(self) -> list[Ticket]:
        """Give up the queue after a RuntimeError; `start` makes a new one. Returns the tickets whose inference failed.

        OpenVINO's queue repeats its first error for ever.
        """
        return self.close()

    def close(self) -> list[Ticket]:
        """Wait for the running inferences, and release the queue. Returns the tickets whose inference failed."""
        if self._queue is not None:
            self._queue.close()
        self._queue = None
        failed = list(self._running.values())
        self._running.clear()
        return failed

    def _new_queue(self) -> InferQueue:
        return InferQueue(self._compiled, self._requests, self._finish)

    def _finish(self, request: Any, ticket: Ticket) -> None:
        try:
            # Copy the results here and decode them elsewhere: while this callback runs, its request and its thread are
            # busy.
            outputs = [request.get_output_tensor(i).data.copy() for i in range(self._outputs)]
            ticket.finish(outputs)
        except Exception as error:  # noqa: BLE001 - on OpenVINO's thread nobody would see it; the node says and counts it
            ticket.finish(None, f"{type(error).__name__}: {error}")
        self._running.pop(id(ticket), None)
        self._done(ticket)
