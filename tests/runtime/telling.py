"""A node that tells its secrets in every way that it can think of; `broken_import` is a module that does so at once."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import logging
import os
import sys
import threading
import traceback
import urllib.parse
import warnings
from collections.abc import Callable

from metrica import Node, param, timer


class Unprintable:
    """A value that raises when it is shown, with a secret in the error."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __str__(self) -> str:
        raise ValueError(self._secret)

    __repr__ = __str__


class Falls:
    """A value that fails when it is let go."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __del__(self) -> None:
        raise ValueError(self._secret)


class Teller(Node):
    """Tells each of its tokens in all ways, then fails with them, or goes on if it `stays`."""

    tokens: list[str] = param(default_factory=list[str], secret=True)
    address: str = param(default="", secret="address")
    url: str = param(default="")
    stays: bool = param(default=False)

    @timer(seconds=0.05)
    def tell(self) -> None:
        for token in [*self.tokens, *filter(None, [self.address, self.url])]:
            for way in WAYS:
                way(self, token)
            self.trouble(f"the server says: wrong token {token}")
        if self.stays:
            self.tokens = []
        else:
            raise ValueError(*self.tokens)


def _logged(node: Node, token: str) -> None:
    node.log.info(f"token {token}")
    node.log.info("token %s and %r", token, token.encode())
    node.log.info("token", token=token, deep={"headers": [("Authorization", f"Bearer {token}")], token: 1})
    node.log.info("address", uri=f"http://x/?t={urllib.parse.quote(token)}&u={urllib.parse.quote_plus(token)}")
    node.log.info("coded %s %s", json.dumps({"t": token}), base64.b64encode(token.encode()).decode())


def _raised(node: Node, token: str) -> None:
    try:
        try:
            raise KeyError(token)
        except KeyError as error:
            raise ValueError(f"cannot use {token!r}") from error
    except ValueError:
        node.log.exception("failed", why=token)
        logging.getLogger("aiohttp.server").error("Error handling request", exc_info=True)
        traceback.print_exc()


def _of_a_library(node: Node, token: str) -> None:
    logging.getLogger("urllib3.connectionpool").warning("retry: %s", {"headers": {"Authorization": token}})
    logger = logging.getLogger("own.handler")
    handler = logging.StreamHandler()
    logger.addHandler(handler)
    logger.error("mine: %s", token)
    logger.removeHandler(handler)


def _printed(node: Node, token: str) -> None:
    print("token", token)
    print("token", token, file=sys.stderr)
    sys.stderr.writelines([token, "\n"])
    warnings.warn(f"deprecated: {token}", stacklevel=1)


def _breaking_the_log(node: Node, token: str) -> None:
    node.log.info("%d", token)
    node.log.info("too few %s %s", *[token])
    node.log.info("%s", Unprintable(token))
    node.log.info("field", field=Unprintable(token))
    circle: list[object] = [token]
    circle.append(circle)
    node.log.info("circle", circle=circle)


def _in_a_thread(node: Node, token: str) -> None:
    def fail() -> None:
        raise ValueError(token)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def _in_asyncio(node: Node, token: str) -> None:
    async def fail() -> None:
        raise ValueError(token)

    async def main() -> None:
        task = asyncio.ensure_future(fail())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    asyncio.run(main())


def _unraisable(node: Node, token: str) -> None:
    Falls(token)
    gc.collect()


WAYS: tuple[Callable[[Node, str], None], ...] = (
    _logged,
    _raised,
    _of_a_library,
    _printed,
    _breaking_the_log,
    _in_a_thread,
    _in_asyncio,
    _unraisable,
)


class Library(Node):
    """Has a C library write a secret to the file descriptors, as FFmpeg does."""

    address: str = param(default="", secret="address")

    def on_configure(self) -> None:
        os.write(2, f"[rtsp @ 0x55d] {self.address} answers 401\n".encode())
        os.write(1, f"opening {self.address}\n".encode())
