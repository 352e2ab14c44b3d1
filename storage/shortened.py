"""Ids as people type them: the beginning of one is enough where only one thing begins so."""

from typing import Literal

from sqlalchemy import Column, select
from sqlmodel import Session

from storage.errors import NotFoundError
from storage.tables import ALERTS, CLAIMS, DELIVERIES, EXHIBITS, REVISIONS, SILENCES, SUPERSEDED_CLAIMS

Kind = Literal["claim", "revision", "alert", "delivery", "silence", "exhibit"]
_COLUMNS: dict[Kind, tuple[Column[str], ...]] = {
    "claim": (CLAIMS.c.claim_id, SUPERSEDED_CLAIMS.c.claim_id),
    "revision": (REVISIONS.c.revision_id,),
    "alert": (ALERTS.c.alert_id,),
    "delivery": (DELIVERIES.c.delivery_id,),
    "silence": (SILENCES.c.silence_id,),
    "exhibit": (EXHIBITS.c.exhibit_id,),
}
# The kind before it, then hex digits of a hash: two in a store seldom begin alike, and then we say so.
SHORT = 12


def short_id(whole: str) -> str:
    """The beginning of an id, long enough for lists."""
    return whole[:SHORT]


def whole_id(session: Session, kind: Kind, text: str) -> str:
    """The id that begins with `text`; `text` itself where none does. Raises NotFoundError where several do."""
    begun: set[str] = set()
    for column in _COLUMNS[kind]:
        query = select(column).distinct().where(column.startswith(text, autoescape=True)).order_by(column).limit(3)
        begun.update(session.execute(query).scalars())
    found = sorted(begun)
    if len(found) < 2 or text in found:
        return found[0] if found else text
    raise NotFoundError(
        f"{text!r} begins several ids, {' and '.join(found[:2])} among them: type more of the one meant"
    )
