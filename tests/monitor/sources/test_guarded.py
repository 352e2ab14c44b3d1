"""What posts messages: it cannot reach inside, and those that hang use up nobody else's connections."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import httpx
import pytest

from monitor.sources.guarded import GuardedTransport
from storage.errors import ForbiddenAddressError

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
ONE = httpx.Limits(max_connections=1)


async def with_server(use: Callable[[str, list[int]], Awaitable[None]], *, hangs_at: str = "") -> list[int]:
    """Serve on loopback while `use` runs; returns the requests of each connection, in the order of connecting."""
    asked: list[int] = []
    hanging: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = len(asked)
        asked.append(0)
        while line := await reader.readline():
            while await reader.readline() not in (b"\r\n", b""):
                pass
            asked[mine] += 1
            if hangs_at and hangs_at.encode() in line:
                await reader.read()  # until the other side gives up
                break
            writer.write(ANSWER)
            await writer.drain()
        writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        hanging.add(task)
        task.add_done_callback(hanging.discard)

    async with await asyncio.start_server(begin, "127.0.0.1", 0) as server:
        await use(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked)
    await asyncio.gather(*hanging)
    return asked


def make_client(*, allow_private: bool = True, limits: httpx.Limits = ONE) -> httpx.AsyncClient:
    make_inner = partial(httpx.AsyncHTTPTransport, limits=limits)
    return httpx.AsyncClient(transport=GuardedTransport(make_inner, allow_private=allow_private))


def test_an_address_within_is_refused() -> None:
    async def post() -> None:
        async with make_client(allow_private=False) as client:
            await client.post("http://127.0.0.1:9/hook")

    with pytest.raises(ForbiddenAddressError, match="not an address of the public internet"):
        asyncio.run(post())


def test_requests_to_one_host_share_a_connection() -> None:
    async def use(base: str, asked: list[int]) -> None:
        async with make_client() as client:
            for _ in range(3):
                assert (await client.post(f"{base}/a")).status_code == 204

    assert asyncio.run(with_server(use)) == [3]


def test_who_asks_to_be_apart_waits_for_nobody() -> None:
    async def use(base: str, asked: list[int]) -> None:
        async with make_client() as client:
            stuck = asyncio.create_task(client.post(f"{base}/hang", extensions={"apart": "one"}, timeout=None))
            while asked != [1]:
                await asyncio.sleep(0.01)
            # The only connection of "one" is taken: without its own, this request would wait for it.
            answer = await client.post(f"{base}/ok", extensions={"apart": "two"}, timeout=5)
            assert answer.status_code == 204
            stuck.cancel()
            await asyncio.wait([stuck])

    assert asyncio.run(with_server(use, hangs_at="/hang")) == [1, 1]
