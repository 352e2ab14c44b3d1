"""Which sessions of the page were ended before their time: a copied cookie ends when its owner signs out."""

from datetime import UTC, datetime

from sqlalchemy import delete
from sqlmodel import Session

from storage.meta import find_fact, set_fact
from storage.tables import META

_PREFIX = "web.ended."


def end_session(session: Session, session_id: str, *, until: datetime, now: datetime) -> None:
    """Note that a session is over; forgotten after `until`, when its cookie is no longer taken anyway."""
    is_past = META.c.name.like(f"{_PREFIX}%") & (META.c.value < _text(now))
    session.execute(delete(META).where(is_past))
    set_fact(session, _PREFIX + session_id, _text(until))


def is_ended(session: Session, session_id: str) -> bool:
    """Whether somebody signed out of this session."""
    return find_fact(session, _PREFIX + session_id) is not None


def _text(moment: datetime) -> str:
    """A time as a text that sorts as times do."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
