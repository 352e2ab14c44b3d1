"""The query language of search, parsed once for both databases.

    words "a phrase" -not OR (groups) prefix*  story: source: lang: metric: before: after:  killed>100

All words must be found; OR binds weaker than standing side by side. Dates are days, months or years in UTC, or ISO
times: `after:2022-01-05` is from that day on, `before:2022-01-12` is up to that day without it. Conditions on one
measure are met by one figure: `killed>=164 killed<200` finds a figure between the two.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite

from storage.errors import QueryError
from storage.folding import words

FIELDS = ("story", "source", "lang", "metric", "before", "after")
_TAG_LETTERS = {"story": "t", "source": "s", "lang": "l", "metric": "k"}
_DEEPEST = 30
_MOST_TERMS = 100
_MOST_COMPARISONS = 20
_LEXEME = re.compile(r'\s+|(?P<open>\()|(?P<close>\))|(?P<minus>-(?=[^\s)]))|(?P<atom>(?:"[^"]*"|[^\s()"])+|")')
_FIELD = re.compile(r"(?P<name>[a-z]+):(?!//)(?P<value>.*)", re.DOTALL | re.IGNORECASE)
# With or without the name of the field before it: people write both.
_COMPARISON = re.compile(r"(?:metric:)?(?P<metric>[^\W\d]\w*)(?P<operator>>=|<=|>|<|=)(?P<number>.*)", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand side by side; `is_prefix`: the last may go on."""

    words: tuple[str, ...]
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """A name of the document itself: its source, story, language, metric."""

    name: str
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Both:
    """All of these."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """One of these at least."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Neither:
    """Not this."""

    part: "Node"


Node = Term | Tag | Both | Either | Neither


@dataclass(frozen=True, slots=True)
class Comparison:
    """A claim of this metric with a figure that compares so; `is_absent`: no such claim. See `group_comparisons`."""

    metric: str
    operator: str
    number: float
    is_absent: bool = False


@dataclass(slots=True)
class Query:
    """What a query asks for: words and tags, bounds of the publication time [since, until), and figures."""

    node: Node | None = None
    since: datetime | None = None
    until: datetime | None = None
    comparisons: list[Comparison] = field(default_factory=list)

    def narrow(self, *, since: datetime | None = None, until: datetime | None = None) -> None:
        """Keep only what is also within these bounds."""
        if since is not None:
            self.since = since if self.since is None else max(self.since, since)
        if until is not None:
            self.until = until if self.until is None else min(self.until, until)

    def require(self, node: Node) -> None:
        """Keep only what this finds too."""
        # Side by side and not within each other: the parser of SQLite's index has no room for deep nests.
        held = self.node.parts if isinstance(self.node, Both) else () if self.node is None else (self.node,)
        self.node = Both((*held, node)) if held else node


def parse_query(query: str) -> Query:
    """What a query asks for. Raises QueryError with a mark under the place that cannot be understood."""
    return _Parser(query).parse()


def group_comparisons(comparisons: Iterable[Comparison]) -> tuple[tuple[Comparison, ...], ...]:
    """Which conditions one figure must meet together: those on one measure; what is left out stands alone."""
    groups: dict[object, list[Comparison]] = {}
    for place, comparison in enumerate(comparisons):
        groups.setdefault(place if comparison.is_absent else comparison.metric, []).append(comparison)
    return tuple(map(tuple, groups.values()))


def name_tag(kind: str, name: str, *, is_prefix: bool = False) -> Tag:
    """The tag that a story, source, language or metric has in the index."""
    return Tag(f"~{_TAG_LETTERS[kind]}{'_'.join(words(name))}", is_prefix)


def wanted_terms(node: Node | None) -> tuple[Term, ...]:
    """The words that a found text may hold, for highlighting: all but those that are excluded."""
    if isinstance(node, Term):
        return (node,)
    if isinstance(node, Both | Either):
        return tuple(dict.fromkeys(term for part in node.parts for term in wanted_terms(part)))
    return ()


def wanted_names(asked: Query) -> tuple[tuple[str, str], ...]:
    """The names that what is found must or may have, as (field, name as the index writes it); `*` ends a prefix."""
    names = [_field_of(tag) for tag in _wanted_tags(asked.node)]
    names += [("metric", wanted.metric) for wanted in asked.comparisons if not wanted.is_absent]
    return tuple(dict.fromkeys(names))


def _wanted_tags(node: Node | None) -> Iterator[Tag]:
    if isinstance(node, Tag):
        yield node
    elif isinstance(node, Both | Either):
        for part in node.parts:
            yield from _wanted_tags(part)


def _field_of(tag: Tag) -> tuple[str, str]:
    field_name = next(name for name, letter in _TAG_LETTERS.items() if letter == tag.name[1])
    return field_name, tag.name[2:] + "*" * tag.is_prefix


