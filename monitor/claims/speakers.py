"""Names of speakers: which words before or behind a verb of telling are one, and how the name is written."""

import re
from typing import NamedTuple

from monitor.claims.lexicon import Lexicon
from monitor.claims.tokens import Tokens

_WORD = re.compile(r"\w+")
BREAKS = frozenset(",;:()[]–—•|")
"""Marks that end a name."""
_INNER_MARKS = frozenset("'.-&/")
_SHORTEST_ACRONYM = 3
_QUOTED_NAME = 4
_POSSESSED = 2
_COUNT_REACH = 8
OWNER = "'s"
"""What makes a name the owner of the word behind it, where a language has such an ending."""
_BEHIND_HEAD = frozenset(("in", "at", "of", "from", "as", "with"))
_OF_PLACE = frozenset(("in", "at", "of", "from"))


class Voice(NamedTuple):
    """Someone quoted, at the tokens of the words that say so. `kind`: say, according, quoting, by_phrases, agents."""

    speaker: str
    start: int
    end: int
    kind: str
    is_pronoun: bool = False


def is_office(voice: Voice, lexicon: Lexicon) -> bool:
    """Whether a speaker is told by an office, so that a name beside it is the holder's."""
    words = _WORD.findall(voice.speaker.lower())
    return voice.is_pronoun or has_office(words, 0, len(words), lexicon)


def is_person_or_body(speaker: str, lexicon: Lexicon) -> tuple[bool, bool]:
    """Whether a speaker is surely a person, and whether surely an organisation; neither for who may be both.

    "Commissioner Mike Bush" and "Bruce Aylward" are persons, "interior ministry" and "UNHCR" are none.
    """
    words = speaker.split()
    lower = [word.lower().strip("().,") for word in words]
    end = next((index for index in range(1, len(words)) if lexicon.classes_at(lower, index) & _BEHIND_HEAD), len(words))
    heads = [word.removesuffix(OWNER) for word in lower[:end]]
    if not heads:
        return False, False
    if heads[-1] in lexicon.bodies or any(is_acronym(word.strip("()")) for word in words[-1:]):
        return False, True
    is_titled = any(word in lexicon.persons for word in heads)
    is_named = end == len(words) == 2 and all(word[:1].isupper() for word in words)
    return is_titled or (is_named and not has_office([*heads, ""], 0, len(heads), lexicon)), False


def is_inner(tokens: Tokens, index: int) -> bool:
    """Whether a token may stand inside a speaker's name: words, initials' dots, "Khabar 24"."""
    kind = tokens.kinds[index]
    if kind == "m":
        return tokens.lower[index] in _INNER_MARKS
    return kind == "w" or (index > 0 and tokens.kinds[index - 1] == "w" and tokens.is_capital(index - 1))


def make_voice(
    tokens: Tokens, first: int, last: int, verb: tuple[int, int], kind: str, lexicon: Lexicon
) -> Voice | None:
    """The speaker whom tokens [first, last) name beside the verb at `verb`, or None where they name nobody."""
    first = _behind_leads(tokens, first, last, lexicon)
    if last - first > _POSSESSED and tokens.lower[first] in lexicon.possessives:
        # "His interior ministry" is the ministry, "his spokesman" speaks for him.
        first += 1
    first, last, is_owner = _behind_document(tokens, first, last, lexicon)
    if first >= last or tokens.lower[last - 1] in lexicon.first_persons:
        return None
    if "generic_toll" in lexicon.classes_at(tokens.lower, last - 1):
        # «Die Zahl der bestätigten Todesfälle»: a number tells nobody.
        return None
    is_pronoun = tokens.lower[last - 1] in lexicon.pronouns and not is_acronym(tokens.surface(last - 1, last))
    if not is_pronoun:
        first = _behind_article(tokens, first, last, lexicon)
        is_pronoun = kind == "according" and _is_document(tokens, first, last, lexicon)
    if is_pronoun or tokens.lower[first] in lexicon.possessives:
        return Voice(tokens.lower[last - 1], verb[0], verb[1], _plain(kind), is_pronoun=True)
    is_told = is_owner or (kind == "weak_say" and _gives_count(tokens, first, last, verb[1], lexicon))
    is_name = _is_name(tokens, first, last, "say" if is_told else kind, lexicon)
    if not is_name and not (kind == "say" and _is_noun_that_tells(tokens, first, last, verb[0], lexicon)):
        return None
    speaker = nominative(tokens, first, last, lexicon)
    for article in lexicon.elisions:
        speaker = speaker.removeprefix(article)
    if kind in ("according", "quoting") and lexicon.name_endings:
        speaker = _named_nominative(speaker, lexicon.name_endings)
    if is_owner:
        speaker = speaker.removesuffix(OWNER)
    return Voice(speaker + _letters(tokens, last, speaker), verb[0], verb[1], _plain(kind))


