"""Which requests for an update of the page are ones that our page sends. Dash itself answers 500 to all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LONGEST = 1000
"""Characters of a text that an element of the page holds."""
_LARGEST = 1 << 53
"""Numbers in a browser are whole up to this one."""


def is_from_page(body: object, callbacks: Mapping[str, Any]) -> bool:
    """Whether the body of a request is what a page sends for one of these callbacks.

    callbacks: Dash's `callback_map`, by output.
    """
    if not isinstance(body, dict):
        return False
    fields: dict[Any, Any] = body
    output = fields.get("output")
    callback = callbacks.get(output) if isinstance(output, str) else None
    # A callback without a function runs in the browser.
    if callback is None or "callback" not in callback:
        return False
    made = callback["output"]
    outputs = [_place(each) for each in made] if isinstance(made, list | tuple) else _place(made)
    changed = fields.get("changedPropIds", [])
    return (
        fields.get("outputs") == outputs
        and _are(fields.get("inputs"), callback["inputs"])
        and _are(fields.get("state", []), callback["state"])
        and isinstance(changed, list)
        and all(isinstance(each, str) for each in changed)
    )


def _place(output: Any) -> dict[str, str]:
    return {"id": output.component_id, "property": output.component_property}


def _are(given: object, declared: list[dict[str, str]]) -> bool:
    """Whether these are the declared inputs in their order, each with a value that an element can hold."""
    if not isinstance(given, list) or len(given) != len(declared):
        return False
    return all(
        isinstance(each, dict)
        and {key: each.get(key) for key in ("id", "property")} == wanted
        and _is_value(each.get("value"))
        for each, wanted in zip(given, declared, strict=True)
    )


def _is_value(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST and not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, int | float):
        return -_LARGEST <= value <= _LARGEST
    return value is None
