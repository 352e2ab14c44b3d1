"""What is said of the watch itself: once when it fails, once when it works again."""

from dataclasses import replace
from datetime import timedelta

from alerts.plan import plan_alerts
from alerts.watch_health import find_channel_events, find_feed_health, find_quiet_stories, remember_channels
from storage.records import ChannelHealth, Feed, FeedState, StoryState
from tests.support.alerting import NOON, STORY, after, subscribe

DAY, WEEK = timedelta(days=1), timedelta(days=7)
FEED = Feed(feed_id=1, url="https://f.example/rss", failing_since=NOON, last_error="503")


def test_a_feed_that_is_dead_for_a_day_is_told_once() -> None:
    assert find_feed_health([FEED], now=NOON + DAY - timedelta(seconds=1)) == ()
    (event,) = find_feed_health([FEED], now=NOON + DAY)
    (again,) = find_feed_health([FEED], now=NOON + 2 * DAY)
    assert event.revision_id == again.revision_id
    assert "error=503" in event.detail
    assert find_feed_health([replace(FEED, told_dead_at=NOON + DAY)], now=NOON + 2 * DAY) == ()
    assert len(plan_alerts([event], [subscribe()], now=NOON)) == 1


def test_a_feed_that_came_back_is_told_if_it_was_told_dead() -> None:
    alive = replace(FEED, failing_since=None)
    assert find_feed_health([alive], now=NOON) == ()
    (event,) = find_feed_health([replace(alive, told_dead_at=NOON)], now=after(60))
    assert event.reason == "feed_recovered"
    assert event.key.place == FEED.url


def test_feeds_that_are_not_polled_are_not_dead() -> None:
    assert find_feed_health([replace(FEED, state=FeedState.GONE)], now=NOON + 9 * DAY) == ()


def test_a_channel_that_fails_is_gone_or_works_again_is_told_at_the_change() -> None:
    working = ChannelHealth(channel="desk", last_success_at=NOON)
    failing = ChannelHealth(channel="desk", failures=5, failing_since=NOON, last_error="refused")
    gone = replace(failing, disabled_at=after(60))
    looks = [
        ({}, working, []),
        ({}, replace(failing, failures=4), []),
        ({}, failing, ["delivery_failing"]),
        ({"desk": failing}, replace(failing, failures=9), []),
        ({"desk": failing}, gone, ["endpoint_gone"]),
        ({"desk": gone}, failing, []),
        ({"desk": failing}, working, ["delivery_recovered"]),
    ]
    for before, now_stands, reasons in looks:
        found = find_channel_events(before, [now_stands], now=after(120))
        assert [event.reason for event in found] == reasons


def test_a_channel_works_again_only_once_something_has_arrived() -> None:
    failing = ChannelHealth(channel="desk", failures=5, failing_since=after(60), last_success_at=NOON, last_error="no")
    gone = replace(failing, failures=1, disabled_at=after(90))
    for ailing in (failing, gone):
        memory = {"desk": ailing}
        looks = [
            # Another address, or a person who replays after a 410: nothing is known of it yet.
            (replace(ailing, failures=0, failing_since=None, disabled_at=None), []),
            (replace(ailing, failures=1, failing_since=after(100), disabled_at=None), []),
            (replace(ailing, failures=4, failing_since=after(100), disabled_at=None), []),
            (ChannelHealth(channel="desk", last_success_at=after(200)), ["delivery_recovered"]),
            (ChannelHealth(channel="desk", last_success_at=after(300)), []),
        ]
        for stands, reasons in looks:
            assert [one.reason for one in find_channel_events(memory, [stands], now=after(400))] == reasons
            memory = remember_channels(memory, [stands])


def test_a_story_that_nothing_matches_for_a_week_is_told_once_and_again_when_it_does() -> None:
    watched = {STORY.slug: NOON}
    stories = [STORY]
    assert find_quiet_stories(stories, {}, {}, watched_since=watched, now=NOON + WEEK - DAY) == ()
    (event,) = find_quiet_stories(stories, {}, {}, watched_since=watched, now=NOON + WEEK)
    assert (event.reason, event.story) == ("nothing_matched", STORY.slug)
    told = {STORY.slug: NOON + WEEK}
    assert find_quiet_stories(stories, {}, told, watched_since=watched, now=NOON + 2 * WEEK) == ()
    matched = {STORY.slug: NOON + 2 * WEEK}
    (again,) = find_quiet_stories(stories, matched, told, watched_since=watched, now=NOON + 2 * WEEK + DAY)
    assert again.reason == "matched_again"
    closed = [replace(STORY, state=StoryState.CLOSED)]
    assert find_quiet_stories(closed, {}, {}, watched_since=watched, now=NOON + WEEK) == ()
