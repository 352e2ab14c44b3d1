"""Names in an article: who and where it speaks of, by capital letters, how often, and the words beside them."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from monitor.stories.countries import find_capital, find_country
from monitor.stories.draft_lexicon import DraftLexicon
from monitor.stories.folding import compose, fold
from storage.records import EntityKind

_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*|\d+|[.!?…:;,()\"“”«»/\n–—]")
_DATELINE = re.compile(r"(?m)^(?P<city>[^\W\d_]{3,})\b[^\n]{0,40}?(?:/[^/\n]+/\.?|\([^)\n]+\)|--|[–—-]\s)\s*[–—-]*\s*")
_POSSESSIVE = re.compile(r"['’]s?$")
_ENDS = frozenset('.!?…\n:"“«')
_OFTEN = 2  # so often in small letters, a word is an ordinary one
_STEM = 5  # letters that two forms of one inflected name share at least


@dataclass(slots=True, kw_only=True)
class Name:
    """A name with what was noticed of it: how often, where, and signs of its kind."""

    text: str
    count: int = 0
    in_title: bool = False
    in_lead: bool = False
    person_signs: int = 0
    place_signs: int = 0
    body_signs: int = 0  # of an institution
    aliases: Counter[str] = field(default_factory=Counter)

    def score(self) -> float:
        """Return how much the article is about this name."""
        return self.count + 2 * self.in_title + self.in_lead


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Capitalised words in a row, the two words before and the one after; `is_listed`: "A, B and C" leads on to it."""

    start: int
    words: list[str]
    earlier: str
    before: str
    after: str
    is_listed: bool


def find_names(title: str, text: str, lexicon: DraftLexicon) -> list[Name]:
    """Return the names of an article, those that it is most about first; shorter forms are aliases of the longer."""
    names: dict[str, Name] = {}
    body = _without_dateline(text)
    reported_from = {fold(found["city"]) for found in _DATELINE.finditer(text) if found["city"].isupper()}
    # Headlines may capitalise every word: they only confirm names that the text has.
    seen = Counter(re.findall(r"[^\W\d_]+", compose(body)))
    was_place = False
    for run in _runs(body, lexicon):
        words, has_title = _strip_titles(run.words, lexicon)
        while len(words) > 1 and fold(words[0]) in lexicon.connectors:
            del words[0]  # "From Istanbul" at the beginning of a sentence
        if not words or _is_no_name(words, run.after, lexicon) or _is_word(words, seen):
            continue
        shown = " ".join(words)
        name = names.setdefault(fold(compose(shown)), Name(text=shown))
        name.count += 1
        name.in_lead = name.in_lead or run.start < len(body) // 4
        name.person_signs += has_title + (fold(run.after) in lexicon.event_cues)
        name.body_signs += fold(run.before) in lexicon.articles or fold(run.after) in lexicon.heads
        is_placed = fold(run.before) in lexicon.place_cues or fold(run.earlier) in lexicon.place_nouns
        was_place = is_placed or (was_place and run.is_listed) or fold(words[-1]) in lexicon.place_nouns
        name.place_signs += was_place
    folded_title = f" {fold(compose(title))} "
    for key, name in names.items():
        name.in_title = f" {key} " in folded_title
        name.place_signs += name.count * (key in reported_from)
    return sorted(_merge(list(names.values()), lexicon), key=lambda name: (-name.score(), name.text))


def kind_of(name: Name, lexicon: DraftLexicon) -> EntityKind:
    """Return what a name most likely is."""
    words = [fold(word) for word in name.text.split()]
    if any(word in lexicon.heads for word in words) or name.text.isupper():
        return EntityKind.ORGANISATION
    is_listed = find_country(name.text) or find_capital(name.text)
    if is_listed or (name.place_signs * 2 > name.count and not name.person_signs):
        return EntityKind.PLACE
    if name.person_signs or (len(words) in (2, 3) and not name.body_signs):
        return EntityKind.PERSON
    return EntityKind.PLACE if name.place_signs and not name.body_signs else EntityKind.ORGANISATION


def _without_dateline(text: str) -> str:
    """Return the text without "CITY, date. /AGENCY/." or "CITY (Agency) –" at the beginning of a line."""
    return _DATELINE.sub(lambda found: "" if found["city"].isupper() else found[0], text)


def _runs(text: str, lexicon: DraftLexicon) -> Iterator[_Run]:
    """Yield each run of capitalised words, in order."""
    tokens = [(found.start(), found[0]) for found in _WORD.finditer(compose(text))]
    known = Counter(word for at, (_, word) in enumerate(tokens) if at and tokens[at - 1][1] not in _ENDS)
    position, last = 0, 0
    while position < len(tokens):
        if not _is_capital(tokens[position][1]):
            position += 1
            continue
        end = _end_of_run(tokens, position, lexicon)
        first = position
        is_start = position == 0 or tokens[position - 1][1] in _ENDS
        is_city = find_capital(" ".join(word for _, word in tokens[position:end])) is not None
        if is_start and not is_city and _is_plain(tokens[position][1], known, lexicon):
            first += 1
        words = [word for _, word in tokens[first:end]]
        words[-1:] = [_POSSESSIVE.sub("", word) for word in words[-1:]]
        if words and not _is_date(words, lexicon):
            between = [fold(word) for _, word in tokens[last:first]]
            yield _Run(
                start=tokens[first][0],
                words=words,
                earlier=tokens[first - 2][1] if first > 1 else "",
                before=tokens[first - 1][1] if first else "",
                after=tokens[end][1] if end < len(tokens) else "",
                is_listed=bool(between) and all(word in lexicon.both or not word.strip() for word in between),
            )
            last = end
        position = max(end, position + 1)


