"""Conditions on the figures that the claims of an article carry, with the figures themselves as parameters.

Statements are made once for one shape of conditions: to build one costs as much as to run it.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlmodel import Session

from storage.query import Comparison, Query
from storage.tables import CLAIMS, DOCUMENTS
from storage.writing import among, is_postgres, listed

_FEW_CARRIERS = 50
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


def meets_figures(shape: Shape, article_id: Any, *, postgres: bool) -> list[ColumnElement[bool]]:
    """Conditions on the article whose number stands in a column: a claim of it has (or has not) each asked figure."""
    conditions: list[ColumnElement[bool]] = []
    for place, (operator, is_absent) in enumerate(shape):
        carried = select(CLAIMS.c.claim_id).where(
            CLAIMS.c.article_id == article_id,
            # Hidden from SQLite in a function, so that it prefers no index of figures to the few claims of one article.
            (CLAIMS.c.metric if postgres else func.coalesce(CLAIMS.c.metric, "")) == bindparam(f"metric_{place}"),
            CLAIMS.c.value.op(operator)(bindparam(f"number_{place}")),
        )
        exists = carried.correlate(article_id.table).exists()
        conditions.append(~exists if is_absent else exists)
    return conditions


def carriers_ends(session: Session, comparisons: Sequence[Comparison]) -> tuple[int, int] | None:
    """The lowest and highest key of the documents whose articles carry an asked figure, or an empty range.

    None if they are more than a few, or no figure is asked. Else all documents with the words would be held against a
    figure that stands nowhere.
    """
    wanted = next((comparison for comparison in comparisons if not comparison.is_absent), None)
    if wanted is None:
        return None
    connection, postgres = session.connection(), is_postgres(session)
    values = {"metric": wanted.metric, "number": wanted.number}
    numbers = set(connection.execute(_carriers(wanted.operator), values).scalars())
    if len(numbers) > _FEW_CARRIERS:
        return None
    keys = list(connection.execute(_keys(postgres), {"numbers": listed(numbers, postgres=postgres)}).scalars())
    return (min(keys), max(keys)) if keys else (1, 0)


@cache
def _carriers(operator: str) -> Select[Any]:
    meets = CLAIMS.c.metric == bindparam("metric"), CLAIMS.c.value.op(operator)(bindparam("number"))
    return select(CLAIMS.c.article_id).where(*meets).limit(_FEW_CARRIERS + 1)


@cache
def _keys(postgres: bool) -> Select[Any]:
    key = DOCUMENTS.c.document_key
    return select(key).where(among(DOCUMENTS.c.article_id, "numbers", postgres=postgres), key > 0)
