"""The web server of the preview: a page and a stream of JPEG pictures, for this machine only and never kept.

The stream is what a browser shows in an <img> (`multipart/x-mixed-replace`, "MJPEG"). A viewer needs the token in the
address; after that a cookie carries it. A slow viewer gets fewer pictures and does not delay the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hmac
import socket
import threading
from dataclasses import dataclass, field
from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler

from metrica.errors import NodeError

LOOPBACK = "127.0.0.1"
"""The only address that the server listens on: this machine."""
MOST_VIEWERS = 8
"""Viewers at the same time, at most; a further one gets the status 503."""

_STALLED = 10.0  # seconds; a viewer that takes no picture for so long is disconnected
_BOUNDARY = "picture"
_PAGE = {
    "": ("preview.html", "text/html"),
    "preview.css": ("preview.css", "text/css"),
    "preview.js": ("preview.js", "text/javascript"),
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    # Browsers treat all ports of this machine as one site, so the page of another port would receive our cookie.
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(eq=False)
class _Viewer:
    news: asyncio.Event = field(default_factory=asyncio.Event)


class PreviewServer:
    """Serves from its construction until `stop`, in its own thread. Raises NodeError if it cannot listen on the port.

    port: 0 takes any free one. token: required in the address. title: shown on the page, such as the camera's name.
    """

    def __init__(self, port: int, token: str, title: str) -> None:
        self._socket = _listen(port)
        self.port = int(self._socket.getsockname()[1])
        self.address = f"http://{LOOPBACK}:{self.port}/?token={token}"
        self._token, self._title = token.encode(), title
        # Cookies are shared by all ports of a host: each preview needs a cookie name of its own.
        self._cookie = f"metrica_preview_{self.port}"
        self._viewers: set[_Viewer] = set()
        self._picture = b""
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="metrica-preview", daemon=True)
        self._thread.start()

    @property
    def viewers(self) -> int:
        """How many viewers are connected; with none, no picture has to be made."""
        return len(self._viewers)

    @property
    def alive(self) -> bool:
        """Whether the server's thread runs."""
        return self._thread.is_alive()

    def show(self, jpeg: bytes) -> None:
        """Send a picture to every viewer. A viewer that still receives an earlier one gets the newest afterwards."""
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._tell, jpeg)

    def stop(self) -> None:
        """Refuse new connections, end the streams, end the thread. Calling it again does nothing."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end)
        self._thread.join()

    # In the server's thread.

    def _tell(self, jpeg: bytes) -> None:
        self._picture = jpeg
        for viewer in self._viewers:
            viewer.news.set()

    def _end(self) -> None:
        self._stopping.set()
        for viewer in self._viewers:
            viewer.news.set()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()
            self._socket.close()

    async def _serve(self) -> None:
        app = web.Application(middlewares=[self._guard], client_max_size=1024)
        app.router.add_get("/stream", self._stream)
        app.router.add_get(r"/{file:|preview\.css|preview\.js}", self._show_page)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.SockSite(runner, self._socket).start()
            await self._stopping.wait()
        finally:
            await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = request.query.get("token", "")
        if not any(self._is_right(given) for given in (asked, request.cookies.get(self._cookie, ""))):
            text = "Open the address in the file that the log of the preview names; each start makes a new one.\n"
            return web.Response(text=text, status=401, headers=_HEADERS)
        if asked and request.path == "/":  # the token is not left in the address bar
            response = web.Response(status=303, headers={**_HEADERS, "Location": "/"})
            response.set_cookie(self._cookie, asked, httponly=True, samesite="Lax")
            return response
        return await handler(request)

    def _is_right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token)

    async def _show_page(self, request: web.Request) -> web.Response:
        name, kind = _PAGE[request.match_info["file"]]
        text = (files("metrica.nodes.preview") / name).read_text(encoding="utf-8")
        return web.Response(text=text.replace("{camera}", self._title), content_type=kind, headers=_HEADERS)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if len(self._viewers) >= MOST_VIEWERS:
            text = f"{MOST_VIEWERS} are looking already: close one of them.\n"
            return web.Response(text=text, status=503, headers=_HEADERS)
        kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": kind})
        viewer = _Viewer()
        self._viewers.add(viewer)
        try:
            await response.prepare(request)
            await response.write(f"--{_BOUNDARY}\r\n".encode())
            while not self._stopping.is_set():
                await viewer.news.wait()
                viewer.news.clear()
                if not self._stopping.is_set():
                    await asyncio.wait_for(response.write(_part(self._picture)), _STALLED)
        except (ConnectionError, TimeoutError):
            return response  # the viewer is gone, or takes no pictures
        finally:
            self._viewers.discard(viewer)
        return response


def _part(jpeg: bytes) -> bytes:
    """One picture of the stream, with the boundary behind it: a browser shows a picture when it sees its end."""
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + f"\r\n--{_BOUNDARY}\r\n".encode()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        what = "is taken by another program" if taken else f"cannot be listened on ({error.strerror})"
        raise NodeError(f"port {port} {what}: choose another port, or 0 for any") from None
