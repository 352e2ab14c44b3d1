"""A fast loopback news site for benchmarks: feeds and pages made once, served by a bare protocol that counts.

   with FeedServer(feeds=1000, entries=20) as server:
       server.feed_url(3); server.counts()

/feed/N   RSS (N even) or Atom with HTML summaries and bodies, an ETag, gzip where asked for; 304 for its ETag
/page/N   an article's page with an ETag
/stats    answers by status so far, as JSON; /reset counts anew
"""

import argparse
import asyncio
import gzip
import hashlib
import json
import subprocess
import sys
import urllib.request
from collections import Counter
from datetime import timedelta
from email.utils import format_datetime
from html import escape
from types import TracebackType
from typing import Self

from bench.corpus import START, Corpus
from storage.records import NewArticle


def make_feed(number: int, articles: list[NewArticle], host: str) -> bytes:
    """A feed of `articles` with the furniture of real ones: links, pictures, categories, escaped and CDATA markup."""
    make = _rss if number % 2 == 0 else _atom
    return make(number, articles, host).encode()


def _body(article: NewArticle) -> str:
    paragraphs = [f"<p>{escape(part, quote=False)}</p>" for part in article.text.split("\n") if part]
    picture = (
        '<figure class="lead"><img src="https://img.example/a.jpg" width="800"/><figcaption>Photo</figcaption></figure>'
    )
    return (
        picture + "".join(paragraphs) + '<p><a href="https://news.example/more?utm_source=rss">More &amp; more</a></p>'
    )


def _rss(number: int, articles: list[NewArticle], host: str) -> str:
    items = "".join(
        f"<item><title>{escape(a.title)}</title><link>{host}/page/{number}/{n}</link>"
        f'<guid isPermaLink="false">tag:news{number}.example,2022:{n}</guid>'
        f"<pubDate>{format_datetime(START + timedelta(minutes=7 * n))}</pubDate><dc:creator>A. Writer</dc:creator>"
        f"<category>World</category><description>{escape('<p>' + a.text[:300] + ' <a href=x>…</a></p>')}</description>"
        f'<media:content url="https://img.example/{n}.jpg" type="x"><media:credit>X</media:credit></media:content>'
        f"<content:encoded><![CDATA[{_body(a)}]]></content:encoded></item>"
        for n, a in enumerate(articles)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/" '
        f'xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>News {number}</title><link>{host}/</link>'
        f'<atom:link rel="self" href="{host}/feed/{number}"/><language>en</language><ttl>5</ttl>{items}</channel></rss>'
    )


def _atom(number: int, articles: list[NewArticle], host: str) -> str:
    entries = "".join(
        f'<entry><title type="html">{escape(a.title)}</title><link href="{host}/page/{number}/{n}"/>'
        f"<id>tag:news{number}.example,2022:{n}</id><updated>{(START + timedelta(minutes=7 * n)).isoformat()}</updated>"
        f'<author><name>A. Writer</name></author><summary type="html">{escape("<p>" + a.text[:300] + "</p>")}</summary>'
        f'<content type="html">{escape(_body(a))}</content></entry>'
        for n, a in enumerate(articles)
    )
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>News {number}</title><link href="{host}/"/>'
        f'<link rel="self" href="{host}/feed/{number}"/><id>tag:news{number}</id>{entries}</feed>'
    )


def make_page(article: NewArticle) -> bytes:
    """A page of an article among navigation, scripts and related links, with JSON-LD."""
    data = json.dumps({"@type": "NewsArticle", "headline": article.title, "datePublished": START.isoformat()})
    menu = "".join(f'<li><a href="/topic/{n}">Topic {n}</a></li>' for n in range(60))
    style = "<style>" + ".a{color:red}" * 400 + "</style><script>" + "var a=1;" * 1500 + "</script>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(article.title)}</title>{style}'
        f'<script type="application/ld+json">{data}</script><meta property="og:site_name" content="News"></head><body>'
        f"<nav><ul>{menu}</ul></nav><main><article><h1>{escape(article.title)}</h1>{_body(article)}</article></main>"
        f"<aside><ul>{menu}</ul></aside><footer><p>All rights reserved by the publisher.</p></footer></body></html>"
    ).encode()


class FeedServer:
    """The site in a process of its own, so that its work is not counted as ours."""

    def __init__(self, *, feeds: int, entries: int = 20, pages: int = 0) -> None:
        command = [
            sys.executable,
            "-m",
            "bench.feedserver",
            "--feeds",
            str(feeds),
            "--entries",
            str(entries),
            "--pages",
            str(pages),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        self.host = self._process.stdout.readline().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def feed_url(self, number: int) -> str:
        return f"{self.host}/feed/{number}"

    def page_url(self, number: int) -> str:
        return f"{self.host}/page/{number}"

    def counts_so_far(self) -> dict[str, int]:
        """Answers by status since the last call of `counts`."""
        with urllib.request.urlopen(f"{self.host}/stats") as answer:
            counts: dict[str, int] = json.load(answer)
        return counts

    def counts(self) -> dict[str, int]:
        """Answers by status since the last call."""
        counts = self.counts_so_far()
        urllib.request.urlopen(f"{self.host}/reset").close()
        return counts


class _Site:
    def __init__(self, feeds: int, entries: int, pages: int) -> None:
        self.host = ""
        self.counts: Counter[int] = Counter()
        self.answers: dict[str, tuple[bytes, bytes, bytes, bytes]] = {}
        self._sizes = feeds, entries, pages

    def fill(self) -> None:
        feeds, entries, pages = self._sizes
        corpus = Corpus(100_000)
        for number in range(feeds):
            news = list(corpus.articles(number * entries, number * entries + entries))
            self._add(f"/feed/{number}", make_feed(number, news, self.host), "application/xml; charset=utf-8")
        for number, article in enumerate(corpus.articles(0, pages)):
            self._add(f"/page/{number}", make_page(article), "text/html; charset=utf-8")

    def _add(self, path: str, body: bytes, kind: str) -> None:
        etag = f'"{hashlib.md5(body).hexdigest()}"'
        head = f"Content-Type: {kind}\r\nETag: {etag}\r\nCache-Control: max-age=0\r\n"
        packed = gzip.compress(body, 5, mtime=0)
        self.answers[path] = (
            etag.encode(),
            _answer("200 OK", head, body),
            _answer("200 OK", f"{head}Content-Encoding: gzip\r\n", packed),
            _answer("304 Not Modified", f"ETag: {etag}\r\n", b""),
        )

    def answer(self, head: bytes) -> bytes:
        path = head.split(b" ", 2)[1].decode("ascii")
        if path == "/stats":
            return _answer("200 OK", "Content-Type: application/json\r\n", json.dumps(self.counts).encode())
        if path == "/reset":
            self.counts.clear()
            return _answer("200 OK", "", b"")
        found = self.answers.get(path)
        if found is None:
            self.counts[404] += 1
            return _answer("404 Not Found", "", b"")
        etag, plain, packed, unchanged = found
        if etag in head:
            self.counts[304] += 1
            return unchanged
        self.counts[200] += 1
        return packed if b"gzip" in head else plain


def _answer(status: str, head: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, site: _Site) -> None:
        self._site = site
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
            self._transport.write(self._site.answer(head))


async def _serve(site: _Site) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(site), "127.0.0.1", 0, backlog=4096)
    site.host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    site.fill()
    print(site.host, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("feeds", 1000), ("entries", 20), ("pages", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    asyncio.run(_serve(_Site(options.feeds, options.entries, options.pages)))
