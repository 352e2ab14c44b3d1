"""A hundred hostile feeds beside good ones, polled by the real program: each ends with its own error, memory stays small."""

import gzip
import os
import re
import sqlite3
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.monitor.test_cycle import TITLE, TOLL
from tests.support.commandline import CommandLine, free_port, seed
from tests.support.desk import START, page
from tests.support.webserver import Reply, WebServer

MEGABYTE = 1024 * 1024
ALMOST = 15 * MEGABYTE - 4096


def filled(item: bytes, *, head: bytes = b"", tail: bytes = b"", size: int = ALMOST) -> bytes:
    return head + item * ((size - len(head) - len(tail)) // len(item)) + tail


def streamed(chunk: bytes, times: int) -> Callable[[], AsyncIterator[bytes]]:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(times):
            yield chunk

    return stream


def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(bytes(MEGABYTE)) for _ in range(megabytes)), packer.flush()])


RSS = b"<rss version='2.0'><channel>"
LAUGHS = (
    b"<!DOCTYPE l [<!ENTITY a0 'lol'>"
    + b"".join(b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]>"
    + RSS
    + b"<item><title>&a9;</title></item></channel></rss>"
)
# What is asked for, what it answers, and the words that must be said of it.
CASES: dict[str, tuple[Reply, str]] = {
    "bomb": (Reply(body=bomb(200), headers={"Content-Encoding": "gzip"}), "once decompressed"),
    "brotli": (Reply(body=b"\x00" * 64, headers={"Content-Encoding": "br"}), "only gzip was asked for"),
    "damaged": (Reply(body=gzip.compress(b"x" * 9999)[:-20], headers={"Content-Encoding": "gzip"}), "too early"),
    "vast": (Reply(stream=streamed(b"x" * MEGABYTE, 100)), "once decompressed"),
    "flood": (Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 9000 + b"\r\n"), "not proper HTTP"),
    "nonsense": (Reply(raw=b"\x00\x01\x02\r\n\r\n"), "not proper HTTP"),
    "short": (Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<rss"), "connection failed|not proper HTTP"),
    "loop": (Reply(status=302, headers={"Location": "/loop"}), "more than 6 redirects"),
    "away": (Reply(status=302, headers={"Location": "file:///etc/passwd"}), "not a web address"),
    "missing": (Reply(status=404), "nothing at this address"),
    "gone": (Reply(status=410), "gone for good"),
    "refused": (Reply(status=403), "refuses us"),
    "faulty": (Reply(status=500), "has a fault"),
    "throttled": (Reply(status=429, headers={"Retry-After": "3600"}), "fewer requests"),
    "html": (Reply(body=page(TITLE, TOLL, START)), "an HTML page, not a feed"),
    "empty": (Reply(body=b""), "empty, not a feed"),
    "binary": (Reply(body=os.urandom(2 * MEGABYTE).replace(b"<", b"x")), "neither XML nor JSON|no feed format"),
    "laughs": (Reply(body=LAUGHS), ""),
    "items": (Reply(body=filled(b"<item/>", head=RSS, tail=b"</channel></rss>")), "tags are too many"),
    "unclosed": (Reply(body=filled(b"<item><title>a</title>", head=RSS, size=4 * MEGABYTE - 9)), "to be put right"),
    "deep": (Reply(body=RSS + b"<a>" * 60_000), ""),
    "urls": (Reply(body=filled(b"<url><loc>http://x.example/1</loc></url>", head=b"<urlset>")), "tags are too many"),
    "objects": (Reply(body=filled(b"{},", head=b"[", tail=b"{}]")), "more than any feed"),
    "nested": (Reply(body=b"[" * ALMOST), "more than any feed"),
    "text": (Reply(body=filled(b"lorem ipsum ", head=RSS + b"<title>", tail=b"</title></channel></rss>")), "to be put right"),
    "charset": (Reply(body="<rss version='2.0'><channel><title>é</title></channel></rss>".encode("utf-32")), ""),
}  # fmt: skip
COPIES = 4  # of each, under names of their own, so that many large ones come at a time
# Set beside the 300 MB of the design; the service itself, idle, takes a little over 100.
MOST_KILOBYTES = 300 * 1024


@pytest.mark.slow
def test_every_hostile_feed_ends_with_its_own_error_and_memory_stays_under_300_megabytes(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    with WebServer(host="0.0.0.0") as site:
        names = iter(f"127.1.{number // 250}.{number % 250 + 1}" for number in range(1000))
        site.add("/a", Reply(body=page(TITLE, TOLL, START)))
        link = site.url("/a", host="127.0.0.1")
        item = f"<item><title>{TITLE}</title><link>{link}</link></item>"
        site.add("/good", Reply(body=f"<rss version='2.0'><channel><title>N</title>{item}</channel></rss>".encode()))
        for name, (reply, _) in CASES.items():
            site.add(f"/{name}", reply)
        wanted = [site.url(f"/{name}", host=next(names)) for name in CASES for _ in range(COPIES)]
        outlines = "".join(f"<outline xmlUrl='{url}'/>" for url in wanted)
        line.write("feeds.opml", f"<opml version='2.0'><body>{outlines}</body></opml>")
        line.write("seeds/unrest.toml", seed("unrest", {"Harbour News": site.url("/good", host="127.0.0.1")}))
        line.write("storywatch.toml", f"[network]\nallow_private = true\n[web]\nport = {free_port()}\n")
        assert line.run("feeds", "import", "feeds.opml").returncode == 0
        with line.service() as service:
            service.wait_for(lambda: unpolled(tmp_path) == 0, patience=240)
            service.wait_for(lambda: site.asked("/a") == 1)
            peak = peak_kilobytes(service.process.pid)
        assert service.exit_code == 0
    said = errors(tmp_path)
    for name, (_, words) in CASES.items():
        found = [error for url, error in said.items() if url.endswith(f"/{name}")]
        assert len(found) == COPIES
        for error in found:
            assert bool(error) == bool(words), (name, error)
            assert re.search(words, error or ""), (name, error)
    assert peak < MOST_KILOBYTES, f"{peak // 1024} MB"


def unpolled(folder: Path) -> int:
    """How many feeds have never been polled."""
    return int(ask(folder, "SELECT count(*) FROM feeds WHERE last_polled_at IS NULL")[0][0])


def errors(folder: Path) -> dict[str, str | None]:
    """What was said of each feed last."""
    return dict(ask(folder, "SELECT url, last_error FROM feeds"))


def ask(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "data" / "storywatch.db", timeout=30)) as connection:
        return connection.execute(query).fetchall()


def peak_kilobytes(process: int) -> int:
    """The most memory that a process ever held."""
    (line,) = (one for one in Path(f"/proc/{process}/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1])
