"""Our readers agree with feedparser on titles, links, ids and dates, and raise nothing of their own."""

import calendar
import contextlib
import io
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.reading.feeds import parse_feed
from monitor.reading.feeds_fast import NotOrdinary, read_fast
from storage.errors import FeedParseError
from tests.monitor.reading.feed_documents import bases, damaged_feeds, feeds

Fields = tuple[str, str, str, datetime | None, datetime | None]


def judged(body: bytes, url: str) -> tuple[tuple[str, str], list[Fields]]:
    """What feedparser reads; no entries where it raises."""
    headers = {"content-type": "application/xml"} | ({"content-location": url} if url else {})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = feedparser.parse(io.BytesIO(body), response_headers=headers)
    except Exception:  # feedparser's own faults on damaged feeds are not ours to compare with
        return ("", ""), []
    fields = [
        (
            entry.get("id") or "",
            entry.get("link") or "",
            entry.get("title") or "",
            moment(dict.get(entry, "published_parsed")),
            moment(dict.get(entry, "updated_parsed")),
        )
        for entry in parsed.entries
    ]
    return (parsed.feed.get("title") or "", parsed.feed.get("link") or ""), fields


def moment(parts: Any) -> datetime | None:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=calendar.timegm(parts)) if parts else None
    except (ValueError, OverflowError):
        return None


def ours(body: bytes, url: str) -> tuple[tuple[str, str], list[Fields]]:
    feed = parse_feed(body, url=url)
    fields = [(e.entry_id, e.link, e.title, e.published_at, e.updated_at) for e in feed.entries]
    return (feed.title, feed.link), fields


@given(feeds, bases)
@settings(max_examples=400, deadline=None)
def test_odd_feeds_read_as_feedparser_reads_them(body: bytes, url: str) -> None:
    expected = judged(body, url)
    if expected[1]:
        assert ours(body, url) == expected


@given(damaged_feeds(), bases)
@example(b"{rss version='2.0'><channel><item><title>a</title><link>http://a.org/1</link></item></channel></rss>", "")
@example(
    b"<rss version='2.0'><channel><item><title>a&#0;b</title><link>&#0;ttp://a.org/1</link></item></channel></rss>", ""
)
@settings(max_examples=300, deadline=None)
def test_damaged_feeds_read_as_feedparser_reads_them(body: bytes, url: str) -> None:
    expected = judged(body, url)
    if expected[1]:
        assert ours(body, url) == expected
        return
    with contextlib.suppress(FeedParseError):
        parse_feed(body, url=url)


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=300, deadline=None)
def test_any_bytes_raise_our_error_or_none(body: bytes) -> None:
    for document in (
        body,
        b"<rss version='2.0'><channel><item><title>" + body,
        b'{"items": [' + body,
        b"<urlset>" + body,
    ):
        with contextlib.suppress(FeedParseError):
            parse_feed(document, url="http://a.org/f")


ORDINARY = [
    b"<rss version='2.0'><channel><title>T</title><item><title>A</title><link>http://a/</link></item></channel></rss>",
    b"<?xml version='1.0' encoding='windows-1251'?><rss version='2.0'><channel><title>\xcd</title></channel></rss>",
    b"<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom' xmlns:yt='urn:x'><channel><atom:link rel='self' href='x'/>"
    b"<item><title>A &amp; B</title><yt:x><yt:y/></yt:x><source url='s'>S</source></item></channel></rss>",
    b"<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en' xmlns:thr='http://purl.org/syndication/thread/1.0'><title>T</title>"
    b"<entry><title type='html'>A &lt;b&gt;</title><link href='/x'/><thr:total>3</thr:total></entry></feed>",
    b"<?xml version='1.0'?><?xml-stylesheet href='x'?><rss version='0.91'><channel><title>T</title></channel></rss>",
]


@pytest.mark.parametrize("body", ORDINARY)
def test_ordinary_feeds_take_the_fast_path(body: bytes) -> None:
    feed = parse_feed(body, url="http://a.org/f")
    assert feed.path == "fast"
    assert ours(body, "http://a.org/f") == judged(body, "http://a.org/f") or not judged(body, "http://a.org/f")[1]


NOT_ORDINARY = [
    b"<!DOCTYPE rss [<!ENTITY a 'b'>]><rss version='2.0'><channel><title>&a;</title></channel></rss>",
    b"<rss version='2.0'><channel><title>T</title><item><title>A</title><title>B</title></item></channel></rss>",
    b"<rss version='2.0' xmlns:dc='urn:other'><channel><title>T</title></channel></rss>",
    b"<rss version='2.0' xml:base='http://b/'><channel><title>T</title></channel></rss>",
    b"<rss version='2.0'><channel><title>T</title><item><foo><title>A</title></foo></item></channel></rss>",
    b"<rss version='2.0'><channel><title>T</item></channel></rss>",
]


@pytest.mark.parametrize("body", NOT_ORDINARY)
def test_odd_feeds_are_left_to_the_judge(body: bytes) -> None:
    with pytest.raises(NotOrdinary):
        read_fast(body, url="")
