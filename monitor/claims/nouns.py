"""Noun phrases after a quantity: who or what is counted, with the axes of population that the words name."""

from monitor.claims.lexicon import Lexicon, PersonEntry
from monitor.claims.quantities import Quantity
from monitor.claims.tokens import Tokens

_TRIGGERS = frozenset(("active", "past", "participle", "intransitive", "adjective", "noun", "toll"))
_ENDS = _TRIGGERS | frozenset((
    "beside", "prep", "it", "self", "including", "included", "sub", "be", "have", "modal", "not", "to", "at", "in",
    "from", "by", "with", "as", "among", "and", "who", "them", "among_them", "leave", "date", "level", "of", "verb",
    "between", "elsewhere", "make_up",
))  # fmt: skip
_LIGHT = frozenset(("more", "det", "focus"))
_WEAK_ENDS = frozenset(("adverb", "say", "put", "hedge"))
_NONE: frozenset[str] = frozenset()
_REACH = 6


class NounPhrase:
    """What a quantity counts. `kind`: person, thing, or bare when no noun was found; `end` is the token after it."""

    __slots__ = ("axes", "end", "head", "is_more", "is_whole", "kind", "lemma")

    def __init__(self, kind: str, end: int, lemma: str = "", is_more: bool = False) -> None:
        self.kind = kind
        self.end = end
        self.axes: set[tuple[str, str]] = set()
        self.is_whole = False
        self.lemma = lemma
        self.head = ""
        self.is_more = is_more


def read_noun_phrase(tokens: Tokens, quantity: Quantity, lexicon: Lexicon) -> NounPhrase:
    """The noun phrase that starts right after the quantity."""
    lower, count = tokens.lower, len(tokens.lower)
    phrase = NounPhrase("bare", quantity.end, is_more=quantity.is_more)
    index = quantity.end
    unknown: list[int] = []
    limit = min(count, index + _REACH)
    if index < count and quantity.vague is not None:
        entry = lexicon.words.at(lower, index)
        if entry is not None and "of" in entry[1].classes and not _is_group_of(tokens, index, lexicon):
            index = entry[0]
    while index < limit and (tokens.kinds[index] == "w" or _is_abbreviation_dot(tokens, index)):
        entry = lexicon.words.at(lower, index)
        end, classes = (entry[0], entry[1].classes) if entry else (index + 1, _NONE)
        person = lexicon.people.at(lower, index) if lower[index] in lexicon.people.firsts else None
        if person is not None and person[1].is_noun:
            _take_person(phrase, person[1], lower[index : person[0]])
            index = phrase.end = person[0]
            limit, unknown = min(count, index + _REACH), []
        elif _stands_alone(tokens, index, quantity.end, lexicon) or _is_complement(phrase, classes, lexicon):
            break
        elif "thing" in classes:
            if not _is_modifier(lower, end, lexicon):
                return NounPhrase("thing", end, lemma=lower[index], is_more=phrase.is_more)
            index = end
        elif _is_over(phrase, classes) and not _is_surety(lower, end, classes, lexicon):
            if unknown and "noun" in classes:
                unknown, phrase.end = [], index
            break
        elif classes & (_LIGHT | _WEAK_ENDS):
            phrase.is_more = phrase.is_more or "more" in classes
            index = end
            phrase.end = end if phrase.kind == "bare" else phrase.end
        else:
            if tokens.kinds[index] == "w" and (not lexicon.has_capital_nouns or tokens.is_capital(index)):
                unknown.append(index)
            index += 1
    return _complete(tokens, phrase, unknown, lexicon)


def _is_abbreviation_dot(tokens: Tokens, index: int) -> bool:
    """Whether a dot ends an abbreviation with dots within, as in "nine U.S. soldiers"."""
    return tokens.lower[index] == "." and index > 0 and "." in tokens.lower[index - 1]


def _complete(tokens: Tokens, phrase: NounPhrase, unknown: list[int], lexicon: Lexicon) -> NounPhrase:
    if phrase.kind == "person":
        _join_roles(tokens, phrase, lexicon)
    elif unknown:
        return _guess(tokens, unknown, phrase, lexicon)
    return phrase