def _behind_leads(tokens: Tokens, first: int, last: int, lexicon: Lexicon) -> int:
    """Where a name begins behind a day, a dateline and small words: "On Monday the ministry said"."""
    for index in range(last - 1, first - 1, -1):
        word = tokens.lower[index]
        if word in lexicon.weekdays or (word in lexicon.months and tokens.is_month_like(index, lexicon.plain_months)):
            first = index + 1
            break
    first = _behind_dateline(tokens, first, last)
    while first < last and (tokens.lower[first] in lexicon.speaker_leads or tokens.kinds[first] != "w"):
        first += 1
    return first


def _behind_article(tokens: Tokens, first: int, last: int, lexicon: Lexicon) -> int:
    """Where a name begins behind what stands before its article: "in its last bulletin *the* UN agency put"."""
    for index in range(last - 2, first, -1):
        is_within = tokens.is_capital(index - 1) or lexicon.classes_at(tokens.lower, index - 1)
        if tokens.lower[index] in lexicon.articles and not is_within:
            return index + 1
    return first


def _is_document(tokens: Tokens, first: int, last: int, lexicon: Lexicon) -> bool:
    """Whether words name no more than what somebody gave out: "according to the latest bulletin"."""
    return (
        lexicon.documents.at(tokens.lower, last - 1) is not None
        and not has_office(tokens.lower, first, last, lexicon)
        and not any(tokens.is_capital(index) for index in range(first, last))
    )


def _behind_dateline(tokens: Tokens, first: int, last: int) -> int:
    """Where a name begins behind a dateline or a clock: "ISTANBUL - Turkey's chief of staff said"."""
    for index in range(last - 1, first, -1):
        is_dash = tokens.lower[index] == "-" and tokens.starts[index] > tokens.ends[index - 1]
        if is_dash and index + 1 < last and tokens.starts[index + 1] > tokens.ends[index]:
            return index + 1
    return first


def _letters(tokens: Tokens, index: int, speaker: str) -> str:
    """The letters that stand for a speaker in a bracket at a token: " (INGD)"; "" for none or those of a party."""
    if tokens.lower[index : index + 1] != ["("] or tokens.lower[index + 2 : index + 3] != [")"]:
        return ""
    letters = tokens.surface(index + 1, index + 2)
    initials = iter(word[0] for word in _WORD.findall(speaker.casefold()))
    return f" ({letters})" if is_acronym(letters) and all(one in initials for one in letters.casefold()) else ""


def _named_nominative(speaker: str, endings: tuple[tuple[str, str], ...]) -> str:
    """A speaker whose name, the last two words with a capital, goes into the case of a subject.

    «губернатор Сергея Цивилёва» → «губернатор Сергей Цивилёв».
    """
    words = speaker.split(" ")
    for index in range(len(words) - 1, max(-1, len(words) - 3), -1):
        word = words[index]
        if not word[:1].isupper() or word.isupper():
            break
        ending = next((pair for pair in endings if word.endswith(pair[0])), None)
        if ending is not None:
            words[index] = word.removesuffix(ending[0]) + ending[1]
    return " ".join(words)


