"""SHELL: bind judgements of earlier versions to what their claims said, as judgements made today are.

Earlier versions bound a judgement to its claim's address and quote alone: of two figures that are written alike both
were judged, and so was whatever a newer lexicon read there. What a claim said when it was judged is stored still, be it
superseded since; where it is not, the judgement stays bound as it was.
"""

import json
from collections.abc import Sequence

from sqlmodel import Session

from monitor.ledger.bindings import binding_of
from monitor.ledger.judgements import read_payload
from storage import claims, judgements
from storage.records import Judgement, JudgementKind

_ON_ONE = (JudgementKind.REJECT, JudgementKind.RESCOPE)


def bind_older(session: Session, story: str, standing: Sequence[Judgement]) -> tuple[Judgement, ...]:
    """Return a story's judgements, those bound to a quote alone bound more closely, in the store too.

    Call within a write transaction.
    """
    return tuple(_bound(session, story, one) for one in standing)


def _bound(session: Session, story: str, judgement: Judgement) -> Judgement:
    payload = read_payload(judgement)
    if judgement.kind in _ON_ONE and "quote" in payload and "read" not in payload:
        bound = _binding_then(session, story, judgement.target, judgement)
        payload |= bound or {}
    elif judgement.kind is JudgementKind.SPLIT and "bound" not in payload:
        every = [_binding_then(session, story, str(name), judgement) for name in payload["claims"]]
        bound = {"bound": every} if None not in every else None
        payload |= bound or {}
    else:
        return judgement
    return judgements.bind_judgement(session, judgement.judgement_id, json.dumps(payload)) if bound else judgement


def _binding_then(session: Session, story: str, claim_id: str, judgement: Judgement) -> dict[str, object] | None:
    """What binds a claim, as it was read when it was judged; None of a claim of which nothing is stored."""
    at = judgement.made_at
    ruled = next(iter(claims.list_claims(session, story, claim_ids=[claim_id], known_at=at)), None)
    if ruled is None:
        return None
    return binding_of(ruled, claims.list_claims(session, story, article_id=ruled.article_id, known_at=at))
