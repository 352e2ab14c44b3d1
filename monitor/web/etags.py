"""Entity tags (RFC 9110, 8.8.3) for the JSON interface and the Atom feeds: who has the same bytes gets 304 and none."""

from hashlib import sha256

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class EntityTags:
    """Holds an answer back until it is whole, tags it, and answers 304 where the asker has it already."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tag GETs below /api/ and those that end in .atom; pass everything else on untouched."""
        path = scope.get("path", "")
        is_tagged = (
            scope["type"] == "http"
            and scope["method"] in ("GET", "HEAD")
            and (path.startswith("/api/") or path.endswith(".atom"))
        )
        if not is_tagged:
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                await finish(start, bytes(body), Headers(scope=scope).get("if-none-match", ""), send)

        await self.app(scope, receive, hold)


async def finish(start: Message, body: bytes, known: str, send: Send) -> None:
    """Send a whole answer with its tag, or 304."""
    headers = MutableHeaders(raw=list(start["headers"]))
    if start["status"] == 200:
        tag = f'"{sha256(body).hexdigest()[:32]}"'
        headers["etag"] = tag
        if known.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in known.split(",")}:
            del headers["content-length"]
            await send({**start, "status": 304, "headers": headers.raw})
            await send({"type": "http.response.body", "body": b""})
            return
    await send({**start, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})
