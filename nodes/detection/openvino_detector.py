"""The detector: finds the people in the frames of any number of cameras, with OpenVINO."""

from __future__ import annotations

import time
from typing import ClassVar

import numpy as np

from metrica.errors import ParameterError
from metrica.messages import Detections, Frame, Thresholds
from metrica.models.choice import remark
from metrica.models.errors import ModelError
from metrica.models.graph import reason
from metrica.models.library import AUTO, find_model
from metrica.models.network import Hint, Network
from metrica.node import Node
from metrica.nodes.detection.frame_queue import FrameQueue
from metrica.nodes.detection.order import Order, Ticket
from metrica.params import param
from metrica.ports import Publisher, publisher, subscription
from metrica.qos import LATEST, STREAM
from metrica.rate import RateMeter

_SMOOTH = 0.1
"""The weight of the newest inference in the mean that the health shows."""
_WELL_AFTER = 10.0
"""Seconds without a failure after which the trouble is over."""


class OpenvinoDetector(Node):
    """Publishes the people in each frame, for each camera in the order of its frames.

    Several inferences run at once. When all requests are busy, the callback waits for a free one; meanwhile the newest
    frame of each camera is kept, so that no camera starves. A failed inference costs one frame, and the health says so.
    """

    model: str = param(
        default=AUTO,
        help="name of a model card (metrica-models list), the path of a card, an .xml or an .onnx, "
        "or auto: the best that is on this machine",
    )
    device: str = param(default="CPU", help="what OpenVINO runs on: CPU, GPU, NPU, AUTO, …")
    hint: Hint = param(default="THROUGHPUT", help="THROUGHPUT for most frames per second, LATENCY for soonest results")
    threads: int = param(default=0, ge=0, help="CPU threads to use; 0 lets OpenVINO decide")
    requests: int = param(
        default=0,
        ge=0,
        help="inferences at once for each frame size; 0: what OpenVINO advises, and one that waits ready",
    )
    threshold: float | None = param(
        default=None, gt=0, lt=1, help="score from which a box may start a track; by default the model card's"
    )

    detections: ClassVar[Publisher[Detections]] = publisher(
        Detections, qos=STREAM, per_camera=True, help="the people in each frame, doubtful ones included"
    )

    def check(self) -> None:
        self._load()

    def on_configure(self) -> None:
        self._network = self._load()
        self._thresholds = self._thresholds_of(self._network)
        self._queues: dict[tuple[int, int], FrameQueue] = {}
        self._order = Order()
        self._refused_sizes: set[tuple[int, int]] = set()
        self._rate = RateMeter()
        self._latency = self._failed_at = 0.0
        if self.model == AUTO:
            self.log.info(remark(self._network.model))
        self.log.info(f"{self._network.model.name} on {self.device}", file=str(self._network.model.path))

    def on_deactivate(self) -> None:
        for queue in self._queues.values():
            try:
                queue.wait()
            except RuntimeError as error:
                self._recover(queue, error)
        self._publish_ready()

    def on_cleanup(self) -> None:
        for queue in self._queues.values():
            queue.close()
        self._queues.clear()

    @subscription(Frame, qos=LATEST)
    def frames(self, msg: Frame) -> None:
        """The pictures of all cameras."""
        size = (msg.image.shape[1], msg.image.shape[0])
        queue = self._queue_for(size)
        if queue is None:
            self._fail(msg.header.camera, f"the model does not take frames of {size[0]}x{size[1]}")
            return
        try:
            self._start(queue, msg, size)
        except RuntimeError as earlier:  # an earlier inference failed: try this frame again
            self._recover(queue, earlier)
            try:
                self._start(queue, msg, size)
            except RuntimeError as error:
                self._fail(msg.header.camera, reason(error))
        self.gauge("in_flight", len(self._order))

    def _queue_for(self, size: tuple[int, int]) -> FrameQueue | None:
        """The queue for frames of this size, made with the first such frame; None if the model cannot take them."""
        if size in self._refused_sizes:
            return None
        if size not in self._queues:
            try:
                compiled = self._network.compiled(*size)
                requests = self.requests or self._network.jobs(*size) + 1
            except ModelError as error:
                self._refused_sizes.add(size)
                self.log.error(str(error))
                return None
            self._queues[size] = FrameQueue(
                compiled,
                requests,
                lambda ticket: self.call_soon(self._publish_ready),
            )
            self.log.info(f"frames of {size[0]}x{size[1]}", requests=requests)
        return self._queues[size]

    def _publish_ready(self) -> None:
        for ticket in self._order.take():
            if ticket.outputs is None:
                self._fail(ticket.header.camera, ticket.failed)
                continue
            try:
                found = self._network.decode(ticket.outputs, *ticket.size, self._thresholds.low)
            except ModelError as error:  # the output's shape was open until now, and is not that of a detector
                self._fail(ticket.header.camera, str(error))
                continue
            self.detections.publish(
                Detections(
                    header=ticket.header,
                    boxes=np.asarray(found.boxes, np.float32),
                    scores=np.asarray(found.scores, np.float32),
                    size=ticket.size,
                    thresholds=self._thresholds,
                )
            )
            self._measure(ticket)

    def _start(self, queue: FrameQueue, msg: Frame, size: tuple[int, int]) -> None:
        ticket = Ticket(msg.header, size)
        if queue.start(msg, ticket):
            self._order.put(ticket)
        else:
            self.count("overwritten")

    def _recover(self, queue: FrameQueue, error: RuntimeError) -> None:
        """Replace the queue after a failed inference, and mark its lost frames as failed."""
        for ticket in queue.recover():
            ticket.finish(None, reason(error))
        self._publish_ready()

    def _measure(self, ticket: Ticket) -> None:
        now = time.monotonic()
        self.count("frames")
        if self.present_trouble and now > self._failed_at + _WELL_AFTER:
            self.trouble("")
        self._latency += (ticket.seconds - self._latency) * (_SMOOTH if self._latency else 1.0)
        self.gauge("inference_ms", 1000 * self._latency)
        self.gauge("fps", self._rate.tick(now))

    def _fail(self, camera: str, why: str) -> None:
        """Count a frame that could not be processed, and report it in the health.

        The log gets one warning, and another only when the trouble has been over (`_WELL_AFTER`).
        """
        self.count("failed")
        self._failed_at = time.monotonic()
        sentence = f"a frame of camera '{camera}' could not be looked at: {why}"
        if not self.present_trouble:
            self.log.warning(sentence)
        self.trouble(sentence)

    def _load(self) -> Network:
        """Load the network. Raises ParameterError for a model or device that cannot be used."""
        try:
            model = find_model(self.model)
        except ModelError as error:
            raise ParameterError("model", str(error)) from None
        try:
            return Network(model, device=self.device, hint=self.hint, threads=self.threads)
        except ModelError as error:
            about = "device" if repr(self.device) in str(error) else "model"
            raise ParameterError(about, str(error)) from None

    def _thresholds_of(self, network: Network) -> Thresholds:
        card = network.model.card.thresholds
        new = card.new if self.threshold is None else self.threshold
        return Thresholds(new=new, keep=min(card.keep, new), low=min(card.low, new))
