"""PURE: what a story's seed says as claims of its own, so that the ledger folds them like any other."""

from datetime import datetime

from storage.keys import number_text, stable_hash
from storage.records import (
    BaselineClaim,
    BaselineState,
    Claim,
    ClaimKind,
    Qualifier,
    StampedClaim,
    Story,
    Trust,
)

BASELINE_RULE = "seed"


def baseline_claims(story: Story, *, units: dict[str, str], recorded_at: datetime) -> tuple[StampedClaim, ...]:
    """Return the baseline figures and states of a seed, stamped with the publication of the seed article.

    `units` maps a metric to its unit; an unknown metric counts people. `recorded_at` is when the story was taken up.
    """
    figures = [_figure(baseline, units.get(baseline.metric, "people")) for baseline in story.claims]
    states = [_state(baseline) for baseline in story.states]
    return tuple(_stamp(story, claim, recorded_at) for claim in [*figures, *states])


def _figure(baseline: BaselineClaim, unit: str) -> Claim:
    low, high = _bounds(baseline)
    return Claim(
        metric=baseline.metric,
        unit=unit,
        value=baseline.value,
        low=low,
        high=high,
        qualifier=baseline.qualifier,
        population=baseline.population,
        place=baseline.place,
        as_of=baseline.effective_at,
        speaker=baseline.origin,
        origin=baseline.origin,
        rule=BASELINE_RULE,
    )


def _bounds(baseline: BaselineClaim) -> tuple[float | None, float | None]:
    if baseline.high is not None:
        return baseline.value, baseline.high
    if baseline.qualifier in (Qualifier.AT_LEAST, Qualifier.MORE_THAN):
        return baseline.value, None
    if baseline.qualifier in (Qualifier.AT_MOST, Qualifier.FEWER_THAN):
        return None, baseline.value
    return baseline.value, baseline.value


def _state(baseline: BaselineState) -> Claim:
    return Claim(
        metric="_".join(baseline.subject.lower().split()),
        unit="state",
        kind=ClaimKind.STATE,
        state="_".join(baseline.state.lower().split()),
        as_of=baseline.effective_at,
        speaker=baseline.origin,
        origin=baseline.origin,
        rule=BASELINE_RULE,
    )


def _stamp(story: Story, claim: Claim, recorded_at: datetime) -> StampedClaim:
    parts = (
        story.slug,
        claim.metric,
        claim.state or number_text(claim.value),
        claim.population or "",
        claim.place or "",
    )
    return StampedClaim(
        claim_id=stable_hash("b1", *parts),
        claim=claim,
        story=story.slug,
        article_id=0,
        url=story.seed.url,
        title=story.seed.title,
        source=story.seed.source,
        trust=Trust.AGENCY,
        asserted_at=story.seed.published,
        recorded_at=recorded_at,
        is_baseline=True,
    )
