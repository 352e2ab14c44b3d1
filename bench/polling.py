"""A cold pass over many feeds and an unchanged one: CPU a feed, beside `reader` and other HTTP clients; memory.

python -m bench.polling [--size quick] [--feeds N]

CPU is that of the client process alone (user and system); the server proves by its counts that each pass asked for
every feed once and answered 304.
"""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from bench.feedserver import FeedServer
from bench.figures import bounded, chosen, cpu, faster, leave, memory, options
from bench.peers import peer_python, run_peer
from monitor.polling import poll_feed
from monitor.sources.http import PAGE_ACCEPT, Fetcher
from monitor.tools import Pace, Tools
from monitor.watch import Watch
from storage import feeds
from storage.database import Database
from storage.records import Feed, FeedSpec

PACKAGES = ("reader", "sgmllib3k")
READER = """
import json, resource, sys
from reader import make_reader
host, count, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def cpu():
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime
reader = make_reader(path, feed_root=None)
for number in range(count):
    reader.add_feed(f"{host}/feed/{number}")
out = []
for turn in range(2):
    start = cpu()
    reader.update_feeds(workers=8, scheduled=False)
    out.append(cpu() - start)
print(json.dumps(out))
"""
CLIENTS = """
import asyncio, json, resource, sys
host, count, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def cpu():
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime
async def main():
    import httpx
    if kind == "httpx":
        client = httpx.AsyncClient()
    else:
        from httpx_aiohttp import HttpxAiohttpClient
        client = HttpxAiohttpClient()
    tags = {}
    gate = asyncio.Semaphore(64)
    async def one(number):
        async with gate:
            url = f"{host}/feed/{number}"
            answer = await client.get(url, headers={"If-None-Match": tags[url]} if url in tags else {})
            tags[url] = answer.headers["etag"]
    await asyncio.gather(*(one(n) for n in range(count)))
    start = cpu()
    await asyncio.gather(*(one(n) for n in range(count)))
    print(json.dumps([cpu() - start]))
    await client.aclose()
asyncio.run(main())
"""


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--feeds", type=int)
    arguments = parser.parse_args()
    count = arguments.feeds or chosen(arguments, 12, 300, 1000)
    cold = warm = httpx = httpx_aiohttp = 0.0
    with FeedServer(feeds=count) as server, tempfile.TemporaryDirectory() as folder:
        ours = asyncio.run(_poll_twice(server, count, Path(folder)))
        bare = asyncio.run(_fetch_twice(server, count, [server.feed_url(n) for n in range(count)]))
        if arguments.size != "tiny":
            cold, warm = _run(server, count, READER, str(Path(folder) / "reader.db"), peer_python("reader", *PACKAGES))
            clients = peer_python("clients", "httpx", "httpx-aiohttp")
            (httpx,) = _run(server, count, CLIENTS, "httpx", clients)
            (httpx_aiohttp,) = _run(server, count, CLIENTS, "httpx-aiohttp", clients)
    print(f"{count} feeds; CPU a feed in ms; the server counted each feed once a pass, 304 where unchanged")
    for name, spent in (
        ("reader, 8 workers, unchanged", warm),
        ("httpx, 64 connections", httpx),
        ("httpx on httpx-aiohttp", httpx_aiohttp),
        ("storywatch, its fetcher alone", bare),
    ):
        print(f"  {name:<32} {spent / count * 1e3:8.3f}")
    print(f"  memory in all: {ours[3]:.0f} MB")
    each = 1e3 / count
    what = f"{count} feeds unchanged, CPU a feed"
    fresh = f"{count} feeds × 20 new entries, CPU a feed"
    leave(
        arguments,
        [
            faster(what, peer="reader", theirs=warm * each, ours=ours[1] * each, unit="ms", at_least=4),
            faster(fresh, peer="reader", theirs=cold * each, ours=ours[0] * each, unit="ms", at_least=6),
            bounded(f"memory grown by polling {count} feeds", ours[2], "MB", at_most=60),
        ],
    )


def _run(server: FeedServer, count: int, code: str, argument: str, python: Path) -> list[float]:
    server.counts()
    found: list[float] = run_peer(python, code, server.host, str(count), argument)
    _check(server.counts(), count)
    return found


async def _poll_twice(server: FeedServer, count: int, folder: Path) -> tuple[float, float, float, float]:
    """CPU of a cold pass and of an unchanged one, through the service's own poll; then memory grown and in all (MB)."""
    database = Database(f"sqlite:///{folder}/bench.db")
    database.upgrade()
    start = datetime(2022, 1, 10, tzinfo=UTC)
    with database.write() as session:
        for number in range(count):
            feeds.add_feed(session, FeedSpec(url=server.feed_url(number)), due_at=start)
    now = start
    async with Fetcher(allow_private=True, connections=64) as fetcher:
        tools = Tools(
            database=database, fetcher=fetcher, watch=Watch([]), clock=lambda: now, rng=Random(1), pace=Pace()
        )
        before = memory()
        times = []
        for _ in range(2):
            with database.read() as session:
                due = feeds.list_due_feeds(session, now, limit=count)
            server.counts()
            mark = cpu()
            gate = asyncio.Semaphore(64)

            async def one(feed: Feed, gate: asyncio.Semaphore = gate) -> None:
                async with gate:
                    await poll_feed(tools, feed)

            await asyncio.gather(*(one(feed) for feed in due))
            times.append(cpu() - mark)
            asked = server.counts()
            if sum(asked.values()) != count:
                raise SystemExit(f"a pass did not ask for every feed once: {asked}")
            now += timedelta(days=2)
        if asked != {"304": count}:
            raise SystemExit(f"the second pass was not unchanged: {asked}")
        after = memory()
        tools.close()
    database.close()
    return times[0], times[1], after - before, after


async def _fetch_twice(server: FeedServer, count: int, urls: list[str]) -> float:
    async with Fetcher(allow_private=True, connections=64) as fetcher:
        tags = {}
        for url in urls:
            tags[url] = (await fetcher.get(url, accept=PAGE_ACCEPT)).etag
        server.counts()
        mark = cpu()
        await asyncio.gather(*(fetcher.get(url, etag=tags[url], accept=PAGE_ACCEPT) for url in urls))
        taken = cpu() - mark
    _check(server.counts(), count, first=False)
    return taken


def _check(counts: dict[str, int], count: int, *, first: bool = True) -> None:
    expected = {"200": count, "304": count} if first else {"304": count}
    if counts != expected:
        raise SystemExit(f"the server counted {counts}, not {expected}: the figures would mean nothing")


if __name__ == "__main__":
    main()
