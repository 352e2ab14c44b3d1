"""Who says so: the speaker of a sentence, the outlet that carries it, and the key that makes copies one origin."""

import re
import unicodedata
from dataclasses import dataclass

from monitor.claims.lexicon import Lexicon
from monitor.claims.tokens import Tokens
from storage.records import Story

_BREAKS = frozenset(",;:()[]–—“”\"«»")
_LONGEST = 9


@dataclass(frozen=True, slots=True)
class Voice:
    """Someone quoted, with the token span of the words that say so. `kind`: say, according, quoting."""

    speaker: str
    start: int
    end: int
    kind: str
    is_pronoun: bool = False


def find_voices(tokens: Tokens, lexicon: Lexicon) -> list[Voice]:
    """Everyone whom a sentence quotes, from left to right."""
    voices: list[Voice] = []
    for start, end, kind in lexicon.say.find(tokens.lower):
        if kind == "say":
            voice = _subject_before(tokens, start, end, lexicon) or _subject_after(tokens, start, end, lexicon)
        else:
            voice = _name_after(tokens, start, end, kind, lexicon)
        if voice is not None:
            voices.append(voice)
    voices.extend(_colon_voice(tokens, lexicon))
    return voices


def _subject_before(tokens: Tokens, start: int, end: int, lexicon: Lexicon) -> Voice | None:
    first = start
    while first > 0 and start - first < _LONGEST:
        word = tokens.lower[first - 1]
        if word in _BREAKS or tokens.kinds[first - 1] == "n":
            break
        if tokens.kinds[first - 1] == "m" and word not in ("'", ".", "-", "&"):
            break
        if word in lexicon.speaker_breaks:
            break
        first -= 1
    last = start
    while last > first and tokens.lower[last - 1] in lexicon.speaker_tails:
        last -= 1
    return _voice(tokens, first, last, (start, end), "say", lexicon)


def _subject_after(tokens: Tokens, start: int, end: int, lexicon: Lexicon) -> Voice | None:
    before = tokens.lower[start - 1] if start else ""
    if before and before not in _BREAKS and before not in ("'", ".", "?", "!"):
        return None
    return _name_after(tokens, start, end, "say", lexicon)


def _name_after(tokens: Tokens, start: int, end: int, kind: str, lexicon: Lexicon) -> Voice | None:
    last = end
    while last < len(tokens.lower) and last - end < _LONGEST:
        word = tokens.lower[last]
        if word in _BREAKS or word in lexicon.speaker_stops or tokens.kinds[last] == "n":
            break
        if tokens.kinds[last] == "m" and word not in ("'", ".", "-", "&"):
            break
        last += 1
    while last > end and tokens.kinds[last - 1] == "m":
        last -= 1
    return _voice(tokens, end, last, (start, end), kind, lexicon)


def _voice(
    tokens: Tokens, first: int, last: int, verb: tuple[int, int], kind: str, lexicon: Lexicon
) -> Voice | None:
    while first < last and (tokens.lower[first] in lexicon.speaker_leads or tokens.kinds[first] == "m"):
        first += 1
    if first >= last:
        return None
    words = tokens.lower[first:last]
    if len(words) == 1 and words[0] in lexicon.pronouns:
        return Voice(words[0], verb[0], verb[1], kind, is_pronoun=True)
    has_office = any(lexicon.offices.at(tokens.lower, index) is not None for index in range(first, last))
    has_capital = any(tokens.is_capital(index) and index > 0 for index in range(first, last))
    is_first_capital = first == 0 and tokens.is_capital(0) and last - first <= 4
    if not (has_office or has_capital or is_first_capital):
        return None
    return Voice(tokens.surface(first, last), verb[0], verb[1], kind)


def _colon_voice(tokens: Tokens, lexicon: Lexicon) -> list[Voice]:
    """ "…: prosecutors" at the end and "Ministry: …" at the start of a headline."""
    found: list[Voice] = []
    lower = tokens.lower
    colons = [index for index, word in enumerate(lower) if word in (":", "-", "–", "—") and 0 < index]
    for colon in colons[-1:]:
        rest = len(lower) - colon - 1
        if 0 < rest <= 5 and any(lexicon.offices.at(lower, index) for index in range(colon + 1, len(lower))):
            found.append(Voice(tokens.surface(colon + 1, len(lower)), colon, colon + 1, "say"))
    if lower and colons and colons[0] <= 5 and lower[colons[0]] == ":":
        if any(lexicon.offices.at(lower, index) for index in range(colons[0])):
            found.append(Voice(tokens.surface(0, colons[0]), colons[0], colons[0] + 1, "say"))
    return found


def choose_voice(voices: list[Voice], position: int) -> tuple[Voice | None, Voice | None]:
    """The speaker of the figure at token `position`, and the outlet that quotes them, if any."""
    if not voices:
        return None, None
    quoted = [voice for voice in voices if voice.kind in ("quoting", "according", "by_phrases")]
    said = [voice for voice in voices if voice.kind == "say"]

    def distance(voice: Voice) -> int:
        return position - voice.end if voice.end <= position else voice.start - position

    nearest_said = min(said, key=distance, default=None)
    if quoted:
        nearest = min(quoted, key=distance)
        if nearest_said is None or nearest.kind == "quoting" or distance(nearest) <= distance(nearest_said):
            return nearest, nearest_said if nearest.kind == "quoting" else None
    return nearest_said, None


def origin_key(speaker: str, story: Story | None) -> str:
    """The story's name of the origin that speaks, else the speaker's words as a slug."""
    folded = _fold(speaker)
    if story is not None:
        padded = f" {folded} "
        best = ""
        name = ""
        for origin in story.origins:
            for alias in (origin.name, *origin.aliases):
                key = _fold(alias)
                if key and f" {key} " in padded and len(key) > len(best):
                    best, name = key, origin.name
        if name:
            return name
    return folded.replace(" ", "-")


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(re.findall(r"\w+", plain))
