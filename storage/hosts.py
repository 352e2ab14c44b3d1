"""What hosts asked of us, as stored: a restart forgets none of it, and many machines share it."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlmodel import Session

from storage.codec import from_row, to_row
from storage.records import HostManners
from storage.tables import HOST_MANNERS
from storage.writing import changed_rows, insert_or_update


def list_manners(session: Session, *, quiet_at: datetime | None = None) -> tuple[HostManners, ...]:
    """What hosts asked, by name; only hosts that want no request at a time, where given."""
    query = select(HOST_MANNERS).order_by(HOST_MANNERS.c.host)
    if quiet_at is not None:
        query = query.where(HOST_MANNERS.c.quiet_until > quiet_at)
    return tuple(from_row(HostManners, row) for row in session.execute(query).mappings())


def note_manners(session: Session, manners: Iterable[HostManners]) -> None:
    """Keep what hosts asked last, in the place of what they asked before."""
    insert_or_update(session, HOST_MANNERS, [to_row(one) for one in manners], ["host"])


def forget_manners(session: Session, *, before: datetime) -> int:
    """Forget what was noted before that time and rests no more; returns of how many hosts."""
    rests = or_(HOST_MANNERS.c.quiet_until.is_(None), HOST_MANNERS.c.quiet_until < before)
    return changed_rows(session.execute(delete(HOST_MANNERS).where(HOST_MANNERS.c.noted_at < before, rests)))
