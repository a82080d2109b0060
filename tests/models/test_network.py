"""Networks compiled with the preparation of frames inside: what arrives at the network, and what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
import pytest

from metrica.models import Card, Model, ModelError, find_model
from metrica.models.graph import resize_algorithm
from metrica.models.infer_queue import InferQueue
from metrica.models.network import Network, devices
from tests.models.networks import constant_network, dynamic_network, echo_network

Image = npt.NDArray[np.uint8]


def card(decoder: str = "yolov8", **spec: Any) -> Card:
    return Card.model_validate(
        {
            "name": "m",
            "decoder": decoder,
            "input": {"size": [96, 64], **spec},
            "thresholds": {"new": 0.6, "keep": 0.5, "low": 0.1},
            "variants": [{"precision": "FP32", "files": [{"path": "m.xml"}]}],
        }
    )


def arrived(tmp_path: Path, frame: Image, **spec: Any) -> npt.NDArray[np.float32]:
    """What the network is given for a frame, float32 [3, 64, 96]: its echo."""
    path = echo_network(tmp_path / "echo.xml", 96, 64)
    network = Network(Model("m", card(**spec), path), threads=1)
    compiled = network.compiled(frame.shape[1], frame.shape[0])
    output = np.asarray(compiled.create_infer_request().infer([frame[None]])[0], np.float32)
    return output.reshape(-1)[: 3 * 64 * 96].reshape(3, 64, 96)


def picture(width: int, height: int) -> Image:
    """A soft picture whose three channels differ."""
    rows, columns = np.mgrid[:height, :width]
    planes = [columns / width, rows / height, (columns + rows) / (width + height)]
    return (np.stack(planes, axis=2) * 250).astype(np.uint8)


def test_a_frame_of_the_networks_size_arrives_untouched(tmp_path: Path) -> None:
    frame = np.random.default_rng(1).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    np.testing.assert_array_equal(arrived(tmp_path, frame), frame.transpose(2, 0, 1))


def test_red_and_blue_change_places_where_the_card_says_rgb(tmp_path: Path) -> None:
    frame = np.random.default_rng(1).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    np.testing.assert_array_equal(arrived(tmp_path, frame, colour="RGB"), frame[:, :, ::-1].transpose(2, 0, 1))


def test_mean_and_scale_are_in_the_networks_colour_order(tmp_path: Path) -> None:
    frame = np.random.default_rng(1).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    got = arrived(tmp_path, frame, colour="RGB", mean=[10, 20, 30], scale=[1, 2, 4])
    red_first = frame[:, :, ::-1].transpose(2, 0, 1).astype(np.float32)
    expected = (red_first - np.array([10, 20, 30])[:, None, None]) / np.array([1, 2, 4])[:, None, None]
    np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.mark.parametrize("size", [(192, 128), (200, 150), (100, 66), (60, 40), (33, 90)])
def test_a_stretched_frame_is_the_frame_at_another_size(tmp_path: Path, size: tuple[int, int]) -> None:
    frame = picture(*size)
    columns = (np.arange(96) + 0.5) * size[0] / 96 - 0.5
    rows = (np.arange(64) + 0.5) * size[1] / 64 - 0.5
    got = arrived(tmp_path, frame)
    # The picture is a slope, so a resampled pixel is the value at its place, to within half a pixel of the frame.
    step = 250 / min(size) * 0.75 + 1
    np.testing.assert_allclose(got[0], np.tile(columns / size[0] * 250, (64, 1)), atol=step)
    np.testing.assert_allclose(got[1], np.tile(rows[:, None] / size[1] * 250, (1, 96)), atol=step)


def test_a_letterbox_has_grey_bars_and_the_picture_between(tmp_path: Path) -> None:
    got = arrived(tmp_path, np.full((96, 72, 3), 200, np.uint8), fit="letterbox", pad=114, scale=2)
    assert (got[:, :, :24] == 57).all() and (got[:, :, 72:] == 57).all()
    assert (got[:, :, 24:72] == 100).all()
    got = arrived(tmp_path, np.full((96, 72, 3), 200, np.uint8), fit="letterbox", align="top_left", pad=0)
    assert (got[:, :, 48:] == 0).all() and (got[:, :, :48] == 200).all()


def test_the_nearest_pixel_is_taken_only_where_the_frame_hardly_grows() -> None:
    from metrica.models.fit import Fit

    spec = card().input
    names = [
        str(resize_algorithm(Fit.of(spec, w, h))).rpartition(".")[2] for w, h in ((1920, 1080), (86, 57), (84, 64))
    ]
    assert names == ["RESIZE_NEAREST", "RESIZE_NEAREST", "RESIZE_LINEAR"]


def test_a_frame_size_is_compiled_once(tmp_path: Path) -> None:
    network = Network(Model("m", card(), echo_network(tmp_path / "echo.xml", 96, 64)))
    assert network.compiled(192, 128) is network.compiled(192, 128)
    assert network.compiled(128, 192) is not network.compiled(192, 128)


def test_outputs_may_be_a_request_its_results_named_arrays_or_a_list(tmp_path: Path) -> None:
    output = np.zeros((1, 84, 126))
    output[0, :5, 7] = 48, 32, 20, 40, 0.8
    path = constant_network(tmp_path / "one.xml", [1, 3, 64, 96], other=np.zeros((1, 5)), output0=output)
    network = Network(Model("m", card(), path), hint="LATENCY")
    request = network.compiled(192, 128).create_infer_request()
    results = request.infer([np.zeros((1, 128, 192, 3), np.uint8)])
    array = np.array(results[0])
    assert len(results) == 1, "an output that the decoder does not read is not computed"
    for outputs in (request, results, {"output0": array}, [array]):
        found = network.decode(outputs, 192, 128)
        np.testing.assert_allclose(found.boxes, [[76, 24, 116, 104]], atol=1e-3)
    assert len(network.decode(request, 192, 128, floor=0.9)) == 0
    np.testing.assert_allclose(network.infer(np.zeros((128, 192, 3), np.uint8)).boxes, [[76, 24, 116, 104]], atol=1e-3)


def test_many_frames_at_once_through_a_queue(tmp_path: Path) -> None:
    """As the detector node does it: requests decoded in the callback, in place."""
    output = np.zeros((1, 84, 126))
    output[0, :5, 7] = 48, 32, 20, 40, 0.8
    path = constant_network(tmp_path / "one.xml", [1, 3, 64, 96], output0=output)
    network = Network(Model("m", card(), path), threads=1)
    counts: dict[int, int] = {}

    def finished(request: Any, tag: int) -> None:
        counts[tag] = len(network.decode(request, 192, 128))

    with InferQueue(network.compiled(192, 128), network.jobs(192, 128), finished) as queue:
        for tag in range(20):
            queue.start([np.zeros((1, 128, 192, 3), np.uint8)], tag)
    assert counts == dict.fromkeys(range(20), 1)


def test_a_view_of_a_frame_is_as_good_as_the_frame(tmp_path: Path) -> None:
    network = Network(Model("m", card(), echo_network(tmp_path / "echo.xml", 96, 64)))
    wide = np.zeros((128, 400, 3), np.uint8)
    assert len(network.infer(wide[:, 100:292])) == 0


def test_an_open_batch_is_one_picture(tmp_path: Path) -> None:
    found = find_model(str(dynamic_network(tmp_path / "open.xml")))
    assert Network(found).compiled(200, 100).input(0).shape == ov.Shape([1, 100, 200, 3])


def test_the_number_of_threads_is_kept(tmp_path: Path) -> None:
    model = Model("m", card(), echo_network(tmp_path / "echo.xml", 96, 64))
    compiled = Network(model, threads=1, streams=1).compiled(96, 64)
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 1
    assert compiled.get_property("NUM_STREAMS") == 1
    Network(model, device="AUTO:CPU", threads=1, hint="LATENCY").compiled(96, 64)


def refused(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(ModelError) as caught:
        Network(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_device_that_is_not_here_names_those_that_are(tmp_path: Path) -> None:
    model = Model("m", card(), echo_network(tmp_path / "echo.xml", 96, 64))
    told = refused(model, device="TPU.3")
    assert told == f"there is no device 'TPU.3' here for OpenVINO; this machine has {', '.join(devices())}"
    assert "CPU" in devices()
    if "GPU" not in " ".join(devices()):
        assert refused(model, device="GPU").startswith("there is no device 'GPU' here")


def test_settings_that_make_no_sense_are_one_sentence(tmp_path: Path) -> None:
    model = Model("m", card(), echo_network(tmp_path / "echo.xml", 96, 64))
    assert refused(model, hint="FAST") == "the hint is THROUGHPUT or LATENCY, not 'FAST'"
    assert refused(model, threads=-1).startswith("threads and streams are numbers from 0")


def test_a_network_that_its_card_describes_wrongly_is_refused(tmp_path: Path) -> None:
    path = echo_network(tmp_path / "echo.xml", 96, 64)
    told = refused(Model("m", card(size=[64, 64]), path))
    assert told == (
        f"{path}: its input is images [1, 3, 64, 96], but the card m says 64x64 NCHW ([1, 3, 64, 64]); "
        "correct the card's input"
    )
    told = refused(Model("m", card("boxes_labels"), path))
    assert "is not a detector that the decoder boxes_labels reads: it gives output0 [1, 147, 126]" in told


@pytest.mark.parametrize("frame", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)])
def test_what_is_no_frame_is_one_sentence(tmp_path: Path, frame: Any) -> None:
    network = Network(Model("m", card(), echo_network(tmp_path / "echo.xml", 96, 64)))
    with pytest.raises(ModelError, match=r"a frame is uint8 \[height, width, 3\], not "):
        network.infer(frame)
