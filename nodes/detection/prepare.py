"""Load and compile a network: slow work, which does not touch the node, so that it can run in a thread beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import openvino as ov

from metrica.models.errors import DeviceError, ModelError
from metrica.models.network import Network
from metrica.nodes.detection.sizes import Size


@dataclass(frozen=True, slots=True)
class Prepared:
    """A network, compiled for some frame sizes."""

    network: Network
    """The network, on its device."""
    compiled: dict[Size, tuple[ov.CompiledModel, int]] = field(default_factory=dict[Size, tuple[ov.CompiledModel, int]])
    """By frame size: the compiled network, and how many inferences to run at once."""
    refused: dict[Size, str] = field(default_factory=dict[Size, str])
    """The frame sizes for which it cannot be compiled, and why."""
    seconds: float = 0.0
    """How long it took."""


def prepare(
    network: Network | Callable[[], Network], sizes: Sequence[Size], requests: int, *, prove: bool = False
) -> Prepared:
    """Compile a network for these frame sizes.

    network: or what loads it. requests: inferences at once; 0 for what OpenVINO advises, and one that waits ready.
    prove: try an inference too. Raises DeviceError, and ModelError if it cannot be loaded.
    """
    began = time.monotonic()
    loaded = network if isinstance(network, Network) else network()
    compiled: dict[Size, tuple[ov.CompiledModel, int]] = {}
    refused: dict[Size, str] = {}
    for size in sizes:
        try:
            compiled[size] = loaded.compiled(*size), requests or loaded.jobs(*size) + 1
            if prove:
                loaded.blank(*size)
        except DeviceError:
            raise
        except ModelError as error:
            refused[size] = str(error)
        except RuntimeError as error:
            raise DeviceError(f"the device {loaded.device} does not work: {error}") from None
    return Prepared(loaded, compiled, refused, time.monotonic() - began)
