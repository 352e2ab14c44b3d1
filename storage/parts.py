"""Which parts of the service run: each notes every few seconds that it lives, by the database's own clock.

The clocks of machines differ and are stepped; by one clock it can be said how long somebody has been silent.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, text
from sqlmodel import Session

from storage.codec import from_json, to_json
from storage.liveness import KEPT_FOR, ROLES, Heard, Part
from storage.meta import set_fact
from storage.tables import META
from storage.writing import changed_rows, is_postgres

_PREFIX = "part:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A part as it is noted, and when."""

    part: Part
    heard_at: datetime


def database_time(session: Session) -> datetime:
    """What the database's clock shows: the server's, on SQLite this machine's."""
    if is_postgres(session):
        at: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        return at
    shown: str = session.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")).scalar_one()
    return datetime.fromisoformat(shown)


def note_part(session: Session, part: Part, *, leads: bool = False) -> Part:
    """Note that a part lives and whether it leads; returns it as noted, to be given at the next call."""
    now = database_time(session)
    noted = replace(part, since=part.since or now, leads_since=(part.leads_since or now) if leads else None)
    set_fact(session, _name(part), to_json(Noted(part=noted, heard_at=now)))
    return noted


def forget_part(session: Session, part: Part) -> None:
    """Forget a part that ends in order."""
    set_fact(session, _name(part), None)


def forget_silent(session: Session) -> int:
    """Forget the parts that were not heard of for `KEPT_FOR`; returns how many."""
    now = database_time(session)
    gone = [noted.part for noted in _list_noted(session) if _silence(noted, now) > KEPT_FOR]
    for part in gone:
        forget_part(session, part)
    return len(gone)


def forget_role(session: Session, role: str) -> int:
    """Forget all parts of a role, for who knows that none of them runs; returns how many."""
    return changed_rows(session.execute(delete(META).where(_begins(f"{_PREFIX}{role}:"))))


def list_parts(session: Session) -> tuple[Heard, ...]:
    """The parts that were heard of in the last hour, by role and place."""
    now = database_time(session)
    heard = [
        Heard(part=noted.part, heard_at=noted.heard_at, silence=_silence(noted, now)) for noted in _list_noted(session)
    ]
    known = [one for one in heard if one.silence <= KEPT_FOR]
    return tuple(sorted(known, key=lambda one: (ROLES.index(one.part.role), one.part.place)))


def _silence(noted: Noted, now: datetime) -> timedelta:
    """What was noted at a time to come was noted before the clock was set back, and not since."""
    return abs(now - noted.heard_at)


def _name(part: Part) -> str:
    return f"{_PREFIX}{part.role}:{part.place}"


def _list_noted(session: Session) -> list[Noted]:
    rows = session.execute(select(META.c.value).where(_begins(_PREFIX))).scalars()
    return [from_json(Noted, payload) for payload in rows]


def _begins(prefix: str) -> ColumnElement[bool]:
    """Names are compared by their bytes on both databases, unlike LIKE."""
    return func.substr(META.c.name, 1, len(prefix)) == prefix
