"""Which addresses the page takes for a feed."""

from datetime import UTC, datetime

import httpx
import pytest

from monitor.web.options import WebOptions
from storage import feeds
from storage.database import Database
from storage.records import FeedKind, FeedSpec, FeedState, Trust
from tests.monitor.web import archive
from tests.monitor.web.conftest import MakeApp
from tests.monitor.web.forms import send
from tests.monitor.web.serving import serve

WRONG = [
    "ftp://a.example/rss", "file:///etc/passwd", "https://", "https:///rss", "http://:80/rss", "https://user@/rss", "javascript:alert(1)",
    "data:text/xml,x", "a.example/rss", "//a.example/rss", "https://a.example:99999/rss", "https://a.example:x/", "http://[broken/rss",
    "http://a.example/a b", "https://exa\u0007mple.org/", "gopher://a.example", "https://?x=y", "https://..", " ",
]  # fmt: skip
INSIDE = [
    "http://127.0.0.1/rss", "http://localhost:8080/rss", "http://LOCALHOST./rss", "http://[::1]/rss", "http://10.1.2.3/rss",
    "http://192.168.0.9/rss", "http://169.254.169.254/latest", "http://127.1/rss", "http://2130706433/rss", "http://0x7f.1/rss",
    "http://[::ffff:10.0.0.1]/rss", "https://user:pass@127.0.0.1/rss", "http://x.localhost/rss",
]  # fmt: skip


def count(database: Database) -> int:
    with database.read() as session:
        return len(feeds.list_feeds(session))


@pytest.mark.parametrize("urls", [WRONG, INSIDE], ids=["no address", "inside"])
def test_what_cannot_be_fetched_is_refused_with_words(
    client: httpx.Client, database: Database, urls: list[str]
) -> None:
    before = count(database)
    words = "That is no address of a feed" if urls is WRONG else "of this machine or its network"
    for url in urls:
        answer = send(client, "/feeds", "/feeds", url=url)
        assert answer.status_code == 422, url
        assert words in answer.text, url
    assert count(database) == before


@pytest.mark.parametrize(
    "url",
    ["https://a.example/rss", "http://8.8.8.8/rss", "https://пример.рф/лента", "https://u:p@a.example:8443/r?x=1"],
)
def test_what_can_be_fetched_is_taken(client: httpx.Client, database: Database, url: str) -> None:
    assert send(client, "/feeds", "/feeds", url=f" {url} ").status_code == 303
    with database.read() as session:
        assert feeds.get_feed(session, url).due_at is not None


def test_an_intranet_may_be_watched_where_the_settings_say_so(make_app: MakeApp, database: Database) -> None:
    options = WebOptions(allow_private=True)
    with serve(make_app(options)) as base, httpx.Client(base_url=base) as client:
        assert send(client, "/feeds", "/feeds", url="http://10.1.2.3/rss").status_code == 303
        assert send(client, "/feeds", "/feeds", url="file:///etc/passwd").status_code == 422


def test_adding_a_stored_feed_again_keeps_what_is_not_said_anew(client: httpx.Client, database: Database) -> None:
    url, now = "https://a.example/rss", datetime(2022, 1, 20, tzinfo=UTC)
    known = FeedSpec(url=url, source="A Wire", trust=Trust.AGENCY, full=True, lang="ru", kind=FeedKind.PAGE)
    with database.write() as session:
        feeds.add_feed(session, known, stories=[archive.KAZAKHSTAN.slug], due_at=now)
    answer = send(client, "/feeds", "/feeds", url=url, source="", trust="unknown", story=archive.QUAKE.slug)
    assert answer.status_code == 303
    with database.read() as session:
        held = feeds.get_feed(session, url)
        assert len(feeds.list_feed_stories(session, held.feed_id)) == 2
    described = (held.source, held.trust, held.full, held.lang, held.kind)
    assert described == ("A Wire", Trust.AGENCY, True, "ru", FeedKind.PAGE)
    assert send(client, "/feeds", "/feeds", url=url, source="A. Wire", trust="major").status_code == 303
    with database.read() as session:
        held = feeds.get_feed(session, url)
    assert (held.source, held.trust, held.full, held.lang) == ("A. Wire", Trust.MAJOR, True, "ru")


def test_a_feed_that_was_given_up_is_asked_again_when_it_is_added_again(
    client: httpx.Client, database: Database
) -> None:
    with database.read() as session:
        gone = next(feed for feed in feeds.list_feeds(session) if feed.state is FeedState.GONE)
    assert send(client, "/feeds", "/feeds", url=gone.url).status_code == 303
    with database.read() as session:
        now = datetime(2022, 1, 21, tzinfo=UTC)
        assert gone.url in {feed.url for feed in feeds.list_due_feeds(session, now)}
