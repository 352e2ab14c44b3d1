"""How figures age through one text: which ones it supersedes itself, and which were the level of an earlier time."""

from dataclasses import replace

from monitor.claims.draft import (
    COUNTS,
    Draft,
    find_anchors,
    is_count,
    is_current_whole,
    is_first_told,
    is_of_others,
    is_whole,
    keep_larger,
    size_of,
    told_in_headline,
)
from monitor.claims.metrics import is_cumulative
from storage.records import Claim, ClaimStatus, Qualifier

# A count must be this much below another to be an older one and not the same, rounded.
_SAME_COUNT = 0.995
# Two figures stand side by side with so many characters between them: "16 dead and 147 missing".
_BESIDE = 6
# As what those are counted later who stood in a count that falls.
_LEAVE = {
    "missing": ("killed", "rescued", "found_safe", "identified"),
    "hostages": ("released", "rescued", "killed"),
}


def age_superseded(drafts: list[Draft]) -> None:
    """What the text supersedes: old lists, what the headline takes back, levels and entries of an earlier time."""
    _age_lists(drafts, find_anchors(_without_list_text(drafts)))
    _take_back_repeats(drafts)
    _age_levels(drafts)
    _age_entries(drafts)


def _age_lists(drafts: list[Draft], anchors: dict[str, Claim]) -> None:
    """A bullet list whose toll is below the headline's was written before it: all its figures are previous."""
    is_old = any(
        draft.is_listed
        and is_current_whole(draft.claim)
        and (draft.claim.value or 0) < size_of(anchors, draft.claim.metric)
        for draft in drafts
    )
    if is_old:
        for draft in drafts:
            if draft.is_listed and draft.claim.status is ClaimStatus.CURRENT:
                draft.claim = replace(draft.claim, status=ClaimStatus.PREVIOUS)


def _without_list_text(drafts: list[Draft]) -> list[Draft]:
    """All but what stands within a list, behind the first sentence of a bullet."""
    listed = [draft.sentence for draft in drafts if draft.is_listed]
    if not listed:
        return drafts
    first, last = min(listed), max(listed)
    return [
        draft
        for draft in drafts
        if draft.is_listed or draft.claim.field == "title" or not first < draft.sentence < last
    ]


def _take_back_repeats(drafts: list[Draft]) -> None:
    """What the headline withdraws ("84, not 101") is not standing in the body either."""
    given_up = told_in_headline(drafts, (ClaimStatus.RETRACTED, ClaimStatus.PREVIOUS))
    for draft in drafts:
        status = given_up.get((draft.claim.metric, draft.claim.value))
        if status is not None and is_current_whole(draft.claim):
            draft.claim = replace(draft.claim, status=status)


def _age_levels(drafts: list[Draft]) -> None:
    """ "It stood at 58 on Saturday": a level below one that the same voice gives is the level of before.

    "It" and "the number" take up a figure told before them; a level dated to an earlier day may stand anywhere.
    """
    all_told: dict[str, Claim] = {}
    of_now: dict[str, set[float | None]] = {}
    for draft in drafts:
        if is_count(draft.claim):
            keep_larger(all_told, draft.claim)
            if not draft.is_earlier and not draft.is_once:
                of_now.setdefault(draft.claim.metric, set()).add(draft.claim.value)
    # "On Monday the count was 16 dead and 147 missing": both are of then.
    dated = [(draft.sentence, draft.claim.end) for draft in drafts if draft.is_level and draft.is_earlier]
    levels = {draft.claim.metric for draft in drafts if draft.is_level and is_count(draft.claim)}
    before: dict[str, Claim] = {}
    feared: dict[str, Claim] = {}
    for draft in drafts:
        claim = draft.claim
        if _is_feared(claim):
            keep_larger(feared, claim)
        if not is_count(claim):
            continue
        tops = [(all_told if draft.is_earlier else before).get(claim.metric)]
        if draft.is_taken_up and draft.is_earlier:
            # "79 are presumed dead. The estimate on Saturday was 58": an earlier estimate of the same.
            tops.append(feared.get(claim.metric))
        # "54 people are missing. On Thursday the list had 65 names": what is in force may have been more or less.
        is_then = draft.is_level and draft.is_earlier
        is_then = is_then or any(at == draft.sentence and 0 < claim.start - end <= _BESIDE for at, end in dated)
        # "The list shrank to 43. On Friday 61 were unaccounted for."
        is_once = draft.is_once and claim.value not in of_now.get(claim.metric, ()) and claim.metric in levels
        is_of_then = (is_then or is_once) and not is_cumulative(claim.metric) and claim.metric in of_now
        is_told_again = draft.is_level and (draft.is_taken_up or draft.is_earlier) and claim.field == "text"
        if is_of_then or (is_told_again and any(_has_left(claim, top, is_dated=draft.is_earlier) for top in tops)):
            draft.claim = replace(claim, status=ClaimStatus.PREVIOUS)
        keep_larger(before, claim)


