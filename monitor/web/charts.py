"""Pictures of a record on a page: the step chart that mail and exports share, and a line small enough for a list."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from markupsafe import Markup

from alerts.chart import drawn_number, edited_at, make_chart
from alerts.drawing import render_svg
from alerts.words import Words
from storage.records import History, RecordEdit, RevisionKind, Step

SPARK_WIDTH, SPARK_HEIGHT = 88.0, 20.0
FALLS = frozenset({RevisionKind.LOWERED, RevisionKind.RETRACTED})
ASIDE = frozenset({RevisionKind.CONTESTED, RevisionKind.BACKFILLED})


# A story's page draws ten: a fifth of its time. One is some 10 kB.
_drawn = lru_cache(maxsize=256)(render_svg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawn chart, the names of its lines after the headline, in the order of their colours, and what it marks."""

    svg: Markup
    origins: tuple[str, ...]
    marks: tuple[RevisionKind, ...] = ()


def draw_chart(
    history: History,
    words: Words,
    *,
    title: str,
    now: datetime,
    zone: str = "UTC",
    width: int = 460,
    edits: Iterable[RecordEdit] = (),
) -> Chart | None:
    """The step chart of a record up to its last change and a tenth beyond; None when it holds no number.

    `edits` are those of this story: the record's own are marked.
    """
    moments = sorted(shown_at(step) for step in history.steps if drawn_number(step.figure) is not None)
    if not moments:
        return None
    edits = [edit for edit in edits if edit.key == history.key]
    moments = sorted([*moments, *map(edited_at, edits)])
    # To the minute, so that who looks again sees the picture that was drawn before.
    now = now.replace(second=0, microsecond=0)
    until = max(min(now, moments[-1] + (moments[-1] - moments[0]) / 10), moments[-1])
    # An outlet that lags behind repeats what its origin has left: a line would say that it still holds it.
    speaking = tuple(position for position in history.positions if not position.lagged)
    spec = make_chart(replace(history, positions=speaking), until=until, title=title, zone=zone, edits=edits)
    if spec is None:
        return None
    svg = _drawn(spec, words, width=width, height=round(width**0.5 * 9))
    return Chart(
        svg=Markup(svg),  # noqa: S704 - escaped by the renderer
        origins=tuple(line.name for line in spec.lines[1:]),
        marks=tuple(sorted({mark.kind for mark in spec.marks})),
    )


def shown_at(step: Step) -> datetime:
    """Where a step stands on the time axis: in the middle of when it was published, else when we learned of it."""
    if step.public_at is None:
        return step.recorded_at
    return step.public_at.not_before + (step.public_at.not_after - step.public_at.not_before) / 2


def draw_spark(history: History) -> Markup:
    """A line of steps without axes, falls in red; empty for fewer than two numbers. The text says it too."""
    steps = sorted((step for step in history.steps if step.kind not in ASIDE), key=shown_at)
    points = [(step, number) for step in steps if (number := drawn_number(step.figure)) is not None]
    if len(points) < 2:
        return Markup("")
    top = max(number for _, number in points) or 1.0
    # Evenly spaced: a list asks for the shape, and three weeks of silence would flatten it.
    stride = SPARK_WIDTH / len(points)
    lines, falls = [f"M0 {height_of(points[0][1], top)}h{stride:.1f}"], []
    for place, ((_, before), (step, after)) in enumerate(pairwise(points), start=1):
        x, old, new = f"{place * stride:.1f}", height_of(before, top), height_of(after, top)
        if step.kind in FALLS or after < before:
            falls.append(f"M{x} {old}V{new}")
            lines.append(f"M{x} {new}h{stride:.1f}")
        else:
            lines.append(f"V{new}h{stride:.1f}")
    fall = Markup('<path class="fall" d="{}"/>').format("".join(falls)) if falls else Markup("")
    return Markup(
        '<svg class="spark" viewBox="0 0 {w} {h}" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<path d="{line}"/>{fall}</svg>'
    ).format(w=SPARK_WIDTH, h=SPARK_HEIGHT, line="".join(lines), fall=fall)


def height_of(number: float, top: float) -> str:
    """The place of a number in the height of a spark, one decimal."""
    return f"{SPARK_HEIGHT - 1 - (SPARK_HEIGHT - 2) * max(number, 0.0) / top:.1f}"
