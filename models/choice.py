"""The log line about the chosen detector: which one it is, and whether another one would find more people."""

from __future__ import annotations

from metrica.models import library
from metrica.models.library import Model, accuracy, find_card, have, list_cards


def remark(model: Model) -> str:
    """One line for the log, such as

    detector: metrica-person (shipped); person-detection-0201 finds more people (AP50 0.57 against 0.47):
    metrica-models pull person-detection-0201

    If several models find more people, two are named: the least accurate of them, which usually costs the least, and
    the most accurate. Raises ModelError if a card is damaged.
    """
    own = accuracy(model.card)
    kind = "shipped" if model.path.is_relative_to(library.SHIPPED) else "the best on this machine"
    begin = f"detector: {model.name} ({kind}"
    cards = [find_card(card.name)[0] for card in list_cards()]
    better = sorted((card for card in cards if accuracy(card) > own and not have(card)), key=accuracy)
    better = [card for card in better if any(variant.fetchable for variant in card.variants)]
    if not better or not own:
        return f"{begin}{f', AP50 {own:.2f}' if own else ''})"
    first, last = better[0], better[-1]
    found = f"{first.name} finds more people (AP50 {accuracy(first):.2f} against {own:.2f})"
    if last is not first:
        found += f", {last.name} most ({accuracy(last):.2f})"
    return f"{begin}); {found}: metrica-models pull {first.name}"
