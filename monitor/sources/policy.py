"""PURE: when a feed is polled next and what is remembered of an answer; when an article is read again (design §4)."""

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from monitor.reading.feeds_sitemap import INDEX_FORMAT
from monitor.sources.answers import Fetched
from storage.errors import HostRestsError, StorywatchError
from storage.records import Article, Entry, Feed, FeedState, ParsedFeed

MIN_INTERVAL = timedelta(minutes=5)
MAX_INTERVAL = timedelta(hours=24)
FIRST_INTERVAL = timedelta(hours=1)  # for a feed that dates nothing
FULL_EVERY = timedelta(days=7)  # some servers lie with 304: now and then we ask without validators
DEAD_AFTER = timedelta(days=3)  # failing for so long, a feed is told to be dead, once
_WEEK = timedelta(days=7)
_INDEX_MARK = "index:"
_RATE_WINDOW = timedelta(days=28)
_BACKOFF_FACTOR = 2.0
_EASE_FACTOR = 2.0  # a wait is at most so many times the last one: a new feed is looked at soon, and soon again
_QUIET_FACTOR = 0.5  # an unchanged weekly full read halves what we think a feed publishes
_JITTER = 0.1

# By how long ago it last changed: the pause until an article is read again. Pauses grow with age.
REREADS = (
    (timedelta(hours=3), timedelta(minutes=15)),
    (timedelta(days=1), timedelta(hours=1)),
    (timedelta(days=7), timedelta(hours=3)),
    (timedelta(days=30), timedelta(days=3)),
    (timedelta(days=365), timedelta(days=30)),
)

# A page that is gone is looked at again after as long a time as it has been gone, within these bounds, for a year.
RETURN_FIRST, RETURN_LONGEST, RETURN_GIVEN_UP = timedelta(hours=1), timedelta(days=30), timedelta(days=365)

# At these ages since its last change an article is read whole, whatever its server believes to be unchanged.
WHOLE_READS = (timedelta(hours=3), *(timedelta(days=days) for days in (1, 2, 4, 7, 14, 30, 90, 180)))


class Notice(StrEnum):
    """What people are told about a feed, once."""

    DEAD = "dead"
    RECOVERED = "recovered"
    GONE = "gone"
    MOVED = "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Validators to send with the next request; both None asks for the body whatever the server believes."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedUpdate:
    """What to store of a feed after one poll, and what to tell; `message` is one line for people, or empty."""

    feed: Feed
    notice: Notice | None = None
    message: str = ""


def conditions_for(feed: Feed, now: datetime) -> Conditions:
    """The validators for the next request: those we hold, but none when the last full read is a week old."""
    if is_full_due(feed, now):
        return Conditions()
    return Conditions(etag=feed.etag, last_modified=feed.last_modified)


def is_full_due(feed: Feed, now: datetime) -> bool:
    """Whether a feed is to be read whole: it never was, lately not, or is to be read anew."""
    return feed.body_hash is None or feed.last_full_at is None or now - feed.last_full_at >= FULL_EVERY


def is_index(feed: Feed) -> bool:
    """Whether a feed was an index of sitemaps when it was read last."""
    return feed.body_hash is not None and feed.body_hash.startswith(_INDEX_MARK)


def conditions_for_article(article: Article, now: datetime) -> Conditions:
    """The validators for the next reading of an article: none where it has come of an age to be read whole, or where a
    second fetch is to confirm what the first one showed.
    """
    last = article.last_read_at
    if last is None or article.pending_hash is not None:
        return Conditions()
    passed_then, passed_now = (bisect_right(WHOLE_READS, at - article.last_changed_at) for at in (last, now))
    if passed_then != passed_now:
        return Conditions()
    return Conditions(etag=article.etag, last_modified=article.last_modified)


def hash_body(body: bytes) -> str:
    """A short hash of a body as fetched: equal hashes need no parsing."""
    # Half the time of BLAKE2 where processors know it, as nearly all do.
    return "s1:" + hashlib.sha256(body).hexdigest()[:32]


def is_unchanged(feed: Feed, fetched: Fetched) -> bool:
    """Whether the answer brings nothing to parse: 304, or the body that we already hold."""
    if fetched.is_not_modified:
        return True
    return fetched.is_success and feed.body_hash is not None and feed.body_hash == hash_body(fetched.body)


