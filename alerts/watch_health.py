"""What people must know of the watch itself: feeds that died, deliveries that fail, stories that match nothing, parts
of the service that are not there. Pure.

Each finding is a revision of kind `health` with a deterministic id: stored in the change log like any other it is told
through the same outbox, and once, however often it is found again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from storage.keys import stable_hash
from storage.liveness import WORKER, Heard, find_leader
from storage.records import (
    ChannelHealth,
    Feed,
    FeedState,
    Figure,
    RecordKey,
    Revision,
    RevisionKind,
    Story,
    StoryState,
)

DEAD_AFTER = timedelta(days=1)
QUIET_AFTER = timedelta(days=7)
# Parts of the service are missed after this; within it they are started anew.
MISSED_AFTER = timedelta(minutes=3)
# Attempts in a row that fail before a channel is called failing.
_FAILING_AFTER = 5
# Fewer failures than that, or a new address, and nothing delivered yet.
_UNCLEAR = "unclear"


def find_feed_health(feeds: Iterable[Feed], *, now: datetime) -> tuple[Revision, ...]:
    """Return an event for each feed that has been dead for a day, and for each that came back after it was told dead.

    The caller notes the time of the first in the feed's `told_dead_at` and clears it after the second.
    """
    events = []
    for feed in feeds:
        if feed.state is not FeedState.ACTIVE:
            continue
        if feed.told_dead_at is None and feed.failing_since is not None and now - feed.failing_since >= DEAD_AFTER:
            hours = int((now - feed.failing_since).total_seconds() // 3600)
            events.append(
                _event(
                    "feed",
                    feed.url,
                    ("alive", "dead"),
                    "feed_dead",
                    feed.failing_since,
                    now,
                    hours=hours,
                    error=feed.last_error or "",
                )
            )
        elif feed.told_dead_at is not None and feed.failing_since is None:
            events.append(_event("feed", feed.url, ("dead", "alive"), "feed_recovered", feed.told_dead_at, now))
    return tuple(events)


def find_channel_events(
    before: Mapping[str, ChannelHealth], after: Iterable[ChannelHealth], *, now: datetime
) -> tuple[Revision, ...]:
    """Return an event for each channel that keeps failing, is gone, or works again, where it did not before.

    `before` is what `remember_channels` kept of the last looks.
    """
    events = []
    for health in after:
        earlier = before.get(health.channel)
        was, since = _channel_state(earlier, None)
        state, started = _channel_state(health, earlier)
        if state in (was, _UNCLEAR) or (was == "gone" and state == "failing"):
            continue
        reason = {"failing": "delivery_failing", "gone": "endpoint_gone", "working": "delivery_recovered"}[state]
        anchor = started or since or now
        events.append(
            _event(
                "delivery",
                health.channel,
                (was, state),
                reason,
                anchor,
                now,
                n=health.failures,
                error=health.last_error,
            )
        )
    return tuple(events)


def remember_channels(before: Mapping[str, ChannelHealth], after: Iterable[ChannelHealth]) -> dict[str, ChannelHealth]:
    """Return what the next look compares with, by channel: how it fares now, or, while nobody knows whether what ailed
    it is over, how it fared then."""
    kept = {}
    for health in after:
        earlier = before.get(health.channel)
        is_open = earlier is not None and _channel_state(health, earlier)[0] == _UNCLEAR
        kept[health.channel] = earlier if earlier is not None and is_open else health
    return kept


def find_quiet_stories(
    stories: Iterable[Story],
    last_match_at: Mapping[str, datetime],
    told_quiet: Mapping[str, datetime],
    *,
    watched_since: Mapping[str, datetime],
    now: datetime,
) -> tuple[Revision, ...]:
    """Return an event for each active story that nothing has matched for a week, and for each that something matched
    again.

    `last_match_at` and `watched_since` map slugs to times; `told_quiet` to when the story was told quiet, if it was.
    """
    events = []
    for story in stories:
        since = last_match_at.get(story.slug) or watched_since.get(story.slug)
        if story.state is not StoryState.ACTIVE or since is None:
            continue
        is_quiet, told = now - since >= QUIET_AFTER, told_quiet.get(story.slug)
        if is_quiet and told is None:
            days = (now - since).days
            events.append(
                _event(
                    "matching",
                    story.slug,
                    ("alive", "quiet"),
                    "nothing_matched",
                    since,
                    now,
                    story=story.slug,
                    days=days,
                )
            )
        elif not is_quiet and told is not None:
            events.append(
                _event("matching", story.slug, ("quiet", "alive"), "matched_again", told, now, story=story.slug)
            )
    return tuple(events)


def find_missing_parts(heard: Sequence[Heard], due: Mapping[str, int]) -> dict[str, str]:
    """Return which parts are missing at this moment, and what waits for them: a scheduler that leads, or workers that
    take what is due.

    `due` counts the pieces of work that are due by queue: where nothing is due, nobody misses a worker.
    """
    waiting = ", ".join(f"{queue} {count}" for queue, count in due.items() if count)
    idle = ", ".join(f"{queue} {due[queue]}" for queue in find_idle_queues(heard, due))
    missing = {} if find_leader(heard) else {"scheduler": waiting}
    return missing | ({"workers": idle} if idle else {})


def find_idle_queues(heard: Iterable[Heard], due: Mapping[str, int]) -> tuple[str, ...]:
    """Return the queues in which something is due and from which no worker that lives takes anything."""
    taken = {queue for one in heard if _is_worker(one) for queue in one.part.work}
    return tuple(queue for queue, count in due.items() if count and queue not in taken)


def find_part_events(
    missing: Mapping[str, str],
    since: Mapping[str, datetime],
    told: Mapping[str, datetime],
    heard: Sequence[Heard],
    *,
    at: datetime,
    now: datetime,
) -> tuple[Revision, ...]:
    """Return an event for each kind of part that has been missing for `MISSED_AFTER`, and for each that is back after
    it was told missing.

    `since` says when each was first seen missing and `at` what time it is, both by the database's clock; `told` which
    were told missing.
    """
    there = {"scheduler": find_leader(heard) is not None, "workers": any(_is_worker(one) for one in heard)}
    events = []
    for what, is_there in there.items():
        if what in missing and what not in told and at - since[what] >= MISSED_AFTER:
            minutes = int((at - since[what]).total_seconds() // 60)
            waiting = missing[what] or "0"
            states, reason = ("alive", "dead"), f"{what}_gone"
            events.append(_event(what, "", states, reason, since[what], now, minutes=minutes, waiting=waiting))
        elif what not in missing and is_there and what in told:
            events.append(_event(what, "", ("dead", "alive"), f"{what}_back", told[what], now))
    return tuple(events)


def _is_worker(heard: Heard) -> bool:
    return heard.part.role == WORKER and heard.is_live


def _channel_state(health: ChannelHealth | None, earlier: ChannelHealth | None) -> tuple[str, datetime | None]:
    """How a channel fares and since when; after trouble (`earlier`) it works only once a message has arrived since."""
    if health is None:
        return "working", None
    if health.disabled_at is not None:
        return "gone", health.disabled_at
    if health.failures >= _FAILING_AFTER:
        return "failing", health.failing_since
    ailed = earlier is not None and _channel_state(earlier, None)[0] != "working"
    last = health.last_success_at
    arrived = last is not None and (
        earlier is None or earlier.last_success_at is None or last > earlier.last_success_at
    )
    if ailed and (health.failures or not arrived):
        return _UNCLEAR, None
    return "working", last


def _event(
    what: str,
    place: str,
    states: tuple[str, str],
    reason: str,
    anchor: datetime,
    now: datetime,
    *,
    story: str = "",
    **details: object,
) -> Revision:
    """One event; `anchor` is the time that tells this outage from the next."""
    return Revision(
        revision_id=stable_hash("h1", what, place, reason, anchor.isoformat()),
        story=story,
        key=RecordKey(story=story, metric=what, unit="health", place=place),
        kind=RevisionKind.HEALTH,
        before=Figure(state=states[0]),
        after=Figure(state=states[1]),
        recorded_at=now,
        reason=reason,
        rule=reason,
        detail="\n".join(f"{name}={' '.join(str(value).split())}" for name, value in details.items()),
    )
