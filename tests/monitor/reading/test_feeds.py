"""Feeds of every format, and what is no feed."""

from datetime import UTC, datetime

import pytest

from monitor.reading.feeds import parse_feed, storable_feed
from storage.errors import FeedParseError

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Desk</title><link>http://x.org/</link><ttl>60</ttl>
<language>en</language><item><title>One</title><link>/a</link><guid isPermaLink="false">g1</guid>
<pubDate>Mon, 10 Jan 2022 10:00:00 +0600</pubDate><description>&lt;p&gt;Hi &lt;b&gt;y&lt;/b&gt;ou&lt;/p&gt;</description>
</item></channel></rss>"""


def test_rss() -> None:
    feed = parse_feed(RSS, url="http://x.org/feed")
    assert (feed.title, feed.link, feed.ttl_seconds, feed.lang, feed.format) == (
        "Desk",
        "http://x.org/",
        3600,
        "en",
        "rss20",
    )
    (entry,) = feed.entries
    assert (entry.entry_id, entry.link, entry.title, entry.summary) == ("g1", "http://x.org/a", "One", "Hi you")
    assert entry.published_at == datetime(2022, 1, 10, 4, tzinfo=UTC)
    assert entry.published_raw == "Mon, 10 Jan 2022 10:00:00 +0600"


def test_json_feed() -> None:
    body = b"""{"version": "https://jsonfeed.org/version/1.1", "title": "Desk", "items": [
        {"id": 7, "url": "/a", "title": "One", "content_html": "<p>Hi</p>", "date_published": "2022-01-10T10:00:00+06:00"}]}"""
    feed = parse_feed(body, url="http://x.org/feed.json")
    (entry,) = feed.entries
    assert (feed.title, entry.entry_id, entry.link, entry.summary) == ("Desk", "7", "http://x.org/a", "Hi")
    assert entry.published_at == datetime(2022, 1, 10, 4, tzinfo=UTC)


def test_news_sitemap() -> None:
    body = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
    <url><loc> http://x.org/a </loc><news:news><news:publication><news:name>X</news:name><news:language>ru</news:language>
    </news:publication><news:publication_date>2022-01-10</news:publication_date><news:title>One</news:title></news:news></url></urlset>"""
    feed = parse_feed(body, url="http://x.org/sitemap.xml")
    (entry,) = feed.entries
    assert (feed.format, feed.lang, entry.link, entry.title) == ("sitemap", "ru", "http://x.org/a", "One")
    assert entry.published_at == datetime(2022, 1, 10, tzinfo=UTC)


def test_sitemap_index() -> None:
    body = b"<sitemapindex><sitemap><loc>http://x.org/1.xml</loc><lastmod>2022-01-10T00:00:00Z</lastmod></sitemap></sitemapindex>"
    feed = parse_feed(body, url="")
    assert (feed.format, feed.entries[0].link) == ("sitemapindex", "http://x.org/1.xml")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"\x00\x00", "empty"),
        (
            b"<!DOCTYPE html><html><body>x</body></html>",
            "an HTML page, not a feed; try: storywatch feeds discover http://x.org/f",
        ),
        (b"{", "looks like JSON but cannot be read"),
        (b'{"a": 1}', "JSON, but not a JSON Feed"),
        (b"<a><b/></a>", "XML, but no feed format"),
        (b"hello", "neither XML nor JSON"),
        (b"[" * 100_000, "looks like JSON but cannot be read"),
    ],
)
def test_what_is_no_feed_is_named(body: bytes, says: str) -> None:
    with pytest.raises(FeedParseError, match=says) as caught:
        parse_feed(body, url="http://x.org/f")
    assert str(caught.value).startswith("http://x.org/f: ")


def test_an_empty_feed_is_a_feed() -> None:
    assert parse_feed(b"<rss version='2.0'/>", url="").entries == ()


@pytest.mark.parametrize(
    "body",
    [
        b"<rss version='2.0'><channel>" + b"<item/>" * 750_000 + b"</channel></rss>",
        b"<urlset>" + b"<url><loc>http://x.org/1</loc></url>" * 180_000 + b"</urlset>",
        b"[" + b"{}," * 210_000 + b"{}]",
        b"[" + b'"",' * 1_100_000 + b'""]',
        b"<rss version='2.0'><channel>" + b"<item>" * 90_000,
    ],
    ids=["items", "pages", "objects", "strings", "unclosed"],
)
def test_what_holds_more_than_any_feed_would_is_refused_before_it_is_parsed(body: bytes) -> None:
    with pytest.raises(FeedParseError, match=r"too many|more than any feed"):
        parse_feed(body, url="http://x.org/f")


def test_of_a_vast_list_the_first_50000_entries_are_read() -> None:
    body = b"<rss version='2.0'><channel>" + b"<item><guid>1</guid></item>" * 60_000 + b"</channel></rss>"
    assert len(parse_feed(body, url="").entries) == 50_000


@pytest.mark.parametrize("title", ["a&#xD83D;&#xDE00;b", "&#xD800;"])
def test_half_a_character_in_a_sitemap_is_no_crash(title: str) -> None:
    body = (
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">'
        f"<url><loc>https://harbour.example/1</loc><n:news><n:title>{title}</n:title></n:news></url></urlset>"
    ).encode()
    try:
        feed = parse_feed(body, url="https://harbour.example/news.xml")
    except FeedParseError:
        return
    assert all(entry.title.encode() for entry in feed.entries)


def test_no_nul_of_a_feed_that_had_to_be_put_right_is_kept() -> None:
    body = (
        b"<rss version='2.0'><channel><title>t&#0;</title><item><title>a&#0;b</title><guid>g&#0;1</guid>"
        b"<link>https://harbour.example/1</link></item></channel></rss>"
    )
    feed = storable_feed(parse_feed(body, url="https://harbour.example/feed"))
    assert [entry.link for entry in feed.entries] == ["https://harbour.example/1"]
    texts = [
        feed.title,
        *(part for entry in feed.entries for part in (entry.title, entry.entry_id, entry.published_raw)),
    ]
    assert not any("\x00" in text for text in texts)


@pytest.mark.parametrize("ending", ["", "<!-- & -->&nbsp;"])
def test_the_full_text_of_feeds_for_yandex_is_the_content(ending: str) -> None:
    feed = parse_feed(
        "<rss version='2.0' xmlns:yandex='http://news.yandex.ru'><channel><item><title>A</title>"
        f"<yandex:full-text>44 are dead.</yandex:full-text></item>{ending}</channel></rss>".encode(),
        url="",
    )
    assert (feed.path, feed.entries[0].content_html) == ("judge" if ending else "fast", "44 are dead.")
    assert feed.entries[0].summary == "44 are dead."