def decide_update(
    feed: Feed,
    outcome: Fetched | StorywatchError,
    parsed: ParsedFeed | None = None,
    *,
    now: datetime,
    rng: Random,
    min_interval: timedelta = MIN_INTERVAL,
    max_interval: timedelta = MAX_INTERVAL,
) -> FeedUpdate:
    """Decide what one poll changes.

    `outcome` is the answer, or the error of fetching or of parsing it. `parsed` is None when the body was unchanged.
    `now` aware UTC; `rng` spreads retries. Never raises: every outcome has a next due time or ends in a state.
    """
    if isinstance(outcome, HostRestsError):
        # Not asked, so neither well nor failing.
        rested = _spread(now, timedelta(0), rng, outcome.seconds)
        return FeedUpdate(feed=replace(feed, due_at=rested, last_error=str(outcome)))
    if isinstance(outcome, StorywatchError):
        return _after_failure(feed, str(outcome), None, None, now=now, rng=rng, min_interval=min_interval)
    if outcome.is_gone:
        message = outcome.explain()
        gone = replace(
            feed, state=FeedState.GONE, due_at=None, last_polled_at=now, last_status=outcome.status, last_error=message
        )
        return FeedUpdate(feed=gone, notice=Notice.GONE, message=message)
    if outcome.trouble is not None:
        return _after_failure(
            feed, outcome.explain(), outcome.status, outcome.retry_after, now=now, rng=rng, min_interval=min_interval
        )
    return _after_success(feed, outcome, parsed, now=now, rng=rng, bounds=(min_interval, max_interval))


def _after_success(
    feed: Feed,
    fetched: Fetched,
    parsed: ParsedFeed | None,
    *,
    now: datetime,
    rng: Random,
    bounds: tuple[timedelta, timedelta],
) -> FeedUpdate:
    is_full = not fetched.is_not_modified
    rate = feed.entries_per_week
    if parsed is not None:
        rate = entries_per_week(parsed.entries, now)
        rate = feed.entries_per_week if rate is None else rate
        if is_index(feed) and rate is not None:
            # Of an index only the files that changed were read: they may be those where little happens.
            rate = max(rate, _QUIET_FACTOR * (feed.entries_per_week or 0.0))
    elif is_full and rate is not None and conditions_for(feed, now) == Conditions():
        rate *= _QUIET_FACTOR
    ttl = parsed.ttl_seconds if parsed is not None else feed.ttl_seconds
    longest = min(bounds[1], max(_EASE_FACTOR * _since_last(feed, now), bounds[0]))
    interval = poll_interval(rate, ttl, fetched.max_age, min_interval=bounds[0], max_interval=longest)
    moved = fetched.permanent_url is not None and fetched.permanent_url != feed.url
    notice = Notice.RECOVERED if feed.told_dead_at is not None else Notice.MOVED if moved else None
    message = ""
    if notice is Notice.RECOVERED:
        message = f"{feed.url}: answers again"
    elif moved:
        message = f"{feed.url}: has moved for good to {fetched.permanent_url}, which is polled from now on"
    updated = replace(
        feed,
        url=fetched.permanent_url or feed.url,
        state=FeedState.ACTIVE if feed.state is FeedState.GONE else feed.state,
        title=(parsed.title if parsed is not None else "") or feed.title,
        etag=fetched.etag if is_full else (fetched.etag or feed.etag),
        last_modified=fetched.last_modified if is_full else (fetched.last_modified or feed.last_modified),
        body_hash=_remembered_hash(feed, fetched, parsed),
        ttl_seconds=ttl,
        due_at=_spread(now, interval, rng, fetched.retry_after),
        last_polled_at=now,
        last_success_at=now,
        last_full_at=now if is_full else feed.last_full_at,
        last_status=fetched.status,
        last_error=None,
        failures=0,
        failing_since=None,
        told_dead_at=None,
        entries_per_week=rate,
    )
    return FeedUpdate(feed=updated, notice=notice, message=message)


def complain(update: FeedUpdate, complaint: str) -> FeedUpdate:
    """An update of a feed that answers, with what was wrong all the same."""
    return replace(update, message=update.message or complaint, feed=replace(update.feed, last_error=complaint))


