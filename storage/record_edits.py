"""Which edits of articles changed what is counted in a record: what a chart of it marks, and its page lists."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import or_, select
from sqlmodel import Session

from storage.claims import read_claim, read_revision
from storage.records import RecordEdit, RecordKey, RevisionKind, StampedClaim
from storage.tables import CLAIMS, REVISIONS

# Of a story that is edited all day long, the latest.
MOST_EDITS = 300


def list_record_edits(
    session: Session, story: str, *, metrics: Iterable[str], known_at: datetime | None = None
) -> tuple[RecordEdit, ...]:
    """Edits that brought, or took out, a claim of a number in one of the story's records of these measures.

    The oldest first, of very many the latest; one edit stands once for each record and figure. The figure is the one
    that the edit brought; where it brought none to that record, the one that it took out.
    """
    is_brought = CLAIMS.c.recorded_at == REVISIONS.c.recorded_at
    query = (
        select(REVISIONS.c.payload.label("revision"), CLAIMS.c.payload.label("claim"), is_brought.label("is_brought"))
        .join(CLAIMS, (CLAIMS.c.story == REVISIONS.c.story) & (CLAIMS.c.article_id == REVISIONS.c.article_id))
        .where(
            REVISIONS.c.story == story,
            REVISIONS.c.kind == RevisionKind.EDITED.value,
            CLAIMS.c.metric.in_(sorted(set(metrics))),
            CLAIMS.c.value.is_not(None),
            or_(is_brought, CLAIMS.c.ended_at == REVISIONS.c.recorded_at),
        )
        .order_by(REVISIONS.c.sequence.desc(), CLAIMS.c.claim_id)
        .limit(MOST_EDITS)
    )
    if known_at is not None:
        query = query.where(REVISIONS.c.recorded_at <= known_at)
    brought: dict[tuple[str, RecordKey], dict[float, RecordEdit]] = {}
    taken: dict[tuple[str, RecordKey], dict[float, RecordEdit]] = {}
    for row in session.execute(query):
        revision, stamped = read_revision(row.revision), read_claim(row.claim)
        edit = RecordEdit(key=_key_of(stamped), value=float(stamped.claim.value or 0), revision=revision)
        kept = brought if row.is_brought else taken
        kept.setdefault((revision.revision_id, edit.key), {})[edit.value] = edit
    found = [edit for figures in (taken | brought).values() for edit in figures.values()]
    return tuple(sorted(found, key=lambda one: (one.revision.recorded_at, one.revision.revision_id, one.value)))


def _key_of(stamped: StampedClaim) -> RecordKey:
    claim = stamped.claim
    return RecordKey(
        story=stamped.story,
        metric=claim.metric,
        unit=claim.unit,
        population=claim.population or "",
        place=claim.place or "",
        period=claim.period or "",
    )
