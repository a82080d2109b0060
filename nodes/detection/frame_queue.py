"""Inferences side by side: a queue for frames of one size, made anew when it breaks."""

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
        self._queue = self._new_queue()

    def start(self, frame: Frame, ticket: Ticket) -> bool:
        """Begin with a frame, waiting until a request is free; False if its pixels were overwritten meanwhile.

        Raises RuntimeError if an inference, this one or an earlier one, has failed: call `recover` then.
        """
        # The frame may lie in shared memory that its publisher soon overwrites: copy it first, and then ask whether it
        # was still intact.
        np.copyto(self._queue.idle().get_input_tensor().data[0], frame.image)
        if not frame.intact():
            return False
        self._running[id(ticket)] = ticket
        self._queue.start(None, ticket)
        return True

    def wait(self) -> None:
        """Until everything is finished. Raises RuntimeError as `start` does."""
        self._queue.wait()

    def recover(self) -> list[Ticket]:
        """The tickets whose inference failed. Needed after a RuntimeError: the queue repeats its first error for ever,
        so it is replaced."""
        self._queue.close()
        failed = list(self._running.values())
        self._running.clear()
        self._queue = self._new_queue()
        return failed

    def close(self) -> None:
        """Wait for everything, without a word about failures, and let go of it. It is of no use afterwards."""
        self._queue.close()

    def _new_queue(self) -> InferQueue:
        return InferQueue(self._compiled, self._requests, self._finish)

    def _finish(self, request: Any, ticket: Ticket) -> None:
        try:
            # The results are small and the request is needed for the next frame: copy here, decode elsewhere,
            # because as long as this runs, the inference thread computes nothing.
            outputs = [request.get_output_tensor(i).data.copy() for i in range(self._outputs)]
            ticket.finish(outputs)
        except Exception as error:  # noqa: BLE001 - on OpenVINO's thread nobody would see it; the node says and counts it
            ticket.finish(None, f"{type(error).__name__}: {error}")
        self._running.pop(id(ticket), None)
        self._done(ticket)
