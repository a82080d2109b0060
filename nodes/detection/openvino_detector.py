"""The detector: finds the people in the frames of any number of cameras, with OpenVINO."""

from __future__ import annotations

import time
from functools import partial
from typing import ClassVar

import numpy as np

from metrica.errors import ParameterError
from metrica.messages import Detections, Frame, Thresholds
from metrica.models.choice import remark
from metrica.models.compile_cache import CompileCache, default_folder
from metrica.models.errors import DeviceError, MissingFileError, ModelError
from metrica.models.graph import reason
from metrica.models.library import AUTO, Model, find_model
from metrica.models.network import Hint, Network
from metrica.node import Node
from metrica.nodes.detection.engine import Engine
from metrica.nodes.detection.frame_queue import FrameQueue
from metrica.nodes.detection.order import Order, Ticket
from metrica.nodes.detection.sizes import Size
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
    The model is compiled for each frame size while the other cameras go on; until it is, that camera's frames are
    dropped (`not_ready`). While the device is not there, fails or hangs, the CPU does the work, and the device is tried
    again after a minute, later after an hour.
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
        model = self._find()
        try:
            self._load(model, self.device)
        except ModelError as error:
            raise self._wrong(error) from None

    def on_configure(self) -> None:
        model = self._find()
        self._order = Order()
        try:
            self._engine = self._make_engine(model)
        except ModelError as error:
            raise self._wrong(error) from None
        self._thresholds = self._thresholds_of(self._engine.network)
        self._rate = RateMeter()
        self._latency = self._failed_at = 0.0
        self._failure = ""
        if self.model == AUTO:
            self.log.info(remark(model))
        self.log.info(f"{model.name} on {self._engine.network.device}", file=str(model.path))
        self._say()

    def on_deactivate(self) -> None:
        for queue in self._engine.queues:
            self._finish(queue)
        self._publish_ready()

    def on_cleanup(self) -> None:
        self._engine.close()

    @subscription(Frame, qos=LATEST)
    def frames(self, msg: Frame) -> None:
        """The pictures of all cameras."""
        size, camera = (msg.image.shape[1], msg.image.shape[0]), msg.header.camera
        queue = self._engine.queue_for(camera, size)
        if queue is not None:
            self._look_at(queue, msg, size)
        elif self._engine.refusal(size):
            self._fail(camera, f"the model does not take frames of {size[0]}x{size[1]}")
        else:
            self.count("not_ready")
        self._say()
        self.gauge("in_flight", len(self._order))

    def _look_at(self, queue: FrameQueue, msg: Frame, size: Size) -> None:
        try:
            self._start(queue, msg, size)
        except RuntimeError as earlier:  # an earlier inference failed: try this frame again
            self._recover(queue, earlier)
            try:
                self._start(queue, msg, size)
            except RuntimeError as error:
                self._inference_failed(msg.header.camera, reason(error))

    def _publish_ready(self) -> None:
        for ticket in self._order.take():
            if ticket.outputs is None:
                self._inference_failed(ticket.header.camera, ticket.failed)
                continue
            try:
                found = self._engine.network.decode(ticket.outputs, *ticket.size, self._thresholds.low)
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
        self._say()

    def _start(self, queue: FrameQueue, msg: Frame, size: Size) -> None:
        ticket = Ticket(msg.header, size)
        if queue.start(msg, ticket):
            self._order.put(ticket)
        else:
            self.count("overwritten")

    def _finish(self, queue: FrameQueue) -> None:
        """Wait until the inferences of a queue are finished."""
        try:
            queue.wait()
        except RuntimeError as error:
            self._recover(queue, error)

    def _recover(self, queue: FrameQueue, error: RuntimeError) -> None:
        """Replace the queue after a failed inference, and mark its lost frames as failed."""
        self._lost(queue.recover(), reason(error))

    def _lost(self, tickets: list[Ticket], why: str) -> None:
        """Mark frames without a result as failed."""
        for ticket in tickets:
            ticket.finish(None, why)
        self._publish_ready()

    def _inference_failed(self, camera: str, why: str) -> None:
        self._fail(camera, why)
        self._engine.failed(why)

    def _measure(self, ticket: Ticket) -> None:
        now = time.monotonic()
        self.count("frames")
        self._engine.worked()
        if self._failure and now > self._failed_at + _WELL_AFTER:
            self._failure = ""
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
        if not self._failure:
            self.log.warning(sentence)
        self._failure = sentence

    def _say(self) -> None:
        """Say in the health what is wrong: what concerns most frames first."""
        self.trouble(self._engine.sentence or self._failure)

    def _find(self) -> Model:
        """The model. Raises ParameterError."""
        try:
            return find_model(self.model)
        except ModelError as error:
            raise self._wrong(error) from None

    def _wrong(self, error: ModelError) -> ParameterError:
        about = "device" if repr(self.device) in str(error) else "model"
        return ParameterError(about, str(error), may_pass=isinstance(error, DeviceError | MissingFileError))

    def _load(self, model: Model, device: str) -> Network:
        """Load the network on a device, also in a thread beside the node. Raises ModelError."""
        folder = default_folder()
        cache = CompileCache(folder) if folder else None
        return Network(model, device=device, hint=self.hint, threads=self.threads, cache=cache)

    def _make_engine(self, model: Model) -> Engine:
        return Engine(
            self,
            partial(self._load, model),
            self.device,
            self.requests,
            done=lambda ticket: self.call_soon(self._publish_ready),
            lost=self._lost,
            say=self._say,
            hangs=self.context.hangs,
        )

    def _thresholds_of(self, network: Network) -> Thresholds:
        card = network.model.card.thresholds
        new = card.new if self.threshold is None else self.threshold
        return Thresholds(new=new, keep=min(card.keep, new), low=min(card.low, new))