def _is_group_of(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether "of" opens a partitive ("dozens of the dead"), not the counted noun ("dozens of people")."""
    after = lexicon.words.at(tokens.lower, index + 1) if index + 1 < len(tokens.lower) else None
    return after is not None and bool(after[1].classes & {"det", "them"})


def _is_complement(phrase: NounPhrase, classes: frozenset[str], lexicon: Lexicon) -> bool:
    """Whether a thing's noun only says whose the persons before it are: «12 пассажиров автобуса»."""
    if "thing" not in classes or not lexicon.has_genitive:
        return False
    return phrase.kind == "person" and not phrase.head.endswith(lexicon.adjectival)


def _is_surety(lower: list[str], end: int, classes: frozenset[str], lexicon: Lexicon) -> bool:
    """Whether a word says how sure the noun behind it is: "295 confirmed lives", "two suspected patients"."""
    after = lexicon.people.at(lower, end) if end < len(lower) and classes >= {"adverb", "hedge"} else None
    return after is not None and after[1].is_noun


def _is_over(phrase: NounPhrase, classes: frozenset[str]) -> bool:
    """Whether a word of these classes ends the noun phrase."""
    if phrase.kind == "person" and not _may_continue(phrase, classes):
        return True
    return bool(classes & _ENDS) or (bool(classes & _WEAK_ENDS) and not classes & _LIGHT)


def _stands_alone(tokens: Tokens, index: int, first: int, lexicon: Lexicon) -> bool:
    """Whether no noun follows the number: "six the number of dead", "85 a day earlier", "26 shortly after"."""
    lower = tokens.lower
    if tokens.marks & lexicon.when.bit and lexicon.when.at(lower, index) is not None:
        return True
    cue = lexicon.cues.at(lower, index) if tokens.marks & lexicon.cues.bit else None
    if cue is not None and any(one.status == "previous" and one.side.startswith("after") for one in cue[1]):
        return True
    before = lexicon.words.at(lower, index - 1) if index > first else None
    if before is not None and "det" in before[1].classes:
        entry = lexicon.words.at(lower, index)
        return entry is not None and "generic_toll" in entry[1].classes
    if index + 1 >= len(lower) or not lower[index].endswith(lexicon.adverb_suffixes):
        return False
    after = lexicon.words.at(lower, index + 1)
    if after is None:
        return False
    return "sub" in after[1].classes or (index == first and bool(after[1].classes & _TRIGGERS))


def _is_modifier(lower: list[str], end: int, lexicon: Lexicon) -> bool:
    """Whether a thing's noun only describes the person after it: "two bus drivers"."""
    after = lexicon.people.at(lower, end) if end < len(lower) else None
    return after is not None and after[1].is_noun and not after[1].is_whole


def _take_person(phrase: NounPhrase, entry: PersonEntry, words: list[str]) -> None:
    phrase.kind = "person"
    phrase.axes.update(entry.axes)
    phrase.is_whole = entry.is_whole
    if entry.lemma and not entry.axes and not entry.is_whole:
        phrase.lemma = entry.lemma
    phrase.head = " ".join(words)


def _may_continue(phrase: NounPhrase, classes: frozenset[str]) -> bool:
    """After "Russian" or "foreign" a noun may follow; after "miners" the phrase is over."""
    return bool(phrase.axes) and all(axis == "nationality" for axis, _ in phrase.axes) and not classes


def _join_roles(tokens: Tokens, phrase: NounPhrase, lexicon: Lexicon) -> None:
    """Takes in "and soldiers" after "18 law officers": one number, two roles."""
    lower = tokens.lower
    while phrase.axes and any(axis == "role" for axis, _ in phrase.axes):
        index = phrase.end
        entry = lexicon.words.at(lower, index) if index < len(lower) else None
        if not (lower[index : index + 1] == [","] or (entry is not None and "and" in entry[1].classes)):
            return
        index += 1
        person = lexicon.people.at(lower, index) if index < len(lower) else None
        if person is None or not any(axis == "role" for axis, _ in person[1].axes):
            return
        phrase.axes.update(person[1].axes)
        phrase.end = person[0]


def _guess(tokens: Tokens, unknown: list[int], phrase: NounPhrase, lexicon: Lexicon) -> NounPhrase:
    """An unknown noun is a person if it ends like one; else it is a thing."""
    run = [unknown[0]]
    for index in unknown[1:]:
        if index - run[-1] > 2:
            break
        run.append(index)
    for index in reversed(run):
        word = tokens.lower[index]
        if len(word) > 5 and word.endswith(lexicon.person_suffixes):
            phrase.kind, phrase.end = "person", index + 1
            phrase.lemma = word[:-1] if word.endswith("s") else word
            phrase.head = word
            return phrase
    return NounPhrase("thing", run[-1] + 1, lemma=tokens.lower[run[-1]], is_more=phrase.is_more)


def population_key(axes: set[tuple[str, str]], lemma: str) -> str | None:
    """The canonical key "age=child;role=police"; None for everyone. An unknown noun becomes `other:<lemma>`."""
    if not axes:
        return f"other:{lemma}" if lemma else None
    merged = dict(sorted(axes))
    roles = {value for axis, value in axes if axis == "role"}
    if len(roles) > 1:
        security = {"police", "military", "security_forces"}
        merged["role"] = "security_forces" if roles <= security else "+".join(sorted(roles))
    nationalities = sorted(value for axis, value in axes if axis == "nationality")
    if len(nationalities) > 1:
        merged["nationality"] = "+".join(nationalities)
    if merged:
        return ";".join(f"{axis}={value}" for axis, value in sorted(merged.items()))
    return f"other:{lemma}" if lemma else None
