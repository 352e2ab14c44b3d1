"""Questions that researchers put to the archive: who said what, who first, who still does, who put it right when."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session

from storage.articles import find_removed
from storage.claims import find_histories, get_history, list_claims
from storage.records import (
    Claim,
    ClaimKind,
    ClaimStatus,
    Correction,
    Figure,
    OriginPosition,
    Qualifier,
    RecordKey,
    RevisionKind,
    StampedClaim,
)

_SAID = (ClaimStatus.CURRENT, ClaimStatus.UNCONFIRMED)
_WIDE = (Qualifier.RANGE, Qualifier.VAGUE)
_UNSAID = (ClaimStatus.RETRACTED, ClaimStatus.DENIED)
_TAKEN_BACK = (RevisionKind.LOWERED, RevisionKind.RETRACTED, RevisionKind.RAISED)


def list_positions(session: Session, story: str, origin: str) -> tuple[OriginPosition, ...]:
    """Everything that one origin says or said, by record and time."""
    found = [
        OriginPosition(key=key, position=position)
        for key, history in sorted(find_histories(session, story).items())
        for position in history.positions
        if position.origin == origin
    ]
    return tuple(found)


def list_carriers(session: Session, key: RecordKey, *, known_at: datetime | None = None) -> tuple[StampedClaim, ...]:
    """The claims by which articles still carry a figure of this record that was withdrawn or lowered, oldest first.

    One for each article and figure: of those that it has carried the longest a sentence of its text before the headline
    and what repeats it. Pages that are gone carry nothing any more.
    """
    withdrawn = {_number(figure) for figure in get_history(session, key).deprecated if figure.value is not None}
    carrying = [
        claim
        for claim in _claims_of(session, key, known_at)
        if _number(claim.claim) in withdrawn
        and claim.claim.status is ClaimStatus.CURRENT
        and (claim.ended_at is None or (known_at is not None and claim.ended_at > known_at))
    ]
    removed = find_removed(session, {claim.article_id for claim in carrying}, by=known_at)
    found: dict[tuple[int | str, tuple[float | None, ...]], StampedClaim] = {}
    for claim in sorted(carrying, key=lambda one: (_when(one), _is_headline(one), one.claim.start, one.claim_id)):
        if claim.article_id not in removed:
            found.setdefault(
                (claim.article_id or claim.url, _number(claim.claim)), claim
            )  # a seed's articles are not stored
    return tuple(found.values())


def _is_headline(stamped: StampedClaim) -> bool:
    """Whether a claim is from the headline, or from where the text repeats it."""
    return stamped.claim.field != "text" or stamped.sentence.strip() == stamped.title.strip()


def list_first_reports(session: Session, key: RecordKey) -> tuple[StampedClaim, ...]:
    """For each figure of this record the earliest published claim of it, oldest first: who reported it first."""
    found: dict[tuple[float | None, ...], StampedClaim] = {}
    for claim in _reports_of(session, key):
        if claim.claim.value is not None:
            found.setdefault(_number(claim.claim), claim)
    return tuple(found.values())


def list_followers(session: Session, key: RecordKey, figure: Figure) -> tuple[StampedClaim, ...]:
    """Each outlet's earliest published claim of a figure in this record, in the order of publication."""
    found: dict[str, StampedClaim] = {}
    for claim in _reports_of(session, key):
        if _number(claim.claim) == _number(figure):
            found.setdefault(claim.source, claim)
    return tuple(found.values())


def list_corrections(session: Session, key: RecordKey) -> tuple[Correction, ...]:
    """For each figure taken back in this record and each outlet that carried it: when it put it right, if it did.

    Put right is: the sentence went by an edit, or the outlet reported that the figure was taken back, or carried the
    one that replaced it. The delay is counted from the publication of whatever took the figure back (0 for an outlet
    that was earlier).
    """
    history = get_history(session, key)
    claims = _by_time(claim for claim in _claims_of(session, key) if not claim.is_baseline)
    found: list[Correction] = []
    for step in history.steps:
        wrong = step.before
        if step.kind not in _TAKEN_BACK or wrong is None or wrong not in history.deprecated or step.public_at is None:
            continue
        for source in dict.fromkeys(claim.source for claim in claims if _carries(claim, wrong)):
            own = [claim for claim in claims if claim.source == source]
            found.append(_correction(key, own, wrong, step.figure, step.public_at.not_before))
    return tuple(found)


def _correction(
    key: RecordKey, claims: Sequence[StampedClaim], wrong: Figure, right: Figure | None, since: datetime
) -> Correction:
    carried = [claim for claim in claims if _carries(claim, wrong)]
    ends = [claim.ended_at for claim in carried if claim.ended_at is not None]
    later = [claim for claim in claims if _when(claim) > _when(carried[0])]
    ends += [
        _when(claim) for claim in later if _number(claim.claim) == _number(wrong) and claim.claim.status in _UNSAID
    ]
    if right is not None:
        ends += [_when(claim) for claim in later if _carries(claim, right)]
    corrected = min(ends, default=None)
    return Correction(
        key=key,
        source=carried[0].source,
        figure=wrong,
        carried_at=_when(carried[0]),
        taken_back_at=since,
        corrected_at=corrected,
        delay_seconds=None if corrected is None else max(0.0, (corrected - since).total_seconds()),
    )


def _carries(claim: StampedClaim, figure: Figure) -> bool:
    """Whether a claim states a figure as one that holds; who reports that it was taken back does not carry it."""
    return _number(claim.claim) == _number(figure) and claim.claim.status in _SAID


def _number(said: Claim | Figure) -> tuple[float | None, ...]:
    """What tells one figure from others: its number however that is hedged; of ranges and of words such as "dozens" the
    bounds, since their first number is no figure that anybody has given.
    """
    return (said.low, said.high) if said.qualifier in _WIDE else (said.value,)


def _reports_of(session: Session, key: RecordKey) -> list[StampedClaim]:
    claims = _claims_of(session, key)
    return _by_time(claim for claim in claims if claim.claim.status in _SAID and not claim.is_baseline)


def _claims_of(session: Session, key: RecordKey, known_at: datetime | None = None) -> tuple[StampedClaim, ...]:
    found = list_claims(session, key.story, metric=key.metric, known_at=known_at)
    return tuple(
        stamped
        for stamped in found
        if stamped.claim.kind is not ClaimKind.INCREMENT  # "two more" are no figure of the record
        and (stamped.claim.unit, stamped.claim.population or "", stamped.claim.place or "", stamped.claim.period or "")
        == (key.unit, key.population, key.place, key.period)
    )


def _by_time(claims: Iterable[StampedClaim]) -> list[StampedClaim]:
    return sorted(claims, key=lambda claim: (_when(claim), claim.claim_id))


def _when(claim: StampedClaim) -> datetime:
    return claim.asserted_at.not_before if claim.asserted_at is not None else claim.recorded_at
