"""Find models: by a card's name, by the path of a card, or by the path of a network without a card."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from metrica.models.card import Card, Variant, read_card
from metrica.models.errors import MissingFileError, ModelError

SHIPPED = Path(__file__).parent
"""The folder of the cards that come with Metrica."""

OURS = "metrica-person"
"""The detector whose files come with Metrica."""

AUTO = "auto"
"""The name that means the best model on this machine."""

FOLDERS_VARIABLE = "METRICA_MODELS"
"""The environment variable that names the user's own model folders."""
_NETWORKS = (".xml", ".onnx")
_CARDS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Model:
    """A model whose files are on this machine."""

    name: str
    """The name on the card; for a network without a card, made from its file's name."""
    card: Card
    """How the model is used; for a network without a card, guessed from its shapes."""
    path: Path
    """The .xml or .onnx file that OpenVINO reads."""
    variant: Variant | None = None
    """Which of the card's variants the files are; None for a bare network."""


def cache_folder() -> Path:
    """Where `metrica-models pull` puts what it fetches. Raises ModelError if this user has no home folder."""
    try:
        return user_cache_path("metrica") / "models"
    except RuntimeError:
        raise ModelError("this user has no home folder: set HOME or XDG_CACHE_HOME") from None


def own_folders() -> list[Path]:
    """The folders that METRICA_MODELS names, in order (separated as PATH is: `:` on Linux)."""
    return [_expanded(part) for part in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if part]


def model_folders() -> list[Path]:
    """Where files are looked for: METRICA_MODELS first, then the cache, then what comes with Metrica."""
    try:
        fetched = [cache_folder()]
    except ModelError:  # a user without a home folder has fetched nothing
        fetched = []
    return [*own_folders(), *fetched, SHIPPED]


def list_cards() -> list[Card]:
    """The cards that come with Metrica, by name. Raises ModelError when one is damaged."""
    return [read_card(path) for _, path in sorted(_cards_in(SHIPPED).items())]


