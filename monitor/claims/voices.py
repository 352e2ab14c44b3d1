"""Who speaks in a sentence: everyone whom it quotes, at the words that say so."""

from monitor.claims.lexicon import Lexicon
from monitor.claims.quantities import behind_hedge
from monitor.claims.speakers import (
    BREAKS,
    OWNER,
    Voice,
    has_office,
    is_acronym,
    is_inner,
    is_office,
    is_owner,
    is_person,
    make_voice,
    nominative,
    tells_figure,
)
from monitor.claims.tokens import COLON, Tokens

_LONGEST = 9
_LONGEST_AFTER = 12
_ASIDE = 14
_ASIDE_MARKS = frozenset((",", ";", ":", "—", "–"))
_QUOTED_NAME = 4
_OFFICE_NAME = 5
_FRAME = 16
_BRACKET = 3
_SKIPPED = 6
_LONGEST_HEAD = 5
_DOCUMENT = 8
_AGENT_REACH = 5
_DATELINE = 8
_OWN = 3
_APOSTROPHES = frozenset("'’")
_DATELINE_MARKS = frozenset(("-", "–", "—"))
_VERBS = frozenset(("be", "have", "modal", "level"))
# A headline's tail that ends in one of these is a clause, and no name: «Gewerkschaften rufen zum Streik auf».
_NO_NAME_ENDS = frozenset(("to", "at", "from", "with", "prep"))
_PLACED = frozenset(("in", "at", "from", "with"))


def find_voices(tokens: Tokens, lexicon: Lexicon) -> list[Voice]:
    """Everyone whom a sentence quotes, from left to right; agents ("police arrested …") last."""
    voices = [Voice(name, start, end, "according") for start, end, name in lexicon.sources.find_in(tokens)]
    sources = [(voice.start, voice.end) for voice in voices]
    agents: list[Voice] = []
    for start, end, kind in lexicon.say.find_in(tokens):
        # "Denied reports that": what was denied speaks for nobody else.
        is_object = (
            bool(voices) and voices[-1].end == start and voices[-1].kind == "say" and not tokens.is_capital(start - 1)
        )
        if is_object or any(first <= start < last for first, last in sources):
            continue
        if kind in ("say", "weak_say", "agents"):
            if _tells_nothing(tokens, start, end, lexicon) or (
                kind == "weak_say" and start and "not" in lexicon.classes_at(tokens.lower, start - 1)
            ):
                # «МВД общих цифр не приводит»: who gives no number tells none.
                continue
            voice = _office_after_comma(tokens, start, end, kind, lexicon)
            voice = voice or _subject_before(tokens, start, end, kind, lexicon) or _agent_after(tokens, end, lexicon)
            is_free = kind == "say" or (kind == "weak_say" and lexicon.has_speaker_after)
            if voice is None and is_free and tokens.lower[start] not in lexicon.addressing:
                voice = _subject_after(tokens, start, end, kind, lexicon)
            if voice is None and kind == "say" and lexicon.drops_pronouns:
                # «Los heridos, indicó, son 24»: whoever spoke last.
                voice = Voice("", start, end, kind, is_pronoun=True)
        elif kind == "quoting" and _is_cause(tokens, start, end, lexicon):
            continue
        else:
            voice = _name_after(tokens, start, end, kind, lexicon)
        if voice is not None:
            (agents if voice.kind == "agents" else voices).append(voice)
    voices.extend(_framed_voices(tokens, lexicon))
    voices.extend(_documents(tokens, lexicon))
    voices.extend(_colon_voices(tokens, lexicon))
    return voices or agents


def _is_cause(tokens: Tokens, start: int, end: int, lexicon: Lexicon) -> bool:
    """Whether "to" names what people died of: "the cases attributed to Ebola"."""
    entry = lexicon.words.at(tokens.lower, start - 1) if start else None
    is_counted = entry is not None and any(form == "noun" for form, _ in entry[1].metrics)
    return is_counted and "to" in lexicon.classes_at(tokens.lower, end - 1)


