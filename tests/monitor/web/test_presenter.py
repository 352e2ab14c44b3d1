"""Figures, times and links as a reader sees them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from alerts.addresses import is_web_address
from alerts.words import load_words
from monitor.web.charts import draw_chart, draw_spark
from monitor.web.pages.articles import as_diff, as_text
from monitor.web.presenter import Presenter, latest_first, mark, mark_spans, record_path
from monitor.web.wording import load_texts
from storage.records import (
    ArticleVersion,
    DatedPart,
    Figure,
    History,
    Position,
    Qualifier,
    RecordKey,
    Revision,
    RevisionKind,
    Span,
    Step,
)
from tests.monitor.web.archive import EVIL, KAZAKHSTAN

NOW = datetime(2022, 1, 20, 9, 0, tzinfo=UTC)
UI = Presenter(texts=load_texts("en"), words=load_words("en"), now=NOW, asset=str)


def test_a_period_is_told_in_the_days_of_its_story() -> None:
    begin, end = datetime(2022, 1, 5, 18, tzinfo=UTC), datetime(2022, 2, 15, 18, tzinfo=UTC)
    story = replace(KAZAKHSTAN, timezone="Asia/Almaty", period_start=begin, period_end=end)
    assert UI.period(story) == "6 Jan 2022 – 15 Feb 2022"
    assert UI.period(replace(story, timezone="UTC")) == "5 Jan 2022 – 15 Feb 2022"
    assert UI.period(replace(story, period_end=None)).startswith("6 Jan 2022 – ")
    assert UI.period(replace(story, period_start=None)) == ""


def test_what_was_withdrawn_is_not_told_as_never_reported() -> None:
    key = RecordKey(story="kz", metric="killed")
    steps = tuple(
        Step(kind=kind, before=None, figure=figure, effective_at=None, public_at=None, recorded_at=NOW, rule="")
        for kind, figure in ((RevisionKind.FIRST, Figure(value=103)), (RevisionKind.RETRACTED, None))
    )
    said = Position(origin="Ministry", figure=Figure(value=103), since=exactly(NOW), until=exactly(NOW))
    gone = Position(origin="Ministry", figure=None, since=exactly(NOW))
    other = Position(origin="Police", figure=None, since=exactly(NOW))
    withdrawn = History(key=key, steps=steps, positions=(said, gone, other))
    assert UI.current(withdrawn) == "withdrawn"
    assert UI.current(History(key=key)) == "none reported"
    assert UI.current(replace(withdrawn, current=Figure(value=44))) == "44"
    assert [UI.said(one, withdrawn) for one in withdrawn.positions] == ["103", "withdrawn", "none reported"]


def exactly(moment: datetime) -> Span:
    return Span(not_before=moment, not_after=moment)


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [("https://example.org/a", True), (" HTTP://example.org", True), ("javascript:alert(1)", False), ("java\nscript:alert(1)", False),
     ("data:text/html,x", False), ("//example.org", False), ("/path", False), ("https://", False), ("http://[broken", False), ("", False)],
)  # fmt: skip
def test_only_addresses_of_the_web_become_links(url: str, is_safe: bool) -> None:
    assert is_web_address(url) is is_safe
    assert ("<a " in UI.link(url, "words")) is is_safe


def test_a_link_is_escaped_and_has_no_opener() -> None:
    link = UI.link('https://example.org/?a="><script>', EVIL)
    assert "<script>" not in link
    assert 'rel="noopener noreferrer external"' in link


def test_each_post_of_a_live_page_stands_under_its_time() -> None:
    text = f"Intro {EVIL}\n\nNewest: 164 dead\n\nFirst: 44 dead"
    starts = [text.index("Newest"), text.index("First")]
    parts = tuple(
        DatedPart(start=start, end=start + 5, published=exactly(NOW - timedelta(hours=hours)))
        for hours, start in enumerate(starts)
    )
    version = ArticleVersion(
        version_id=1, article_id=1, number=1, title="", text=text, text_hash="", fetched_at=NOW, parts=parts
    )
    shown = str(as_text(UI, version, ()))
    assert "<script>" not in shown
    pieces = shown.split('<span class="post-time">')
    assert [piece.partition("</span>")[2][:6] for piece in pieces[1:]] == ["Newest", "First:"]
    assert "2022-01-20T09:00:00" in pieces[1]
    assert "2022-01-20T08:00:00" in pieces[2]


@given(st.text(), st.lists(st.tuples(st.integers(-5, 60), st.integers(-5, 60))))
def test_marking_loses_nothing_whatever_the_spans(text: str, spans: list[tuple[int, int]]) -> None:
    marked = mark_spans(text, [(max(start, 0), end) for start, end in spans])
    assert (
        Markup(str(marked).replace("<mark>", "").replace("</mark>", "")).unescape()
        == Markup(str(mark(text, []))).unescape()
    )


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_diff_is_escaped_whatever_the_texts(old: str, new: str) -> None:
    shown = str(as_diff(UI, old, new))
    for tag in ("<del>", "</del>", "<ins>", "</ins>", '<span class="figure">', '<span class="gap">', "</span>"):
        shown = shown.replace(tag, "")
    assert "<" not in shown
    assert ">" not in shown


def test_the_quote_is_marked_where_it_stands() -> None:
    assert mark("toll of 164 dead", ["164"]) == "toll of <mark>164</mark> dead"
    assert mark(EVIL, ["alert"]) == "&lt;script&gt;<mark>alert</mark>(&#39;x&#39;)&lt;/script&gt;"
    assert mark("nothing", ["164", ""]) == "nothing"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "just now"), (60, "1 minute ago"), (7200, "2 hours ago"), (-600, "in 10 minutes"), (86_400 * 3, "3 days ago")],
)
def test_how_long_ago(seconds: int, words: str) -> None:
    assert words in UI.ago(NOW - timedelta(seconds=seconds))


def test_times_say_their_zone_and_their_width() -> None:
    shown = UI.time(NOW)
    assert 'datetime="2022-01-20T09:00:00Z"' in shown
    assert "UTC" in shown
    day = Span(not_before=datetime(2022, 1, 9, tzinfo=UTC), not_after=datetime(2022, 1, 10, tzinfo=UTC))
    assert str(UI.span(day)) == '<time datetime="2022-01-09">9 Jan 2022</time>'
    assert UI.span(None) == "not known"
    assert UI.time(None) == "never"


def test_bounds() -> None:
    assert UI.bounds(225, 237) == "225–237"
    assert UI.bounds(5, 5) == "5"
    assert UI.bounds(None, 1000) == "up to 1,000"
    assert UI.bounds(1000, None) == "1,000 or more"
    assert UI.bounds(None, None) == ""


def test_a_record_has_an_address_without_what_stands_for_the_whole() -> None:
    key = RecordKey(story="s", metric="killed", population="age=child;role=police", place="almaty")
    assert record_path(key) == "/stories/s/record?metric=killed&population=age%3Dchild%3Brole%3Dpolice&place=almaty"
    assert UI.record_name(key) == "Killed, children, police, Almaty"


def test_a_number_that_nothing_is_said_of_is_not_told_of_an_edit() -> None:
    def edit(metric: str) -> Revision:
        key = RecordKey(story="s", metric=metric)
        return Revision(
            revision_id="e", story="s", key=key, kind=RevisionKind.EDITED, before=Figure(value=24), recorded_at=NOW
        )

    assert UI.change(edit("")) == ""
    assert UI.change(edit("killed")) == 'Killed <del class="before">24</del>'


def test_the_latest_word_comes_first_and_the_undated_last() -> None:
    days = [None, *(exactly(datetime(2022, 1, day, tzinfo=UTC)) for day in (7, 9, 8))]
    taken = [Position(origin=str(number), figure=None, since=since) for number, since in enumerate(days)]
    assert [one.origin for one in latest_first(taken)] == ["2", "3", "1", "0"]


def history(*values: float | None) -> History:
    steps = []
    before: Figure | None = None
    for day, value in enumerate(values, start=1):
        figure = None if value is None else Figure(value=value, low=value, high=value, qualifier=Qualifier.EXACT)
        moment = datetime(2022, 1, day, tzinfo=UTC)
        kind = (
            RevisionKind.FIRST if before is None else RevisionKind.RETRACTED if value is None else RevisionKind.RAISED
        )
        steps.append(
            Step(
                kind=kind,
                before=before,
                figure=figure,
                effective_at=None,
                public_at=exactly(moment),
                recorded_at=moment,
                rule="test",
            )
        )
        before = figure
    return History(key=RecordKey(story="s", metric="killed"), steps=tuple(steps), current=before)


def test_a_spark_falls_in_red_and_needs_two_numbers() -> None:
    assert draw_spark(history(5)) == ""
    assert draw_spark(history()) == ""
    assert 'class="fall"' not in draw_spark(history(1, 2, 3))
    assert 'class="fall"' in draw_spark(history(1, 3, 2))
    assert "nan" not in draw_spark(history(0, 0))


@pytest.mark.parametrize("values", [(), (None,), (5,), (1, 2), (0, 0), (1, None, 3), (1e9, 5, 1e12)])
def test_a_chart_is_drawn_whatever_the_history(values: tuple[float | None, ...]) -> None:
    chart = draw_chart(history(*values), UI.words, title=EVIL, now=NOW)
    if any(value is not None for value in values):
        assert chart is not None
        assert EVIL not in chart.svg
        assert "style=" not in chart.svg
    else:
        assert chart is None
