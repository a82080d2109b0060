"""An OpenVINO with a GPU that a test can take away, break and slow down: in truth the CPU under another name."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import openvino as ov

from metrica.nodes.detection.openvino_detector import OpenvinoDetector

FOLDER = "METRICA_TEST_GPU"
"""Environment variable with the folder of the files `gone`, `broken`, `hangs` and `seconds`."""


def says(name: str) -> bool:
    return (Path(os.environ[FOLDER]) / name).exists()


class Breakable(ov.Op):  # type: ignore[misc]  # mypy does not find OpenVINO's types
    """Copies its input; raises while the GPU is broken, and does not come back while it hangs."""

    def __init__(self, inputs: Any = None) -> None:
        super().__init__(self)
        if inputs is not None:
            self.set_arguments(inputs)
            self.constructor_validate_and_infer_types()

    def validate_and_infer_types(self) -> None:
        self.set_output_type(0, self.get_input_element_type(0), self.get_input_partial_shape(0))

    def clone_with_new_inputs(self, new_inputs: Any) -> Breakable:
        return Breakable(new_inputs)

    def has_evaluate(self) -> bool:
        return True

    def evaluate(self, output_values: Any, input_values: Any, evaluationContext: Any = None) -> bool:
        while says("hangs"):
            time.sleep(0.05)
        if says("broken"):
            raise RuntimeError("CL_OUT_OF_RESOURCES")
        input_values[0].copy_to(output_values[0])
        return True


class CoreWithGpu(ov.Core):  # type: ignore[misc]
    """Compiles for `GPU` on the CPU; the file `seconds` says how long compiling takes on any device."""

    @property
    def available_devices(self) -> list[str]:
        return ["CPU", *([] if says("gone") else ["GPU"])]

    def compile_model(self, model: Any, device_name: Any = None, config: Any = None, **more: Any) -> Any:
        if says("seconds"):
            time.sleep(float((Path(os.environ[FOLDER]) / "seconds").read_text()))
        if device_name != "GPU":
            return super().compile_model(model, device_name, config, **more)
        if says("gone"):
            raise RuntimeError("[GPU] Context was not initialized for 0 device")
        for parameter in model.get_parameters():
            targets = parameter.output(0).get_target_inputs()
            checked = Breakable([parameter.output(0)])
            for target in targets:
                target.replace_source_output(checked.output(0))
        model.validate_nodes_and_infer_types()
        return super().compile_model(model, "CPU", {k: v for k, v in config.items() if k != "CACHE_DIR"})


class DetectorWithGpu(OpenvinoDetector):
    """The detector in a process of its own, with this GPU."""

    def check(self) -> None:
        ov.Core = CoreWithGpu  # type: ignore[misc]
        super().check()

    def on_configure(self) -> None:
        ov.Core = CoreWithGpu  # type: ignore[misc]
        super().on_configure()
