"""What persons overruled, as stored: append-only, and taken back by a mark."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import Session

from storage.codec import from_row, to_row
from storage.errors import NotFoundError
from storage.records import Judgement, JudgementKind
from storage.tables import JUDGEMENTS
from storage.writing import changed_rows, returned_id


def add_judgement(
    session: Session,
    *,
    story: str,
    kind: JudgementKind,
    target: str,
    who: str,
    made_at: datetime,
    why: str = "",
    payload: str = "{}",
) -> Judgement:
    """Store what a person overruled; returns it with its number. `payload` is JSON."""
    judgement = Judgement(
        judgement_id=0, story=story, kind=kind, target=target, payload=payload, who=who, why=why, made_at=made_at
    )
    number = returned_id(session, JUDGEMENTS, to_row(judgement, leave_out=("judgement_id",)), "judgement_id")
    return replace(judgement, judgement_id=number)


def revoke_judgement(session: Session, judgement_id: int, *, revoked_at: datetime) -> Judgement:
    """Take a judgement back; one that was taken back stays so. Raises NotFoundError."""
    chosen = (JUDGEMENTS.c.judgement_id == judgement_id) & JUDGEMENTS.c.revoked_at.is_(None)
    changed_rows(session.execute(update(JUDGEMENTS).where(chosen).values(revoked_at=revoked_at)))
    return get_judgement(session, judgement_id)


def bind_judgement(session: Session, judgement_id: int, payload: str) -> Judgement:
    """Write down more closely which claims a judgement is on: its JSON with bindings. Raises NotFoundError."""
    changed_rows(
        session.execute(update(JUDGEMENTS).where(JUDGEMENTS.c.judgement_id == judgement_id).values(payload=payload))
    )
    return get_judgement(session, judgement_id)


def get_judgement(session: Session, judgement_id: int) -> Judgement:
    """The judgement of this number. Raises NotFoundError."""
    row = session.execute(select(JUDGEMENTS).where(JUDGEMENTS.c.judgement_id == judgement_id)).mappings().first()
    if row is None:
        raise NotFoundError(f"no judgement has the number {judgement_id}; `storywatch judge list` shows them")
    return from_row(Judgement, row)


def list_judgements(
    session: Session,
    story: str | None = None,
    *,
    kind: JudgementKind | None = None,
    target: str | None = None,
    known_at: datetime | None = None,
    with_revoked: bool = False,
) -> tuple[Judgement, ...]:
    """Judgements in the order in which they were made; those taken back (by `known_at`, if given) only on request.

    What was taken back after `known_at` was not yet: it stands as it did then.
    """
    query = select(JUDGEMENTS).order_by(JUDGEMENTS.c.made_at, JUDGEMENTS.c.judgement_id)
    if story is not None:
        query = query.where(JUDGEMENTS.c.story == story)
    if kind is not None:
        query = query.where(JUDGEMENTS.c.kind == kind.value)
    if target is not None:
        query = query.where(JUDGEMENTS.c.target == target)
    if known_at is not None:
        query = query.where(JUDGEMENTS.c.made_at <= known_at)
    if not with_revoked:
        standing = JUDGEMENTS.c.revoked_at.is_(None)
        query = query.where(standing if known_at is None else standing | (JUDGEMENTS.c.revoked_at > known_at))
    found = (from_row(Judgement, row) for row in session.execute(query).mappings())
    return tuple(found if known_at is None else (_as_known(one, known_at) for one in found))


def _as_known(judgement: Judgement, at: datetime) -> Judgement:
    """A judgement as it stood at a moment: one that was taken back later stood."""
    is_later = judgement.revoked_at is not None and judgement.revoked_at > at
    return replace(judgement, revoked_at=None) if is_later else judgement
