"""The OpenAPI document is valid, and every endpoint is in it and in docs/api.md."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from metrica.dashboard.ingest.app import ROUTES, create_app
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Event
from tests.dashboard.client import Ingest, ingest_server
from tests.paths import ROOT

DOCS = ROOT / "docs" / "api.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Ingest]:
    with ingest_server(tmp_path_factory.mktemp("ingest")) as running:
        yield running


@pytest.fixture(scope="module")
def document(server: Ingest) -> Any:
    return server.get("/openapi.json").body


def test_the_document_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_of_the_application_is_in_the_document(document: Any, tmp_path: Path) -> None:
    with Database(tmp_path / "metrica.db") as database:
        served = {
            (route.method, route.resource.canonical)
            for route in create_app(database).router.routes()
            if route.resource is not None and route.method not in ("HEAD", "*")  # "*" refuses every other method
        }
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert served == described == {(route.method, route.path) for route in ROUTES}


def test_every_reference_leads_somewhere(document: Any) -> None:
    schemas = document["components"]["schemas"]
    for reference in re.findall(r"'#/components/schemas/([^']+)'", repr(document)):
        assert reference in schemas


def test_the_event_in_the_document_has_the_fields_that_are_checked(document: Any) -> None:
    assert set(document["components"]["schemas"]["Event"]["required"]) == set(Event.model_fields)


def test_the_answers_have_the_fields_that_the_document_says(document: Any, server: Ingest) -> None:
    schemas, owner = document["components"]["schemas"], server.as_user()
    for path, methods in document["paths"].items():
        content = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        reference = content.get("application/json", {}).get("schema", {}).get("$ref")
        if reference is None:
            continue
        answer = owner.get(path.replace("{store}", "tunis-01").replace("{box}", "box-1"))
        assert answer.status == 200
        if schemas[reference.split("/")[-1]]["type"] == "array":  # test_exports.py looks at the rows
            assert answer.body == []
            continue
        assert set(answer.body) == set(schemas[reference.split("/")[-1]]["properties"]), path


def test_every_endpoint_is_in_the_documentation() -> None:
    text = DOCS.read_text()
    missing = [f"{r.method} {r.path}" for r in ROUTES if f"{r.method} {r.path}" not in text]
    assert missing == []
    assert [field for field in Event.model_fields if f"`{field}`" not in text] == []
