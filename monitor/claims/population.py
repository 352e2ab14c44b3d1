"""Who is meant where the figure's own noun does not say: "deaths among officers rose to 18"."""

from monitor.claims.draft import Draft
from monitor.claims.lexicon import Lexicon
from monitor.claims.linking import Link, Reading
from monitor.claims.nouns import population_key
from monitor.claims.tokens import AMONG

_POSSESSOR_REACH = 4
_ANAPHORA_REACH = 30
_PREDICATE_REACH = 6
# Of the hurt a state is told that makes them some of all: how badly, or that they are out of hospital.
_STATES = frozenset(("critical", "minor", "intensive_care", "discharged"))
_OF_THE_HURT = frozenset(("injured", "hospitalised"))
_AUXILIARIES = frozenset(("be", "have", "adverb"))


def toll_axes(reading: Reading, found: Link, lexicon: Lexicon) -> set[tuple[str, str]]:
    """Axes named beside a toll word: "deaths among security personnel at 18", "police death toll"."""
    if "trigger-left" not in found.rule.flags or "level" not in found.rule.flags:
        return _listed_axes(reading, found, lexicon)
    tokens = reading.tokens
    quantity = reading.quantities[found.quantity]
    beside = lexicon.people.at(tokens.lower, found.trigger[1]) if found.trigger[1] < quantity.start else None
    if beside is not None and beside[1].is_noun and beside[0] <= quantity.start:
        return {axis for axis in beside[1].axes if axis[0] != "nationality"}
    for index in range(found.trigger[1], quantity.start):
        entry = lexicon.words.at(tokens.lower, index)
        if entry is not None and entry[1].classes & {"among", "of"}:
            probe = entry[0]
            while probe < quantity.start and probe - entry[0] < 2:
                person = lexicon.people.at(tokens.lower, probe)
                if person is not None and person[1].is_noun:
                    return {axis for axis in person[1].axes if axis[0] != "nationality"}
                probe += 1
    for index in range(max(0, found.trigger[0] - _POSSESSOR_REACH), found.trigger[0]):
        person = lexicon.people.at(tokens.lower, index)
        is_voice = tokens.lower[index] in lexicon.official
        if person is not None and person[0] == found.trigger[0] and not is_voice:
            return {axis for axis in person[1].axes if axis[0] in ("role", "age")}
    return set()


def _listed_axes(reading: Reading, found: Link, lexicon: Lexicon) -> set[tuple[str, str]]:
    """Axes of the first words over all bare figures that follow: "losses among officers rose to 18 dead, 748 hurt"."""
    lower = reading.tokens.lower
    if reading.phrases[found.quantity].kind != "bare" or not reading.tokens.marks & AMONG:
        return set()
    first = min(reading.quantities[number].start for number in reading.links)
    for index in range(first):
        entry = lexicon.words.at(lower, index)
        if entry is None or "among" not in entry[1].classes:
            continue
        axes: set[tuple[str, str]] = set()
        is_level = False
        for probe in range(entry[0], first):
            person = lexicon.people.at(lower, probe)
            if person is not None and person[1].is_noun and not is_level:
                axes = axes or {axis for axis in person[1].axes if axis[0] != "nationality"}
            word = lexicon.words.at(lower, probe)
            is_level = is_level or (word is not None and "level" in word[1].classes)
        return axes if is_level else set()
    return set()


def predicate_axes(reading: Reading, found: Link, lexicon: Lexicon) -> tuple[set[tuple[str, str]], str]:
    """Axes and lemma from what a part is said to be: "two of the victims were children", "14 were foreign tourists"."""
    lower = reading.tokens.lower
    after = max(reading.quantities[found.quantity].end, found.trigger[1])
    beside = lexicon.people.at(lower, after) if after < len(lower) else None
    if beside is not None and beside[1].is_noun and beside[1].axes:
        return set(beside[1].axes), ""
    for index in range(after, min(after + _PREDICATE_REACH, len(lower))):
        entry = lexicon.words.at(lower, index)
        classes = entry[1].classes if entry else frozenset()
        if "be" in classes:
            axes: set[tuple[str, str]] = set()
            lemma = ""
            probe = index + 1
            while probe < min(index + 5, len(lower)):
                person = lexicon.people.at(lower, probe)
                if person is not None and person[1].is_noun:
                    axes |= set(person[1].axes)
                    lemma = person[1].lemma if not person[1].axes and not person[1].is_whole else lemma
                    probe = person[0]
                elif axes or lemma:
                    break
                else:
                    probe += 1
            return axes, lemma
        if classes & {"comma", "who", "and"} or lower[index] == ",":
            break
    return set(), ""


def condition_axes(reading: Reading, found: Link, lexicon: Lexicon) -> set[tuple[str, str]]:
    """In what state the hurt are: "14 are *critical*", "nine were *seriously* hurt", "45 injured were *discharged*".

    The word stands in what makes them a figure, right before it, or behind it after "are" and "have been".
    """
    if found.metric not in _OF_THE_HURT or "level" in found.rule.flags:
        return set()
    lower = reading.tokens.lower
    quantity, phrase = reading.quantities[found.quantity], reading.phrases[found.quantity]
    first, last = found.trigger
    first = first - 1 if first > quantity.end else first
    after = max(last, phrase.end)
    if any("of" in lexicon.classes_at(lower, index) for index in range(max(0, quantity.start - 2), quantity.start)):
        # "120 of the 5,000 injured are in critical condition": what follows is said of the 120.
        after = len(lower)
    while after < len(lower) and lexicon.classes_at(lower, after) & _AUXILIARIES:
        if _state_at(lower, after, lexicon):
            break
        after += 1
    for index in (*range(first, last), after):
        state = _state_at(lower, index, lexicon) if index < len(lower) else None
        if state:
            return {("condition", state)}
    return set()


def _state_at(lower: list[str], index: int, lexicon: Lexicon) -> str | None:
    person = lexicon.people.at(lower, index) if lower[index] in lexicon.people.firsts else None
    axes = person[1].axes if person is not None else ()
    return next((value for axis, value in axes if axis == "condition" and value in _STATES), None)


def person_after(reading: Reading, index: int, lexicon: Lexicon) -> tuple[set[tuple[str, str]], str]:
    """Axes and lemma of the person noun at a token or right after it: "three wounded *soldiers*"."""
    lower = reading.tokens.lower
    for probe in range(index, min(index + 2, len(lower))):
        person = lexicon.people.at(lower, probe)
        if person is not None and person[1].is_noun:
            axes = set(person[1].axes)
            return axes, "" if axes or person[1].is_whole else person[1].lemma
    return set(), ""


def anaphora_metric(reading: Reading, drafts: list[Draft], lexicon: Lexicon) -> str | None:
    """The metric of an earlier part that this sentence takes up: "The foreigners include five from Iran"."""
    if not drafts:
        return None
    for index in range(min(3, len(reading.tokens.lower))):
        if reading.tokens.lower[index] not in lexicon.people.firsts:
            continue
        person = lexicon.people.at(reading.tokens.lower, index)
        if person is not None and person[1].axes:
            key = population_key(set(person[1].axes), "")
            for draft in reversed(drafts[-_ANAPHORA_REACH:]):
                if draft.claim.population == key:
                    return draft.claim.metric
    return None
