"""Numbers to quantities: hedges, ranges, vague words, and everything that is a number but counts nobody."""

import tomllib
from functools import cache

from monitor.claims.lexicon import LEXICONS, Lexicon
from monitor.claims.numbers import Number, find_numbers
from monitor.claims.tokens import Tokens
from storage.records import Qualifier

_DASHES = frozenset("-–—")
_ROUND_SHARES = frozenset((20.0, 50.0, 100.0, 1000.0, 10000.0, 100000.0))
# A toll stands at most so many words before its verb.
_TOLL_REACH = 6
_GLUE = frozenset("-/#№.:")
_OPENERS = frozenset((":", "-", "–", "—"))
_LAST_AGE = 110
_ARTICLE_REACH = 3
_DAYS = frozenset(("det", "former"))
_YEARS = (1900.0, 2100.0)


class Quantity:
    """A stated number at tokens [start, end) with its hedge. `reason` says why it is no count, if it is none."""

    __slots__ = (
        "end", "hedge", "high", "is_implicit", "is_more", "is_rest", "number_start", "qualifier", "reason", "start",
        "vague", "value",
    )  # fmt: skip

    def __init__(
        self,
        start: int,
        end: int,
        number_start: int,
        value: float,
        high: float | None = None,
        qualifier: Qualifier = Qualifier.EXACT,
        vague: str | None = None,
        reason: str | None = None,
        is_implicit: bool = False,
    ) -> None:
        self.start = start
        self.end = end
        self.number_start = number_start
        self.value = value
        self.high = high
        self.qualifier = qualifier
        self.hedge = ""
        self.vague = vague
        self.is_more = False
        self.is_rest = False
        self.reason = reason
        self.is_implicit = is_implicit


@cache
def conventions() -> dict[str, dict[str, tuple[float, float]]]:
    """The named readings of vague words: convention → key → (low, high)."""
    document = tomllib.loads((LEXICONS / "conventions.toml").read_text(encoding="utf-8"))
    return {
        name: {key: (float(low), float(high)) for key, (low, high) in table.items()}
        for name, table in document.items()
        if isinstance(table, dict)
    }


@cache
def default_convention() -> str:
    """The convention used when nobody chose one."""
    return str(tomllib.loads((LEXICONS / "conventions.toml").read_text(encoding="utf-8"))["default"])


def find_quantities(tokens: Tokens, lexicon: Lexicon, convention: str) -> list[Quantity]:
    """All quantities of a sentence, the excluded ones with their reason, in order of place."""
    numbers = {number.start: number for number in find_numbers(tokens, lexicon)}
    found: list[Quantity] = []
    marks = tokens.marks
    vague_words = tokens.indices(lexicon.vague.bit) if marks & lexicon.vague.bit else []
    floor = 0
    for index in sorted({*numbers, *vague_words}) if vague_words else numbers:
        if index < floor:
            continue
        number = numbers.get(index)
        vague = _vague_at(tokens, index, lexicon) if vague_words else None
        if vague is not None and (number is None or vague[0] >= number.end):
            low, high = conventions()[convention][vague[1]]
            quantity = Quantity(index, vague[0], index, low, high=high, qualifier=Qualifier.VAGUE, vague=vague[1])
            if vague[0] < len(tokens.lower) and lexicon.units.at(tokens.lower, vague[0]) is not None:
                quantity.reason = "unit"
        elif number is not None:
            quantity = _from_number(tokens, number, numbers, lexicon)
        else:
            continue
        if found and quantity.reason is None:
            quantity.reason = _reason_beside(tokens, found[-1], quantity, lexicon)
            if _is_share(tokens, found[-1], quantity, lexicon):
                quantity.reason = found[-1].reason = "share"
        _extend_left(tokens, quantity, floor, lexicon)
        _extend_right(tokens, quantity, lexicon)
        _take_part(tokens, quantity, lexicon)
        if found and marks & lexicon.all_but.bit and _takes_the_rest(tokens, found[-1], quantity, lexicon):
            quantity = found.pop()
        elif (
            found
            and marks & lexicon.all_but.bit
            and lexicon.all_but.ending_at(tokens.lower, found[-1].start) is not None
        ):
            found[-1].reason = "rest"
        if marks & lexicon.none_before.bit and lexicon.none_before.ending_at(tokens.lower, quantity.start) is not None:
            quantity.reason = "none"
        found.append(quantity)
        floor = quantity.end
    if (
        found
        and marks & lexicon.all_but.bit
        and found[-1].reason is None
        and lexicon.all_but.ending_at(tokens.lower, found[-1].start) is not None
    ):
        found[-1].reason = "rest"
    return found


