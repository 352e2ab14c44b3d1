"""Who says so: the speaker of a sentence, the outlet that carries it, and the key that makes copies one origin."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from monitor.claims.lexicon import Lexicon
from monitor.claims.tokens import COLON, Tokens
from storage.records import Story

_WORD = re.compile(r"\w+")
_BREAKS = frozenset(",;:()[]–—•|")
_INNER_MARKS = frozenset("'.-&/")
_LONGEST = 9
_LONGEST_AFTER = 12
_SHORTEST_ACRONYM = 3
_ASIDE = 14
_ASIDE_MARKS = frozenset((",", ";", ":", "—", "–"))
_QUOTED_NAME = 4
_LOOK_BACK = 2
_PRONOUN_BACK = 4
_OPENER_BACK = 2
_NAMED_BACK = 7
_FIGURE_BETWEEN = 6
_FRAME = 16
_BRACKET = 3
_SKIPPED = 6
_LONGEST_HEAD = 5
_DOCUMENT = 8
_HOLDER = 3
_AGENT_REACH = 4
_COUNT_REACH = 8
_CITED_BEHIND = 8
_DATELINE = 8
_DATELINE_MARKS = frozenset(("-", "–", "—"))
_OWNER = "'s"
_VERBS = frozenset(("be", "have", "modal", "level"))


class Voice(NamedTuple):
    """Someone quoted, at the tokens of the words that say so. `kind`: say, according, quoting, by_phrases, agents."""

    speaker: str
    start: int
    end: int
    kind: str
    is_pronoun: bool = False


def find_voices(tokens: Tokens, lexicon: Lexicon) -> list[Voice]:
    """Everyone whom a sentence quotes, from left to right; agents ("police arrested …") last."""
    voices: list[Voice] = []
    agents: list[Voice] = []
    for start, end, kind in lexicon.say.find_in(tokens):
        if kind in ("say", "weak_say", "agents"):
            if _tells_nothing(tokens, start, end, lexicon):
                continue
            voice = _subject_before(tokens, start, end, kind, lexicon) or _agent_after(tokens, end, lexicon)
            is_free = kind == "say" or (kind == "weak_say" and lexicon.has_speaker_after)
            if voice is None and is_free and tokens.lower[start] not in lexicon.addressing:
                voice = _subject_after(tokens, start, end, kind, lexicon)
            if voice is None and kind == "say" and lexicon.drops_pronouns:
                # «Los heridos, indicó, son 24»: whoever spoke last.
                voice = Voice("", start, end, kind, is_pronoun=True)
        else:
            voice = _name_after(tokens, start, end, kind, lexicon)
        if voice is not None:
            (agents if voice.kind == "agents" else voices).append(voice)
    voices.extend(_framed_voices(tokens, lexicon))
    voices.extend(_documents(tokens, lexicon))
    voices.extend(_colon_voices(tokens, lexicon))
    return voices or agents


def _tells_nothing(tokens: Tokens, start: int, end: int, lexicon: Lexicon) -> bool:
    """Whether a verb of saying says nothing: "the wildfires have claimed 131 lives", "found it hard to believe"."""
    if start and "to" in lexicon.classes_at(tokens.lower, start - 1):
        return True
    if "claim" not in lexicon.classes_at(tokens.lower, start):
        return False
    reach = range(end, min(end + _AGENT_REACH, len(tokens.lower)))
    return any("lives" in lexicon.classes_at(tokens.lower, index) for index in reach)


def _agent_after(tokens: Tokens, end: int, lexicon: Lexicon) -> Voice | None:
    """Who counted, where it is told in the passive: "the toll was put at 22 by rights groups"."""
    for index in range(end, min(end + _AGENT_REACH, len(tokens.lower))):
        link = lexicon.agent_links.at(tokens.lower, index)
        if link is not None:
            return _name_after(tokens, index, link[0], "weak_say", lexicon)
        if tokens.lower[index] in _BREAKS or "to" in lexicon.classes_at(tokens.lower, index):
            return None
    return None


def _subject_before(tokens: Tokens, start: int, end: int, kind: str, lexicon: Lexicon) -> Voice | None:
    last = first = _bracket_before(tokens, start)
    quotes = set(tokens.quotes)
    if start in quotes:
        opening = max((index for index in quotes if index < start), default=-1)
        if 0 < start - opening <= _QUOTED_NAME and tokens.is_capital(opening):
            quotes -= {opening, start}
    edge = last
    while first > 0 and edge - first < _LONGEST and first not in quotes:
        word = tokens.lower[first - 1]
        is_break = word in lexicon.speaker_breaks and not _is_acronym(tokens.surface(first - 1, first))
        is_told = word in lexicon.telling and not tokens.is_capital(first - 1)
        if is_break or is_told or not _is_inner(tokens, first - 1):
            break
        first -= 1
    while last > first and tokens.lower[last - 1] in lexicon.speaker_tails:
        last -= 1
    if first == last and last >= 3 and tokens.lower[last - 1] == ",":
        # "The governor, Marwan Abboud, has said"
        return _subject_of_aside(tokens, last, end, kind, lexicon)
    return _voice(tokens, first, last, (start, end), kind, lexicon)


def _bracket_before(tokens: Tokens, start: int) -> int:
    """Where a verb's subject ends: before a short bracket, as in "the agency (BNPB) said" and «Lewentz (SPD) sagte»."""
    if start and tokens.lower[start - 1] == ")":
        for opening in range(start - 2, max(start - 3 - _BRACKET, 0), -1):
            if tokens.lower[opening] == "(":
                return opening
    return start


