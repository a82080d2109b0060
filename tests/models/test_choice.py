"""Which detector runs where nobody has named one, and what is said about it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from metrica import testing
from metrica.models import ModelError, find_model, library, remark
from metrica.nodes.detection.openvino_detector import OpenvinoDetector
from tests.models.networks import constant_network

OURS = """
name: metrica-person
decoder: yolox
input: {{size: [96, 64]}}
thresholds: {{new: 0.5, keep: 0.4, low: 0.1}}
{ap50}
variants:
  - precision: INT8
    files: [{{path: metrica-person/INT8/metrica-person.xml}}, {{path: metrica-person/INT8/metrica-person.bin}}]
  - precision: FP16
    files: [{{path: metrica-person/FP16/metrica-person.xml}}, {{path: metrica-person/FP16/metrica-person.bin}}]
"""
CELLS = 12 * 8 + 6 * 4 + 3 * 2


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package's models folder whose own detector is a small network; nothing else is on this machine."""
    folder = tmp_path / "package"
    folder.mkdir()
    for card in Path(library.SHIPPED).glob("*.yaml"):
        shutil.copy(card, folder)
    put_ours(folder)
    monkeypatch.setattr(library, "SHIPPED", folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("METRICA_MODELS", raising=False)
    return folder


def put_ours(folder: Path, ap50: str = "ap50: {photographs: 0.5, street: 0.4}") -> None:
    for precision in ("INT8", "FP16"):
        path = folder / "metrica-person" / precision / "metrica-person.xml"
        constant_network(path, [1, 3, 64, 96], output=np.zeros((1, CELLS, 6)))
    (folder / "metrica-person" / "metrica-person.yaml").write_text(OURS.format(ap50=ap50))


def pulled(tmp_path: Path, name: str) -> None:
    file = tmp_path / "cache" / "metrica" / "models" / name / "FP16-INT8" / f"{name}.xml"
    file.parent.mkdir(parents=True)
    file.touch()
    file.with_suffix(".bin").touch()


def test_ours_is_taken_where_nothing_was_pulled_and_the_gain_of_pulling_is_said(shipped: Path) -> None:
    model = find_model("auto")
    assert model.path == shipped / "metrica-person" / "INT8" / "metrica-person.xml"
    assert remark(model) == (
        "detector: metrica-person (shipped); person-detection-0200 finds more people (AP50 0.51 against 0.45), "
        "person-detection-0203 most (0.73): metrica-models pull person-detection-0200"
    )


def test_a_better_one_that_was_pulled_is_taken(shipped: Path, tmp_path: Path) -> None:
    pulled(tmp_path, "person-detection-0201")
    pulled(tmp_path, "person-detection-0200")
    model = find_model("auto")
    assert model.name == "person-detection-0201"
    assert remark(model) == (
        "detector: person-detection-0201 (the best on this machine); person-detection-0203 finds more people "
        "(AP50 0.73 against 0.57): metrica-models pull person-detection-0203"
    )


def test_one_that_was_never_measured_or_is_less_good_is_not(shipped: Path, tmp_path: Path) -> None:
    put_ours(shipped, "ap50: {photographs: 0.7, street: 0.8, entrance: 0.9}")
    for name in ("person-detection-0202", "person-detection-0203"):
        pulled(tmp_path, name)
    model = find_model("auto")
    assert model.name == "metrica-person"
    assert remark(model) == "detector: metrica-person (shipped, AP50 0.75)"


def test_ours_goes_by_its_name_by_its_card_and_by_the_path_of_either_build(shipped: Path, tmp_path: Path) -> None:
    whole = shipped / "metrica-person"
    assert find_model("metrica-person") == find_model("auto")
    assert find_model(str(whole / "metrica-person.yaml")).path == whole / "INT8" / "metrica-person.xml"
    found = find_model(str(whole / "FP16" / "metrica-person.xml"))
    assert (found.name, found.card.thresholds.keep) == ("metrica-person", 0.4), "not a guessed card"
    moved = shutil.move(whole, tmp_path / "elsewhere" / "metrica-person")
    assert find_model(f"{moved}/metrica-person.yaml").path.is_relative_to(moved)


def test_a_folder_of_one_s_own_replaces_ours(shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_ours(tmp_path / "own", "ap50: {photographs: 0.6, street: 0.6}")
    monkeypatch.setenv("METRICA_MODELS", str(tmp_path / "own"))
    assert find_model("auto").path.is_relative_to(tmp_path / "own")
    assert find_model("auto").card.ap50 == find_model("metrica-person").card.ap50


def test_without_any_detector_it_is_said_what_to_do(shipped: Path) -> None:
    (shipped / "metrica-person" / "INT8" / "metrica-person.bin").unlink()
    (shipped / "metrica-person" / "FP16" / "metrica-person.bin").unlink()
    with pytest.raises(ModelError, match=r"the model metrica-person is not on this machine: .*\.bin in .*package; set"):
        find_model("auto")
    shutil.rmtree(shipped / "metrica-person")
    with pytest.raises(ModelError, match=r"there is no detector on this machine in .*; run `metrica-models pull "):
        find_model("auto")


def test_the_detector_says_in_one_line_which_it_uses(shipped: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for model, said in (("auto", 1), ("metrica-person", 0)):
        caplog.clear()
        with testing.run(OpenvinoDetector(model=model)):
            assert sum(r.message.startswith("detector: metrica-person (shipped);") for r in caplog.records) == said
