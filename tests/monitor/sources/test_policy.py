"""When feeds are polled and articles re-read: every outcome has a next step."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.answers import Fetched
from monitor.sources.http import TimedOutError
from monitor.sources.policy import (
    Conditions,
    Notice,
    conditions_for,
    decide_update,
    entries_per_week,
    hash_body,
    is_unchanged,
    poll_interval,
    reread_at,
    return_at,
)
from storage.errors import FeedParseError
from storage.records import Entry, Feed, FeedState, ParsedFeed

NOW = datetime(2022, 1, 10, 12, tzinfo=UTC)
URL = "https://x.org/feed"
FEED = Feed(
    feed_id=1,
    url=URL,
    etag='"1"',
    last_modified="then",
    body_hash="b1:x",
    last_success_at=NOW - timedelta(hours=1),
    last_full_at=NOW - timedelta(hours=1),
)


def answer(status: int = 200, **changes: object) -> Fetched:
    return replace(Fetched(url=URL, final_url=URL, status=status), **changes)  # type: ignore[arg-type]  # fields of Fetched


def entries(*ages_in_hours: float) -> tuple[Entry, ...]:
    return tuple(
        Entry(entry_id=str(n), link="", title="", published_at=NOW - timedelta(hours=age))
        for n, age in enumerate(ages_in_hours)
    )


def wait(feed: Feed) -> timedelta:
    assert feed.due_at is not None
    return feed.due_at - NOW


def rng() -> Random:
    return Random(0)  # jitter between none and a tenth


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (None, timedelta(hours=1)),
        (0.0, timedelta(hours=24)),
        (7.0, timedelta(hours=24)),
        (14.0, timedelta(hours=12)),
        (168.0, timedelta(hours=1)),
        (100_000.0, timedelta(minutes=5)),
    ],
)
def test_the_interval_follows_the_feed(rate: float | None, expected: timedelta) -> None:
    assert poll_interval(rate) == expected


def test_the_interval_is_never_below_what_the_feed_asks() -> None:
    assert poll_interval(100_000.0, 3600.0) == timedelta(hours=1)
    assert poll_interval(100_000.0, 60.0, 7200.0) == timedelta(hours=2)
    assert poll_interval(100_000.0, 10_000_000.0) == timedelta(hours=24)


def test_a_new_feed_is_looked_at_again_soon_and_less_and_less() -> None:
    feed, now = Feed(feed_id=1, url=URL, due_at=NOW), NOW
    parsed = ParsedFeed(entries=entries(5.0))  # one entry, hours old: by its rate it would be asked in five hours
    pauses = []
    for _ in range(8):
        feed = decide_update(feed, answer(), parsed, now=now, rng=rng()).feed
        assert feed.due_at is not None
        pauses.append(feed.due_at - now)
        now = feed.due_at
    assert pauses[0] <= timedelta(minutes=5.5)
    assert all(before < after <= 2.2 * before for before, after in pairwise(pauses[:6]))
    assert pauses[-1] >= timedelta(hours=5)


def test_a_new_feed_that_asks_for_a_pause_gets_it() -> None:
    new = Feed(feed_id=1, url=URL, due_at=NOW)
    slow = ParsedFeed(entries=entries(5.0), ttl_seconds=7200.0)
    assert wait(decide_update(new, answer(), slow, now=NOW, rng=rng()).feed) >= timedelta(hours=2)


def test_the_rate_counts_what_the_feed_shows() -> None:
    assert entries_per_week(entries(1, 2, 3, 4), NOW) == pytest.approx(4 * 168 / 4)
    assert entries_per_week(entries(*[0.1] * 20), NOW) == 20 * 168  # a burst is not taken for eternity
    assert entries_per_week(entries(24 * 40), NOW) == 0.0
    assert entries_per_week(entries(24, 24 * 40), NOW) == 0.25
    assert entries_per_week((), NOW) is None
    assert entries_per_week(entries(-5), NOW) is None  # dated in the future: says nothing


def test_success_keeps_validators_verbatim_and_clears_failures() -> None:
    failing = replace(FEED, failures=3, failing_since=NOW - timedelta(hours=9), last_error="x")
    got = decide_update(
        failing,
        answer(body=b"new", etag="W/ odd", last_modified="no date"),
        ParsedFeed(title="T", ttl_seconds=600.0),
        now=NOW,
        rng=rng(),
    )
    assert (got.feed.etag, got.feed.last_modified, got.feed.failures, got.feed.failing_since) == (
        "W/ odd",
        "no date",
        0,
        None,
    )
    assert (got.feed.body_hash, got.feed.title, got.feed.ttl_seconds, got.feed.last_full_at) == (
        hash_body(b"new"),
        "T",
        600.0,
        NOW,
    )
    assert (got.notice, got.message) == (None, "")


def test_304_keeps_what_is_held() -> None:
    got = decide_update(replace(FEED, entries_per_week=168.0), answer(304), now=NOW, rng=rng())
    assert (got.feed.etag, got.feed.body_hash, got.feed.last_full_at) == ('"1"', "b1:x", FEED.last_full_at)
    assert timedelta(hours=1) <= wait(got.feed) <= timedelta(hours=1.1)


def test_a_full_answer_without_validators_drops_the_old_ones() -> None:
    got = decide_update(FEED, answer(body=b"x"), ParsedFeed(), now=NOW, rng=rng())
    assert (got.feed.etag, got.feed.last_modified) == (None, None)


def test_now_and_then_the_body_is_asked_for_whatever_the_server_believes() -> None:
    assert conditions_for(FEED, NOW) == Conditions(etag='"1"', last_modified="then")
    assert conditions_for(replace(FEED, last_full_at=NOW - timedelta(days=7)), NOW) == Conditions()
    assert conditions_for(replace(FEED, last_full_at=None), NOW) == Conditions()
    assert conditions_for(replace(FEED, body_hash=None), NOW) == Conditions()


def test_unchanged_bodies_are_known_by_their_hash() -> None:
    held = replace(FEED, body_hash=hash_body(b"x"))
    assert is_unchanged(held, answer(body=b"x"))
    assert is_unchanged(held, answer(304))
    assert not is_unchanged(held, answer(body=b"y"))
    assert not is_unchanged(held, answer(500, body=b"x"))


def test_a_feed_that_stays_the_same_is_asked_less_often() -> None:
    quiet = replace(FEED, body_hash=hash_body(b"x"), entries_per_week=28.0, last_full_at=NOW - timedelta(days=8))
    assert decide_update(quiet, answer(body=b"x"), now=NOW, rng=rng()).feed.entries_per_week == 14.0


def test_failures_back_off_to_a_day_and_never_stop() -> None:
    feed, waits = FEED, []
    for _ in range(14):
        feed = decide_update(feed, TimedOutError("slow"), now=NOW, rng=rng()).feed
        waits.append(wait(feed))
    assert timedelta(minutes=5) <= waits[0] <= timedelta(minutes=5.5)
    assert waits == sorted(waits)
    assert timedelta(hours=24) <= waits[-1] <= timedelta(hours=26.4)
    assert feed.state is FeedState.ACTIVE
    assert (feed.failures, feed.last_error, feed.failing_since) == (14, "slow", NOW)


@pytest.mark.parametrize("outcome", [FeedParseError("html"), answer(500), answer(404), answer(403), answer(418)])
def test_every_failure_waits_its_turn(outcome: Fetched | FeedParseError) -> None:
    got = decide_update(FEED, outcome, now=NOW, rng=rng())
    assert wait(got.feed) >= timedelta(minutes=5)
    assert got.message
    assert got.feed.etag == '"1"'


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(status: int) -> None:
    got = decide_update(FEED, answer(status, retry_after=40_000.0), now=NOW, rng=rng())
    assert wait(got.feed) >= timedelta(seconds=40_000)


def test_410_ends_the_feed() -> None:
    got = decide_update(FEED, answer(410), now=NOW, rng=rng())
    assert (got.feed.state, got.feed.due_at, got.notice) == (FeedState.GONE, None, Notice.GONE)
    assert "discover" in got.message


def test_a_permanent_move_moves_the_feed() -> None:
    got = decide_update(FEED, answer(permanent_url="https://y.org/feed", body=b"x"), ParsedFeed(), now=NOW, rng=rng())
    assert (got.feed.url, got.notice) == ("https://y.org/feed", Notice.MOVED)


def test_death_and_recovery_are_told_once() -> None:
    feed, told = FEED, []
    now = NOW
    for _ in range(200):
        update = decide_update(feed, TimedOutError("slow"), now=now, rng=rng())
        feed = update.feed
        told.append(update.notice)
        now += timedelta(hours=1)
    assert [notice for notice in told if notice] == [Notice.DEAD]
    assert told.index(Notice.DEAD) == 72
    recovered = decide_update(feed, answer(body=b"x"), ParsedFeed(), now=now, rng=rng())
    assert recovered.notice is Notice.RECOVERED
    assert decide_update(recovered.feed, answer(304), now=now, rng=rng()).notice is None


@pytest.mark.parametrize(
    ("age", "pause"),
    [
        (timedelta(0), timedelta(minutes=15)),
        (timedelta(hours=2), timedelta(minutes=15)),
        (timedelta(hours=3), timedelta(hours=1)),
        (timedelta(days=1), timedelta(hours=3)),
        (timedelta(days=7), timedelta(days=3)),
        (timedelta(days=30), timedelta(days=30)),
        (timedelta(days=365), None),
    ],
)
def test_articles_are_reread_by_age(age: timedelta, pause: timedelta | None) -> None:
    assert reread_at(NOW - age, NOW) == (NOW + pause if pause else None)


@given(
    st.sampled_from([200, 204, 301, 304, 400, 404, 410, 429, 500, 503]),
    st.none() | st.floats(0, 1e9),
    st.none() | st.floats(0, 1e9),
    st.none() | st.floats(0, 1e9),
    st.integers(0, 5000),
    st.integers(0, 2**32),
)
def test_an_active_feed_is_always_due_again(
    status: int, retry: float | None, age: float | None, rate: float | None, failures: int, seed: int
) -> None:
    feed = replace(FEED, entries_per_week=rate, failures=failures, ttl_seconds=age)
    got = decide_update(feed, answer(status, retry_after=retry, max_age=age), now=NOW, rng=Random(seed)).feed
    if got.state is FeedState.ACTIVE:
        assert timedelta(minutes=5) <= wait(got) <= timedelta(days=7) * 1.11


def test_a_feed_that_was_gone_and_answers_when_asked_by_hand_is_polled_again() -> None:
    gone = replace(FEED, state=FeedState.GONE, due_at=None)
    back = decide_update(gone, answer(), ParsedFeed(entries=entries(5.0)), now=NOW, rng=rng()).feed
    assert back.state is FeedState.ACTIVE
    assert back.due_at is not None
    removed = replace(FEED, state=FeedState.REMOVED, due_at=None)
    assert decide_update(removed, answer(), ParsedFeed(), now=NOW, rng=rng()).feed.state is FeedState.REMOVED


@pytest.mark.parametrize(
    ("gone", "pause"),
    [
        (timedelta(0), timedelta(hours=1)),
        (timedelta(hours=5), timedelta(hours=5)),
        (timedelta(days=100), timedelta(days=30)),
        (timedelta(days=365), None),
    ],
)
def test_a_page_that_is_gone_is_looked_for_after_as_long_as_it_has_been(gone: timedelta, pause: timedelta) -> None:
    assert return_at(NOW - gone, NOW) == (NOW + pause if pause else None)