def _tells_nothing(tokens: Tokens, start: int, end: int, lexicon: Lexicon) -> bool:
    """Whether a verb of saying says nothing: "the wildfires have claimed 131 lives", "found it hard to believe".

    "Genoa said farewell to 19 of its dead" tells as little.
    """
    if start and "to" in lexicon.classes_at(tokens.lower, start - 1):
        return True
    if lexicon.said_of_nothing.at(tokens.lower, start) is not None:
        return True
    if start and tokens.lower[start - 1] in lexicon.speaker_articles:
        # "Police had a list of": a noun.
        return True
    if lexicon.counts.at(tokens.lower, start) and any(is_owner(tokens, index) for index in range(start - 2, start)):
        # "The agency's separate count of deaths"
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
        is_to = "to" in lexicon.classes_at(tokens.lower, index)
        if tokens.lower[index] in BREAKS or (is_to and not _is_count(tokens, index + 1, lexicon)):
            return None
    return None


def _is_count(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether a number follows, with a hedge or without: "revised to *over 1,000* by the ministry"."""
    first = behind_hedge(tokens, index, lexicon)
    return first < len(tokens.lower) and (tokens.kinds[first] == "n" or tokens.lower[first] in lexicon.number_words)


def _subject_before(tokens: Tokens, start: int, end: int, kind: str, lexicon: Lexicon) -> Voice | None:
    last = first = _bracket_before(tokens, start, lexicon)
    quotes = set(tokens.quotes)
    if start in quotes:
        opening = max((index for index in quotes if index < start), default=-1)
        if 0 < start - opening <= _QUOTED_NAME and tokens.is_capital(opening):
            quotes -= {opening, start}
    edge = last
    while first > 0 and edge - first < _LONGEST and first not in quotes:
        word = tokens.lower[first - 1]
        is_break = word in lexicon.speaker_breaks and not is_acronym(tokens.surface(first - 1, first))
        is_break = is_break and not _joins_office(tokens, first - 1, start, lexicon)
        is_told = word in lexicon.telling and not tokens.is_capital(first - 1)
        if is_break or is_told or not is_inner(tokens, first - 1):
            break
        first -= 1
    # Where nouns have capitals, the small words between subject and verb are no part of the name.
    is_direct = lexicon.has_capital_nouns and tokens.kinds[start] == "w"
    while last > first and (
        tokens.lower[last - 1] in lexicon.speaker_tails
        or (is_direct and tokens.kinds[last - 1] == "w" and not tokens.is_capital(last - 1))
    ):
        last -= 1
    last = _before_verb(tokens, first, last, lexicon)
    if first == last and last >= 3 and tokens.lower[last - 1] == ",":
        # "The governor, Marwan Abboud, has said"
        return _subject_of_aside(tokens, last, end, kind, lexicon)
    return (
        _seated_office(tokens, first, (start, end), kind, lexicon)
        or make_voice(tokens, first, last, (start, end), kind, lexicon)
        or _subject_before_clause(tokens, first, (start, end), kind, lexicon)
    )


def _subject_before_clause(
    tokens: Tokens, first: int, verb: tuple[int, int], kind: str, lexicon: Lexicon
) -> Voice | None:
    """The office that a clause without a name of its own tells more of: "*doctors* who saw the bodies spoke of 40"."""
    joint = first - 1
    if joint < 1 or "who" not in lexicon.classes_at(tokens.lower, joint) or tokens.lower[joint - 1] in BREAKS:
        return None
    opening = _name_start(tokens, joint, lexicon)
    if not has_office(tokens.lower, opening, joint, lexicon):
        return None
    return make_voice(tokens, opening, joint, verb, kind, lexicon)


def _seated_office(tokens: Tokens, first: int, verb: tuple[int, int], kind: str, lexicon: Lexicon) -> Voice | None:
    """Who speaks where a place stands before the verb: «*das Außenministerium* in Rom sprach von 49 Toten»."""
    seat = first - 1
    is_placed = seat > 0 and not _PLACED.isdisjoint(lexicon.classes_at(tokens.lower, seat))
    if not (lexicon.has_speaker_after and is_placed) or has_office(tokens.lower, first, verb[0], lexicon):
        return None
    opening = seat
    while opening > 0 and seat - opening < _OFFICE_NAME and is_inner(tokens, opening - 1):
        if tokens.lower[opening - 1] in lexicon.speaker_breaks:
            break
        opening -= 1
    voice = make_voice(tokens, opening, seat, verb, kind, lexicon) if opening < seat else None
    return voice if voice is not None and not voice.is_pronoun and is_office(voice, lexicon) else None


def _before_verb(tokens: Tokens, first: int, last: int, lexicon: Lexicon) -> int:
    """Where a name ends before an auxiliary: "police *had* earlier in the evening spoken of five"."""
    for index in range(first + 1, last):
        is_plain = tokens.kinds[index] == "w" and not tokens.is_capital(index)
        if is_plain and not _VERBS.isdisjoint(lexicon.classes_at(tokens.lower, index)):
            is_its_own = all(_is_small(tokens.lower, between, lexicon) for between in range(index + 1, last))
            return index if is_its_own else last
    return last


def _is_small(lower: list[str], index: int, lexicon: Lexicon) -> bool:
    """Whether a word may stand between an auxiliary and its verb."""
    word = lower[index]
    if word.endswith(lexicon.adverb_suffixes):
        return True
    is_time = word in lexicon.speaker_tails or word in lexicon.speaker_leads or word in lexicon.weekdays
    return is_time or not lexicon.classes_at(lower, index).isdisjoint(("adverb", "in", "at", "det", "date", "former"))


def _joins_office(tokens: Tokens, joint: int, end: int, lexicon: Lexicon) -> bool:
    """Whether a word joins two parts of one office's name: "the Department of Labor *and* Employment"."""
    lower = tokens.lower
    is_part = tokens.is_capital(joint + 1) and not has_office(lower, joint + 1, end, lexicon)
    if not is_part or "and" not in lexicon.classes_at(lower, joint):
        return False
    for index in range(joint - 1, max(-1, joint - _OFFICE_NAME), -1):
        is_of = "of" in lexicon.classes_at(lower, index + 1)
        if is_of and index + 1 < joint and has_office(lower, index, index + 1, lexicon):
            return True
        if not (tokens.is_capital(index) or "of" in lexicon.classes_at(lower, index)):
            return False
    return False


def _bracket_before(tokens: Tokens, start: int, lexicon: Lexicon) -> int:
    """Where a verb's subject ends: before a short bracket, as in "the agency (BNPB) said" and «Lewentz (SPD) sagte».

    An auxiliary may stand between: "the agency (BNPB) has said".
    """
    closing = start - 1
    while closing > 0 and tokens.lower[closing] in lexicon.speaker_tails:
        closing -= 1
    if start and tokens.lower[closing] == ")":
        for opening in range(closing - 1, max(closing - 2 - _BRACKET, 0), -1):
            if tokens.lower[opening] == "(":
                return opening
    return start


def _framed_voices(tokens: Tokens, lexicon: Lexicon) -> list[Voice]:
    """Who stands between an auxiliary and its late verb: «hatte *das Präsidium Koblenz* noch 50 Tote gemeldet»."""
    voices: list[Voice] = []
    for verb, word in enumerate(tokens.lower) if lexicon.late_verbs else ():
        if word not in lexicon.late_verbs:
            continue
        aside = _name_aside(tokens, verb)
        for index in range(verb - 1, max(-1, verb - _FRAME), -1):
            if tokens.lower[index] in _ASIDE_MARKS and index not in aside:
                break
            if tokens.lower[index] in lexicon.frame_auxiliaries:
                # Beside "be" only an office tells: «war die Polizei von 17 ausgegangen», not «manche waren gemeldet».
                kind = "weak_say" if "have" in lexicon.classes_at(tokens.lower, index) else "agents"
                voice = _name_after(tokens, index, index + 1, kind, lexicon)
                voice = voice or _subject_before(tokens, index, index + 1, kind, lexicon)
                if voice is not None and not voice.is_pronoun:
                    voices.append(voice._replace(kind="say"))
                break
    return voices


def _name_aside(tokens: Tokens, verb: int) -> tuple[int, ...]:
    """The two commas around a name before a late verb: «hatte der Vizechef*, Kim Lee,* von fünf Toten berichtet»."""
    commas = [index for index in range(max(0, verb - _FRAME), verb) if tokens.lower[index] == ","][-2:]
    if len(commas) < 2 or not 2 < commas[1] - commas[0] <= _QUOTED_NAME + 1:
        return ()
    return tuple(commas) if all(map(tokens.is_capital, range(commas[0] + 1, commas[1]))) else ()


def _documents(tokens: Tokens, lexicon: Lexicon) -> list[Voice]:
    """Whose count it is: «l'ultimo dato *della prefettura*», "by *the authorities'* count"."""
    voices = [
        voice
        for start, end, _ in lexicon.counts.find_in(tokens)
        if (voice := _counter(tokens, start, end, lexicon) or _sender(tokens, start, end, lexicon)) is not None
    ]
    for start, end, _ in lexicon.documents.find_in(tokens):
        owner = _owner_of(tokens, start, end, lexicon)
        if owner is not None:
            voices.append(owner)
            continue
        for index in range(end, min(end + _DOCUMENT, len(tokens.lower) - 1)):
            if tokens.kinds[index] == "m" or lexicon.say.at(tokens.lower, index) is not None:
                break
            link = lexicon.document_links.at(tokens.lower, index)
            voice = _name_after(tokens, index, link[0], "weak_say", lexicon) if link is not None else None
            if voice is not None and not voice.is_pronoun:
                voices.append(voice._replace(start=start, end=end, kind="according"))
                break
    return voices


def _counter(tokens: Tokens, start: int, end: int, lexicon: Lexicon) -> Voice | None:
    """Whose count stands at tokens [start, end), where no verb says so: "Anadolu's latest count", "an AFP tally"."""
    if _tells_behind(tokens, end, lexicon):
        return None
    last = start
    while last and start - last <= _OWN and tokens.kinds[last - 1] == "w" and not tokens.is_capital(last - 1):
        last -= 1
    owner = next((index for index in range(last, start) if is_owner(tokens, index)), None)
    last = start if last == start else last if owner is None else owner + 1
    if last < start and not is_owner(tokens, last - 1):
        return None
    first = _name_start(tokens, last, lexicon)
    is_name = first < last and (
        all(tokens.is_capital(index) for index in range(first, last))
        or _stands_in(tokens, last - 1, lexicon)
        or (last < start and has_office(tokens.lower, first, last, lexicon))
    )
    is_adjective = last == start and not (first and tokens.lower[first - 1] in lexicon.number_articles)
    if not is_name or first == 0 or is_adjective or lexicon.people.at(tokens.lower, first) is not None:
        return None
    voice = make_voice(tokens, first, last, (start, end), "say", lexicon)
    return voice and voice._replace(speaker=voice.speaker.replace("’", "'").removesuffix(OWNER), kind="according")


def _sender(tokens: Tokens, start: int, end: int, lexicon: Lexicon) -> Voice | None:
    """Whom a count comes from, in an aside right behind it: "the official toll, *from the Red Crescent*, spoke"."""
    if tokens.lower[end : end + 1] != [","] or end + 1 >= len(tokens.lower):
        return None
    link = lexicon.document_links.at(tokens.lower, end + 1)
    voice = _name_after(tokens, end + 1, link[0], "weak_say", lexicon) if link is not None else None
    return (
        voice and voice._replace(start=start, end=end, kind="according") if not (voice and voice.is_pronoun) else None
    )


def _name_start(tokens: Tokens, last: int, lexicon: Lexicon) -> int:
    """Where the name of an owner begins that ends at a token."""
    first = last
    while first and last - first < _OFFICE_NAME and tokens.kinds[first - 1] == "w":
        if tokens.lower[first - 1] in lexicon.speaker_leads or tokens.lower[first - 1] in lexicon.speaker_breaks:
            break
        first -= 1
    return first


def _tells_behind(tokens: Tokens, end: int, lexicon: Lexicon) -> bool:
    """Whether a verb of telling follows: then it is that which has the speaker."""
    last = min(end + 2, len(tokens.lower))
    if tokens.lower[end:last][:1] == [","]:
        # "The ministry's list, published on Monday, had 708 names."
        return False
    return any(lexicon.say.at(tokens.lower, index) is not None for index in range(end, last))


def _stands_in(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether a word stands for an organisation named before: "the same *agency's* count"."""
    return tokens.lower[index].replace("’", "'").removesuffix(OWNER) in lexicon.stand_ins


def _owner_of(tokens: Tokens, start: int, end: int, lexicon: Lexicon) -> Voice | None:
    """The office that has what it gave out at tokens [start, end), where no verb says so: "the ministry's count"."""
    last = start
    if last and tokens.lower[last - 1] in _APOSTROPHES:
        last -= 1
    elif not is_owner(tokens, last - 1):
        return None
    if _tells_behind(tokens, end, lexicon):
        return None
    first = _name_start(tokens, last, lexicon)
    if not has_office(tokens.lower, first, last, lexicon):
        return None
    voice = make_voice(tokens, first, last, (start, end), "weak_according", lexicon)
    return voice and voice._replace(speaker=voice.speaker.replace("’", "'").removesuffix(OWNER))


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
    inner = make_voice(tokens, opening + 1, start - 1, (start, end), kind, lexicon)
    opens_name = tokens.is_capital(opening + 1) or (
        has_office(tokens.lower, opening + 1, opening + 2, lexicon) and tokens.is_capital(start - 2)
    )
    is_named = inner is not None and opens_name and " " in inner.speaker
    if inner is not None and is_named and outer is not None and is_office(outer, lexicon):
        name = inner.speaker if outer.is_pronoun else f"{outer.speaker} {inner.speaker}"
        return inner._replace(speaker=name, is_pronoun=False)
    if outer is not None and any(tokens.is_capital(index) for index in range(max(0, opening - 2), opening)):
        return outer._replace(start=start, end=end)
    return inner if is_named else outer and outer._replace(start=start, end=end)


def _subject_after(tokens: Tokens, start: int, end: int, kind: str, lexicon: Lexicon) -> Voice | None:
    before = tokens.lower[start - 1] if start else ""
    is_free = lexicon.has_speaker_after or start in tokens.quotes
    if before and before not in BREAKS and not is_free and before not in ("?", "!", "."):
        return None
    return _name_after(tokens, start, end, kind, lexicon)


def _office_after_comma(tokens: Tokens, start: int, end: int, kind: str, lexicon: Lexicon) -> Voice | None:
    """The office behind a verb that a comma opens: «…, informó en Quito *el vicepresidente*», not who stands before."""
    if not lexicon.has_speaker_after or kind != "say" or tokens.lower[max(0, start - 1) : start] != [","]:
        return None
    voice = _name_after(tokens, start, end, kind, lexicon)
    return voice if voice is not None and not voice.is_pronoun and is_office(voice, lexicon) else None


def _name_after(tokens: Tokens, start: int, end: int, kind: str, lexicon: Lexicon) -> Voice | None:
    end = _behind_addressee(tokens, end, lexicon) if kind in ("say", "weak_say", "by_phrases") else end
    if kind == "according":
        end = _behind_giving(tokens, end, lexicon) if lexicon.has_speaker_after else _giver_behind(tokens, end, lexicon)
    last = end
    while last < len(tokens.lower) and last - end < _LONGEST_AFTER:
        word = tokens.lower[last]
        if not is_inner(tokens, last) or word in BREAKS or word in lexicon.speaker_stops:
            break
        is_joint = word in lexicon.joints and last > end and not tokens.is_capital(last + 1)
        is_verb = not tokens.is_capital(last) and not _VERBS.isdisjoint(lexicon.classes_at(tokens.lower, last))
        is_time = last > end and word in lexicon.articles and tokens.is_capital(last - 1)
        if is_joint or is_verb or (is_time and not tokens.is_capital(last + 1)):
            break
        if lexicon.has_speaker_after and _counts_people(tokens, last, lexicon):
            break
        is_count = tokens.kinds[last] == "n" and last + 1 < len(tokens.lower) and tokens.is_capital(last + 1)
        if lexicon.has_capital_nouns and is_count and last > end:
            # «nach Angaben der Rebellen | 70 Regierungssoldaten»: a compound that no list holds.
            break
        if word in lexicon.speaker_leads and _counts_at(tokens, last + 1, lexicon):
            break
        last += 1
    while last > end and tokens.kinds[last - 1] == "m":
        last -= 1
    voice = make_voice(tokens, end, last, (start, end), kind, lexicon)
    if voice is None or not is_office(voice, lexicon):
        return voice
    name = _name_behind(tokens, last, lexicon)
    return voice._replace(speaker=f"{voice.speaker} {name}".strip(), is_pronoun=False) if name else voice


def _behind_giving(tokens: Tokens, index: int, lexicon: Lexicon) -> int:
    """Where who gave a document begins behind "according to": «según los datos facilitados ayer por *el tribunal*»."""
    first = index
    is_document = False
    while first < len(tokens.lower):
        found = lexicon.documents.at(tokens.lower, first)
        is_document = is_document or found is not None
        if found is None and tokens.lower[first] not in lexicon.speaker_leads:
            break
        first += 1
    if not is_document:
        return index
    for probe in range(first, min(first + _DOCUMENT, len(tokens.lower))):
        link = lexicon.agent_links.at(tokens.lower, probe)
        said = lexicon.say.at(tokens.lower, probe)
        if link is not None:
            return link[0]
        if tokens.kinds[probe] == "m" or (said is not None and said[1] in ("say", "weak_say")):
            break
    return index


def _giver_behind(tokens: Tokens, index: int, lexicon: Lexicon) -> int:
    """Where who gave a document begins behind "according to": "a new count by *the AP*", "figures released by *X*"."""
    for first in range(index, min(index + _OWN + 1, len(tokens.lower))):
        found = lexicon.documents.at(tokens.lower, first) or lexicon.counts.at(tokens.lower, first)
        if found is None:
            if tokens.is_capital(first) or tokens.kinds[first] != "w":
                return index
            continue
        for probe in range(found[0], min(found[0] + _DOCUMENT, len(tokens.lower))):
            link = lexicon.document_links.at(tokens.lower, probe)
            if link is not None and link[0] < len(tokens.lower) and tokens.kinds[link[0]] == "w":
                return link[0]
            is_bracket = tokens.lower[probe] in ("(", ")")
            if (tokens.kinds[probe] == "m" and not is_bracket) or probe in tokens.quotes:
                break
        return index
    return index


def _counts_at(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether a word at a token names a measure: «según el balance | los heridos»."""
    entry = lexicon.words.at(tokens.lower, index) if index < len(tokens.lower) else None
    return entry is not None and bool(entry[1].metrics) and lexicon.offices.at(tokens.lower, index) is None


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
    first = last = comma + 1
    if (
        first < len(tokens.lower)
        and not tokens.is_capital(first)
        and has_office(tokens.lower, first, first + 1, lexicon)
    ):
        # «el comandante de la policía, *general* José Acevedo»: a rank before the name.
        first = last = first + 1
    while last < len(tokens.lower) and tokens.kinds[last] == "w" and tokens.is_capital(last):
        last += 1
    is_closed = last == len(tokens.lower) or not (tokens.kinds[last] == "w" or tokens.lower[last] == "-")
    is_name = is_closed and 2 <= last - first <= _QUOTED_NAME
    return tokens.surface(first, last) if is_name and not has_office(tokens.lower, first, first + 1, lexicon) else ""


def _counts_people(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether a number with those whom it counts begins here: «laut Polizei | 12 Menschen»."""
    is_number = tokens.kinds[index] == "n" or tokens.lower[index] in lexicon.number_words
    return is_number and index + 1 < len(tokens.lower) and lexicon.people.at(tokens.lower, index + 1) is not None


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
        # «восемь из них — в детской больнице»: where they are, not who says so.
        is_place = not lexicon.classes_at(lower, tail + 1).isdisjoint(_PLACED)
        is_name = not is_place and "n" not in tokens.kinds[tail + 1 : last]
        is_office_told = is_name and has_office(lower, tail + 1, last, lexicon)
        if is_office_told and not _is_clause(tokens, tail + 1, last, lexicon):
            found.append(Voice(nominative(tokens, tail + 1, last, lexicon), tail, tail + 1, "say"))
    is_clock = tokens.kinds[0] == "n"
    is_head = not is_clock and head <= _LONGEST_HEAD and lower[head] == ":" and not any(start < head for start in said)
    if is_head and has_office(lower, 0, head, lexicon) and not tells_figure(tokens, 0, head, lexicon):
        found.append(Voice(tokens.surface(0, head), head, head + 1, "say"))
    return found


def _is_clause(tokens: Tokens, first: int, last: int, lexicon: Lexicon) -> bool:
    """Whether a headline's tail tells something, and names nobody: «Gewerkschaften rufen zum Streik auf»."""
    if not lexicon.classes_at(tokens.lower, last - 1).isdisjoint(_NO_NAME_ENDS):
        return True
    return lexicon.has_capital_nouns and any(
        not tokens.is_capital(index) and not lexicon.classes_at(tokens.lower, index) for index in range(first, last)
    )


def find_opener(tokens: Tokens, lexicon: Lexicon) -> Voice | None:
    """The office or person with whose name a sentence begins: "Sheriff Joe Lombardo has just left the room"."""
    first = 0
    for index in range(min(_DATELINE, len(tokens.lower) - 1)):
        if tokens.lower[index] in _DATELINE_MARKS:
            first = index + 1
    while first < len(tokens.lower) and tokens.lower[first] in lexicon.speaker_leads:
        first += 1
    last = first
    while last < len(tokens.lower) and last - first < _LONGEST and is_inner(tokens, last):
        follows_name = last > first and tokens.is_capital(last - 1) and is_person(tokens, first, last)
        if follows_name and not tokens.is_capital(last):
            break
        last += 1
    if tokens.lower[last : last + 1] == [","] and has_office(tokens.lower, first, last, lexicon):
        # "The head of the agency, Ann Lee, was more cautious."
        name = _name_behind(tokens, last, lexicon)
        return Voice(f"{nominative(tokens, first, last, lexicon)} {name}", first, last, "say") if name else None
    if not is_person(tokens, first, last) or not has_office([*tokens.lower[first:last], ""], 0, last - first, lexicon):
        return None
    return Voice(nominative(tokens, first, last, lexicon), first, last, "say")