def to_fts5(node: Node) -> str:
    """A query as SQLite's full-text index takes it."""
    if isinstance(node, Term):
        return f'"{" ".join(node.words)}"{"*" if node.is_prefix else ""}'
    if isinstance(node, Tag):
        return f'"{node.name}"{"*" if node.is_prefix else ""}'
    if isinstance(node, Either):
        return f"({' OR '.join(map(to_fts5, node.parts))})"
    parts = node.parts if isinstance(node, Both) else (node,)
    asked = [to_fts5(part) for part in parts if not isinstance(part, Neither)] or ['"~a"']
    barred = [to_fts5(part.part) for part in parts if isinstance(part, Neither)]
    together = f"({' AND '.join(asked)})"
    return f"({together} NOT ({' OR '.join(barred)}))" if barred else together


def to_tsquery(node: Node) -> str | None:
    """What PostgreSQL's index can say of a query: all that it finds match this, and others may; None: nothing.

    The index knows no places of words, so that a phrase is all of its words; `is_certain` tells whether that is enough.
    """
    return _bound(node, is_upper=True)


def finds_without_words(node: Node) -> bool:
    """Whether a document without a word or tag would be found."""
    if isinstance(node, Neither):
        return not finds_without_words(node.part)
    if isinstance(node, Both):
        return all(map(finds_without_words, node.parts))
    return isinstance(node, Either) and any(map(finds_without_words, node.parts))


def _bound(node: Node, *, is_upper: bool) -> str | None:
    """A `tsquery` for at least what matches (None: everything), or for at most that (None: nothing)."""
    if isinstance(node, Tag):
        return f"'{node.name}'{':*' if node.is_prefix else ''}"
    if isinstance(node, Term):
        if len(node.words) > 1 and not is_upper:
            return None
        lexemes = [f"'{word}'" for word in node.words]
        return f"({' & '.join(lexemes)}{':*' if node.is_prefix else ''})"
    if isinstance(node, Neither):
        inner = _bound(node.part, is_upper=not is_upper)
        return None if inner is None else f"!({inner})"
    # What is left out first: the index decides most documents with the first part.
    parts = sorted(node.parts, key=lambda part: not isinstance(part, Neither))
    bounds = [_bound(part, is_upper=is_upper) for part in parts]
    held = [bound for bound in bounds if bound is not None]
    if not held or (len(held) < len(bounds) and isinstance(node, Either) is is_upper):
        return None
    return f"({(' & ' if isinstance(node, Both) else ' | ').join(held)})"


def is_certain(node: Node) -> bool:
    """Whether `to_tsquery` says all: no words of the query must stand side by side."""
    if isinstance(node, Both | Either):
        return all(map(is_certain, node.parts))
    return is_certain(node.part) if isinstance(node, Neither) else isinstance(node, Tag) or len(node.words) == 1


def leaves_out(node: Node) -> bool:
    """Whether something is left out (`-…`), in any part of the query."""
    return any(map(leaves_out, node.parts)) if isinstance(node, Both | Either) else isinstance(node, Neither)


def has_prefix(node: Node) -> bool:
    """Whether a word of the query may go on."""
    if isinstance(node, Both | Either):
        return any(map(has_prefix, node.parts))
    return has_prefix(node.part) if isinstance(node, Neither) else node.is_prefix


@dataclass(frozen=True, slots=True)
class _Lexeme:
    kind: str
    text: str
    at: int


