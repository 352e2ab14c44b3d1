"""Feeds as stored: which are due, what polling learned, and which entries were seen."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, and_, bindparam, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session

from storage.codec import from_row, to_row
from storage.errors import NotFoundError
from storage.records import Feed, FeedKind, FeedSpec, FeedState, FeedTally, SeenEntry, Trust
from storage.tables import FEED_STORIES, FEEDS, SEEN_ENTRIES
from storage.writing import changed_rows, chunks, insert_new, insert_or_update, is_postgres

# Half a megabyte at hand is enough to go through a table once.
_READ_THROUGH_PAGES = 128
# Of what is due so many are taken from the database at a time, where not all of it may be wanted.
_SCANNED = 200
# What a person says of a feed; polling learns all else.
_DESCRIBED = ("source", "trust", "full", "lang", "kind")
_BY_DUE = FEEDS.c.due_at.is_(None).desc(), FEEDS.c.due_at, FEEDS.c.feed_id
_IS_ILL = or_(FEEDS.c.failures > 0, FEEDS.c.state == FeedState.GONE.value)


def add_feed(session: Session, spec: FeedSpec, *, stories: Iterable[str] = (), due_at: datetime | None = None) -> Feed:
    """Store a feed by its address, due at once unless told otherwise; one that is there takes the new description.

    A feed that a person removed comes back. `stories` are added to those that it serves.
    """
    feed = Feed(
        feed_id=0,
        url=spec.url,
        source=spec.source,
        trust=spec.trust,
        full=spec.full,
        lang=spec.lang,
        kind=spec.kind,
        due_at=due_at,
    )
    insert_new(session, FEEDS, [to_row(feed, leave_out=("feed_id",))], ["url"])
    held = get_feed(session, spec.url)
    state = FeedState.ACTIVE if held.state is FeedState.REMOVED else held.state
    described = replace(
        held,
        source=spec.source or held.source,
        trust=spec.trust,
        full=spec.full,
        lang=spec.lang,
        kind=spec.kind,
        state=state,
    )
    if described != held:
        update_feed(session, described)
    links = [{"feed_id": held.feed_id, "story": story} for story in stories]
    insert_new(session, FEED_STORIES, links, ["feed_id", "story"])
    return described


def add_named_feed(
    session: Session, spec: FeedSpec, *, stories: Iterable[str] = (), due_at: datetime | None = None
) -> Feed:
    """Store a feed that a person names, due by `due_at`; of one that is there, what is left out of `spec` stays.

    One that was given up (410) is asked again: who adds it knows better.
    """
    held = find_feed(session, spec.url)
    if held is not None:
        spec = replace(
            spec,
            trust=held.trust if spec.trust is Trust.UNKNOWN else spec.trust,
            full=spec.full or held.full,
            lang=spec.lang or held.lang,
            kind=held.kind if spec.kind is FeedKind.FEED else spec.kind,
        )
    feed = add_feed(session, spec, stories=stories, due_at=due_at)
    if feed.state is FeedState.GONE:
        feed = replace(feed, state=FeedState.ACTIVE, due_at=due_at)
        update_feed(session, feed)
    return feed


def update_feed(session: Session, feed: Feed) -> None:
    """Store what polling learned of a feed: all fields of the record. Raises NotFoundError."""
    values = to_row(feed, leave_out=("feed_id",))
    if not changed_rows(session.execute(update(FEEDS).where(FEEDS.c.feed_id == feed.feed_id).values(**values))):
        raise NotFoundError(f"no feed has the number {feed.feed_id}")


def update_feeds(session: Session, feeds: Iterable[Feed]) -> None:
    """Store what polling learned of many feeds, in one batch.

    What a person said of one meanwhile stays: how it is described, and that it is removed.
    """
    rows = [to_row(feed) for feed in feeds]
    insert_or_update(session, FEEDS, rows, ["feed_id"], keep=_DESCRIBED, only=f"feeds.state <> '{FeedState.REMOVED}'")


def get_feed(session: Session, feed: int | str) -> Feed:
    """The feed of this number or address. Raises NotFoundError."""
    found = find_feed(session, feed)
    if found is None:
        raise NotFoundError(f"no feed {feed!r}; `storywatch feeds list` shows them")
    return found


def find_feed(session: Session, feed: int | str) -> Feed | None:
    """The feed of this number or address, or None."""
    column = FEEDS.c.feed_id if isinstance(feed, int) else FEEDS.c.url
    row = session.execute(select(FEEDS).where(column == feed)).mappings().first()
    return from_row(Feed, row) if row else None


def list_feeds(
    session: Session, *, story: str | None = None, states: tuple[FeedState, ...] = (FeedState.ACTIVE, FeedState.GONE)
) -> tuple[Feed, ...]:
    """Feeds in the order of their numbers; only those that serve `story` where given."""
    query = select(FEEDS).where(FEEDS.c.state.in_([state.value for state in states])).order_by(FEEDS.c.feed_id)
    if story is not None:
        serving = select(FEED_STORIES.c.feed_id).where(FEED_STORIES.c.story == story)
        query = query.where(FEEDS.c.feed_id.in_(serving))
    return tuple(from_row(Feed, row) for row in session.execute(query).mappings())


def list_feeds_by_trouble(session: Session, *, limit: int, offset: int = 0) -> tuple[Feed, ...]:
    """Feeds that are not removed: those in trouble first, the longest failing at the top, then by outlet."""
    query = (
        select(FEEDS)
        .where(FEEDS.c.state != FeedState.REMOVED.value)
        .order_by(_IS_ILL.desc(), FEEDS.c.failures.desc(), FEEDS.c.source, FEEDS.c.url)
    )
    return tuple(from_row(Feed, row) for row in session.execute(query.limit(limit).offset(offset)).mappings())


def count_feeds_by_trouble(session: Session) -> FeedTally:
    """How many feeds answer, are in trouble, and were not asked yet; removed ones are not counted."""
    is_ill, was_asked = _IS_ILL.label("is_ill"), FEEDS.c.last_polled_at.is_not(None).label("was_asked")
    query = select(is_ill, was_asked, func.count()).where(FEEDS.c.state != FeedState.REMOVED.value)
    counts = {"well": 0, "ill": 0, "waiting": 0}
    for ill, asked, count in session.execute(query.group_by("is_ill", "was_asked")):
        counts["ill" if ill else "well" if asked else "waiting"] += count
    return FeedTally(**counts)


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return FEEDS.c.state == FeedState.ACTIVE.value, or_(FEEDS.c.due_at.is_(None), FEEDS.c.due_at <= now)


def list_due_feeds(session: Session, now: datetime, *, limit: int = 1000) -> tuple[Feed, ...]:
    """Active feeds that are due, those never polled first, then the longest overdue."""
    query = select(FEEDS).where(*_is_due(now)).order_by(*_BY_DUE).limit(limit)
    return tuple(from_row(Feed, row) for row in session.execute(query).mappings())


def scan_due_feeds(session: Session, now: datetime) -> Iterator[tuple[int, str]]:
    """Number and address of each feed that is due, in the order of `list_due_feeds`; read as they are taken."""
    query = select(FEEDS.c.feed_id, FEEDS.c.url).where(*_is_due(now)).order_by(*_BY_DUE)
    rows = session.execute(query.execution_options(yield_per=_SCANNED))
    return ((feed_id, url) for feed_id, url in rows)


def next_feed_due_at(session: Session) -> datetime | None:
    """When the next active feed falls due; None when there is none."""
    query = select(FEEDS.c.due_at).where(FEEDS.c.state == FeedState.ACTIVE.value, FEEDS.c.due_at.is_not(None))
    found: datetime | None = session.execute(query.order_by(FEEDS.c.due_at).limit(1)).scalar()
    return found


def remove_feed(session: Session, feed: int | str) -> Feed:
    """Stop polling a feed; what it brought stays. Raises NotFoundError."""
    removed = replace(get_feed(session, feed), state=FeedState.REMOVED, due_at=None)
    update_feed(session, removed)
    return removed


def find_feed_stories(session: Session, feed_ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """The stories that each of these feeds serves, in the order of their names; one that serves all is not in it."""
    found: dict[int, list[str]] = {}
    for part in chunks(feed_ids):
        query = select(FEED_STORIES.c.feed_id, FEED_STORIES.c.story).where(FEED_STORIES.c.feed_id.in_(part))
        for feed_id, story in session.execute(query.order_by(FEED_STORIES.c.story)):
            found.setdefault(feed_id, []).append(story)
    return {feed_id: tuple(serving) for feed_id, serving in found.items()}


def count_feeds_by_story(session: Session) -> dict[str, int]:
    """How many active feeds serve each story; under "" those that serve all."""
    active = FEEDS.c.state == FeedState.ACTIVE.value
    query = (
        select(func.coalesce(FEED_STORIES.c.story, ""), func.count())
        .select_from(FEEDS.outerjoin(FEED_STORIES, FEED_STORIES.c.feed_id == FEEDS.c.feed_id))
        .where(active)
        .group_by(FEED_STORIES.c.story)
    )
    return {story: count for story, count in session.execute(query)}


def list_feed_stories(session: Session, feed_id: int) -> tuple[str, ...]:
    """The stories that a feed serves; none means all."""
    query = select(FEED_STORIES.c.story).where(FEED_STORIES.c.feed_id == feed_id).order_by(FEED_STORIES.c.story)
    return tuple(session.execute(query).scalars())


def look_anew(session: Session, feed_id: int, *, due_at: datetime) -> None:
    """Read a feed whole at its next poll, by `due_at`, and weigh those of its entries anew that were nobody's."""
    nobodys = SEEN_ENTRIES.c.article_id.is_(None), SEEN_ENTRIES.c.retry_at.is_(None)
    session.execute(delete(SEEN_ENTRIES).where(SEEN_ENTRIES.c.feed_id == feed_id, *nobodys))
    feed = get_feed(session, feed_id)
    due = due_at if feed.due_at is None else min(feed.due_at, due_at)
    update_feed(session, replace(feed, body_hash=None, etag=None, last_modified=None, due_at=due))