def _is_feared(claim: Claim) -> bool:
    return is_whole(claim) and claim.status is ClaimStatus.UNCONFIRMED and claim.qualifier in COUNTS


def _has_left(claim: Claim, top: Claim | None, *, is_dated: bool) -> bool:
    """Whether a count has given way to a larger one of the same voice, or of any voice if it is dated to before."""
    if top is None or not is_cumulative(claim.metric) or (claim.value or 0) >= (top.value or 0) * _SAME_COUNT:
        return False
    return is_dated or not is_of_others(claim, top)


def _age_entries(drafts: list[Draft]) -> None:
    """What an older entry of a live blog, newest first, gives below the newest figure was the figure of its hour."""
    newest: dict[str, Draft] = {}
    aged: set[int] = set()
    for draft in drafts:
        claim = draft.claim
        if draft.entry is None or claim.status is not ClaimStatus.CURRENT or not is_cumulative(claim.metric):
            continue
        top = newest.setdefault(claim.metric, draft)
        is_older = top.entry is not None and draft.entry < top.entry
        if is_older and is_whole(claim) and is_whole(top.claim) and (claim.value or 0) < (top.claim.value or 0):
            aged.add(draft.entry)
    for draft in drafts:
        if draft.entry in aged and is_current_whole(draft.claim):
            draft.claim = replace(draft.claim, status=ClaimStatus.PREVIOUS)


def age_with_found(drafts: list[Draft]) -> None:
    """ "33 are dead; of the 50 missing that leaves 17": the 50 hold the dead found since, and are missing no more.

    So do 29 missing of whom 20 were found alive, where nine are missing still.
    """
    told: dict[tuple[str, bool], set[float]] = {}
    found: dict[str, set[float]] = {}
    for draft in drafts:
        claim = draft.claim
        if claim.status is ClaimStatus.CURRENT and claim.value is not None and not claim.implicit:
            found.setdefault(claim.metric, set()).add(claim.value)
            if is_whole(claim) and (claim.qualifier is Qualifier.EXACT or claim.field == "text"):
                for is_later in {False, not is_first_told(draft)}:
                    told.setdefault((claim.metric, is_later), set()).add(claim.value)
    for draft in drafts:
        claim = draft.claim
        if claim.metric not in _LEAVE or claim.value is None or not is_current_whole(claim):
            continue
        gone = [value for metric in _LEAVE[claim.metric] for value in found.get(metric, ())]
        left = told.get((claim.metric, False), set())
        if is_first_told(draft):
            # What the lead gives is how things stand, unless the lead itself goes on to what is left.
            left = left - told.get((claim.metric, True), set())
        if any(claim.value - value in left for value in gone if 0 < value < claim.value):
            draft.claim = replace(claim, status=ClaimStatus.PREVIOUS)
