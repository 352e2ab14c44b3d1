"""Who says so: the speaker of a figure, the outlet that carries it, and the key that makes copies one origin."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from ahocorasick_rs import AhoCorasick

from monitor.claims.lexicon import Lexicon
from monitor.claims.speakers import Voice, has_office, is_acronym, is_person_or_body
from monitor.claims.tokens import Tokens
from storage.records import Story

_WORD = re.compile(r"\w+")
_QUOTED_NAME = 4
_LOOK_BACK = 3
_PRONOUN_BACK = 4
_OPENER_BACK = 2
_NAMED_BACK = 7
_FIGURE_BETWEEN = 6
_HOLDER = 3
_INTRODUCED = 3
_BARE = 3
_SHORTEST_HEAD = 6
_CITED_BEHIND = 8


def full_name(
    voice: Voice,
    number: int,
    voices_of: Callable[[int], list[Voice]],
    sentence_of: Callable[[int], str],
    tokens_of: Callable[[int], Tokens],
    lexicon: Lexicon,
) -> str:
    """ "The ministry" is the ministry that was named before: the longer name that ends in the same word.

    It may as well begin with it ("the governor", once "governor Ann Lee" has spoken) or have it for its letters.
    """
    head = voice.speaker.casefold()
    if head.split()[-1] in lexicon.stand_ins and not _is_organisation(voice.speaker, lexicon):
        return _organisation_before(number, voices_of, tokens_of, lexicon) or voice.speaker
    if " " in voice.speaker:
        return voice.speaker
    for earlier in range(number, max(-1, number - _NAMED_BACK), -1):
        if head not in sentence_of(earlier).casefold():
            continue
        for other in voices_of(earlier):
            words = other.speaker.split()
            if len(words) > 1 and _is_head(head, words):
                return other.speaker
        name = _holder(tokens_of(earlier), head)
        if name:
            return name
    return voice.speaker


def with_name(
    speaker: str,
    voice: Voice,
    number: int,
    voices_of: Callable[[int], list[Voice]],
    sentence_of: Callable[[int], str],
    lexicon: Lexicon,
) -> str:
    """A speaker's name; that of one of many in an office with the name that speaks next and that nobody introduced.

    "A vice mayor of Tianjin said 121 had died. … Sixty-seven were firefighters, Cao Xiaohong said."
    """
    is_unknown = speaker == voice.speaker and _is_unnamed(voice, lexicon)
    if is_unknown and _is_one_of_many(speaker, number, sentence_of, lexicon):
        for later in range(number + 1, number + 1 + _INTRODUCED):
            named = [one for one in voices_of(later) if not one.is_pronoun]
            if named:
                name = _holder_of(voice, named[0]) or named[0].speaker
                is_bare = name != named[0].speaker or _is_bare_name(named[0], lexicon)
                is_met = is_bare and not _is_known(named[0], number, sentence_of)
                return f"{voice.speaker} {name}" if is_met else speaker
    return speaker


def _is_one_of_many(speaker: str, number: int, sentence_of: Callable[[int], str], lexicon: Lexicon) -> bool:
    """Whether a speaker is told with an indefinite article: "*a* vice mayor", but not "Beirut's governor"."""
    forms = [f"{article} {speaker}".casefold() for article in lexicon.number_articles]
    sentences = [sentence_of(earlier).casefold() for earlier in range(number, max(-1, number - _PRONOUN_BACK), -1)]
    return any(form in sentence for form in forms for sentence in sentences)


def _holder_of(voice: Voice, other: Voice) -> str:
    """The name with which an office comes again: "an official of the bureau", then "the official, Gong Jiansheng"."""
    office, *name = other.speaker.split()
    is_again = office.islower() and office in voice.speaker.lower().split()
    return " ".join(name) if is_again and len(name) > 1 and all(word[:1].isupper() for word in name) else ""


def _is_unnamed(voice: Voice, lexicon: Lexicon) -> bool:
    """Whether a speaker is one person of an office, without a name: "official of the city's publicity bureau"."""
    words = voice.speaker.split()
    first = next((index for index, word in enumerate(words) if word.lower() in lexicon.persons), None)
    if first is None or not is_person_or_body(voice.speaker, lexicon)[0]:
        return False
    return first + 1 == len(words) or not words[first + 1][:1].isupper()


def _is_bare_name(voice: Voice, lexicon: Lexicon) -> bool:
    """Whether a speaker is told by a name of two or three words alone."""
    words = voice.speaker.split()
    is_name = 2 <= len(words) <= _BARE and all(word[:1].isupper() and not word.isupper() for word in words)
    lower = [word.lower() for word in words]
    is_outlet = not lexicon.bodies.isdisjoint(lower)
    return is_name and not is_outlet and voice.kind == "say" and not has_office([*lower, ""], 0, len(lower), lexicon)


def _is_known(voice: Voice, number: int, sentence_of: Callable[[int], str]) -> bool:
    """Whether a name was told up to a sentence: who bears it was introduced there."""
    last_name = voice.speaker.split()[-1]
    return any(last_name in sentence_of(earlier) for earlier in range(number, max(-1, number - _NAMED_BACK), -1))


def _organisation_before(
    number: int, voices_of: Callable[[int], list[Voice]], tokens_of: Callable[[int], Tokens], lexicon: Lexicon
) -> str:
    """The organisation that spoke or was spoken to last, of which "the agency" is said; "" for none."""
    for earlier in range(number, max(-1, number - _NAMED_BACK), -1):
        for other in reversed(voices_of(earlier)):
            if _is_organisation(other.speaker, lexicon):
                return other.speaker
        tokens = tokens_of(earlier)
        named = _named_in(tokens, lexicon) if earlier < number else ""
        if named:
            return named
        for index, word in enumerate(tokens.lower[:-2]):
            first = index + 1 + (tokens.lower[index + 1] in lexicon.articles)
            if word in lexicon.addressing and is_acronym(tokens.surface(first, first + 1)):
                return tokens.surface(first, first + 1)
    return ""


def _named_in(tokens: Tokens, lexicon: Lexicon) -> str:
    """The last organisation that a sentence names in full, in whatever part: "World Health Organization"; or ""."""
    for last in range(len(tokens.lower) - 1, 0, -1):
        if tokens.lower[last] not in lexicon.stand_ins or not tokens.is_capital(last):
            continue
        first = last
        while first and last - first < _QUOTED_NAME and tokens.kinds[first - 1] == "w" and tokens.is_capital(first - 1):
            first -= 1
        first += tokens.lower[first] in lexicon.articles
        if last - first > 1:
            return tokens.surface(first, last + 1)
    return ""


def _is_organisation(speaker: str, lexicon: Lexicon) -> bool:
    """Whether a name has letters for itself, or ends in a noun for an organisation with a capital."""
    words = speaker.split()
    last = words[-1] if words else ""
    is_named = len(words) > 1 and last[:1].isupper() and last.casefold() in lexicon.stand_ins
    return is_named or any(is_acronym(word.strip("()")) for word in words)


def _holder(tokens: Tokens, head: str) -> str:
    """An office with the name behind it, where a sentence has them though they do not speak in it; "" for none."""
    for index, word in enumerate(tokens.lower):
        if word == head:
            last = index + 1
            while last < len(tokens.lower) and tokens.kinds[last] == "w" and tokens.is_capital(last):
                last += 1
            if _HOLDER <= last - index <= _QUOTED_NAME:
                return tokens.surface(index, last)
    return ""


def _is_head(head: str, words: list[str]) -> bool:
    """Whether a word stands for a longer name: its last word, its office, or the end of that: «Energie*minister* X»."""
    office = _office_of(words)
    is_end = len(head) >= _SHORTEST_HEAD and office.endswith(head) and office[-len(head) - 1 : -len(head)].isalpha()
    return is_end or head in (words[-1].casefold().strip("()"), office)


def _office_of(words: list[str]) -> str:
    """The first word of a speaker that goes on to a name: "governor" of "governor Ann Lee"."""
    return words[0].casefold() if words[-1][:1].isupper() else ""


def choose_voice(
    voices: list[Voice], position: int, others: list[int], tokens: Tokens
) -> tuple[Voice | None, Voice | None]:
    """The speaker of the figure at token `position`, and the outlet that quotes them, if any.

    `others` are the positions of the sentence's other figures: a voice beyond one of them is farther away.
    """
    quoted = [
        voice
        for voice in voices
        if voice.kind in ("quoting", "according")
        or (voice.kind == "by_phrases" and not _is_of_another(voice, position, others, tokens))
    ]
    said = [voice for voice in voices if voice.kind in ("say", "agents")]

    def distance(voice: Voice) -> int:
        low, high = sorted((position, voice.start))
        between = sum(low < other < high for other in others)
        return high - low + _FIGURE_BETWEEN * between

    nearest_said = _named_before(min(said, key=distance, default=None), said)
    if quoted:
        nearest = min(quoted, key=distance)
        cited = [one for one in quoted if one.kind == "quoting" and 0 < one.start - nearest.end <= _CITED_BEHIND]
        if cited and nearest.kind == "according":
            return cited[0], nearest
        if nearest_said is None or nearest.kind == "quoting" or distance(nearest) <= distance(nearest_said):
            return nearest, nearest_said if nearest.kind == "quoting" else None
    return nearest_said, None


def _is_of_another(voice: Voice, position: int, others: list[int], tokens: Tokens) -> bool:
    """Whether it is another figure, behind a comma, that was given by somebody: "5, down from 20 given by the mayor".

    Not so where the comma stands behind both: «tué 158 personnes et blessé 6.000, selon un bilan donné par …».
    """
    last = max((other for other in others if position < other < voice.start), default=None)
    return last is not None and "," in tokens.lower[position:last] and "," not in tokens.lower[last : voice.start]


def _named_before(voice: Voice | None, said: list[Voice]) -> Voice | None:
    """Whom a pronoun means: in "the commission said it had documented 22 deaths" the one who spoke before it."""
    if voice is None or not voice.is_pronoun:
        return voice
    return next((one for one in reversed(said) if one.start < voice.start and not one.is_pronoun), voice)


def inherit_voice(
    number: int,
    paragraphs: list[int],
    voices_of: Callable[[int], list[Voice]],
    passed_on: dict[int, Voice | None],
    opener_of: Callable[[int], Voice | None],
    *,
    floor: int,
    is_pronoun: bool,
    in_quote: bool,
    pronoun: str,
    lexicon: Lexicon,
    counted: set[int],
) -> Voice | None:
    """The speaker of a sentence that names none: who closes the quotation, or who spoke just before.

    A pronoun or a running quotation reaches back a few sentences, a sentence without any speaker three, and none before
    the sentence `floor`. `passed_on` keeps for sentences in which only pronouns speak who is meant, so that a long
    chain of them is followed once. "It" means no person and "he" no organisation, where another may be meant.
    """
    closing = _closing_quote(number, paragraphs, voices_of) if in_quote and not is_pronoun else None
    if closing is not None:
        return closing
    last = number - (_PRONOUN_BACK if is_pronoun or in_quote else _LOOK_BACK)
    chain: list[int] = []
    found: Voice | None = None
    unfit: Voice | None = None
    for earlier in range(number - 1, -1, -1):
        if earlier < max(last, floor):
            break
        if earlier in passed_on and may_mean(pronoun, passed_on[earlier], lexicon):
            found = passed_on[earlier]
            break
        voices = voices_of(earlier)
        named = [voice for voice in voices if not voice.is_pronoun]
        fit = [voice for voice in named if may_mean(pronoun, voice, lexicon)]
        is_apart = not is_pronoun and not in_quote and paragraphs[earlier] != paragraphs[number]
        if fit and is_apart and earlier not in counted and is_person_or_body(fit[-1].speaker, lexicon)[0]:
            # Who says something without a figure, of the next: "I have not slept," said Lina Moro, a nurse.
            unfit = unfit or fit[-1]
            last = number - _PRONOUN_BACK
            continue
        if fit:
            found = fit[-1]
            break
        if named:
            unfit = unfit or named[-1]
        elif voices:
            # "He said …" goes on for the one named before.
            chain.append(earlier)
            last = earlier - _PRONOUN_BACK
        elif is_pronoun and not in_quote and number - earlier <= _OPENER_BACK and (opener := opener_of(earlier)):
            found = opener
            break
    found = found or unfit
    passed_on.update(dict.fromkeys(chain, found))
    return found


def _closing_quote(number: int, paragraphs: list[int], voices_of: Callable[[int], list[Voice]]) -> Voice | None:
    """Who closes a quotation that a sentence stands in, within its paragraph."""
    for later in range(number + 1, min(number + 3, len(paragraphs))):
        if paragraphs[later] == paragraphs[number]:
            voice = next((voice for voice in voices_of(later) if not voice.is_pronoun), None)
            if voice is not None:
                return voice
    return None


def may_mean(pronoun: str, voice: Voice | None, lexicon: Lexicon) -> bool:
    """Whether a pronoun may stand for a speaker: "it" for no person, "he" for no organisation."""
    if voice is None or pronoun not in lexicon.person_pronouns | lexicon.thing_pronouns:
        return True
    is_person, is_body = is_person_or_body(voice.speaker, lexicon)
    return not (is_person if pronoun in lexicon.thing_pronouns else is_body)


# How many speakers Origins keeps with their keys before it begins anew.
_MOST_KEYS = 4096


class Origins:
    """The story's origins by their names; without a story every speaker stands for themselves."""

    __slots__ = ("_keys", "_names", "_search")

    def __init__(self, story: Story | None) -> None:
        origins = story.origins if story is not None else ()
        named = [(_fold(alias), origin.name) for origin in origins for alias in (origin.name, *origin.aliases)]
        # The longest first, and among equals the one that the story names first.
        ordered = sorted(((f" {key} ", name) for key, name in named if key), key=lambda pair: -len(pair[0]))
        self._names = [name for _, name in ordered]
        self._search = AhoCorasick([key for key, _ in ordered]) if ordered else None
        self._keys: dict[str, str] = {}

    def key(self, speaker: str) -> str:
        """The story's name of the origin that speaks, else the speaker's words as a slug."""
        known = self._keys.get(speaker)
        if known is None:
            if len(self._keys) > _MOST_KEYS:
                self._keys.clear()
            known = self._keys[speaker] = self._key(speaker)
        return known

    def _key(self, speaker: str) -> str:
        folded = _fold(speaker)
        found = self._search.find_matches_as_indexes(f" {folded} ", overlapping=True) if self._search else ()
        if found:
            return self._names[min(number for number, *_ in found)]
        return folded.replace(" ", "-")


@lru_cache(maxsize=4096)
def _fold(text: str) -> str:
    if text.isascii():
        return " ".join(_WORD.findall(text.casefold()))
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(_WORD.findall(plain))
