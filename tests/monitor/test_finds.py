"""Saved searches tell of new articles that they find: once, with the words found, to those who asked for them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

from alerts.changes import Notice
from alerts.interest import judge_interest
from alerts.messages import render
from monitor.finds import note_finds
from monitor.watch import Watch
from storage import articles, claims, deliveries, searches, tables
from storage.database import Database
from storage.keeping import find_problems
from storage.records import Revision, RevisionKind, SavedSearch, Subscription
from tests.monitor.test_cycle import FILLER, HIGHER, TITLE, TOLL
from tests.support.desk import START, Desk
from tests.support.stored import store_article, store_story
from tests.support.webserver import WebServer

TOLLS_ONLY = Subscription(name="tolls", searches=("toll*",), channels=("hook",))
NO_FINDS = Subscription(name="figures", kinds=("raised",), channels=("hook",))
ALL_FINDS = Subscription(name="all", kinds=("found",), channels=("hook",))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with WebServer() as site:
        made = Desk(site, tmp_path, subscriptions=(ALL_FINDS, TOLLS_ONLY, NO_FINDS))
        yield made
        made.database.close()


def save(desk: Desk, name: str, query: str, *, is_told: bool = True) -> SavedSearch:
    with desk.database.write() as session:
        return searches.save_search(session, name, query, saved_at=desk.now, is_told=is_told)


def finds(desk: Desk) -> list[Revision]:
    with desk.database.read() as session:
        return [one for one in claims.list_revisions(session) if one.kind is RevisionKind.FOUND]


def told(desk: Desk) -> list[tuple[str, str]]:
    """Which subscription was planned an alert for which search."""
    named = {one.revision_id: one.key.place for one in finds(desk)}
    planned = [(one.subscription, named[one.revision_id]) for one in desk.alerts() if one.revision_id in named]
    return sorted(planned)


def test_a_new_article_is_told_to_those_who_asked_for_the_search_and_once(desk: Desk) -> None:
    save(desk, "tolls", "killed>40 riots")
    save(desk, "schools", '"schools are to open" -troops')
    save(desk, "troops", "troops")
    desk.publish("a", TITLE, TOLL)
    desk.go_on(60)
    assert sorted(one.key.place for one in finds(desk)) == ["schools", "tolls"]
    assert told(desk) == [("all", "schools"), ("all", "tolls"), ("tolls", "tolls")]
    desk.edit("a", TITLE, HIGHER)
    desk.go_on(120)
    assert len(finds(desk)) == 2
    with desk.database.read() as session:
        assert list(find_problems(session)) == []


def test_what_stood_before_is_not_new_and_what_an_edit_brings_into_a_new_one_is(desk: Desk) -> None:
    desk.publish("old", TITLE, TOLL)
    desk.go_on(5)
    desk.now += timedelta(minutes=1)
    save(desk, "tolls", "killed>100")
    desk.publish("new", TITLE + " again", TOLL.replace("Sunday", "Sunday evening"), at=desk.now)
    desk.go_on(5)
    assert finds(desk) == []
    desk.edit("old", TITLE, HIGHER)
    desk.edit("new", TITLE + " again", HIGHER)
    desk.go_on(60)
    (one,) = finds(desk)
    assert one.evidence[0].url.endswith("/new")


def test_a_quiet_search_and_late_news_tell_nobody(desk: Desk) -> None:
    save(desk, "kept", "riots", is_told=False)
    save(desk, "riots", "riots")
    desk.publish("a", TITLE, TOLL, at=START - timedelta(days=30))
    desk.go_on()
    (one,) = finds(desk)
    assert (one.key.place, one.is_silent) == ("riots", True)
    assert told(desk) == []


def test_the_message_names_the_search_and_shows_the_words(desk: Desk) -> None:
    save(desk, "tolls", "health ministry")
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    (one,) = finds(desk)
    (alert,) = (
        alert for alert in desk.alerts() if alert.subscription == "tolls" and alert.revision_id == one.revision_id
    )
    for lang, word in (("en", "saved search"), ("ru", "сохранённый поиск")):
        subscription = Subscription(name="tolls", channels=("hook",), lang=lang)
        message = render(
            [Notice(alert=alert, revision=one)], subscription=subscription, message_id="d1-1", created_at=desk.now
        )
        assert message.subject.startswith("tolls: Harbour News")
        assert TITLE in message.subject
        assert word in message.text
        assert "health ministry" in message.text
        assert "the Health Ministry said on Sunday" in " ".join(message.text.replace("\n> ", " ").split())
        (change,) = json.loads(message.payload)["changes"]
        assert (change["kind"], change["record"], change["evidence"][0]["url"]) == ("found", None, one.evidence[0].url)


def test_a_subscription_that_does_not_name_the_search_says_so(desk: Desk) -> None:
    save(desk, "schools", "schools")
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    (one,) = finds(desk)
    assert judge_interest(one, TOLLS_ONLY).reason == "search"
    assert judge_interest(one, NO_FINDS).reason == "kind"


def test_a_word_of_the_title_alone_is_quoted_from_it(desk: Desk) -> None:
    save(desk, "dozens", "dozens")
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    (one,) = finds(desk)
    assert (one.evidence[0].sentence, one.evidence[0].quote) == (TITLE, "Dozens")


def test_a_long_paragraph_is_quoted_around_the_words(desk: Desk) -> None:
    save(desk, "port", "port")
    desk.publish("a", TITLE, TOLL.replace("\n", " ") + FILLER.replace("\n", " ") * 4)
    desk.go_on()
    (one,) = finds(desk)
    assert "near the port" in one.evidence[0].sentence
    assert len(one.evidence[0].sentence) < 450


def test_on_both_databases_a_replay_tells_nothing_twice(database: Database) -> None:
    def note(session: Session) -> int:
        watch = Watch([], [ALL_FINDS])
        version = articles.get_version(session, article.article_id, 1)
        return len(note_finds(session, watch, article, version, now=version.fetched_at))

    with database.write() as session:
        store_story(session)
        searches.save_search(session, "deaths", "killed ministry", saved_at=START)
        article = store_article(session, published=None)
        assert note(session) == 1
    with database.write() as session:
        assert note(session) == 0
        assert len(deliveries.list_alerts(session)) == 1


def test_a_query_that_this_version_cannot_read_is_left_out(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    save(desk, "riots", "riots")
    save(desk, "broken", "riots")
    with desk.database.write() as session:
        changed = tables.SAVED_SEARCHES.c.name == "broken"
        session.execute(tables.SAVED_SEARCHES.update().where(changed).values(query="(riots"))
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    assert [one.key.place for one in finds(desk)] == ["riots"]
    assert "broken" in caplog.text
