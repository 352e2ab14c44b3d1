"""Hostile servers: every case ends within its limit, with an error of its own, and leaves memory and other feeds alone."""

import asyncio
import contextlib
import gzip
import resource
import socket
import ssl
import subprocess
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from monitor.reading.feeds import parse_feed
from monitor.sources.addresses import BadAddressError
from monitor.sources.answers import Fetched
from monitor.sources.bodies import BodyError
from monitor.sources.http import (
    BadResponseError,
    ConnectionFailedError,
    Fetcher,
    RedirectError,
    TimedOutError,
    TlsError,
)
from storage.errors import BodyTooLargeError, FeedParseError, FetchError, ForbiddenAddressError
from tests.support.webserver import Reply, WebServer

MEGABYTE = 1024 * 1024


@pytest.fixture
def site() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


def fetch(url: str, *, seconds: float = 20, **options: object) -> Fetched:
    async def run() -> Fetched:
        async with Fetcher(**{"allow_private": True, **options}) as fetcher:  # type: ignore[arg-type]  # options of Fetcher
            return await fetcher.get(url, budget_seconds=seconds)

    return asyncio.run(run())


def streamed(chunk: bytes, *, times: int = 10**9, pause: float = 0.0) -> Callable[[], AsyncIterator[bytes]]:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(times):
            yield chunk
            if pause:
                await asyncio.sleep(pause)

    return stream


def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(bytes(MEGABYTE)) for _ in range(megabytes)), packer.flush()])


