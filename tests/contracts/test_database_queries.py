"""The repositories keep one contract on both databases."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from storage import articles, claims, deliveries, feeds, judgements, meta, stories, superseded
from storage.database import Database, lock_story
from storage.errors import DatabaseError, NotFoundError
from storage.records import (
    AlertState,
    ChannelHealth,
    DeliveryState,
    Feed,
    FeedSpec,
    FeedState,
    FeedTally,
    Figure,
    History,
    JudgementKind,
    Match,
    MatchState,
    RecordKey,
    RevisionKind,
    SeenEntry,
    SentGroup,
    Silence,
    Step,
    Story,
    StoryState,
    Trust,
)
from tests.support.stored import (
    HOUR,
    KILLED,
    NOON,
    alert,
    at,
    claim,
    delivery,
    new_article,
    revision,
    store_article,
    store_story,
)

# --- the database itself ----------------------------------------------------------------------


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    def write_and_fail() -> None:
        with database.write() as session:
            store_story(session)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    with database.read() as session:
        assert stories.list_stories(session) == ()


def test_what_a_reader_writes_is_thrown_away(database: Database) -> None:
    try:
        with database.read() as session:
            store_story(session)
    except DatabaseError:
        assert not database.is_sqlite  # PostgreSQL refuses outright
    with database.read() as session:
        assert stories.list_stories(session) == ()


def test_an_article_is_returned_as_it_lies_in_the_store(database: Database) -> None:
    whole = new_article(
        1, trust=Trust.MAJOR, reread_at=NOON + HOUR, etag="e", last_modified="l", body_hash="b", aliases=("guid:1",)
    )
    news = [
        whole,
        new_article(2, published=None, lang=None, matches=()),
        new_article(1, title="The same address again"),
    ]
    with database.write() as session:
        store_story(session)
        stored = articles.add_articles(session, news)
    with database.read() as session:
        assert stored == tuple(articles.get_article(session, item.url) for item in news)
        assert stored[0].title == whole.title
        assert articles.find_article(session, "guid:1") == stored[2] == stored[0]
    with database.write() as session:
        assert articles.add_articles(session, [new_article(3), whole])[1] == stored[0]


def test_a_reader_sees_one_moment(database: Database) -> None:
    with database.read() as reader:
        assert stories.list_stories(reader) == ()
        with database.write() as session:
            store_story(session)
        assert stories.list_stories(reader) == ()
    with database.read() as reader:
        assert len(stories.list_stories(reader)) == 1


def test_writers_in_threads_lose_nothing(database: Database) -> None:
    with database.write() as session:
        meta.set_fact(session, "count", "0")

    def add() -> None:
        for _ in range(20):
            with database.write() as session:
                lock_story(session, "unrest")
                meta.set_fact(session, "count", str(int(meta.find_fact(session, "count") or 0) + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert meta.find_fact(session, "count") == "80"


def test_two_processes_take_turns_on_a_story(database: Database) -> None:
    """Two databases on one address stand for two processes: they share no lock of ours."""
    other = Database(database.url)
    with database.write() as session:
        meta.set_fact(session, "count", "0")

    def add(own: Database) -> None:
        for _ in range(15):
            with own.write() as session:
                lock_story(session, "b", "a")
                meta.set_fact(session, "count", str(int(meta.find_fact(session, "count") or 0) + 1))

    threads = [threading.Thread(target=add, args=(own,)) for own in (database, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    with database.read() as session:
        assert meta.find_fact(session, "count") == "30"


def test_a_savepoint_that_is_rolled_back_takes_only_its_own_with_it(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        with session.begin_nested():
            store_article(session, 1)
        savepoint = session.begin_nested()
        store_article(session, 2)
        savepoint.rollback()
    with database.read() as session:
        assert articles.count_articles(session) == 1


# --- stories ----------------------------------------------------------------------------------


def test_a_story_comes_back_and_keeps_the_state_that_a_person_gave_it(database: Database) -> None:
    story = Story(slug="unrest", title="Unrest", languages=("en", "ru"))
    with database.write() as session:
        assert stories.add_story(session, story, now=NOON)
        assert not stories.add_story(session, story, now=NOON)
        stories.set_story_state(session, "unrest", StoryState.CLOSED, now=NOON)
        assert stories.add_story(session, replace(story, title="The unrest"), now=NOON)
        assert stories.get_story(session, "unrest") == replace(story, title="The unrest", state=StoryState.CLOSED)
        assert stories.list_stories(session, states=(StoryState.ACTIVE,)) == ()


def test_an_unknown_story_is_named_with_those_that_there_are(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        with pytest.raises(NotFoundError, match="no story is called 'x'; stories: unrest"):
            stories.get_story(session, "x")
        with pytest.raises(NotFoundError):
            stories.set_story_state(session, "x", StoryState.CLOSED, now=NOON)


def test_extraction_runs_are_noted(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        run = stories.add_extraction_run(session, "unrest", "en-3", started_at=NOON)
        stories.finish_extraction_run(session, run, articles=7, claims=9, finished_at=NOON + HOUR)
        (noted,) = stories.list_extraction_runs(session, "unrest")
    assert (noted.lexicon_version, noted.articles, noted.claims, noted.finished_at) == ("en-3", 7, 9, NOON + HOUR)


# --- feeds ------------------------------------------------------------------------------------


def test_a_feed_serves_many_stories_and_is_stored_once(database: Database) -> None:
    spec = FeedSpec(url="https://news.example/rss", source="Tengrinews", trust=Trust.MAJOR)
    with database.write() as session:
        store_story(session, "unrest")
        store_story(session, "quake")
        first = feeds.add_feed(session, spec, stories=["unrest"])
        again = feeds.add_feed(session, replace(spec, full=True), stories=["quake"])
        assert (again.feed_id, again.full) == (first.feed_id, True)
        assert feeds.list_feed_stories(session, first.feed_id) == ("quake", "unrest")
        assert feeds.list_feeds(session, story="quake") == (again,)


def test_due_feeds_come_by_how_long_they_are_overdue(database: Database) -> None:
    with database.write() as session:
        late, new, later, gone = (feeds.add_feed(session, FeedSpec(url=f"https://x.example/{n}")) for n in range(4))
        feeds.update_feeds(session, [replace(late, due_at=NOON - HOUR), replace(later, due_at=NOON + HOUR)])
        feeds.update_feed(session, replace(gone, state=FeedState.GONE))
        assert [feed.feed_id for feed in feeds.list_due_feeds(session, NOON)] == [new.feed_id, late.feed_id]
        assert [feed.feed_id for feed in feeds.list_due_feeds(session, NOON, limit=1)] == [new.feed_id]
        assert feeds.next_feed_due_at(session) == NOON - HOUR


def test_feeds_in_trouble_come_first_and_all_are_counted(database: Database) -> None:
    with database.write() as session:
        store_story(session, "unrest")
        specs = [
            FeedSpec(url=f"https://x.example/{name}", source=name) for name in ("well", "ill", "gone", "new", "away")
        ]
        well, ill, gone, new, away = (feeds.add_feed(session, spec) for spec in specs)
        feeds.add_feed(session, specs[0], stories=["unrest"])
        feeds.update_feeds(
            session,
            [
                replace(well, last_polled_at=NOON),
                replace(ill, failures=3, last_polled_at=NOON),
                replace(gone, state=FeedState.GONE),
            ],
        )
        feeds.remove_feed(session, away.url)
        order = [feed.source for feed in feeds.list_feeds_by_trouble(session, limit=9)]
        assert order == ["ill", "gone", "new", "well"]
        assert [one.source for one in feeds.list_feeds_by_trouble(session, limit=2, offset=1)] == ["gone", "new"]
        assert feeds.count_feeds_by_trouble(session) == FeedTally(well=1, ill=2, waiting=1)
        assert feeds.find_feed_stories(session, [well.feed_id, new.feed_id]) == {well.feed_id: ("unrest",)}
        # Those that are polled: the one that is gone is not.
        assert feeds.count_feeds_by_story(session) == {"unrest": 1, "": 2}


def test_articles_are_counted_by_story_and_by_whether_they_are_read_again(database: Database) -> None:
    with database.write() as session:
        store_story(session, "unrest")
        store_story(session, "quake")
        near = Match(story="quake", score=0.2, hits=(), is_match=False)
        watched = store_article(session, matches=(Match(story="unrest", score=1.0, hits=()), near))
        store_article(session, 2)
        assert articles.count_articles_by_story(session) == {"unrest": 2}
        assert articles.count_watched_articles(session) == 0
        articles.update_article(session, replace(watched, reread_at=NOON))
        assert articles.count_watched_articles(session) == 1


def test_the_claim_learned_last_by_a_moment(database: Database) -> None:
    with database.write() as session:
        store_story(session, "unrest")
        claims.add_claims(session, [claim("c1", recorded_at=NOON), claim("c2", recorded_at=NOON + HOUR)])
        assert claims.find_latest_claim(session, "unrest", known_at=NOON - HOUR) is None
        found = [claims.find_latest_claim(session, "unrest", known_at=NOON + offset * HOUR) for offset in (0, 1)]
        assert [one.claim_id for one in found if one is not None] == ["c1", "c2"]
        assert not claims.has_history(session, KILLED)
        claims.update_histories(session, "unrest", [History(key=KILLED)], (), now=NOON)
        assert claims.has_history(session, KILLED)


def test_all_that_polling_learns_of_a_feed_is_kept(database: Database) -> None:
    with database.write() as session:
        feed = feeds.add_feed(session, FeedSpec(url="https://x.example/rss"))
        learned = Feed(
            feed_id=feed.feed_id, url="https://x.example/new", title="News", etag='W/"a"', last_modified="yesterday", body_hash="h",
            ttl_seconds=60.0, due_at=NOON, last_polled_at=NOON, last_success_at=NOON, last_full_at=NOON, last_status=200,
            last_error="was down", failures=3, failing_since=NOON, told_dead_at=NOON, entries_per_week=12.5,
        )  # fmt: skip
        feeds.update_feed(session, learned)
        assert feeds.get_feed(session, feed.feed_id) == learned
        assert feeds.find_feed(session, "https://x.example/rss") is None
        with pytest.raises(NotFoundError):
            feeds.update_feed(session, replace(learned, feed_id=99))


def test_a_removed_feed_comes_back_when_it_is_added_again(database: Database) -> None:
    spec = FeedSpec(url="https://x.example/rss")
    with database.write() as session:
        feeds.add_feed(session, spec)
        feeds.remove_feed(session, spec.url)
        assert feeds.list_feeds(session) == ()
        feeds.add_feed(session, spec)
        assert [feed.state for feed in feeds.list_feeds(session)] == [FeedState.ACTIVE]
        with pytest.raises(NotFoundError):
            feeds.remove_feed(session, "https://other.example/")


def test_seen_entries_are_known_again_and_forgotten(database: Database) -> None:
    with database.write() as session:
        feed = feeds.add_feed(session, FeedSpec(url="https://x.example/rss"))
        entries = [
            SeenEntry(feed_id=feed.feed_id, entry_key=f"guid-{n}", outcome="no_match", seen_at=NOON + n * HOUR)
            for n in range(3)
        ]
        feeds.record_seen_entries(session, entries)
        feeds.record_seen_entries(session, [replace(entries[0], outcome="failed", attempts=2, retry_at=NOON)])
        known = feeds.find_seen_entries(session, feed.feed_id, ["guid-0", "guid-1", "guid-9"])
        assert known.keys() == {"guid-0", "guid-1"}
        assert (known["guid-0"].outcome, known["guid-0"].attempts) == ("failed", 2)
        assert feeds.forget_seen_entries(session, before=NOON + HOUR) == 0  # the failed one is tried again
        assert feeds.forget_seen_entries(session, before=NOON + 2 * HOUR) == 1


# --- articles ---------------------------------------------------------------------------------


def test_an_article_is_found_by_each_of_its_names(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        stored = store_article(session, aliases=("guid:7:abc",))
        articles.add_aliases(session, stored.article_id, ["https://m.news.example/1"])
        other = store_article(session, 2)
        articles.add_aliases(session, other.article_id, ["guid:7:abc"])
        for name in ("https://news.example/1", "guid:7:abc", "https://m.news.example/1", stored.article_id):
            assert articles.get_article(session, name) == stored
        assert articles.find_article(session, "unknown", "guid:7:abc") == stored
        articles.add_aliases(session, other.article_id, ["https://m.news.example/1"], moved=True)
        assert articles.get_article(session, "https://m.news.example/1").article_id == other.article_id
        assert articles.find_article(session, "unknown") is None
        assert articles.find_articles(session, ["guid:7:abc", "x"]) == {"guid:7:abc": stored.article_id}
        with pytest.raises(NotFoundError):
            articles.get_article(session, 99)


def test_an_article_is_stored_once_however_often_it_comes(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        batch = [new_article(1), new_article(2), new_article(1, title="Other")]
        first, second, again = articles.add_articles(session, batch)
        assert first == again != second
        assert first.title == "Title 1"
        assert articles.add_articles(session, batch)[0] == first
        assert [version.number for version in articles.list_versions(session, first.article_id)] == [1]
        assert articles.count_articles(session) == articles.count_articles(session, story="unrest") == 2


def test_versions_are_appended_only_when_the_text_changed(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        number = store_article(session).article_id
        for moment, content in ((1, "A"), (2, "B"), (3, "B"), (4, "A")):
            articles.add_version(
                session,
                number,
                title=content,
                text=content,
                text_hash=content,
                fetched_at=NOON + moment * HOUR,
                previous_fetched_at=NOON,
            )
        versions = articles.list_versions(session, number)
        assert [(version.number, version.text_hash) for version in versions] == [
            (1, "t1-1"),
            (2, "A"),
            (3, "B"),
            (4, "A"),
        ]
        assert articles.find_newest_version(session, number) == versions[-1]
        assert articles.find_newest_versions(session, [number, 99]) == {number: versions[-1]}
        assert articles.get_version(session, number, 2) == versions[1]
        assert articles.get_article(session, number).last_changed_at == NOON + 4 * HOUR
        with pytest.raises(NotFoundError, match="has no version 9; it has 4"):
            articles.get_version(session, number, 9)


def test_articles_due_for_a_reread_come_by_how_long_they_are_overdue(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        late, later, gone, never = (store_article(session, n) for n in range(4))
        articles.update_article(session, replace(late, reread_at=NOON - HOUR))
        articles.update_article(session, replace(later, reread_at=NOON))
        articles.update_article(session, replace(gone, reread_at=NOON, removed_at=NOON - HOUR))
        due = [article.article_id for article in articles.list_due_articles(session, NOON)]
        assert due == [late.article_id, later.article_id, gone.article_id]
        assert never.reread_at is None


def test_what_a_person_decided_of_a_match_outlives_a_new_matching(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        number = store_article(session).article_id
        articles.set_match_state(session, number, "unrest", MatchState.REJECTED)
        articles.record_matches(session, number, [Match(story="unrest", score=9.0, hits=())], matched_at=NOON)
        (match,) = articles.list_matches(session, number)
        assert (match.score, match.state) == (9.0, MatchState.REJECTED)
        assert articles.list_stories_of(session, number) == ()
        assert articles.list_articles(session, story="unrest") == ()
        articles.record_matches(
            session, number, [Match(story="unrest", score=0.1, hits=(), is_match=False)], matched_at=NOON
        )
        articles.set_match_state(session, number, "unrest", MatchState.ACCEPTED)
        assert articles.list_stories_of(session, number) == ("unrest",)
        with pytest.raises(NotFoundError):
            articles.set_match_state(session, number, "other", MatchState.ACCEPTED)


def test_lists_of_articles_are_newest_first_and_paged(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        numbers = [store_article(session, n, source="A" if n % 2 else "B").article_id for n in range(6)]
        assert [a.article_id for a in articles.list_articles(session, limit=2, offset=1)] == [numbers[4], numbers[3]]
        assert [a.article_id for a in articles.list_articles(session, source="A")] == [
            numbers[5],
            numbers[3],
            numbers[1],
        ]


def test_copies_of_a_wire_text_are_found_by_fingerprints(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        one = store_article(session, 1, fingerprints=(1, -2, 3)).article_id
        two = store_article(session, 2, fingerprints=(3, 4)).article_id
        assert articles.count_shared_fingerprints(session, [-2, 3, 9]) == {one: 2, two: 1}
        articles.set_fingerprints(session, one, [4, (1 << 63) - 1, -(1 << 63)])
        assert articles.list_fingerprints(session, one) == {4, (1 << 63) - 1, -(1 << 63)}


# --- claims and the ledger --------------------------------------------------------------------


def test_claims_are_added_once_and_come_in_the_order_of_learning(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        number = store_article(session).article_id
        late, early, baseline = (
            claim("c2", recorded_at=NOON + HOUR, article_id=number),
            claim("c1", article_id=number),
            claim("c3", is_baseline=True, recorded_at=NOON - HOUR),
        )
        assert claims.add_claims(session, [late, early, baseline]) == 3
        assert claims.add_claims(session, [replace(late, title="changed"), early]) == 0
        assert claims.list_claims(session, "unrest") == (baseline, early, late)
        assert claims.list_claims(session, article_id=number, limit=1, offset=1) == (late,)
        assert claims.list_claims(session, "unrest", metric="injured") == ()
        assert claims.list_claims(session, "unrest", origin="health ministry", known_at=NOON) == (baseline, early)
        assert claims.get_claim(session, "c1") == early
        with pytest.raises(NotFoundError):
            claims.get_claim(session, "c9")


def test_one_sentence_may_speak_for_two_stories(database: Database) -> None:
    with database.write() as session:
        store_story(session, "unrest")
        store_story(session, "region")
        assert claims.add_claims(session, [claim("c1"), claim("c1", story="region")]) == 2
        assert len(claims.list_claims(session, claim_ids=["c1"])) == 2
        assert claims.get_claim(session, "c1", story="region").story == "region"


def test_a_claim_ends_by_an_edit_and_stands_as_known_before(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        claims.add_claims(session, [claim("c1"), claim("c2")])
        claims.replace_claims(session, [replace(claim("c1"), ended_at=NOON + HOUR, version_last=2)])
        assert claims.get_claim(session, "c1").ended_at == NOON + HOUR
        (known, _) = claims.list_claims(session, "unrest", known_at=NOON + HOUR / 2)
        assert known.ended_at is None


def test_copies_share_a_wire_group_and_claims_can_be_taken_out(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        number = store_article(session).article_id
        claims.add_claims(session, [claim("c1", article_id=number), claim("c2")])
        claims.set_wire_group(session, [number], "w1")
        assert [stamped.wire_group for stamped in claims.list_claims(session, "unrest")] == ["w1", None]
        assert superseded.supersede_claims(session, "unrest", ["c1", "c9"], superseded_at=NOON + HOUR) == 1
        assert [stamped.claim_id for stamped in claims.list_claims(session, "unrest")] == ["c2"]


def test_what_was_superseded_is_known_as_it_was_read_then(database: Database) -> None:
    readings = [claim("c1", value) for value in (44, 57, 164)]
    with database.write() as session:
        store_story(session)
        run = stories.add_extraction_run(session, "unrest", "2", started_at=NOON)
        for hours, reading in enumerate(readings):
            superseded.supersede_claims(session, "unrest", ["c1"], superseded_at=NOON + hours * HOUR, run_id=run)
            claims.replace_claims(session, [reading])
        superseded.supersede_claims(session, "unrest", ["c1"], superseded_at=NOON + 3 * HOUR)

        def known(hours: float, **only: Any) -> list[float | None]:
            at = NOON + hours * HOUR
            latest = claims.find_latest_claim(session, "unrest", known_at=at)
            found = claims.list_claims(session, "unrest", known_at=at, **only)
            assert found == (() if latest is None else (latest,)) or only
            return [one.claim.value for one in found]

        assert claims.list_claims(session, "unrest") == ()
        assert [known(hours) for hours in (-9, 0.5, 1.5, 2.5, 3.5)] == [[], [44], [57], [164], []]
        assert known(1.5, metric="killed", claim_ids=["c1"]) == [57]
        assert known(1.5, metric="injured") == known(1.5, claim_ids=["c2"]) == known(1.5, origin="nobody") == []


def test_histories_that_changed_are_stored_and_those_gone_taken_out(database: Database) -> None:
    step = Step(
        kind=RevisionKind.FIRST,
        before=None,
        figure=Figure(value=44),
        effective_at=at(NOON),
        public_at=None,
        recorded_at=NOON,
        rule="first",
    )
    history = History(key=KILLED, steps=(step,), current=Figure(value=44), best=44.0)
    parts = RecordKey(story="unrest", metric="killed", population="role=police", place="almaty")
    other = History(key=parts, best=18.0)
    with database.write() as session:
        store_story(session)
        claims.update_histories(session, "unrest", [history, other], (), now=NOON)
        assert claims.find_histories(session, "unrest") == {KILLED: history, parts: other}
        assert claims.get_history(session, parts) == other
        assert claims.list_histories(session, metric="killed", limit=1, offset=1) == (other,)
        claims.update_histories(session, "unrest", [replace(history, best=45.0)], [parts], now=NOON)
        assert claims.list_histories(session) == (replace(history, best=45.0),)
        with pytest.raises(NotFoundError):
            claims.get_history(session, parts)


def test_the_change_log_only_grows_and_takes_nothing_twice(database: Database) -> None:
    first, second = revision("r1"), revision("r2", kind=RevisionKind.RETRACTED, recorded_at=NOON + HOUR)
    with database.write() as session:
        store_story(session)
        assert claims.add_revisions(session, [first, second, first]) == (first, second)
        assert claims.add_revisions(
            session, [replace(first, reason="other"), revision("r3", corrects="r1", kind=RevisionKind.CORRECTION)]
        ) == (revision("r3", corrects="r1", kind=RevisionKind.CORRECTION),)
        listed = claims.list_revisions(session, "unrest")
        assert [entry.revision_id for entry in listed] == ["r1", "r2", "r3"]
        assert listed[0] == first
        assert claims.list_revisions(session, newest_first=True, limit=1, offset=1) == (second,)
        assert claims.list_revisions(session, key=KILLED, kinds=[RevisionKind.RETRACTED]) == (second,)
        assert [entry.revision_id for entry in claims.list_revisions(session, known_at=NOON)] == ["r1", "r3"]
        logged = claims.list_revisions_after(session, "unrest", 0, limit=2)
        later = claims.list_revisions_after(session, "unrest", logged[-1].sequence)
        assert [entry.revision.revision_id for entry in later] == ["r3"]
        assert claims.last_sequence(session, "unrest") == later[-1].sequence
        assert claims.list_revisions_after(session, "another", 0) == ()
        assert claims.last_sequence(session, "another") == 0
        assert claims.count_revisions(session, "unrest") == 3
        with pytest.raises(NotFoundError):
            claims.get_revision(session, "r9")


def test_judgements_are_kept_in_order_and_taken_back_by_a_mark(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        one = judgements.add_judgement(
            session, story="unrest", kind=JudgementKind.REJECT, target="c1", who="Aigerim", made_at=NOON, why="typo"
        )
        two = judgements.add_judgement(
            session,
            story="unrest",
            kind=JudgementKind.PIN,
            target="killed",
            who="Aigerim",
            made_at=NOON,
            payload='{"value":44}',
        )
        assert judgements.list_judgements(session, "unrest") == (one, two)
        taken = judgements.revoke_judgement(session, one.judgement_id, revoked_at=NOON + HOUR)
        assert judgements.revoke_judgement(session, one.judgement_id, revoked_at=NOON + 2 * HOUR) == taken
        assert judgements.list_judgements(session, "unrest") == (two,)
        assert judgements.list_judgements(session, kind=JudgementKind.REJECT, with_revoked=True) == (taken,)
        assert judgements.list_judgements(session, known_at=NOON) == (one, two)
        assert judgements.list_judgements(session, target="c9") == ()
        with pytest.raises(NotFoundError):
            judgements.revoke_judgement(session, 99, revoked_at=NOON)


# --- alerts -----------------------------------------------------------------------------------


def test_alerts_are_planned_once_and_listed_by_state(database: Database) -> None:
    with database.write() as session:
        claims.add_revisions(session, [revision("r1"), revision("r2")])
        held = alert("a2", "r2", state=AlertState.HELD)
        assert deliveries.add_alerts(session, [alert(), held]) == 2
        assert deliveries.add_alerts(session, [alert(reason="other")]) == 0
        assert deliveries.list_alerts(session, states=[AlertState.HELD], story="unrest") == (held,)
        deliveries.update_alerts(session, [replace(held, state=AlertState.PENDING)])
        assert [found.alert_id for found in deliveries.list_alerts(session, newest_first=True, limit=1)] == ["a2"]
        assert deliveries.list_alerts(session, revision_ids=["r1"], subscription="desk") == (alert(),)
        with pytest.raises(NotFoundError):
            deliveries.get_alert(session, "a9")


def test_deliveries_carry_alerts_and_are_found_by_them(database: Database) -> None:
    with database.write() as session:
        claims.add_revisions(session, [revision("r1")])
        deliveries.add_alerts(session, [alert()])
        made = delivery(supersedes=("a0",))
        assert deliveries.add_deliveries(session, [made, delivery("d2", alert_ids=())]) == 2
        assert deliveries.add_deliveries(session, [made]) == 0
        assert deliveries.list_deliveries(session, alert_id="a1") == (made,)
        deliveries.update_delivery(session, replace(made, state=DeliveryState.DELIVERED, delivered_at=NOON))
        assert deliveries.count_deliveries(session) == {DeliveryState.DELIVERED: 1, DeliveryState.DUE: 1}
        with pytest.raises(NotFoundError):
            deliveries.update_delivery(session, delivery("d9"))


def test_silences_groups_and_channels_are_kept(database: Database) -> None:
    silence = Silence(silence_id="s1", matchers=(("story", "unrest"),), starts_at=NOON, ends_at=NOON + HOUR, who="desk")
    group = SentGroup(subscription="desk", group_key="g", sent_at=NOON, alert_ids=("a1", "a2"))
    health = ChannelHealth(channel="desk", failures=2, failing_since=NOON, last_error="refused")
    with database.write() as session:
        deliveries.add_silence(session, silence)
        assert deliveries.list_silences(session, at=NOON) == (silence,)
        ended = deliveries.end_silence(session, "s1", now=NOON + HOUR / 2)
        assert ended.ends_at == NOON + HOUR / 2
        assert deliveries.list_silences(session, at=NOON + HOUR) == ()
        deliveries.record_sent_groups(session, [group])
        deliveries.record_sent_groups(session, [replace(group, repeats=1)])
        assert deliveries.list_sent_groups(session, subscription="desk", since=NOON) == (replace(group, repeats=1),)
        deliveries.record_channel_health(session, health)
        assert deliveries.find_channel_health(session, "desk") == health
        assert deliveries.find_channel_health(session, "none") is None
        with pytest.raises(NotFoundError):
            deliveries.end_silence(session, "s9", now=NOON)


def test_facts_are_kept_and_forgotten(database: Database) -> None:
    with database.write() as session:
        meta.set_fact(session, "leader", "here")
        assert meta.find_fact(session, "leader") == "here"
        meta.set_fact(session, "leader", None)
        assert meta.find_fact(session, "leader") is None


@pytest.mark.parametrize(
    "same", [{}, {"lang": None, "published": None, "source": "", "title": "One title", "text": "One"}]
)
def test_many_rows_alike_are_stored_as_each_alone_is(database: Database, same: dict[str, object]) -> None:
    """On PostgreSQL a column of one value throughout goes as that value, where there are many rows."""
    news = [new_article(n, fetched_at=NOON, **same) for n in range(40)]
    with database.write() as session:
        store_story(session)
        stored = articles.add_articles(session, news[:30])
        one_by_one = [articles.add_article(session, item) for item in news[30:]]
        claims.add_claims(session, [claim(f"c{n}", article_id=stored[n].article_id) for n in range(30)])
    with database.read() as session:
        for item, article in zip(news, (*stored, *one_by_one), strict=True):
            held = articles.get_article(session, item.url)
            assert (held, held.lang, held.published) == (article, item.lang, item.published)
            version = articles.get_version(session, article.article_id, 1)
            assert (version.title, version.text, version.fetched_at) == (item.title, item.text, NOON)
        assert len(claims.list_claims(session, "unrest")) == 30


def test_a_thousand_rows_go_in_at_once(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        stored = articles.add_articles(session, [new_article(n) for n in range(1200)])
        assert len({article.article_id for article in stored}) == 1200
        assert (
            claims.add_claims(session, [claim(f"c{n}", article_id=stored[n].article_id) for n in range(1200)]) == 1200
        )
        assert len(articles.find_articles(session, [article.url for article in stored])) == 1200
    with database.read() as session:
        assert session.execute(text("SELECT count(*) FROM search_documents")).scalar() == 1200
