"""What a site shows in the stead of an article: never an edit, and a removal only when a second fetch shows the same."""

import pytest

from storage import feeds
from storage.records import RevisionKind
from tests.monitor.test_cycle import FILLER, HIGHER, TITLE, TOLL
from tests.support.desk import START, Desk, page
from tests.support.webserver import Reply, Request

ROUND_UP = (
    "Riots in Harbour City have left 9 people dead, the Interior Ministry said.\nRovers won the cup.\nRain is expected."
    + FILLER
)


def to(path: str, *, status: int = 302) -> Reply:
    return Reply(status=status, headers={"Location": path})


def named(title: str, text: str, *, site: str = "") -> Reply:
    """A page that says nothing of when it was published."""
    head = f"<title>{title}</title>" + (f"<meta property='og:site_name' content='{site}'>" if site else "")
    paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n"))
    return Reply(
        body=f"<html><head>{head}</head><body><article><h1>{title}</h1>{paragraphs}</article></body></html>".encode()
    )


@pytest.fixture
def stood(desk: Desk) -> Desk:
    """A desk that holds an article at a deep address."""
    desk.publish("news/world/2022/harbour-city-riots-toll", TITLE, TOLL)
    desk.go_on(5)
    assert desk.moves() == [("first", 44)]
    return desk


ARTICLE = "/news/world/2022/harbour-city-riots-toll"


@pytest.mark.parametrize("place", ["/", "/?ref=404", "/news", "/news/world/", "/en/"])
def test_an_article_that_leads_to_a_front_page_is_removed_and_not_edited(stood: Desk, place: str) -> None:
    stood.site.add(place.partition("?")[0], named("Harbour News: all the news", ROUND_UP))
    stood.site.add(ARTICLE, to(place))
    stood.go_on(30)
    assert stood.revisions(RevisionKind.REMOVED, RevisionKind.EDITED) == ()
    stood.go_on(150)
    assert stood.revisions(RevisionKind.EDITED) == ()
    assert len(stood.revisions(RevisionKind.REMOVED)) == 1
    assert stood.moves() == [("first", 44)]


@pytest.mark.parametrize(
    ("title", "text"),
    [
        (
            "Page not found | Harbour News",
            "Sorry.\nRead instead: riots in Harbour City have left 9 people dead." + FILLER,
        ),
        ("404", ROUND_UP),
        ("Harbour News", "The page you are looking for does not exist or was moved.\nRiots: 9 people are dead."),
        ("Страница не найдена — Вести", "Запрашиваемая страница удалена.\nГлавное: погибли 9 человек."),
        ("Ups!", "Die angeforderte Seite wurde nicht gefunden. Zur Startseite."),
    ],
)
def test_words_that_a_page_is_not_there_are_a_removal_and_no_edit(stood: Desk, title: str, text: str) -> None:
    stood.site.add(ARTICLE, named(title, text))
    stood.go_on(180)
    assert stood.revisions(RevisionKind.EDITED) == ()
    assert len(stood.revisions(RevisionKind.REMOVED)) == 1
    assert stood.moves() == [("first", 44)]


def test_an_article_that_is_back_at_the_second_fetch_was_not_removed(stood: Desk) -> None:
    good = stood.site.routes[ARTICLE]
    assert isinstance(good, Reply)
    stood.site.add("/", named("Harbour News: all the news", ROUND_UP))
    stood.site.add(ARTICLE, [to("/"), good])
    stood.go_on(24 * 60, step=30)
    assert stood.revisions(RevisionKind.EDITED, RevisionKind.REMOVED) == ()


def test_an_entry_whose_page_is_a_front_page_or_not_found_leaves_what_the_feed_said(desk: Desk) -> None:
    desk.site.add("/", named("Harbour News: all the news", ROUND_UP))
    for name, reply in (("news/riots-in-harbour-city-one", to("/")), ("b", named("404", ROUND_UP))):
        desk.publish(name, f"Riots in Harbour City {name}", TOLL, summary="Clashes left 44 people dead.")
        desk.site.add(f"/{name}", reply)
    desk.go_on(10)
    assert {article.title for article in desk.articles()} == {
        "Riots in Harbour City news/riots-in-harbour-city-one",
        "Riots in Harbour City b",
    }
    assert all(value == 44 for _, value in desk.moves())


def test_articles_that_all_lead_to_one_place_are_not_edited(desk: Desk) -> None:
    for name in ("one", "two"):
        desk.publish(f"{name}-riots-in-harbour-city", f"{TITLE}, report {name}", TOLL)
    desk.go_on(5)
    desk.site.add("/sorry.html", named("What happened this week", ROUND_UP))
    for name in ("one", "two"):
        desk.site.add(f"/{name}-riots-in-harbour-city", to("/sorry.html"))
    desk.go_on(24 * 60, step=30)
    assert desk.revisions(RevisionKind.EDITED) == ()


def test_a_page_titled_with_the_sites_name_that_an_article_leads_to_is_no_edit(stood: Desk) -> None:
    stood.site.add("/x/1234567", named("Harbour News", ROUND_UP, site="Harbour News"))
    stood.site.add(ARTICLE, to("/x/1234567"))
    stood.go_on(180)
    assert stood.revisions(RevisionKind.EDITED) == ()


