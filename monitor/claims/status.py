"""How a figure stands in its own text: current, previous, retracted, denied, unconfirmed, or of another event."""

from monitor.claims.lexicon import CLAUSE_MARKS, Cue, Lexicon
from monitor.claims.linking import Link, Reading
from monitor.claims.quantities import Quantity, behind_hedge
from monitor.claims.tokens import CLAUSE, PERFECT, Tokens, tokenize
from storage.records import ClaimStatus

_ORDER = ("retracted", "denied", "previous", "other_event", "unconfirmed")
_NEAR = 3
# At most so many words stand behind the verb with which a speaker closes a sentence.
_CLOSING = 6
_CLOSE_BEHIND = 6
_BEHIND = 3
_SMALL = frozenset(("det", "adverb", "hedge", "focus", "former", "of", "toll", "generic_toll"))
_YEAR_REACH = 10
_LOWERING_REACH = 5
_FEWER_REACH = 4
_AUXILIARIES = frozenset(("have", "adverb", "also", "modal", "who"))
_LEVEL_FORMS = frozenset(("adjective", "noun", "toll"))
_TOLLS = frozenset(("toll", "generic_toll"))
LOWERED = "+lowered"
"""What is appended to the rule of a figure that its text says was lowered."""


class FoundCue:
    """A status cue at tokens [start, end)."""

    __slots__ = ("cue", "end", "start")

    def __init__(self, start: int, end: int, cue: Cue) -> None:
        self.start = start
        self.end = end
        self.cue = cue


def find_cues(tokens: Tokens, lexicon: Lexicon) -> list[FoundCue]:
    """All status cues of a sentence; those inside neutral phrases ("earlier this week") are left out."""
    if not tokens.marks & (lexicon.cues.bit | PERFECT):
        return []
    neutral = [
        (index, span[0])
        for index in lexicon.neutral.openings(tokens)
        if (span := lexicon.neutral.at(tokens.lower, index)) is not None
    ]
    cues: list[FoundCue] = []
    is_by_then = any(True for _ in lexicon.by_then.find_in(tokens))
    for index in sorted({*tokens.indices(PERFECT), *lexicon.cues.openings(tokens)}):
        word = tokens.lower[index]
        if word in lexicon.perfect_auxiliary and (_is_told_of_itself(tokens, index, lexicon) or is_by_then):
            continue
        found = lexicon.cues.at(tokens.lower, index) if word in lexicon.cues.firsts else None
        is_month = word in lexicon.months and index > 0 and tokens.is_capital(index)
        if found is not None and not is_month and not any(start <= index < end for start, end in neutral):
            cues.extend(FoundCue(index, found[0], cue) for cue in found[1])
        if word in lexicon.perfect_auxiliary:
            verb = _perfect_verb(tokens, index, lexicon)
            if verb is None and _has_late_verb(tokens, index, lexicon):
                verb = index + 1
            if verb is not None:
                cues.append(FoundCue(index, verb, Cue("previous", "before")))
    return [cue for cue in cues if not any(_is_within(cue, other) for other in cues)]


def _is_within(cue: FoundCue, other: FoundCue) -> bool:
    """In "three years earlier" the last word is no cue of its own."""
    is_shorter = cue.end - cue.start < other.end - other.start
    return is_shorter and other.start <= cue.start and cue.end <= other.end and other.cue.status != cue.cue.status


def _perfect_verb(tokens: Tokens, index: int, lexicon: Lexicon) -> int | None:
    """The end of "had (earlier) said": what was reported so is no longer the news."""
    for probe in range(index + 1, min(index + 4, len(tokens.lower))):
        said = lexicon.say.at(tokens.lower, probe)
        if said is not None and said[1] == "say":
            return said[0]
        entry = lexicon.words.at(tokens.lower, probe)
        if entry is not None and "put" in entry[1].classes:
            return entry[0]
        if entry is not None and "be" in entry[1].classes and _is_number(tokens, entry[0], lexicon):
            is_there = index > 0 and tokens.lower[index - 1] in lexicon.existential
            return None if is_there and _is_told(tokens, index, lexicon) else entry[0]
        if entry is not None and "level" in entry[1].classes:
            # "It had grown to 3,000" is past; "police said it had grown to 3,000" is today's news, told in the past.
            return None if _is_told(tokens, index, lexicon) else entry[0]
        if entry is None or not entry[1].classes & {"adverb", "hedge", "in", "at"}:
            return None
    return None


