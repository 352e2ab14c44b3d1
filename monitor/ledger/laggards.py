"""PURE: who still carries a figure that was withdrawn or superseded."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from monitor.ledger.positions import LAGGED_RULES
from storage.records import Figure, History, RecordKey, Span, StampedClaim

# A figure between two that stood ("6.rising") came late and was never withdrawn: who states it carries no dead one.
_DEAD = LAGGED_RULES - {"6.rising"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Laggard:
    """An article that still states a dead figure."""

    key: RecordKey
    figure: Figure
    source: str
    url: str
    title: str
    sentence: str
    asserted_at: Span | None
    claim_id: str


def find_laggards(
    histories: Mapping[RecordKey, History], claims: Iterable[StampedClaim], *, removed: Collection[int] = ()
) -> tuple[Laggard, ...]:
    """Return the articles that carry a dead figure now, in the order of records; not those that edited it away.

    `removed` are the numbers of articles whose pages are gone: they carry nothing any more.
    """
    by_id = {stamped.claim_id: stamped for stamped in claims}
    found = []
    for key, history in histories.items():
        for refusal in history.refusals:
            stamped = by_id.get(refusal.claim_id)
            if refusal.rule not in _DEAD or stamped is None:
                continue
            if stamped.ended_at is not None or stamped.article_id in removed:
                continue
            claim = stamped.claim
            found.append(
                Laggard(
                    key=key,
                    figure=Figure(value=claim.value, low=claim.low, high=claim.high, qualifier=claim.qualifier),
                    source=stamped.source,
                    url=stamped.url,
                    title=stamped.title,
                    sentence=stamped.sentence,
                    asserted_at=stamped.asserted_at,
                    claim_id=stamped.claim_id,
                )
            )
    return tuple(found)
