"""All stories, and one: what is reported now and what changed."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from markupsafe import Markup
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from alerts.chart import drawn_number
from monitor.claims.metrics import builtin_metrics
from monitor.ledger.parts import find_inconsistencies
from monitor.web.charts import Chart, draw_chart, draw_spark
from monitor.web.live import follow_story
from monitor.web.presenter import latest_first
from monitor.web.site import Number, ReaderDep, SiteDep, with_query
from storage import articles, claims, judgements, stories
from storage.record_edits import list_record_edits
from storage.records import History, Position, RecordKey, RecordLine, Revision, RevisionKind, Story, StoryState

router = APIRouter(include_in_schema=False)
TALLIES = 4
CHARTS = 10
# Records without a chart on the story's page; all of them have a page of their own.
OTHERS = 30
LATEST = 4
MOST_POSITIONS = 8
MOST_NAMES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One number of a story in a list."""

    history: History
    spark: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryCard:
    """A story in the list of stories."""

    story: Story
    articles: int
    records: int
    tallies: tuple[Tally, ...]
    revisions: tuple[Revision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A record with its chart."""

    history: History
    chart: Chart | None
    origins: tuple[str, ...]
    positions: tuple[Position, ...]


@router.get("/")
def show_stories(request: Request, site: SiteDep, caller: ReaderDep) -> Response:
    """All stories: active ones first, the one that changed last at the top."""
    with site.database.read() as session:
        known = site.stories(session)
        counted = articles.count_articles_by_story(session)
        lines: dict[str, list[RecordLine]] = {}
        for line in claims.list_record_lines(session):
            lines.setdefault(line.key.story, []).append(line)
        cards = [
            _card(session, story, lines.get(story.slug, []), counted.get(story.slug, 0))
            for story in known
            if story.state is not StoryState.DRAFT
        ]
        page = site.page(request, "stories", session, caller=caller)
    cards.sort(key=lambda card: card.revisions[0].recorded_at.timestamp() if card.revisions else 0.0, reverse=True)
    cards.sort(key=lambda card: card.story.state is not StoryState.ACTIVE)
    return site.render(request, "stories.html", page, site.presenter(request, known), cards=cards)


def _card(session: Session, story: Story, lines: list[RecordLine], counted: int) -> StoryCard:
    lines = sorted(lines, key=lambda one: weight(one.key, one.is_state, one.steps))
    histories = [claims.get_history(session, one.key) for one in lines[:TALLIES]]
    recent = claims.list_revisions(session, story.slug, newest_first=True, limit=LATEST * 4)
    return StoryCard(
        story=story,
        articles=counted,
        records=len(lines),
        tallies=tuple(Tally(history=history, spark=draw_spark(history)) for history in histories),
        revisions=tuple(one for one in recent if not one.is_silent)[:LATEST],
    )


@router.get("/stories/{slug}")
def show_story(
    request: Request,
    site: SiteDep,
    caller: ReaderDep,
    slug: str,
    kind: str = "",
    metric: str = "",
    start: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """One story: its records, their charts, and its change log, filtered and paged."""
    size = site.options.per_page
    kinds = [one for one in RevisionKind if one.value == kind]
    with site.database.read() as session:
        story = stories.get_story(session, slug)
        histories = by_weight(claims.list_histories(session, slug))
        numeric = [history for history in histories if not history.is_of_state]
        charted = [history for history in numeric if has_moved(history)][:CHARTS]
        edits = list_record_edits(session, slug, metrics={history.key.metric for history in charted})
        found = claims.list_revisions(
            session, slug, kinds=kinds, metric=metric or None, newest_first=True, limit=size + 1, offset=start
        )
        latest = (
            found[:1]
            if not start and not kind and not metric
            else claims.list_revisions(session, slug, newest_first=True, limit=1)
        )
        # Of the same moment as the list: what comes after it is what the stream begins with.
        last = claims.last_sequence(session, slug)
        counted = articles.count_articles(session, story=slug)
        judged = len(judgements.list_judgements(session, slug, with_revoked=True))
        page = site.page(request, "stories", session, caller=caller)
    ui = site.presenter(request, [story])
    shown = {history.key for history in charted}
    others = [history for history in numeric if history.key not in shown]
    states = [history for history in histories if history.is_of_state]
    path = f"/stories/{slug}"
    return site.render(
        request,
        "story.html",
        page,
        ui,
        story=story,
        articles=counted,
        judged=judged,
        latest_at=latest[0].recorded_at if latest else None,
        panels=[
            Panel(
                history=history,
                chart=draw_chart(
                    history,
                    ui.words,
                    title=ui.t("chart.label", name=ui.record_name(history.key)),
                    now=ui.now,
                    zone=story.timezone,
                    edits=edits,
                ),
                origins=speaking(history),
                positions=standing(history),
            )
            for history in charted
        ],
        quiet=[(history, speaking(history)[:MOST_NAMES]) for history in (*others[:OTHERS], *states[:OTHERS])],
        records=len(histories) if max(len(others), len(states)) > OTHERS else 0,
        odd=find_inconsistencies({history.key: history for history in histories}, story),
        revisions=found[:size],
        kinds=list(RevisionKind),
        chosen_kind=kind,
        metrics=sorted({history.key.metric for history in histories}),
        chosen_metric=metric,
        live="" if start or kind or metric else f"{path}/live?after={last}",
        newer=with_query(path, kind=kind, metric=metric, start=max(start - size, 0)) if start else "",
        older=with_query(path, kind=kind, metric=metric, start=start + size) if len(found) > size else "",
    )


@router.get("/stories/{slug}/records")
def show_records(
    request: Request, site: SiteDep, caller: ReaderDep, slug: str, start: Annotated[int, Query(ge=0, le=10_000_000)] = 0
) -> Response:
    """Every record of a story with what stands now, in pages."""
    size = site.options.per_page
    with site.database.read() as session:
        story = stories.get_story(session, slug)
        histories = by_weight(claims.list_histories(session, slug))
        page = site.page(request, "stories", session, caller=caller)
    path = f"/stories/{slug}/records"
    return site.render(
        request,
        "records.html",
        page,
        site.presenter(request, [story]),
        story=story,
        count=len(histories),
        rows=[(history, speaking(history)[:MOST_NAMES]) for history in histories[start : start + size]],
        newer=with_query(path, start=max(start - size, 0)) if start else "",
        older=with_query(path, start=start + size) if len(histories) > start + size else "",
    )


@router.get("/stories/{slug}/live")
async def follow(
    request: Request, site: SiteDep, caller: ReaderDep, slug: str, after: Number | None = None
) -> Response:
    """Revisions of a story after a place in the log as server-sent events, each a list item ready to be shown."""

    def begin() -> Story:
        with site.database.read() as session:
            return stories.get_story(session, slug)

    story = await run_in_threadpool(begin)
    ui = site.presenter(request, [story])

    async def events() -> AsyncIterator[str]:
        async for event in follow_story(site, request, ui, story, after=after):
            yield event

    return StreamingResponse(
        events(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


def by_weight(histories: Iterable[History]) -> list[History]:
    """Records in the order in which a page shows them."""
    return sorted(histories, key=lambda one: weight(one.key, one.is_of_state, len(one.steps)))


def weight(key: RecordKey, of_state: bool, steps: int) -> tuple[object, ...]:
    """The place of a record: numbers before states, the whole before its parts, measures in their table's order."""
    order = _order()
    is_part = bool(key.population) + bool(key.place) + bool(key.period)
    return (of_state, is_part, order.get(key.metric, len(order)), -steps, key)


@cache
def _order() -> dict[str, int]:
    return {name: place for place, name in enumerate(builtin_metrics())}


def has_moved(history: History) -> bool:
    """Whether a record has stood at more than one number, so that a chart of it shows something."""
    return len({number for step in history.steps if (number := drawn_number(step.figure)) is not None}) > 1


def standing(history: History) -> tuple[Position, ...]:
    """What origins say now, the latest first; what they said before stands on the record's own page."""
    return tuple(one for one in latest_first(history.positions) if one.until is None)[:MOST_POSITIONS]


def speaking(history: History) -> tuple[str, ...]:
    """The origins whose word stands now, the latest first."""
    standing = [one.origin for one in latest_first(history.positions) if one.until is None and not one.lagged]
    return tuple(dict.fromkeys(origin for origin in standing if origin))
