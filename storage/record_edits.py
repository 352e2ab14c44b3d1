"""Which edits of articles changed what is counted in a record: what a chart of it marks, and its page lists."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from storage.claims import read_claim, read_revision
from storage.records import RETURN_RULE, Qualifier, RecordEdit, RecordKey, Revision, RevisionKind, StampedClaim
from storage.tables import CLAIMS, REVISIONS
from storage.writing import chunks

# Of a story that is edited all day long, the latest.
MOST_EDITS = 300


def list_record_edits(
    session: Session, story: str, *, metrics: Iterable[str], known_at: datetime | None = None
) -> tuple[RecordEdit, ...]:
    """Edits that brought, or took out, a claim of a number in one of the story's records of these measures.

    The oldest first, of very many the latest; one edit stands once for each record and figure. The figure is the one
    that the edit brought; where it brought none to that record, the one that it took out. Words such as "dozens"
    are none.
    """
    query = select(REVISIONS.c.payload).where(
        REVISIONS.c.story == story, REVISIONS.c.kind == RevisionKind.EDITED.value, REVISIONS.c.article_id.is_not(None)
    )
    if known_at is not None:
        query = query.where(REVISIONS.c.recorded_at <= known_at)
    by_article: dict[int, list[Revision]] = {}
    for payload in session.execute(query.order_by(REVISIONS.c.sequence.desc()).limit(MOST_EDITS)).scalars():
        revision = read_revision(payload)
        if revision.rule == RETURN_RULE:
            continue
        by_article.setdefault(revision.article_id or 0, []).append(revision)
    brought: dict[tuple[str, RecordKey], dict[float | None, RecordEdit]] = {}
    taken: dict[tuple[str, RecordKey], dict[float | None, RecordEdit]] = {}
    vague: dict[tuple[str, RecordKey], dict[float | None, RecordEdit]] = {}
    for stamped in _claims_of(session, story, set(by_article), set(metrics)):
        for revision in by_article[stamped.article_id]:
            if revision.recorded_at not in (stamped.recorded_at, stamped.ended_at):
                continue
            number = None if stamped.claim.qualifier is Qualifier.VAGUE else float(stamped.claim.value or 0)
            edit = RecordEdit(key=stamped.key, value=number, revision=revision)
            kept = brought if revision.recorded_at == stamped.recorded_at else taken
            kept = vague if number is None else kept
            kept.setdefault((revision.revision_id, edit.key), {})[edit.value] = edit
    found = [edit for figures in (vague | taken | brought).values() for edit in figures.values()]
    return tuple(sorted(found, key=lambda one: (one.revision.recorded_at, one.revision.revision_id, one.value or 0)))


def _claims_of(session: Session, story: str, article_ids: set[int], metrics: set[str]) -> Iterator[StampedClaim]:
    """What these articles said, or say, in numbers. By article: a story may hold a hundred thousand claims."""
    for part in chunks(sorted(article_ids)):
        query = select(CLAIMS.c.payload).where(CLAIMS.c.article_id.in_(part), CLAIMS.c.value.is_not(None))
        for payload in session.execute(query.order_by(CLAIMS.c.claim_id)).scalars():
            stamped = read_claim(payload)
            if stamped.story == story and stamped.claim.metric in metrics:
                yield stamped
