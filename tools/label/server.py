"""The web server of `metrica-label`: the page, the frames of the clip, and the labels. Nothing comes from elsewhere."""

from __future__ import annotations

import asyncio
import hmac
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler

from metrica.errors import MetricaError
from metrica.tools.label.frames import ClipFrames
from metrica.tools.label.session import LabelSession, StaleError

_PAGE = {
    "": ("label.html", "text/html"),
    "label.js": ("label.js", "text/javascript"),
    "label.css": ("label.css", "text/css"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_LARGEST = 4 * 1024 * 1024


def create_app(clip: ClipFrames, session: LabelSession, token: str) -> web.Application:
    """The web application for one clip. Every path begins with `/TOKEN/`: without the token nothing can be reached."""
    reader = ThreadPoolExecutor(1, thread_name_prefix="frames")  # one file, read from one place at a time
    saving = asyncio.Lock()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not hmac.compare_digest(request.match_info.get("token", "").encode(), token.encode()):
            raise web.HTTPNotFound(text="Open the address that metrica-label has printed.\n")
        response = await handler(request)
        response.headers.update(_HEADERS)
        return response

    async def page(request: web.Request) -> web.Response:
        name, kind = _PAGE[request.match_info.get("file", "")]
        text = (files("metrica.tools.label") / name).read_text(encoding="utf-8")
        return web.Response(text=text, content_type=kind, headers={"Cache-Control": "no-store"})

    async def state(_: web.Request) -> web.Response:
        return web.json_response(session.state(), headers={"Cache-Control": "no-store"})

    async def frame(request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        picture = await asyncio.get_running_loop().run_in_executor(reader, clip.jpeg, number)
        if picture is None:
            raise web.HTTPNotFound(text=f"the clip has no frame {number}\n")
        return web.Response(body=picture, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})

    async def labels(request: web.Request) -> web.Response:
        try:
            told = await request.json()
        except ValueError:
            return web.json_response({"error": "this is not JSON"}, status=400)
        async with saving:
            try:
                revision = await asyncio.to_thread(session.save, told)
            except StaleError as error:
                return web.json_response({"error": str(error)}, status=409)
            except MetricaError as error:
                return web.json_response({"error": str(error)}, status=400)
            except OSError as error:
                return web.json_response({"error": f"the labels cannot be written: {error.strerror}"}, status=507)
        return web.json_response({"revision": revision})

    async def close(_: web.Application) -> None:
        reader.shutdown(cancel_futures=True)
        clip.close()

    app = web.Application(middlewares=[guard], client_max_size=_LARGEST)
    app.router.add_get("/{token}/", page)
    app.router.add_get(r"/{token}/{file:label\.(?:js|css)}", page)
    app.router.add_get("/{token}/clip.json", state)
    app.router.add_get(r"/{token}/frame/{number:\d{1,9}}.jpg", frame)
    app.router.add_put("/{token}/labels", labels)
    app.on_cleanup.append(close)
    return app