# --- entries ----------------------------------------------------------------------------------


def find_seen_entries(session: Session, feed_id: int, entry_keys: Iterable[str]) -> dict[str, SeenEntry]:
    """What became of these entries of a feed, by their keys; those never seen are absent."""
    found = find_entries_seen(session, [(feed_id, key) for key in entry_keys])
    return {key: seen for (_, key), seen in found.items()}


def find_entries_seen(session: Session, asked: Iterable[tuple[int, str]]) -> dict[tuple[int, str], SeenEntry]:
    """What became of these entries, each by its feed and its key there; those never seen are absent."""
    pairs = list(asked)
    if is_postgres(session):
        given: Any = {"feeds": [feed_id for feed_id, _ in pairs], "keys": [key for _, key in pairs]}
    else:
        given = {"pairs": json.dumps(pairs)}
    rows = session.connection().execute(_seen(is_postgres(session)), given).mappings()
    return {(row["feed_id"], row["entry_key"]): from_row(SeenEntry, row) for row in rows}


@cache
def _seen(postgres: bool) -> Select[Any]:
    """One statement for however many: the pairs are its parameter, and each leads to its row by the table's key."""
    if postgres:
        given = func.unnest(bindparam("feeds", type_=ARRAY(BigInteger)), bindparam("keys", type_=ARRAY(Text)))
        asked = given.table_valued("feed_id", "entry_key", name="asked").render_derived()
        parts: list[ColumnElement[Any]] = [asked.c.feed_id, asked.c.entry_key]
    else:
        asked = func.json_each(bindparam("pairs")).table_valued("value", name="asked")
        parts = [func.json_extract(asked.c.value, f"$[{place}]") for place in (0, 1)]
    return select(SEEN_ENTRIES).join(
        asked, and_(SEEN_ENTRIES.c.feed_id == parts[0], SEEN_ENTRIES.c.entry_key == parts[1])
    )


