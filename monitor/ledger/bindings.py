"""What a judgement on a claim is bound to beside the claim's id: by it the claim is found after a re-extraction.

A binding is the claim's place and words (`url`, `quote`) and how they were `read`: measure, value, population, place.
Of two claims in one sentence each is judged for itself, and what a newer lexicon reads otherwise is another claim.
Where several claims of an article share all that, `sentence` and `at` (the quote's place in it) tell them apart.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from storage.keys import normalise_sentence
from storage.records import StampedClaim

_READ = ("field", "metric", "unit", "value", "state", "population", "place", "period")


def binding_of(stamped: StampedClaim, beside: Iterable[StampedClaim]) -> dict[str, Any]:
    """Return what finds a claim again, ready for JSON; `beside` are the claims of its article."""
    bound = _place_and_reading(stamped)
    if any(one.claim_id != stamped.claim_id and _place_and_reading(one) == bound for one in beside):
        bound |= _spot(stamped)
    return bound


def is_bound(binding: Mapping[str, Any], stamped: StampedClaim) -> bool:
    """Whether a claim is the one that a binding speaks of; one that was made without a reading is bound by quote."""
    if (binding.get("url"), binding.get("quote")) != (stamped.url, stamped.claim.quote):
        return False
    read = binding.get("read")
    if isinstance(read, dict) and any(getattr(stamped.claim, name) != read.get(name) for name in _READ):
        return False
    return "at" not in binding or all(binding.get(name) == value for name, value in _spot(stamped).items())


def _place_and_reading(stamped: StampedClaim) -> dict[str, Any]:
    read = {name: getattr(stamped.claim, name) for name in _READ}
    return {"url": stamped.url, "quote": stamped.claim.quote, "read": read}


def _spot(stamped: StampedClaim) -> dict[str, Any]:
    claim = stamped.claim
    return {"sentence": normalise_sentence(stamped.sentence), "at": claim.start - claim.sentence_start}
