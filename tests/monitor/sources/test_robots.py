"""robots.txt: asked once a site, obeyed, and its crawl delay kept."""

import asyncio
from collections.abc import Iterator

import pytest

from monitor.sources.http import Fetcher
from monitor.sources.robots import Robots, RobotsForbiddenError
from tests.support.webserver import Reply, WebServer


@pytest.fixture
def site() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


def allowed(site: WebServer, *paths: str) -> list[bool]:
    async def run() -> list[bool]:
        async with Fetcher(allow_private=True) as fetcher:
            robots = Robots(fetcher)
            return [await robots.is_allowed(site.url(path)) for path in paths]

    return asyncio.run(run())


def test_rules_hold_for_our_name_and_are_asked_once(site: WebServer) -> None:
    site.add(
        "/robots.txt",
        Reply(body=b"User-agent: *\nDisallow: /\n\nUser-agent: Storywatch\nDisallow: /private\nAllow: /\n"),
    )
    assert allowed(site, "/a", "/private/x", "/b?c") == [True, False, True]
    assert site.asked("/robots.txt") == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(status=404), True),
        (Reply(status=403), True),
        (Reply(status=500), False),
        (Reply(status=429), False),
        (Reply(body=b"\xff\xfe\x00 garbage \n\n:::"), True),
        (Reply(body=b"<html>not found</html>"), True),
        (Reply(body=b"User-agent: *\nDisallow: /\n" + b"#" * 600_000), False),
        (Reply(body=b"#" * 600_000 + b"\nUser-agent: *\nDisallow: /\n"), True),
        (Reply(status=301, headers={"Location": "/elsewhere"}), False),
    ],
)
def test_what_a_missing_or_faulty_file_means(site: WebServer, reply: Reply, expected: bool) -> None:
    site.add("/robots.txt", reply)
    site.add("/elsewhere", Reply(body=b"User-agent: *\nDisallow: /\n"))
    assert allowed(site, "/a") == [expected]


def test_a_refusal_is_an_error_in_words(site: WebServer) -> None:
    site.add("/robots.txt", Reply(body=b"User-agent: *\nDisallow: /\n"))

    async def run() -> None:
        async with Fetcher(allow_private=True) as fetcher:
            await Robots(fetcher).check(site.url("/a"))

    with pytest.raises(RobotsForbiddenError, match=r"robots\.txt asks not to fetch"):
        asyncio.run(run())


def test_the_crawl_delay_becomes_the_pause(site: WebServer) -> None:
    site.add("/robots.txt", Reply(body=b"User-agent: *\nCrawl-delay: 7\n"))

    async def run() -> float:
        async with Fetcher(allow_private=True, host_pause=0.0) as fetcher:
            await Robots(fetcher).is_allowed(site.url("/a"))
            return fetcher.pacer.pause_of("127.0.0.1")

    assert asyncio.run(run()) == 7.0