def record_seen_entries(session: Session, entries: Iterable[SeenEntry]) -> None:
    """Note what became of entries; the latest word on each counts."""
    insert_or_update(session, SEEN_ENTRIES, [to_row(entry) for entry in entries], ["feed_id", "entry_key"])


def list_waiting_entries(
    session: Session, now: datetime, *, feed_id: int | None = None, limit: int = 200
) -> tuple[SeenEntry, ...]:
    """Entries whose page is due to be fetched, those that wait longest first; only one feed's where given."""
    query = select(SEEN_ENTRIES).where(SEEN_ENTRIES.c.retry_at <= now).order_by(SEEN_ENTRIES.c.retry_at).limit(limit)
    if feed_id is not None:
        query = query.where(SEEN_ENTRIES.c.feed_id == feed_id)
    return tuple(from_row(SeenEntry, row) for row in session.execute(query).mappings())


def scan_waiting_entries(session: Session, now: datetime) -> Iterator[tuple[int, str, str]]:
    """Feed, key and link of each entry whose page is due, those that wait longest first; read as they are taken."""
    query = (
        select(SEEN_ENTRIES.c.feed_id, SEEN_ENTRIES.c.entry_key, SEEN_ENTRIES.c.payload)
        .where(SEEN_ENTRIES.c.retry_at <= now)
        .order_by(SEEN_ENTRIES.c.retry_at)
    )
    for feed_id, entry_key, payload in session.execute(query.execution_options(yield_per=_SCANNED)):
        yield feed_id, entry_key, str(json.loads(payload).get("link", ""))


def forget_seen_entries(session: Session, *, before: datetime) -> int:
    """Forget entries last seen before a time that made no article and wait for nothing; returns how many."""
    old = SEEN_ENTRIES.c.seen_at < before, SEEN_ENTRIES.c.article_id.is_(None), SEEN_ENTRIES.c.retry_at.is_(None)
    with _read_through(session):
        return changed_rows(session.execute(delete(SEEN_ENTRIES).where(*old)))


@contextmanager
def _read_through(session: Session) -> Iterator[None]:
    """For a look through a whole table: SQLite is not to keep its pages, which nobody asks for again so soon."""
    if session.get_bind().dialect.name != "sqlite":
        yield
        return
    usual = session.execute(text("PRAGMA cache_size")).scalar_one()
    session.execute(text(f"PRAGMA cache_size = {_READ_THROUGH_PAGES}"))
    try:
        yield
    finally:
        session.execute(text(f"PRAGMA cache_size = {usual}"))
