"""What of a query is looked for in the folded texts of PostgreSQL's documents, and which pairs of words they must hold.

A statement is made for the form of a query, its tree with a number in place of each word, and the words are parameters
of it: one statement serves all queries of that form.
"""

from typing import Any

from sqlalchemy import ColumnElement, Text, and_, bindparam, func, literal_column, not_, or_
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER

from storage.query import Both, Either, Neither, Node, Tag, Term
from storage.tables import SEARCH_PAIRS

_HELD: ColumnElement[Any] = literal_column(SEARCH_PAIRS, ARRAY(INTEGER))


def parted_query(node: Node) -> tuple[Node, dict[str, str]]:
    """The form of a query, and its words as parameters of the conditions of `holds` and `may_hold`."""
    values: dict[str, str] = {}
    return _numbered(node, values), values


def _numbered(node: Node, values: dict[str, str]) -> Node:
    match node:
        case Both(parts):
            return Both(tuple(_numbered(part, values) for part in parts))
        case Either(parts):
            return Either(tuple(_numbered(part, values) for part in parts))
        case Neither(part):
            return Neither(_numbered(part, values))
        case Tag(name, is_prefix):
            several: tuple[str, ...] = (name,)
        case Term(several, is_prefix):
            pass
    place = str(len(values))
    # As the words lie in the row: one space before and after each.
    values[f"text_{place}"] = f" {' '.join(several)}{'' if is_prefix else ' '}"
    if len(whole := several[: len(several) - is_prefix]) > 1:
        values[f"pairs_{place}"] = " ".join(whole)
    return Tag(place, is_prefix) if isinstance(node, Tag) else Term((place,) * len(several), is_prefix)


def holds(form: Node, content: Any) -> ColumnElement[bool]:
    """A condition on a document's folded words: that a query of this form finds it."""
    match form:
        case Both(parts):
            return and_(*(holds(part, content) for part in parts))
        case Either(parts):
            return or_(*(holds(part, content) for part in parts))
        case Neither(part):
            return not_(holds(part, content))
        case Tag(place):
            pass
        case Term((place, *_)):
            pass
    return func.strpos(content, bindparam(f"text_{place}", type_=Text)) > 0


def may_hold(form: Node) -> list[ColumnElement[bool]]:
    """Conditions that the index answers, met by all that a query of this form finds: its phrases' pairs of words."""
    parts = form.parts if isinstance(form, Both) else (form,)
    conditions: list[ColumnElement[bool]] = []
    for part in parts:
        if isinstance(part, Both):
            conditions += may_hold(part)
        elif isinstance(part, Either):
            some = [_first_phrase(one) for one in part.parts]
            if all(some):
                conditions.append(_HELD.op("&&")(_joined([place for place in some if place is not None])))
        elif (place := _first_phrase(part)) is not None:
            conditions.append(_HELD.op("@>")(_pairs_of(place)))
    return conditions


def _first_phrase(form: Node) -> str | None:
    """The number of a phrase without which a query of this form finds nothing."""
    if isinstance(form, Both):
        return next((place for part in form.parts if (place := _first_phrase(part)) is not None), None)
    if isinstance(form, Term) and len(form.words) - form.is_prefix > 1:
        return form.words[0]
    return None


def _joined(places: list[str]) -> ColumnElement[Any]:
    first, *others = map(_pairs_of, places)
    for other in others:
        first = first.op("||")(other)
    return first


def _pairs_of(place: str) -> ColumnElement[Any]:
    return func.search_pairs(bindparam(f"pairs_{place}", type_=Text), type_=ARRAY(INTEGER))
