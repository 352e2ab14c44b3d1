"""Where everything of a chart goes, and the chart as SVG. Pure.

Colours have one middle tone each, so that a picture without a background reads on light and on dark; the page's
style sheet may set its own through the classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from alerts.chart import ChartLine, ChartPoint, ChartSpec
from alerts.words import Words
from storage.records import RevisionKind

# The headline's colour first, then one for each origin in turn.
COLOURS = ("#3b7ddd", "#d9822b", "#2f9e6e", "#a463c9", "#c2526b", "#868e99")
INK, FAINT, ALARM = "#7b838f", "#9aa2ad", "#dd4b4b"

_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 20, 26, 26
_TICK_HOURS = (1, 3, 6, 12, 24, 48, 96, 168, 336, 720, 1440, 2160, 4320, 8760, 17520, 43800, 87600)
# A label of the time axis needs this much room (pixels).
_TICK_ROOM = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPath:
    """Connected points in pixels with what they say on hover; `role` names its CSS class: line-0 (headline), line-1 …,
    grid, cross (withdrawn), edit."""

    role: str
    points: tuple[tuple[float, float], ...]
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnDot:
    """A dot in pixels with what it says on hover; hollow where a figure stands beside the line or was withdrawn."""

    role: str
    x: float
    y: float
    hint: str
    is_hollow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnText:
    """A label in pixels: `anchor` is start, middle or end; `role` is tick or value."""

    role: str
    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A chart with every place decided."""

    width: int
    height: int
    paths: tuple[DrawnPath, ...]
    dots: tuple[DrawnDot, ...]
    texts: tuple[DrawnText, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """Turns times and values into pixels."""

    width: int
    height: int
    start: datetime
    end: datetime
    bottom: float
    top: float

    def x(self, at: datetime) -> float:
        share = (at - self.start) / (self.end - self.start)
        return round(_LEFT + (self.width - _LEFT - _RIGHT) * share, 1)

    def y(self, value: float) -> float:
        share = (value - self.bottom) / (self.top - self.bottom)
        return round(self.height - _BOTTOM - (self.height - _TOP - _BOTTOM) * share, 1)


def lay_out(spec: ChartSpec, words: Words, *, width: int = 640, height: int = 260) -> Drawing:
    """Return where everything of a chart goes, in pixels from the top left."""
    numbers = [point.value for line in spec.lines for point in line.points if point.value is not None]
    numbers += [mark.value for mark in spec.marks]
    ticks = nice_ticks(max(numbers), min(numbers))
    scale = _Scale(width=width, height=height, start=spec.start, end=spec.end, bottom=ticks[0], top=ticks[-1])
    paths = [DrawnPath(role="grid", points=((_LEFT, scale.y(tick)), (width - _RIGHT, scale.y(tick)))) for tick in ticks]
    texts = [
        DrawnText(role="tick", x=_LEFT - 8, y=scale.y(tick) + 4, text=words.number(tick), anchor="end")
        for tick in ticks
    ]
    texts += [
        DrawnText(role="tick", x=scale.x(at), y=height - 7, text=text) for at, text in _time_ticks(spec, words, width)
    ]
    dots: list[DrawnDot] = []
    # The headline is drawn last, over the origins.
    for index, line in reversed(list(enumerate(spec.lines))):
        paths += [DrawnPath(role=f"line-{index}", points=_corners(run, scale)) for run in _runs(line)]
        dots += [
            DrawnDot(
                role=f"line-{index}",
                x=scale.x(point.at),
                y=scale.y(point.value),
                hint=_hint(point.at, point.value, line.name, spec, words),
            )
            for point in line.points
            if point.value is not None
        ]
    for mark in spec.marks:
        x, y = scale.x(mark.at), scale.y(mark.value)
        hint = _hint(mark.at, mark.value, words.say("kinds", mark.kind.value), spec, words)
        if mark.kind is RevisionKind.RETRACTED:
            paths.append(DrawnPath(role="cross", points=((x - 5, y - 5), (x + 5, y + 5)), hint=hint))
            paths.append(DrawnPath(role="cross", points=((x - 5, y + 5), (x + 5, y - 5)), hint=hint))
        elif mark.kind is RevisionKind.EDITED:
            # Wide enough to be seen around the dot of a step that the edit itself made.
            corners = ((x, y - 7.5), (x + 7.5, y), (x, y + 7.5), (x - 7.5, y), (x, y - 7.5))
            paths.append(DrawnPath(role="edit", points=corners, hint=hint))
        else:
            dots.append(DrawnDot(role="mark", x=x, y=y, hint=hint, is_hollow=True))
    texts += _value_labels(spec, words, scale)
    return Drawing(width=width, height=height, paths=tuple(paths), dots=tuple(dots), texts=tuple(texts))


def nice_ticks(highest: float, lowest: float = 0.0, *, most: int = 5) -> tuple[float, ...]:
    """Return at most `most` + 2 round values that span zero, `lowest` and `highest`."""
    floor = min(0.0, lowest)
    span = max(highest - floor, 0.01)
    magnitude = 0.01
    while True:
        for factor in (1.0, 2.0, 2.5, 5.0):
            step = magnitude * factor
            # Counts of people have no fractions; a scale that ends below ten may have.
            if step != int(step) and span > 10:
                continue
            first, last = int(floor // step), int(-(-highest // step))
            if last - first <= most:
                return tuple(round(step * index, 6) for index in range(first, max(last, first + 1) + 1))
        magnitude = round(magnitude * 10, 6)


def _time_ticks(spec: ChartSpec, words: Words, width: int) -> Iterator[tuple[datetime, str]]:
    """Round local times, as many as fit, with their labels; days begin at local midnight."""
    zone = ZoneInfo(spec.zone)
    hours = (spec.end - spec.start) / timedelta(hours=1)
    step = next((one for one in _TICK_HOURS if hours / one <= width / _TICK_ROOM), _TICK_HOURS[-1])
    midnight = spec.start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    count = int(hours / step) + 26
    for index in range(count):
        # Wall-clock steps from a local midnight: a day stays a day when the clock changes.
        local = (midnight.replace(tzinfo=None) + timedelta(hours=step * index)).replace(tzinfo=zone)
        at = local.astimezone(UTC)
        if at > spec.end:
            return
        if at >= spec.start:
            yield at, words.tick(local, is_hour=step < 24 and local.hour != 0)


def _runs(line: ChartLine) -> list[list[ChartPoint]]:
    """Cut a line where it stops; the point that stops it ends its run."""
    runs: list[list[ChartPoint]] = [[]]
    for point in line.points:
        runs[-1].append(point)
        if point.value is None:
            runs.append([])
    return [run for run in runs if run and run[0].value is not None]


def _corners(run: list[ChartPoint], scale: _Scale) -> tuple[tuple[float, float], ...]:
    corners: list[tuple[float, float]] = []
    for point in run:
        x = scale.x(point.at)
        if corners:
            corners.append((x, corners[-1][1]))
        if point.value is None:
            return tuple(corners)
        corners.append((x, scale.y(point.value)))
    return (*corners, (scale.x(scale.end), corners[-1][1]))


def _value_labels(spec: ChartSpec, words: Words, scale: _Scale) -> list[DrawnText]:
    """The headline's numbers above their steps, the newest kept where two would run into each other."""
    points = spec.lines[0].points
    placed: list[DrawnText] = []
    for index in range(len(points) - 1, -1, -1):
        value = points[index].value
        if value is None:
            continue
        text = words.number(value)
        half = 3.6 * len(text) + 3
        before = points[index - 1].value if index else None
        # Beside the line where it comes down, or it would run through the number.
        aside = half + 3 if before is not None and before > value else 0
        if scale.x(points[index].at) + aside + half > scale.width - _RIGHT:
            aside = -aside
        x = min(max(scale.x(points[index].at) + aside, _LEFT + half), scale.width - _RIGHT - half)
        y = scale.y(value) - 9
        if all(abs(x - other.x) > half + 3.6 * len(other.text) or abs(y - other.y) > 14 for other in placed):
            placed.append(DrawnText(role="value", x=round(x, 1), y=y, text=text))
    return placed


def _hint(at: datetime, value: float, name: str, spec: ChartSpec, words: Words) -> str:
    parts = [words.number(value), words.moment(at, spec.zone)]
    return " · ".join([*parts, name] if name else parts)


# --- SVG ------------------------------------------------------------------------------------

# Classes, for style sheets that do not allow inline styles; `render_svg(is_standalone=True)` carries them along.
CHART_CSS = "\n".join(
    (
        ".sw-chart{font:12px system-ui,sans-serif;width:100%;height:auto}",
        f".sw-chart .grid{{stroke:{FAINT};stroke-opacity:.35;stroke-width:1}}",
        f".sw-chart .tick{{fill:{INK}}} .sw-chart .value{{fill:{COLOURS[0]};font-weight:600}}",
        ".sw-chart path{fill:none;stroke-width:5;stroke-linejoin:round} .sw-chart .line-0{stroke-width:2.5}",
        f".sw-chart .cross{{stroke:{ALARM};stroke-width:2.5;stroke-linecap:round}}",
        f".sw-chart .edit{{stroke:{INK};stroke-width:2;pointer-events:all}}",
        f".sw-chart circle.mark{{stroke:{ALARM}}} .sw-chart .hollow{{fill:none;stroke-width:2}}",
        *(
            f".sw-chart path.line-{i}{{stroke:{c}}} .sw-chart circle.line-{i}{{fill:{c}}}"
            for i, c in enumerate(COLOURS)
        ),
    )
)


def render_svg(
    spec: ChartSpec, words: Words, *, width: int = 640, height: int = 260, is_standalone: bool = False
) -> str:
    """Return the chart as an SVG element. Colours come by CSS class (CHART_CSS); a standalone one carries its style
    sheet."""
    drawing = lay_out(spec, words, width=width, height=height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sw-chart" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(spec.title)}</title>",
    ]
    if is_standalone:
        parts.append(f"<style>{CHART_CSS}</style>")
    for path in drawing.paths:
        trace = "M" + "L".join(f"{x:g} {y:g}" for x, y in path.points)
        hint = f"><title>{escape(path.hint)}</title></path>" if path.hint else "/>"
        parts.append(f'<path class="{path.role}" d="{trace}"{hint}')
    for dot in drawing.dots:
        role = f"{dot.role} hollow" if dot.is_hollow else dot.role
        radius = 4 if dot.role == "line-0" or dot.is_hollow else 3
        parts.append(
            f'<circle class="{role}" cx="{dot.x:g}" cy="{dot.y:g}" r="{radius}">'
            f"<title>{escape(dot.hint)}</title></circle>"
        )
    for text in drawing.texts:
        parts.append(
            f'<text class="{text.role}" x="{text.x:g}" y="{text.y:g}" text-anchor="{text.anchor}">'
            f"{escape(text.text)}</text>"
        )
    return "".join((*parts, "</svg>"))
