"""Versions of one text: a hash that is blind to cosmetic differences, and a diff by words.

Normalising for comparison never touches digits or decimal marks: "1,300" and "1300" are two texts here, and it is
for `monitor.ledger.edits` to say that they are one figure.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from storage.keys import stable_hash
from storage.records import DiffPart

# Kinds of quotes and dashes are typography; soft hyphens and zero-width marks are not seen at all.
_TYPOGRAPHY = str.maketrans(
    {mark: '"' for mark in "“”„‟«»〝〞"}
    | {mark: "'" for mark in "‘’‚‛`´ʼ"}
    | {mark: "-" for mark in "‐‑‒–—―"}
    | {mark: None for mark in "\u00ad\u200b\u200c\u200d\u2060\ufeff"}
    | {"…": "..."}
)
_SENTENCES = re.compile(r"(?<=[.!?…])(?=\s)|(?<=\n)")
_WORDS = re.compile(r"\s+|[^\W_]+(?:[.,'’\-][^\W_]+)*|.", re.DOTALL)
_WORD_CELLS = 1_000_000
_SENTENCE_CELLS = 4_000_000


def text_hash(title: str, text: str) -> str:
    """Return a versioned hash of an article's text that white space, quotes and dashes do not change; digits do."""
    return stable_hash("t1", normalise_text(title), normalise_text(text))


def normalise_text(text: str) -> str:
    """Return a text with one form of letters, one kind of quotes and dashes, and single spaces. Digits stay."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_TYPOGRAPHY).split())


def diff_words(old: str, new: str) -> tuple[DiffPart, ...]:
    """Return what stayed and what changed, in order: all `old` sides joined are the old text, all `new` ones the new.

    Sentences are aligned first and words within the sentences that changed, so that the time stays in proportion
    to the text for ordinary edits.
    """
    return tuple(_merged(_diff_sentences(_split(_SENTENCES, old), _split(_SENTENCES, new))))


def _split(border: re.Pattern[str], text: str) -> list[str]:
    return [piece for piece in border.split(text) if piece]


def _trim(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """Return how many pieces two lists share at their head, and then at their tail."""
    least = min(len(old), len(new))
    head = next((at for at in range(least) if old[at] != new[at]), least)
    left = least - head
    tail = next((at for at in range(left) if old[-1 - at] != new[-1 - at]), left)
    return head, tail


def _diff_sentences(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffPart]:
    head, tail = _trim(old, new)
    yield _kept(old[:head])
    was, now = old[head : len(old) - tail], new[head : len(new) - tail]
    if len(was) * len(now) > _SENTENCE_CELLS:
        yield DiffPart(old="".join(was), new="".join(now))
    else:
        for tag, first, last, start, end in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
            gone, come = "".join(was[first:last]), "".join(now[start:end])
            if tag == "replace":
                yield from _diff_tokens(_WORDS.findall(gone), _WORDS.findall(come))
            else:
                yield DiffPart(old=gone, new=come)
    yield _kept(old[len(old) - tail :])


def _kept(pieces: Sequence[str]) -> DiffPart:
    text = "".join(pieces)
    return DiffPart(old=text, new=text)


def _diff_tokens(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffPart]:
    if len(old) * len(new) > _WORD_CELLS:
        yield DiffPart(old="".join(old), new="".join(new))
        return
    for _, first, last, start, end in SequenceMatcher(str.isspace, old, new, autojunk=False).get_opcodes():
        yield DiffPart(old="".join(old[first:last]), new="".join(new[start:end]))


def _merged(parts: Iterator[DiffPart]) -> Iterator[DiffPart]:
    """Join neighbours of one kind; leave out what is empty."""
    held: DiffPart | None = None
    for part in parts:
        if not part.old and not part.new:
            continue
        if held is None:
            held = part
        elif (held.old == held.new) == (part.old == part.new):
            held = DiffPart(old=held.old + part.old, new=held.new + part.new)
        else:
            yield held
            held = part
    if held is not None:
        yield held
