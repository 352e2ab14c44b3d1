"""The name of an event from a headline: without the figures, which change, and without who said so.

"At least 41 killed in Peru dam collapse, minister says" → "Peru dam collapse". Headlines without figures stay whole.
"""

import re
from collections.abc import Sequence

from monitor.stories.draft_lexicon import DraftLexicon
from monitor.stories.folding import compose, fold

_PARTS = re.compile(r"\s*(?:[:;|]\s|\s[–—-]\s|,\s)\s*")
_WORDS = re.compile(r"[^\s]+")
_NUMBER = re.compile(r"[^\w]*\d[\d.,]*(?:[kmb]|bn|%)?\W*", re.IGNORECASE)
_YEAR = re.compile(r"\W*(?:19|20)\d\d\W*")
_ROUNDS = 4  # how many figures of one clause are taken out
_LEAST_WORDS = 2


def name_event(headline: str, lexicon: DraftLexicon) -> str:
    """Return what the headline says happened, without figures; an empty text where nothing is left that names it."""
    clauses = [part for part in _PARTS.split(headline.strip()) if part]
    if not any(_figure_at(part.split(), lexicon) is not None for part in clauses):
        return headline.strip()
    named = [stripped for part in clauses if (stripped := _strip(part, lexicon))]
    best = max(named, key=lambda one: _weight(one, lexicon), default="")  # of equals the first
    return best[:1].upper() + best[1:]


def _weight(clause: str, lexicon: DraftLexicon) -> tuple[bool, bool]:
    """How well a clause names an event: it has its theme, and a name."""
    words = clause.split()
    return any(_plain(word) in lexicon.themes for word in words), any(word[0].isupper() for word in words[1:])


def _strip(clause: str, lexicon: DraftLexicon) -> str:
    """A clause without its figures; empty if it says nothing else."""
    words = _WORDS.findall(clause)
    if _plain(words[-1]) in lexicon.event_cues and _figure_at(words, lexicon) is None:
        return ""  # "minister says"
    for _ in range(_ROUNDS):
        words = _without_toll(words, lexicon)
        at = _figure_at(words, lexicon)
        if at is None:
            break
        words = _without(words, at, lexicon)
    return " ".join(_trimmed(words, lexicon)) if len(_trimmed(words, lexicon)) >= _LEAST_WORDS else ""


def _without_toll(words: list[str], lexicon: DraftLexicon) -> list[str]:
    """Take away "Death toll from" at the beginning, and "as the toll rises" with what follows."""
    for at, word in enumerate(words):
        if _plain(word) not in lexicon.tolls:
            continue
        joint = next((n for n in range(at + 1, len(words)) if _plain(words[n]) in lexicon.connectors), None)
        if joint == at + 1 and not any(one[0].isupper() for one in words[1:at]):
            return words[joint + 1 :]
        return _cut(words, at, lexicon)
    return words


def _without(words: list[str], at: int, lexicon: DraftLexicon) -> list[str]:
    """Take out the figure at a place with the verb before it and what it counts."""
    verb = next((n for n in range(at, -1, -1) if _plain(words[n]) in lexicon.toll_verbs), None)
    joint = next((n for n in range(at + 1, len(words)) if _plain(words[n]) in lexicon.connectors), None)
    tail = words[joint:] if joint is not None else []
    if verb:
        head = words[:verb]
        has_place = any(word[0].isupper() for word in head[1:])
        is_whole = has_place or not tail or _plain(tail[0]) not in lexicon.title_places
        return head if is_whole and len(head) >= _LEAST_WORDS else [*head, *tail]
    counted = [*words[:at], *words[at + 1 : joint]]
    if len(tail) > 1 and not any(_names(word, lexicon) for word in counted):
        return tail[next((n for n, word in enumerate(tail) if _plain(word) not in lexicon.connectors), len(tail)) :]
    return [*_trimmed(words[:at], lexicon, joints=False), *words[at + 1 :]]


def _cut(words: list[str], at: int, lexicon: DraftLexicon) -> list[str]:
    """What stands before the clause that the word at a place is in."""
    joint = next((n for n in range(at, -1, -1) if _plain(words[n]) in lexicon.connectors), None)
    return words[: joint if joint is not None else at]


def _trimmed(words: Sequence[str], lexicon: DraftLexicon, *, joints: bool = True) -> list[str]:
    """Without hedges at the end ("at least"), and without small words that nothing follows any more."""
    kept = list(words)
    while kept and (_plain(kept[-1]) in lexicon.hedges or (joints and _plain(kept[-1]) in lexicon.connectors)):
        kept.pop()
    return kept


def _figure_at(words: Sequence[str], lexicon: DraftLexicon) -> int | None:
    """Where the first figure stands that is no year and no part of a name ("Boeing 737", "January 6")."""
    for at, word in enumerate(words):
        if _plain(word) in lexicon.number_words:
            return at
        if _NUMBER.fullmatch(word) and not _YEAR.fullmatch(word):
            is_of_name = at > 0 and words[at - 1][0].isupper() and _plain(words[at - 1]) not in lexicon.hedges
            if not is_of_name or (at == 1 and _plain(words[0]) in lexicon.common):
                return at
    return None


def _names(word: str, lexicon: DraftLexicon) -> bool:
    """Whether a word may name the event: no small one, and none that counts are told with."""
    plain = _plain(word)
    counting = lexicon.common | lexicon.hedges | lexicon.number_words | lexicon.toll_verbs | lexicon.measures
    return plain not in counting


def _plain(word: str) -> str:
    return fold(compose(word)).strip()
