"""Small facts about this database, by name."""

from sqlalchemy import delete, select
from sqlmodel import Session

from storage.tables import META
from storage.writing import insert_new, insert_or_update


def find_fact(session: Session, name: str) -> str | None:
    """The fact of this name, or None."""
    found: str | None = session.execute(select(META.c.value).where(META.c.name == name)).scalar()
    return found


def keep_fact(session: Session, name: str, value: str) -> str:
    """Keep a fact under a name that has none yet; returns the one that stands, whoever was first."""
    insert_new(session, META, [{"name": name, "value": value}], ["name"])
    kept: str = session.execute(select(META.c.value).where(META.c.name == name)).scalar_one()
    return kept


def set_fact(session: Session, name: str, value: str | None) -> None:
    """Keep a fact under a name; None forgets it."""
    if value is None:
        session.execute(delete(META).where(META.c.name == name))
    else:
        insert_or_update(session, META, [{"name": name, "value": value}], ["name"])
