"""Conditions on the figures that the claims of an article carry, with the figures themselves as parameters.

Statements are made once for one shape of conditions: to build one costs as much as to run it.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlmodel import Session

from storage.query import Comparison, Query
from storage.tables import CLAIMS, DOCUMENTS
from storage.writing import among, listed

_FEW_CARRIERS = 50
Ask = Callable[[Select[Any], dict[str, Any]], Sequence[Any]]  # a statement and its parameters; returns all rows
Shape = tuple[tuple[str, bool], ...]  # of each condition the operator, and whether no claim may meet it


def figures_shape(asked: Query) -> Shape:
    """What a query demands of figures, without the measures and numbers."""
    return tuple((wanted.operator, wanted.is_absent) for wanted in asked.comparisons)


def figures_values(asked: Query) -> dict[str, Any]:
    """The measures and numbers, as parameters of the conditions of `meets_figures`."""
    values: dict[str, Any] = {}
    for place, wanted in enumerate(asked.comparisons):
        values |= {f"metric_{place}": wanted.metric, f"number_{place}": wanted.number}
    return values


def meets_figures(
    shape: Shape, article_id: Any, *, postgres: bool, are_carriers: bool = False
) -> list[ColumnElement[bool]]:
    """Conditions on the article whose number stands in a column: a claim of it has (or has not) each asked figure.

    `are_carriers`: it is one of `find_carriers`, which have one of the figures.
    """
    conditions: list[ColumnElement[bool]] = []
    known = _first_wanted(shape) if are_carriers else None
    for place, (operator, is_absent) in enumerate(shape):
        if place == known:
            continue
        carried = select(CLAIMS.c.claim_id).where(
            CLAIMS.c.article_id == article_id,
            # Hidden from SQLite in a function, so that it prefers no index of figures to the few claims of one article.
            (CLAIMS.c.metric if postgres else func.coalesce(CLAIMS.c.metric, "")) == bindparam(f"metric_{place}"),
            CLAIMS.c.value.op(operator)(bindparam(f"number_{place}")),
        )
        exists = carried.correlate(article_id.table).exists()
        conditions.append(~exists if is_absent else exists)
    return conditions


def find_carriers(ask: Ask, comparisons: Sequence[Comparison], most: int) -> frozenset[int] | None:
    """The numbers of the articles that carry an asked figure; None if more than `most` claims do, or none is asked.

    Else all documents with the words would be held against a figure that few carry.
    """
    place = _first_wanted([(comparison.operator, comparison.is_absent) for comparison in comparisons])
    if place is None:
        return None
    wanted = comparisons[place]
    values = {"metric": wanted.metric, "number": wanted.number, "most": most + 1}
    claims = ask(_carriers(wanted.operator), values)
    # Of claims, since an article may carry many.
    return frozenset(article_id for (article_id,) in claims) if len(claims) <= most else None


def _first_wanted(shape: Sequence[tuple[str, bool]]) -> int | None:
    """Which condition asks for a figure that a claim has."""
    return next((place for place, (_, is_absent) in enumerate(shape) if not is_absent), None)


def carriers_ends(session: Session, comparisons: Sequence[Comparison]) -> tuple[int, int] | None:
    """The lowest and highest key on SQLite of the documents whose articles carry an asked figure, or an empty range.

    None if they are more than a few, or no figure is asked.
    """

    def ask(statement: Select[Any], values: dict[str, Any]) -> Sequence[Any]:
        return session.connection().execute(statement, values).all()

    numbers = find_carriers(ask, comparisons, _FEW_CARRIERS)
    if numbers is None:
        return None
    keys = [key for (key,) in ask(_keys(), {"numbers": listed(numbers, postgres=False)})]
    return (min(keys), max(keys)) if keys else (1, 0)


@cache
def _carriers(operator: str) -> Select[Any]:
    meets = CLAIMS.c.metric == bindparam("metric"), CLAIMS.c.value.op(operator)(bindparam("number"))
    return select(CLAIMS.c.article_id).where(*meets).limit(bindparam("most"))


@cache
def _keys() -> Select[Any]:
    key = DOCUMENTS.c.document_key
    return select(key).where(among(DOCUMENTS.c.article_id, "numbers", postgres=False), key > 0)