def _vague_at(tokens: Tokens, index: int, lexicon: Lexicon) -> tuple[int, str] | None:
    """The vague words at a token; «около тысячи» is about a thousand, «тысячи» alone are thousands."""
    is_one = tokens.lower[index] in lexicon.hedged_scales
    if tokens.kinds[index] != "w" or (is_one and lexicon.qualifiers.ending_at(tokens.lower, index) is not None):
        return None
    return lexicon.vague.at(tokens.lower, index)


def find_implicit(tokens: Tokens, lexicon: Lexicon) -> list[Quantity]:
    """Single persons told without a number: an article before a person noun in the singular counts as one.

    In a language without articles the noun itself does: «в Минске погиб мужчина».
    """
    found: list[Quantity] = []
    if not lexicon.implicit_articles:
        return [
            Quantity(index, index, index, 1.0, is_implicit=True)
            for index, word in enumerate(tokens.lower)
            if word in lexicon.implicit_nouns
        ]
    for index, word in enumerate(tokens.lower[:-1]):
        if word not in lexicon.implicit_articles:
            continue
        # "A 25-year-old resident", «eine über 80-jährige Frau»
        age = index + 1
        while age + 1 < len(tokens.lower) and tokens.lower[age] in lexicon.aging_words:
            age += 1
        is_aged = tokens.kinds[age] == "n" and not lexicon.age_words.isdisjoint(tokens.lower[age + 2 : age + 3])
        first = age + 3 if is_aged else index + 1
        if is_aged and tokens.lower[age + 2] in lexicon.implicit_nouns and tokens.is_capital(age + 2):
            # «Ein 34-Jähriger»: the age is the noun.
            first = age + 2
        if any(
            tokens.lower[probe] in lexicon.implicit_nouns for probe in range(first, min(first + 3, len(tokens.lower)))
        ):
            found.append(Quantity(index, first, index, 1.0, is_implicit=True))
    return found


def _take_part(tokens: Tokens, quantity: Quantity, lexicon: Lexicon) -> None:
    """ "A quarter of a million" is a number; "a quarter of the 80 wounded" is a share."""
    of = quantity.start - 1
    part = lexicon.number_parts.get(tokens.lower[of - 1]) if of >= 1 else None
    if part is None:
        return
    entry = lexicon.words.at(tokens.lower, of)
    if entry is None or "of" not in entry[1].classes or entry[0] != quantity.start:
        return
    if quantity.value >= 1000 and quantity.value in lexicon.number_scales.values() and quantity.reason is None:
        quantity.value *= part
        quantity.start = of - 1
        if quantity.start and tokens.lower[quantity.start - 1] in lexicon.number_articles:
            quantity.start -= 1
        _extend_left(tokens, quantity, 0, lexicon)
    else:
        quantity.reason = "share"


def _reason_beside(tokens: Tokens, before: Quantity, quantity: Quantity, lexicon: Lexicon) -> str | None:
    """In "ages 23 and 24", "from 2 to 60" the second number is what the first one is."""
    if before.reason not in ("age", "date", "name") or quantity.start - before.end != 1:
        return None
    between = tokens.lower[before.end]
    joins = (
        (between == "," and before.reason != "date") or between in lexicon.ranges or between in lexicon.number_joiners
    )
    after = lexicon.people.at(tokens.lower, quantity.end) if quantity.end < len(tokens.lower) else None
    return before.reason if joins and after is None else None


