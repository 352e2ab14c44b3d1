"""Unchanged pages read again: CPU a page, from the answer 304 to the row that says when to come back.

    python -m bench.rereading [--size quick] [--pages N]

The peer, changedetection.io, is a service with a browser's worth of packages that takes minutes to set up and drive:
its figure, 5 ms of CPU a check, is the one that the project's design measured by hand, and is told as such.
"""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from random import Random

from bench.feedserver import FeedServer
from bench.figures import chosen, cpu, faster, leave, options
from monitor.cycle import reread_article
from monitor.reading.articles import read_article
from monitor.reading.versions import text_hash
from monitor.sources.http import PAGE_ACCEPT, Fetcher
from monitor.tools import Tools
from monitor.watch import Watch
from storage import articles
from storage.database import Database
from storage.records import Article, NewArticle

CHANGEDETECTION_MS = 5.0
START = datetime(2022, 1, 10, tzinfo=UTC)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--pages", type=int)
    arguments = parser.parse_args()
    count = arguments.pages or chosen(arguments, 10, 300, 1000)
    with FeedServer(feeds=0, pages=count) as server, tempfile.TemporaryDirectory() as folder:
        spent, alone = asyncio.run(_read_again(server, count, f"sqlite:///{folder}/bench.db"))
    print(
        f"{count} pages, each answered 304: {spent / count * 1e3:.3f} ms CPU a page, fetching alone {alone * 1e3:.3f}"
    )
    figure = faster(
        f"{count} unchanged pages read again, CPU a page",
        peer="changedetection.io, by hand",
        theirs=CHANGEDETECTION_MS,
        ours=spent / count * 1e3,
        unit="ms",
        at_least=15,
    )
    leave(arguments, [figure])


async def _read_again(server: FeedServer, count: int, url: str) -> tuple[float, float]:
    """CPU of one pass of the service's own re-reading, and of fetching alone a page."""
    database = Database(url)
    database.upgrade()
    async with Fetcher(allow_private=True, connections=64) as fetcher:
        tools = Tools(
            database=database, fetcher=fetcher, watch=Watch([]), clock=lambda: START + timedelta(days=1), rng=Random(1)
        )
        held = [await _store(tools, server.page_url(number)) for number in range(count)]
        await tools.robots.check(held[0].url)  # asked for once a host, not once a page
        gate = asyncio.Semaphore(64)

        async def one(article: Article) -> None:
            async with gate:
                await reread_article(tools, article)

        async def fetch(article: Article) -> None:
            async with gate:
                await fetcher.get(article.url, etag=article.etag, accept=PAGE_ACCEPT)

        passes = []
        for step in (one, fetch):
            server.counts()
            start = cpu()
            await asyncio.gather(*(step(article) for article in held))
            passes.append(cpu() - start)
            if (asked := server.counts()) != {"304": count}:
                raise SystemExit(f"the server counted {asked}, not {count} times 304: the figures would mean nothing")
        tools.close()
    with database.read() as session:
        again = [articles.get_article(session, article.article_id) for article in held]
    if any(article.last_read_at != START + timedelta(days=1) for article in again):
        raise SystemExit("not every article was noted as read again: the figures would mean nothing")
    database.close()
    return passes[0], passes[1] / count


async def _store(tools: Tools, url: str) -> Article:
    answer = await tools.fetcher.get(url, accept=PAGE_ACCEPT)
    page = read_article(answer.body, url=url)
    new = NewArticle(
        url=url, title=page.title, text=page.text, text_hash=text_hash(page.title, page.text), fetched_at=START,
        etag=answer.etag,
    )  # fmt: skip
    return await tools.write(lambda session: articles.add_article(session, new))


if __name__ == "__main__":
    main()
