"""Makes the OpenAPI 3.1 document from the routes and the models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from metrica.dashboard.ingest.api import Route
from metrica.dashboard.ingest.schemas.events import Problem, json_schema
from metrica.version import __version__

_MEANINGS = {
    400: "The request is malformed, or its version is unknown.",
    401: "There is no token, or it is unknown or revoked, or has ended.",
    403: "The token speaks for another store, or does not have the right.",
    404: "There is no such thing, or it is another organisation's.",
    408: "The body came too slowly.",
    409: "There are too many of them already.",
    413: "The body is too large, also after decompression.",
    415: "The media type or the content encoding is not taken.",
    429: "Too many requests of one address, or bodies of one store or user, at a time: send them one after another.",
    503: "The database is locked, full or damaged, or a clock is wrong: send all of it again later, it counts once.",
}

_TOKEN = "A box's: metrica-admin token add STORE; or a user's own: metrica-admin token personal NAME, POST /v1/tokens."


def openapi(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the document that describes these routes (https://spec.openapis.org/oas/v3.1.0)."""
    models = {m for route in routes for m in (route.answer, route.takes) if isinstance(m, type)}
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Metrica ingest",
            "version": __version__,
            "summary": "Anonymous line crossings in, footfall KPIs out.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": json_schema(sorted({Problem, *models}, key=lambda model: model.__name__)),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": _TOKEN}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": f"The {name}'s id."}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    parameters += [{"name": q.name, "in": "query", "description": q.help, "schema": q.schema()} for q in route.query]
    statuses = {*route.errors, 429, 503}
    if route.needs != "nobody":
        statuses |= {401} if route.needs == "own" else {401, 403}
    if "{" in route.path:
        statuses.add(404)
    responses: dict[str, Any] = {"200": {"description": "Success.", "content": _content(route.answer, *route.also)}}
    for status in sorted(statuses):
        responses[str(status)] = {"description": _MEANINGS[status], "content": _content(Problem)}
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": route.handler.__name__,
        "responses": responses,
    }
    if parameters:
        operation["parameters"] = parameters
    if route.needs != "nobody":
        operation["security"] = [{"token": []}]
    if route.takes is not None:
        schema = _content(route.takes)["application/json"]
        operation["requestBody"] = {"required": True, "content": dict.fromkeys(route.media, schema)}
    return operation


def _content(*answers: type[BaseModel] | str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for answer in answers:
        if isinstance(answer, str):
            is_text = answer.startswith("text") or answer.endswith("ndjson")
            found[answer] = {"schema": {"type": "string" if is_text else "object"}}
        else:
            found["application/json"] = {"schema": {"$ref": f"#/components/schemas/{answer.__name__}"}}
    return found
