"""The last step of scope: which places limit a figure, judged over the whole text."""

from dataclasses import replace
from typing import Protocol

from monitor.claims.places import UNRESOLVED, Gazetteer, Mention, place_slug
from storage.records import Claim, ClaimStatus


class Placed(Protocol):
    """What this step needs of a draft."""

    claim: Claim
    mention: Mention | None
    is_subset: bool


def settle_places(drafts: list, title: str, gazetteer: Gazetteer) -> tuple[Claim, ...]:  # type: ignore[type-arg]
    """Claims with their places set.

    With a gazetteer a known place decides. Without one, a place limits a figure only if the text also gives a
    larger figure of the same metric elsewhere or for the whole, or if the figure is told as a part.
    """
    title_slug = f"-{place_slug(title)}-"
    claims: list[Claim] = []
    for draft in drafts:
        claim = draft.claim
        if draft.mention is None:
            claims.append(claim)
            continue
        key, is_whole = gazetteer.resolve(draft.mention)
        if gazetteer.has_places and gazetteer.knows(draft.mention):
            limits = not is_whole
        elif key == UNRESOLVED:
            limits = True
        else:
            limits = draft.is_subset or (
                f"-{key}-" not in title_slug and _has_larger(claim, drafts, draft.mention)
            )
        claims.append(replace(claim, place=key, place_text=draft.mention.text) if limits else claim)
    return tuple(claims)


def _has_larger(claim: Claim, drafts: list, mention: Mention) -> bool:  # type: ignore[type-arg]
    slug = place_slug(mention.text)
    for other in drafts:
        if other.claim is claim or other.claim.metric != claim.metric or other.claim.population is not None:
            continue
        if other.claim.status in (ClaimStatus.OTHER_EVENT, ClaimStatus.UNCONFIRMED):
            continue
        other_slug = place_slug(other.mention.text) if other.mention else ""
        if other_slug != slug and (other.claim.value or 0) > (claim.value or 0):
            return True
    return False
