"""Tokens to numbers: digits in the shapes of a language, number words, scales and mixtures of them."""

from functools import reduce
from math import isinf

from monitor.claims.lexicon import Lexicon
from monitor.claims.tokens import NUMERIC, Tokens

_SPACES = "\u00a0\u202f\u2009 "


class Number:
    """A number at tokens [start, end). `is_bare` marks plain digits without separators, which may be years."""

    __slots__ = ("end", "is_bare", "is_word", "start", "value")

    def __init__(self, start: int, end: int, value: float, is_bare: bool = False, is_word: bool = False) -> None:
        self.start = start
        self.end = end
        self.value = value
        self.is_bare = is_bare
        self.is_word = is_word


def parse_digits(text: str, decimal: str, thousands: tuple[str, ...]) -> float | None:
    """The value of digits as a language writes them; None for times, dates, scores and the like."""
    if text.isdecimal():
        return float(text)
    if ":" in text or "/" in text:
        return None
    kept = text.replace("’", "'")
    groups = kept
    for space in _SPACES:
        groups = groups.replace(space, " ")
    for mark in thousands:
        separated = groups.split(mark)
        if len(separated) > 1 and all(len(part.split(decimal)[0]) == 3 for part in separated[1:]):
            groups = groups.replace(mark, "")
    groups = groups.replace(" ", "")
    if decimal != ".":
        if "." in groups:
            return None
        groups = groups.replace(decimal, ".")
    if groups.count(".") > 1 or "," in groups or "'" in groups:
        return None
    try:
        return float(groups)
    except ValueError:
        return None


def find_numbers(tokens: Tokens, lexicon: Lexicon) -> list[Number]:
    """All numbers of a sentence from left to right."""
    found: list[Number] = []
    scales = lexicon.number_scales
    last = 0
    for index in tokens.indices(NUMERIC):
        if index < last or tokens.kinds[index] == "m":
            continue
        is_digits = tokens.kinds[index] == "n"
        number = _from_digits(tokens, index, lexicon) if is_digits else _from_words(tokens, index, lexicon)
        if number is None:
            continue
        last = number.end
        if isinf(number.value):
            # More digits than a count has: nothing can be said of it.
            continue
        if not number.is_word or number.value not in scales.values() or _has_amount(tokens, number, lexicon):
            found.append(number)
    return found


def _has_amount(tokens: Tokens, number: Number, lexicon: Lexicon) -> bool:
    """Whether a scale stands as a number of its own ("a dozen"), not alone ("hundred")."""
    return (
        tokens.lower[number.start] not in lexicon.number_scales
        or number.end - number.start > 1
        or lexicon.has_bare_scales
    )


def _from_digits(tokens: Tokens, index: int, lexicon: Lexicon) -> Number | None:
    text = tokens.lower[index]
    value = parse_digits(text, lexicon.decimal, lexicon.thousands)
    if value is None:
        return None
    end = index + 1
    is_bare = text.isdigit()
    if end < len(tokens.lower) and tokens.starts[end] == tokens.ends[index] and tokens.kinds[end] == "w":
        factor = lexicon.number_suffixes.get(tokens.lower[end])
        if factor is None:
            return None
        return Number(index, end + 1, value * factor)
    while end < len(tokens.lower):
        word = tokens.lower[end]
        factor = lexicon.number_scales.get(word)
        if factor is None:
            break
        value *= factor
        is_bare = False
        end += 1
        if end < len(tokens.lower) and tokens.lower[end] == "." and word in lexicon.dotted_scales:
            end += 1
        elif factor >= 1000 and end < len(tokens.lower) and tokens.lower[end].isdecimal():
            # "31 thousand 815" goes on after its scale.
            rest = float(tokens.lower[end])
            if rest < factor and value == int(value) and len(tokens.lower[end]) == 3:
                return Number(index, end + 1, value + rest)
    return Number(index, end, value, is_bare)


def _from_words(tokens: Tokens, index: int, lexicon: Lexicon) -> Number | None:
    """Units add, scales multiply: "two hundred and six thousand" → (2·100 + 6)·1000."""
    words, scales = lexicon.number_words, lexicon.number_scales
    total = current = 0.0
    seen = 0
    position, count = index, len(tokens.lower)
    last = index
    is_joined = False
    while position < count:
        lower = tokens.lower[position]
        value = words.get(lower)
        if value is None and "-" in lower:
            value = _hyphenated(lower, words, scales)
        if is_joined and lower in lexicon.number_articles:
            # "vingt et un": the article is the unit.
            value = 1.0
        is_joined = False
        if value is not None and (seen == 0 or _may_add(current, value)):
            current += value
        elif lower in scales:
            current = (current or 1.0) * scales[lower]
            if scales[lower] >= 1000:
                total, current = total + current, 0.0
        elif seen == 0 and lower in lexicon.number_articles:
            following = tokens.lower[position + 1] if position + 1 < count else ""
            if following not in scales and following not in lexicon.number_halves:
                # «un mort et trois blessés», «una persona»: where the article is the numeral.
                # «einer von ihnen»
                pair = " ".join(tokens.lower[position + 1 : position + 3])
                is_one = following in lexicon.number_ones or pair in lexicon.number_ones
                return Number(index, index + 1, 1.0, is_word=True) if is_one else None
            position += 1
            continue
        elif lower in lexicon.number_halves and (seen == 0):
            return _half(tokens, index, position, lexicon)
        elif seen and lower in lexicon.number_joiners and _joins(tokens, position, current, lexicon):
            position += 1
            is_joined = lexicon.joins_tens
            continue
        else:
            break
        seen += 1
        position += 1
        last = position
    if not seen:
        return None
    return Number(index, last, total + current, is_word=True)


def _joins(tokens: Tokens, position: int, current: float, lexicon: Lexicon) -> bool:
    if position + 1 >= len(tokens.lower):
        return False
    following = tokens.lower[position + 1]
    value = lexicon.number_words.get(following)
    if lexicon.joins_tens and following in lexicon.number_articles and current > 0 and _may_add(current, 1.0):
        return current % 10 == 0 and current % 100 >= 20
    if value is None and "-" in following:
        value = _hyphenated(following, lexicon.number_words, lexicon.number_scales)
    is_tens = lexicon.joins_tens and current > 0 and value is not None and _may_add(current, value)
    return value is not None and (current == 0 or (current >= 100 and value < 100) or is_tens)


def _may_add(current: float, value: float) -> bool:
    """Whether "… value" continues a number: "twenty three", "hundred six"; "two three" does not."""
    if current == 0:
        return True
    if value >= 100:
        return False
    if current % 100 == 0:
        return True
    return value < 10 and current % 10 == 0 and current % 100 >= 20


def _hyphenated(word: str, words: dict[str, float], scales: dict[str, float]) -> float | None:
    parts = word.split("-")
    values = [words.get(part, scales.get(part)) for part in parts]
    if any(value is None for value in values):
        return None

    def combine(left: float, right: float) -> float:
        return left * right if right in scales.values() and left < right else left + right

    return reduce(combine, [value for value in values if value is not None])


def _half(tokens: Tokens, start: int, position: int, lexicon: Lexicon) -> Number | None:
    cursor = position + 1
    if cursor < len(tokens.lower) and tokens.lower[cursor] in lexicon.number_articles:
        cursor += 1
    if cursor < len(tokens.lower) and tokens.lower[cursor] in lexicon.number_scales:
        return Number(start, cursor + 1, lexicon.number_scales[tokens.lower[cursor]] / 2, is_word=True)
    return None
