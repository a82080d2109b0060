"""The network on a device that works, ready for the frame sizes in use. What is slow about it runs beside the node."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial

from metrica.errors import NodeError
from metrica.models.errors import DeviceError, ModelError
from metrica.models.network import Network
from metrica.node import Node
from metrica.nodes.detection.fallback import CPU, Fallback
from metrica.nodes.detection.frame_queue import FrameQueue
from metrica.nodes.detection.order import Ticket
from metrica.nodes.detection.prepare import Prepared, prepare
from metrica.nodes.detection.sizes import Size, SizesInUse

_ASK_AGAIN = 60.0
"""Seconds until a frame size for which the network could not be compiled is tried again: memory may be free then."""
_MOST_REFUSED = 64
_LONGEST_COMPILE = 600.0
"""Seconds after which a device that still compiles hangs. Some need minutes for a large model."""
_LONGEST_TRY = 120.0
"""Seconds after which a device that is tried again, and should have compiled before, still hangs."""


class Engine:
    """Gives the queue for each frame, and changes the device when it fails.

    load: loads the network on a device. requests: inferences at once for each size; 0: what OpenVINO advises, and one.
    done: called with each finished ticket, on OpenVINO's threads. lost: called with the tickets that will never be
    finished, and why. say: called when `sentence` has changed. hangs: how often the node was killed of late because it
    gave no sign of life: on a device other than the CPU, an inference that never ends is the likely cause, so the CPU
    does the work first. Raises ModelError if the network can be loaded on no device.
    """

    def __init__(
        self,
        node: Node,
        load: Callable[[str], Network],
        device: str,
        requests: int,
        *,
        done: Callable[[Ticket], None],
        lost: Callable[[list[Ticket], str], None],
        say: Callable[[], None],
        hangs: int = 0,
    ) -> None:
        self._node, self._load, self._requests = node, load, requests
        self._done, self._lost, self._say = done, lost, say
        self._fallback = Fallback(device)
        self._sizes = SizesInUse()
        self._queues: dict[Size, FrameQueue] = {}
        self._refused: dict[Size, tuple[str, float]] = {}
        self._job = ""
        self._is_closed = False
        self._jobs = 0
        self._busy_until: float | None = None
        """Until when the work that is under way may last, monotonic seconds; None if there is none."""
        self._tried_until: float | None = None
        """The same for a try of the wanted device, which goes on beside that work."""
        if hangs and device != CPU:
            self._fallback.remember(hangs - 1)
            self.network = load(CPU)
            self._leave(f"the node hung with it and was killed ({hangs} times in the last day)")
            return
        try:
            self.network = load(device)
        except DeviceError as error:
            if device == CPU:
                raise
            self.network = load(CPU)
            self._leave(str(error))

    @property
    def queues(self) -> Iterable[FrameQueue]:
        """The queues that may have inferences under way."""
        return list(self._queues.values())

    @property
    def sentence(self) -> str:
        """What keeps frames waiting, or makes them slow; empty if nothing does."""
        return self._job or self._fallback.sentence

    def queue_for(self, camera: str, size: Size) -> FrameQueue | None:
        """The queue for a frame of a camera; None if the network is not ready for it: it is being compiled, or refused.

        Slow work that is due is begun, one at a time.
        """
        for old in self._sizes.see(camera, size):
            self._drop(old)
        self._work(size)
        return self._queues.get(size) if self.network.device == self._fallback.device else None

    def refusal(self, size: Size) -> str:
        """Why the network does not take frames of this size; empty if it does, or if that is not known yet."""
        return self._refused.get(size, ("", 0.0))[0]

    def worked(self) -> None:
        """Note an inference that worked."""
        self._fallback.worked()

    def failed(self, why: str) -> None:
        """Note an inference that failed. After some in a row the CPU does the work."""
        if self._fallback.failed():
            self._leave(why)

    def close(self) -> None:
        """Close all queues. Work that is under way is left to itself."""
        self._is_closed = True
        for size in list(self._queues):
            self._drop(size)

    def _work(self, size: Size) -> None:
        """Begin the work that is needed most, unless some is under way."""
        now = self._now()
        if self._is_closed:
            return
        if self._fallback.is_due(now):
            self._try_again(now)
        if self._busy_until is not None and now < self._busy_until:
            return
        if self._busy_until is not None:  # only a device that is not the CPU has so little time
            self._leave(f"it still compiles after {_LONGEST_COMPILE:.0f} s")
        if self.network.device != self._fallback.device:
            self._begin(partial(self._load, CPU), self._sizes.in_use, self._on_cpu, CPU)
        elif size not in self._queues and now >= self._refused.get(size, ("", now))[1]:
            self._begin(self.network, [size], self._compiled, f"{self.network.device}, frames of {size[0]}x{size[1]}")

    def _begin(
        self,
        network: Network | Callable[[], Network],
        sizes: list[Size],
        done: Callable[[Future[Prepared]], None],
        what: str,
    ) -> None:
        self._busy_until = math.inf if self._fallback.device == CPU else self._now() + _LONGEST_COMPILE
        self._jobs, self._job = self._jobs + 1, f"compiling the model for {what}"
        self._node.log.info(self._job)
        self._say()
        work = partial(prepare, network, sizes, self._requests)
        self._node.in_background(work, partial(self._ended, self._jobs, done))

    def _ended(self, job: int, done: Callable[[Future[Prepared]], None], future: Future[Prepared]) -> None:
        if job != self._jobs or self._busy_until is None:  # given up meanwhile
            return
        self._busy_until, self._job = None, ""
        if not self._is_closed:
            done(future)
            self._say()

    def _try_again(self, now: float) -> None:
        """Try the wanted device. The CPU goes on meanwhile, so this says nothing."""
        wanted = self._fallback.wanted
        if self._tried_until is None:
            self._tried_until = now + _LONGEST_TRY
            work = partial(prepare, partial(self._load, wanted), self._sizes.in_use, self._requests, prove=True)
            self._node.in_background(work, self._tried_again)
        elif now >= self._tried_until:  # no second try beside one that hangs
            self._fallback.leave(f"it still hangs after {now - self._tried_until + _LONGEST_TRY:.0f} s", now)

    def _compiled(self, future: Future[Prepared]) -> None:
        """The network has been compiled for one more size."""
        try:
            ready = future.result()
        except DeviceError as error:
            self._leave(str(error))
            self._work(self._sizes.in_use[-1])
        else:
            if ready.network is self.network:  # the wanted device may have come back meanwhile
                self._take(ready)

    def _on_cpu(self, future: Future[Prepared]) -> None:
        """The network has been loaded on the CPU, in place of a device that failed."""
        try:
            ready = future.result()
        except ModelError as error:
            raise NodeError(str(error)) from None
        if self._fallback.device == CPU:  # the wanted device may have come back meanwhile
            self._replace(ready)

    def _tried_again(self, future: Future[Prepared]) -> None:
        """The wanted device has been tried again."""
        self._tried_until = None
        if self._is_closed or not self._fallback.away:
            return
        try:
            ready = future.result()
        except ModelError as error:
            self._fallback.leave(str(error), self._now())
            return
        self._fallback.come_back(self._now())
        self._node.log.info(f"the device {self._fallback.wanted} works again")
        self._replace(ready)
        self._say()

    def _replace(self, ready: Prepared) -> None:
        for size in list(self._queues):
            self._drop(size)
        self._refused.clear()
        self.network = ready.network
        self._take(ready)

    def _take(self, ready: Prepared) -> None:
        for size, (compiled, requests) in ready.compiled.items():
            if size not in self._queues:
                self._queues[size] = FrameQueue(compiled, requests, self._done)
            self._refused.pop(size, None)
            seconds = round(ready.seconds, 2)
            self._node.log.info(f"frames of {size[0]}x{size[1]}", requests=requests, seconds=seconds)
        for size, why in ready.refused.items():
            if size not in self._refused:
                self._node.log.error(why)
            self._refused[size] = why, self._now() + _ASK_AGAIN
        for old in list(self._refused)[:-_MOST_REFUSED]:
            del self._refused[old]

    def _leave(self, why: str) -> None:
        """Have the CPU do the work from now on."""
        wanted = self._fallback.wanted
        if self._busy_until != math.inf:  # what it compiles just now is of no use
            self._busy_until, self._job = None, ""
        wait = self._fallback.leave(why, self._now())
        self._node.log.warning(
            f"the device {wanted} does not work: {why}; the {CPU} does its work, slower, and {wanted} is tried again "
            f"in {wait:.0f} s, then ever more rarely"
        )

    def _drop(self, size: Size) -> None:
        queue = self._queues.pop(size, None)
        if queue is not None:
            self._lost(queue.close(), "the device failed")

    def _now(self) -> float:
        return self._node.clock.monotonic() / 1e9