def stay(feed: Feed, update: FeedUpdate, *, now: datetime) -> FeedUpdate:
    """What an update comes to where the address that the feed moved to is another feed's.

    It keeps its own, and is asked only now and then whether it still leads there. This is said once.
    """
    target = update.feed.url
    message = f"{feed.url}: has moved for good to {target}, which is a feed of its own here; remove one of both"
    if feed.last_error == message:
        message = ""
    kept = replace(update.feed, url=feed.url, due_at=now + MAX_INTERVAL, last_error=message or feed.last_error)
    return FeedUpdate(feed=kept, message=message)


def _since_last(feed: Feed, now: datetime) -> timedelta:
    """How long ago a feed last answered; no time at all, if it never did."""
    return now - feed.last_success_at if feed.last_success_at is not None else timedelta(0)


def _remembered_hash(feed: Feed, fetched: Fetched, parsed: ParsedFeed | None) -> str | None:
    """The hash by which an unchanged body is known; only a mark of an index, which may stand still while its files do
    not.
    """
    if parsed is not None and parsed.format == INDEX_FORMAT:
        return _INDEX_MARK
    return feed.body_hash if parsed is None else hash_body(fetched.body)


def _after_failure(
    feed: Feed,
    message: str,
    status: int | None,
    retry_after: float | None,
    *,
    now: datetime,
    rng: Random,
    min_interval: timedelta,
) -> FeedUpdate:
    failures = feed.failures + 1
    since = feed.failing_since or now
    wait = min(min_interval * _BACKOFF_FACTOR ** min(failures - 1, 20), MAX_INTERVAL)
    is_newly_dead = feed.told_dead_at is None and now - since >= DEAD_AFTER
    updated = replace(
        feed,
        due_at=_spread(now, wait, rng, retry_after),
        last_polled_at=now,
        last_status=status,
        last_error=message,
        failures=failures,
        failing_since=since,
        told_dead_at=now if is_newly_dead else feed.told_dead_at,
    )
    return FeedUpdate(feed=updated, notice=Notice.DEAD if is_newly_dead else None, message=message)


def poll_interval(
    rate: float | None,
    ttl_seconds: float | None = None,
    max_age: float | None = None,
    *,
    min_interval: timedelta = MIN_INTERVAL,
    max_interval: timedelta = MAX_INTERVAL,
) -> timedelta:
    """The time to the next poll: one week over `rate` entries a week, between `min_interval` and `max_interval`.

    Never below the feed's own ttl or the answer's max-age (each heard up to a day); a rate of None means unknown.
    """
    wanted = FIRST_INTERVAL if rate is None else _WEEK / rate if rate > 7 else MAX_INTERVAL
    floor = max(ttl_seconds or 0.0, max_age or 0.0)
    asked = min(timedelta(seconds=min(floor, MAX_INTERVAL.total_seconds())), MAX_INTERVAL)
    return max(min(wanted, max_interval), min_interval, asked)


def entries_per_week(entries: Sequence[Entry], now: datetime) -> float | None:
    """How many entries a feed publishes a week, from the dates that it shows; None when it shows none.

    Counts what is dated within the last four weeks over the time that they span up to `now`, so that both a feed that
    shows one busy day and one that fell silent are seen as they are.
    """
    dated = [when for entry in entries if (when := entry.published_at or entry.updated_at) is not None and when <= now]
    if not dated:
        return None
    recent = [when for when in dated if now - when <= _RATE_WINDOW]
    if not recent:
        return 0.0
    shows_whole_window = len(recent) < len(dated)
    span = _RATE_WINDOW if shows_whole_window else max(now - min(recent), timedelta(hours=1))
    return len(recent) * (_WEEK / span)


def _spread(now: datetime, wait: timedelta, rng: Random, retry_after: float | None) -> datetime:
    """`now` plus `wait` plus up to a tenth, so that feeds do not march in step; never before what was asked."""
    at_least = timedelta(seconds=min(retry_after or 0.0, 7 * 86400.0))
    return now + max(wait, at_least) * (1 + _JITTER * rng.uniform(0, 1))


def return_at(removed_at: datetime, now: datetime) -> datetime | None:
    """When the address of a removed article is looked at again, ever more rarely; None once it is gone for a year."""
    gone = now - removed_at
    return now + min(max(gone, RETURN_FIRST), RETURN_LONGEST) if gone < RETURN_GIVEN_UP else None


def reread_at(last_changed_at: datetime, now: datetime) -> datetime | None:
    """When a matched article is read again, by its age since the last change; None once it is a year old."""
    age = now - last_changed_at
    for limit, pause in REREADS:
        if age < limit:
            return now + pause
    return None
