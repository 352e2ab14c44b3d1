"""Two versions of an article: does the edit change what it says, and which figures?

Sentences are aligned, then their words; numbers are compared as numbers ("twelve" and "12", "1,300" and "1300" are
one), with their hedges. A sentence that holds a figure and goes, a figure or hedge that changes, a figure that stays
and counts something else than before ("44 dead", then "44 injured"), and a correction notice that comes are
substantive; everything else is cosmetic. Claims say what a figure counts.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from monitor.claims.extract import Extractor
from monitor.claims.lexicon import supported_languages
from monitor.claims.places import UNRESOLVED
from monitor.ledger.edit_sentences import Number, Sentence, read_sentences
from monitor.ledger.notices import find_notice
from monitor.reading.versions import normalise_text
from storage.records import Claim, ClaimKind, ClaimStatus, Figure

# How a figure may stand; that it was said earlier, or of another event, is often a matter of wording.
_STANDINGS = frozenset({ClaimStatus.CURRENT, ClaimStatus.UNCONFIRMED, ClaimStatus.DENIED, ClaimStatus.RETRACTED})
_UNNAMED = "other:"
_ALIKE = 0.5
_PAIRING_LIMIT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a figure is said to count: of whom, where, and whether it is asserted, feared, denied or taken back."""

    metric: str
    population: str
    place: str
    status: ClaimStatus
    kind: ClaimKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureChange:
    """One figure that an edit changed. `kind`: raised, lowered, requalified, dropped, added; `metric` "" if unknown.

    Of a number that stayed: remeasured (another measure), rescoped (other people, another place, more instead of in
    all), restated (feared, denied, taken back, or no longer so); `was` and `now` are what it counted and counts.
    """

    metric: str
    before: Figure | None
    after: Figure | None
    kind: str
    was: Meaning | None = None
    now: Meaning | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditReport:
    """What an edit amounts to. `notice` is the sentence in which the article owns up to it, if it does."""

    substantive: bool
    changes: tuple[FigureChange, ...] = ()
    notice: str | None = None


def compare_versions(
    old: tuple[str, str], new: tuple[str, str], *, extractor: Extractor, lang: str | None = None
) -> EditReport:
    """Return whether an edit from `old` to `new`, both (title, text), is substantive, and the figures that it changed.

    `lang` is the article's language, English if unknown. In a language without a pack only digits are compared.
    """
    if tuple(map(normalise_text, old)) == tuple(map(normalise_text, new)):
        return EditReport(substantive=False)
    code = (lang or "en").split("-")[0].lower()
    known = code if code in supported_languages() else None
    was = read_sentences(*old, lang=known, extractor=extractor)
    now = read_sentences(*new, lang=known, extractor=extractor)
    gone, come, pairs = _align(was, now)
    notice = find_notice((sentence.text for sentence in come), code)
    changes = [change for one, other in pairs for change in _compare(one, other)]
    changes += [change for sentence in gone for change in _lost(sentence)]
    changes += [
        change for sentence in come for change in _gained(sentence) if notice is None or not sentence.is_notice(notice)
    ]
    if notice is not None:  # it takes figures back in the sentences beside it, which say what they said
        changes = [change for change in changes if change.kind != "restated"]
    changes = list(_without_moved(changes))
    return EditReport(
        substantive=bool(changes) or notice is not None, changes=tuple(dict.fromkeys(changes)), notice=notice
    )


def _without_moved(changes: list[FigureChange]) -> Iterator[FigureChange]:
    """Leave out figures that went in one place and came in another: a sentence that moved, or was cut otherwise."""
    gone = Counter((change.metric, change.before) for change in changes if change.kind == "dropped")
    come = Counter((change.metric, change.after) for change in changes if change.kind == "added")
    moved = gone & come
    for kind in ("dropped", "added"):
        left = moved.copy()
        for change in changes:
            slot = (change.metric, change.before or change.after)
            if change.kind == kind and left[slot]:
                left[slot] -= 1
            elif change.kind == kind:
                yield change
    yield from (change for change in changes if change.kind not in ("dropped", "added"))


