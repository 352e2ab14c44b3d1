"""The watch watches itself, through the same outbox: each trouble and its end are planned once, whoever looks how often."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.health import HealthWatch
from monitor.sources.http import Fetcher
from storage import claims, deliveries
from storage.records import ChannelHealth, RevisionKind, Subscription
from tests.support.desk import START, Desk
from tests.support.webserver import Reply, WebServer

HEALTH = Subscription(name="desk", channels=("hook",), group_wait=0, group_interval=0)
TOLL = "The unrest in Harbour City has left 44 people dead, the Health Ministry said on Sunday. Schools stay shut."
DAY = 24 * 60


class WatchedDesk(Desk):
    """A desk that looks at its own health whenever it works."""

    def told(self) -> list[str]:
        """The reasons of all health events for which an alert is planned, in order; each has one alert."""
        with self.database.read() as session:
            events = claims.list_revisions(session, kinds=[RevisionKind.HEALTH])
            planned = [alert.revision_id for alert in deliveries.list_alerts(session)]
        assert all(planned.count(event.revision_id) == 1 for event in events)
        return [event.reason for event in events]

    def look(self, times: int = 2) -> None:
        """Look, more than once: what was told is not told again."""

        async def go() -> None:
            async with Fetcher(allow_private=True) as fetcher:
                tools = self.tools(fetcher)
                for _ in range(times):
                    await HealthWatch(tools).look()
                tools.close()

        asyncio.run(go())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WatchedDesk]:
    with WebServer() as site:
        made = WatchedDesk(site, tmp_path, subscriptions=(HEALTH,))
        yield made
        made.database.close()


def test_a_feed_that_is_dead_for_a_day_and_its_return_are_told_once(desk: WatchedDesk) -> None:
    desk.site.add("/feed", Reply(status=503))
    desk.go_on(DAY - 60, step=60)
    desk.look()
    assert desk.told() == []
    desk.go_on(120, step=60)
    desk.look()
    desk.go_on(2 * DAY, step=240)
    desk.look()
    assert desk.told() == ["feed_dead"]
    desk.site.add("/feed", lambda _request: Reply(body=desk._feed(), content_type="application/rss+xml"))
    desk.go_on(DAY, step=60)
    desk.look()
    assert desk.told() == ["feed_dead", "feed_recovered"]


def test_a_story_that_nothing_matches_for_a_week_is_told_once_and_so_is_its_end(desk: WatchedDesk) -> None:
    desk.go_on(6 * DAY, step=DAY)
    desk.look()
    assert desk.told() == []
    desk.go_on(2 * DAY, step=DAY)
    desk.look()
    assert desk.told() == ["nothing_matched"]
    desk.publish("a", "Dozens of lives lost in Harbour City riots", TOLL)
    desk.go_on(60, step=5)
    desk.look()
    assert desk.told() == ["nothing_matched", "matched_again"]


def test_a_channel_that_keeps_failing_and_its_return_are_told_once(desk: WatchedDesk) -> None:
    failing = ChannelHealth(channel="other", failures=5, failing_since=START, last_error="503 Service Unavailable")
    for health in (failing, replace(failing, failures=9)):
        with desk.database.write() as session:
            deliveries.record_channel_health(session, health)
        desk.look()
    assert desk.told() == ["delivery_failing"]
    desk.now += timedelta(hours=1)
    with desk.database.write() as session:
        deliveries.record_channel_health(session, ChannelHealth(channel="other", last_success_at=desk.now))
    desk.look()
    assert desk.told() == ["delivery_failing", "delivery_recovered"]
