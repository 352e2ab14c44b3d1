"""Values with a unit: area burned, magnitude, damage in money. They stand where counts of people do not."""

from typing import NamedTuple

from monitor.claims.grammar import Rule
from monitor.claims.lexicon import Lexicon, MeasureSpec
from monitor.claims.linking import Link, Reading, read_quantities
from monitor.claims.nouns import NounPhrase
from monitor.claims.quantities import Quantity, is_between
from monitor.claims.status import FoundCue, find_status, other_year
from monitor.claims.tokens import Tokens
from storage.records import ClaimStatus, Qualifier

_BESIDE = 3
_APART_REACH = 3
_FROM = frozenset(("from", "beside"))
_PERSONAL = frozenset(("age", "date", "year", "pronoun"))
_RULE = Rule(id="measure", pattern="", flags=frozenset(("level",)))
_DATED_APART = frozenset((ClaimStatus.CURRENT, ClaimStatus.UNCONFIRMED, ClaimStatus.PREVIOUS))


class Measured(NamedTuple):
    """A value of a measure: its quantity and the place of that in the sentence's, the unit, tokens [start, end)."""

    quantity: Quantity
    place: int
    metric: str
    unit: str
    start: int
    end: int


def find_measures(tokens: Tokens, lexicon: Lexicon, convention: str) -> tuple[Reading, list[Measured]]:
    """The sentence as read, and every value that it gives for one of the lexicon's measures, in order of place."""
    lower = tokens.lower
    specs = [spec for spec in lexicon.measures if spec.has_unit(lower) and spec.near.is_in(lower)]
    if not specs:
        return Reading(tokens, [], []), []
    quantities, phrases = read_quantities(tokens, lexicon, convention)
    found: list[Measured] = []
    for spec in specs:
        for index, quantity in enumerate(quantities):
            unit = _unit(lower, quantity, spec) if quantity.reason not in _PERSONAL else None
            if unit is None and found and found[-1].metric == spec.metric:
                unit = _unit_before(tokens, found[-1], quantity, phrases[index], lexicon)
            if unit is None:
                continue
            measured = Measured(quantity, index, spec.metric, *unit)
            before = found[-1] if found and found[-1].metric == spec.metric else None
            if before is not None and _goes_on(tokens, before, measured, lexicon):
                before.quantity.high, before.quantity.qualifier = quantity.value, Qualifier.RANGE
                found[-1] = before._replace(end=measured.end)
            else:
                found.append(measured)
    for measured in found:
        # To what tells how figures stand, these are figures.
        measured.quantity.reason = None
    return Reading(tokens, quantities, phrases), found


def measured_status(
    reading: Reading, measured: Measured, others: list[Measured], cues: list[FoundCue], years: frozenset[int],
    lexicon: Lexicon,
) -> ClaimStatus:  # fmt: skip
    """How a measured value stands in its sentence; `others` are all of that sentence, `years` the text's own."""
    link = Link(measured.place, measured.metric, _RULE, (measured.start, measured.end))
    status, _ = find_status(reading, link, cues, lexicon)
    if status in _DATED_APART and years and other_year(reading, link, years, lexicon):
        return ClaimStatus.OTHER_EVENT
    twins = [one for one in others if one.metric == measured.metric and one is not measured]
    if status is ClaimStatus.CURRENT and twins and measured.start:
        # "Revised from 7.3 to 7.1", "to 7.1 from 7.3".
        is_left = bool(lexicon.classes_at(reading.tokens.lower, measured.start - 1) & _FROM)
        return ClaimStatus.PREVIOUS if is_left else status
    return status


def _goes_on(tokens: Tokens, first: Measured, second: Measured, lexicon: Lexicon) -> bool:
    """Whether two values are the ends of a range: "between $3.1 billion and $4.5 billion"."""
    if second.start - first.end != 1 or second.unit != first.unit or first.quantity.high is not None:
        return False
    is_between_them = tokens.lower[first.end] in lexicon.number_joiners and is_between(tokens, first.start, lexicon)
    return is_between_them and second.quantity.value > first.quantity.value


def _unit_before(
    tokens: Tokens, before: Measured, quantity: Quantity, phrase: NounPhrase, lexicon: Lexicon
) -> tuple[str, int, int] | None:
    """The unit told with the value before, where this number stands beside it alone: "14,000 acres, up from 9,000"."""
    is_bare = quantity.reason == "fraction" or (quantity.reason is None and phrase.kind == "bare")
    between = range(before.end, quantity.start)
    if not is_bare or not 0 < len(between) <= _BESIDE or not lexicon.classes_at(tokens.lower, between[-1]) & _FROM:
        return None
    return before.unit, quantity.start, quantity.end


def is_apart(tokens: Tokens, measured: Measured, lexicon: Lexicon) -> bool:
    """Whether a value is that of something beside the event: "a magnitude 5.9 aftershock"."""
    spec = next(one for one in lexicon.measures if one.metric == measured.metric)
    first, last = max(0, measured.start - _APART_REACH), measured.end + 1
    return any(first <= start < last for start, *_ in spec.apart.find(tokens.lower))


def _unit(lower: list[str], quantity: Quantity, spec: MeasureSpec) -> tuple[str, int, int] | None:
    """The unit beside the number, and where both begin and end; a measure without units needs its word beside it."""
    after = spec.units.at(lower, quantity.end) if quantity.end < len(lower) else None
    if after is not None:
        return after[1], quantity.start, after[0]
    before = spec.units_before.ending_at(lower, quantity.number_start)
    if before is not None:
        return before[1], min(before[0], quantity.start), quantity.end
    return None
