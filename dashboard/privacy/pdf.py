"""A page of HTML as PDF, with Arabic shaped and from right to left."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any, cast


class PdfUnavailableError(Exception):
    """PDF cannot be made on this machine; the message says what is missing."""


def to_pdf(page: str) -> bytes:
    """Return a page as PDF. It loads nothing from anywhere. Raises PdfUnavailableError."""
    logging.getLogger("weasyprint").setLevel(logging.WARNING)  # it tells each of its steps
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    try:
        html: Any = import_module("weasyprint").HTML
    except ImportError:
        raise PdfUnavailableError("for PDF, install the extra: pip install 'metrica[documents]'") from None
    except OSError as error:  # it looks for Pango when it is imported
        raise PdfUnavailableError(
            f"for PDF, install Debian's libpangoft2-1.0-0 ({str(error).splitlines()[0]})"
        ) from None
    return cast(bytes, html(string=page, url_fetcher=_refuse).write_pdf())


def _refuse(address: str, *_: object, **__: object) -> Any:
    raise ValueError(f"{address} is not loaded: a paper needs nothing else")
