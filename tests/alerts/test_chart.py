"""The chart of a record: what it shows, where, and as what."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from alerts.chart import ChartLine, ChartPoint, ChartSpec, history_of_revisions, make_chart
from alerts.drawing import CHART_CSS, lay_out, nice_ticks, render_svg
from alerts.picture import draw_png
from alerts.words import load_words
from storage.records import Figure, History, Position, Qualifier, RecordEdit, Revision, RevisionKind, Span
from tests.support.alerting import NOON, PAST, WITHDRAWN, at, revise

K = RevisionKind
EN = load_words("en")


def known() -> History:
    history = history_of_revisions([*PAST, WITHDRAWN])
    assert history is not None
    return history


def spec(history: History | None = None, until: datetime = NOON, zone: str = "UTC") -> ChartSpec:
    chart = make_chart(history or known(), until=until, title="killed", zone=zone)
    assert chart is not None
    return chart


def test_the_headline_falls_back_where_a_figure_was_withdrawn() -> None:
    chart = spec()
    assert [point.value for point in chart.lines[0].points] == [26, 44, 164, 44]
    assert [(mark.value, mark.kind) for mark in chart.marks] == [(164, K.RETRACTED)]


def test_what_comes_later_is_not_shown() -> None:
    assert [point.value for point in spec(until=NOON - timedelta(hours=30)).lines[0].points] == [26, 44]


def test_a_contested_figure_stands_beside_the_line() -> None:
    history = history_of_revisions([*PAST, revise("c", K.CONTESTED, 164, 300)])
    assert history is not None
    chart = spec(history)
    assert chart.lines[0].points[-1].value == 164
    assert [(mark.value, mark.kind) for mark in chart.marks] == [(300, K.CONTESTED)]


def test_dozens_are_drawn_at_no_number() -> None:
    dozens = Figure(value=24, low=24, high=99, qualifier=Qualifier.VAGUE)
    history = history_of_revisions([revise("d", K.FIRST, None, when=NOON - timedelta(days=9), after=dozens), *PAST])
    assert history is not None
    positions = (Position(origin="authorities", figure=dozens, since=at(NOON - timedelta(hours=70))),)
    chart = spec(replace(history, positions=positions))
    assert [point.value for point in chart.lines[0].points] == [None, 26, 44, 164]
    assert len(chart.lines) == 1
    assert make_chart(replace(history, steps=history.steps[:1]), until=NOON) is None
    unsaid = make_chart(known(), until=NOON, edits=[edit(None, NOON)])
    assert unsaid is not None
    assert [mark for mark in unsaid.marks if mark.kind is K.EDITED] == []


def edit(value: float | None, seen: datetime) -> RecordEdit:
    """An edit that was seen at a time, six hours after the look before."""
    revision = Revision(
        revision_id=f"e-{value}-{seen:%d%H}",
        story=PAST[0].story,
        key=PAST[0].key,
        kind=K.EDITED,
        public_at=Span(not_before=seen - timedelta(hours=6), not_after=seen),
        recorded_at=seen,
    )
    return RecordEdit(key=PAST[0].key, value=value, revision=revision)


def test_an_edit_that_changed_a_figure_is_marked_between_the_two_looks() -> None:
    later = edit(999, NOON + timedelta(days=3))
    chart = make_chart(known(), until=NOON, edits=[edit(164, NOON), edit(164, NOON), later])
    assert chart is not None
    marks = [(mark.at, mark.value) for mark in chart.marks if mark.kind is K.EDITED]
    assert marks == [(NOON - timedelta(hours=3), 164)]
    drawing = lay_out(chart, EN)
    shapes = [path for path in drawing.paths if path.role == "edit"]
    assert len(shapes) == 1
    assert "164" in shapes[0].hint
    assert EN.say("kinds", "edited") in shapes[0].hint
    svg = render_svg(chart, EN)
    assert f"{EN.say('kinds', 'edited')}</title></path>" in svg
    assert 'class="edit"' in svg
    assert ".edit{" in CHART_CSS
    assert draw_png(chart, EN) != draw_png(spec(), EN)


def test_an_edit_before_the_first_step_stands_inside_the_picture() -> None:
    chart = make_chart(known(), until=NOON, edits=[edit(5000, NOON - timedelta(days=90))])
    assert chart is not None
    points = [point for path in lay_out(chart, EN).paths for point in path.points]
    assert all(0 <= x <= 640 and 0 <= y <= 260 for x, y in points)


def test_what_was_taken_back_is_not_drawn() -> None:
    history = history_of_revisions([*PAST, revise("x", K.CORRECTION, 164, 44, corrects="r-164")])
    assert history is not None
    assert 164 not in [point.value for point in spec(history).lines[0].points]


def test_a_record_without_numbers_has_no_chart() -> None:
    history = history_of_revisions([revise("s", K.STATE_CHANGED, None, None)])
    assert history is not None
    assert make_chart(history, until=NOON) is None
    assert history_of_revisions([]) is None


def test_each_origin_has_its_line_until_it_takes_it_back() -> None:
    positions = (
        Position(origin="A", figure=Figure(value=26), since=at(NOON - timedelta(hours=70))),
        Position(origin="A", figure=Figure(value=164), since=at(NOON - timedelta(hours=28)), until=at(NOON)),
        Position(origin="B", figure=Figure(value=44), since=at(NOON - timedelta(hours=60))),
        Position(origin="C", figure=None, since=at(NOON)),
    )
    history = History(key=PAST[0].key, steps=known().steps, positions=positions)
    lines = {line.name: [point.value for point in line.points] for line in spec(history).lines[1:]}
    assert lines == {"A": [26, 164, None], "B": [44]}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Almaty", "America/New_York"])
def test_the_svg_is_whole_and_has_no_inline_style(zone: str) -> None:
    svg = render_svg(spec(zone=zone), EN)
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert "style" not in svg
    classes = {name for found in re.findall(r'class="([^"]+)"', svg) for name in found.split()}
    assert classes - {"sw-chart"} <= set(re.findall(r"\.([a-z][a-z0-9-]*)", CHART_CSS))
    assert CHART_CSS in render_svg(spec(zone=zone), EN, is_standalone=True)


def test_an_origin_that_the_headline_follows_shows_beneath_it() -> None:
    widths = dict(re.findall(r"\.sw-chart (path|\.line-0)\{[^}]*?stroke-width:([\d.]+)", CHART_CSS))
    assert float(widths["path"]) >= float(widths[".line-0"]) * 1.5
    position = Position(origin="A", figure=Figure(value=26), since=at(NOON - timedelta(hours=70)))
    history = History(key=PAST[0].key, steps=known().steps, positions=(position,))
    drawing = lay_out(spec(history), EN)
    roles = [path.role for path in drawing.paths if path.role.startswith("line-")]
    assert roles.index("line-1") < roles.index("line-0"), "what is drawn last lies on top"


def test_titles_are_escaped() -> None:
    chart = make_chart(known(), until=NOON, title="<b>&")
    assert chart is not None
    ElementTree.fromstring(render_svg(chart, EN))


def test_the_picture_is_the_same_each_time_and_clear_behind() -> None:
    picture = draw_png(spec(), EN)
    draw_png.cache_clear()
    assert draw_png(spec(), EN) == picture
    image = Image.open(BytesIO(picture))
    assert image.size == (840, 380)
    assert image.mode == "RGBA"
    assert image.getpixel((2, 2))[3] == 0  # type: ignore[index]  # an RGBA picture has four values a pixel
    assert len(picture) < 60_000


@given(highest=st.floats(0, 1e9), lowest=st.floats(-1e6, 1e9))
def test_ticks_are_round_few_and_span_everything(highest: float, lowest: float) -> None:
    highest, lowest = max(highest, lowest), min(highest, lowest)
    ticks = nice_ticks(highest, lowest)
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= min(0, lowest) + 1e-6
    assert ticks[-1] >= highest - 1e-6
    assert len({round(b - a, 4) for a, b in pairwise(ticks)}) == 1


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 10_000_000), st.none() | st.floats(0, 1e9)), min_size=1, max_size=20),
    st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York"]),
)
def test_everything_is_drawn_inside_the_picture(steps: list[tuple[int, float | None]], zone: str) -> None:
    points = tuple(
        ChartPoint(at=NOON + timedelta(seconds=seconds), value=value)
        for seconds, value in sorted(steps, key=lambda one: one[0])
    )
    if all(point.value is None for point in points):
        return
    start, end = points[0].at - timedelta(hours=1), points[-1].at + timedelta(hours=1)
    chart = ChartSpec(title="t", lines=(ChartLine(name="", points=points),), start=start, end=end, zone=zone)
    drawing = lay_out(chart, EN)
    for path in drawing.paths:
        assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in path.points)
    assert all(0 <= dot.x <= drawing.width and 0 <= dot.y <= drawing.height for dot in drawing.dots)
    assert sum(text.role == "tick" for text in drawing.texts) <= 20
