"""News sitemaps and their index on a real server: compressed, in UTF-16, broken in part, and unchanged."""

import gzip
from datetime import timedelta

import pytest

from storage import feeds
from storage.records import Feed
from tests.monitor.test_cycle import HIGHER, TITLE, TOLL
from tests.support.desk import START, Desk
from tests.support.webserver import Reply

SPACE = (
    "xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'"
)


def listed(desk: Desk, *names: str) -> str:
    urls = "".join(
        f"<url><loc>{desk.site.url(f'/{name}')}</loc><news:news><news:title>{TITLE}</news:title>"
        f"<news:publication_date>{START.isoformat()}</news:publication_date></news:news></url>"
        for name in names
    )
    return f"<?xml version='1.0'?><urlset {SPACE}>{urls}</urlset>"


def index(desk: Desk, *names: str) -> str:
    parts = "".join(f"<sitemap><loc>{desk.site.url(f'/{name}')}</loc></sitemap>" for name in names)
    return f"<?xml version='1.0'?><sitemapindex {SPACE}>{parts}</sitemapindex>"


def xml(text: str | bytes, *, etag: str = "", kind: str = "application/xml") -> Reply:
    body = text.encode() if isinstance(text, str) else text
    return Reply(body=body, headers={"ETag": etag} if etag else {}, content_type=kind)


def held(desk: Desk) -> Feed:
    with desk.database.read() as session:
        return feeds.get_feed(session, 1)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "gzip", "utf-16 gzip"])
@pytest.mark.parametrize("is_index", [False, True])
def test_a_sitemap_is_read_compressed_and_in_utf_16(desk: Desk, encoding: str, is_index: bool) -> None:
    def encoded(text: str) -> Reply:
        body = text.encode(encoding.split()[0] if encoding.startswith("utf") else "utf-8")
        if not encoding.endswith("gzip"):
            return xml(body)
        return xml(gzip.compress(body), kind="application/x-gzip")

    desk.publish("a", TITLE, TOLL, listed=False)
    desk.site.add("/news.xml.gz", encoded(listed(desk, "a")))
    desk.site.add("/feed", encoded(index(desk, "news.xml.gz") if is_index else listed(desk, "a")))
    desk.go_on(10)
    assert held(desk).last_error is None
    assert desk.moves() == [("first", 44)]


def test_a_gzipped_file_that_holds_too_much_is_refused(desk: Desk) -> None:
    desk.site.add("/feed", xml(gzip.compress(bytes(20_000_000)), kind="application/x-gzip"))
    desk.go_on()
    assert "once decompressed" in (held(desk).last_error or "")


def test_files_of_an_index_that_cannot_be_read_are_told_and_the_others_are_read(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL, listed=False)
    desk.site.add("/news.xml", xml(listed(desk, "a")))
    desk.site.add("/feed", xml(index(desk, "news.xml", "lost.xml")))
    desk.go_on(10)
    assert desk.moves() == [("first", 44)]
    said = held(desk).last_error or ""
    assert "1 of the 2 files that this index names cannot be read" in said
    assert desk.site.url("/lost.xml") in said
    assert held(desk).failures == 0


def test_an_index_of_which_nothing_can_be_read_fails(desk: Desk) -> None:
    desk.site.add("/feed", xml(index(desk, "lost.xml", "gone.xml")))
    desk.go_on()
    assert held(desk).failures == 1
    assert "2 of the 2 files" in (held(desk).last_error or "")


def test_an_index_and_its_files_are_not_sent_again_while_they_stand_as_they_are(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL, listed=False)
    desk.publish("b", "More riots in Harbour City", HIGHER, listed=False)
    desk.site.add("/news.xml", xml(listed(desk, "a"), etag='"n1"'))
    desk.site.add("/old.xml", xml(listed(desk), etag='"o1"'))
    desk.site.add("/feed", xml(index(desk, "news.xml", "old.xml"), etag='"i1"'))
    desk.go_on(60)
    asked = [one for one in desk.site.requests if one.path in ("/feed", "/news.xml", "/old.xml")]
    whole = [one.path for one in asked if "if-none-match" not in one.headers]
    assert sorted(whole) == ["/feed", "/news.xml", "/old.xml"]
    assert len(asked) > 10
    desk.site.add("/news.xml", xml(listed(desk, "a", "b"), etag='"n2"'))
    desk.go_on(10)
    assert len(desk.articles()) == 2


def test_files_of_an_index_whose_server_says_for_ever_that_nothing_changed_are_read_whole_once_a_week(
    desk: Desk,
) -> None:
    desk.publish("a", TITLE, TOLL, listed=False)
    desk.publish("b", "More riots in Harbour City", HIGHER, listed=False)
    was, will_be = (xml(listed(desk, *names), etag='"for ever"') for names in ("a", "ab"))
    changed_at = START + timedelta(hours=3)
    desk.site.add("/news.xml", lambda _: was if desk.now < changed_at else will_be)
    desk.site.add("/feed", xml(index(desk, "news.xml")))
    desk.go_on(timedelta(days=8).total_seconds() / 60, step=120)
    assert len(desk.articles()) == 2
    whole = [one for one in desk.site.requests if one.path == "/news.xml" and "if-none-match" not in one.headers]
    assert len(whole) == 2
