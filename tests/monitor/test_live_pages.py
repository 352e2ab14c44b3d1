"""A live page's posts are dated texts of their own: their time is that of their claims, and a new post is no edit."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.reading.articles import read_article
from monitor.reading.livepages import place_posts
from monitor.reprocessing import reprocess_story
from monitor.watch import Watch
from storage import articles, claims, stories
from storage.keeping import find_problems
from storage.records import RevisionKind, StampedClaim
from tests.support.commandline import CommandLine
from tests.support.desk import START, Desk
from tests.support.webserver import Reply

TITLE = "Live: unrest in Harbour City"
Post = tuple[str, str, str]
EIGHT: Post = ("08:00", "First deaths", "The unrest in Harbour City has left 44 people dead, the Health Ministry said.")
TEN: Post = ("10:00", "Toll rises", "The clashes in Harbour City have left 164 people dead, the Health Ministry said.")
NINE: Post = ("09:00", "Riots go on", "The riots went on at the port. The Health Ministry said 58 people were dead.")


def live_page(*posts: Post, title: str = TITLE, day: str = "2022-01-09") -> bytes:
    block = {
        "@type": "LiveBlogPosting",
        "headline": title,
        "datePublished": f"{day}T06:00:00Z",
        "liveBlogUpdate": [
            {"@type": "BlogPosting", "headline": head, "articleBody": body, "datePublished": f"{day}T{at}:00Z"}
            for at, head, body in posts
        ],
    }
    return (
        f"<!doctype html><html lang='en'><head><title>{title}</title>"
        f"<script type='application/ld+json'>{json.dumps(block)}</script></head><body><h1>{title}</h1></body></html>"
    ).encode()


def show(desk: Desk, *posts: Post, title: str = TITLE) -> None:
    """Put these posts on the live page, and the page into the feed if it is new."""
    if not desk.entries:
        desk.publish("live", TITLE, "", at=at("06:00"))
    desk.site.add("/live", Reply(body=live_page(*posts, title=title)))


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2022-01-09T{clock}:00+00:00").astimezone(UTC)


def stored(desk: Desk) -> dict[float | None, StampedClaim]:
    with desk.database.read() as session:
        return {one.claim.value: one for one in claims.list_claims(session, "unrest", metric="killed")}


def test_a_post_is_placed_in_the_text_that_it_stands_in() -> None:
    page = read_article(live_page(EIGHT, TEN), url="https://harbour.example/live")
    placed = place_posts(page)
    assert [page.text[part.start : part.end].splitlines()[0] for part in placed] == ["Toll rises", "First deaths"]
    assert [part.published.not_before for part in placed] == [at("10:00"), at("08:00")]


def test_claims_take_the_time_of_their_post_and_the_ledger_their_order(desk: Desk) -> None:
    desk.now = at("11:00")
    show(desk, EIGHT, NINE, TEN)
    desk.go_on()
    told = stored(desk)
    assert {value: one.asserted_at.not_before for value, one in told.items() if one.asserted_at} == {
        44: at("08:00"), 58: at("09:00"), 164: at("10:00"),
    }  # fmt: skip
    assert not any(one.by_edit for one in told.values())
    assert desk.moves() == [("first", 44.0), ("raised", 58.0), ("raised", 164.0)]
    (last,) = (one for one in desk.revisions(metric="killed") if one.after and one.after.value == 164)
    assert last.public_at is not None
    assert last.public_at.not_before == at("10:00")
    assert last.evidence[0].published == last.public_at


def test_a_day_named_in_a_post_is_counted_from_the_post(desk: Desk) -> None:
    desk.now = at("11:00")
    old = (
        "23:00",
        "Late",
        "As of Saturday, 30 people were dead in the unrest in Harbour City, the Health Ministry said.",
    )
    desk.publish("live", TITLE, "", at=at("06:00"))
    body = live_page(old, day="2022-01-08").replace(b"2022-01-08T06", b"2022-01-09T06")
    desk.site.add("/live", Reply(body=body))
    desk.go_on()
    (one,) = stored(desk).values()
    assert one.claim.as_of is not None
    assert one.claim.as_of.not_before == datetime(2022, 1, 8, tzinfo=UTC)


def test_the_headline_goes_with_the_newest_post(desk: Desk) -> None:
    desk.now = at("11:00")
    show(desk, EIGHT, TEN, title="Live: 164 dead in unrest in Harbour City")
    desk.go_on()
    with desk.database.read() as session:
        found = claims.list_claims(session, "unrest", metric="killed")
    assert {(one.claim.field, one.claim.value, one.asserted_at.not_before) for one in found if one.asserted_at} == {
        ("title", 164, at("10:00")), ("text", 164, at("10:00")), ("text", 44, at("08:00")),
    }  # fmt: skip
    assert desk.moves() == [("first", 44.0), ("raised", 164.0)]


def test_a_new_post_is_no_edit_and_dated_by_itself(desk: Desk) -> None:
    desk.now = at("08:30")
    show(desk, EIGHT)
    desk.go_on()
    desk.now = at("10:20")
    show(desk, TEN, EIGHT)
    desk.go_on(10)
    assert [one.asserted_at.not_before for one in stored(desk).values() if one.asserted_at] == [
        at("08:00"),
        at("10:00"),
    ]
    assert not stored(desk)[164].by_edit
    assert desk.revisions(RevisionKind.EDITED) == ()
    assert desk.moves() == [("first", 44.0), ("raised", 164.0)]


def test_an_old_post_that_changes_is_an_edit(desk: Desk) -> None:
    desk.now = at("08:30")
    show(desk, EIGHT, TEN)
    show(desk, EIGHT)
    desk.go_on()
    desk.now = at("12:00")
    show(desk, ("08:00", EIGHT[1], EIGHT[2].replace("44", "51")))
    desk.go_on(30)
    told = stored(desk)
    assert told[51].by_edit
    assert told[51].asserted_at is not None
    assert told[51].asserted_at.not_after >= at("12:00")
    assert told[44].ended_at is not None
    (edit,) = desk.revisions(RevisionKind.EDITED)
    assert (edit.before and edit.before.value, edit.after and edit.after.value) == (44, 51)


def test_what_newer_posts_push_out_still_stands(desk: Desk) -> None:
    desk.now = at("08:30")
    show(desk, EIGHT)
    desk.go_on()
    desk.now = at("10:20")
    show(desk, TEN, NINE)
    desk.go_on(20)
    assert set(stored(desk)) == {44, 58, 164}
    assert stored(desk)[44].ended_at is None
    assert desk.revisions(RevisionKind.EDITED) == ()
    assert desk.moves() == [("first", 44.0), ("raised", 58.0), ("raised", 164.0)]
    with desk.database.read() as session:
        assert list(find_problems(session)) == []


def test_the_same_words_in_two_posts_are_two_claims(desk: Desk) -> None:
    desk.now = at("08:30")
    show(desk, EIGHT)
    desk.go_on()
    desk.now = at("10:20")
    show(desk, ("10:00", "Again", EIGHT[2]), EIGHT)
    desk.go_on(10)
    with desk.database.read() as session:
        found = claims.list_claims(session, "unrest", metric="killed")
    assert sorted(one.asserted_at.not_before for one in found if one.asserted_at) == [at("08:00"), at("10:00")]


def test_reading_a_live_page_anew_changes_nothing(desk: Desk) -> None:
    desk.now = at("08:30")
    show(desk, EIGHT)
    desk.go_on()
    desk.now = at("10:20")
    show(desk, TEN, NINE)
    desk.go_on(20)
    before, log = stored(desk), desk.revisions()
    with desk.database.read() as session:
        watch = Watch(stories.list_stories(session), desk.subscriptions)
    reprocess_story(desk.database, watch, "unrest", clock=lambda: desk.now, on_progress=lambda at, total: None)
    assert (stored(desk), desk.revisions()) == (before, log)


def test_posts_from_the_future_were_published_when_we_had_them(desk: Desk) -> None:
    desk.now = START
    show(desk, ("23:50", "Ahead", EIGHT[2]))
    desk.go_on()
    (one,) = stored(desk).values()
    assert one.asserted_at is not None
    assert one.asserted_at.not_after == START


def test_versions_keep_their_posts(desk: Desk) -> None:
    desk.now = at("11:00")
    show(desk, EIGHT, TEN)
    desk.go_on()
    with desk.database.read() as session:
        version = articles.get_version(session, 1, 1)
    assert [part.published.not_before - part.published.not_after for part in version.parts] == [timedelta(0)] * 2
    assert version.text[version.parts[1].start :].startswith("First deaths")


def test_explain_shows_when_each_post_was_published(tmp_path: Path) -> None:
    page = tmp_path / "live.html"
    page.write_bytes(live_page(EIGHT, TEN))
    said = CommandLine(tmp_path).run("explain", "--page", page).stdout.splitlines()
    assert said[0] == f"2022-01-09 06:00  {TITLE}"
    times = [line for line in said if line.startswith("published ")]
    assert times == ["published 2022-01-09 10:00", "published 2022-01-09 08:00"]
    assert any("killed exact 164" in line for line in said[: said.index(times[1])])