class _Parser:
    """One pass over a query; `_either` and `_both` call each other where parentheses nest."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._lexemes = list(self._split())
        self._next = 0
        self._depth = 0
        self._terms = 0
        self._result = Query()

    def parse(self) -> Query:
        if self._lexemes:
            self._result.node = self._either(outermost=True)
            if self._next < len(self._lexemes):
                raise self._error(
                    "closing", "this closing parenthesis has no opening one", self._lexemes[self._next].at
                )
            if self._result == Query():
                raise self._error("no_word", "there is no word in this to look for", self._lexemes[0].at)
        return self._result

    def _split(self) -> Iterator[_Lexeme]:
        for match in _LEXEME.finditer(self._query):
            if match.lastgroup == "atom" and match.group().count('"') % 2:
                quote = match.start() + match.group().rindex('"')
                raise self._error("quotation", "this quotation mark is never closed", quote)
            if match.lastgroup:
                yield _Lexeme(match.lastgroup, match.group(), match.start())

    def _error(self, code: str, message: str, at: int, **gaps: object) -> QueryError:
        return QueryError(f"{message}:\n  {self._query}\n  {' ' * at}^", code=f"query_{code}", **gaps)

    def _peek(self) -> _Lexeme | None:
        return self._lexemes[self._next] if self._next < len(self._lexemes) else None

    def _is_or(self) -> bool:
        lexeme = self._peek()
        return lexeme is not None and lexeme.kind == "atom" and lexeme.text == "OR"

    def _either(self, *, outermost: bool = False) -> Node | None:
        has_or = outermost and self._has_or_outside()
        parts = [self._both(outermost=outermost and not has_or)]
        while self._is_or():
            mark = self._lexemes[self._next]
            self._next += 1
            if parts[-1] is None or self._peek() is None or self._is_or():
                raise self._error("or", "OR needs words on both sides", mark.at)
            parts.append(self._both())
            if parts[-1] is None:
                raise self._error("or", "OR needs words on both sides", mark.at)
        found = tuple(part for part in parts if part is not None)
        return None if not found else found[0] if len(found) == 1 else Either(found)

    def _has_or_outside(self) -> bool:
        depth = 0
        for lexeme in self._lexemes:
            depth += {"open": 1, "close": -1}.get(lexeme.kind, 0)
            if depth == 0 and lexeme.kind == "atom" and lexeme.text == "OR":
                return True
        return False

    def _both(self, *, outermost: bool = False) -> Node | None:
        parts: list[Node] = []
        while (lexeme := self._peek()) is not None and lexeme.kind != "close" and not self._is_or():
            is_barred = False
            while lexeme is not None and lexeme.kind == "minus":
                is_barred = not is_barred
                self._next += 1
                lexeme = self._peek()
            if lexeme is None or lexeme.kind == "close":
                raise self._error("leave_out", "there is nothing to leave out here", len(self._query))
            part = self._group(lexeme) if lexeme.kind == "open" else self._atom(lexeme, outermost, is_barred)
            if part is not None:
                parts.append(Neither(part) if is_barred else part)
        return None if not parts else parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _group(self, opening: _Lexeme) -> Node | None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error("deep", f"more than {_DEEPEST} parentheses within each other", opening.at, n=_DEEPEST)
        self._next += 1
        inner = self._either()
        closing = self._peek()
        if closing is None:
            raise self._error("opening", "this parenthesis is never closed", opening.at)
        self._next += 1
        self._depth -= 1
        return inner

    def _atom(self, lexeme: _Lexeme, outermost: bool, is_barred: bool) -> Node | None:
        self._next += 1
        self._terms += 1
        if self._terms > _MOST_TERMS:
            raise self._error("words", f"more than {_MOST_TERMS} words; ask for less at once", lexeme.at, n=_MOST_TERMS)
        if lexeme.text == "AND":
            return None
        if match := _COMPARISON.fullmatch(lexeme.text):
            self._comparison(match, lexeme, outermost, is_barred)
            return None
        if match := _FIELD.fullmatch(lexeme.text):
            return self._field(match, lexeme, outermost, is_barred)
        return self._term(lexeme)

    def _term(self, lexeme: _Lexeme) -> Term | None:
        text = lexeme.text
        is_prefix = text.endswith("*")
        found = tuple(words(text))
        if is_prefix and (not found or (len(found) == len(found[0]) == 1 and text.isascii())):
            raise self._error("asterisk", "write two letters at least before the asterisk", lexeme.at)
        return Term(found, is_prefix) if found else None

    def _field(self, match: re.Match[str], lexeme: _Lexeme, outermost: bool, is_barred: bool) -> Node | None:
        name, value = match["name"].lower(), match["value"]
        at = lexeme.at + match.start("value")
        if name not in FIELDS:
            known = ", ".join(f"{known}:" for known in FIELDS)
            message = f"no field is called {name!r} (fields: {known}; quote it to look for the words)"
            raise self._error("field", message, lexeme.at, name=name, known=known)
        bare = value.strip('"')
        if not words(bare):
            raise self._error("value", f"{name}: needs a value right after the colon", at, name=name)
        if name in _TAG_LETTERS:
            return name_tag(name, bare, is_prefix=value.endswith("*"))
        self._demand_outermost(f"{name}:", lexeme, outermost)
        moment = self._moment(bare, at)
        if (name == "after") is not is_barred:
            self._result.narrow(since=moment)
        else:
            self._result.narrow(until=moment)
        return None

    def _comparison(self, match: re.Match[str], lexeme: _Lexeme, outermost: bool, is_barred: bool) -> None:
        digits = re.sub(r"(?<=\d)[,_](?=\d{3})", "", match["number"])
        number = _finite(digits)
        if number is None:
            place = lexeme.at + match.start("number")
            what = f"{match['metric']}{match['operator']}"
            raise self._error("number", f"{what} needs a number, as in killed>100", place, what=what)
        self._demand_outermost(lexeme.text, lexeme, outermost)
        if len(self._result.comparisons) == _MOST_COMPARISONS:
            message = f"more than {_MOST_COMPARISONS} figures; ask for less at once"
            raise self._error("figures", message, lexeme.at, n=_MOST_COMPARISONS)
        metric = "_".join(words(match["metric"]))
        self._result.comparisons.append(Comparison(metric, match["operator"], number, is_barred))

    def _demand_outermost(self, what: str, lexeme: _Lexeme, outermost: bool) -> None:
        if not outermost:
            message = f"{what} counts for the whole query: write it outside parentheses and OR"
            raise self._error("whole", message, lexeme.at, what=what)

    def _moment(self, text: str, at: int) -> datetime:
        try:
            if match := _DATE.fullmatch(text):
                year, month, day = (int(part) if part else 1 for part in match.groups())
                return datetime(year, month, day, tzinfo=UTC)
            moment = datetime.fromisoformat(text)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            message = "this is no date: write 2022, 2022-01, 2022-01-12 or an ISO time"
            raise self._error("date", message, at) from None


def _finite(digits: str) -> float | None:
    """The number that is written, if it is one."""
    try:
        number = float(digits)
    except ValueError:
        return None
    return number if isfinite(number) else None
