"""Finding a model: by name, by card, by bare network; and what is said when there is none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metrica.models import ModelError, find_model, have
from metrica.models.library import SHIPPED, Model, find_card, model_folders
from tests.models.networks import constant_network, dynamic_network, save

CARD = """
name: {name}
decoder: yolov8
input: {{size: [64, 64], colour: RGB, fit: letterbox, scale: 255}}
thresholds: {{new: {new}, keep: 0.2, low: 0.1}}
variants:
  - precision: FP32
    files:
      - {{path: {path}}}
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache and a METRICA_MODELS of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("METRICA_MODELS", raising=False)
    return tmp_path / "cache" / "metrica" / "models"


def put(folder: Path, name: str = "person-detection-0200", size: tuple[int, int] = (10, 10)) -> Path:
    path = folder / name / "FP16-INT8" / f"{name}.xml"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x" * size[0])
    path.with_suffix(".bin").write_bytes(b"b" * size[1])
    return path


def card(folder: Path, name: str = "mine", new: float = 0.3, path: str = "mine.xml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.yaml"
    file.write_text(CARD.format(name=name, new=new, path=path))
    return file


def sentence(name: str) -> str:
    with pytest.raises(ModelError) as caught:
        find_model(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_model_names_the_file_the_folders_and_the_command(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICA_MODELS", str(tmp_path / "own"))
    assert sentence("person-detection-0200") == (
        "the model person-detection-0200 is not on this machine: there is no "
        f"person-detection-0200/FP16-INT8/person-detection-0200.xml in {tmp_path / 'own'}, {own_cache}; "
        "run `metrica-models pull person-detection-0200`, or set METRICA_MODELS to the folder that has it"
    )


def test_half_a_model_names_the_half_that_is_missing(own_cache: Path) -> None:
    put(own_cache).with_suffix(".bin").unlink()
    assert "there is no person-detection-0200/FP16-INT8/person-detection-0200.bin in" in sentence(
        "person-detection-0200"
    )


def test_a_misspelt_name_is_guessed() -> None:
    assert "there is no model 'person-detection-0200-int8' (did you mean 'person-detection-0200'?)" in sentence(
        "person-detection-0200-int8"
    )
    assert "did you mean 'person-detection-retail-0013'" in sentence("person_detection_retail_0013")
    assert "person-detection-0200, person-detection-0201" in sentence("zzz").partition("(the known ones are ")[2]


def test_own_folders_come_before_the_cache(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_cache = put(own_cache)
    assert find_model("person-detection-0200").path == in_cache
    second = put(tmp_path / "second")
    monkeypatch.setenv("METRICA_MODELS", os.pathsep.join([str(tmp_path / "first"), str(tmp_path / "second")]))
    assert find_model("person-detection-0200").path == second
    assert model_folders() == [tmp_path / "first", tmp_path / "second", own_cache, SHIPPED]


def test_a_folder_may_be_relative_or_at_home(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for text in ("here", "./here", "~/here"):
        monkeypatch.setenv("METRICA_MODELS", text)
        assert find_model("person-detection-0200").path.is_file()


def test_of_two_releases_the_one_whose_sizes_agree_is_taken(own_cache: Path) -> None:
    """Both have the same file names; which one lies there is seen by its size."""
    known = find_card("person-detection-0200")[0]
    for variant in known.variants:
        sizes = [file.size or 0 for file in variant.files]
        path = put(own_cache, size=(sizes[0], sizes[1]))
        here = have(known)
        assert here is not None and here[0] is variant
        path.unlink()
        path.with_suffix(".bin").unlink()
        path.parent.rmdir()


def test_files_of_an_unknown_release_are_taken_as_they_are(own_cache: Path) -> None:
    path = put(own_cache)
    found = find_model("person-detection-0200")
    assert found.path == path and found.variant is found.card.variants[0]


def test_a_card_is_found_by_its_path_with_the_files_beside_it(tmp_path: Path) -> None:
    file = card(tmp_path / "shop")
    assert "set METRICA_MODELS to the folder that has it" in sentence(str(file))
    assert "pull" not in sentence(str(file)), "nothing can be fetched for a card without an address"
    network = constant_network(tmp_path / "shop" / "mine.xml", [1, 3, 64, 64], output0=np.zeros((1, 84, 84)))
    assert find_model(str(file)) == Model("mine", find_card(str(file))[0], network, find_card(str(file))[0].variants[0])


def test_a_card_in_an_own_folder_goes_by_its_name_and_may_replace_a_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICA_MODELS", str(tmp_path))
    card(tmp_path, "person-detection-0200", new=0.33)
    (tmp_path / "mine.xml").touch()
    assert find_model("person-detection-0200").card.thresholds.new == 0.33
    card(tmp_path, "mine").rename(tmp_path / "yours.yaml")
    assert "yours.yaml: a card's name is its file's, so name must be 'yours'" in sentence("yours")


def test_a_bare_network_is_taken_by_its_shapes(tmp_path: Path) -> None:
    """The four formats, and what each is fed with."""
    cases: dict[str, tuple[dict[str, Any], tuple[str, str, float], tuple[int, ...]]] = {
        "ssd": ({"detection_out": np.zeros((1, 1, 200, 7))}, ("stretch", "BGR", 1.0), (0, 1)),
        "boxes_labels": ({"boxes": np.zeros((100, 5)), "labels": np.zeros(100)}, ("stretch", "BGR", 1.0), (0,)),
        "yolox": ({"output": np.zeros((1, 3549, 85))}, ("letterbox", "BGR", 1.0), (0,)),
        "yolov8": ({"output0": np.zeros((1, 84, 3549))}, ("letterbox", "RGB", 255.0), (0,)),
    }
    for decoder, (outputs, (fit, colour, scale), person) in cases.items():
        path = constant_network(tmp_path / f"{decoder}.xml", [1, 3, 416, 416], **outputs)
        found = find_model(str(path)).card
        assert (found.decoder, found.input.size, found.person) == (decoder, (416, 416), person)
        assert (found.input.fit, found.input.colour, found.input.scale[0]) == (fit, colour, scale)
        assert found.input.align == ("top_left" if decoder == "yolox" else "center")
        assert found.thresholds.chosen.startswith("guessed")


def test_a_bare_network_may_leave_its_batch_open_and_have_any_file_name(tmp_path: Path) -> None:
    found = find_model(str(dynamic_network(tmp_path / "_best shop (1).xml")))
    assert found.card.decoder == "yolov8" and found.card.input.size == (96, 96)
    assert found.name == "best-shop--1-"


def test_a_bare_network_in_nhwc_is_understood(tmp_path: Path) -> None:
    path = constant_network(tmp_path / "tf.xml", [1, 240, 320, 3], detection_out=np.zeros((1, 1, 100, 7)))
    assert find_model(str(path)).card.input.layout == "NHWC"
    assert find_model(str(path)).card.input.size == (320, 240)


def test_a_bare_network_called_as_a_shipped_card_gets_that_card(tmp_path: Path) -> None:
    path = constant_network(
        tmp_path / "person-detection-retail-0013.xml", [1, 3, 320, 544], out=np.zeros((1, 1, 200, 7))
    )
    assert find_model(str(path)).card.person == (1,)


def test_a_model_that_is_no_detector_is_one_sentence(tmp_path: Path) -> None:
    path = constant_network(tmp_path / "classifier.xml", [1, 3, 224, 224], prob=np.zeros((1, 1000)))
    assert sentence(str(path)).startswith(
        f"{path} is not a detector that Metrica knows: it gives prob [1, 1000] (known: ssd: one output [1, 1, N, 7]; "
    )


def test_files_that_are_no_network_are_one_sentence(tmp_path: Path) -> None:
    assert sentence(str(tmp_path / "gone.onnx")).startswith(f"{tmp_path / 'gone.onnx'}: there is no such file")
    (tmp_path / "text.onnx").write_text("this is no network")
    assert sentence(str(tmp_path / "text.onnx")).startswith(f"{tmp_path / 'text.onnx'}: OpenVINO cannot read this")
    (tmp_path / "text.xml").write_text("<no-network/>")
    assert "put text.bin beside it" in sentence(str(tmp_path / "text.xml"))
    (tmp_path / "text.bin").touch()
    assert sentence(str(tmp_path / "text.xml")).startswith(f"{tmp_path / 'text.xml'}: OpenVINO cannot read this")


def test_an_input_that_leaves_the_picture_size_open_asks_for_a_card(tmp_path: Path) -> None:
    path = dynamic_network(tmp_path / "open.xml", size=True)
    assert "leaves open what size of picture it takes; write a model card" in sentence(str(path))
    file = card(tmp_path, path="open.xml")
    assert find_model(str(file)).path == path


def test_a_network_with_two_inputs_is_refused(tmp_path: Path) -> None:
    from openvino import opset13 as ops

    one, two = (ops.parameter([1, 3, 64, 64], np.float32) for _ in range(2))
    path = save(tmp_path / "two.xml", [one, two], {"sum": ops.add(one, two)})
    assert sentence(str(path)) == f"{path}: a detector has one input, and this network has 2"
