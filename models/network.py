"""A detector ready to run: frames in, people out, on whatever device OpenVINO finds.

    network = Network(find_model("person-detection-0200"))
    found = network.infer(image)                       # one by one

Many at once: see `metrica.models.infer_queue`.

Importing this module loads OpenVINO; the rest of `metrica.models` does not.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import openvino as ov

from metrica.models.boxes import Found
from metrica.models.compile_cache import CompileCache
from metrica.models.decoders import decoder_for
from metrica.models.errors import DeviceError, ModelError
from metrica.models.fit import Fit
from metrica.models.graph import hold_to_card, read_graph, reason, with_frames
from metrica.models.library import Model

Hint = Literal["THROUGHPUT", "LATENCY"]
"""What OpenVINO optimises: most frames per second, or the soonest result."""


@runtime_checkable
class Request(Protocol):
    """OpenVINO's InferRequest, as far as it is read here."""

    def get_output_tensor(self, index: int) -> Any: ...


Outputs = Request | Mapping[Any, npt.NDArray[Any]] | Sequence[npt.NDArray[Any]]
"""What `decode` takes: a finished request (read in place, nothing copied), its results, or arrays in order."""

# Devices that choose among others, so they are not in the list of what a machine has.
_CHOOSERS = {"AUTO", "MULTI", "HETERO", "BATCH"}
_KINDS = {"CPU", "GPU", "NPU"}
"""Kinds of devices that a machine may have, though perhaps not at the moment."""
_KEPT = 4
"""For how many frame sizes the compiled network is kept, those used last."""

Size = tuple[int, int]
"""Width and height of a frame, pixels."""