def _is_no_name(words: Sequence[str], after: str, lexicon: DraftLexicon) -> bool:
    """Tell a label at the head of a report ("LIVE:"), a letter and a bare "County" from names."""
    is_label = after == ":" and all(word.isupper() for word in words)
    return is_label or (len(words) == 1 and (len(words[0]) == 1 or fold(words[0]) in lexicon.place_nouns))


def _is_word(words: Sequence[str], seen: Counter[str]) -> bool:
    """Tell whether a lone capitalised word is an ordinary one of this text: it stands there as often without."""
    (word, *others) = words
    if others or word.isupper() or find_country(word):
        return False
    return seen[word.lower()] >= min(seen[word], _OFTEN)


def _end_of_run(tokens: Sequence[tuple[int, str]], start: int, lexicon: DraftLexicon) -> int:
    end = start + 1
    while end < len(tokens):
        is_owner = _POSSESSIVE.search(tokens[end - 1][1]) is not None
        if is_owner and fold(tokens[end][1]) not in lexicon.heads:
            break
        if _is_capital(tokens[end][1]):
            end += 1
            continue
        skip = end
        while skip < len(tokens) and fold(tokens[skip][1]) in lexicon.joiners and skip - end < 2:
            skip += 1
        is_joined = skip > end and skip < len(tokens) and _is_capital(tokens[skip][1])
        if is_joined and fold(tokens[end - 1][1]) in lexicon.heads:
            end = skip + 1
            continue
        if not _goes_on(tokens, start, end, lexicon):
            break
        end += 2
    return end


def _goes_on(tokens: Sequence[tuple[int, str]], start: int, end: int, lexicon: DraftLexicon) -> bool:
    """Tell whether "Department of Labour" goes on with "and Employment": no title, and no other office."""
    words = [fold(word) for _, word in tokens[start : end + 2]]
    if len(words) < end + 2 - start or words[end - start] not in lexicon.both or not _is_capital(tokens[end + 1][1]):
        return False
    is_office = bool(lexicon.heads & {*words[:2]}) and any(word in lexicon.joiners for word in words[1 : end - start])
    return is_office and words[-1] not in lexicon.titles | lexicon.heads and words[-1] not in lexicon.days


def _is_capital(word: str) -> bool:
    return word[0].isupper()


def _is_plain(word: str, known: Counter[str], lexicon: DraftLexicon) -> bool:
    """Tell whether a capital at the start of a sentence is only that: an ordinary word, or one never seen elsewhere."""
    folded = fold(word)
    if folded in lexicon.titles or (word.isupper() and len(word) > 1) or find_country(_POSSESSIVE.sub("", word)):
        return False
    return folded in lexicon.common or folded in lexicon.themes or known[word] == 0


def _is_date(run: Sequence[str], lexicon: DraftLexicon) -> bool:
    return all(fold(word) in lexicon.months or fold(word) in lexicon.days for word in run)


def _strip_titles(run: Sequence[str], lexicon: DraftLexicon) -> tuple[list[str], bool]:
    """Return a person's name without the titles and offices before it, and whether there were any.

    "Interior Ministry" keeps its first word: what follows the last title must be a name.
    """
    last_title = max((at for at, word in enumerate(run) if fold(word) in lexicon.titles), default=-1)
    rest = list(run[last_title + 1 :])
    if last_title < 0 or any(fold(word) in lexicon.heads for word in rest):
        return list(run), False
    return rest, bool(rest)


def _merge(names: list[Name], lexicon: DraftLexicon) -> list[Name]:
    """Return the names with last names, acronyms' forms and inflected forms put to the longer or the plainer one."""
    merged: list[Name] = []
    for name in sorted(names, key=lambda name: (-len(name.text.split()), -name.count, len(name.text))):
        for other in merged:
            if _is_form_of(name.text, other.text, lexicon):
                other.count += name.count
                other.aliases[name.text] += name.count
                other.in_title = other.in_title or name.in_title
                other.in_lead = other.in_lead or name.in_lead
                other.person_signs += name.person_signs
                other.place_signs += name.place_signs
                other.body_signs += name.body_signs
                break
        else:
            merged.append(name)
    return merged


def _is_form_of(short: str, long: str, lexicon: DraftLexicon) -> bool:
    """Tell whether one name is the last name, the initials or an inflected form of another."""
    mine, theirs = fold(short).split(), fold(long).split()
    if short.isupper() and len(theirs) > 1:
        return short == "".join(word[0] for word in long.split() if word[0].isupper())
    if len(mine) < len(theirs):
        is_last = mine == theirs[-len(mine) :] and not find_country(short)
        return is_last or (mine == theirs[:-1] and theirs[-1] in lexicon.place_nouns)
    same = len(mine) == len(theirs) and not long.isascii()
    return same and all(a[:_STEM] == b[:_STEM] and abs(len(a) - len(b)) <= 3 for a, b in zip(mine, theirs, strict=True))
