"""From a feed on a real server to revisions and alerts in a real database; time passes only where a test says so."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.reprocessing import rematch_article
from monitor.watch import Watch
from storage import articles, claims, feeds
from storage.records import FeedSpec, MatchState, RevisionKind
from tests.support.desk import START, STORY, Desk
from tests.support.webserver import Reply, Request

FILLER = (
    "\nShops stayed shut on Sunday and buses did not run. Residents said that the streets had been quiet since dawn,"
    " and that soldiers stood at the crossings near the port. Schools are to open again later this week."
)
TOLL = "The unrest in Harbour City has left 44 people dead, the Health Ministry said on Sunday." + FILLER
HIGHER = "The unrest in Harbour City has left 164 people dead, the Health Ministry said on Sunday." + FILLER
TITLE = "Dozens of lives lost in Harbour City riots"


def test_an_entry_becomes_an_article_a_claim_a_record_and_an_alert(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    (article,) = desk.articles()
    assert article.source == "Harbour News"
    assert article.published is not None
    assert article.published.not_before == START
    assert desk.moves() == [("first", 44)]
    (revision,) = desk.revisions(RevisionKind.FIRST, metric="killed")
    assert "left 44 people dead" in revision.evidence[0].sentence
    assert [alert.revision_id for alert in desk.alerts() if alert.revision_id == revision.revision_id]


def test_an_entry_that_names_nothing_of_a_story_is_not_even_fetched(desk: Desk) -> None:
    desk.publish("football", "Rovers win the cup", "Rovers won 3-1 on Sunday." + FILLER)
    desk.go_on(30)
    assert desk.site.asked("/football") == 0
    assert desk.articles() == ()


def test_a_page_that_fails_is_read_later_even_if_the_feed_does_not_change(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    good = desk.site.routes["/a"]
    assert isinstance(good, Reply)
    desk.site.add("/a", [Reply(status=503), Reply(status=503), good])
    desk.go_on()
    assert desk.articles() == ()
    desk.go_on(20)
    assert desk.moves() == [("first", 44)]


def test_a_page_that_never_comes_leaves_what_the_feed_said(desk: Desk) -> None:
    desk.publish("a", "Riots in Harbour City: 44 killed", TOLL, summary="Clashes left 44 people dead.")
    desk.site.add("/a", Reply(status=500))
    desk.go_on(12 * 60, step=30)
    (article,) = desk.articles()
    assert article.title == "Riots in Harbour City: 44 killed"
    assert desk.moves() == [("first", 44)]


def test_robots_txt_is_obeyed_and_the_feeds_own_words_are_kept(desk: Desk) -> None:
    desk.site.add("/robots.txt", Reply(body=b"User-agent: *\nDisallow: /a", content_type="text/plain"))
    desk.publish("a", "Riots in Harbour City", TOLL, summary="Clashes left 44 people dead, the Health Ministry said.")
    desk.go_on()
    assert desk.site.asked("/a") == 0
    assert desk.moves() == [("first", 44)]


def test_polling_again_tells_nothing_twice(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on(180)
    assert desk.moves() == [("first", 44)]
    assert desk.site.asked("/a") >= 5
    assert len(desk.alerts()) == len({alert.alert_id for alert in desk.alerts()})


def test_a_raised_figure_in_place_is_told_with_the_silent_edit(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on(10)
    desk.edit("a", TITLE, HIGHER)
    desk.go_on(60)
    assert desk.moves() == [("first", 44), ("raised", 164)]
    (edit,) = desk.revisions(RevisionKind.EDITED)
    assert edit.reason == "silent_edit"
    assert (edit.before.value if edit.before else None, edit.after.value if edit.after else None) == (44, 164)


def test_an_edit_that_takes_a_figure_away_counts_only_when_a_second_fetch_shows_it(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on(5)
    without = "The unrest in Harbour City goes on, the Health Ministry said on Sunday." + FILLER
    good = desk.site.routes["/a"]
    desk.edit("a", TITLE, without)
    gone = desk.site.routes["/a"]
    assert isinstance(good, Reply)
    assert isinstance(gone, Reply)
    desk.site.add("/a", [gone, good])
    desk.go_on(60)
    assert desk.revisions(RevisionKind.EDITED) == ()
    desk.site.add("/a", gone)
    desk.go_on(60)
    assert len(desk.revisions(RevisionKind.EDITED)) == 1


def test_a_wall_or_a_blank_page_is_no_edit(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on(5)
    desk.site.add("/a", Reply(body=b"<html><body><div>   </div></body></html>"))
    desk.go_on(120)
    assert desk.revisions(RevisionKind.EDITED) == ()
    assert desk.moves() == [("first", 44)]


def test_a_page_that_flaps_between_two_texts_is_no_edit(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    for turn in range(8):
        desk.edit("a", TITLE, TOLL.replace("44", "57") if turn % 2 == 0 else TOLL)
        desk.go_on(15, step=15)
    with desk.database.read() as session:
        versions = articles.list_versions(session, desk.articles()[0].article_id)
    assert len(versions) == 1
    assert desk.moves() == [("first", 44)]


@pytest.mark.parametrize(("other", "there"), [("57", "raised"), ("40", "lowered")])
def test_a_page_that_goes_back_for_good_is_told_as_an_edit_and_takes_its_figure_back(
    desk: Desk, other: str, there: str
) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    desk.edit("a", TITLE, TOLL.replace("44", other))
    desk.go_on(60)
    assert desk.moves() == [("first", 44), (there, float(other))]
    desk.edit("a", TITLE, TOLL)
    desk.go_on(60)
    back = "lowered" if there == "raised" else "restored"
    assert desk.moves()[2:] == [(back, 44)]
    edits = desk.revisions(RevisionKind.EDITED)
    assert [(one.before and one.before.value, one.after and one.after.value) for one in edits] == [
        (44, float(other)),
        (float(other), 44),
    ]
    assert {edits[-1].revision_id, desk.revisions(metric="killed")[-1].revision_id} <= {
        alert.revision_id for alert in desk.alerts()
    }
    desk.edit("a", TITLE, TOLL.replace("44", other))
    desk.go_on(60)
    assert desk.moves()[3:] == [("restored" if there == "raised" else "lowered", float(other))]


def test_a_page_that_is_gone_twice_is_told_as_removed_once(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on(5)
    desk.site.add("/a", Reply(status=404))
    desk.go_on(11, step=1)
    assert desk.revisions(RevisionKind.REMOVED) == ()
    desk.go_on(60)
    assert len(desk.revisions(RevisionKind.REMOVED)) == 1
    desk.go_on(6 * 60, step=30)
    assert len(desk.revisions(RevisionKind.REMOVED)) == 1


def test_a_changed_guid_makes_no_new_article(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL, guid="one")
    desk.go_on(5)
    desk.entries.clear()
    desk.publish("a", TITLE, TOLL, guid="two", at=START)
    desk.go_on(10)
    assert len(desk.articles()) == 1


def test_what_a_poll_found_outlives_a_crash_before_the_page_was_read(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    good = desk.site.routes["/a"]
    desk.site.add("/a", Reply(status=503))
    desk.go_on()
    desk.site.add("/a", good)
    with desk.database.read() as session:
        (waiting,) = feeds.list_waiting_entries(session, desk.now + timedelta(hours=1))
    assert waiting.payload
    desk.entries.clear()  # and the entry has left the feed since
    desk.go_on(10)
    assert desk.moves() == [("first", 44)]


def test_old_news_fills_history_and_is_told_to_nobody(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL, at=START - timedelta(days=5))
    desk.go_on()
    assert desk.moves() == [("first", 44)]
    assert desk.alerts() == ()


def test_two_copies_of_one_wire_text_are_one_group(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.publish("b", "Harbour City unrest: the latest", TOLL)
    desk.go_on()
    with desk.database.read() as session:
        groups = {one.wire_group for one in claims.list_claims(session, "unrest", metric="killed")}
    assert len(groups) == 1
    assert None not in groups


def test_a_rejected_match_takes_its_figures_out_again(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    (article,) = desk.articles()
    with desk.database.write() as session:
        articles.set_match_state(session, article.article_id, "unrest", MatchState.REJECTED)
        rematch_article(session, Watch([STORY], desk.subscriptions), article.article_id, now=desk.now)
    with desk.database.read() as session:
        assert claims.list_claims(session, "unrest") == ()
    assert [one.kind for one in desk.revisions(metric="killed")] == [RevisionKind.FIRST, RevisionKind.CORRECTION]


def test_one_id_for_all_entries_hides_none_of_them(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL, guid="https://news.example/")
    desk.publish("b", "More riots in Harbour City", HIGHER, guid="https://news.example/")
    desk.go_on(5)
    assert len(desk.articles()) == 2


def test_an_id_that_is_used_again_for_a_later_article_hides_nothing(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL, guid="top-story")
    desk.go_on(5)
    desk.entries.clear()
    desk.now += timedelta(days=4)
    desk.publish("b", "More riots in Harbour City", HIGHER, guid="top-story")
    desk.go_on(10)
    assert [article.url.rpartition("/")[2] for article in desk.articles()] == ["b", "a"]


def test_a_new_headline_that_makes_a_new_address_makes_no_new_article(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL, guid="17")
    desk.go_on(5)
    desk.entries.clear()
    desk.publish("a-new-slug", "Riots in Harbour City: what we know", TOLL, guid="17", at=START)
    desk.go_on(10)
    assert len(desk.articles()) == 1


def test_a_sitemap_index_that_stands_still_is_looked_into_at_every_poll(desk: Desk) -> None:
    part = "<sitemap><loc>{}</loc></sitemap>".format(desk.site.url("/news.xml"))
    space = "xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'"

    def listed(*names: str) -> Reply:
        urls = "".join(
            f"<url><loc>{desk.site.url(f'/{name}')}</loc><news:news><news:title>{TITLE}</news:title>"
            f"<news:publication_date>{START.isoformat()}</news:publication_date></news:news></url>"
            for name in names
        )
        return Reply(body=f"<urlset {space}>{urls}</urlset>".encode(), content_type="application/xml")

    index = f"<sitemapindex {space}>{part}</sitemapindex>".encode()
    desk.site.add("/feed", Reply(body=index, headers={"ETag": '"still"'}, content_type="application/xml"))
    desk.publish("a", TITLE, TOLL, listed=False)
    desk.publish("b", "More riots in Harbour City", HIGHER, listed=False)
    desk.site.add("/news.xml", listed("a"))
    desk.go_on(10)
    desk.site.add("/news.xml", listed("a", "b"))
    desk.go_on(10)
    assert len(desk.articles()) == 2


def test_a_feed_that_holds_nul_is_stored_without_it(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL, listed=False)
    link = desk.site.url("/a")
    item = f"<title>{TITLE}&#0;</title><link>{link}&#0;</link><guid>a&#0;1</guid><description>44 dead&#0;</description>"
    body = f"<rss version='2.0'><channel><title>News&#0;</title><item>{item}</item></channel></rss>".encode()
    desk.site.add("/feed", Reply(body=body, content_type="application/rss+xml"))
    desk.go_on(10)
    (article,) = desk.articles()
    assert (article.title, article.url) == (TITLE, link)


# --- names that lie ---------------------------------------------------------------------------

OTHER = (
    "Riots in Harbour City left 12 police officers injured, the Interior Ministry said.\nThe officers were hit by stones"
    " near the railway station. A curfew was declared for the night, and trains stopped at the outskirts."
)


def test_an_id_that_every_push_of_one_entry_repeats_hides_none(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL, guid="1")
    desk.go_on(10)
    desk.entries.clear()
    desk.publish("b", "Police officers hurt in Harbour City riots", OTHER, guid="1")
    desk.go_on(10)
    desk.entries.clear()
    desk.publish("c", "Harbour City unrest: the port is shut", "Riots shut the port, two ships wait at sea.", guid="1")
    desk.go_on(10)
    assert [article.url.rpartition("/")[2] for article in desk.articles()] == ["c", "b", "a"]


def test_an_entry_that_waits_is_not_lost_to_another_under_its_id(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL, guid="1")
    good = desk.site.routes["/a"]
    assert isinstance(good, Reply)
    desk.site.add("/a", [Reply(status=503), Reply(status=503), good])
    desk.go_on()
    desk.entries.clear()
    desk.publish("b", "Police officers hurt in Harbour City riots", OTHER, guid="1")
    desk.go_on(30)
    assert {article.url.rpartition("/")[2] for article in desk.articles()} == {"a", "b"}


def test_a_new_headline_at_a_new_address_with_a_new_date_makes_no_new_article(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL, guid="17")
    desk.go_on(5)
    desk.entries.clear()
    desk.publish("a-new-slug", "Riots in Harbour City: what we know", HIGHER, guid="17")
    desk.edit("a", "Riots in Harbour City: what we know", HIGHER)
    desk.go_on(30)
    assert len(desk.articles()) == 1
    assert desk.moves() == [("first", 44), ("raised", 164)]


def with_canonical(desk: Desk, name: str, canonical: str) -> None:
    page = desk.site.routes[f"/{name}"]
    assert isinstance(page, Reply)
    link = f"<head><link rel='canonical' href='{canonical}'>".encode()
    desk.site.add(f"/{name}", Reply(body=page.body.replace(b"<head>", link)))


def test_one_canonical_link_on_all_pages_makes_them_no_one_article(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    with_canonical(desk, "a", "/2022/harbour-city-riots-first-story")
    desk.go_on(5)
    desk.publish("b", "Police officers hurt in Harbour City riots", OTHER)
    with_canonical(desk, "b", "/2022/harbour-city-riots-first-story")
    desk.go_on(10)
    assert [article.url.rpartition("/")[2] for article in desk.articles()] == ["b", "a"]
    name = "2022/harbour-city-riots-first-story"  # the page whose name the others took
    desk.publish(name, "Harbour City unrest: the port is shut", "Riots shut the port, two ships wait at sea.")
    desk.go_on(10)
    with desk.database.read() as session:
        assert len(articles.list_articles(session)) == 3
        assert articles.get_article(session, desk.site.url(f"/{name}")).title == "Harbour City unrest: the port is shut"


def test_a_canonical_link_that_a_site_gives_to_all_its_pages_is_believed_of_none(desk: Desk) -> None:
    """A follow-up repeats the first report: words alone would take it for that, under the same canonical link."""
    start = "/2022/harbour-city-riots-first-story"
    for name, title, text in (
        ("a", TITLE, TOLL),
        ("b", "Police officers hurt in Harbour City riots", OTHER),
        ("c", "Riots in Harbour City: the port is shut", f"Riots have shut the port, where two ships wait.\n{TOLL}"),
    ):
        desk.publish(name, title, text)
        with_canonical(desk, name, start)
        desk.go_on(10)
    assert [article.url.rpartition("/")[2] for article in desk.articles()] == ["c", "b", "a"]


def test_one_article_at_two_addresses_is_one_by_its_canonical_link(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    with_canonical(desk, "a", "/2022/harbour-city-riots-first-story")
    desk.go_on(5)
    desk.publish("b", "Riots in Harbour City: what we know", TOLL)
    with_canonical(desk, "b", "/2022/harbour-city-riots-first-story")
    desk.go_on(10)
    assert len(desk.articles()) == 1


def test_an_article_is_read_again_where_it_was_read_whatever_it_calls_itself(desk: Desk) -> None:
    desk.publish("other", "Rovers win the cup", "Rovers won 3-1 on Sunday." + FILLER, listed=False)
    desk.publish("a", TITLE, TOLL)
    with_canonical(desk, "a", "/other")
    desk.go_on(60)
    assert desk.site.asked("/other") == 0
    assert desk.revisions(RevisionKind.EDITED) == ()


def test_a_short_link_that_leads_to_each_days_article_is_no_name_of_one(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL, listed=False)
    desk.publish("today", TITLE, TOLL, guid="1")
    desk.site.add("/today", Reply(status=302, headers={"Location": "/a"}))
    desk.go_on(10)
    desk.entries.clear()
    desk.publish("b", "Police officers hurt in Harbour City riots", OTHER, listed=False)
    desk.publish("today", "Police officers hurt in Harbour City riots", OTHER, guid="2")
    desk.site.add("/today", Reply(status=302, headers={"Location": "/b"}))
    desk.go_on(10)
    assert [article.url.rpartition("/")[2] for article in desk.articles()] == ["b", "a"]


# --- dates that cannot be true ------------------------------------------------------------------


@pytest.mark.parametrize("year", [1970, 9999])
def test_a_feeds_impossible_date_puts_no_claim_in_another_time(desk: Desk, year: int) -> None:
    desk.publish("a", TITLE, TOLL, at=datetime(year, 1, 1, 0, 0, 1, tzinfo=UTC))
    desk.go_on(5)
    (article,) = desk.articles()
    assert article.published is None
    (first,) = desk.revisions(RevisionKind.FIRST, metric="killed")
    assert first.public_at is not None
    assert first.public_at.not_before == START


def test_a_feed_that_dates_all_its_entries_as_it_is_built_is_not_asked_for_their_time(desk: Desk) -> None:
    built = desk.now + timedelta(minutes=1, seconds=3)
    for name in ("a", "b", "c"):
        desk.publish(name, f"{TITLE}, {name}", TOLL, at=built)
        page = desk.site.routes[f"/{name}"]
        assert isinstance(page, Reply)
        desk.site.add(f"/{name}", Reply(body=page.body.replace(built.isoformat().encode(), b"")))
    desk.now += timedelta(hours=2)
    desk.go_on()
    assert [article.published for article in desk.articles()] == [None] * 3


def test_a_second_page_that_fails_for_now_is_no_edit(desk: Desk) -> None:
    desk.publish("a", TITLE, "The unrest in Harbour City goes on." + FILLER)
    first = desk.site.routes["/a"]
    assert isinstance(first, Reply)
    desk.site.add("/a", Reply(body=first.body.replace(b"<head>", b"<head><link rel='next' href='/a/2'>")))
    desk.publish("a/2", TITLE, TOLL, listed=False)
    second = desk.site.routes["/a/2"]
    desk.go_on(5)
    assert desk.moves() == [("first", 44)]
    desk.site.add("/a/2", Reply(status=503))
    desk.go_on(120)
    assert desk.revisions(RevisionKind.EDITED) == ()
    desk.site.add("/a/2", second)
    desk.go_on(120)
    assert desk.moves() == [("first", 44)]
    assert desk.revisions(RevisionKind.EDITED) == ()


# --- answers of odd servers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [b'ETag: "\xe9\xff"', b"Last-Modified: hier, \xe0 midi", b'Link: <http://a.example/\xff>; rel="hub"'],
    ids=ascii,
)
def test_headers_in_no_known_letters_stop_nothing(desk: Desk, head: bytes) -> None:
    desk.publish("a", TITLE, TOLL)
    feed, page = desk.site.routes["/feed"], desk.site.routes["/a"]
    assert callable(feed)
    assert isinstance(page, Reply)
    for path, body in (("/feed", feed(Request(method="GET", path="/feed", headers={})).body), ("/a", page.body)):
        start = b"HTTP/1.1 200 Tr\xe8s bien\r\nContent-Type: %s\r\n" % (
            b"text/xml" if path == "/feed" else b"text/html"
        )
        desk.site.add(path, Reply(raw=start + head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body))
    desk.go_on(30)
    assert desk.moves() == [("first", 44)]


def test_a_redirect_in_old_letters_says_where_it_leads(desk: Desk) -> None:
    desk.site.add("/feed", Reply(raw=b"HTTP/1.1 301 Moved\r\nLocation: ftp://caf\xe9/\r\nContent-Length: 0\r\n\r\n"))
    desk.go_on(10)
    with desk.database.read() as session:
        assert "ftp://café/" in (feeds.get_feed(session, 1).last_error or "")


def test_spaces_in_addresses_are_escaped_as_browsers_do(desk: Desk) -> None:
    desk.publish("a b", TITLE, TOLL, listed=False)
    desk.site.add("/x%20y", Reply(status=302, headers={"Location": "/a b"}))
    desk.site.add("/a%20b", desk.site.routes["/a b"])
    desk.entries.append(f"<item><title>{TITLE}</title><link>{desk.site.url('/x y')}</link></item>")
    desk.go_on(5)
    assert desk.moves() == [("first", 44)]


@pytest.mark.parametrize("twin", ["m/news/2022/harbour-city-riots-toll", "news/2022/harbour-city-riots-toll-amp.html"])
def test_the_twin_of_a_page_for_phones_is_the_same_article(desk: Desk, twin: str) -> None:
    ending = ".html" if twin.endswith(".html") else ""
    desk.publish(f"news/2022/harbour-city-riots-toll{ending}", TITLE, TOLL)
    desk.go_on(5)
    desk.publish(twin, f"{TITLE}: latest", HIGHER)
    desk.go_on(10)
    assert len(desk.articles()) == 1


@pytest.mark.parametrize("full", [True, False])
def test_entries_that_link_to_no_page_are_articles_of_their_own(desk: Desk, full: bool) -> None:
    with desk.database.write() as session:
        feeds.add_feed(session, FeedSpec(url=desk.site.url("/feed"), full=full))
    for number, day in ((44, "one"), (164, "two")):
        desk.entries.append(
            f"<item><guid isPermaLink='false'>riots {day}</guid><title>Riots in Harbour City, day {day}</title><description>"
            f"Clashes in Harbour City have left {number} people dead, the Health Ministry said.</description></item>"
        )
    desk.go_on(60)
    assert {article.url for article in desk.articles()} == {
        desk.site.url("/feed#riots%20one"),
        desk.site.url("/feed#riots%20two"),
    }
    assert {value for _, value in desk.moves()} == {44, 164}
    asked = desk.site.asked("/feed")
    desk.entries[0] = desk.entries[0].replace("44 people", "45 people")
    desk.go_on(60)
    assert desk.site.asked("/feed") - asked <= 13  # polled, and read for no article
    assert len(desk.articles()) == 2
