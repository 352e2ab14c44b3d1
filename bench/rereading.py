"""Unchanged pages read again: CPU a page, from the answer 304 to the row that says when to come back.

    python -m bench.rereading [--size quick] [--pages N]

The peer is changedetection.io in a virtual environment of its own (700 MB, some minutes, once), run in its batch mode:
its CPU a check is the difference between a run of one pass over its watches and one of several, so that its start costs
nothing here. It asks for the whole page each time and compares the text, where we ask with the page's validator; the
second row is ours where the page comes whole, too.
"""

import asyncio
import os
import resource
import socket
import subprocess
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from bench.feedserver import FeedServer
from bench.figures import chosen, cpu, faster, leave, options
from bench.peers import peer_python
from monitor.cycle import reread_article
from monitor.reading.articles import read_article
from monitor.reading.versions import text_hash
from monitor.sources.http import PAGE_ACCEPT, Fetcher
from monitor.sources.policy import hash_body
from monitor.tools import Tools
from monitor.watch import Watch
from storage import articles
from storage.database import Database
from storage.records import Article, NewArticle

PEER = "changedetection.io"
PASSES = 4
START = datetime(2022, 1, 10, tzinfo=UTC)
# An hour after the last reading, and at no age at which an article is read whole.
NOW = START + timedelta(hours=20)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--pages", type=int)
    arguments = parser.parse_args()
    count = arguments.pages or chosen(arguments, 10, 300, 1000)
    with FeedServer(feeds=0, pages=count) as server, tempfile.TemporaryDirectory() as folder:
        spent, whole, alone = asyncio.run(_read_again(server, count, f"sqlite:///{folder}/bench.db"))
        peer = _peer(server, min(count, chosen(arguments, 0, 100, 200)), Path(folder) / "peer") if count > 10 else 0.0
    ours, theirs = spent / count * 1e3, peer * 1e3
    print(f"{count} pages, each answered 304: {ours:.3f} ms CPU a page, fetching alone {alone * 1e3:.3f}")
    print(f"  the same, each answered 200 with the same bytes: {whole / count * 1e3:.3f} ms")
    if theirs:
        print(f"  {PEER}, each answered 200: {theirs:.2f} ms")
    what = f"{count} unchanged pages read again, CPU a page"
    figures = [
        faster(what, peer=PEER, theirs=theirs, ours=ours, unit="ms", at_least=15),
        faster(f"{what}, sent whole", peer=PEER, theirs=theirs, ours=whole / count * 1e3, unit="ms", at_least=None),
    ]
    leave(arguments, figures)


def _peer(server: FeedServer, count: int, folder: Path) -> float:
    """CPU of one check of the peer, in seconds, without its start."""
    program = peer_python("changedetection", PEER).with_name("changedetection.io")
    pages = [part for number in range(count) for part in ("-u", server.page_url(number))]
    spent = []
    for turns, added in ((1, pages), (1, []), (PASSES, [])):  # the first takes its snapshots
        server.counts()
        before = _cpu_of_children()
        command = [program, "-C", "-d", folder, "-h", "127.0.0.1", "-p", str(_free_port()), "-b", *added]
        done = subprocess.run(
            [*map(str, command), "-r", "all", str(turns)],
            env={**os.environ, "ALLOW_IANA_RESTRICTED_ADDRESSES": "true", "DISABLE_VERSION_CHECK": "true"},
            capture_output=True,
            text=True,
            check=False,
        )
        spent.append(_cpu_of_children() - before)
        if done.returncode or (asked := server.counts()) != {"200": turns * count}:
            raise SystemExit(f"{PEER} ended with {done.returncode} after asking {asked}: {done.stderr[-800:]}")
    return (spent[2] - spent[1]) / ((PASSES - 1) * count)


def _cpu_of_children() -> float:
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _read_again(server: FeedServer, count: int, url: str) -> tuple[float, float, float]:
    """CPU of one pass of the service's own re-reading, of one in which pages come whole, and of fetching alone a page.

    Each is the least of three passes.
    """
    database = Database(url)
    database.upgrade()
    async with Fetcher(allow_private=True, connections=64) as fetcher:
        tools = Tools(database=database, fetcher=fetcher, watch=Watch([]), clock=lambda: NOW, rng=Random(1))
        stored = [await _store(tools, server.page_url(number)) for number in range(count)]
        held = [replace(article, last_read_at=NOW - timedelta(hours=1)) for article in stored]
        await tools.robots.check(held[0].url)  # asked for once a host, not once a page
        gate = asyncio.Semaphore(64)

        async def one(article: Article) -> None:
            async with gate:
                await reread_article(tools, article)

        async def fetch(article: Article) -> None:
            async with gate:
                await fetcher.get(article.url, etag=article.etag, accept=PAGE_ACCEPT)

        async def whole(article: Article) -> None:
            await one(replace(article, etag=None))

        passes: dict[str, list[float]] = {}
        for _ in range(3):
            for step, status in ((one, "304"), (whole, "200"), (fetch, "304")):
                server.counts()
                start = cpu()
                await asyncio.gather(*(step(article) for article in held))
                passes.setdefault(step.__name__, []).append(cpu() - start)
                if (asked := server.counts()) != {status: count}:
                    raise SystemExit(
                        f"the server counted {asked}, not {count} times {status}: the figures would mean nothing"
                    )
        tools.close()
    with database.read() as session:
        again = [articles.get_article(session, article.article_id) for article in held]
    if any(article.last_read_at != NOW for article in again):
        raise SystemExit("not every article was noted as read again: the figures would mean nothing")
    database.close()
    return min(passes["one"]), min(passes["whole"]), min(passes["fetch"]) / count


async def _store(tools: Tools, url: str) -> Article:
    answer = await tools.fetcher.get(url, accept=PAGE_ACCEPT)
    page = read_article(answer.body, url=url)
    new = NewArticle(
        url=url, title=page.title, text=page.text, text_hash=text_hash(page.title, page.text), fetched_at=START,
        etag=answer.etag, body_hash=hash_body(answer.body),
    )  # fmt: skip
    return await tools.write(lambda session: articles.add_article(session, new))


if __name__ == "__main__":
    main()