def _framed_voices(tokens: Tokens, lexicon: Lexicon) -> list[Voice]:
    """Who stands between an auxiliary and its late verb: «hatte *das Präsidium Koblenz* noch 50 Tote gemeldet»."""
    voices: list[Voice] = []
    for verb, word in enumerate(tokens.lower) if lexicon.late_verbs else ():
        if word not in lexicon.late_verbs:
            continue
        for index in range(verb - 1, max(-1, verb - _FRAME), -1):
            if tokens.lower[index] in _ASIDE_MARKS:
                break
            if tokens.lower[index] in lexicon.frame_auxiliaries:
                voice = _name_after(tokens, index, index + 1, "weak_say", lexicon)
                voice = voice or _subject_before(tokens, index, index + 1, "weak_say", lexicon)
                if voice is not None and not voice.is_pronoun:
                    voices.append(voice)
                break
    return voices


def _documents(tokens: Tokens, lexicon: Lexicon) -> list[Voice]:
    """Whose count it is: «l'ultimo dato *della prefettura*», «o boletim do meio-dia *da Defesa Civil*»."""
    voices: list[Voice] = []
    for start, end, _ in lexicon.documents.find_in(tokens):
        for index in range(end, min(end + _DOCUMENT, len(tokens.lower) - 1)):
            if tokens.kinds[index] == "m" or lexicon.say.at(tokens.lower, index) is not None:
                break
            link = lexicon.document_links.at(tokens.lower, index)
            voice = _name_after(tokens, index, link[0], "weak_say", lexicon) if link is not None else None
            if voice is not None and not voice.is_pronoun:
                voices.append(voice._replace(start=start, end=end, kind="according"))
                break
    return voices


def _subject_of_aside(tokens: Tokens, start: int, end: int, kind: str, lexicon: Lexicon) -> Voice | None:
    """Who speaks where an aside stands before the verb at `start`.

    "Riaz Mehsud, the divisional commissioner, said" is his name, "the town's mayor, Avimar de Melo, said" too, and
    "Azimova, however, told parliament" hers.
    """
    opening = next(
        (index for index in range(start - 2, max(start - 2 - _ASIDE, 0), -1) if tokens.lower[index] in _ASIDE_MARKS),
        None,
    )
    if opening is None or tokens.lower[opening] != ",":
        return None
    outer = _subject_before(tokens, opening, opening + 1, kind, lexicon)
    inner = _voice(tokens, opening + 1, start - 1, (start, end), kind, lexicon)
    opens_name = tokens.is_capital(opening + 1) or (
        _has_office(tokens.lower, opening + 1, opening + 2, lexicon) and tokens.is_capital(start - 2)
    )
    is_named = inner is not None and opens_name and " " in inner.speaker
    if inner is not None and is_named and outer is not None and _is_office(outer, lexicon):
        name = inner.speaker if outer.is_pronoun else f"{outer.speaker} {inner.speaker}"
        return inner._replace(speaker=name, is_pronoun=False)
    if outer is not None and any(tokens.is_capital(index) for index in range(max(0, opening - 2), opening)):
        return outer._replace(start=start, end=end)
    return inner if is_named else outer and outer._replace(start=start, end=end)


