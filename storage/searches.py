"""Saved searches: queries kept under a name."""

import re
from datetime import datetime

from sqlalchemy import delete, select
from sqlmodel import Session

from storage.codec import from_row, to_row
from storage.errors import NotFoundError, QueryError
from storage.query import parse_query
from storage.records import SavedSearch
from storage.tables import SAVED_SEARCHES
from storage.writing import changed_rows, insert_or_update

_NAME = re.compile(r"[^\W_][\w-]{0,63}")


def save_search(
    session: Session, name: str, query: str, *, saved_at: datetime, who: str = "", is_told: bool = True
) -> SavedSearch:
    """Keep a query under a name, in the place of one that has it; what was published before counts as known.

    The same query saved anew keeps the time from which on its finds are told. Raises QueryError for a name that is no
    word, an empty query, or one that cannot be understood.
    """
    if not _NAME.fullmatch(name):
        raise QueryError(
            f"{name!r} cannot name a search: use letters, digits, - and _, beginning with a letter or digit"
        )
    if not query.strip():
        raise QueryError(f"the search {name!r} has no query: an empty one would find every article")
    parse_query(query)
    held = find_search(session, name)
    is_same = held is not None and held.query == query and held.is_told
    begun = held.saved_at if held is not None and is_same else saved_at
    search = SavedSearch(name=name, query=query, saved_at=begun, who=who, is_told=is_told)
    insert_or_update(session, SAVED_SEARCHES, [to_row(search)], ["name"])
    return search


def find_search(session: Session, name: str) -> SavedSearch | None:
    """The saved search of this name, or None."""
    row = session.execute(select(SAVED_SEARCHES).where(SAVED_SEARCHES.c.name == name)).mappings().first()
    return from_row(SavedSearch, row) if row else None


def get_search(session: Session, name: str) -> SavedSearch:
    """The saved search of this name. Raises NotFoundError."""
    found = find_search(session, name)
    if found is None:
        raise NotFoundError(f"no search is saved as {name!r}; `storywatch searches list` shows those that are")
    return found


def list_searches(session: Session) -> tuple[SavedSearch, ...]:
    """All saved searches by name."""
    query = select(SAVED_SEARCHES).order_by(SAVED_SEARCHES.c.name)
    return tuple(from_row(SavedSearch, row) for row in session.execute(query).mappings())


def remove_search(session: Session, name: str) -> None:
    """Forget a saved search; what was told of it stays in the change log. Raises NotFoundError."""
    if not changed_rows(session.execute(delete(SAVED_SEARCHES).where(SAVED_SEARCHES.c.name == name))):
        get_search(session, name)
