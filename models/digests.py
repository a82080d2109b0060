"""Compare a model's files with the digests and sizes in its card."""

from __future__ import annotations

import hashlib
from pathlib import Path

from metrica.models.card import Card, File, Variant


def problem(path: Path, file: File) -> str | None:
    """What is wrong with a file, as the end of a sentence that begins with its path; None if nothing is wrong.

    A card may name no digest (a user's own model); then only the size is compared, if the card has it.
    """
    try:
        size = path.stat().st_size
        if file.size is not None and size != file.size:
            return f"has {size} bytes and should have {file.size}"
        if file.digest is not None:
            kind, _, wanted = file.digest.partition(":")
            with path.open("rb") as stream:
                if hashlib.file_digest(stream, kind).hexdigest() != wanted:
                    return f"is not the file that the card names: its {kind} differs"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None


def matching_variant(card: Card, folder: Path) -> Variant | None:
    """The first variant of which all files in the folder are intact."""
    for variant in card.variants:
        if all(problem(folder / file.path, file) is None for file in variant.files):
            return variant
    return None


def problems(variant: Variant, folder: Path) -> list[str]:
    """One sentence for each file of a variant that differs from the card."""
    found: list[str] = []
    for file in variant.files:
        path = folder / file.path
        what = problem(path, file)
        if what is not None:
            found.append(f"{path} {what}")
    return found
