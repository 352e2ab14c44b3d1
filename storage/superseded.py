"""Claims as they were read before: what a newer reading, or a person's word on an article, took out of the present.

What was known at an earlier moment is told from them. A claim that is read otherwise under its old id stands here as it
was, once for each time it was superseded.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import Session

from storage.codec import from_json
from storage.records import StampedClaim
from storage.search_index import touch
from storage.tables import CLAIMS, SUPERSEDED_CLAIMS
from storage.writing import changed_rows, chunks, insert_new


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """A claim as it was read before, until when it stood, and the extraction run that read otherwise.

    No `run_id`: a person took its article out of the story.
    """

    claim: StampedClaim
    superseded_at: datetime
    run_id: int | None


_KEPT = ("story", "claim_id", "article_id", "metric", "recorded_at", "payload")


def supersede_claims(
    session: Session, story: str, claim_ids: Iterable[str], *, superseded_at: datetime, run_id: int | None = None
) -> int:
    """Take claims out of the present and keep them as they were; returns how many there were.

    `run_id` is the extraction run that read otherwise; None where a person took the article out of the story.
    """
    gone = 0
    for part in chunks(claim_ids):
        chosen = (CLAIMS.c.story == story) & CLAIMS.c.claim_id.in_(part)
        found = session.execute(select(*(CLAIMS.c[name] for name in _KEPT)).where(chosen)).mappings().all()
        rows = [{**row, "superseded_at": superseded_at, "run_id": run_id} for row in found]
        touch(session, {row["article_id"] for row in found} - {None})
        insert_new(session, SUPERSEDED_CLAIMS, rows, ["story", "claim_id", "superseded_at"])
        gone += changed_rows(session.execute(delete(CLAIMS).where(chosen)))
    return gone


def find_superseded(
    session: Session,
    *,
    known_at: datetime,
    story: str | None = None,
    article_id: int | None = None,
    metric: str | None = None,
    claim_ids: Iterable[str] | None = None,
) -> dict[tuple[str, str], StampedClaim]:
    """The claims that stood at a moment and were superseded later, as they were then, by story and id."""
    table = SUPERSEDED_CLAIMS.c
    query = select(table.story, table.claim_id, table.payload)
    query = query.where(table.recorded_at <= known_at, table.superseded_at > known_at)
    for column, value in ((table.story, story), (table.article_id, article_id), (table.metric, metric)):
        if value is not None:
            query = query.where(column == value)
    # Of several that came after one another, the one that was superseded first stood then.
    rows = _rows(session, query.order_by(table.superseded_at.desc()), claim_ids)
    return {(row.story, row.claim_id): from_json(StampedClaim, row.payload) for row in rows}


def list_readings(session: Session, claim_id: str) -> tuple[Superseded, ...]:
    """All that was read under a claim's id before and stands no more, the oldest first."""
    table = SUPERSEDED_CLAIMS.c
    query = select(table.payload, table.superseded_at, table.run_id).where(table.claim_id == claim_id)
    return tuple(
        Superseded(claim=from_json(StampedClaim, row.payload), superseded_at=row.superseded_at, run_id=row.run_id)
        for row in session.execute(query.order_by(table.superseded_at, table.story))
    )


def find_latest_superseded(session: Session, story: str, *, known_at: datetime) -> StampedClaim | None:
    """Of the claims that `find_superseded` gives, the one that was learned last; None without one."""
    table = SUPERSEDED_CLAIMS.c
    stood = (table.story == story, table.recorded_at <= known_at, table.superseded_at > known_at)
    query = select(table.payload).where(*stood).order_by(table.recorded_at.desc(), table.superseded_at).limit(1)
    payload = session.execute(query).scalar()
    return None if payload is None else from_json(StampedClaim, payload)


def _rows(session: Session, query: Any, claim_ids: Iterable[str] | None) -> Iterator[Any]:
    if claim_ids is None:
        yield from session.execute(query)
        return
    for part in chunks(claim_ids):
        yield from session.execute(query.where(SUPERSEDED_CLAIMS.c.claim_id.in_(part)))
