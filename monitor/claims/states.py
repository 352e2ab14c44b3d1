"""Things that are declared, extended, lifted, closed: a subject and what is done to it, in one clause."""

from dataclasses import dataclass

from monitor.claims.lexicon import Lexicon
from monitor.claims.tokens import Tokens
from storage.records import ClaimStatus

_REACH = 7
_STOPS = frozenset((";", ":", "(", ")"))


@dataclass(frozen=True, slots=True)
class StateFinding:
    """A subject in a state, at tokens [start, end). A planned one ("will be lifted") is unconfirmed."""

    subject: str
    state: str
    start: int
    end: int
    action: tuple[int, int]
    status: ClaimStatus


def find_states(tokens: Tokens, lexicon: Lexicon) -> list[StateFinding]:
    """All states that a sentence tells of, in order of place; one a subject mention."""
    barred = [(start, end) for start, end, _ in lexicon.state_idioms.find_in(tokens)]
    actions = list(lexicon.actions.find_in(tokens))
    found: list[StateFinding] = []
    for start, end, subject in lexicon.subjects.find_in(tokens):
        if any(first <= start < last for first, last in barred):
            continue
        best: tuple[int, int, int, str] | None = None
        for first, last, state in actions:
            if state not in lexicon.allowed_states.get(subject, frozenset()) or (first < end and last > start):
                continue
            low, high = (last, start) if last <= start else (end, first)
            if high - low > _REACH or any(mark in _STOPS for mark in tokens.lower[low:high]):
                continue
            if "," in tokens.lower[low:high] or _is_negated(tokens, low, high, first, lexicon):
                continue
            if best is None or high - low < best[0]:
                best = (high - low, first, last, state)
        if best is not None:
            _, first, last, state = best
            is_planned = any(first - 4 <= span[0] < first for span in lexicon.planned.find_in(tokens))
            status = ClaimStatus.UNCONFIRMED if is_planned else ClaimStatus.CURRENT
            found.append(StateFinding(subject, state, min(start, first), max(end, last), (first, last), status))
    return found


def _is_negated(tokens: Tokens, low: int, high: int, action: int, lexicon: Lexicon) -> bool:
    for index in (*range(low, high), action - 1, action - 2):
        if 0 <= index < len(tokens.lower):
            entry = lexicon.words.at(tokens.lower, index)
            if entry is not None and "not" in entry[1].classes:
                return True
    return False
