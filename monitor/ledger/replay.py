"""The exchange format of `storywatch replay --jsonl`: a revision as one JSON object."""

from datetime import datetime
from typing import Any

from storage.records import Figure, Revision


def revision_line(revision: Revision) -> dict[str, Any]:
    """Return a revision as the replay's JSON line; `report_ids` are the reports behind it, from their addresses' ends.

    The caller records each report under its id as address (`report:ID`), or maps addresses itself.
    """
    key = revision.key
    return {
        "recorded_at": revision.recorded_at.isoformat(),
        "effective_at": _time(revision.effective_at.not_before if revision.effective_at else None),
        "metric": key.metric,
        "population": key.population or None,
        "place": key.place or None,
        "kind": revision.kind.value,
        "from": _side(revision.before),
        "to": _side(revision.after),
        "reason": revision.reason,
        "rule": revision.rule,
        "origins": list(revision.origins),
        "report_ids": list(dict.fromkeys(evidence.url.removeprefix("report:") for evidence in revision.evidence)),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _side(figure: Figure | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    side: dict[str, Any] = {"value": figure.value, "low": figure.low, "high": figure.high}
    if figure.state is not None:
        side["state"] = figure.state
    return side