def _is_told(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether somebody is quoted before a token, or closes the sentence: "it had reached 40, officials said"."""
    last = len(tokens.lower) - _CLOSING
    return any(
        start < index or (kind == "say" and end > last and "n" not in tokens.kinds[end:])
        for start, end, kind in lexicon.say.find_in(tokens)
    )


def _has_late_verb(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether a verb of telling ends the clause that "had" opens: «hatte die Polizei 50 Tote *gemeldet*»."""
    for probe in range(index + 1, len(tokens.lower)):
        if tokens.lower[probe] in lexicon.boundary_words:
            return False
        if tokens.lower[probe] in lexicon.late_verbs:
            return True
    return False


def _is_number(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether a number, with or without a hedge, begins at a token: "the figure had been (about) 59"."""
    first = behind_hedge(tokens, index, lexicon)
    return first < len(tokens.lower) and (tokens.kinds[first] == "n" or tokens.lower[first] in lexicon.number_words)


def _is_told_of_itself(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """In "Amnesty said it had recorded 52 names" the perfect is that of reported speech: 52 is today's news."""
    if index < 2 or tokens.lower[index - 1] not in lexicon.pronouns:
        return False
    first = max((probe + 1 for probe in range(index) if tokens.lower[probe] in CLAUSE_MARKS), default=0)
    said = lexicon.say.find(tokens.lower[: index - 1])
    return any(first <= start and kind == "say" for start, _, kind in said)


def next_sentence_status(folded: str, lexicon: Lexicon) -> ClaimStatus | None:
    """What a sentence says of the figures before it ("the post was later deleted"); None for nothing."""
    if not lexicon.next_gate.opens(folded):
        return None
    tokens = tokenize(folded, 0, len(folded), lexicon.vocabulary)
    for index in range(len(tokens.lower)):
        found = lexicon.next_cues.at(tokens.lower, index)
        if found is not None:
            return ClaimStatus(found[1][0].status)
    return None


def clause_bounds(reading: Reading, position: int, lexicon: Lexicon) -> tuple[int, int]:
    """The token span of the clause around `position`, cut at semicolons and words such as "but"."""
    start, end = 0, len(reading.tokens.lower)
    for index in reading.tokens.indices(CLAUSE):
        if reading.tokens.lower[index] in lexicon.turns and not _turns(reading, index, lexicon):
            continue
        if index >= position:
            return start, index
        start = index + 1
    return start, end


def _turns(reading: Reading, index: int, lexicon: Lexicon) -> bool:
    """Whether "now" opens a clause, behind a mark or an earlier figure: not in «rechnet nun mit 79 Toten»."""
    before = lexicon.classes_at(reading.tokens.lower, index - 1) if index else frozenset()
    is_opening = index == 0 or reading.tokens.kinds[index - 1] == "m" or "and" in before
    return is_opening or any(other.reason is None and other.end <= index for other in reading.quantities)


def find_status(reading: Reading, link: Link, cues: list[FoundCue], lexicon: Lexicon) -> tuple[ClaimStatus, str]:
    """The status of a linked figure and the words that gave it ("" for current)."""
    quantity = reading.quantities[link.quantity]
    start, end = clause_bounds(reading, quantity.number_start, lexicon)
    low = min(quantity.start, link.trigger[0])
    high = max(quantity.end, link.trigger[1])
    # In "51 confirmed, 34 probable" what is confirmed is the figure before.
    before = [other for other in reading.quantities if other.end <= quantity.start]
    ends = {other.end for other in before}
    settled = [
        span
        for span in lexicon.settled.find_in(reading.tokens)
        if low - _NEAR <= span[0] <= high + 1
        and span[0] not in ends
        # "confirmed 14 deaths and said the number could rise to 40": what is confirmed is the 14.
        and not any(span[1] <= other.start for other in before if other.reason is None)
    ]
    reached: dict[str, str] = {}
    for found in cues:
        cue = found.cue
        if found.cue.side == "after_level" and not _is_of_level(link, reading):
            continue
        if not _reaches(found, quantity, (start, end), (low, high), reading, lexicon):
            continue
        if cue.status == "unconfirmed" and settled:
            continue
        reached.setdefault(cue.status, " ".join(reading.tokens.lower[found.start : found.end]))
    for status in _ORDER:
        if status in reached:
            return ClaimStatus(status), reached[status]
    return ClaimStatus.CURRENT, ""


def _is_of_level(link: Link, reading: Reading) -> bool:
    """Whether a figure tells how things stood, and not what happened: "31 dead", but not "31 were arrested"."""
    if "level" in link.rule.flags or link.parent is not None:
        return True
    return any(
        form in _LEVEL_FORMS and metric == link.metric
        for symbol, place in zip(reading.symbols.symbols, reading.symbols.places, strict=True)
        if place == link.trigger
        for form, metric in symbol.metrics
    )


def _reaches(
    found: FoundCue,
    quantity: Quantity,
    clause: tuple[int, int],
    core: tuple[int, int],
    reading: Reading,
    lexicon: Lexicon,
) -> bool:
    """Whether a cue speaks of this figure, by the side that it must stand on."""
    side = found.cue.side
    if side == "adjacent":
        # In "did not exceed 46" the "not" is a part of the hedge.
        is_hedge = found.cue.status == "retracted" and found.start >= quantity.start
        is_before = found.end <= quantity.number_start and not is_hedge
        return is_before and _only_small_words(reading, found.end, quantity.start, lexicon)
    if side == "near":
        return (
            core[0] - _NEAR <= found.start < core[1] + 1
            and _same_clause(reading, found.start, core, lexicon)
            and not _is_of_another(reading, found, quantity, core[0])
            and not _is_of_noun_before(reading, found, quantity, lexicon)
        )
    if side == "before":
        # What another event is about holds for the rest of its sentence.
        if found.cue.status == "previous" and _is_old_toll_moved(reading, found, quantity, lexicon):
            return False
        if found.cue.status in ("retracted", "previous") and _goes_on_anew(reading, found, quantity, lexicon):
            return False
        if found.cue.status == "previous" and _closes_another(reading, found):
            return False
        if found.cue.status == "denied" and _denies_other(reading, found, quantity, lexicon):
            return False
        if found.cue.status in ("denied", "unconfirmed") and _is_answered(reading, found, quantity, lexicon):
            return False
        if found.cue.status == "previous" and _is_opening(reading, found, quantity, lexicon):
            return False
        if found.cue.status == "previous" and (
            _is_told_out(reading, found, quantity) or _is_carried_on(reading, found, quantity, lexicon)
        ):
            return False
        first = 0 if found.cue.status == "other_event" else clause[0]
        return first < found.end <= quantity.number_start
    if side in ("after", "after_level"):
        return _reaches_back(found, quantity, clause, reading, lexicon)
    return False


def _reaches_back(
    found: FoundCue, quantity: Quantity, clause: tuple[int, int], reading: Reading, lexicon: Lexicon
) -> bool:
    """Whether a cue behind this figure speaks of it; withdrawals and doubts reach over "but", denials a semicolon."""
    if found.cue.status == "previous" and not _is_close_behind(reading, found, quantity, lexicon):
        return False
    if found.cue.status == "retracted" and _takes_back_another(reading, found, lexicon):
        return False
    if found.cue.status == "unconfirmed" and _is_of_some(reading, found, quantity, lexicon):
        return False
    words = reading.tokens.lower
    is_answered = found.cue.status == "denied" and words[clause[1] : clause[1] + 1] == [";"]
    is_answered = is_answered or (found.cue.status == "denied" and words[found.end - 1] in lexicon.pronouns)
    last = len(words) if found.cue.status in ("retracted", "unconfirmed") or is_answered else clause[1]
    return quantity.end - 1 <= found.start and found.end <= last and not _figure_between(reading, quantity, found)


def _is_of_some(reading: Reading, found: FoundCue, quantity: Quantity, lexicon: Lexicon) -> bool:
    """Whether a doubt is about some of those counted: "300 are missing, and most of them must be presumed dead"."""
    lower = reading.tokens.lower
    first = max(quantity.end, found.start - _NEAR)
    return any("among_them" in lexicon.classes_at(lower, index) for index in range(first, found.start))


def _takes_back_another(reading: Reading, found: FoundCue, lexicon: Lexicon) -> bool:
    """Whether what is taken back follows: "293 are missing, they said, withdrawing word that 368 were safe"."""
    lower = reading.tokens.lower
    after = next((one for one in reading.quantities if one.number_start >= found.end and one.reason is None), None)
    if after is None or not 0 < after.start - found.end <= _NEAR:
        return False
    between = range(found.end, after.start)
    is_plain = not any(lower[index] in (",", ";", ":") for index in between)
    return is_plain and any("who" in lexicon.classes_at(lower, index) for index in between)


def _closes_another(reading: Reading, found: FoundCue) -> bool:
    """Whether a cue stands right behind another figure: "rose to 113 from 87 a day earlier, with 189 still missing"."""
    lower = reading.tokens.lower
    is_closing = lower[found.end : found.end + 1] in ([","], [";"])
    return any(
        other.end == found.start
        or (is_closing and 0 < found.start - other.end <= _BEHIND and "," not in lower[other.end : found.start])
        for other in reading.quantities
        if other.reason is None
    )


def _is_answered(reading: Reading, found: FoundCue, quantity: Quantity, lexicon: Lexicon) -> bool:
    """Whether a doubt or denial ends before the figure: whoever has it goes on, or somebody else gives another."""
    if found.cue.status == "denied" and _speaks_anew(reading, found.end, quantity.number_start, lexicon):
        return True
    between = [
        other.end
        for other in reading.quantities
        if other.reason is None and found.end <= other.number_start and other.end <= quantity.start
    ]
    return bool(between) and any(
        kind in ("say", "weak_say") and max(between) <= start < quantity.number_start
        for start, _, kind in lexicon.say.find_in(reading.tokens)
    )


def _goes_on_anew(reading: Reading, found: FoundCue, quantity: Quantity, lexicon: Lexicon) -> bool:
    """In "corrected an earlier figure of 164, saying 44 had died" the cue is about the first figure alone."""
    first = next(
        (other for other in reading.quantities if found.end <= other.number_start and other.reason is None), None
    )
    if first is None or first.end > quantity.start:
        return False
    is_its_own = found.cue.status == "retracted" or first.start - found.end <= _NEAR
    return is_its_own and _speaks_anew(reading, first.end, quantity.number_start, lexicon)


def _denies_other(reading: Reading, found: FoundCue, quantity: Quantity, lexicon: Lexicon) -> bool:
    """Whether what is denied ends before the figure: "he denies all guilt, his lawyer said, as two died".

    A comma ends it, and so does "as": "operator denies negligence as death toll climbs to 31".
    """
    lower = reading.tokens.lower
    between = range(found.end, quantity.start)
    if any(
        lower[index] in lexicon.meanwhile and not lexicon.classes_at(lower, index + 1) & {"of", "by"}
        for index in between[1:]
    ):
        return True
    if "," not in lower[found.end + 1 : quantity.start] or lower[found.end] == ",":
        return False
    return not any("who" in lexicon.classes_at(lower, index) for index in between)


def _speaks_anew(reading: Reading, first: int, last: int, lexicon: Lexicon) -> bool:
    """Whether a denial ends before the figure, since who denied goes on: "denied that 600 had died, saying 250"."""
    lower = reading.tokens.lower
    told = [start for start, _, kind in lexicon.say.find(lower) if kind == "say"]
    given = [index for index in range(first, last) if "put" in lexicon.classes_at(lower, index)]
    for start in (*told, *given):
        if first < start < last:
            joint = start - 1
            while joint > first and lexicon.classes_at(lower, joint) & _AUXILIARIES:
                joint -= 1
            if lower[joint] == "," or "and" in lexicon.classes_at(lower, joint):
                return True
    return False


def _is_opening(reading: Reading, found: FoundCue, quantity: Quantity, lexicon: Lexicon) -> bool:
    """Whether a cue opens a clause of another figure, and then somebody says this one.

    "Having said in the morning that 80 had died, he told a briefing the toll stood at 50".
    """
    if found.start > 1:
        return False
    lower = reading.tokens.lower
    first = next((one for one in reading.quantities if found.end <= one.start and one.reason is None), None)
    if first is None or first is quantity or "," not in lower[first.end : quantity.start]:
        return False
    comma = lower.index(",", first.end)
    return any(
        kind == "say" and comma < start < quantity.number_start
        for start, _, kind in lexicon.say.find_in(reading.tokens)
    )


def _is_told_out(reading: Reading, found: FoundCue, quantity: Quantity) -> bool:
    """Whether a colon opens what explains another figure: "had raised the toll to 225: four of the hurt died"."""
    lower = reading.tokens.lower
    colon = next((index for index in range(found.end, quantity.start) if lower[index] == ":"), None)
    return colon is not None and any(
        other.reason is None and found.end <= other.start < colon for other in reading.quantities
    )


def _is_carried_on(reading: Reading, found: FoundCue, quantity: Quantity, lexicon: Lexicon) -> bool:
    """Whether a total follows what was before: "nine had been recovered earlier, which takes the toll to 87"."""
    lower = reading.tokens.lower
    to = lexicon.classes_at(lower, quantity.start - 1) if quantity.start else frozenset()
    if "to" not in to or "," not in lower[found.end : quantity.start]:
        return False
    first = lower.index(",", found.end) + 1
    is_which = "who" in lexicon.classes_at(lower, first)
    return "level" in lexicon.classes_at(lower, first + is_which)


def _is_old_toll_moved(reading: Reading, found: FoundCue, quantity: Quantity, lexicon: Lexicon) -> bool:
    """In "revises its earlier toll to 9" the toll is the earlier one, the figure the new one."""
    lower = reading.tokens.lower
    to = lexicon.words.at(lower, quantity.start - 1) if quantity.start else None
    if to is None or "to" not in to[1].classes:
        return False
    for index in range(found.end, min(found.end + 3, quantity.start)):
        entry = lexicon.words.at(lower, index)
        classes = entry[1].classes if entry is not None else frozenset()
        if classes & {"toll", "generic_toll"} and "that_number" not in classes:
            return True
    return False


def _is_close_behind(reading: Reading, found: FoundCue, quantity: Quantity, lexicon: Lexicon) -> bool:
    """Whether "earlier" after a figure is about it, and not about a toll that comes next."""
    if found.start - quantity.end > _CLOSE_BEHIND or any(
        other.start <= found.end < other.end for other in reading.quantities
    ):
        return False
    lower = reading.tokens.lower
    before = lexicon.words.at(lower, found.start - 1) if found.start else None
    if before is not None and before[1].classes & {"det", "from"}:
        return False
    after = lexicon.classes_at(lower, found.end) if found.end < len(lower) else frozenset()
    if "put" in after and _is_next_figure(reading, found.end + 1, lexicon):
        # "134 died, after previously reporting 141": it is said of the next.
        return False
    if lower[found.start - 1 : found.start] == [","] and "be" in after:
        # «… auf 45, zuvor war von 38 die Rede»: it opens the clause of another figure.
        return False
    return not after & {"toll", "generic_toll"}


def _is_next_figure(reading: Reading, first: int, lexicon: Lexicon) -> bool:
    """Whether a figure follows at a token, but for small words."""
    after = next((one for one in reading.quantities if one.start >= first and one.reason is None), None)
    return (
        after is not None and after.start - first <= _NEAR and _only_small_words(reading, first, after.start, lexicon)
    )


def _figure_between(reading: Reading, quantity: Quantity, found: FoundCue) -> bool:
    return any(
        quantity.end <= other.number_start < found.start and other.reason in (None, "difference")
        for other in reading.quantities
    )


def _only_small_words(reading: Reading, first: int, start: int, lexicon: Lexicon) -> bool:
    """Whether only articles, hedges and words such as "earlier toll of" stand between a cue and the number."""
    index = first
    while index < start:
        entry = lexicon.words.at(reading.tokens.lower, index)
        if entry is None or not entry[1].classes & _SMALL:
            return False
        index = entry[0]
    return True


def _same_clause(reading: Reading, position: int, core: tuple[int, int], lexicon: Lexicon) -> bool:
    """A comma between a hedge before and the figure cuts the hedge off; so does "as": "may rise as 100 are missing"."""
    lower = reading.tokens.lower
    if position >= core[0]:
        return "," not in lower[core[1] : position]
    return not any(
        lower[index] in (",", ";", ":") or lower[index] in lexicon.meanwhile for index in range(position, core[0])
    )


def _is_of_another(reading: Reading, found: FoundCue, quantity: Quantity, core: int) -> bool:
    """In "20 are thought dead and 10 are missing" the thought is about the first figure, whose word follows it."""
    return any(
        reading.quantities[number].start < found.start <= other.trigger[0] < core
        for number, other in reading.links.items()
        if reading.quantities[number] is not quantity
    )


def _is_of_noun_before(reading: Reading, found: FoundCue, quantity: Quantity, lexicon: Lexicon) -> bool:
    """In "13,015 confirmed and suspected cases and 4,808 deaths" the suspicion ends at the noun before "and"."""
    joint = quantity.start - 1
    if not found.end < joint or "and" not in lexicon.classes_at(reading.tokens.lower, joint):
        return False
    if any(found.end <= other.start < joint for other in reading.quantities if other.reason is None):
        return False
    return any(form == "noun" for form, _ in _metrics_at(reading, joint - 1))


def _metrics_at(reading: Reading, index: int) -> tuple[tuple[str, str], ...]:
    places = reading.symbols.places
    return next(
        (reading.symbols.symbols[number].metrics for number, (_, end) in enumerate(places) if end == index + 1), ()
    )


def _before_date(tokens: Tokens, start: int, lexicon: Lexicon) -> str:
    """The word before a year, or before the month that stands with it: "in August 2018"."""
    while start > 0 and tokens.lower[start - 1] in lexicon.months:
        start -= 1
    return tokens.lower[start - 1] if start else ""


def _is_aside(reading: Reading, start: int, end: int) -> bool:
    """Whether a year stands in an aside between commas: "the bridge, built in 1967, collapsed".

    With nothing but "in" before it, it dates what was just named: "the last quake there, in 1960, killed 12,000".
    """
    if any(other.end == start - 1 and other.reason == "date" for other in reading.quantities):
        # "On Dec. 17, 1961, at least 503 people died"
        return False
    tokens = reading.tokens
    opening = tokens.lower[max(0, start - 4) : start]
    return "," in opening[:-2] + opening[-1:] and tokens.lower[end : end + 1] == [","]


def _opens_relative(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether "when 112 people died" follows a year: then it is of that year."""
    entry = lexicon.words.at(tokens.lower, index) if index < len(tokens.lower) else None
    return entry is not None and "who" in entry[1].classes


def other_year(reading: Reading, link: Link, years: frozenset[int], lexicon: Lexicon) -> bool:
    """Whether a year outside `years` (those of the story or the article) dates the figure."""
    quantity = reading.quantities[link.quantity]
    tokens = reading.tokens
    for other in reading.quantities:
        if other.reason != "year" or int(other.value) in years:
            continue
        before = _before_date(tokens, other.start, lexicon)
        if other.end <= quantity.start:
            if _is_aside(reading, other.start, other.end) and not _opens_relative(tokens, other.end + 1, lexicon):
                continue
            if _closes_relative(tokens, other, lexicon):
                continue
            between = range(other.end, quantity.start)
            if (len(between) <= _YEAR_REACH or other.start <= 1) and not any(
                third.reason is None and other.end <= third.start < quantity.start for third in reading.quantities
            ):
                return True
        elif other.start >= quantity.end and (
            before in lexicon.year_prepositions or _names_event(tokens, other, lexicon)
        ):
            between = range(quantity.end, other.start)
            is_since = before == lexicon.since
            if len(between) <= _YEAR_REACH and not is_since and not _leaves_place(tokens, between, lexicon):
                return True
    return False


def _names_event(tokens: Tokens, year: Quantity, lexicon: Lexicon) -> bool:
    """Whether a year stands between an article and a noun: "in a 2015 bombing"."""
    is_named = tokens.kinds[year.end : year.end + 1] == "w" and not tokens.is_capital(year.end)
    return is_named and "det" in lexicon.classes_at(tokens.lower, year.start - 1)


def _leaves_place(tokens: Tokens, between: range, lexicon: Lexicon) -> bool:
    """Whether a mark before a year closes more than a place: not in "died in Luoyang, China, in December 2000"."""
    mark = next((index for index in between if tokens.lower[index] in (",", ";")), None)
    if mark is not None and not tokens.is_capital(mark - 1):
        return True
    return mark is not None and not all(
        tokens.lower[index] == ","
        or (tokens.is_capital(index) and not lexicon.has_capital_nouns)
        or (index >= between.stop - 2 and tokens.lower[index] in lexicon.year_prepositions)
        for index in range(mark, between.stop)
    )


def _closes_relative(tokens: Tokens, year: Quantity, lexicon: Lexicon) -> bool:
    """Whether a year ends a clause about somebody: "Ms Orr, who won silver in 2008, was one of 40 people held"."""
    if tokens.lower[year.end : year.end + 1] != [","]:
        return False
    opening = next((index for index in range(year.start - 1, -1, -1) if tokens.lower[index] == ","), None)
    return opening is not None and "who" in lexicon.classes_at(tokens.lower, opening + 1)


def is_besides(reading: Reading, quantity: int, lexicon: Lexicon) -> bool:
    """Whether a figure is of a period or of an event before: "so far this year 300 have died", "weeks after a crane …".

    The words stand before the figure, or right behind its clause.
    """
    if _is_since_year(reading, quantity, lexicon) or _is_of_other_month(reading, lexicon):
        return True
    if not reading.tokens.marks & lexicon.besides.bit:
        return False
    place = reading.quantities[quantity].start
    others = [other.start for other in reading.quantities if other.reason is None and other.start != place]
    return any(
        (end <= place and not any(end <= other < place for other in others))
        or (start >= place and not any(place < other < start for other in others))
        for start, end, _ in lexicon.besides.find_in(reading.tokens)
    )


def _is_since_year(reading: Reading, quantity: int, lexicon: Lexicon) -> bool:
    """Whether a sum runs over years: "53,000 people have been killed since October 2023"."""
    place = reading.quantities[quantity].end
    return any(
        other.reason == "year"
        and "," not in reading.tokens.lower[place : other.start]
        and _before_date(reading.tokens, other.start, lexicon) == lexicon.since
        for other in reading.quantities
    )


def _is_of_other_month(reading: Reading, lexicon: Lexicon) -> bool:
    """Whether a month opens what was told of something else: "In June, 80 people died when a boat broke up"."""
    lower = reading.tokens.lower
    is_month = len(lower) > _NEAR and lower[0] in lexicon.year_prepositions and lower[1] in lexicon.months
    return (
        is_month
        and bool(reading.tokens.marks & lexicon.when_another.bit)
        and any(True for _ in lexicon.when_another.find_in(reading.tokens))
    )


def is_lowered(reading: Reading, link: Link, lexicon: Lexicon) -> bool:
    """Whether the text says that a toll came down to this figure.

    "revised the number of dead down to 97", or close behind the figure "two fewer than announced earlier".
    """
    quantity = reading.quantities[link.quantity]
    tables = lexicon.lowered_to.bit | lexicon.lowered_after.bit
    if link.is_subset or not reading.tokens.marks & tables:
        return False
    return _comes_down_to(reading, link, quantity, lexicon) or _is_fewer(reading, link, quantity, lexicon)


def _comes_down_to(reading: Reading, link: Link, quantity: Quantity, lexicon: Lexicon) -> bool:
    """Whether a toll is brought down before "to" and the figure: "auf 44 nach unten korrigiert" too."""
    lower = reading.tokens.lower
    opening = range(max(quantity.start - 1, 0), quantity.number_start)
    if not any("to" in lexicon.classes_at(lower, index) for index in opening):
        return False
    first = max(min(link.trigger[0], quantity.start) - _LOWERING_REACH, 0)
    classes = [lexicon.classes_at(lower, index) for index in range(first, quantity.start)]
    is_of_toll = {"level", "trigger-left"} <= link.rule.flags or any(each & _TOLLS for each in classes)
    falls = [
        end for start, end, _ in lexicon.lowered_to.find_in(reading.tokens) if first <= start and end <= quantity.start
    ]
    is_down = any(all("level" not in each or each & _TOLLS for each in classes[end - first :]) for end in falls)
    is_closed = any(start == quantity.end for start, *_ in lexicon.lowered_after.find_in(reading.tokens))
    return is_of_toll and (is_down or is_closed)


def _is_fewer(reading: Reading, link: Link, quantity: Quantity, lexicon: Lexicon) -> bool:
    """Whether "fewer than announced earlier" stands close behind the figure and its word, no other count between."""
    end = max(quantity.end, link.trigger[1])
    others = [reading.quantities[number] for number in reading.links if number != link.quantity]
    last = min((other.start for other in others if other.start >= end), default=len(reading.tokens.lower))
    fewer = lexicon.lowered_after.find_in(reading.tokens)
    return any(end <= start < min(end + _FEWER_REACH, last) for start, *_ in fewer)
