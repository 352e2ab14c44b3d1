"""Feeds found from any address of a site; lists of feeds in and out; documents in several files."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.reading.articles import read_article
from monitor.reading.feeds import parse_feed
from monitor.sources.answers import Fetched
from monitor.sources.discovery import FoundFeed, discover_feeds, find_feed_links, search_feeds, usual_places
from monitor.sources.http import Fetcher
from monitor.sources.opml import read_opml, write_opml
from monitor.sources.parts import choose_sitemaps, expand_index, is_continued, join_pages
from monitor.sources.robots import Robots
from storage.errors import FeedParseError, FetchError
from storage.records import Entry, Feed, FeedSpec, ParsedFeed, ReadArticle
from tests.support.webserver import Reply, WebServer

NOW = datetime(2022, 1, 10, 12, tzinfo=UTC)
RSS = b"<rss version='2.0'><channel><title>Desk</title><item><title>A</title><link>/a</link></item></channel></rss>"


@pytest.fixture
def site() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


def discover(url: str) -> tuple[FoundFeed, ...]:
    async def run() -> tuple[FoundFeed, ...]:
        async with Fetcher(allow_private=True) as fetcher:
            return await discover_feeds(fetcher, url)

    return asyncio.run(run())


def test_a_page_names_its_feeds(site: WebServer) -> None:
    site.add(
        "/news/",
        Reply(
            body=b"""<html><head><link rel="alternate" type="application/rss+xml" title="x" href="/main.xml">
        <link rel="alternate" hreflang="de" href="/de/"><link rel="alternate" type="application/feed+json" href="broken.json">
        </head><body><a href="https://example.org/feedback">x</a><a href="../rss/politics">Politics</a></body></html>"""
        ),
    )
    site.add("/main.xml", Reply(body=RSS))
    site.add("/rss/politics", Reply(body=RSS.replace(b"Desk", b"Politics")))
    found = discover(site.url("/news/"))
    assert [(feed.url, feed.title, feed.format, feed.entries) for feed in found] == [
        (site.url("/main.xml"), "Desk", "rss20", 1),
        (site.url("/rss/politics"), "Politics", "rss20", 1),
    ]


def test_a_feed_is_found_at_its_own_address(site: WebServer) -> None:
    site.add("/feed", Reply(body=RSS))
    assert [feed.url for feed in discover(site.url("/feed"))] == [site.url("/feed")]


def test_usual_places_are_tried_when_a_page_names_none(site: WebServer) -> None:
    site.add("/", Reply(body=b"<html><body>nothing</body></html>"))
    site.add("/rss.xml", Reply(body=RSS))
    assert [feed.url for feed in discover(site.url("/"))] == [site.url("/rss.xml")]


def test_news_sitemaps_of_robots_txt_come_last(site: WebServer) -> None:
    site.add("/", Reply(body=b"<html><body>nothing</body></html>"))
    site.add("/robots.txt", Reply(body=b"Sitemap: /pages.xml\nsitemap: /the-news.xml\n"))
    site.add("/the-news.xml", Reply(body=b"<urlset><url><loc>http://x.org/a</loc></url></urlset>"))
    assert [(feed.url, feed.format) for feed in discover(site.url("/"))] == [(site.url("/the-news.xml"), "sitemap")]


def test_a_site_without_feeds_has_none_and_a_missing_page_is_said(site: WebServer) -> None:
    site.add("/", Reply(body=b"<html><body>nothing</body></html>"))
    assert discover(site.url("/")) == ()
    with pytest.raises(FetchError, match="HTTP 404"):
        discover(site.url("/none"))


def test_links_are_resolved_and_not_repeated() -> None:
    markup = """<base href="http://x.org/b/"><link rel=alternate type=application/atom+xml href=f>
    <a href="f">RSS</a><a href="javascript:rss()">rss</a><a href="http://[bad/rss">rss</a><a href="/style.css?rss">x</a>"""
    assert find_feed_links(markup, "http://x.org/a/") == ("http://x.org/b/f",)


def test_usual_places_near_first() -> None:
    places = usual_places("https://x.org/blog")
    assert places[0] == "https://x.org/blog/feed"
    assert "https://x.org/feed" in places
    assert len(set(places)) == len(places)


def test_search_feeds_quote_their_terms() -> None:
    feeds = dict(search_feeds(["Almaty", "state of emergency"], "en"))
    assert feeds["Google News"].startswith("https://news.google.com/rss/search?q=Almaty+%22state+of+emergency%22&hl=en")


def test_opml_goes_round() -> None:
    feeds = [
        Feed(feed_id=1, url="http://x.org/f?a=1&b=2", source="X & Y", lang="ru"),
        Feed(feed_id=2, url="http://y.org/", title="Y"),
    ]
    specs = read_opml(write_opml(feeds, title="Mine", now=NOW).encode(), file="f.opml")
    assert [(spec.url, spec.source, spec.lang) for spec in specs] == [
        ("http://x.org/f?a=1&b=2", "X & Y", "ru"),
        ("http://y.org/", "Y", None),
    ]


def test_opml_with_folders_repeats_and_odd_attributes() -> None:
    body = b"""<opml version="1.0"><body><outline text="Folder"><outline text="A" xmlUrl="http://a.org/f"/>
    <outline TEXT="B" XMLURL="https://b.org/f"/><outline text="A again" xmlUrl="http://a.org/f"/><outline xmlUrl="feed:x"/>
    </outline></body></opml>"""
    assert [spec.url for spec in read_opml(body, file="f")] == ["http://a.org/f", "https://b.org/f"]


@pytest.mark.parametrize("body", [b"", b"hello", b"<html/>", b"<opml><body/></opml>", b"\x00\xff"])
def test_what_is_no_opml_is_said(body: bytes) -> None:
    with pytest.raises(FeedParseError, match=r"list\.opml: "):
        read_opml(body, file="list.opml")


def test_the_freshest_sitemaps_are_chosen() -> None:
    def one(link: str, day: int | None) -> Entry:
        moment = datetime(2022, 1, day, tzinfo=UTC) if day else None
        return Entry(entry_id=link, link=link, title="", updated_at=moment)

    index = ParsedFeed(entries=(one("old", 1), one("a", 9), one("undated", None), one("news", 8), one("b", 10)))
    assert choose_sitemaps(index, NOW) == ("news", "b", "a", "undated")


def test_an_index_is_read_through(site: WebServer) -> None:
    site.add("/1.xml", Reply(body=b"<urlset><url><loc>http://x.org/a</loc></url></urlset>"))
    site.add("/2.xml", Reply(body=b"<html>broken</html>"))
    index = parse_feed(
        f"<sitemapindex><sitemap><loc>{site.url('/1.xml')}</loc></sitemap><sitemap><loc>{site.url('/2.xml')}</loc></sitemap>"
        f"<sitemap><loc>{site.url('/3.xml')}</loc></sitemap></sitemapindex>".encode(),
        url=site.url("/index.xml"),
    )

    async def parse(fetched: Fetched) -> ParsedFeed:
        return parse_feed(fetched.body, url=fetched.final_url)

    async def run(feed: ParsedFeed) -> ParsedFeed:
        async with Fetcher(allow_private=True) as fetcher:
            read = await expand_index(fetcher, feed, NOW, parse, name="x")
            assert ("2 of the 3 files" in read.complaint) == (feed is index)
            return read.feed

    assert [entry.link for entry in asyncio.run(run(index)).entries] == ["http://x.org/a"]
    plain = parse_feed(RSS, url="")
    assert asyncio.run(run(plain)) is plain


PAGE = """<html lang="en"><head><title>Story</title>{next}</head><body><h1>Story</h1><article>{text}</article></body></html>"""


def page(number: int, link: str = "") -> Reply:
    text = "".join(
        f"<p>Page {number}, paragraph {n}: the council met again and said what it will do about roads.</p>"
        for n in range(5)
    )
    return Reply(body=PAGE.format(next=f'<link rel="next" href="{link}">' if link else "", text=text).encode())


def test_pages_that_follow_are_joined(site: WebServer) -> None:
    site.add("/a", page(1, "/a?p=2"))
    site.routes["/a"] = [page(1, "/a/2")]
    site.add("/a/2", page(2, "/a/3"))
    site.add("/a/3", page(3, "/a/2"))
    joined = asyncio.run(read_all(site))
    assert [f"Page {n}, paragraph 4" in joined.text for n in (1, 2, 3)] == [True, True, True]
    assert site.asked("/a/2") == 1


def test_a_next_link_to_another_article_is_not_followed_into_the_text(site: WebServer) -> None:
    site.add("/a", page(1, "/b"))
    site.add(
        "/b",
        Reply(
            body=PAGE.replace("Story", "Other")
            .format(next="", text="<p>Other words, long enough to count.</p>" * 5)
            .encode()
        ),
    )
    assert "Other" not in asyncio.run(read_all(site)).text


@pytest.mark.parametrize(
    ("title", "link", "expected"),
    [
        ("Riots in Harbour City", "https://n.example/other", True),
        ("Riots in Harbour City - Page 2", "https://n.example/riots-in-harbour-city?page=2", True),
        ("Riots in Harbour City (2/3)", "https://n.example/riots-in-harbour-city/2", True),
        ("Riots in Harbour City | Seite 2 von 3", "https://n.example/riots-in-harbour-city-2.html", True),
        ("Riots in Harbour City - Page 3", "https://n.example/riots-in-harbour-city?page=2", False),
        ("Riots in Harbour City: 2 dead", "https://n.example/riots-in-harbour-city-2.html", False),
        ("Riots in Harbour City - Page 2", "https://n.example/other-2.html", False),
        ("Other riots", "https://n.example/riots-in-harbour-city/2", False),
    ],
)
def test_a_page_that_counts_itself_in_its_title_goes_on(title: str, link: str, expected: bool) -> None:
    first = ReadArticle(title="Riots in Harbour City", text="")
    page = ReadArticle(title=title, text="")
    assert is_continued(first, page, "https://n.example/riots-in-harbour-city.html", link, 2) is expected


async def read_all(site: WebServer) -> ReadArticle:
    async def read(fetched: Fetched) -> ReadArticle:
        return read_article(fetched.body, url=fetched.final_url)

    async with Fetcher(allow_private=True) as fetcher:
        first = await read(await fetcher.get(site.url("/a")))
        joined = await join_pages(fetcher, Robots(fetcher), first, site.url("/a"), read)
        assert replace(joined, text=first.text) == first
        return joined


def test_addresses_that_begin_with_feed_are_those_of_the_web() -> None:
    outlines = "".join(
        f"<outline xmlUrl='{url}'/>" for url in ("feed://a.org/f", "feed:https://b.org/f", "FTP://c.org/f")
    )
    body = f"<opml><body>{outlines}</body></opml>".encode()
    assert [spec.url for spec in read_opml(body, file="f")] == ["http://a.org/f", "https://b.org/f"]


def test_what_xml_cannot_hold_is_left_out_of_a_list() -> None:
    written = write_opml([FeedSpec(url="https://a.org/f", source="A\x00\x0b\ud800 news")], title="My\x01 list")
    (spec,) = read_opml(written.encode(), file="f")
    assert (spec.url, spec.source) == ("https://a.org/f", "A news")


@pytest.mark.parametrize(
    ("outline", "url", "source"),
    [
        ("<outline xmlUrl='https://a.org/&#xD800;f' title='News &#xDC00;!'/>", "https://a.org/f", "News !"),
        ("<outline xmlUrl='https://a.org/f' title='News &#xD83D;&#xDE00;'/>", "https://a.org/f", "News \U0001f600"),
        ("<outline xmlUrl='https://a.org/f' title='https://a.org/f'/>", "https://a.org/f", ""),
        ("<OUTLINE xmlURL='https://a.org/f' TEXT='News'/>", "https://a.org/f", "News"),
        ("<outline xmlUrl='http://['/><outline xmlUrl='https://a.org/f' text='a&#55296;b'/>", "https://a.org/f", ""),
    ],
    ids=["half characters", "two halves", "no name but its address", "capitals", "what cannot be read"],
)
def test_a_list_of_other_programs_is_read_as_far_as_it_can_be(outline: str, url: str, source: str) -> None:
    good = "<outline xmlUrl='https://b.org/f' text='B' language='en_GB'/>"
    body = f"<opml xmlns='http://opml.org/spec2'><body>{outline}{good}</body></opml>".encode()
    found = {spec.url: spec for spec in read_opml(body, file="f")}
    assert found["https://b.org/f"].lang == "en"
    assert url not in found or found[url].source == source
    assert (url in found) == ("55296" not in outline)
    assert b"\x00" not in b"".join(spec.url.encode() + spec.source.encode() for spec in found.values())


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=5))
def test_a_list_that_we_wrote_is_read_back(named: list[tuple[str, str]]) -> None:
    made = [
        FeedSpec(url=f"https://a.org/{n}?{quote(path, errors='replace')}", source=f"S{n} {name}")
        for n, (path, name) in enumerate(named)
    ]
    written = write_opml([*made, FeedSpec(url="https://z.org/")])
    found = read_opml(written.encode(), file="f")
    assert [spec.url for spec in found] == [spec.url for spec in (*made, FeedSpec(url="https://z.org/"))]
    assert found[-1].source == ""


@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_list_raises_anything_but_its_own_error(inner: bytes) -> None:
    with contextlib.suppress(FeedParseError):
        read_opml(b"<opml><body><outline xmlUrl='https://a.org/" + inner + b"' text='&#xD800;'/>" + inner, file="f")