def _align(
    was: Sequence[Sentence], now: Sequence[Sentence]
) -> tuple[list[Sentence], list[Sentence], list[tuple[Sentence, Sentence]]]:
    """Return sentences that went, that came, and pairs of those that were reworded."""
    gone: list[Sentence] = []
    come: list[Sentence] = []
    pairs: list[tuple[Sentence, Sentence]] = []
    matcher = SequenceMatcher(None, [one.key for one in was], [one.key for one in now], autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag == "equal":
            continue
        left, right = list(was[first:last]), list(now[start:end])
        for one in list(left) if len(left) * len(right) <= _PAIRING_LIMIT**2 else []:
            best = max(right, key=lambda other: one.likeness(other), default=None)
            if best is not None and one.likeness(best) >= _ALIKE:
                pairs.append((one, best))
                left.remove(one)
                right.remove(best)
        gone += left
        come += right
    return gone, come, pairs


def _compare(was: Sentence, now: Sentence) -> Iterator[FigureChange]:
    """Yield the figures that differ between two wordings of one sentence."""
    matcher = SequenceMatcher(None, was.key, now.key, autojunk=False)
    for _, first, last, start, end in matcher.get_opcodes():
        left, right = was.numbers_in(first, last), now.numbers_in(start, end)
        for one, other in zip(left, right, strict=False):
            if one.key != other.key:
                yield from _changed(was, one, now, other)
            else:
                yield from _counted_anew(was, one, now, other)
        yield from (_gone(was, one) for one in left[len(right) :] if was.carries(one))
        yield from (_come(now, one) for one in right[len(left) :] if now.carries(one))


def _changed(was: Sentence, one: Number, now: Sentence, other: Number) -> Iterator[FigureChange]:
    if not (was.carries(one) or now.carries(other)):
        return
    old, new = was.metric_of(one), now.metric_of(other)
    if old and new and old != new:  # two figures in one place: the one went, the other came
        yield _gone(was, one)
        yield _come(now, other)
        return
    kind = "raised" if other.value > one.value else "lowered"
    yield FigureChange(
        metric=new or old,
        before=one.figure,
        after=other.figure,
        kind="requalified" if one.value == other.value else kind,
    )


def _counted_anew(was: Sentence, one: Number, now: Sentence, other: Number) -> Iterator[FigureChange]:
    """Yield the change of a number that stayed, if it counts something else than before, or nothing."""
    old, new = was.claim_at(one), now.claim_at(other)
    if old is not None and new is not None:
        kind = _kind_of_change(old, new)
        if kind is not None:
            yield FigureChange(
                metric=new.metric,
                before=one.figure,
                after=other.figure,
                kind=kind,
                was=_meaning(old),
                now=_meaning(new),
            )
    elif old is not None and not now.carries(other):
        yield _gone(was, one)
    elif new is not None and not was.carries(one):
        yield _come(now, other)


def _kind_of_change(old: Claim, new: Claim) -> str | None:
    if old.metric != new.metric:
        return "remeasured"
    if _are_others(old.population, new.population) or _is_elsewhere(old.place, new.place) or old.kind is not new.kind:
        return "rescoped"
    return "restated" if old.status is not new.status and {old.status, new.status} <= _STANDINGS else None


def _are_others(old: str | None, new: str | None) -> bool:
    """Whether two populations differ by more than the noun: "44 people" and "44 passengers" are the same 44."""
    return old != new and not all(one is None or one.startswith(_UNNAMED) for one in (old, new))


def _is_elsewhere(old: str | None, new: str | None) -> bool:
    return old != new and UNRESOLVED not in (old, new)


def _meaning(claim: Claim) -> Meaning:
    return Meaning(
        metric=claim.metric,
        population=claim.population or "",
        place=claim.place or "",
        status=claim.status,
        kind=claim.kind,
    )


def _lost(sentence: Sentence) -> Iterator[FigureChange]:
    return (_gone(sentence, number) for number in sentence.numbers if sentence.carries(number))


def _gained(sentence: Sentence) -> Iterator[FigureChange]:
    return (_come(sentence, number) for number in sentence.numbers if sentence.carries(number))


def _gone(sentence: Sentence, number: Number) -> FigureChange:
    return FigureChange(metric=sentence.metric_of(number), before=number.figure, after=None, kind="dropped")


def _come(sentence: Sentence, number: Number) -> FigureChange:
    return FigureChange(metric=sentence.metric_of(number), before=None, after=number.figure, kind="added")
