"""Model cards: the shipped ones say everything, and a wrong one is told what is wrong, field by field."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from metrica.models import Card, ModelError, list_cards, read_card
from metrica.models.digests import problems
from metrica.models.library import OURS, SHIPPED

GOOD = """
name: mine
decoder: yolov8
input: {size: [640, 480], colour: RGB, fit: letterbox, scale: 255}
person: [0, 3]
thresholds: {new: 0.6, keep: 0.5, low: 0.1}
variants:
  - precision: FP32
    files:
      - {path: mine.onnx}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(textwrap.dedent(text))
    return path


def test_a_card_of_ones_own_needs_only_a_few_lines(tmp_path: Path) -> None:
    card = read_card(write(tmp_path, GOOD))
    assert card.input.size == (640, 480)
    assert card.input.scale == (255, 255, 255)
    assert card.person == (0, 3)
    assert card.variants[0].network.path == "mine.onnx"
    assert not card.variants[0].fetchable


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("name: mine", "", "name is missing"),
        ("name: mine", "name: mi/ne", "name: string should match pattern '^[A-Za-z0-9][A-Za-z0-9._-]*$', not 'mi/ne'"),
        ("name: mine", "name: mine\nnane: yours", "nane is no field of a model card"),
        ("decoder: yolov8", "decoder: yolov9", "decoder: input should be 'ssd', 'boxes_labels', 'yolox' or 'yolov8'"),
        ("colour: RGB", "colour: GRAY", "input.colour: input should be 'BGR' or 'RGB', not 'GRAY'"),
        ("[640, 480]", "[640]", "input.size.1 is missing"),
        ("[640, 480]", "[640, 0]", "input.size.1: input should be greater than 0, not 0"),
        ("scale: 255", "scale: 0", "input.scale is what values are divided by, so it cannot be 0"),
        ("new: 0.6", "new: 0.4", "thresholds must satisfy low <= keep <= new, not 0.1 <= 0.5 <= 0.4"),
        ("new: 0.6", "new: 60", "thresholds.new: input should be less than 1, not 60"),
        ("new: 0.6", "new: high", "thresholds.new: input should be a valid number"),
        ("path: mine.onnx", "path: ../mine.onnx", "must lie inside the model folder, so not '../mine.onnx'"),
        ("path: mine.onnx", "path: /mine.onnx", "must lie inside the model folder, so not '/mine.onnx'"),
        ("path: mine.onnx", "path: mine.pt", "must hold exactly one .xml or .onnx file, not 0"),
        (
            "path: mine.onnx",
            "path: mine.onnx, source: 'ftp://a/b'",
            "must be an http or https address, not 'ftp://a/b'",
        ),
        ("path: mine.onnx", "path: mine.onnx, source: 'http://a/b'", "has a source, so it needs a digest and a size"),
        ("path: mine.onnx", "path: mine.onnx, digest: 'sha256:abc'", "must be sha256: and 64 hexadecimal digits"),
        ("path: mine.onnx", "path: mine.onnx, digest: 'md5:abc'", "must be sha256: and 64 hexadecimal digits"),
        ("person: [0, 3]", "person: []", "person: tuple should have at least 1 item"),
    ],
)
def test_what_is_wrong_with_a_card_is_one_sentence_with_file_and_field(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ModelError) as caught:
        read_card(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert sentence in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_all_errors_of_a_card_come_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("decoder: yolov8", "").replace("new: 0.6", "new: 6"))
    with pytest.raises(ModelError) as caught:
        read_card(path)
    assert str(caught.value).splitlines() == [
        f"{path}: decoder is missing",
        f"{path}: thresholds.new: input should be less than 1, not 6",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: a\nname: b\n", ":2:1: not YAML: the key 'name' stands twice"),
        ("name: [a\n", ":2:1: not YAML: expected ',' or ']'"),
        ("- a\n", ": a model card is a mapping of fields"),
        ("", ": a model card is a mapping of fields"),
    ],
)
def test_a_file_that_is_no_card_says_where(tmp_path: Path, text: str, sentence: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ModelError) as caught:
        read_card(path)
    assert str(caught.value).startswith(f"{path}{sentence}")


def test_bytes_that_are_no_text_and_a_missing_card_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(ModelError, match=r"bytes\.yaml.*not YAML"):
        read_card(tmp_path / "bytes.yaml")
    with pytest.raises(ModelError, match=r"gone\.yaml: cannot read this model card: No such file"):
        read_card(tmp_path / "gone.yaml")


@pytest.mark.parametrize("card", list_cards(), ids=lambda card: card.name)
def test_a_shipped_card_leaves_nothing_open(card: Card) -> None:
    assert card.title and card.description and card.latency and card.good_at and card.bad_at
    assert card.licence == "Apache-2.0" and card.thresholds.chosen
    first = card.variants[0]
    if card.name == OURS:
        assert (SHIPPED / OURS / f"{OURS}.yaml").is_file() and card.ap50
        assert [what for variant in card.variants for what in problems(variant, SHIPPED)] == []
        assert all(file.digest for variant in card.variants for file in variant.files)
        return
    assert (SHIPPED / f"{card.name}.yaml").is_file(), "a card's name is its file's"
    assert "Open Model Zoo" in card.origin
    assert first.fetchable, "the first variant is the one that `pull` fetches"
    for file in first.files:
        assert file.source is not None and file.source.endswith(f"/{file.path}")
        assert file.source.startswith("https://storage.openvinotoolkit.org/repositories/open_model_zoo/")
        assert file.path.startswith(f"{card.name}/{first.precision}/{card.name}.")
    assert [file.path.rpartition(".")[2] for file in first.files] == ["xml", "bin"]


def test_no_card_is_listed_for_a_model_whose_origin_is_unproven() -> None:
    assert not [card.name for card in list_cards() if "yolox" in card.name]
