"""Passwords and tokens in the addresses of feeds and watched pages reach nobody, on any way out."""

import io
import json
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from alerts.changes import subject_of
from alerts.words import load_words
from monitor.logs import configure_logs
from storage import articles, claims, feeds
from storage.covering import cover_login, cover_secrets
from storage.database import Database
from storage.export import COLUMNS, export_rows, write_rows
from storage.records import (
    Evidence,
    FeedKind,
    FeedSpec,
    FeedState,
    Figure,
    NewArticle,
    RecordKey,
    Revision,
    RevisionKind,
)
from tests.monitor.web import archive
from tests.monitor.web.forms import send
from tests.support.commandline import CommandLine

SECRET = "hush"
WITH_LOGIN = f"https://desk:{SECRET}-1@paid.example/rss"
WITH_TOKEN = f"https://paid.example/rss?lang=en&token={SECRET}-2&page=1"
WITH_KEY = f"https://paid.example/other?key={SECRET}-3"
PAGE = f"https://desk:{SECRET}-4@paid.example/toll?access_token={SECRET}-5"


def keep_secrets(database: Database) -> None:
    """Feeds with secrets in their addresses, that answered and that failed; a watched page; what is told of them."""
    now = archive.NOW
    with database.write() as session:
        held = [feeds.add_feed(session, FeedSpec(url=url)) for url in (WITH_LOGIN, WITH_TOKEN, WITH_KEY)]
        held.append(feeds.add_feed(session, FeedSpec(url=PAGE, kind=FeedKind.PAGE)))
        failing = [
            replace(one, failures=3, failing_since=now - timedelta(days=2), last_success_at=now - timedelta(days=n),
                    last_error=f"{one.url}: the server answered 401; asked {one.url} twice", state=FeedState.ACTIVE)
            for n, one in enumerate(held)
        ]  # fmt: skip
        feeds.update_feeds(session, failing)
        article = articles.add_article(
            session,
            NewArticle(url=PAGE, title="", text="Toll of 5 in the riots", text_hash="t1:page", fetched_at=now, source="City Hall", lang="en"),
        )  # fmt: skip
        proof = Evidence(url=PAGE, title="Toll", source="City Hall", sentence="Toll of 5.", quote="5")
        key = RecordKey(story=archive.KAZAKHSTAN.slug, metric="killed")
        dead = RecordKey(story="", metric="feed", unit="health", place=WITH_LOGIN)
        claims.add_revisions(session, [
            Revision(revision_id="page", story=key.story, key=key, kind=RevisionKind.RAISED, after=Figure(value=5), recorded_at=now,
                     evidence=(proof,), article_id=article.article_id),
            Revision(revision_id="dead", story="", key=dead, kind=RevisionKind.HEALTH, after=Figure(state="dead"), recorded_at=now,
                     reason="feed_dead", detail=f"hours=48\nerror={WITH_TOKEN}: the server answered 401"),
        ])  # fmt: skip


@pytest.fixture
def secretive(client: httpx.Client, database: Database) -> httpx.Client:
    """A service that watches them."""
    keep_secrets(database)
    return client


def test_no_page_shows_them(secretive: httpx.Client) -> None:
    article = secretive.get("/api/v1/articles?source=City%20Hall").json()["items"][0]["article_id"]
    story = f"/stories/{archive.KAZAKHSTAN.slug}"
    for path in (
        "/", "/feeds", "/alerts", "/about", story, f"{story}/records", f"{story}/record?metric=killed", "/revisions/page", "/revisions/dead",
        f"/articles/{article}", "/search?q=toll", f"{story}/revisions.atom", "/search.atom?q=toll", "/metrics", "/api/v1/feeds",
        "/api/v1/revisions", "/api/v1/revisions/dead", "/api/v1/revisions/page", "/api/v1/articles", f"/api/v1/articles/{article}",
        "/api/v1/search?q=toll", "/api/v1/claims",
    ):  # fmt: skip
        answer = secretive.get(path)
        assert answer.status_code == 200, path
        assert SECRET not in answer.text, path
    shown = secretive.get("/feeds").text
    assert "https://…@paid.example/rss" in shown
    assert "https://paid.example/rss?lang=en&amp;token=…&amp;page=1" in shown
    assert "paid.example/rss: the server answered 401" in shown
    assert 'href="https://…' not in shown, "what is covered leads nowhere"


