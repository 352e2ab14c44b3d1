"""A page that comes byte for byte as before is not read again; whatever else came is."""

from dataclasses import replace
from datetime import timedelta

from monitor.sources.policy import hash_body
from storage import articles
from storage.records import Article
from tests.support.desk import START, Desk, page
from tests.support.outlet import FILLER
from tests.support.webserver import Reply

TITLE = "Riots in Harbour City"
TOLL = "The unrest in Harbour City has left 44 people dead, the Health Ministry said on Sunday." + FILLER


def held(desk: Desk) -> tuple[Article, int]:
    """The article, and how many versions of it there are."""
    with desk.database.read() as session:
        return articles.get_article(session, 1), len(articles.list_versions(session, 1))


def test_the_bytes_that_a_page_came_in_are_known_again(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    article, _ = held(desk)
    assert article.body_hash == hash_body(page(TITLE, TOLL, START))
    higher = page(TITLE, TOLL.replace("44", "164"), START)
    with desk.database.write() as session:
        articles.update_article(session, replace(article, body_hash=hash_body(higher)))
    desk.site.add("/a", Reply(body=higher))
    desk.go_on(20)
    article, versions = held(desk)
    assert versions == 1  # not read: its bytes are said to be those that we have read
    assert article.last_read_at is not None
    assert article.last_read_at > START
    desk.edit("a", TITLE, TOLL.replace("44", "165"))
    desk.go_on(20)
    article, versions = held(desk)
    assert versions == 2
    assert article.body_hash == hash_body(page(TITLE, TOLL.replace("44", "165"), START))


def test_bytes_that_differ_in_no_word_are_known_from_then_on(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    other = page(TITLE, TOLL, START).replace(b"<main>", b"<main data-nonce='7'>")
    desk.site.add("/a", Reply(body=other))
    desk.go_on(20)
    assert held(desk)[0].body_hash == hash_body(other)
    assert held(desk)[1] == 1


def test_an_article_on_several_pages_is_read_whole_each_time(desk: Desk) -> None:
    first = page(TITLE, TOLL, START).replace(b"</head>", b"<link rel='next' href='/a?page=2'></head>")
    desk.publish("a", TITLE, TOLL)
    desk.site.add("/a", Reply(body=first))
    desk.site.add("/a?page=2", Reply(body=page(TITLE, "More of it." + FILLER, START)))
    desk.go_on()
    assert held(desk)[0].body_hash is None


def test_what_the_feed_said_is_not_taken_for_the_page(desk: Desk) -> None:
    desk.publish("a", TITLE, "", summary=TOLL)
    desk.site.add("/a", Reply(body=b"<html><title>x</title><div id=root></div><script>x()</script></html>"))
    desk.go_on()
    article, versions = held(desk)
    assert (article.body_hash, versions) == (None, 1)
    desk.edit("a", TITLE, TOLL.replace("44", "51"))
    desk.go_on(30)
    assert held(desk)[1] == 2
    assert held(desk)[0].first_seen_at + timedelta(minutes=30) == desk.now
