"""PURE: what must have come out of the play, and whether it did."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one record as people were told it, or as its history has it. States stand where numbers would."""

    kind: str
    metric: str = ""
    population: str = ""
    place: str = ""
    before: float | str | None = None
    after: float | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One change as it arrived in one message, with the pages that it rests on."""

    message_id: str
    alert_id: str
    revision_id: str
    change: Change
    pages: tuple[str, ...]


def read_told(message_id: str, payload: Mapping[str, Any]) -> tuple[Told, ...]:
    """The changes of one webhook payload (docs/webhook.schema.json)."""
    return tuple(
        Told(
            message_id=message_id,
            alert_id=change["alert_id"],
            revision_id=change["revision_id"],
            change=read_change(change),
            pages=tuple(proof["url"] for proof in change["evidence"]),
        )
        for change in payload["changes"]
    )


def read_change(data: Mapping[str, Any]) -> Change:
    """A change from a payload or from the expectations of the script; what is left out is the whole."""
    record = data.get("record")
    if not record:  # an article's event: it has neither record nor figures
        return Change(kind=data["kind"])
    return Change(
        kind=data["kind"],
        metric=record["metric"],
        population=record.get("population") or "",
        place=record.get("place") or "",
        before=_figure(data.get("before")),
        after=_figure(data.get("after")),
    )


def find_faults(
    told: Sequence[Told],
    *,
    mailed_ids: Iterable[str],
    history: Sequence[Change],
    expected_history: Sequence[Change],
    expected_told: Sequence[Change],
    laggard: str,
    edited: str,
    is_repeat_allowed: bool = False,
) -> tuple[str, ...]:
    """Everything that did not come out as it must; empty if all is well.

    `told` are the changes that arrived by webhook, `mailed_ids` the ids of the messages that arrived by mail, `history`
    the headline record's as the command line shows it. `laggard` and `edited` are paths of pages. After a kill a
    message may come twice (`is_repeat_allowed`), but then with the same id.
    """
    faults = []
    if list(history) != list(expected_history):
        faults.append(f"the history reads {_path(history)}, not {_path(expected_history)}")
    faults += _find_miscounts(told, expected_told)
    faults += _find_repeats(told, is_repeat_allowed=is_repeat_allowed)
    # Each channel's delivery has an id of its own, so the two can only be counted against each other.
    hooked, mailed = {one.message_id for one in told}, Counter(mailed_ids)
    if len(mailed) != len(hooked):
        faults.append(f"{len(hooked)} messages came by webhook and {len(mailed)} by mail")
    if not is_repeat_allowed and any(count > 1 for count in mailed.values()):
        faults.append("a mail came twice")
    metrics = {step.metric for step in expected_history}
    if any(laggard in page for one in told if one.change.metric in metrics for page in one.pages):
        faults.append(f"an alert rests on {laggard}, which only repeats a withdrawn figure")
    edits = [one for one in told if one.change.kind == "edited"]
    if len({one.revision_id for one in edits}) != 1 or not all(edited in page for one in edits for page in one.pages):
        faults.append(f"the silent edit of {edited} must be told once; told: {len(edits)} edits")
    return tuple(faults)


def _find_miscounts(told: Sequence[Told], expected: Sequence[Change]) -> list[str]:
    revisions = {one.revision_id: one.change for one in told}
    counts = Counter(revisions.values())
    faults = [f"told {counts[change]} times, not once: {_words(change)}" for change in expected if counts[change] != 1]
    faults += [
        f"told, but nothing of the kind happened: {_words(change)}" for change in counts if change not in expected
    ]
    return faults


def _find_repeats(told: Sequence[Told], *, is_repeat_allowed: bool) -> list[str]:
    messages_of: dict[str, set[str]] = {}
    alerts_of: dict[str, set[str]] = {}
    for one in told:
        messages_of.setdefault(one.alert_id, set()).add(one.message_id)
        alerts_of.setdefault(one.revision_id, set()).add(one.alert_id)
    faults = [f"alert {alert} came under {len(ids)} ids" for alert, ids in messages_of.items() if len(ids) > 1]
    faults += [f"revision {one} has {len(ids)} alerts" for one, ids in alerts_of.items() if len(ids) > 1]
    repeats = len(told) - len({(one.message_id, one.alert_id) for one in told})
    if repeats and not is_repeat_allowed:
        faults.append(f"{repeats} alerts came twice")
    return faults


def _figure(figure: Mapping[str, Any] | float | str | None) -> float | str | None:
    if not isinstance(figure, Mapping):
        return figure
    state: str | None = figure["state"]
    value: float | None = figure["value"]
    return state or value


def _path(steps: Sequence[Change]) -> str:
    return " → ".join(f"{step.after if step.after is not None else '–'} ({step.kind})" for step in steps) or "nothing"


def _words(change: Change) -> str:
    parts = [part for part in (change.metric, change.population, change.place) if part]
    return f"{change.kind} {' '.join(parts)} {change.before} → {change.after}"
