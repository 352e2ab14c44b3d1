"""The versioned JSON payload of an alert (docs/webhook.schema.json). Pure.

A field is only ever added within a version; a change of meaning makes a new one.
"""

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from alerts.changes import Change, Notice, in_order
from alerts.interest import EVENT_KINDS
from storage.covering import cover_login, cover_secrets
from storage.records import Evidence, Figure, Revision, Span

SCHEMA_NAME = "storywatch.alert.v1"


def write_payload(
    notices: Sequence[Notice],
    changes: Sequence[Change],
    *,
    delivery_id: str,
    created_at: datetime,
    subscription: str,
    subject: str,
    lang: str,
    repeat: int = 0,
    is_question: bool = False,
) -> str:
    """Return the payload as compact JSON; the same input gives the same bytes."""
    body = {
        "schema": SCHEMA_NAME,
        "id": delivery_id,
        "created_at": _time(created_at),
        "subscription": subscription,
        "lang": lang,
        "subject": subject,
        "repeat": repeat,
        "asks_approval": is_question,
        "changes": [_change(notice, change) for notice, change in zip(notices, changes, strict=True)],
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _change(notice: Notice, change: Change) -> dict[str, Any]:
    revision = notice.revision
    path = in_order(notice)
    links = {
        "approve": change.approve_link or None,
        "drop": change.drop_link or None,
        "page": change.page_link or None,
        "silence": change.silence_link or None,
    }
    return {
        "alert_id": notice.alert.alert_id,
        **_revision(revision),
        "summary": change.headline,
        "story": {"slug": revision.story, "title": change.story},
        "record": None if revision.kind in EVENT_KINDS else _record(revision),
        "subject_of": change.what,
        "reason_text": change.reason,
        "told_because": change.told_because,
        "corrects": revision.corrects,
        "article_id": revision.article_id,
        "trace_id": revision.trace or None,
        "detail": cover_secrets(revision.detail),
        "origins": list(revision.origins),
        "evidence": [_evidence(proof) for proof in revision.evidence],
        "path": [_revision(one) for one in path] if len(path) > 1 else [],
        "links": links,
    }


def _revision(revision: Revision) -> dict[str, Any]:
    return {
        "revision_id": revision.revision_id,
        "kind": revision.kind.value,
        "before": _figure(revision.before),
        "after": _figure(revision.after),
        "effective_at": _span(revision.effective_at),
        "public_at": _span(revision.public_at),
        "recorded_at": _time(revision.recorded_at),
        "reason": revision.reason,
        "rule": revision.rule,
    }


def _record(revision: Revision) -> dict[str, Any]:
    key = revision.key
    return {
        "metric": key.metric,
        "unit": key.unit,
        "population": key.population or None,
        "place": cover_secrets(key.place) or None,
        "period": key.period or None,
    }


def _figure(figure: Figure | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return {
        "value": _number(figure.value),
        "low": _number(figure.low),
        "high": _number(figure.high),
        "qualifier": figure.qualifier.value,
        "state": figure.state,
    }


def _number(number: float | None) -> float | int | None:
    """Whole numbers without a point, as people and most programs write them."""
    if number is None or not math.isfinite(number):
        # JSON knows no infinity: a bound that is open is none.
        return None
    return int(number) if number == int(number) else number


def _evidence(proof: Evidence) -> dict[str, Any]:
    return {
        "claim_id": proof.claim_id,
        "sentence": proof.sentence,
        "quote": proof.quote,
        "url": cover_login(proof.url),
        "title": proof.title,
        "source": proof.source,
        "origin": proof.origin,
        "speaker": proof.speaker,
        "published": _span(proof.published),
        "lang": proof.lang,
    }


def _span(span: Span | None) -> dict[str, str] | None:
    if span is None:
        return None
    return {"not_before": _time(span.not_before), "not_after": _time(span.not_after)}


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