def _gives_count(tokens: Tokens, first: int, last: int, index: int, lexicon: Lexicon) -> bool:
    """Whether a name gives a number in the clause of a verb: "Human Rights Watch documented 43 deaths"."""
    # A first word has a capital whatever it is: "We have counted", "Divers found".
    is_first = last - first == 1 and (first == 0 or first in tokens.quotes)
    is_common = is_first and (first in tokens.quotes or lexicon.words.at(tokens.lower, first) is not None)
    is_person = last - first == 1 and lexicon.people.at(tokens.lower, first) is not None
    if is_common or is_person or not tokens.is_capital(last - 1):
        return False
    if any("in" in lexicon.classes_at(tokens.lower, index) for index in range(first, last)):
        # "New Year jump in the price of LPG": a thing, and no name.
        return False
    before = first - 1
    while before > 0 and tokens.lower[before] in lexicon.articles:
        before -= 1
    if first and lexicon.classes_at(tokens.lower, before) & _OF_PLACE:
        # «O número de mortos em Moçambique baixou de 75 para 71»: a place counts nobody.
        return False
    for probe in range(index, min(index + _COUNT_REACH, len(tokens.lower))):
        if tokens.lower[probe] in BREAKS:
            return False
        if tokens.kinds[probe] == "n" or tokens.lower[probe] in lexicon.number_words:
            return True
    return False


def is_owner(tokens: Tokens, index: int) -> bool:
    """Whether a word owns the one behind it: "the *ministry's* count"."""
    return index >= 0 and tokens.surface(index, index + 1).replace("’", "'").endswith(OWNER)


def _behind_document(tokens: Tokens, first: int, last: int, lexicon: Lexicon) -> tuple[int, int, bool]:
    """Who gave what speaks: "the ministry's bulletin says" is the ministry, "figures from the ministry show" too."""
    if first < last and lexicon.documents.at(tokens.lower, last - 1) is not None:
        for index in range(last - 2, first - 1, -1):
            if is_owner(tokens, index):
                return first, index + 1, True
        is_named = last - first >= _POSSESSED and tokens.is_capital(last - 2) and first > 0
        if (
            is_named
            and tokens.lower[first - 1] in lexicon.number_articles
            and lexicon.counts.at(tokens.lower, last - 1)
        ):
            # "An AFP tally showed"
            return first, last - 1, True
    for index in range(first, last - 2):
        if lexicon.documents.at(tokens.lower, index) is None:
            continue
        joint = lexicon.document_links.at(tokens.lower, index + 1)
        behind = joint[0] if joint is not None else index + 2
        is_of = "of" in lexicon.classes_at(tokens.lower, index + 1) and has_office(tokens.lower, behind, last, lexicon)
        if behind < last and (joint is not None or is_of):
            first = behind
            while first < last and tokens.lower[first] in lexicon.speaker_leads:
                first += 1
            return first, last, False
    return first, last, False


def nominative(tokens: Tokens, first: int, last: int, lexicon: Lexicon) -> str:
    """A speaker's name with the words for offices in the case of a subject: «по данным Минздрава» → "Минздрав"."""
    parts: list[str] = []
    index, copied = first, first
    while index < last:
        found = lexicon.nominatives.at(tokens.lower, index)
        if found is None or found[0] > last:
            index += 1
            continue
        if found[1] == " ".join(tokens.lower[index : found[0]]):
            break
        if index > copied:
            parts.append(tokens.surface(copied, index))
        words = found[1].split(" ")
        capitals = [tokens.is_capital(place) for place in range(index, found[0])]
        if len(capitals) != len(words):
            capitals = [capitals[0]] + [False] * (len(words) - 1)
        pairs = zip(words, capitals, strict=True)
        parts.append(" ".join(word[0].upper() + word[1:] if is_capital else word for word, is_capital in pairs))
        copied = found[0]
        # Only the first is the subject: «помощник *министра* здравоохранения».
        break
    if copied < last:
        parts.append(tokens.surface(copied, last))
    return " ".join(parts)


def _plain(kind: str) -> str:
    return kind.removeprefix("weak_")


