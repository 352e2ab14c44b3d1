"""Rules that link a quantity to what it counts: regular expressions over classes of words instead of letters.

A sentence becomes a string with one private-use character a word or quantity; every distinct set of
classes has its own character, so a rule's class is a character set. lexicons/grammar.toml holds the rules.

Pattern language: `word` or another class of words, `Q` a quantity of people, `X` one of things, `Y` a number that is no
count, `name` an unknown word with a capital; `!(a b)` any word of none of these classes; `@(…)` marks the trigger,
`#Q` the figure, `~Q` the figure it replaces; `$name` is a macro of the same file; the rest ( | ? * + {m,n} (?= (?! ) is
as in regular expressions.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from monitor.claims.tokens import kind_of

QUANTITY_CLASSES = ("Q", "X", "Y", "B", "rest_q", "lives_q", "soldier_q", "hedged_q", "victims_q", "bodies_q", "noun_q")
# What a count of people may be besides: bare (no noun found), of lives, of soldiers, hedged by a verb ("exceeds 125").
QUANTITY_SETS = {
    frozenset(("Q", *extra))
    for extra in (
        (), ("B",), ("B", "rest_q"), ("lives_q",), ("soldier_q",), ("hedged_q",), ("B", "hedged_q"),
        ("hedged_q", "lives_q"), ("hedged_q", "soldier_q"), ("victims_q",), ("hedged_q", "victims_q"), ("bodies_q",),
        ("hedged_q", "bodies_q"), ("noun_q",), ("hedged_q", "noun_q"),
    )
}  # fmt: skip
_WORD = frozenset(("word",))
_NAME = frozenset(("word", "name"))
_FIRST_CHARACTER = 0xE000
# Shorter words are not judged by their suffix.
_SUFFIXED = 6
# How many words WordSymbols keeps before it begins anew.
_MOST_WORDS = 30_000
_IDENTIFIER = re.compile(r"!\(([^()]*)\)|@\(|#([A-Za-z_]+)|~Q|\(\?[:=!]|\(\?<[!=]|[A-Za-z_]+|\s+|.", re.DOTALL)
# A pattern may mark its trigger in two alternatives.
_TRIGGERS = ("trigger", "trigger2")
_MACRO = re.compile(r"\$([a-z_]+)")


# Bits in parts of _PART, which compiled code compares without making numbers of them.
Bits = tuple[int, int, int]
_PART = 60


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as data. The lowest `priority` wins; `metric` fixes the metric where no trigger word names it."""

    id: str
    pattern: str
    priority: int = 50
    metric: str | None = None
    forms: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule ready to run over class strings; a sentence that lacks any of its `needs` is not searched."""

    rule: Rule
    pattern: re.Pattern[str]
    needs: int
    parts: Bits
    # The numbers of the groups in which the pattern has its figure, its trigger and the figure that is replaced.
    figure: int
    triggers: tuple[int, ...]
    old: int | None


@dataclass(frozen=True, slots=True)
class Symbol:
    """What a word, phrase or quantity is to the rules: its classes, their character, the metrics that it names.

    `meets` has a bit for each need of any rule that it meets, in `parts`.
    """

    character: str
    classes: frozenset[str]
    metrics: tuple[tuple[str, str], ...] = ()
    parts: Bits = (0, 0, 0)


@cache
def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def load_rules(lang: str, path: Path) -> tuple[Rule, ...]:
    """The rules of a grammar file that hold for a language, macros filled in."""
    document = _read(path)
    macros: dict[str, str] = dict(_read(path.parents[0] / "grammar.toml").get("macros", {}))
    if path.parent.name == lang:
        macros = {**_read(path.parents[1] / "grammar.toml").get("macros", {}), **document.get("macros", {})}
    rules: list[Rule] = []
    for row in document.get("rules", ()):
        if "langs" in row and lang not in row["langs"]:
            continue
        rules.append(
            Rule(
                id=row["id"],
                pattern=_fill(row["pattern"], macros),
                priority=row.get("priority", 50),
                metric=row.get("metric"),
                forms=tuple(row.get("forms", ())),
                flags=frozenset(row.get("flags", ())),
            )
        )
    return tuple(rules)


def _fill(pattern: str, macros: dict[str, str]) -> str:
    for _ in range(5):
        filled = _MACRO.sub(lambda match: "(?:" + macros[match.group(1)] + ")", pattern)
        if filled == pattern:
            return filled
        pattern = filled
    return pattern


def _parts(bits: int) -> Bits:
    part = (1 << _PART) - 1
    return bits & part, bits >> _PART & part, bits >> 2 * _PART


class Grammar:
    """Compiled rules of one language with the alphabet they are written in."""

    __slots__ = (
        "_all_needs",
        "_characters",
        "_meets",
        "_needs",
        "_symbols",
        "name",
        "other",
        "plain",
        "rules",
    )

    def __init__(self, rules: Iterable[Rule], class_sets: Iterable[frozenset[str]]) -> None:
        fixed = {frozenset((name,)) for name in ("X", "Y", *MARKS.values(), "word")} | QUANTITY_SETS
        fixed |= {frozenset(("X", "hospital")), frozenset(("X", "shelter")), _NAME}
        ordered = sorted(fixed | set(class_sets), key=sorted)
        self._characters = {names: chr(_FIRST_CHARACTER + index) for index, names in enumerate(ordered)}
        # What each character meets of the needs of all rules, a bit for each need: a set of characters.
        self._meets = dict.fromkeys(self._characters.values(), 0)
        self._needs: dict[frozenset[str], int] = {}
        self._symbols: dict[tuple[frozenset[str], tuple[tuple[str, str], ...]], Symbol] = {}
        self.rules = tuple(self._compiled(rule) for rule in sorted(rules, key=lambda rule: rule.priority))
        self._all_needs = _parts((1 << len(self._needs)) - 1)
        # A word as such, and one that no table knows; both have one character.
        self.plain = self.symbol(_WORD)
        self.other = self.symbol(frozenset())
        # An unknown word with a capital: a name, of a place as often as not.
        self.name = self.symbol(_NAME)

    def symbol(self, classes: frozenset[str], metrics: tuple[tuple[str, str], ...] = ()) -> Symbol:
        """The symbol of a set of classes; a set that the lexicon does not know is read as a plain word."""
        found = self._symbols.get((classes, metrics))
        if found is None:
            character = self._characters.get(classes) or self._characters[_WORD]
            found = self._symbols[classes, metrics] = Symbol(
                character, classes, metrics, _parts(self._meets[character])
            )
        return found

    def met_by(self, symbols: str) -> int:
        """The needs that a string of symbols meets, as bits: to be compared with those of a rule."""
        met = 0
        for character in set(symbols):
            met |= self._meets.get(character, 0)
        return met

    def rules_for(self, symbols: list[Symbol]) -> list[CompiledRule]:
        """The rules whose needs a sentence meets, in their order."""
        # The needs that are not met, as positive numbers: quicker to compare with than the complement.
        low, middle, high = self._all_needs
        for symbol in symbols:
            parts = symbol.parts
            low &= ~parts[0]
            middle &= ~parts[1]
            high &= ~parts[2]
        found: list[CompiledRule] = []
        for rule in self.rules:
            parts = rule.parts
            if not (parts[0] & low or parts[1] & middle or parts[2] & high):
                found.append(rule)
        return found

    def _compiled(self, rule: Rule) -> CompiledRule:
        pattern, needs = re.compile(self._compile(rule.pattern)), self._needs_of(rule.pattern)
        groups = pattern.groupindex
        triggers = tuple(groups[name] for name in _TRIGGERS if name in groups)
        return CompiledRule(rule, pattern, needs, _parts(needs), groups["figure"], triggers, groups.get("old"))

    def _members(self, name: str) -> str:
        return "".join(character for names, character in self._characters.items() if name in names)

    def _compile(self, pattern: str) -> str:
        parts: list[str] = []
        for match in _IDENTIFIER.finditer(pattern):
            part = match.group()
            if part.startswith("!("):
                excluded = {character for name in part[2:-1].split() for character in self._members(name)}
                parts.append("[" + "".join(c for c in self._characters.values() if c not in excluded) + "]")
            elif part == "@(":
                parts.append("(?P<trigger>" if "(?P<trigger>" not in parts else "(?P<trigger2>")
            elif part.startswith("#"):
                parts.append("(?P<figure>" + self._class(part[1:]) + ")")
            elif part == "~Q":
                parts.append("(?P<old>" + self._class("Q") + ")")
            elif part[0].isalpha() or part[0] == "_":
                parts.append(self._class(part))
            elif not part.isspace():
                parts.append(part)
        return "".join(parts)

    def _needs_of(self, pattern: str) -> int:
        """Sets of characters of which every match holds one each, as bits."""
        parts = [match.group() for match in _IDENTIFIER.finditer(pattern) if not match.group().isspace()]
        needs = 0
        for characters in self._required(iter([*parts, ")"])):
            bit = self._needs.setdefault(characters, 1 << len(self._needs))
            for character in characters:
                self._meets[character] |= bit
            needs |= bit
        return needs

    def _required(self, parts: Iterator[str]) -> list[frozenset[str]]:
        """The characters of what no match can go without, up to the closing bracket."""
        alternatives: list[list[frozenset[str]]] = [[]]
        last: list[frozenset[str]] = []
        previous = ""
        for part in parts:
            if part in ("?", "*") or (previous == "{" and part == "0"):
                last = []
            if part == "|" or part == ")" or part[0] in "(@!#~" or part[0].isalpha() or part[0] == "_":
                alternatives[-1].extend(last)
                last = []
            if part == "|":
                alternatives.append([])
            elif part == ")":
                break
            elif part[0] == "(" or part == "@(":
                inner = self._required(parts)
                last = inner if part in ("(?:", "@(") else []
            elif part[0] in "#~" or part[0].isalpha() or part[0] == "_":
                last = [frozenset(self._members(part.lstrip("#~")))]
            previous = part
        if len(alternatives) == 1:
            return alternatives[0]
        if not all(alternatives):
            return []
        return [frozenset().union(*(min(needed, key=len) for needed in alternatives))]

    def _class(self, name: str) -> str:
        members = self._members(name)
        # A class without words in this language matches nothing.
        return "[" + members + "]" if members else "(?!)"


class WordSymbols(dict[str, Symbol | None]):
    """The symbols of single words and marks: those of the lexicon, and those met so far. None: a mark without one."""

    def __init__(self, known: dict[str, Symbol], suffixes: Iterable[tuple[str, str]], grammar: Grammar) -> None:
        super().__init__(known)
        self.known = known
        self._suffixes = tuple((suffix, grammar.symbol(frozenset((name,)))) for suffix, name in suffixes)
        self._endings = tuple(suffix for suffix, _ in self._suffixes)
        self._other = grammar.other

    def __missing__(self, word: str) -> Symbol | None:
        if len(self) > _MOST_WORDS:
            self.clear()
            self.update(self.known)
        self[word] = found = None if kind_of(word) == "m" else self.by_suffix(word)
        return found

    def by_suffix(self, word: str) -> Symbol:
        """The symbol of a word that the lexicon does not hold."""
        if len(word) >= _SUFFIXED and word.endswith(self._endings):
            return next(symbol for suffix, symbol in self._suffixes if word.endswith(suffix))
        return self._other


MARKS = {
    ",": "comma", ":": "colon", ";": "semi", "–": "dash", "—": "dash", "-": "dash", "(": "open", ")": "close",
    "[": "open", "]": "close", "/": "slash", "…": "semi", "?": "semi", "!": "semi", "•": "semi", "|": "semi",
    "=": "colon", "&": "and",
}  # fmt: skip