def _takes_the_rest(tokens: Tokens, but: Quantity, group: Quantity, lexicon: Lexicon) -> bool:
    """ "All but three of the 12" is nine: `but` becomes that figure, with the group's noun to follow."""
    opening = lexicon.all_but.ending_at(tokens.lower, but.start)
    if opening is None or but.reason is not None or group.reason is not None or not 0 < but.value < group.value:
        return False
    between = range(but.end, group.start)
    if not between or any(
        (entry := lexicon.words.at(tokens.lower, index)) is None or entry[1].classes.isdisjoint(("of", "det", "focus"))
        for index in between
    ):
        return False
    but.start, but.end, but.value = opening[0], group.end, group.value - but.value
    but.qualifier, but.hedge = group.qualifier, group.hedge
    return True


def _is_share(tokens: Tokens, before: Quantity, quantity: Quantity, lexicon: Lexicon) -> bool:
    """ "One in five", "nine out of ten": a share of a group and no count."""
    if before.value >= quantity.value or before.value > 10 or before.end >= quantity.number_start:
        return False
    between = lexicon.fractions.at(tokens.lower, before.end)
    is_round = quantity.value <= 10 or quantity.value in _ROUND_SHARES
    return is_round and between is not None and between[0] == quantity.number_start


def _from_number(tokens: Tokens, number: Number, numbers: dict[int, Number], lexicon: Lexicon) -> Quantity:
    quantity = Quantity(number.start, number.end, number.start, number.value)
    quantity.reason = why_no_count(tokens, number, lexicon)
    if tokens.lower[number.end - 1] in lexicon.about_scales:
        quantity.qualifier = Qualifier.ABOUT
    following = _range_end(tokens, number, numbers, lexicon)
    if following is not None and tokens.lower[number.end] in _DASHES and following.value >= 1000 > number.value:
        quantity.end, quantity.reason = following.end, "compound"
        return quantity
    if following is not None and tokens.lower[number.end] in _DASHES and following.value <= number.value:
        # "4-0", "2015-16": no range goes down.
        quantity.end, quantity.reason = following.end, "score"
        return quantity
    if following is not None and following.value > number.value:
        reason = quantity.reason or why_no_count(tokens, following, lexicon)
        low = number.value
        if low < following.value / 900 and following.value >= 1000:
            # "18 to 20 thousand": the scale holds for both.
            scale = 1000.0 if following.value < 1e6 else 1e6
            low = low * scale if low * scale < following.value else low
        return Quantity(number.start, following.end, number.start, low, following.value, Qualifier.RANGE, reason=reason)
    return quantity


def _range_end(tokens: Tokens, number: Number, numbers: dict[int, Number], lexicon: Lexicon) -> Number | None:
    end, count = number.end, len(tokens.lower)
    if end + 1 >= count:
        return None
    mark = tokens.lower[end]
    following = numbers.get(end + 1)
    if following is None:
        return None
    before = tokens.lower[number.start - 1] if number.start else ""
    if mark in _DASHES:
        glued = tokens.starts[end] == tokens.ends[end - 1] and tokens.starts[end + 1] == tokens.ends[end]
        return following if glued else None
    if mark in lexicon.ranges and before not in lexicon.range_openers:
        return following
    if mark in lexicon.number_joiners and is_between(tokens, number.start, lexicon):
        return following
    return None


def is_between(tokens: Tokens, start: int, lexicon: Lexicon) -> bool:
    """Whether "between" stands before a number, with or without a hedge: "between roughly 6,000 and 8,500"."""
    hedge = lexicon.qualifiers.ending_at(tokens.lower, start)
    first = hedge[0] if hedge is not None else start
    return first > 0 and tokens.lower[first - 1] in lexicon.between


