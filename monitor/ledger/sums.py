"""Rule 11, across measures: "victims" that count the dead and the injured together must not raise the dead.

"The fire left 144 victims, 44 of them dead and 100 injured": the 144 is read as a toll, for a text that says "victims"
mostly means the dead. Where it equals what the same text, or the standing count and a text of the last days, give for
the dead and the injured, it is their sum, and is refused as one. The 44 "of them" are then no part of the dead but all.
"""

import re
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from monitor.claims.lexicon import expand_all
from monitor.claims.scope import PART
from monitor.ledger.assertions import Assertion
from monitor.ledger.record import RecordState
from storage.records import ClaimKind, ClaimStatus, MetricKind, Qualifier, Refusal, Span, StampedClaim

# The measure that a word for victims may add to another: dead and injured.
ADDED = {"killed": "injured"}
RULE, REASON = "11.sum", "dead_and_injured"
# Days for which a count of injured is remembered beside a toll.
_RECENT = 7

Text = tuple[str, Span | None]


@cache
def _victims() -> re.Pattern[str]:
    """The words for victims, of all lexicons, as whole words."""
    words: set[str] = set()
    for folder in (files("monitor.claims") / "lexicons").iterdir():
        source = folder / "triggers.toml"
        if folder.is_dir() and source.is_file():
            listed = tomllib.loads(source.read_text(encoding="utf-8")).get("victims", {})
            forms = expand_all((*listed.get("toll", ()), *listed.get("counted", ())))
            words.update(re.escape(word.casefold()) for word in forms)
    return re.compile(rf"\b(?:{'|'.join(sorted(words))})\b")


def speaks_of_victims(stamped: StampedClaim) -> bool:
    """Whether a claim's sentence counts victims, whatever they suffered."""
    return _victims().search(stamped.sentence.casefold()) is not None


def is_addend(stamped: StampedClaim) -> bool:
    """Whether a claim is a count that a sum of victims may hold."""
    claim = stamped.claim
    return (
        claim.kind is ClaimKind.LEVEL
        and claim.status is ClaimStatus.CURRENT
        and claim.qualifier in (Qualifier.EXACT, Qualifier.AT_LEAST)
        and bool(claim.value)
    )


@dataclass(slots=True)
class Addends:
    """The counts that stand beside a record's own: of its texts, and of the injured by day."""

    by_text: dict[Text, dict[str, StampedClaim]] = field(default_factory=dict)
    by_day: dict[int, dict[str, float]] = field(default_factory=dict)

    def put(self, stamped: StampedClaim, day: int | None, *, is_removal: bool) -> None:
        """Add a count, or take it out. `day`: of a count of injured; None for one of the record's own measure."""
        text = (text_of(stamped), stamped.asserted_at)
        if is_removal:
            self.by_text.get(text, {}).pop(stamped.claim_id, None)
            if day is not None:
                self.by_day.get(day, {}).pop(stamped.claim_id, None)
            return
        self.by_text.setdefault(text, {})[stamped.claim_id] = stamped
        if day is not None:
            self.by_day.setdefault(day, {})[stamped.claim_id] = _value(stamped)

    def sums_in(self, text: Text, metric: str, claims: Iterable[StampedClaim]) -> frozenset[str]:
        """Return the claims of one text on a record that are the sum of the dead and the injured of that text."""
        counts = self.by_text.get(text)
        if not counts:
            return frozenset()
        whole = [stamped for stamped in claims if is_addend(stamped)]
        hurt = self._injured(text, metric)
        dead = {_value(stamped) for stamped in counts.values() if stamped.claim.metric == metric}
        sums = {one + other for one in dead.union(map(_value, whole)) for other in hurt}
        return frozenset(
            stamped.claim_id for stamped in whole if stamped.claim.value in sums and speaks_of_victims(stamped)
        )

    def dead_among(self, text: Text, metric: str, sums: Collection[float]) -> list[StampedClaim]:
        """Return the counts of "some of them" that are all the dead, where they were some of a sum of victims."""
        hurt = self._injured(text, metric)
        found = [
            stamped
            for stamped in self.by_text.get(text, {}).values()
            if stamped.claim.metric == metric
            and stamped.claim.population == PART
            and any(_value(stamped) + one in sums for one in hurt)
        ]
        return sorted(found, key=lambda stamped: stamped.claim_id)

    def _injured(self, text: Text, metric: str) -> set[float]:
        counts = self.by_text.get(text, {}).values()
        return {_value(stamped) for stamped in counts if stamped.claim.metric == ADDED[metric]}

    def tells_of_injured(self, text: Text, metric: str) -> bool:
        """Whether a text counts the injured itself: then its victims are the dead."""
        return bool(self._injured(text, metric))

    def is_sum(self, state: RecordState, one: Assertion) -> bool:
        """Whether a figure is the standing count and the injured of the last days together."""
        standing = state.standing
        if not one.is_of_victims or standing is None or one.day is None or one.status is not ClaimStatus.CURRENT:
            return False
        if state.kind is not MetricKind.CUMULATIVE or one.figure.value is None or not standing.figure.value:
            return False
        rest = one.figure.value - standing.figure.value
        return any(rest in self.by_day.get(day, {}).values() for day in range(one.day - _RECENT, one.day + 1))


def _value(stamped: StampedClaim) -> float:
    return float(stamped.claim.value or 0.0)


def text_of(stamped: StampedClaim) -> str:
    """Return what marks the text that a claim stands in, beside the time at which it stood so."""
    return stamped.url or f"#{stamped.article_id}"


def refusal_of(claim_id: str) -> Refusal:
    """Return why a sum of victims was not taken for a toll."""
    return Refusal(claim_id=claim_id, rule=RULE, reason=REASON)
