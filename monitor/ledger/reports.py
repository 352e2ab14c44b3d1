"""Rule 2: one article says one thing per record and origin at one time. Claims in, weighed assertions out.

Body beats headline, exact beats rounded beats vague; a headline or unattributed repeat takes the status
of the attributed statement of that figure; two attributed origins with two figures both count.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import tzinfo

from monitor.ledger.assertions import GONE, PART_SHARE, Assertion, day_and_clock, make_assertion
from monitor.ledger.origins import OriginBook
from monitor.ledger.values import (
    CEILINGS,
    FIRMNESS,
    best_of,
    figure_of,
    is_count,
    is_rounded_up,
    is_rounding_of,
    refines,
    says_same,
)
from storage.records import Claim, ClaimStatus, Figure, Qualifier, StampedClaim

_ASSERTED = frozenset({ClaimStatus.CURRENT, ClaimStatus.UNCONFIRMED})
_INHERITED = (ClaimStatus.UNCONFIRMED, ClaimStatus.RETRACTED, ClaimStatus.DENIED, ClaimStatus.PREVIOUS)
_LOOSE = 3


def weigh_report(
    claims: Sequence[StampedClaim],
    removed: Sequence[Claim],
    book: OriginBook,
    zone: tzinfo,
    *,
    is_part: bool = False,
    steps: tuple[float, ...] = (),
) -> list[Assertion]:
    """Return what one report asserts for one record, at most one figure per origin and status.

    `claims` are the report's claims on the record, `removed` the claims that the same edit took out of the article,
    `steps` the increments and decrements that it states.
    """
    first = claims[0]
    day, clock = day_and_clock(first.asserted_at, zone)
    plain = [make_assertion(stamped, book, day, clock, is_part=is_part) for stamped in claims]
    if len(plain) == 1 and first.claim.replaces is None and not removed and not steps:
        return plain
    pairs = list(zip(plain, claims, strict=True))
    if any(one.is_lowering for one in plain):
        pairs = _lowered_throughout(pairs)
    settled = _hedge_above_headline(_inherit_status(_body_over_headline(pairs)), pairs)
    previous = tuple(sorted((one for one in settled if one.status is ClaimStatus.PREVIOUS), key=_by_size))
    stated = tuple(_replaces(stamped.claim) for stamped in claims if stamped.claim.replaces is not None)
    withdrawn = [one for one in settled if one.status in GONE]
    replaced = stated + tuple(figure_of(claim) for claim in removed)
    spoken = _hedge_rumours(_one_per_origin([one for one in settled if one.status in _ASSERTED]))
    if sum(map(_is_firm_current, spoken)) > 1:
        spoken = _beside_others(spoken)
    if previous or withdrawn or replaced or steps:  # beside the figures of most reports stands nothing
        spoken = _with_others(spoken, previous, withdrawn, replaced, steps, _voices(plain))
    current = [one for one in spoken if one.status is ClaimStatus.CURRENT]
    told = [*spoken, *_unanswered(withdrawn, current)]
    return told if current or not previous else [*told, *previous]


def _lowered_throughout(pairs: list[tuple[Assertion, StampedClaim]]) -> list[tuple[Assertion, StampedClaim]]:
    """Of a figure that a text takes the toll down to in one place, in its headline say, it does so everywhere."""
    lowered = {one.figure.value for one, _ in pairs if one.is_lowering and _is_current(one)} - {None}
    return [
        (replace(one, is_lowering=True) if one.figure.value in lowered and _is_current(one) else one, stamped)
        for one, stamped in pairs
    ]


def _with_others(
    spoken: list[Assertion],
    previous: tuple[Assertion, ...],
    withdrawn: Sequence[Assertion],
    replaced: tuple[Figure, ...],
    steps: tuple[float, ...],
    voices: Collection[tuple[str, float | None]],
) -> list[Assertion]:
    """Give what a report asserts the figures that it names beside: earlier ones, withdrawn ones, steps."""
    feared = _of_what_is_feared(previous, spoken)
    return [
        replace(
            one,
            previous=tuple(past for past in previous if past not in feared and not _gave_way(past, one, spoken)),
            feared=feared,
            gone=tuple(past.figure for past in withdrawn),
            denied=tuple(past.figure for past in withdrawn if past.status is ClaimStatus.DENIED),
            taken_back=tuple(past for past in withdrawn if _takes_back(one, past, voices)),
            replaced=replaced,
            steps=steps,
        )
        for one in spoken
    ]


def _beside_others(spoken: list[Assertion]) -> list[Assertion]:
    """Give what each origin counts now the counts that the same text has from others."""
    firm = [one for one in spoken if _is_firm_current(one)]
    return [
        replace(one, beside=tuple(other for other in firm if other.origin.name != one.origin.name))
        if _is_firm_current(one)
        else one
        for one in spoken
    ]


def _gave_way(past: Assertion, one: Assertion, spoken: Sequence[Assertion]) -> bool:
    """Whether an earlier figure of others rose to another count of the same text, and so did not fall to this one.

    "AP now counts 2,177, after 1,621. Officially the toll remains 769": nobody lowered 1,621 to 769.
    """
    is_own = bool(past.origin.name) and past.origin.name == one.origin.name
    return (
        not is_own
        and past.window.is_above(one.window)
        and any(_is_counted(other) and other.window.is_above(past.window) for other in spoken)
    )


def _of_what_is_feared(previous: Sequence[Assertion], spoken: Sequence[Assertion]) -> tuple[Assertion, ...]:
    """Return the earlier figures between all that a text counts and what it fears, and nearer to that.

    "269 bodies recovered; 304 are feared dead, up from 302": the toll did not fall from 302.
    """
    counts = [_size(one) for one in spoken if _is_firm_current(one)]
    fears = [_size(one) for one in spoken if one.status is ClaimStatus.UNCONFIRMED and one.hedged_by is None]
    if not counts or not fears:
        return ()
    top = max(counts)
    return tuple(
        past
        for past in previous
        if any(top < _size(past) <= fear and fear - _size(past) < _size(past) - top for fear in fears)
    )


def _size(one: Assertion) -> float:
    return best_of(one.figure) or 0.0


def _voices(plain: Sequence[Assertion]) -> frozenset[tuple[str, float | None]]:
    """Return who gives which number in a text, be it in its headline alone."""
    return frozenset((one.origin.name, one.figure.value) for one in plain if _is_current(one) and one.origin.name)


def _takes_back(one: Assertion, past: Assertion, voices: Collection[tuple[str, float | None]]) -> bool:
    """Whether an origin, be it "the authorities", gives a lower figure for a count that it takes back itself.

    "State corrects count: 34 dead, not 40" is the state's own, though the text has the 34 from its press office.
    """
    is_own = not past.origin.is_hearsay and (past.origin.name, one.figure.value) in voices
    return (
        is_own and past.status is ClaimStatus.RETRACTED and past.window.is_above(one.window) and is_count(past.figure)
    )


def weigh_states(claims: Sequence[StampedClaim], book: OriginBook, zone: tzinfo) -> list[Assertion]:
    """Return what one report asserts of one thing that is in force or over: every state for itself."""
    day, clock = day_and_clock(claims[0].asserted_at, zone)
    return [make_assertion(stamped, book, day, clock, is_part=False) for stamped in claims]


def _replaces(claim: Claim) -> Figure:
    return Figure(value=claim.replaces, low=claim.replaces, high=claim.replaces)


def _by_size(one: Assertion) -> tuple[float, float, str]:
    return (one.window.low, one.window.high, one.claim_id)


def _body_over_headline(pairs: list[tuple[Assertion, StampedClaim]]) -> list[Assertion]:
    """Drop a headline's figure when the body asserts one; an unattributed old list under a higher count is previous."""
    body = [one for one, stamped in pairs if stamped.claim.field != "title" and _is_firm_current(one)]
    if not body:
        return [one for one, _ in pairs]
    titles = [one for one, stamped in pairs if stamped.claim.field == "title"]
    newer = [one for one in titles if _is_firm_current(one) and _leads(one, body)]
    if not newer:
        return [
            one
            for one, stamped in pairs
            if stamped.claim.field != "title" or not _is_current(one) or _stands_above(one, body)
        ]
    return [
        replace(one, status=ClaimStatus.PREVIOUS) if one in body and not one.origin.name else one for one, _ in pairs
    ]