def _extend_left(tokens: Tokens, quantity: Quantity, floor: int, lexicon: Lexicon) -> None:
    start = quantity.start
    article: int | None = None
    for _ in range(4):
        probe = start
        if probe <= floor:
            break
        hedge = lexicon.qualifiers.ending_at(tokens.lower, probe)
        if hedge is not None and article is not None:
            # "Well above the 512" compares with a known figure, and hedges none.
            start = article + 1
            break
        if hedge is not None and hedge[0] >= floor:
            start = hedge[0]
            if quantity.qualifier in (Qualifier.EXACT, Qualifier.ABOUT):
                quantity.qualifier = hedge[1]
                quantity.hedge = " ".join(tokens.lower[hedge[0] : probe])
            continue
        entry = lexicon.words.at(tokens.lower, probe - 1)
        if entry is None or entry[0] > probe:
            break
        if tokens.lower[probe - 1] in lexicon.articles:
            article = probe - 1
        quantity.is_rest = quantity.is_rest or "rest" in entry[1].classes
        if "more" in entry[1].classes:
            quantity.is_more = True
            start = probe - 1
        elif "focus" in entry[1].classes or tokens.lower[probe - 1] in lexicon.between:
            start = probe - 1
        else:
            break
    quantity.start = start
    # "The other 276", but not "other 276"
    quantity.is_rest = quantity.is_rest and article is not None


def _extend_right(tokens: Tokens, quantity: Quantity, lexicon: Lexicon) -> None:
    if not tokens.marks & lexicon.qualifiers_after.bit:
        return
    end = quantity.end
    probe = end
    while probe < len(tokens.lower) and tokens.lower[probe] in _DASHES:
        probe += 1
    if probe < len(tokens.lower):
        hedge = lexicon.qualifiers_after.at(tokens.lower, probe)
        if hedge is not None and quantity.qualifier is Qualifier.EXACT:
            quantity.qualifier = hedge[1]
            quantity.hedge = " ".join(tokens.lower[probe : hedge[0]])
            quantity.end = hedge[0]
            quantity.reason = None if quantity.reason == "compound" else quantity.reason


def why_no_count(tokens: Tokens, number: Number, lexicon: Lexicon) -> str | None:
    """Why a number counts nobody (unit, age, money, date, year, name, pronoun, compound, fraction); None if it may."""
    lower, start, end = tokens.lower, number.start, number.end
    before = lower[start - 1] if start else ""
    if before in lexicon.currency and not number.is_word:
        return "money"
    glued = start > 0 and tokens.ends[start - 1] == tokens.starts[start]
    if glued and before in _GLUE and not _is_range_dash(tokens, start):
        return "compound"
    is_glued_year = number.is_bare and _YEARS[0] <= number.value <= _YEARS[1] and _is_hyphenated(tokens, end)
    if is_glued_year and lower[end + 1] in lexicon.year_nouns:
        # «в 2007-м»
        return "year"
    if end < len(lower) and tokens.marks & lexicon.units.bit and lexicon.units.at(lower, end) is not None:
        # "2011 году" is a year by its noun, "12 лет" a length of time.
        is_year = number.is_bare and _YEARS[0] <= number.value <= _YEARS[1] and lower[end] in lexicon.year_nouns
        return "year" if is_year else "unit"
    if end < len(lower) and tokens.marks & lexicon.differences.bit and lexicon.differences.at(lower, end) is not None:
        return "difference"
    if _is_hyphenated(tokens, end):
        if lexicon.qualifiers_after.at(lower, end + 1) is not None:
            return None
        return "age" if lower[end + 1] in lexicon.age_words else "compound"
    if _is_date(tokens, number, lexicon):
        return "date"
    if number.is_bare and _YEARS[0] <= number.value <= _YEARS[1] and _is_year(tokens, number, lexicon):
        return "year"
    return _reason_before(tokens, number, before, lexicon)