def _expanded(text: str) -> Path:
    """A path, with a home folder for `~`. Raises ModelError if there is no such user or home folder."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ModelError(f"{text}: there is no such home folder, give the whole path") from None


def find_card(name_or_path: str) -> tuple[Card, list[Path]]:
    """A card, and the folders where its files may be.

    A path of a .yaml file is read, and its own folder is looked in first. A name is looked for in the folders of
    METRICA_MODELS (so that a card there can replace a shipped one), then among the shipped cards: as NAME.yaml, or
    as NAME/NAME.yaml beside its files. Raises ModelError.
    """
    if name_or_path.endswith(_CARDS):
        path = _expanded(name_or_path)
        card = read_card(path)
        own = [path.parent.parent] if path.parent.name == card.name else []
        return card, [path.parent, *own, *model_folders()]
    for folder in [*own_folders(), SHIPPED]:
        found = None if os.sep in name_or_path else _card_in(folder, name_or_path)
        if found is not None:
            card = read_card(found)
            if card.name != name_or_path:
                raise ModelError(f"{found}: a card's name is its file's, so name must be {name_or_path!r}")
            return card, model_folders()
    raise ModelError(_unknown(name_or_path))


def find_model(name_or_path: str) -> Model:
    """The model of this name or path, with its files on this machine.

    A name is a card's, or `auto` for the best here; a path is that of a card (.yaml) or of a bare network (.xml,
    .onnx), whose format is then guessed from its shapes, unless the file has the name of a shipped card. Raises
    ModelError, which says where files were looked for and what to do.
    """
    if name_or_path == AUTO:
        return _best()
    if name_or_path.endswith(_NETWORKS):
        return _bare(_expanded(name_or_path))
    card, folders = find_card(name_or_path)
    here = locate(card, folders)
    if here is None:
        raise MissingFileError(_missing(card, folders))
    variant, folder = here
    return Model(card.name, card, folder / variant.network.path, variant)


def have(card: Card) -> tuple[Variant, Path] | None:
    """The variant of a card that is on this machine and the folder it is in, or None."""
    return locate(card, model_folders())


def accuracy(card: Card) -> float:
    """The figure by which models are ranked, from 0 to 1; 0 for a card without a measured accuracy."""
    return card.ap50.mean if card.ap50 else 0.0


def locate(card: Card, folders: Iterable[Path]) -> tuple[Variant, Path] | None:
    """The first folder that holds all files of a variant, and which variant it is.

    Variants may share file names (an older release of the same precision): the one whose sizes agree is taken, or
    else the first whose files are there. Sizes are a hint; `metrica-models check` compares digests.
    """
    for folder in folders:
        present = [v for v in card.variants if all((folder / file.path).is_file() for file in v.files)]
        fitting = [v for v in present if all(_size_agrees(folder, v, i) for i in range(len(v.files)))]
        for variant in [*fitting, *present]:
            return variant, folder
    return None


def _size_agrees(folder: Path, variant: Variant, index: int) -> bool:
    file = variant.files[index]
    return file.size is None or (folder / file.path).stat().st_size == file.size


def _best() -> Model:
    """The most accurate of the known models on this machine; of equal ones, ours."""
    cards = [find_card(card.name)[0] for card in list_cards()]
    cards = [card for card in cards if card.ap50 or card.name == OURS]
    ranked = sorted(cards, key=lambda card: (accuracy(card), card.name == OURS), reverse=True)
    for card in ranked:
        if have(card):
            return find_model(card.name)
    if any(card.name == OURS for card in cards):
        return find_model(OURS)  # raises an error that says which file is missing
    looked = ", ".join(str(folder) for folder in model_folders() if folder != SHIPPED)
    raise MissingFileError(
        f"there is no detector on this machine in {looked}; run `metrica-models pull {ranked[-1].name}`, "
        f"or set {FOLDERS_VARIABLE} to the folder that has one"
    )


def _cards_in(folder: Path) -> dict[str, Path]:
    """The cards of a folder by name: NAME.yaml, or NAME/NAME.yaml beside its files."""
    nested = {path.stem: path for path in folder.glob("*/*.yaml") if path.stem == path.parent.name}
    return {**nested, **{path.stem: path for path in folder.glob("*.yaml")}}


def _card_in(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.yaml", folder / name / f"{name}.yaml") if path.is_file()), None)


def _bare(path: Path) -> Model:
    if not path.is_file():
        raise MissingFileError(
            f"{path}: there is no such file; give the path of an .xml or .onnx network, or a card's name"
        )
    shipped = _card_in(SHIPPED, path.stem)
    if shipped is not None:
        return Model(path.stem, read_card(shipped), path)
    from metrica.models.guess import guess_card  # loads OpenVINO, which a card does not need

    card = guess_card(path)
    return Model(card.name, card, path)


def _missing(card: Card, folders: list[Path]) -> str:
    first = card.variants[0]
    fetchable = any(variant.fetchable for variant in card.variants)
    looked = ", ".join(str(folder) for folder in dict.fromkeys(folders) if folder != SHIPPED or not fetchable)
    nowhere = [f.path for f in first.files if not any((folder / f.path).is_file() for folder in folders)]
    file = (nowhere or [first.network.path])[0]
    where = f"the model {card.name} is not on this machine: there is no {file} in {looked}"
    if fetchable:
        return f"{where}; run `metrica-models pull {card.name}`, or set {FOLDERS_VARIABLE} to the folder that has it"
    return f"{where}; set {FOLDERS_VARIABLE} to the folder that has it"


def _unknown(name: str) -> str:
    names = sorted({name for folder in [*own_folders(), SHIPPED] for name in _cards_in(folder)})
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"the known ones are {', '.join(names)}"
    return f"there is no model {name!r} ({hint}); give a card's name, or the path of a .yaml card or an .xml or .onnx"
