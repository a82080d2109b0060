"""Model cards: what a detector is, where its files come from, and the scores that suit it.

One YAML file per model; docs/models.md explains every field.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from metrica.models.errors import MissingFileError, ModelError

DecoderName = Literal["ssd", "boxes_labels", "yolox", "yolov8"]
"""The formats of network outputs that there is a decoder for."""
Score = Annotated[float, Field(gt=0, lt=1)]
"""A score or an average precision, more than 0 and less than 1."""
Pixels = Annotated[int, Field(gt=0, le=8192)]
"""A width or height, 1 to 8192 pixels."""
_DIGEST_LENGTH = {"sha256": 64, "sha384": 96}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Input(_Part):
    """The input of the network, and how a frame is made to fit it."""

    size: tuple[Pixels, Pixels]
    """Width and height, pixels."""
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    """The order of the input's axes: N batch, C colours, H height, W width."""
    colour: Literal["BGR", "RGB"] = "BGR"
    """The order of the colours that the network expects."""
    fit: Literal["stretch", "letterbox"] = "stretch"
    """How a frame is scaled: to the whole input (`stretch`), or with its aspect kept (`letterbox`)."""
    pad: Annotated[int, Field(ge=0, le=255)] = 114
    """Grey of a letterbox's bars, 0 to 255."""
    align: Literal["top_left", "center"] = "center"
    """Where a letterbox puts the scaled picture: in the top left corner, or in the middle."""
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Subtracted first, in the network's colour order, on the scale 0 to 255."""
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """What the values are divided by after the mean has been subtracted, in the network's colour order."""

    @field_validator("mean", "scale", mode="before")
    @classmethod
    def _one_for_all(cls, value: Any) -> Any:
        return (value,) * 3 if isinstance(value, int | float) else value

    @field_validator("scale")
    @classmethod
    def _never_zero(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        if 0 in value:
            raise ValueError("is what values are divided by, so it cannot be 0")
        return value


class Thresholds(_Part):
    """The scores that suit this model. The detector sends them with each message, and the trackers use them."""

    new: Score
    """A box with this score or more may start a track."""
    keep: Score
    """A box with this score or more may continue a track (ByteTrack's first association)."""
    low: Score
    """A box from this score up to `keep` may continue a track that has no better box (the second association). A box
    below it is not reported."""
    chosen: str = ""
    """How the three were chosen, in words."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.keep <= self.new:
            raise ValueError(f"must satisfy low <= keep <= new, not {self.low} <= {self.keep} <= {self.new}")
        return self


class File(_Part):
    """One file of a model."""

    path: str
    """Relative to a model folder, with forward slashes."""
    source: str | None = None
    """The address that `metrica-models pull` fetches it from."""
    digest: str | None = None
    """`sha256:…` or `sha384:…`, in hexadecimal."""
    size: Annotated[int, Field(gt=0)] | None = None
    """Bytes."""

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        parts = value.split("/")
        if "" in parts or ".." in parts or "\\" in value:
            raise ValueError(f"must lie inside the model folder, so not {value!r}")
        return value

    @field_validator("source")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/]+/\S+", value):
            raise ValueError(f"must be an http or https address, not {value!r}")
        return value

    @field_validator("digest")
    @classmethod
    def _known_digest(cls, value: str | None) -> str | None:
        if value is not None:
            kind, _, digits = value.partition(":")
            if _DIGEST_LENGTH.get(kind) != len(digits) or not re.fullmatch("[0-9a-f]+", digits):
                raise ValueError(f"must be sha256: and 64 hexadecimal digits or sha384: and 96, not {value!r}")
        return value

    @model_validator(mode="after")
    def _checked_when_fetched(self) -> Self:
        if self.source is not None and (self.digest is None or self.size is None):
            raise ValueError("has a source, so it needs a digest and a size too: nothing is fetched unchecked")
        return self


class Variant(_Part):
    """One build of a model: a precision, in one release. Its files belong together."""

    precision: str
    """The number format of the weights, such as FP16 or INT8."""
    release: str = ""
    """The name of the build, as its makers call it."""
    files: Annotated[tuple[File, ...], Field(min_length=1)]
    """All files of the build; exactly one is the network (.xml or .onnx)."""

    @field_validator("files")
    @classmethod
    def _one_network(cls, value: tuple[File, ...]) -> tuple[File, ...]:
        networks = [file.path for file in value if file.path.endswith((".xml", ".onnx"))]
        if len(networks) != 1:
            raise ValueError(f"must hold exactly one .xml or .onnx file, not {len(networks)}")
        return value

    @property
    def network(self) -> File:
        """The file to give to OpenVINO: the .xml or .onnx."""
        return next(file for file in self.files if file.path.endswith((".xml", ".onnx")))

    @property
    def size(self) -> int:
        """The size of all files together in bytes, as far as the card names sizes."""
        return sum(file.size or 0 for file in self.files)

    @property
    def fetchable(self) -> bool:
        """Whether every file has an address to fetch it from."""
        return all(file.source is not None for file in self.files)


class Ap50(_Part):
    """Average precision at IoU 0.5, from 0 to 1, on the sets that docs/models.md describes."""

    photographs: Score
    """Average precision on photographs of people."""
    street: Score
    """Average precision on frames of MOT17."""
    entrance: Score | None = None
    """Average precision on simulated entrances; None if not measured."""

    @property
    def mean(self) -> float:
        """The figure by which models are ranked: the mean of photographs and street frames."""
        return (self.photographs + self.street) / 2


class Card(_Part):
    """A model, as its YAML file describes it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """The name by which `model:` and `metrica-models` find the card; that of its file."""
    title: str = ""
    """The model in a few words, for lists."""
    description: str = ""
    """What the network is and who made it, in a sentence or two."""
    task: Literal["person-detection"] = "person-detection"
    """What the model finds."""
    licence: str = "not stated"
    """The licence of the model's files."""
    origin: str = "not stated"
    """Who made the model, and where it is published."""
    decoder: DecoderName
    """The format of the network's outputs: it chooses the decoder."""
    input: Input
    """The network's input, and how a frame is made to fit it."""
    person: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0,)
    """The class ids that are people."""
    thresholds: Thresholds
    """The scores from which a box is reported, and may continue or start a track."""
    nms: Annotated[float, Field(gt=0, le=1)] = 0.6
    """IoU above which two boxes are one person, for decoders that must decide it (yolox, yolov8)."""
    variants: Annotated[tuple[Variant, ...], Field(min_length=1)]
    """The builds of the model, the preferred one first."""
    ap50: Ap50 | None = None
    """The measured accuracy. `model: auto` never chooses a card without it."""
    good_at: tuple[str, ...] = ()
    """Scenes in which the model works well, in words."""
    bad_at: tuple[str, ...] = ()
    """Scenes in which the model works badly, in words."""
    latency: str = ""
    """The time for one frame on one thread, as a remark for people."""

    @field_validator("person", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int) else value


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, except that a key that is given twice is an error (YAML would take the last one)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def read_card(path: Path) -> Card:
    """The card in a YAML file.

    Raises ModelError, one sentence for each thing that is wrong, each on its own line with the file and the field.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise MissingFileError(f"{path}: cannot read this model card: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ModelError(f"{where}: not YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(data, dict):
        raise ModelError(f"{path}: a model card is a mapping of fields (name, decoder, input, …), see docs/models.md")
    try:
        return Card.model_validate(data)
    except ValidationError as error:
        raise ModelError("\n".join(f"{path}: {_sentence(e)}" for e in _causes(error))) from None


def _causes(error: ValidationError) -> list[Any]:
    """pydantic's errors without those that follow from another one: a list with a wrong item is also "too short"."""
    errors = error.errors()
    places = [e["loc"] for e in errors]
    return [e for e in errors if not any(p != e["loc"] and p[: len(e["loc"])] == e["loc"] for p in places)]


def _sentence(error: Any) -> str:
    field = ".".join(str(part) for part in error["loc"]) or "the card"
    kind, text = error["type"], str(error["msg"])
    if kind == "missing":
        return f"{field} is missing"
    if kind == "extra_forbidden":
        return f"{field} is no field of a model card"
    if kind == "value_error":
        return f"{field} {text.removeprefix('Value error, ')}"
    got = error.get("input")
    shown = f", not {got!r}" if isinstance(got, str | int | float | bool | type(None)) else ""
    return f"{field}: {text[0].lower()}{text[1:]}{shown}"
