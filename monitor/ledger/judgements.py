"""What a person overruled, replayed over claims before they are folded.

The payload of a judgement is JSON. `reject`, `rescope`: the target is a claim id; a binding in the payload finds the
claim again after a re-extraction gave it another identity (`monitor.ledger.bindings`). `rescope` sets any of `metric`,
`unit`, `population`, `place`, `period`, `status`, `value`, `qualifier`, `origin`. `merge`: the target is a record key,
`into` another.
`split`: the target is a record key, `claims` are claim ids, `bound` their bindings, `into` the key of their own record.
`alias`: the target is a name, `origin` who it is. `pin`: the target is a record key, `value`, `qualifier` the figure.
`add`: the target is a record key, with `value`, `qualifier`, `status`, `origin`, `asserted_at` (ISO), `url`, `quote`.
`reject_match`, `accept_match`: the target is an article's number or address, the last one counts. A revoked judgement
never was.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from monitor.ledger.bindings import is_bound
from monitor.ledger.origins import fold_name
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
_STATED = (JudgementKind.ADD, JudgementKind.PIN)
_ON_CLAIMS = (JudgementKind.REJECT, JudgementKind.RESCOPE)
MATCH_STATES = {JudgementKind.ACCEPT_MATCH: MatchState.ACCEPTED, JudgementKind.REJECT_MATCH: MatchState.REJECTED}
"""What a judgement on a match makes of it."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A figure that a person set for a record, from a moment on."""

    key: RecordKey
    claim: StampedClaim


@dataclass(frozen=True, slots=True)
class _Ruling:
    """What a judgement says of one claim; `number` is its place among all that are in force."""

    number: int
    kind: JudgementKind
    payload: Mapping[str, Any]
    binding: Mapping[str, Any]


class Rulings:
    """All judgements of one story that are in force, ready to be asked."""

    def __init__(self, judgements: Iterable[Judgement]) -> None:
        self.aliases: dict[str, str] = {}
        self.added: list[StampedClaim] = []
        self._pins: list[Pin] = []
        self._by_id: dict[str, list[_Ruling]] = {}
        self._by_quote: dict[tuple[str, str], list[_Ruling]] = {}
        self._moved: dict[RecordKey, RecordKey] = {}
        self._unmatched: set[str] = set()
        standing = (one for one in judgements if one.revoked_at is None)
        for number, judgement in enumerate(sorted(standing, key=lambda one: (one.made_at, one.judgement_id))):
            self._take(number, judgement, read_payload(judgement))
        self.pins = tuple(Pin(self._moved_to(pin.key), pin.claim) for pin in self._pins)

    def _take(self, number: int, judgement: Judgement, payload: dict[str, Any]) -> None:
        if judgement.kind in _ON_CLAIMS:
            self._bind([judgement.target], [_Ruling(number, judgement.kind, payload, payload)])
        elif judgement.kind is JudgementKind.ALIAS:
            self.aliases[fold_name(judgement.target)] = str(payload.get("origin", ""))
        elif judgement.kind is JudgementKind.MERGE:
            self._moved[parse_key(judgement.target)] = parse_key(str(payload["into"]))
        elif judgement.kind is JudgementKind.SPLIT:
            bound = payload.get("bound") or [{}]
            rulings = [_Ruling(number, judgement.kind, payload, binding) for binding in bound]
            self._bind(map(str, payload["claims"]), rulings)
        elif judgement.kind is JudgementKind.PIN:
            key = parse_key(judgement.target)
            self._pins.append(Pin(key, _by_hand(judgement, key, payload)))
        elif judgement.kind is JudgementKind.ADD:
            self.added.append(_by_hand(judgement, parse_key(judgement.target), payload))
        elif judgement.kind is JudgementKind.REJECT_MATCH:
            self._unmatched.add(judgement.target)
        elif judgement.kind is JudgementKind.ACCEPT_MATCH:
            self._unmatched.discard(judgement.target)

    def _bind(self, claim_ids: Iterable[str], rulings: list[_Ruling]) -> None:
        for claim_id in claim_ids:
            self._by_id.setdefault(claim_id, []).append(rulings[0])
        for ruling in rulings:
            url, quote = ruling.binding.get("url"), ruling.binding.get("quote")
            if url and quote:
                self._by_quote.setdefault((str(url), str(quote)), []).append(ruling)

    def _rulings_on(self, stamped: StampedClaim) -> list[_Ruling]:
        """What was said of a claim, by its id or by what it says, each judgement once, in the order of judging."""
        named = self._by_id.get(stamped.claim_id, ())
        quoted = self._by_quote.get((stamped.url, stamped.claim.quote), ())
        if not named and not quoted:
            return []
        found = {one.number: one for one in quoted if is_bound(one.binding, stamped)}
        found |= {one.number: one for one in named}
        return [found[number] for number in sorted(found)]

    def judge(self, stamped: StampedClaim) -> StampedClaim | None:
        """Return a claim as a person left it: None when rejected, re-scoped when told so."""
        if self._unmatched and not self._unmatched.isdisjoint((stamped.url, str(stamped.article_id))):
            return None
        for ruling in self._rulings_on(stamped) if self._by_id else ():
            if ruling.kind is JudgementKind.REJECT:
                return None
            if ruling.kind is JudgementKind.RESCOPE:
                stamped = replace(stamped, claim=_rescoped(stamped.claim, ruling.payload))
        return stamped

    def split_of(self, stamped: StampedClaim) -> RecordKey | None:
        """The record of its own that a person gave this very claim, as it was before any judgement; else None."""
        if not self._by_id:  # asked of every claim, and mostly there is none
            return None
        into = [one.payload["into"] for one in self._rulings_on(stamped) if one.kind is JudgementKind.SPLIT]
        return parse_key(str(into[-1])) if into else None

    def key_for(self, key: RecordKey, split: RecordKey | None) -> RecordKey:
        """Return the record that a claim counts for after splits and merges: one of `key`, unless it was split off."""
        return self._moved_to(key if split is None else split)

    def _moved_to(self, key: RecordKey) -> RecordKey:
        for _ in range(len(self._moved)):
            if key not in self._moved:
                break
            key = self._moved[key]
        return key


def public_judgements(judgements: Iterable[Judgement], at: datetime) -> list[Judgement]:
    """Return the judgements that count for what was public by a moment.

    A figure that a person stated counts from its time on. How a text is to be read holds whenever that was said: what
    was misread was never public.
    """
    return [one for one in judgements if one.kind not in _STATED or _stated_at(one, read_payload(one)) <= at]


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


def _stated_at(judgement: Judgement, payload: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(payload["asserted_at"]) if payload.get("asserted_at") else judgement.made_at


def _by_hand(judgement: Judgement, key: RecordKey, payload: Mapping[str, Any]) -> StampedClaim:
    """Return the claim that a person states: recorded when judged, asserted then too unless the payload dates it."""
    value = None if payload.get("value") is None else float(payload["value"])
    at = _stated_at(judgement, payload)
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


def iter_stated(rulings: Rulings) -> Iterator[StampedClaim]:
    """Yield the claims that persons added by hand and pinned, as evidence to show."""
    yield from rulings.added
    for pin in rulings.pins:
        yield pin.claim
