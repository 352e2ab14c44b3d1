"""Where answers of sites are kept as they came: the register. The bytes are in WARC files beside the store."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlmodel import Session

from storage.codec import from_row, to_row
from storage.errors import NotFoundError
from storage.records import Exhibit
from storage.shortened import whole_id
from storage.tables import ALIASES, ARTICLES, EXHIBITS, MATCHES
from storage.writing import chunks, insert_new, insert_or_update

# The status under which an answer is kept that repeats an earlier one.
REVISITED = 304


def add_exhibit(session: Session, exhibit: Exhibit) -> None:
    """Enter one kept answer; the same one twice is one."""
    insert_new(session, EXHIBITS, [to_row(exhibit)], ["exhibit_id"])


def get_exhibit(session: Session, exhibit_id: str) -> Exhibit:
    """The kept answer of this id, or of the one that begins so. Raises NotFoundError."""
    whole = whole_id(session, "exhibit", exhibit_id)
    row = session.execute(select(EXHIBITS).where(EXHIBITS.c.exhibit_id == whole)).mappings().first()
    if row is None:
        raise NotFoundError(f"no evidence {exhibit_id!r}; `storywatch evidence list` shows what is kept")
    return from_row(Exhibit, row)


def find_newest_exhibit(session: Session, url: str, *, is_whole: bool = False) -> Exhibit | None:
    """What was kept last of this address, or None; `is_whole`: with its body, so no answer that repeated another."""
    query = select(EXHIBITS).where(EXHIBITS.c.url == url).order_by(EXHIBITS.c.fetched_at.desc()).limit(1)
    if is_whole:
        query = query.where(EXHIBITS.c.status != REVISITED)
    row = session.execute(query).mappings().first()
    return from_row(Exhibit, row) if row else None


def has_exhibits(session: Session, article_id: int) -> bool:
    """Whether an answer of this article's page was ever kept."""
    query = select(EXHIBITS.c.exhibit_id).where(EXHIBITS.c.article_id == article_id).limit(1)
    return session.execute(query).first() is not None


def move_exhibits(session: Session, moved: Iterable[Exhibit]) -> None:
    """Note where answers stand now that stood elsewhere."""
    insert_or_update(session, EXHIBITS, [to_row(one) for one in moved], ["exhibit_id"])


def forget_exhibits(session: Session, exhibit_ids: Iterable[str]) -> None:
    """Take answers out of the register."""
    for part in chunks(exhibit_ids):
        session.execute(delete(EXHIBITS).where(EXHIBITS.c.exhibit_id.in_(part)))


def list_exhibits(
    session: Session,
    *,
    url: str | None = None,
    story: str | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> tuple[Exhibit, ...]:
    """Kept answers, the newest first; only those of this address (or of the article that it leads to), of articles of
    this story, or fetched at `since` or later, where given.
    """
    query = select(EXHIBITS).order_by(EXHIBITS.c.fetched_at.desc(), EXHIBITS.c.exhibit_id)
    if url is not None:
        named = select(ALIASES.c.article_id).where(ALIASES.c.alias == url)
        stored = select(ARTICLES.c.article_id).where(ARTICLES.c.url == url)
        query = query.where(
            (EXHIBITS.c.url == url) | EXHIBITS.c.article_id.in_(named) | EXHIBITS.c.article_id.in_(stored)
        )
    if story is not None:
        of_story = select(MATCHES.c.article_id).where(MATCHES.c.story == story, MATCHES.c.is_match)
        query = query.where(EXHIBITS.c.article_id.in_(of_story))
    if since is not None:
        query = query.where(EXHIBITS.c.fetched_at >= since)
    if limit is not None:
        query = query.limit(limit)
    return tuple(from_row(Exhibit, row) for row in session.execute(query).mappings())
