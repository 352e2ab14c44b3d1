"""Fetching: conditions, redirects, limits and errors in words, against a real server."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from monitor.sources.addresses import BadAddressError
from monitor.sources.answers import Fetched, Trouble
from monitor.sources.http import Fetcher, RedirectError, TimedOutError
from storage.errors import BodyTooLargeError, FetchError, ForbiddenAddressError
from tests.support.webserver import Reply, WebServer


@pytest.fixture
def site() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


def fetch(url: str, **options: object) -> Fetched:
    async def run() -> Fetched:
        async with Fetcher(allow_private=True, contact="desk@example.org") as fetcher:
            return await fetcher.get(url, **options)  # type: ignore[arg-type]  # options are those of get

    return asyncio.run(run())


def test_a_plain_answer(site: WebServer) -> None:
    site.add(
        "/feed",
        Reply(
            body=b"hello", headers={"ETag": '"a"', "Last-Modified": "yesterday", "Cache-Control": "public, max-age=90"}
        ),
    )
    got = fetch(site.url("/feed"))
    assert (got.status, got.body, got.etag, got.last_modified, got.max_age) == (200, b"hello", '"a"', "yesterday", 90)
    assert got.is_success
    assert site.requests[0].headers["user-agent"] == "Storywatch/0.1 (+desk@example.org)"
    assert site.requests[0].headers["accept-encoding"] == "gzip"


def test_validators_are_sent_verbatim_and_304_has_no_body(site: WebServer) -> None:
    site.add("/feed", Reply(body=b"hello", headers={"ETag": "W/odd one", "Last-Modified": "not a date"}))
    got = fetch(site.url("/feed"), etag="W/odd one", last_modified="not a date")
    assert got.is_not_modified
    assert got.body == b""
    assert site.requests[0].headers["if-none-match"] == "W/odd one"
    assert site.requests[0].headers["if-modified-since"] == "not a date"


def test_gzip_is_undone(site: WebServer) -> None:
    site.add("/feed", Reply(body=b"x" * 300_000, gzipped=True))
    assert fetch(site.url("/feed")).body == b"x" * 300_000


def test_addresses_go_out_as_they_came(site: WebServer) -> None:
    site.add("/%41a%2Fb", Reply(body=b"ok"))
    assert fetch(site.url("/%41a%2Fb?q=%7E+x")).body == b"ok"
    assert site.requests[0].path == "/%41a%2Fb?q=%7E+x"


def test_a_permanent_move_is_told_up_to_the_first_temporary_hop(site: WebServer) -> None:
    site.add("/old", Reply(status=301, headers={"Location": "/new"}))
    site.add("/new", Reply(status=308, headers={"Location": "/newer"}))
    site.add("/newer", Reply(status=302, headers={"Location": "/today"}))
    site.add("/today", Reply(status=301, headers={"Location": "/end"}))
    site.add("/end", Reply(body=b"here"))
    got = fetch(site.url("/old"))
    assert (got.body, got.permanent_url, got.final_url) == (b"here", site.url("/newer"), site.url("/end"))
    assert got.url == site.url("/old")


def test_a_temporary_move_moves_nothing(site: WebServer) -> None:
    site.add("/a", Reply(status=302, headers={"Location": "/b"}))
    site.add("/b", Reply(body=b"b"))
    assert fetch(site.url("/a")).permanent_url is None


@pytest.mark.parametrize(
    ("status", "headers", "trouble", "retry"),
    [
        (410, {}, Trouble.GONE, None),
        (404, {}, Trouble.MISSING, None),
        (403, {}, Trouble.REFUSED, None),
        (429, {"Retry-After": "120"}, Trouble.THROTTLED, 120.0),
        (
            503,
            {"Retry-After": "Sun, 22 Nov 2026 10:01:40 GMT", "Date": "Sun, 22 Nov 2026 10:00:00 GMT"},
            Trouble.THROTTLED,
            100.0,
        ),
        (503, {"Retry-After": "soon"}, Trouble.SERVER, None),
        (500, {}, Trouble.SERVER, None),
        (418, {}, Trouble.CLIENT, None),
    ],
)
def test_statuses_are_answers(
    site: WebServer, status: int, headers: dict[str, str], trouble: Trouble, retry: float | None
) -> None:
    site.add("/x", Reply(status=status, headers=headers))
    got = fetch(site.url("/x"))
    assert (got.trouble, got.retry_after) == (trouble, retry)
    assert site.url("/x") in got.explain()


def test_private_addresses_are_refused(site: WebServer) -> None:
    async def run() -> None:
        async with Fetcher() as fetcher:
            await fetcher.get(site.url("/"))

    with pytest.raises(ForbiddenAddressError, match="allow_private"):
        asyncio.run(run())
    assert site.requests == []


def test_endless_redirects_end(site: WebServer) -> None:
    site.add("*", lambda request: Reply(status=302, headers={"Location": f"{request.path}x"}))
    with pytest.raises(RedirectError, match="more than 6 redirects"):
        fetch(site.url("/x"))
    assert len(site.requests) == 7


@pytest.mark.parametrize(
    "url", ["", "feed", "ftp://example.org/x", "http://", "http://exa mple.org/", "http://[::1", "http://h:99999/"]
)
def test_what_is_no_address_is_said_so(url: str) -> None:
    with pytest.raises(BadAddressError, match="not a web address"):
        fetch(url)


def test_one_request_a_host_at_a_time(site: WebServer) -> None:
    running, most = 0, 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        yield b"x"

    site.add("*", Reply(stream=stream))

    async def run() -> None:
        async with Fetcher(allow_private=True) as fetcher:
            await asyncio.gather(*(fetcher.get(site.url(f"/{n}")) for n in range(8)))

    asyncio.run(run())
    assert (len(site.requests), most) == (8, 1)


def test_a_pause_lies_between_two_requests(site: WebServer) -> None:
    site.add("*", Reply(body=b"x"))

    async def run() -> float:
        async with Fetcher(allow_private=True, host_pause=0.05) as fetcher:
            loop = asyncio.get_running_loop()
            start = loop.time()
            await asyncio.gather(*(fetcher.get(site.url(f"/{n}")) for n in range(4)))
            return loop.time() - start

    assert asyncio.run(run()) >= 0.15


def test_a_body_over_the_limit_is_not_read_on(site: WebServer) -> None:
    site.add("/x", Reply(body=b"x" * 5000))
    with pytest.raises(BodyTooLargeError, match="larger than 4,000 bytes"):
        fetch(site.url("/x"), max_bytes=4000)


def test_the_whole_exchange_has_a_budget(site: WebServer) -> None:
    site.add("/x", Reply(body=b"x", after_seconds=5))
    with pytest.raises(TimedOutError, match=r"within 0\.1 s"):
        fetch(site.url("/x"), budget_seconds=0.1)


def test_nobody_listens(site: WebServer) -> None:
    site.close()
    with pytest.raises(FetchError, match="connection failed"):
        fetch(site.url("/x"))