def _is_name(tokens: Tokens, first: int, last: int, kind: str, lexicon: Lexicon) -> bool:
    """Offices and capitalised names speak; tolls, figures and places of the dead do not."""
    lower = tokens.lower
    if tells_figure(tokens, first, last, lexicon):
        return False
    if kind == "weak_say" and lower[last - 1] in lexicon.official:
        # "The official count of 66" is a count.
        return False
    if kind in ("according", "quoting") or has_office(lower, first, last, lexicon):
        return True
    if kind in ("agents", "weak_according"):
        return False
    if kind == "weak_say":
        # "KNCHR put the dead at 39": letters alone name an organisation.
        return is_acronym(tokens.surface(last - 1, last)) and _is_all_named(tokens, first, last, lexicon)
    people = lexicon.people.at(lower, first) if first == 0 and last == 1 else None
    if people is not None and people[1].is_whole:
        # "Persons reported missing: 5" quotes no persons.
        return False
    capitals = [tokens.is_capital(index) for index in range(first, last) if tokens.kinds[index] == "w"]
    return bool(capitals) and capitals[-1] and (first > 0 or last - first <= _QUOTED_NAME)


def _is_all_named(tokens: Tokens, first: int, last: int, lexicon: Lexicon) -> bool:
    """Whether all words of a name have capitals but "of" and articles: not "New Year jump in the price of LPG"."""
    return all(
        tokens.is_capital(index)
        or tokens.lower[index] in lexicon.articles
        or "of" in lexicon.classes_at(tokens.lower, index)
        for index in range(first, last)
        if tokens.kinds[index] == "w"
    )


def _is_noun_that_tells(tokens: Tokens, first: int, last: int, verb: int, lexicon: Lexicon) -> bool:
    """Whether a noun with an article speaks though it heads no known office: "the prefecture said".

    Not so what somebody gives out: "the statement said" tells nobody's name.
    """
    lower = tokens.lower
    return (
        first > 0
        and lower[first - 1] in lexicon.speaker_articles
        and last - first <= _QUOTED_NAME
        and lower[verb] in lexicon.telling
        and not any(
            lexicon.documents.at(lower, index - 1) is not None and "of" in lexicon.classes_at(lower, index)
            for index in range(first + 1, last)
        )
        and lexicon.documents.at(lower, last - 1) is None
        and not any(lower[index] in BREAKS for index in range(first, last))
        and not tells_figure(tokens, first, last, lexicon)
    )


def tells_figure(tokens: Tokens, first: int, last: int, lexicon: Lexicon) -> bool:
    """Whether words count people, and name nobody; those of a name may: "Association for Political Prisoners"."""
    lower = tokens.lower
    for index in range(first, last):
        office = lexicon.offices.at(lower, index) if lower[index] in lexicon.metric_words else None
        # «il Soccorso alpino» is an office, though its first word is what was done to those rescued.
        is_named = (index > first and tokens.is_capital(index)) or (office is not None and office[0] > index + 1)
        entry = lexicon.words.at(lower, index) if lower[index] in lexicon.metric_words and not is_named else None
        if entry is not None and entry[0] > last and lower[index] not in lexicon.number_words:
            # "*Police* have picked up 114 people": the verb is told with who does it.
            continue
        forms = {form for form, _ in entry[1].metrics} if entry is not None else set()
        # "Rescue authorities" rescue, and are nobody's figure.
        if lower[index] in lexicon.number_words or (forms and (forms != {"active"} or index + 1 == last)):
            return True
    return False


def is_acronym(word: str) -> bool:
    """Whether a word is made of capitals, as the letters of an organisation are."""
    return len(word) >= _SHORTEST_ACRONYM and word.isupper() and word.isalpha()


def has_office(lower: list[str], first: int, last: int, lexicon: Lexicon) -> bool:
    """Whether a noun of an office stands in the words [first, last)."""
    plain = [word.removesuffix("'s") for word in lower[first:last]]
    if lexicon.has_capital_nouns:
        # «Airline-Chef Peter Meier»: the last part of a compound is what it is.
        plain = [word.rpartition("-")[2] for word in plain]
    return lexicon.offices.is_in(plain)


def is_person(tokens: Tokens, first: int, last: int) -> bool:
    """Whether words end in a name of two: "Interior minister Roger Lewentz"."""
    return last - first >= 3 and all(tokens.is_capital(index) for index in range(last - 2, last))