def _hedge_above_headline(settled: list[Assertion], pairs: Sequence[tuple[Assertion, StampedClaim]]) -> list[Assertion]:
    """A count that the headline takes up from the body is the report's; what others say above it is their claim."""
    titles = [one for one, stamped in pairs if stamped.claim.field == "title" and _is_firm_current(one)]
    chosen = {one.figure.value for one in titles if one.figure.qualifier is Qualifier.EXACT}
    own = [one for one in settled if _is_current(one) and is_count(one.figure) and one.figure.value in chosen]
    if len(chosen) != 1 or not own:
        return settled
    return [
        replace(one, status=ClaimStatus.UNCONFIRMED, hedged_by=own[0])
        if _is_firm_current(one) and one.window.is_above(own[0].window)
        else one
        for one in settled
    ]


def _stands_above(title: Assertion, body: Sequence[Assertion]) -> bool:
    """Whether a headline gives a count above all that the body has from others: their counts may be of parts."""
    return (
        title.figure.qualifier is Qualifier.EXACT
        and is_count(title.figure)
        and all(
            one.origin.name
            and one.origin.name != title.origin.name
            and title.window.is_above(one.window)
            and not is_rounding_of(title.figure, one.figure)
            and not is_rounding_of(one.figure, title.figure)
            and not is_rounded_up(title.figure, one.figure)
            for one in body
        )
    )


def _is_current(one: Assertion) -> bool:
    return one.status is ClaimStatus.CURRENT


def _is_firm_current(one: Assertion) -> bool:
    return _is_current(one) and one.figure.qualifier is not Qualifier.VAGUE


def _is_counted(one: Assertion) -> bool:
    """Whether somebody counts it now, be it beside the report's own count."""
    return _is_firm_current(one) or one.hedged_by is not None


