"""What a person overruled, replayed over claims before they are folded.

The payload of a judgement is JSON. `reject`, `rescope`: the target is a claim id; `url` and `quote` in the payload
find the claim again after a re-extraction gave it another identity. `rescope` sets any of `metric`, `unit`,
`population`, `place`, `period`, `status`, `value`, `qualifier`, `origin`. `merge`: the target is a record key, `into`
another.
`split`: the target is a record key, `claims` are claim ids, `into` the key of their own record. `alias`: the target
is a name, `origin` who it is. `pin`: the target is a record key, `value` and `qualifier` the figure. `add`: the
target is a record key, with `value`, `qualifier`, `status`, `origin`, `asserted_at` (ISO), `url`, `quote`.
`reject_match`, `accept_match`: the target is an article's number or address, the last one counts. A
revoked judgement never was.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from storage.keys import key_text, parse_key, stable_hash
from storage.records import (
    Claim,
    ClaimStatus,
    Judgement,
    JudgementKind,
    MatchState,
    Qualifier,
    RecordKey,
    Span,
    StampedClaim,
)

_SCOPES = ("metric", "unit", "population", "place", "period", "origin")
_ON_CLAIMS = (JudgementKind.REJECT, JudgementKind.RESCOPE)
MATCH_STATES = {JudgementKind.ACCEPT_MATCH: MatchState.ACCEPTED, JudgementKind.REJECT_MATCH: MatchState.REJECTED}
"""What a judgement on a match makes of it."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A figure that a person set for a record, from a moment on."""

    key: RecordKey
    claim: StampedClaim


class Rulings:
    """All judgements of one story that are in force, ready to be asked."""

    def __init__(self, judgements: Iterable[Judgement]) -> None:
        self.aliases: dict[str, str] = {}
        self.pins: list[Pin] = []
        self.added: list[StampedClaim] = []
        self._on_claim: dict[str, list[tuple[Judgement, dict[str, Any]]]] = {}
        self._on_quote: dict[tuple[str, str], list[tuple[Judgement, dict[str, Any]]]] = {}
        self._moved: dict[RecordKey, RecordKey] = {}
        self._split: dict[str, RecordKey] = {}
        self._unmatched: set[str] = set()
        for judgement in sorted(judgements, key=lambda one: (one.made_at, one.judgement_id)):
            if judgement.revoked_at is None:
                self._take(judgement, read_payload(judgement))

    def _take(self, judgement: Judgement, payload: dict[str, Any]) -> None:
        if judgement.kind in _ON_CLAIMS:
            self._on_claim.setdefault(judgement.target, []).append((judgement, payload))
            if payload.get("url") and payload.get("quote"):
                place = (str(payload["url"]), str(payload["quote"]))
                self._on_quote.setdefault(place, []).append((judgement, payload))
        elif judgement.kind is JudgementKind.ALIAS:
            self.aliases[judgement.target] = str(payload.get("origin", ""))
        elif judgement.kind is JudgementKind.MERGE:
            self._moved[parse_key(judgement.target)] = parse_key(str(payload["into"]))
        elif judgement.kind is JudgementKind.SPLIT:
            self._split.update(dict.fromkeys(map(str, payload["claims"]), parse_key(str(payload["into"]))))
        elif judgement.kind is JudgementKind.PIN:
            key = parse_key(judgement.target)
            self.pins.append(Pin(key, _by_hand(judgement, key, payload)))
        elif judgement.kind is JudgementKind.ADD:
            self.added.append(_by_hand(judgement, parse_key(judgement.target), payload))
        elif judgement.kind is JudgementKind.REJECT_MATCH:
            self._unmatched.add(judgement.target)
        elif judgement.kind is JudgementKind.ACCEPT_MATCH:
            self._unmatched.discard(judgement.target)

    def judge(self, stamped: StampedClaim) -> StampedClaim | None:
        """Return a claim as a person left it: None when rejected, re-scoped when told so."""
        if self._unmatched and not self._unmatched.isdisjoint((stamped.url, str(stamped.article_id))):
            return None
        rulings = self._on_claim.get(stamped.claim_id) or self._on_quote.get((stamped.url, stamped.claim.quote), [])
        for judgement, payload in rulings:
            if judgement.kind is JudgementKind.REJECT:
                return None
            stamped = replace(stamped, claim=_rescoped(stamped.claim, payload))
        return stamped

    def splits(self, claim_id: str) -> bool:
        """Whether a person gave this very claim a record of its own."""
        return claim_id in self._split

    def key_for(self, stamped: StampedClaim, key: RecordKey) -> RecordKey:
        """Return the record that a claim counts for after splits and merges."""
        key = self._split.get(stamped.claim_id, key)
        for _ in range(len(self._moved)):
            if key not in self._moved:
                break
            key = self._moved[key]
        return key


