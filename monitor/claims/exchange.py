"""Claims in the exchange format of `storywatch extract --jsonl`: plain dictionaries, one an assertion."""

from typing import Any

from storage.records import Claim, ClaimKind, Qualifier

_FAMILY = {Qualifier.FEWER_THAN: "fewer_than"}


def claim_to_exchange(claim: Claim) -> dict[str, Any]:
    """One claim for outsiders: `low` is the number as stated, `high` is given for ranges and vague words only."""
    is_wide = claim.qualifier in (Qualifier.RANGE, Qualifier.VAGUE)
    voices = [voice for voice in (claim.speaker, claim.via) if voice]
    return {
        "metric": claim.metric,
        "value": claim.value,
        "low": claim.value,
        "high": claim.high if is_wide else None,
        "qualifier": _FAMILY.get(claim.qualifier, str(claim.qualifier)),
        "delta": claim.kind is ClaimKind.INCREMENT,
        "population": claim.population,
        "place": claim.place,
        "status": str(claim.status),
        "attribution": " / ".join(voices) or None,
        "as_of": claim.as_of.not_before.isoformat() if claim.as_of else None,
        "state": claim.state,
        "implicit": claim.implicit,
        "field": claim.field,
        "start": claim.start,
        "end": claim.end,
        "quote": claim.quote,
        "rule": claim.rule,
    }
