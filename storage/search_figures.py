"""Conditions on the figures that the claims of an article carry, with the figures themselves as parameters.

Statements are made once for one shape of conditions: to build one costs as much as to run it.
"""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlmodel import Session

from storage.query import Comparison, Query, group_comparisons
from storage.tables import CLAIMS, DOCUMENTS
from storage.writing import among, listed

_FEW_CARRIERS = 50
Ask = Callable[[Select[Any], dict[str, Any]], Sequence[Any]]  # a statement and its parameters; returns all rows
# Of each figure the operators that it must meet, and whether no claim may have such a figure.
Shape = tuple[tuple[tuple[str, ...], bool], ...]


def figures_shape(asked: Query) -> Shape:
    """What a query demands of figures, without the measures and numbers."""
    return _shape(group_comparisons(asked.comparisons))


def _shape(groups: Sequence[Sequence[Comparison]]) -> Shape:
    return tuple((tuple(wanted.operator for wanted in group), group[0].is_absent) for group in groups)


def figures_values(asked: Query) -> dict[str, Any]:
    """The measures and numbers, as parameters of the conditions of `meets_figures`."""
    values: dict[str, Any] = {}
    for place, group in enumerate(group_comparisons(asked.comparisons)):
        values |= {f"metric_{place}": group[0].metric, **_numbers(f"number_{place}", group)}
    return values


def _numbers(name: str, group: Sequence[Comparison]) -> dict[str, float]:
    """The parameters of `_compares`."""
    return {f"{name}_{at}": wanted.number for at, wanted in enumerate(group)}


def _compares(name: str, operators: Sequence[str]) -> list[ColumnElement[bool]]:
    """Conditions that the figure of one claim meets all of these."""
    return [CLAIMS.c.value.op(operator)(bindparam(f"{name}_{at}")) for at, operator in enumerate(operators)]


def meets_figures(
    shape: Shape, article_id: Any, *, postgres: bool, are_carriers: bool = False
) -> list[ColumnElement[bool]]:
    """Conditions on the article whose number stands in a column: a claim of it has (or has not) each asked figure.

    `are_carriers`: it is one of `find_carriers`, which have one of the figures.
    """
    conditions: list[ColumnElement[bool]] = []
    known = _first_wanted(shape) if are_carriers else None
    for place, (operators, is_absent) in enumerate(shape):
        if place == known:
            continue
        carried = select(CLAIMS.c.claim_id).where(
            CLAIMS.c.article_id == article_id,
            # Hidden from SQLite in a function, so that it prefers no index of figures to the few claims of one article.
            (CLAIMS.c.metric if postgres else func.coalesce(CLAIMS.c.metric, "")) == bindparam(f"metric_{place}"),
            *_compares(f"number_{place}", operators),
        )
        exists = carried.correlate(article_id.table).exists()
        conditions.append(~exists if is_absent else exists)
    return conditions


def find_carriers(ask: Ask, comparisons: Sequence[Comparison], most: int) -> frozenset[int] | None:
    """The numbers of the articles that carry an asked figure; None if more than `most` claims do, or none is asked.

    Else all documents with the words would be held against a figure that few carry.
    """
    groups = group_comparisons(comparisons)
    shape = _shape(groups)
    place = _first_wanted(shape)
    if place is None:
        return None
    values = {"metric": groups[place][0].metric, "most": most + 1, **_numbers("number", groups[place])}
    claims = ask(_carriers(shape[place][0]), values)
    # Of claims, since an article may carry many.
    return frozenset(article_id for (article_id,) in claims) if len(claims) <= most else None


def _first_wanted(shape: Shape) -> int | None:
    """Which figure is asked for as one that a claim has."""
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


@lru_cache(maxsize=1_000)
def _carriers(operators: tuple[str, ...]) -> Select[Any]:
    meets = CLAIMS.c.metric == bindparam("metric"), *_compares("number", operators)
    return select(CLAIMS.c.article_id).where(*meets).limit(bindparam("most"))


@cache
def _keys() -> Select[Any]:
    key = DOCUMENTS.c.document_key
    return select(key).where(among(DOCUMENTS.c.article_id, "numbers", postgres=False), key > 0)