def test_a_series_a_feed_stays_one_series(secretive: httpx.Client, database: Database) -> None:
    with database.write() as session:
        other = feeds.add_feed(session, FeedSpec(url=WITH_LOGIN.replace("-1", "-6")))
        feeds.update_feeds(session, [replace(other, last_success_at=archive.NOW - timedelta(days=9))])
    lines = [
        line for line in secretive.get("/metrics").text.splitlines() if 'feed="https://…@paid.example/rss"' in line
    ]
    assert [float(line.rpartition(" ")[2]) for line in lines] == [9 * 86_400.0]


def test_what_was_typed_wrongly_is_shown_to_its_writer_alone(secretive: httpx.Client) -> None:
    answer = send(secretive, "/feeds", "/feeds", url=f"ftp://desk:{SECRET}-7@paid.example/")
    assert answer.status_code == 422
    assert SECRET not in secretive.get("/feeds").text


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_of_the_log_shows_them(form: str) -> None:
    root, written = logging.getLogger(), io.StringIO()
    before, level = root.handlers[:], root.level
    try:
        configure_logs(level="info", form=form, stream=written)
        logging.getLogger("monitor.test").info("%s: 3 entries", WITH_LOGIN)
        try:
            raise ValueError(WITH_TOKEN)
        except ValueError:
            logging.getLogger("monitor.test").exception("failed")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert "paid.example/rss" in written.getvalue()
    assert SECRET not in written.getvalue()


def test_no_message_shows_them(database: Database) -> None:
    keep_secrets(database)
    with database.read() as session:
        dead = claims.get_revision(session, "dead")
    assert subject_of(dead, load_words("en"), None) == "feed https://…@paid.example/rss"


def test_no_export_shows_them(database: Database) -> None:
    keep_secrets(database)
    written = io.StringIO()
    with database.read() as session:
        for table in COLUMNS:
            write_rows(export_rows(session, table), table, written, "jsonl")
    assert "…@paid.example/toll" in written.getvalue()
    assert SECRET not in written.getvalue()


def test_the_command_line_covers_them_too(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    for url in (WITH_LOGIN, WITH_TOKEN, WITH_KEY):
        added = line.run("feeds", "add", url)
        assert added.returncode == 0, added.stderr
        assert SECRET not in added.stdout
    shown = line.run("feeds", "list").stdout
    assert "paid" in shown
    assert SECRET not in shown
    listed = json.loads(line.run("feeds", "list", "--json").stdout)
    assert [one["url"] for one in listed] == [
        "https://…@paid.example/rss", "https://paid.example/rss?lang=en&token=…&page=1", "https://paid.example/other?key=…",
    ]  # fmt: skip
    refused = line.run("feeds", "add", f"ftp://desk:{SECRET}-8@paid.example/")
    assert refused.returncode == 1
    assert "not a web address" in refused.stderr
    assert SECRET not in refused.stderr
    inside = line.run("feeds", "add", "http://10.0.0.8/rss")
    assert inside.returncode == 1
    assert "not an address of the public internet" in inside.stderr
    # Another reader needs the addresses whole.
    assert f"{SECRET}-1@" in line.run("feeds", "export").stdout


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://u:p@h/x", "https://…@h/x"),
        ("https://u@h", "https://…@h"),
        ("https://u:p@ss@h/a@b", "https://…@h/a@b"),
        ("https://h/a@b?c=d@e", "https://h/a@b?c=d@e"),
        ("https://h/?api_key=1&apikey=2&api-key=3&x=4", "https://h/?api_key=…&apikey=…&api-key=…&x=4"),
        ("https://h/?X-Amz-Signature=1&keyword=war&tokens=2", "https://h/?X-Amz-Signature=…&keyword=war&tokens=2"),
        ("https://h/?PASSWORD=1;pwd=2#token=3", "https://h/?PASSWORD=…;pwd=…#token=3"),
        ("tried HTTP://u:p@h/ and <https://h/?auth=1>.", "tried HTTP://…@h/ and <https://h/?auth=…>."),
        ("mail me@h.example, no address", "mail me@h.example, no address"),
        ("https://h/?token=", "https://h/?token="),
    ],
)
def test_what_is_covered_of_a_feed(given: str, shown: str) -> None:
    assert cover_secrets(given) == shown
    assert cover_secrets(shown) == shown, "once is enough"


def test_of_an_article_only_what_is_surely_secret_is_covered() -> None:
    assert cover_login("https://u:p@h/story?key=12&id=3") == "https://…@h/story?key=12&id=3"
    assert cover_login("https://h/story?access_token=1&code=7") == "https://h/story?access_token=…&code=7"
