"""A claim on its way to the end of its text, and what every step over a whole text asks of one."""

from monitor.claims.places import Mention
from storage.records import Claim, ClaimKind, ClaimStatus, Qualifier

# A figure so qualified was counted: neither estimated nor vague.
COUNTS = frozenset((Qualifier.EXACT, Qualifier.AT_LEAST, Qualifier.MORE_THAN))


class Draft:
    """A claim on its way: the record so far and what later steps still need of its sentence."""

    __slots__ = (
        "claim",
        "entry",
        "is_bare",
        "is_besides",
        "is_count",
        "is_dated",
        "is_earlier",
        "is_inherited",
        "is_level",
        "is_listed",
        "is_more",
        "is_named",
        "is_of_them",
        "is_once",
        "is_placed",
        "is_present",
        "is_proven",
        "is_rest",
        "is_subset",
        "is_sum",
        "is_taken_up",
        "is_there",
        "mention",
        "sentence",
    )

    def __init__(
        self,
        claim: Claim,
        mention: Mention | None,
        is_subset: bool,
        sentence: int,
        is_level: bool = False,
        is_listed: bool = False,
        is_placed: bool = False,
        is_taken_up: bool = False,
        is_inherited: bool = False,
        is_earlier: bool = False,
        is_bare: bool = False,
        is_of_them: bool = False,
        is_more: bool = False,
        is_present: bool = False,
        is_besides: bool = False,
        is_count: bool = False,
        is_there: bool = False,
        is_rest: bool = False,
        is_proven: bool = True,
        is_dated: bool = False,
        is_named: bool = False,
        is_sum: bool = False,
        is_once: bool = False,
        entry: int | None = None,
    ) -> None:
        self.claim = claim
        self.mention = mention
        self.is_subset = is_subset
        self.sentence = sentence
        self.is_level = is_level
        self.is_listed = is_listed
        self.is_placed = is_placed
        self.is_taken_up = is_taken_up
        self.is_inherited = is_inherited
        self.is_earlier = is_earlier
        self.is_bare = is_bare
        self.is_of_them = is_of_them
        self.is_more = is_more
        self.is_present = is_present
        self.is_besides = is_besides
        self.is_count = is_count
        self.is_there = is_there
        self.is_rest = is_rest
        self.is_proven = is_proven
        self.is_dated = is_dated
        self.is_named = is_named
        self.is_sum = is_sum
        self.is_once = is_once
        self.entry = entry


def is_whole(claim: Claim) -> bool:
    """Whether a figure is the level of all of them, everywhere."""
    return claim.population is None and claim.place is None and claim.kind is ClaimKind.LEVEL


def is_current_whole(claim: Claim) -> bool:
    """Whether such a figure stands."""
    return is_whole(claim) and claim.status is ClaimStatus.CURRENT


def is_count(claim: Claim) -> bool:
    """Whether such a standing figure was counted."""
    return is_current_whole(claim) and claim.qualifier in COUNTS


def is_of_others(claim: Claim, anchor: Claim | None) -> bool:
    """Whether two voices give two counts: "42 died, the minister said, where Amnesty has 61"."""
    return is_told_by_others(claim.origin, anchor)


def is_told_by_others(teller: str | None, anchor: Claim | None) -> bool:
    """Whether who tells something is known, and is not who tells the anchor."""
    return anchor is not None and None not in (teller, anchor.origin) and teller != anchor.origin


def is_first_told(draft: Draft) -> bool:
    """Whether headline or lead give it."""
    return draft.claim.field == "title" or draft.sentence == 0


def tells_level(draft: Draft) -> bool:
    """Whether headline, lead or a sentence on the level give it."""
    return draft.is_level or is_first_told(draft)


def told_in_headline(
    drafts: list[Draft], statuses: tuple[ClaimStatus, ...]
) -> dict[tuple[str, float | None], ClaimStatus]:
    """The headline's figures that stand in one of these ways, by metric and value."""
    return {
        (draft.claim.metric, draft.claim.value): draft.claim.status
        for draft in drafts
        if draft.claim.field == "title" and draft.claim.status in statuses
    }


def find_anchors(drafts: list[Draft], *, is_told: bool = True) -> dict[str, Claim]:
    """By metric the largest current whole: of all, or of headline, lead and sentences on the level (`is_told`)."""
    anchors: dict[str, Claim] = {}
    for draft in drafts:
        claim = draft.claim
        if claim.qualifier is Qualifier.VAGUE or (is_told and not tells_level(draft)):
            continue
        if is_current_whole(claim) and claim.value is not None:
            keep_larger(anchors, claim)
    return anchors


def keep_larger(largest: dict[str, Claim], claim: Claim) -> None:
    """Put a claim in the place of a smaller one of its metric."""
    top = largest.get(claim.metric)
    if top is None or (claim.value or 0) > (top.value or 0):
        largest[claim.metric] = claim


def size_of(anchors: dict[str, Claim], metric: str) -> float:
    """The value of a metric's anchor; 0 without one."""
    top = anchors.get(metric)
    return 0.0 if top is None else top.value or 0.0
