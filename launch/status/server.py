"""The boxes that a server knows, asked over HTTP."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3
from pydantic import BaseModel, ConfigDict, ValidationError

from metrica.box import Hello, Trouble
from metrica.errors import LaunchError
from metrica.launch.status.found import Found
from metrica.nodes.delivery.address import check_address, check_ca_file
from metrica.nodes.delivery.exchange import Answer, Exchange
from metrica.nodes.delivery.receipt import said_by
from metrica.secrets import register

_LARGEST = 64 << 20
"""Most bytes of an answer: an organisation may have many boxes."""


class _Wrong(BaseModel):
    code: Any
    subject: str
    what: str
    remedy: str


class _Box(BaseModel):
    # A newer server may say more.
    model_config = ConfigDict(extra="ignore")

    store: str
    box: str
    silent_s: float
    hello: Hello
    wrong: list[_Wrong]


class _Boxes(BaseModel):
    boxes: list[_Box]


def ask_server(url: str, token_file: Path, *, ca_file: Path | None = None, plain_http: bool = False) -> list[Found]:
    """Return the boxes that this token may see.

    Raises LaunchError if the server cannot be asked or does not say, ParameterError for a wrong address.
    """
    check_address(url, plain_http=plain_http)
    check_ca_file(ca_file)
    try:
        token = token_file.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise LaunchError(f"the token file {token_file} cannot be read: {error}") from None
    register(token)
    address = f"{url.rstrip('/')}/v1/boxes"
    exchange = Exchange({"Authorization": f"Bearer {token}", "Accept": "application/json"}, ca_file, largest=_LARGEST)
    try:
        answer = exchange.get(address)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise LaunchError(f"{address} cannot be asked: {str(error) or type(error).__name__}") from None
    finally:
        exchange.close()
    return _read(answer, address)


def _read(answer: Answer, address: str) -> list[Found]:
    if answer.status != HTTPStatus.OK:
        raise LaunchError(f"{address} answers {answer.status}: {said_by(answer)}")
    try:
        found = _Boxes.model_validate_json(answer.body)
    except ValidationError:
        raise LaunchError(f"the answer of {address} cannot be read: is it a Metrica ingest of this version?") from None
    return [
        Found(b.store, b.box, b.silent_s, b.hello, [Trouble(w.code, w.subject, w.what, w.remedy) for w in b.wrong])
        for b in found.boxes
    ]