def _is_office(voice: Voice, lexicon: Lexicon) -> bool:
    """Whether a speaker is told by an office, so that a name beside it is the holder's."""
    words = _WORD.findall(voice.speaker.casefold())
    return voice.is_pronoun or _has_office(words, 0, len(words), lexicon)


def _is_inner(tokens: Tokens, index: int) -> bool:
    """Whether a token may stand inside a speaker's name: words, initials' dots, "Khabar 24"."""
    kind = tokens.kinds[index]
    if kind == "m":
        return tokens.lower[index] in _INNER_MARKS
    return kind == "w" or (index > 0 and tokens.kinds[index - 1] == "w" and tokens.is_capital(index - 1))


def _subject_after(tokens: Tokens, start: int, end: int, kind: str, lexicon: Lexicon) -> Voice | None:
    before = tokens.lower[start - 1] if start else ""
    is_free = lexicon.has_speaker_after or start in tokens.quotes
    if before and before not in _BREAKS and not is_free and before not in ("?", "!", "."):
        return None
    return _name_after(tokens, start, end, kind, lexicon)


def _name_after(tokens: Tokens, start: int, end: int, kind: str, lexicon: Lexicon) -> Voice | None:
    end = _behind_addressee(tokens, end, lexicon) if kind in ("say", "weak_say") else end
    last = end
    while last < len(tokens.lower) and last - end < _LONGEST_AFTER:
        word = tokens.lower[last]
        if not _is_inner(tokens, last) or word in _BREAKS or word in lexicon.speaker_stops:
            break
        is_joint = word in lexicon.joints and last > end and not tokens.is_capital(last + 1)
        is_verb = not tokens.is_capital(last) and not _VERBS.isdisjoint(lexicon.classes_at(tokens.lower, last))
        if is_joint or is_verb:
            break
        if lexicon.has_speaker_after and _counts_people(tokens, last, lexicon):
            break
        if word in lexicon.speaker_leads and _counts_at(tokens, last + 1, lexicon):
            break
        last += 1
    while last > end and tokens.kinds[last - 1] == "m":
        last -= 1
    voice = _voice(tokens, end, last, (start, end), kind, lexicon)
    if voice is None or not _is_office(voice, lexicon):
        return voice
    name = _name_behind(tokens, last, lexicon)
    return voice._replace(speaker=f"{voice.speaker} {name}".strip(), is_pronoun=False) if name else voice


