"""What the seed article says: claims that open records before anything is read. They are never told."""

from datetime import UTC, datetime

from storage.keys import number_text, stable_hash
from storage.records import Claim, ClaimKind, Qualifier, Span, StampedClaim, Story

_PREFIX = "b1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_baseline(claim_id: str) -> bool:
    """Whether a claim id is one of a seed's baseline."""
    return claim_id.startswith(f"{_PREFIX}-")


def is_unquoted(claim_id: str, sentence: str, quote: str) -> bool:
    """Whether a claim is of a seed that gives no sentence for it: what stands for the sentence is the bare figure."""
    return is_baseline(claim_id) and sentence in ("", quote)


def baseline_claims(story: Story) -> list[StampedClaim]:
    """Return the stamped claims of a seed's baseline figures and states, in the seed's order."""
    figures = [
        (
            Claim(
                metric=one.metric,
                unit=next((metric.unit for metric in story.metrics if metric.name == one.metric), "people"),
                value=one.value,
                low=one.value,
                high=one.high if one.high is not None else one.value if one.qualifier is Qualifier.EXACT else None,
                qualifier=one.qualifier,
                population=one.population,
                place=one.place,
                origin=one.origin,
                quote=number_text(one.value),
                rule="seed",
            ),
            one.effective_at,
            one.quote,
        )
        for one in story.claims
    ]
    states = [
        (
            Claim(
                metric=one.subject,
                kind=ClaimKind.STATE,
                state=one.state,
                origin=one.origin,
                as_of=one.effective_at,
                quote=one.state,
                rule="seed",
            ),
            one.effective_at,
            one.quote,
        )
        for one in story.states
    ]
    every = enumerate([*figures, *states])
    return [_stamp(story, claim, at, number, sentence=quote or claim.quote) for number, (claim, at, quote) in every]


def _stamp(story: Story, claim: Claim, at: Span | None, number: int, *, sentence: str) -> StampedClaim:
    asserted = at or story.seed.published or _begin(story)
    parts = (story.slug, claim.metric, number_text(claim.value), claim.state or "", claim.population or "")
    return StampedClaim(
        claim_id=stable_hash(_PREFIX, *parts, claim.place or "", str(number)),
        claim=claim,
        story=story.slug,
        article_id=0,
        url=story.seed.url or f"seed:{story.slug}",
        title=story.seed.title,
        source=story.seed.source,
        sentence=sentence,
        asserted_at=asserted,
        recorded_at=asserted.not_after,
        is_baseline=True,
    )


def _begin(story: Story) -> Span:
    at = story.period_start or _EPOCH
    return Span(not_before=at, not_after=at)
