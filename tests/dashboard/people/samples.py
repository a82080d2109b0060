"""A body for any endpoint, made from the model that the endpoint says it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


def sample(model: type[BaseModel], named: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body that the model takes. named: values of the fields that have these names, at any depth.

    Raises ValueError for a field that it cannot fill: teach it, so that no endpoint is left out.
    """
    schema = model.model_json_schema(by_alias=True)
    made: dict[str, Any] = _value(schema, schema.get("$defs", {}), named, "")
    return made


def _value(schema: Mapping[str, Any], parts: Mapping[str, Any], named: Mapping[str, Any], name: str) -> Any:
    if name in named:
        return named[name]
    if "$ref" in schema:
        return _value(parts[schema["$ref"].split("/")[-1]], parts, named, name)
    for key in ("const", "default"):
        if schema.get(key) is not None and schema[key] not in ([], {}, ""):
            return schema[key]
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        wanted = [each for each in schema["anyOf"] if each.get("type") != "null"]
        return _value(wanted[0], parts, named, name)
    kind = schema.get("type")
    if kind == "object":
        return {key: _value(each, parts, named, key) for key, each in schema.get("properties", {}).items()}
    if kind == "array":
        return [_value(schema["items"], parts, named, name)] if schema.get("items") else []
    if kind == "string":
        return "x" * max(1, schema.get("minLength", 0))
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    if kind == "boolean":
        return False
    raise ValueError(f"no value for {name or schema}")