def match_state(judgements: Iterable[Judgement]) -> MatchState:
    """Return how a match stands by the judgements on it that are in force: the last one counts, none leaves it be."""
    standing = [one for one in judgements if one.kind in MATCH_STATES and one.revoked_at is None]
    last = max(standing, key=lambda one: (one.made_at, one.judgement_id), default=None)
    return MatchState.AUTOMATIC if last is None else MATCH_STATES[last.kind]


def read_payload(judgement: Judgement) -> dict[str, Any]:
    """Return a judgement's payload. Raises ValueError, naming the judgement, when it is no JSON object."""
    try:
        payload = json.loads(judgement.payload or "{}")
    except json.JSONDecodeError as error:
        raise ValueError(f"judgement {judgement.judgement_id}: the payload is no JSON ({error})") from error
    if not isinstance(payload, dict):
        raise ValueError(f"judgement {judgement.judgement_id}: the payload must be a JSON object")
    return payload


def _rescoped(claim: Claim, payload: Mapping[str, Any]) -> Claim:
    changes: dict[str, Any] = {}
    for name in _SCOPES:
        if name in payload:
            changes[name] = payload[name] or (None if name not in ("metric", "unit") else getattr(claim, name))
    if "status" in payload:
        changes["status"] = ClaimStatus(payload["status"])
    if "qualifier" in payload:
        changes["qualifier"] = Qualifier(payload["qualifier"])
    if "value" in payload:
        value = float(payload["value"])
        changes |= {"value": value, "low": value, "high": value}
    return replace(claim, **changes)


def _by_hand(judgement: Judgement, key: RecordKey, payload: Mapping[str, Any]) -> StampedClaim:
    """Return the claim that a person states: recorded when judged, asserted then too unless the payload dates it."""
    value = None if payload.get("value") is None else float(payload["value"])
    at = datetime.fromisoformat(payload["asserted_at"]) if payload.get("asserted_at") else judgement.made_at
    claim = Claim(
        metric=key.metric,
        unit=key.unit,
        value=value,
        low=value,
        high=value,
        qualifier=Qualifier(payload.get("qualifier", Qualifier.EXACT)),
        status=ClaimStatus(payload.get("status", ClaimStatus.CURRENT)),
        population=key.population or None,
        place=key.place or None,
        period=key.period or None,
        origin=payload.get("origin") or judgement.who,
        quote=str(payload.get("quote", "")),
        rule=f"judgement:{judgement.kind}",
    )
    identity = stable_hash("j1", judgement.story, judgement.kind, key_text(key), judgement.payload, judgement.who)
    return StampedClaim(
        claim_id=identity,
        claim=claim,
        story=key.story,
        article_id=0,
        url=str(payload.get("url") or identity),
        source=judgement.who,
        sentence=str(payload.get("quote") or judgement.why),
        asserted_at=Span(not_before=at, not_after=at),
        recorded_at=judgement.made_at,
    )


def iter_added(rulings: Rulings) -> Iterator[StampedClaim]:
    """Yield the claims that persons added by hand and pinned, as evidence to show."""
    yield from rulings.added
    for pin in rulings.pins:
        yield pin.claim