def _counts_at(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether a word at a token names a measure: «según el balance | los heridos»."""
    entry = lexicon.words.at(tokens.lower, index) if index < len(tokens.lower) else None
    return entry is not None and bool(entry[1].metrics)


def _behind_addressee(tokens: Tokens, index: int, lexicon: Lexicon) -> int:
    """Where the speaker may begin behind a verb: «a précisé *à l'AFP lundi* le préfet»."""
    last = min(index + _SKIPPED, len(tokens.lower) - 1)
    while index < last:
        found = lexicon.addressees.at(tokens.lower, index)
        if found is None and tokens.lower[index] not in lexicon.weekdays:
            break
        index = found[0] if found is not None else index + 1
    return index


def _name_behind(tokens: Tokens, comma: int, lexicon: Lexicon) -> str:
    """The name in an apposition: «dijo el alcalde, *Juan Pérez*.»; "" where none follows the comma."""
    if tokens.lower[comma : comma + 1] != [","]:
        return ""
    last = comma + 1
    while last < len(tokens.lower) and tokens.kinds[last] == "w" and tokens.is_capital(last):
        last += 1
    is_closed = last == len(tokens.lower) or not (tokens.kinds[last] == "w" or tokens.lower[last] == "-")
    is_name = is_closed and 2 <= last - comma - 1 <= _QUOTED_NAME
    return (
        tokens.surface(comma + 1, last) if is_name and not _has_office(tokens.lower, comma + 1, last, lexicon) else ""
    )


def _counts_people(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether a number with those whom it counts begins here: «laut Polizei | 12 Menschen»."""
    is_number = tokens.kinds[index] == "n" or tokens.lower[index] in lexicon.number_words
    return is_number and index + 1 < len(tokens.lower) and lexicon.people.at(tokens.lower, index + 1) is not None


def _voice(tokens: Tokens, first: int, last: int, verb: tuple[int, int], kind: str, lexicon: Lexicon) -> Voice | None:
    for index in range(last - 1, first - 1, -1):
        word = tokens.lower[index]
        if word in lexicon.weekdays or (word in lexicon.months and tokens.is_month_like(index, lexicon.plain_months)):
            first = index + 1
            break
    while first < last and (tokens.lower[first] in lexicon.speaker_leads or tokens.kinds[first] != "w"):
        first += 1
    if last - first > _LOOK_BACK and tokens.lower[first] in lexicon.possessives:
        # "His interior ministry" is the ministry, "his spokesman" speaks for him.
        first += 1
    first, last, is_owner = _behind_document(tokens, first, last, lexicon)
    if first >= last:
        return None
    is_pronoun = tokens.lower[last - 1] in lexicon.pronouns and not _is_acronym(tokens.surface(last - 1, last))
    if (last - first <= 2 and is_pronoun) or tokens.lower[first] in lexicon.possessives:
        return Voice(tokens.lower[last - 1], verb[0], verb[1], _plain(kind), is_pronoun=True)
    is_told = is_owner or (kind == "weak_say" and _gives_count(tokens, first, last, verb[1], lexicon))
    if not _is_name(tokens, first, last, "say" if is_told else kind, lexicon):
        return None
    speaker = _nominative(tokens, first, last, lexicon)
    for article in lexicon.elisions:
        speaker = speaker.removeprefix(article)
    if kind in ("according", "quoting") and lexicon.name_endings:
        speaker = _named_nominative(speaker, lexicon.name_endings)
    if is_owner:
        speaker = speaker.removesuffix(_OWNER)
    return Voice(speaker + _letters(tokens, last, speaker), verb[0], verb[1], _plain(kind))


def _letters(tokens: Tokens, index: int, speaker: str) -> str:
    """The letters that stand for a speaker in a bracket at a token: " (INGD)"; "" for none or those of a party."""
    if tokens.lower[index : index + 1] != ["("] or tokens.lower[index + 2 : index + 3] != [")"]:
        return ""
    letters = tokens.surface(index + 1, index + 2)
    initials = iter(word[0] for word in _WORD.findall(speaker.casefold()))
    return f" ({letters})" if _is_acronym(letters) and all(one in initials for one in letters.casefold()) else ""


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
    for probe in range(index, min(index + _COUNT_REACH, len(tokens.lower))):
        if tokens.lower[probe] in _BREAKS:
            return False
        if tokens.kinds[probe] == "n" or tokens.lower[probe] in lexicon.number_words:
            return True
    return False


def _behind_document(tokens: Tokens, first: int, last: int, lexicon: Lexicon) -> tuple[int, int, bool]:
    """Who gave what speaks: "the ministry's bulletin says" is the ministry, "figures from the ministry show" too."""
    if first < last and lexicon.documents.at(tokens.lower, last - 1) is not None:
        for index in range(last - 2, first - 1, -1):
            if tokens.surface(index, index + 1).replace("’", "'").endswith(_OWNER):
                return first, index + 1, True
    for index in range(first, last - 2):
        if lexicon.documents.at(tokens.lower, index) is None:
            continue
        joint = lexicon.document_links.at(tokens.lower, index + 1)
        if joint is not None and joint[0] < last:
            first = joint[0]
            while first < last and tokens.lower[first] in lexicon.speaker_leads:
                first += 1
            return first, last, False
    return first, last, False


def _nominative(tokens: Tokens, first: int, last: int, lexicon: Lexicon) -> str:
    """A speaker's name with the words for offices in the case of a subject: «по данным Минздрава» → "Минздрав"."""
    parts: list[str] = []
    index, copied = first, first
    while index < last:
        found = lexicon.nominatives.at(tokens.lower, index)
        if found is None or found[0] > last:
            index += 1
            continue
        if index > copied:
            parts.append(tokens.surface(copied, index))
        head = found[1]
        parts.append(head[0].upper() + head[1:] if tokens.is_capital(index) else head)
        index = copied = found[0]
    if copied < last:
        parts.append(tokens.surface(copied, last))
    return " ".join(parts)


def _plain(kind: str) -> str:
    return kind.removeprefix("weak_")


def _is_name(tokens: Tokens, first: int, last: int, kind: str, lexicon: Lexicon) -> bool:
    """Offices and capitalised names speak; tolls, figures and places of the dead do not."""
    lower = tokens.lower
    if _tells_figure(tokens, first, last, lexicon):
        return False
    if kind in ("according", "quoting") or _has_office(lower, first, last, lexicon):
        return True
    if kind in ("agents", "weak_according"):
        return False
    if kind == "weak_say":
        # "KNCHR put the dead at 39": letters alone name an organisation.
        return _is_acronym(tokens.surface(last - 1, last))
    capitals = [tokens.is_capital(index) for index in range(first, last) if tokens.kinds[index] == "w"]
    return bool(capitals) and capitals[-1] and (first > 0 or last - first <= _QUOTED_NAME)


def _tells_figure(tokens: Tokens, first: int, last: int, lexicon: Lexicon) -> bool:
    """Whether words count people, and name nobody; those of a name may: "Association for Political Prisoners"."""
    lower = tokens.lower
    for index in range(first, last):
        is_named = index > first and tokens.is_capital(index)
        entry = lexicon.words.at(lower, index) if lower[index] in lexicon.metric_words and not is_named else None
        forms = {form for form, _ in entry[1].metrics} if entry is not None else set()
        # "Rescue authorities" rescue, and are nobody's figure.
        if lower[index] in lexicon.number_words or (forms and (forms != {"active"} or index + 1 == last)):
            return True
    return False


def _is_acronym(word: str) -> bool:
    return len(word) >= _SHORTEST_ACRONYM and word.isupper() and word.isalpha()


def _colon_voices(tokens: Tokens, lexicon: Lexicon) -> list[Voice]:
    """ "…: prosecutors" at the end and "Ministry: …" at the start of a headline."""
    found: list[Voice] = []
    if not tokens.marks & COLON:
        return found
    lower = tokens.lower
    marks = [index for index, word in enumerate(lower) if word in (":", "-", "–", "—", ",") and index]
    if not marks:
        return found
    tail, head = marks[-1], marks[0]
    said = [start for start, *_ in lexicon.say.find(lower)]
    if 0 < len(lower) - tail - 1 <= _LONGEST_HEAD and lower[tail] != "," and not any(start > tail for start in said):
        last = len(lower) - (lower[-1] == ".")
        if _has_office(lower, tail + 1, last, lexicon):
            found.append(Voice(_nominative(tokens, tail + 1, last, lexicon), tail, tail + 1, "say"))
    is_head = head <= _LONGEST_HEAD and lower[head] == ":" and not any(start < head for start in said)
    if is_head and _has_office(lower, 0, head, lexicon) and not _tells_figure(tokens, 0, head, lexicon):
        found.append(Voice(tokens.surface(0, head), head, head + 1, "say"))
    return found


def _has_office(lower: list[str], first: int, last: int, lexicon: Lexicon) -> bool:
    plain = [word.removesuffix("'s") for word in lower[first:last]]
    return any(lexicon.offices.find(plain))


def full_name(
    voice: Voice,
    number: int,
    voices_of: Callable[[int], list[Voice]],
    sentence_of: Callable[[int], str],
    tokens_of: Callable[[int], Tokens],
) -> str:
    """ "The ministry" is the ministry that was named before: the longer name that ends in the same word.

    It may as well begin with it ("the governor", once "governor Ann Lee" has spoken) or have it for its letters.
    """
    if " " in voice.speaker:
        return voice.speaker
    head = voice.speaker.casefold()
    for earlier in range(number, max(-1, number - _NAMED_BACK), -1):
        if head not in sentence_of(earlier).casefold():
            continue
        for other in voices_of(earlier):
            words = other.speaker.split()
            if len(words) > 1 and head in (words[-1].casefold().strip("()"), _office_of(words)):
                return other.speaker
        name = _holder(tokens_of(earlier), head)
        if name:
            return name
    return voice.speaker


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


def _office_of(words: list[str]) -> str:
    """The first word of a speaker that goes on to a name: "governor" of "governor Ann Lee"."""
    return words[0].casefold() if words[-1][:1].isupper() else ""


def choose_voice(voices: list[Voice], position: int, others: list[int]) -> tuple[Voice | None, Voice | None]:
    """The speaker of the figure at token `position`, and the outlet that quotes them, if any.

    `others` are the positions of the sentence's other figures: a voice beyond one of them is farther away.
    """
    quoted = [voice for voice in voices if voice.kind in ("quoting", "according", "by_phrases")]
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


def _named_before(voice: Voice | None, said: list[Voice]) -> Voice | None:
    """Whom a pronoun means: in "the commission said it had documented 22 deaths" the one who spoke before it."""
    if voice is None or not voice.is_pronoun:
        return voice
    return next((one for one in reversed(said) if one.start < voice.start and not one.is_pronoun), voice)


def find_opener(tokens: Tokens, lexicon: Lexicon) -> Voice | None:
    """The office or person with whose name a sentence begins: "Sheriff Joe Lombardo has just left the room"."""
    first = 0
    for index in range(min(_DATELINE, len(tokens.lower) - 1)):
        if tokens.lower[index] in _DATELINE_MARKS:
            first = index + 1
    while first < len(tokens.lower) and tokens.lower[first] in lexicon.speaker_leads:
        first += 1
    last = first
    while last < len(tokens.lower) and last - first < _LONGEST and _is_inner(tokens, last):
        follows_name = last > first and tokens.is_capital(last - 1) and _is_person(tokens, first, last)
        if follows_name and not tokens.is_capital(last):
            break
        last += 1
    if not _is_person(tokens, first, last) or not _has_office(
        [*tokens.lower[first:last], ""], 0, last - first, lexicon
    ):
        return None
    return Voice(_nominative(tokens, first, last, lexicon), first, last, "say")


def _is_person(tokens: Tokens, first: int, last: int) -> bool:
    """Whether words end in a name of two: "Interior minister Roger Lewentz"."""
    return last - first >= 3 and all(tokens.is_capital(index) for index in range(last - 2, last))


def inherit_voice(
    number: int,
    paragraphs: list[int],
    voices_of: Callable[[int], list[Voice]],
    passed_on: dict[int, Voice | None],
    opener_of: Callable[[int], Voice | None],
    *,
    is_pronoun: bool,
    in_quote: bool,
) -> Voice | None:
    """The speaker of a sentence that names none: who closes the quotation, or who spoke just before.

    A pronoun or a running quotation reaches back a few sentences, a sentence without any speaker two. `passed_on` keeps
    for sentences in which only pronouns speak who is meant, so that a long chain of them is followed once.
    """
    if in_quote and not is_pronoun:
        for later in range(number + 1, min(number + 3, len(paragraphs))):
            if paragraphs[later] == paragraphs[number]:
                voice = next((voice for voice in voices_of(later) if not voice.is_pronoun), None)
                if voice is not None:
                    return voice
    last = number - (_PRONOUN_BACK if is_pronoun or in_quote else _LOOK_BACK)
    chain: list[int] = []
    found: Voice | None = None
    for earlier in range(number - 1, -1, -1):
        if earlier < last:
            break
        if earlier in passed_on:
            found = passed_on[earlier]
            break
        voices = voices_of(earlier)
        named = [voice for voice in voices if not voice.is_pronoun]
        if named:
            found = named[-1]
            break
        if voices:
            # "He said …" goes on for the one named before.
            chain.append(earlier)
            last = earlier - _PRONOUN_BACK
        elif is_pronoun and not in_quote and number - earlier <= _OPENER_BACK and (opener := opener_of(earlier)):
            found = opener
            break
    passed_on.update(dict.fromkeys(chain, found))
    return found


class Origins:
    """The story's origins by their names; without a story every speaker stands for themselves."""

    __slots__ = ("_names", "_search")

    def __init__(self, story: Story | None) -> None:
        origins = story.origins if story is not None else ()
        named = [(_fold(alias), origin.name) for origin in origins for alias in (origin.name, *origin.aliases)]
        # The longest first, and among equals the one that the story names first.
        ordered = sorted(((f" {key} ", name) for key, name in named if key), key=lambda pair: -len(pair[0]))
        self._names = [name for _, name in ordered]
        self._search = AhoCorasick([key for key, _ in ordered]) if ordered else None

    def key(self, speaker: str) -> str:
        """The story's name of the origin that speaks, else the speaker's words as a slug."""
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