def test_an_article_that_leads_to_a_login_is_neither_edited_nor_removed(stood: Desk) -> None:
    stood.site.add("/account/login", named("Welcome back", ROUND_UP))
    stood.site.add(ARTICLE, to("/account/login?next=x"))
    stood.go_on(24 * 60, step=30)
    assert stood.revisions(RevisionKind.EDITED, RevisionKind.REMOVED) == ()


@pytest.mark.parametrize("place", ["/2022/riots-toll", "/news", "/news/world/2022/harbour-city-riots-toll/amp"])
def test_an_article_that_moved_under_its_title_is_read_where_it_is(stood: Desk, place: str) -> None:
    stood.site.add(place, Reply(body=page(TITLE, HIGHER, START)))
    stood.site.add(ARTICLE, to(place, status=301))
    stood.go_on(60)
    assert stood.moves() == [("first", 44), ("raised", 164)]


def test_where_a_redirect_leads_is_asked_of_robots_txt(desk: Desk) -> None:
    desk.site.add("/robots.txt", Reply(body=b"User-agent: *\nDisallow: /closed", content_type="text/plain"))
    desk.publish("a", "Riots in Harbour City", TOLL, summary="Clashes left 44 people dead, the Health Ministry said.")
    desk.site.add("/a", to("/closed/a"))
    desk.go_on(10)
    assert desk.site.asked("/closed/a") == 0
    assert desk.moves() == [("first", 44)]


def test_an_edit_is_found_though_the_server_says_that_nothing_changed(stood: Desk) -> None:
    body = page(TITLE, HIGHER, START)

    def lying(request: Request) -> Reply:
        if "if-none-match" in request.headers:
            return Reply(status=304)
        return Reply(body=body, headers={"ETag": '"1"'}, ignores_validators=True)

    first = page(TITLE, TOLL, START)
    stood.site.add(ARTICLE, Reply(body=first, headers={"ETag": '"1"'}))
    stood.go_on(30)
    stood.site.add(ARTICLE, lying)
    stood.go_on(60)
    assert stood.moves() == [("first", 44)]
    stood.go_on(120)
    assert stood.moves() == [("first", 44), ("raised", 164)]


def test_a_304_to_a_request_that_named_no_version_is_a_fault_of_the_site(desk: Desk) -> None:
    desk.site.add("/feed", Reply(status=304))
    desk.go_on(60)
    with desk.database.read() as session:
        (feed,) = feeds.list_feeds(session)
    assert feed.failures > 1
    assert "304" in (feed.last_error or "")


def told(desk: Desk) -> list[tuple[str, str]]:
    return [
        (one.kind.value, one.reason)
        for one in desk.revisions()
        if one.kind in (RevisionKind.EDITED, RevisionKind.REMOVED)
    ]


@pytest.mark.parametrize("gone", ["front page", "404"])
def test_an_article_that_comes_back_as_it_was_is_told_and_read_on(stood: Desk, gone: str) -> None:
    good = stood.site.routes[ARTICLE]
    stood.site.add("/", named("Harbour News: all the news", ROUND_UP))
    stood.site.add(ARTICLE, to("/") if gone == "front page" else Reply(status=404))
    stood.go_on(5 * 60, step=10)
    assert told(stood) == [("removed", "removed")]
    stood.site.add(ARTICLE, good)
    stood.go_on(12 * 60, step=10)
    assert told(stood) == [("removed", "removed"), ("edited", "returned")]
    assert stood.moves() == [("first", 44)]
    (article,) = stood.articles()
    assert article.removed_at is None
    stood.site.add(ARTICLE, Reply(body=page(TITLE, HIGHER, START)))
    stood.go_on(4 * 60, step=10)
    assert stood.moves() == [("first", 44), ("raised", 164)]


def test_an_article_that_comes_back_with_another_figure_is_an_edit_too(stood: Desk) -> None:
    stood.site.add(ARTICLE, Reply(status=404))
    stood.go_on(60)
    stood.site.add(ARTICLE, Reply(body=page(TITLE, HIGHER, START)))
    stood.go_on(4 * 60, step=10)
    assert sorted(told(stood)) == [("edited", "returned"), ("edited", "silent_edit"), ("removed", "removed")]
    assert stood.moves() == [("first", 44), ("raised", 164)]


def test_another_page_at_the_address_of_a_removed_article_is_not_that_article(stood: Desk) -> None:
    stood.site.add(ARTICLE, Reply(status=404))
    stood.go_on(60)
    other = "Riots in Harbour City have left 9 people dead, it was said.\n" + "Rovers won the cup again today. " * 20
    stood.site.add(ARTICLE, named("What happened this week", other))
    stood.go_on(24 * 60, step=30)
    assert told(stood) == [("removed", "removed")]
    assert stood.moves() == [("first", 44)]


def test_a_removed_article_is_looked_at_ever_more_rarely(stood: Desk) -> None:
    stood.site.add(ARTICLE, Reply(status=404))
    stood.go_on(60)
    before = stood.site.asked(ARTICLE)
    stood.go_on(24 * 60, step=30)
    in_a_day = stood.site.asked(ARTICLE)
    assert 4 <= in_a_day - before <= 6
    stood.go_on(30 * 24 * 60, step=12 * 60)
    assert 4 <= stood.site.asked(ARTICLE) - in_a_day <= 6
