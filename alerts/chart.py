"""What the step chart of a record shows: one description for the page, the email's picture and exports. Pure.

`make_chart` says what is shown, `alerts.drawing` where it goes and as SVG, `alerts.picture` as PNG.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.interest import EVENT_KINDS
from storage.records import Figure, History, Qualifier, RecordEdit, Revision, RevisionKind, Span, Step

# More lines than this cannot be told apart.
_MOST_ORIGINS = 5
_SILENT = frozenset({RevisionKind.CONTESTED, RevisionKind.STATE_CHANGED, RevisionKind.EDITED, RevisionKind.REMOVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPoint:
    """From `at` on the line stands at `value`; None: it stops."""

    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartLine:
    """One line of steps: the headline (no name) or what one origin says."""

    name: str
    points: tuple[ChartPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartMark:
    """A figure that was withdrawn (`retracted`), stands beside the headline (`contested`), or came into or went out of
    an article that was edited (`edited`), at a moment."""

    at: datetime
    value: float
    kind: RevisionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSpec:
    """What a chart shows: the headline first, then a line an origin; times are UTC, `zone` is the one for labels."""

    title: str
    lines: tuple[ChartLine, ...]
    marks: tuple[ChartMark, ...] = ()
    start: datetime
    end: datetime
    zone: str = "UTC"


def make_chart(
    history: History, *, until: datetime, title: str = "", zone: str = "UTC", edits: Iterable[RecordEdit] = ()
) -> ChartSpec | None:
    """Return the chart of a history up to `until`; None if it holds no number.

    Steps and `edits` stand where they were published, or where we learned of them if that is unknown.
    """
    steps = sorted((step for step in history.steps if _shown_at(step) <= until), key=_shown_at)
    headline = [
        ChartPoint(at=_shown_at(step), value=drawn_number(step.figure)) for step in steps if step.kind not in _SILENT
    ]
    if not any(point.value is not None for point in headline):
        return None
    marks = tuple(mark for step in steps if (mark := _mark(step)) is not None)
    lines = (ChartLine(name="", points=tuple(_distinct(headline))), *_origin_lines(history, until))
    marks += tuple(_edit_marks(edits, until))
    start = min(*(point.at for line in lines for point in line.points), *(mark.at for mark in marks), until)
    width = max(until - start, timedelta(hours=1))
    return ChartSpec(
        title=title, lines=lines, marks=marks, start=start - width * 0.02, end=until + width * 0.02, zone=zone
    )


def history_of_revisions(revisions: Iterable[Revision]) -> History | None:
    """Return the history that the change log alone tells of one record; None for no revision of it. What happened to
    articles stands in its log beside the figures, and is no step of them.

    Alerts draw from this: what was logged by a moment never changes, so a repeated message has the same picture.
    """
    of_record = (one for one in revisions if one.kind not in EVENT_KINDS)
    ordered = sorted(of_record, key=lambda one: (one.recorded_at, one.revision_id))
    if not ordered:
        return None
    taken_back = {one.corrects for one in ordered if one.corrects}
    steps = tuple(
        Step(
            kind=one.kind,
            before=one.before,
            figure=one.after,
            effective_at=one.effective_at,
            public_at=one.public_at,
            recorded_at=one.recorded_at,
            rule=one.rule,
            reason=one.reason,
            origins=one.origins,
        )
        for one in ordered
        if one.revision_id not in taken_back
    )
    return History(key=ordered[0].key, steps=steps, current=ordered[-1].after)


def _shown_at(step: Step) -> datetime:
    return step.recorded_at if step.public_at is None else _middle(step.public_at)


def _middle(span: Span) -> datetime:
    return span.not_before + (span.not_after - span.not_before) / 2


def drawn_number(figure: Figure | None) -> float | None:
    """The number at which a figure is drawn; None for a word such as "dozens": nobody has said a number."""
    if figure is None or figure.qualifier is Qualifier.VAGUE:
        return None
    return next((number for number in (figure.value, figure.low, figure.high) if number is not None), None)


def _mark(step: Step) -> ChartMark | None:
    if step.kind is RevisionKind.RETRACTED:
        value = drawn_number(step.before)
    elif step.kind is RevisionKind.CONTESTED:
        value = drawn_number(step.figure)
    else:
        return None
    return None if value is None else ChartMark(at=_shown_at(step), value=value, kind=step.kind)


def edited_at(edit: RecordEdit) -> datetime:
    """Where an edit stands on the time axis: between the look before it and the one that saw it."""
    span = edit.revision.public_at
    return edit.revision.recorded_at if span is None else _middle(span)


def _edit_marks(edits: Iterable[RecordEdit], until: datetime) -> Iterable[ChartMark]:
    seen = {(at, edit.value) for edit in edits if edit.value is not None and (at := edited_at(edit)) <= until}
    return (ChartMark(at=at, value=value, kind=RevisionKind.EDITED) for at, value in sorted(seen))


def _distinct(points: Iterable[ChartPoint]) -> Iterable[ChartPoint]:
    """Drop points that leave the line where it is; of two at one moment keep the later said."""
    kept: list[ChartPoint] = []
    for point in points:
        if kept and kept[-1].at == point.at:
            kept.pop()
        if not kept or kept[-1].value != point.value:
            kept.append(point)
    return kept


def _origin_lines(history: History, until: datetime) -> tuple[ChartLine, ...]:
    """A line an origin, the one with most to say first; at most as many as there are colours.

    Who still repeats a dead figure is no voice of its origin, and draws nothing.
    """
    points: dict[str, list[ChartPoint]] = {}
    for position in history.positions:
        value = drawn_number(position.figure)
        if position.lagged or position.since is None or value is None or (since := _middle(position.since)) > until:
            continue
        line = points.setdefault(position.origin, [])
        line.append(ChartPoint(at=since, value=value))
        if position.until is not None and _middle(position.until) <= until:
            line.append(ChartPoint(at=_middle(position.until), value=None))
    named = [
        ChartLine(
            name=origin, points=tuple(_distinct(sorted(line, key=lambda point: (point.at, point.value is not None))))
        )
        for origin, line in points.items()
    ]
    return tuple(sorted(named, key=lambda line: (-len(line.points), line.name))[:_MOST_ORIGINS])