def _leads(title: Assertion, body: Sequence[Assertion]) -> bool:
    unattributed = all(not one.origin.name for one in body)
    return (
        unattributed
        and title.figure.qualifier is Qualifier.EXACT
        and all(
            title.window.is_above(one.window)
            and not is_rounding_of(one.figure, title.figure)
            and not is_rounded_up(title.figure, one.figure)
            for one in body
        )
    )


def _inherit_status(assertions: list[Assertion]) -> list[Assertion]:
    """Give an unattributed repeat the status of the attributed statement of that figure, unless one asserts it now.

    A sentence that only goes on after somebody spoke repeats too: a reporter hedges a figure once, not in every line.
    """
    attributed = [one for one in assertions if one.origin.name and one.is_spoken]
    settled = []
    for one in assertions:
        if (one.origin.name and one.is_spoken) or not _is_current(one):
            settled.append(one)
            continue
        same = [other for other in attributed if _names_same(one.figure, other)]
        if any(_is_current(other) for other in same):
            settled.append(one)
            continue
        status = next((status for status in _INHERITED if any(other.status is status for other in same)), one.status)
        settled.append(replace(one, status=status))
    return settled


def _names_same(figure: Figure, attributed: Assertion) -> bool:
    if figure.value is not None and figure.value == attributed.figure.value:
        return True
    if CEILINGS.intersection((figure.qualifier, attributed.figure.qualifier)):
        return False  # "up to 20,000 are feared" is no statement of "more than 5,000"
    return attributed.status is not ClaimStatus.PREVIOUS and says_same(figure, attributed.figure)


def _one_per_origin(assertions: list[Assertion]) -> list[Assertion]:
    """Keep one figure per origin and status: the firmest, then the largest; unattributed ones only where they add."""
    kept: dict[tuple[str, ClaimStatus], Assertion] = {}
    for one in sorted(assertions, key=_by_weight):
        slot = (one.origin.name, one.status)
        best = kept.get(slot)
        if best is None:
            kept[slot] = one
        elif _is_part_of(best, one):
            kept[slot] = replace(one, repeats=(*one.repeats, best.claim_id, *best.repeats))
        else:
            kept[slot] = replace(best, repeats=(*best.repeats, one.claim_id))
    if any(is_count(one.figure) for slot, one in kept.items() if slot[1] is ClaimStatus.CURRENT):
        # Beside a count, a ceiling or a vague word says nothing, whoever speaks it.
        kept = {slot: one for slot, one in kept.items() if FIRMNESS[one.figure.qualifier] < _LOOSE}
    named = [one for slot, one in kept.items() if slot[0]]
    plain = [one for slot, one in kept.items() if not slot[0] and not _is_background(one, named)]
    return named + plain


def _hedge_rumours(spoken: list[Assertion]) -> list[Assertion]:
    """What unnamed sources or the media put above the count that a text has from somebody named is a claim only."""
    counts = [one for one in spoken if one.origin.is_named and _is_current(one) and is_count(one.figure)]
    return [
        replace(one, status=ClaimStatus.UNCONFIRMED)
        if one.origin.is_hearsay and _is_current(one) and any(one.window.is_above(count.window) for count in counts)
        else one
        for one in spoken
    ]


def _is_part_of(count: Assertion, other: Assertion) -> bool:
    """Whether a count is so far below a floor or an estimate of the same voice that it must be of some of them."""
    return FIRMNESS[other.figure.qualifier] < _LOOSE and (best_of(count.figure) or 0.0) < PART_SHARE * other.window.low


def _by_weight(one: Assertion) -> tuple[int, float, str]:
    return (FIRMNESS[one.figure.qualifier], -(best_of(one.figure) or 0.0), one.claim_id)


def _is_background(one: Assertion, named: Sequence[Assertion]) -> bool:
    """Whether an unattributed figure repeats or rounds what an attributed one says or, no count itself, trails it.

    A count within a rounding of others, "10,372; newspapers say more than 10,000", says more than they do.
    """
    return any(
        other.status is one.status
        and (
            (is_rounding_of(one.figure, other.figure) and not _counts_within(one, other))
            or (not is_count(one.figure) and other.window.is_above(one.window))
        )
        for other in named
    )


def _counts_within(one: Assertion, other: Assertion) -> bool:
    return is_count(one.figure) and not is_count(other.figure) and refines(one.figure, other.figure)


def _unanswered(withdrawn: list[Assertion], current: list[Assertion]) -> list[Assertion]:
    """Return the retractions that no new number in the same text answers, one per figure; denials after retractions.

    Who is named as taking a figure back, while the text has its new number from others, holds none from then on.
    """
    answers = [one for one in current if not any(says_same(one.figure, gone.figure) for gone in withdrawn)]
    if answers:
        answering = {one.origin.name for one in answers}
        withdrawn = [gone for gone in withdrawn if gone.origin.is_named and gone.origin.name not in answering]
    kept: dict[tuple[float | None, Qualifier, ClaimStatus], Assertion] = {}
    for one in sorted(withdrawn, key=lambda gone: (not gone.origin.is_named, gone.claim_id)):
        kept.setdefault((one.figure.value, one.figure.qualifier, one.status), one)
    return list(kept.values())