def _reason_before(tokens: Tokens, number: Number, before: str, lexicon: Lexicon) -> str | None:
    lower, start = tokens.lower, number.start
    if any(word in lexicon.ages_before for word in lower[max(0, start - 2) : start]):
        return "age"
    if _is_age_of_name(tokens, number, lexicon) or _is_age_of_one(tokens, number, lexicon):
        return "age"
    if start > 1 and lower[start - 2] in lexicon.kin and "of" in lexicon.classes_at(lower, start - 1):
        return "kin"
    label = lower[start - 2] if before == "." and start > 1 else before
    if label in lexicon.not_before and not number.is_word and not _is_verb(tokens, start - 1, lexicon):
        # "Day 33" is a name, "on the previous day 33" are counted.
        is_day = label in lexicon.units.firsts and _is_of_that_day(tokens, number, lexicon)
        return None if is_day else "name"
    is_single = number.is_word and number.end - number.start == 1
    if is_single and lower[start] in lexicon.unit_words and _is_pronoun(tokens, number, before, lexicon):
        return "pronoun"
    return "fraction" if number.value != int(number.value) or number.value <= 0 else None


def _is_of_that_day(tokens: Tokens, number: Number, lexicon: Lexicon) -> bool:
    """Whether a number behind "day" counts: "on the previous day 33", "on the reporting day 25 patients"."""
    person = lexicon.people.at(tokens.lower, number.end) if number.end < len(tokens.lower) else None
    before = lexicon.classes_at(tokens.lower, number.start - 2) if number.start > 1 else frozenset()
    return bool(before & _DAYS) or (person is not None and person[1].is_noun)


def behind_hedge(tokens: Tokens, index: int, lexicon: Lexicon) -> int:
    """Where a number stands that may have a hedge before it: behind "about" in "about 59", at `index` in "59"."""
    hedge = lexicon.qualifiers.at(tokens.lower, index) if index < len(tokens.lower) else None
    return index if hedge is None else hedge[0]


def _is_pronoun(tokens: Tokens, number: Number, before: str, lexicon: Lexicon) -> bool:
    """ "That one", "at one stage"; and "he was one of 40 people held", who are counted without him."""
    if before in lexicon.pronoun_before or not lexicon.pronoun_after.isdisjoint(
        tokens.lower[number.end : number.end + 1]
    ):
        return True
    classes = lexicon.classes_at(tokens.lower, number.start - 1) if number.start else frozenset()
    is_of = number.end < len(tokens.lower) and "of" in lexicon.classes_at(tokens.lower, number.end)
    after = number.end + 1
    if not (is_of and "be" in classes):
        return False
    first = behind_hedge(tokens, after, lexicon)
    return first < len(tokens.lower) and (tokens.kinds[first] == "n" or tokens.lower[first] in lexicon.number_firsts)


