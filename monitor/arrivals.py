"""SHELL: what polls and pushes brought is put down as waiting to be read, many at a time.

What is asked of the store about a feed's entries is asked for all feeds that come at the same moment: a statement for
each costs more than all that it finds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from monitor.entries import EntryOutcome, entry_fingerprint
from monitor.reading.identity import name_entries
from monitor.recognition import find_known, find_seen
from monitor.sources.answers import Fetched
from monitor.sources.websub import Offer
from monitor.subscribing import note_missed, note_offer, note_push
from monitor.vault import Vault
from monitor.watch import Watch
from storage import articles, feeds
from storage.codec import to_json
from storage.records import Entry, Feed, FeedKind, ParsedFeed, SeenEntry


@dataclass(slots=True, kw_only=True)
class Arrival:
    """What a poll or push brought, on its way to be stored; `waiting` and `fresh` are filled in then.

    `is_push_wanted`: hubs can reach us, so an `offer` is taken up. `answer` is what evidence would keep.
    """

    feed: Feed
    watch: Watch
    now: datetime
    trace: str
    parsed: ParsedFeed
    is_moved: bool = False
    is_push: bool = False
    offer: Offer | None = None
    is_push_wanted: bool = False
    answer: Fetched | None = None
    vault: Vault | None = None
    waiting: int = 0
    fresh: int = 0


def store_arrivals(session: Session, arrivals: Iterable[Arrival]) -> None:
    """Put down what polls and pushes brought, in one transaction.

    Apart, and after the others, go those of whose feed something must be known first: a push, a feed that moved, the
    second of one feed.
    """
    together: list[Arrival] = []
    apart: list[Arrival] = []
    met: set[int] = set()
    for one in arrivals:
        is_plain = not (one.is_push or one.is_moved or one.feed.feed_id in met)
        (together if is_plain else apart).append(one)
        met.add(one.feed.feed_id)
    feeds.update_feeds(session, [one.feed for one in together])
    _store(session, together)
    for one in apart:
        one.feed = _settle_feed(session, one)
        _store(session, [one])


def _store(session: Session, arrivals: Sequence[Arrival]) -> None:
    known = find_known(session, [(one.feed.feed_id, name_entries(one.parsed)) for one in arrivals])
    seen = find_seen(session, [(one.feed.feed_id, found) for one, (found, _) in zip(arrivals, known, strict=True)])
    notes: list[SeenEntry] = []
    for one, (_, numbers), (found, before) in zip(arrivals, known, seen, strict=True):
        _note_push(session, one)
        notes += _notes(session, one, found, numbers, before)
        if one.fresh and one.is_push_wanted:
            note_missed(session, one.feed.feed_id, one.now)
        _keep(session, one)
    feeds.record_seen_entries(session, notes)


def _notes(
    session: Session,
    poll: Arrival,
    found: Mapping[str, Entry],
    known: Mapping[str, int],
    seen: Mapping[str, SeenEntry],
) -> list[SeenEntry]:
    """What is to be noted of the entries that are new or have changed."""
    poll.waiting = poll.fresh = 0  # it may be stored anew, if others could not be
    notes = []
    for key, entry in found.items():
        before = seen.get(key)
        print_ = entry_fingerprint(entry)
        if before is not None and before.fingerprint == print_:
            continue
        poll.fresh += before is None
        number = known.get(key) or (before.article_id if before is not None else None)
        notes.append(_note(session, poll, key, entry, print_, number))
    return notes


def _note(
    session: Session, poll: Arrival, key: str, entry: Entry, fingerprint: str, article_id: int | None
) -> SeenEntry:
    feed, now = poll.feed, poll.now
    note = SeenEntry(
        feed_id=feed.feed_id,
        entry_key=key,
        outcome=EntryOutcome.NO_MATCH,
        seen_at=now,
        fingerprint=fingerprint,
        trace=poll.trace,
    )
    if article_id:
        if entry.link:
            _hasten(session, article_id, now)
        return replace(note, outcome=EntryOutcome.STORED, article_id=article_id)
    is_whole = feed.full or feed.kind is FeedKind.PAGE
    if is_whole or poll.watch.could_match(title=entry.title, summary=entry.summary):
        poll.waiting += 1
        return replace(note, outcome=EntryOutcome.WAITING, retry_at=now, payload=to_json(entry))
    return note


def _settle_feed(session: Session, poll: Arrival) -> Feed:
    """Store what was learned of the feed itself; returns it as it stands then."""
    feed = poll.feed
    if poll.is_push:
        # What a poll beside us has just stored stays: a push says nothing of validators or faults.
        return feeds.get_feed(session, feed.feed_id)
    other = feeds.find_feed(session, feed.url) if poll.is_moved else None
    if other is not None and other.feed_id != feed.feed_id:
        # Another feed has had this address since it was asked: each address is one feed's.
        feed = replace(feed, url=feeds.get_feed(session, feed.feed_id).url)
    feeds.update_feeds(session, [feed])
    return feed


def _note_push(session: Session, poll: Arrival) -> None:
    if poll.is_push:
        note_push(session, poll.feed.feed_id, poll.now)
    elif poll.is_push_wanted:
        note_offer(session, poll.feed.feed_id, poll.offer, poll.now)


def _hasten(session: Session, article_id: int, now: datetime) -> None:
    """Its feed says that an article changed: read it now, not when its turn comes."""
    article = articles.get_article(session, article_id)
    if article.reread_at is None or article.reread_at > now:
        articles.update_article(session, replace(article, reread_at=now))


def _keep(session: Session, poll: Arrival) -> None:
    if poll.vault is not None and poll.answer is not None and poll.answer.exchanges:
        poll.vault.keep(session, poll.answer.exchanges, now=poll.now, feed_id=poll.feed.feed_id)
