"""A real HTTP server on loopback for tests, in a thread of its own; scriptable, and hostile where a test asks for it.

    with WebServer() as site:
        site.add("/feed", Reply(body=b"<rss/>", headers={"ETag": '"1"'}))
        fetch(site.url("/feed"))
        assert site.asked("/feed") == 1

A route is a Reply, a list of Replies (served in turn, the last one for ever), or a function from Request to Reply. A Reply
with `stream` writes raw chunks after its head, with pauses that the client's limits must cut short. Validators are honoured:
a Reply with an ETag or Last-Modified answers 304 to a request that carries it, unless `ignores_validators`.
"""

import asyncio
import gzip
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    304: "Not Modified",
    308: "Permanent Redirect",
    404: "Not Found",
    410: "Gone",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent; header names are lowercase, `path` has its query, `at` is by the monotonic clock."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server answers. `raw` replaces everything, head included; `stream` replaces the body and sends no length."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/html; charset=utf-8"
    gzipped: bool = False
    ignores_validators: bool = False
    raw: bytes | None = None
    stream: Callable[[], AsyncIterator[bytes]] | None = None
    after_seconds: float = 0.0


Route = Reply | Sequence[Reply] | Callable[[Request], Reply]


class WebServer:
    """The server; `routes` may be changed while it runs. `requests` lists everything that was asked, in order, and
    `most_at_once` is how many requests were under way together."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.routes: dict[str, Route] = {}
        self.requests: list[Request] = []
        self.most_at_once = 0
        self._at_once = 0
        self._tls = tls
        self._host = host
        self._port = 0
        self._loop = asyncio.new_event_loop()
        self._served: dict[str, int] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webserver", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop, dropping open connections."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    def add(self, path: str, route: Route) -> None:
        """Serve `route` at `path` (without its query) from now on."""
        self.routes[path] = route
        self._served.pop(path, None)

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """The address of a path on this server."""
        return f"{'https' if self._tls else 'http'}://{host or self._host}:{self._port}{path}"

    @property
    def port(self) -> int:
        """The port that the system gave."""
        return self._port

    def asked(self, path: str) -> int:
        """How often a path (without its query) was asked for."""
        return sum(request.path.partition("?")[0] == path for request in self.requests)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connected, self._host, 0, ssl=self._tls, limit=1 << 20)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort() if self._tls else writer.close()
            self._tasks.discard(task)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(method=method, path=path, headers=headers, body=body, at=time.monotonic())
        self.requests.append(request)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            reply = self._reply(request)
            if reply.after_seconds:
                await asyncio.sleep(reply.after_seconds)
            return await _send(writer, reply, request)
        finally:
            self._at_once -= 1

    def _reply(self, request: Request) -> Reply:
        path = request.path.partition("?")[0]
        route = self.routes.get(path) or self.routes.get("*")
        if route is None:
            return Reply(status=404, body=b"nothing here", content_type="text/plain")
        if isinstance(route, Reply):
            return route
        if callable(route):
            return route(request)
        turn = self._served.get(path, 0)
        self._served[path] = turn + 1
        return route[min(turn, len(route) - 1)]


async def _send(writer: asyncio.StreamWriter, reply: Reply, request: Request) -> bool:
    """Write the reply; whether the connection stays open."""
    if reply.raw is not None:
        writer.write(reply.raw)
        await writer.drain()
        return False
    headers = {"Content-Type": reply.content_type, **reply.headers}
    if _is_current(headers, request) and not reply.ignores_validators:
        writer.write(
            _head(304, {name: headers[name] for name in headers if name in {"ETag", "Last-Modified", "Cache-Control"}})
        )
        await writer.drain()
        return True
    body = reply.body
    if reply.gzipped:
        body = gzip.compress(body)
        headers["Content-Encoding"] = "gzip"
    if reply.stream is not None:
        writer.write(_head(reply.status, {**headers, "Connection": "close"}))
        async for chunk in reply.stream():
            writer.write(chunk)
            await writer.drain()
        return False
    writer.write(_head(reply.status, {**headers, "Content-Length": str(len(body))}) + body)
    await writer.drain()
    return True


def _is_current(headers: Mapping[str, str], request: Request) -> bool:
    etag, modified = headers.get("ETag"), headers.get("Last-Modified")
    if "if-none-match" in request.headers:
        return request.headers["if-none-match"] == etag
    return modified is not None and request.headers.get("if-modified-since") == modified


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Other')}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
