"""SHELL: the watch watches itself: dead feeds, failing channels, stories that nothing matches are told like changes."""

import json
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from alerts.plan import plan_alerts
from alerts.watch_health import find_channel_events, find_feed_health, find_quiet_stories, remember_channels
from monitor.tools import Tools
from storage import articles, claims, deliveries, feeds, meta, stories
from storage.codec import from_json, to_json
from storage.records import ChannelHealth, Revision, StoryState

_CHANNELS_FACT = "health.channels"
_FEEDS_FACT = "health.feeds"
_QUIET_FACT = "health.quiet"


class HealthWatch:
    """Looks at feeds, channels and stories now and then; what it finds goes through the same outbox, once."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def look(self) -> int:
        """Find what changed in health since the last look, store it, plan its alerts; returns how much was new."""
        now = self._tools.clock()
        return await self._tools.write(lambda session: self._store(session, now))

    def _store(self, session: Session, now: datetime) -> int:
        events = [*self._feed_events(session, now), *self._channel_events(session, now), *self._quiet(session, now)]
        fresh = claims.add_revisions(session, events)
        deliveries.add_alerts(session, plan_alerts(fresh, self._tools.watch.subscriptions, now=now))
        return len(fresh)

    def _feed_events(self, session: Session, now: datetime) -> tuple[Revision, ...]:
        # Our own memory of what was told: polling clears `told_dead_at` by itself before we look.
        told = _read_times(session, _FEEDS_FACT)
        held = [replace(feed, told_dead_at=told.get(feed.url)) for feed in feeds.list_feeds(session)]
        events = find_feed_health(held, now=now)
        _write_times(session, _FEEDS_FACT, told, events, state="dead", now=now)
        return events

    def _channel_events(self, session: Session, now: datetime) -> tuple[Revision, ...]:
        now_held = deliveries.list_channel_health(session)
        told = json.loads(meta.find_fact(session, _CHANNELS_FACT) or "{}")
        before = {name: from_json(ChannelHealth, payload) for name, payload in told.items()}
        kept = remember_channels(before, now_held)
        meta.set_fact(session, _CHANNELS_FACT, json.dumps({name: to_json(one) for name, one in kept.items()}))
        return find_channel_events(before, now_held, now=now)

    def _quiet(self, session: Session, now: datetime) -> tuple[Revision, ...]:
        active = stories.list_stories(session, states=(StoryState.ACTIVE,))
        told = _read_times(session, _QUIET_FACT)
        events = find_quiet_stories(
            active,
            articles.find_last_matches(session),
            told,
            watched_since=stories.find_added_times(session),
            now=now,
        )
        _write_times(session, _QUIET_FACT, told, events, state="quiet", now=now)
        return events


def _read_times(session: Session, fact: str) -> dict[str, datetime]:
    held = json.loads(meta.find_fact(session, fact) or "{}")
    return {name: datetime.fromisoformat(at) for name, at in held.items()}


def _write_times(
    session: Session, fact: str, told: dict[str, datetime], events: tuple[Revision, ...], *, state: str, now: datetime
) -> None:
    """Note for each thing told to be in `state` since when, and forget it when it was told to be well again."""
    for event in events:
        if event.after is not None and event.after.state == state:
            told[event.key.place] = now
        else:
            told.pop(event.key.place, None)
    if events:
        meta.set_fact(session, fact, json.dumps({name: at.isoformat() for name, at in told.items()}))