def _is_verb(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """In "the dead now number 658" the number is a verb: it follows what it counts, or an adverb."""
    entry = lexicon.words.at(tokens.lower, index)
    before = lexicon.words.at(tokens.lower, index - 1) if index else None
    if entry is None or "level" not in entry[1].classes:
        return False
    is_counted = before is not None and bool(
        before[1].classes & {"toll", "adverb", "modal", "past", "adjective", "who"}
    )
    return is_counted or _counts_behind_name(tokens, index, lexicon)


def _counts_behind_name(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether "number" behind a name is the verb of a toll: "the bodies recovered in Homs number 34"."""
    if index < 2 or not tokens.is_capital(index - 1):
        return False
    return any(
        (entry := lexicon.words.at(tokens.lower, probe)) is not None and "toll" in entry[1].classes
        for probe in range(max(0, index - _TOLL_REACH), index - 1)
    )


def _is_age_of_name(tokens: Tokens, number: Number, lexicon: Lexicon) -> bool:
    """ "Ana Ruiz, 28, of Osh"; "two brothers, 8 and 11, were": between commas, after a noun two of them."""
    lower, start, end = tokens.lower, number.start, number.end
    if number.is_word or number.value > _LAST_AGE or start < 2 or end >= len(lower) or lower[start - 1] != ",":
        return False
    if lower[end] in (",", ")") and tokens.is_capital(start - 2):
        return True
    person = lexicon.people.at(lower, start - 2)
    if lower[end] in (",", ")"):
        return _is_one(tokens, start - 2, lexicon)
    is_listed = lower[end] in lexicon.number_joiners and tokens.kinds[end + 1 : end + 2] == "n"
    return is_listed and lower[end + 2 : end + 3] == [","] and person is not None and person[1].is_noun


def _is_one(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether a word names one person after an article: "the skipper", "a station master"."""
    word = tokens.lower[index]
    person = lexicon.people.at(tokens.lower, index)
    is_listed = person is not None and person[1].is_noun and not person[1].is_whole and person[1].lemma == word
    is_single = is_listed or word in lexicon.implicit_nouns or f"{word}s".endswith(lexicon.person_suffixes)
    before = range(max(0, index - _ARTICLE_REACH), index)
    return is_single and any("det" in lexicon.classes_at(tokens.lower, probe) for probe in before)


def _is_age_of_one(tokens: Tokens, number: Number, lexicon: Lexicon) -> bool:
    """ "A man of 19 detained there": a number after a single person."""
    if number.start < 2 or number.is_word or number.value > _LAST_AGE:
        return False
    if tokens.lower[number.start - 2] not in lexicon.implicit_nouns:
        return False
    of = lexicon.words.at(tokens.lower, number.start - 1)
    return of is not None and "of" in of[1].classes


def _is_hyphenated(tokens: Tokens, end: int) -> bool:
    """Whether a word is glued to the number by a dash: "81-year-old", "38,000-capacity"."""
    return (
        end + 1 < len(tokens.lower)
        and tokens.lower[end] in _DASHES
        and tokens.starts[end] == tokens.ends[end - 1]
        and tokens.kinds[end + 1] == "w"
        and tokens.starts[end + 1] == tokens.ends[end]
    )


def _is_range_dash(tokens: Tokens, start: int) -> bool:
    return start >= 2 and tokens.lower[start - 1] in _DASHES and tokens.kinds[start - 2] == "n"


def _is_date(tokens: Tokens, number: Number, lexicon: Lexicon) -> bool:
    if number.is_word or not 1 <= number.value <= 31 or number.value != int(number.value):
        return False
    lower = tokens.lower
    index = number.start - 1
    if index >= 0 and lower[index] == ".":
        index -= 1
    if index >= 0 and lower[index] in lexicon.months and tokens.is_month_like(index, lexicon.plain_months):
        return True
    index = number.end
    while index < len(lower) and lower[index] in lexicon.date_joiners:
        index += 1
    return index < len(lower) and lower[index] in lexicon.months and tokens.is_month_like(index, lexicon.plain_months)


def _is_year(tokens: Tokens, number: Number, lexicon: Lexicon) -> bool:
    lower, end = tokens.lower, number.end
    if end >= len(lower):
        return True
    entry = lexicon.words.at(lower, end)
    classes = entry[1].classes if entry else frozenset()
    if lexicon.has_year_first and _opens_with_year(tokens, number, classes):
        return True
    before = lower[number.start - 1] if number.start else ""
    if before in lexicon.year_prepositions or before in lexicon.months:
        return not ("person" in classes and before not in lexicon.months)
    if number.start and lexicon.qualifiers.ending_at(lower, number.start) is not None:
        return False
    return not classes & {
        "person",
        "past",
        "participle",
        "adjective",
        "noun",
        "intransitive",
        "more",
        "of",
        "be",
        "have",
    }


def _opens_with_year(tokens: Tokens, number: Number, classes: frozenset[str]) -> bool:
    """Whether a sentence opens with a year and its verb: «1992 starben in der Grube 263 Menschen»."""
    is_round = number.value % 100 == 0
    is_verb = not classes.isdisjoint(("intransitive", "be", "have", "level")) and not tokens.is_capital(number.end)
    is_first = number.start == 0 or tokens.lower[number.start - 1] in _OPENERS
    return is_first and is_verb and not is_round
