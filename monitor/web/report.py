"""A story as one HTML file that needs nothing else: to send, to print, to keep. No script, nothing fetched."""

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup
from sqlmodel import Session

from alerts.words import load_words
from monitor.web.assets import FOLDER, asset_path
from monitor.web.charts import Chart, draw_chart
from monitor.web.pages.stories import by_weight, has_moved, speaking
from monitor.web.presenter import Presenter
from monitor.web.site import environment
from monitor.web.wording import load_texts
from storage import articles, claims, stories
from storage.record_edits import list_record_edits
from storage.records import History, RecordEdit, Revision, RevisionKind, Story

CHART_WIDTH = 860


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A record in a report, with its chart where it has moved."""

    history: History
    chart: Chart | None
    origins: tuple[str, ...]


def make_presenter(story: Story, *, lang: str, now: datetime) -> Presenter:
    """The words for one story in a language that we have a catalogue for, outside of any request."""
    return Presenter(
        texts=load_texts(lang), words=load_words(lang), now=now, asset=asset_path, stories={story.slug: story}
    )


def render_report(session: Session, slug: str, *, now: datetime, lang: str = "en") -> str:
    """The report of a story as it stands: its records with charts, and every change with all its sentences, in order.

    Raises NotFoundError for a story that is not stored.
    """
    story = stories.get_story(session, slug)
    ui = make_presenter(story, lang=lang, now=now)
    histories = by_weight(claims.list_histories(session, slug))
    edits = list_record_edits(session, slug, metrics={history.key.metric for history in histories})
    revisions = claims.list_revisions(session, slug)
    return environment().get_template("report.html").render(
        ui=ui,
        story=story,
        # Our own file; no element of a style sheet can be closed by what it says.
        style=Markup((FOLDER / "storywatch.css").read_text(encoding="utf-8")),  # noqa: S704  a file of this package
        articles=articles.count_articles(session, story=slug),
        sections=[_section(history, story, ui, edits) for history in histories if not history.is_of_state],
        states=[history for history in histories if history.is_of_state],
        revisions=sorted(revisions, key=_order),
        is_seen=_is_seen,
        sources=len({proof.source for one in revisions for proof in one.evidence if proof.source}),
    )  # fmt: skip


def _section(history: History, story: Story, ui: Presenter, edits: tuple[RecordEdit, ...]) -> Section:
    title = ui.t("chart.label", name=ui.record_name(history.key))
    chart = (
        draw_chart(history, ui.words, title=title, now=ui.now, zone=story.timezone, width=CHART_WIDTH, edits=edits)
        if has_moved(history)
        else None
    )
    return Section(history=history, chart=chart, origins=speaking(history))


def _order(revision: Revision) -> tuple[datetime, datetime]:
    """Changes as they became public, where that is known: a report tells what happened, not when we learned of it."""
    public = None if _is_seen(revision) else revision.public_at
    return public.not_before if public else revision.recorded_at, revision.recorded_at


def _is_seen(revision: Revision) -> bool:
    """Whether a change is told by when it was seen: an edit or removal came at some time since the look before."""
    return revision.kind in (RevisionKind.EDITED, RevisionKind.REMOVED)