def test_a_decompression_bomb_is_stopped_at_the_limit(site: WebServer) -> None:
    site.add("/bomb", Reply(body=bomb(256), headers={"Content-Encoding": "gzip"}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BodyTooLargeError, match="15,728,640 bytes once decompressed"):
        fetch(site.url("/bomb"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # kilobytes


def test_nested_members_are_bounded_too(site: WebServer) -> None:
    site.add("/bomb", Reply(body=gzip.compress(bytes(MEGABYTE)) * 20, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(BodyTooLargeError):
        fetch(site.url("/bomb"))


def test_compression_that_was_not_asked_for_is_refused(site: WebServer) -> None:
    site.add("/br", Reply(body=b"\x00" * 100, headers={"Content-Encoding": "br"}))
    with pytest.raises(BodyError, match="'br' although only gzip"):
        fetch(site.url("/br"))


@pytest.mark.parametrize(
    "body",
    [b"not gzip", gzip.compress(b"hello" * 1000)[:-9], b"\x1f\x8b\x08\x00garbage"],
    ids=("other", "cut off", "garbage"),  # what gzip makes holds the time
)
def test_damaged_compression_is_said(site: WebServer, body: bytes) -> None:
    site.add("/x", Reply(body=body, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(BodyError, match=r"damaged|too early"):
        fetch(site.url("/x"))


@pytest.mark.parametrize("wbits", [15, -15])
def test_deflate_unasked_is_understood_with_and_without_its_header(site: WebServer, wbits: int) -> None:
    packer = zlib.compressobj(wbits=wbits)
    site.add("/x", Reply(body=packer.compress(b"hello" * 50) + packer.flush(), headers={"Content-Encoding": "deflate"}))
    assert fetch(site.url("/x")).body == b"hello" * 50


def test_a_feed_of_100_megabytes_is_dropped_at_15(site: WebServer) -> None:
    site.add("/big", Reply(stream=streamed(b"x" * MEGABYTE, times=100)))
    with pytest.raises(BodyTooLargeError):
        fetch(site.url("/big"))


def test_a_body_that_drips_ends_with_the_budget(site: WebServer) -> None:
    site.add("/slow", Reply(stream=streamed(b"x", pause=0.05)))
    started = time.monotonic()
    with pytest.raises(TimedOutError, match=r"within 0\.5 s"):
        fetch(site.url("/slow"), seconds=0.5)
    assert time.monotonic() - started < 3


def test_headers_that_drip_end_with_the_budget(site: WebServer) -> None:
    site.add("/slow", Reply(raw=b"HTTP/1.1 200 OK\r\nX: ", after_seconds=30))
    with pytest.raises(TimedOutError):
        fetch(site.url("/slow"), seconds=0.3)


def test_a_site_that_falls_silent_is_told_with_the_time_that_it_was_silent_for(
    site: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.sources.http._READ_SECONDS", 0.2)
    site.add("/slow", Reply(raw=b"HTTP/1.1 200 OK\r\nX: ", after_seconds=30))
    with pytest.raises(TimedOutError, match=r"not a byte for 0\.2 s"):
        fetch(site.url("/slow"), seconds=30)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X-Flood: y\r\n" * 5000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * MEGABYTE + b"\r\n\r\n",
        b"HTTP/1.1 200 " + b"y" * MEGABYTE + b"\r\n\r\n",
        b"\x00\x01\x02 nonsense\r\n\r\n",
        b"HTTP/1.1 twohundred OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\nhello\r\n",
    ],
    ids=["many", "long", "status", "nonsense", "code", "length", "chunks"],
)
def test_header_floods_and_nonsense_are_refused(site: WebServer, head: bytes) -> None:
    site.add("/x", Reply(raw=head))
    with pytest.raises(BadResponseError, match="not proper HTTP"):
        fetch(site.url("/x"))


def test_a_body_that_breaks_off_is_no_body(site: WebServer) -> None:
    site.add("/x", Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort"))
    with pytest.raises(FetchError, match=r"not proper HTTP|connection failed"):
        fetch(site.url("/x"))


def test_a_connection_that_closes_at_once_is_said(site: WebServer) -> None:
    site.add("/x", Reply(raw=b""))
    with pytest.raises(ConnectionFailedError):
        fetch(site.url("/x"))


@pytest.mark.parametrize(
    "location", ["http://[bad/", "ftp://example.org/", "javascript:alert(1)", "file:///etc/passwd"]
)
def test_redirects_to_what_is_no_web_address(site: WebServer, location: str) -> None:
    site.add("/x", Reply(status=302, headers={"Location": location}))
    with pytest.raises(FetchError, match=r"no address|not a web address"):
        fetch(site.url("/x"))


def test_a_redirect_to_itself_ends(site: WebServer) -> None:
    site.add("/x", Reply(status=301, headers={"Location": "/x"}))
    with pytest.raises(RedirectError):
        fetch(site.url("/x"))


class FakeNames(AbstractResolver):
    """Names resolved as a hostile name server would: each call may answer otherwise."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers = answers

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        answers = self.answers[host]
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
        ]

    async def close(self) -> None:
        return None


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "10.1.2.3", "::1"])
def test_a_name_that_resolves_to_a_private_address_is_refused(site: WebServer, address: str) -> None:
    names = FakeNames({"news.example": [address]})
    with pytest.raises(ForbiddenAddressError, match="not an address of the public internet"):
        fetch(site.url("/", host="news.example"), allow_private=False, resolver=names)
    assert site.requests == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "127.1",
        "localhost.",
        "a.localhost",
    ],
)
def test_literals_in_any_notation_are_refused(site: WebServer, host: str) -> None:
    with pytest.raises((ForbiddenAddressError, BadAddressError, ConnectionFailedError)):
        fetch(f"http://{host}:{site.port}/", allow_private=False)
    assert site.requests == []


def test_a_proxy_carries_named_hosts_but_no_redirect_to_a_private_literal(site: WebServer) -> None:
    site.add("http://news.example/a", Reply(status=302, headers={"Location": "http://news.example/b"}))
    site.add("http://news.example/b", Reply(status=302, headers={"Location": "http://169.254.169.254/latest"}))
    with pytest.raises(ForbiddenAddressError, match=r"169\.254\.169\.254 is not an address of the public internet"):
        fetch("http://news.example/a", allow_private=False, proxy=site.url(""))
    assert [request.path for request in site.requests] == ["http://news.example/a", "http://news.example/b"]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=wrong.example", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    with WebServer(tls=context) as server:
        server.add("/x", Reply(body=b"secret"))
        with pytest.raises(TlsError, match="cannot be trusted"):
            fetch(server.url("/x"))


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + b"".join(
        b'<!ENTITY lol%d "%s">' % (n, (b"&lol%s;" % (b"%d" % (n - 1) if n > 1 else b"")) * 10) for n in range(1, 10)
    )
    + b"]><rss version='2.0'><channel><title>&lol9;</title><item><title>&lol9;</title></item></channel></rss>"
)
EXTERNAL = (
    b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b"<rss version='2.0'><channel><title>&x;</title><item><title>&x;</title></item></channel></rss>"
)


@pytest.mark.parametrize(
    "body",
    [
        LAUGHS,
        EXTERNAL,
        LAUGHS.replace(b"<rss version='2.0'><channel>", b"<urlset>"),
        b"<rss version='2.0'><channel>" + b"<item>" * 20_000,
        b"<rss version='2.0'>" + b"<a>" * 40_000,
        b"<" * 300_000,
        b"<rss version='2.0'><channel><item><title>" + b"&lt;b&gt;" * 50_000 + b"</title></item></channel></rss>",
        b"<rss version='2.0'><channel><item><title>" + b"&" * 200_000,
        b"<feed xmlns='http://www.w3.org/2005/Atom'><title>" + b"<![CDATA[" * 20_000,
        b"<rss version='2.0'><channel><title>" + b"<!--" * 50_000,
        b"<!DOCTYPE " + b"[" * 100_000,
        b"<rss a='" + b"'a='" * 50_000,
    ],
    ids=[
        "laughs",
        "external",
        "sitemap",
        "items",
        "deep",
        "angles",
        "markup",
        "amps",
        "cdata",
        "comments",
        "doctype",
        "attributes",
    ],
)
def test_hostile_feeds_end_quickly_and_small(body: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(FeedParseError):
        feed = parse_feed(body, url="http://x.org/f")
        assert sum(len(entry.title) for entry in feed.entries) < 2 * MEGABYTE
        assert "root:" not in repr(feed)[:10_000]
    assert time.process_time() - started < 10


def test_other_feeds_keep_their_schedule(site: WebServer) -> None:
    """Slow and broken hosts hold only their own turn: fifty good ones finish meanwhile."""
    site.add("/slow", Reply(stream=streamed(b"x", pause=0.05)))
    site.add("/bomb", Reply(body=bomb(64), headers={"Content-Encoding": "gzip"}))
    site.add("/good", Reply(body=b"good"))

    names = FakeNames({f"{kind}{n}.example": ["127.0.0.1"] for kind in ("bad", "good") for n in range(60)})

    async def run() -> float:
        async with Fetcher(allow_private=True, resolver=names) as fetcher:
            loop = asyncio.get_running_loop()
            bad = [
                asyncio.ensure_future(fetcher.get(site.url(path, host=f"bad{n}.example"), budget_seconds=3))
                for n in range(8)
                for path in ("/slow", "/bomb")
            ]
            await asyncio.sleep(0)
            start = loop.time()
            await asyncio.gather(*(fetcher.get(site.url("/good", host=f"good{n}.example")) for n in range(50)))
            taken = loop.time() - start
            results = await asyncio.gather(*bad, return_exceptions=True)
            assert all(isinstance(result, FetchError) for result in results)
            return taken

    assert asyncio.run(run()) < 2.5
