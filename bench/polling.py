"""An unchanged pass over many feeds and pages: CPU a feed, beside `reader` and beside other HTTP clients.

python -m bench.polling [--feeds 1000]

CPU is that of the client process alone (user and system); the server proves by its counts that each pass asked for
every feed once and answered 304.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from bench.feedserver import FeedServer
from bench.peers import peer_python
from monitor.cycle import Pace, Tools, poll_feed
from monitor.sources.http import PAGE_ACCEPT, Fetcher
from monitor.watch import Watch
from storage import feeds
from storage.database import Database
from storage.records import Feed, FeedSpec

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
    print(json.dumps(cpu() - start))
    await client.aclose()
asyncio.run(main())
"""


def cpu() -> float:
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=1000)
    count = parser.parse_args().feeds
    with FeedServer(feeds=count, pages=count) as server, tempfile.TemporaryDirectory() as folder:
        ours = asyncio.run(_poll_twice(server, count, Path(folder)))
        bare = asyncio.run(_fetch_twice(server, count, [server.feed_url(n) for n in range(count)]))
        page = asyncio.run(_fetch_twice(server, count, [server.page_url(n) for n in range(count)]))
        peer = _run(
            server, count, READER, str(Path(folder) / "reader.db"), peer_python("reader", "reader", "sgmllib3k")
        )
        clients = peer_python("clients", "httpx", "httpx-aiohttp")
        httpx = _run(server, count, CLIENTS, "httpx", clients)
        httpx_aiohttp = _run(server, count, CLIENTS, "httpx-aiohttp", clients)
    cold, warm = peer if isinstance(peer, list) else (0.0, 0.0)
    print(f"unchanged pass over {count} feeds, CPU a feed in ms (server counts: each feed answered 304 once)")
    _print("reader, 8 workers", warm, count)
    _print("storywatch, poll_feed with its store", ours[1], count, f"{warm / ours[1]:.1f} × reader")
    _print("  its fetcher alone", bare, count)
    _print("  httpx, 64 connections", float(str(httpx)), count)
    _print("  httpx on httpx-aiohttp", float(str(httpx_aiohttp)), count)
    _print("unchanged page, fetcher alone", page, count)
    print(f"cold pass, 20 entries a feed, CPU a feed in ms: reader {cold / count * 1e3:.2f}")
    print(f"  storywatch, parsed and looked through, no story matching: {ours[0] / count * 1e3:.2f}")
    print(f"memory: {ours[2]:.0f} MB more after both passes than before, {ours[3]:.0f} MB in all")


def _print(name: str, seconds: float, count: int, note: str = "") -> None:
    print(f"  {name:<40} {seconds / count * 1e3:8.3f}  {note}")


def _run(server: FeedServer, count: int, code: str, argument: str, python: Path) -> list[float] | float:
    server.counts()
    done = subprocess.run(
        [python, "-c", code, server.host, str(count), argument], capture_output=True, text=True, check=True
    )
    _check(server.counts(), count)
    found: list[float] | float = json.loads(done.stdout)
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
        before = _memory()
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
        after = _memory()
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


def _memory() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