class Network:
    """One model on one device, compiled for each frame size; the last four are kept.

    `device` is an OpenVINO device (CPU, GPU, GPU.1, NPU, AUTO, MULTI:GPU,CPU, …); `hint` is THROUGHPUT for most frames
    per second or LATENCY for the soonest result; `threads` is how many CPU threads it may use and `streams` how many
    inferences run side by side (0: OpenVINO decides). `cache` keeps what was compiled for the next start. Raises
    ModelError for a device that this machine lacks (DeviceError if it may be there later), a file that is no network,
    and a network that is not the detector its card describes.

    Not thread-safe: call `compiled` and `infer` from one thread.
    """

    def __init__(
        self,
        model: Model,
        device: str = "CPU",
        hint: Hint = "THROUGHPUT",
        threads: int = 0,
        streams: int = 0,
        cache: CompileCache | None = None,
    ) -> None:
        self.model = model
        self.device = device
        self._cache = cache
        self._core = ov.Core()
        self._check_device()
        self._decoder = decoder_for(model.card)
        self._graph = read_graph(self._core, model.path)
        hold_to_card(self._graph, model.card, self._decoder, model.path)
        self._names = [output.any_name for output in self._graph.outputs]
        self._settings = self._settings_for(hint, threads, streams)
        self._compiled: dict[Size, ov.CompiledModel] = {}
        self._requests: dict[Size, ov.InferRequest] = {}

    def compiled(self, width: int, height: int) -> ov.CompiledModel:
        """The network for frames of this size: one input, uint8 [1, height, width, 3], blue green red.

        Compiled at the first call for a size (a second or so on a CPU, minutes on some devices), kept for the next
        ones. Give it to an InferQueue, not to OpenVINO's AsyncInferQueue, which may abort the process when it is
        dropped. Raises ModelError, DeviceError if another device may do it.
        """
        size = width, height
        compiled = self._compiled.pop(size, None) or self._compile(size)
        self._compiled[size] = compiled  # at the end: the first ones have not been used for longest
        for old in list(self._compiled)[:-_KEPT]:
            del self._compiled[old]
            self._requests.pop(old, None)
        return compiled

    def _compile(self, size: Size) -> ov.CompiledModel:
        graph = with_frames(self._graph, self.model.card, self.fit(*size))

        def compile_in(folder: Path | None) -> ov.CompiledModel:
            settings = {**self._settings, "CACHE_DIR": str(folder)} if folder else self._settings
            return self._core.compile_model(graph, self.device, settings)

        try:
            return self._cache.compile(self._key(size), compile_in) if self._cache else compile_in(None)
        except (RuntimeError, TypeError) as error:
            kind = ModelError if self.device == "CPU" else DeviceError
            raise kind(
                f"OpenVINO cannot compile {self.model.name} for the device {self.device!r} ({reason(error)}); "
                f"this machine has {', '.join(devices(self._core))}"
            ) from None

    def _key(self, size: Size) -> str:
        """What a compiled network depends on, as the name of a folder."""
        digest = hashlib.sha256(repr((ov.get_version(), self.device, size, sorted(self._settings.items()))).encode())
        for path in (self.model.path, self.model.path.with_suffix(".bin")):
            with contextlib.suppress(OSError):  # an .onnx file has no weights beside it
                digest.update(path.read_bytes())
        return digest.hexdigest()[:32]

    def fit(self, width: int, height: int) -> Fit:
        """How a frame of this size lies in the network's input."""
        return Fit.of(self.model.card.input, width, height)

    def jobs(self, width: int, height: int) -> int:
        """How many requests at once keep the device busy under the hint, according to OpenVINO."""
        return int(self.compiled(width, height).get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))

    def decode(self, outputs: Outputs, width: int, height: int, floor: float | None = None) -> Found:
        """The people in a frame of `width` x `height`, from what the compiled network gave for it.

        In a callback of an InferQueue, give the request itself. `floor` is the lowest score that is reported; by
        default the card's `low`.
        """
        low = self.model.card.thresholds.low if floor is None else floor
        return self._decoder(self._by_name(outputs), self.fit(width, height), low)

    def infer(self, image: npt.NDArray[np.uint8], floor: float | None = None) -> Found:
        """The people in one picture, uint8 [height, width, 3], blue green red; waits for the result.

        Raises ModelError for an array that is no such picture.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ModelError(f"a frame is uint8 [height, width, 3], not {image.dtype} {list(image.shape)}")
        height, width = image.shape[:2]
        compiled = self.compiled(width, height)
        request = self._requests.get((width, height))
        if request is None:
            request = self._requests[width, height] = compiled.create_infer_request()
        request.infer([np.ascontiguousarray(image)[None]], share_inputs=True)
        return self.decode(request, width, height, floor)

    def blank(self, width: int, height: int) -> Found:
        """What the network finds in a grey frame of this size: a proof that it compiles, runs and decodes."""
        return self.infer(np.full((height, width, 3), 114, np.uint8))

    def _by_name(self, outputs: Outputs) -> dict[str, npt.NDArray[Any]]:
        if isinstance(outputs, Request):
            return {name: outputs.get_output_tensor(i).data for i, name in enumerate(self._names)}
        if isinstance(outputs, Mapping):
            if all(isinstance(key, str) for key in outputs):
                return dict(outputs)
            outputs = list(outputs.values())
        return dict(zip(self._names, outputs, strict=True))

    def _check_device(self) -> None:
        name = self.device.partition(":")[0]
        has = devices(self._core)
        if name not in _CHOOSERS and not any(name in (d, d.partition(".")[0]) for d in has):
            error = DeviceError if name.partition(".")[0] in _KINDS else ModelError
            raise error(f"there is no device {self.device!r} here for OpenVINO; this machine has {', '.join(has)}")

    def _settings_for(self, hint: str, threads: int, streams: int) -> dict[str, Any]:
        if hint not in ("THROUGHPUT", "LATENCY"):
            raise ModelError(f"the hint is THROUGHPUT or LATENCY, not {hint!r}")
        if threads < 0 or streams < 0:
            raise ModelError("threads and streams are numbers from 0 (OpenVINO decides) up")
        own: dict[str, Any] = {}
        if threads:
            own["INFERENCE_NUM_THREADS"] = threads
        if streams:
            own["NUM_STREAMS"] = streams
        if own and self.device.partition(":")[0] in _CHOOSERS:
            return {"PERFORMANCE_HINT": hint, "DEVICE_PROPERTIES": {"CPU": own}}
        if threads and not self.device.startswith("CPU"):
            raise ModelError(f"threads are for the CPU; leave them out for the device {self.device!r}")
        return {"PERFORMANCE_HINT": hint, **own}


def devices(core: ov.Core | None = None) -> list[str]:
    """The devices that OpenVINO can use on this machine, as it names them."""
    try:
        return list((core or ov.Core()).available_devices)
    except RuntimeError:  # a driver that has crashed
        return []
