"""PURE: an article that was edited or removed, as an entry of the change log of each story that it belongs to."""

from datetime import datetime

from monitor.claims.extract import Extractor
from monitor.ledger.edits import EditReport, FigureChange, Meaning, compare_versions
from monitor.ledger.live_pages import without_passing_posts
from storage.keys import event_id
from storage.records import (
    RETURN_RULE,
    Article,
    ArticleVersion,
    ClaimKind,
    Evidence,
    RecordKey,
    Revision,
    RevisionKind,
    Span,
)

SILENT, NOTED, GONE, RETURNED = "silent_edit", "noted_edit", "removed", "returned"


def edit_revision(
    story: str, article: Article, old: ArticleVersion, new: ArticleVersion, *, extractor: Extractor, now: datetime
) -> Revision | None:
    """Return the event of an edit that changed what the article says; None for a cosmetic one, which stays silent.

    It is learned of `now`.

    `before` and `after` are the figure that changed first, one that counts something if any does; the reason tells
    whether the article owns up to it. Of a number that stayed, `detail` says what it counted and what it counts now.
    """
    before, after = without_passing_posts((old.title, old.text, old.parts), (new.title, new.text, new.parts))
    report = compare_versions(before, after, extractor=extractor, lang=article.lang)
    if not report.substantive:
        return None
    change = next((one for one in report.changes if one.metric), next(iter(report.changes), None))
    return Revision(
        revision_id=event_id(story, article.url, RevisionKind.EDITED.value, f"{new.number}:{new.text_hash}"),
        story=story,
        key=RecordKey(story=story, metric=change.metric if change else ""),
        kind=RevisionKind.EDITED,
        before=change.before if change else None,
        after=change.after if change else None,
        public_at=Span(not_before=new.previous_fetched_at or old.fetched_at, not_after=new.fetched_at),
        recorded_at=now,
        reason=NOTED if report.notice else SILENT,
        rule="edits.compare",
        detail=_detail(change) if change else "",
        evidence=_evidence(article, new, report),
        article_id=article.article_id,
    )


def _detail(change: FigureChange) -> str:
    """What a number that stayed counted (`was_…`) and counts (`now_…`), a line each; "" for all other changes."""
    if change.was is None or change.now is None:
        return ""
    return "\n".join(line for side, one in (("was", change.was), ("now", change.now)) for line in _lines(side, one))


def _lines(side: str, meaning: Meaning) -> list[str]:
    standing = meaning.kind if meaning.kind is ClaimKind.INCREMENT else meaning.status
    said = {
        "metric": meaning.metric,
        "population": meaning.population,
        "place": meaning.place,
        "standing": standing.value,
    }
    return [f"{side}_{name}={value}" for name, value in said.items() if value]


def removal_revision(story: str, article: Article, *, removed_at: datetime) -> Revision:
    """Return the event of a page that is gone, confirmed by a second look."""
    return Revision(
        revision_id=event_id(story, article.url, RevisionKind.REMOVED.value, removed_at.isoformat()),
        story=story,
        key=RecordKey(story=story, metric=""),
        kind=RevisionKind.REMOVED,
        public_at=Span(not_before=article.last_read_at or removed_at, not_after=removed_at),
        recorded_at=removed_at,
        reason=GONE,
        rule="cycle.removed",
        evidence=(Evidence(url=article.url, title=article.title, source=article.source, published=article.published),),
        article_id=article.article_id,
    )


def return_revision(story: str, article: Article, version: ArticleVersion | None, *, returned_at: datetime) -> Revision:
    """Return the event of a removed page that is there again; `article` as it was held while it was gone.

    Its words are as they were: what they say otherwise is the event of an edit beside it.
    """
    gone_at = article.removed_at or returned_at
    title = version.title if version is not None else article.title
    return Revision(
        revision_id=event_id(story, article.url, RevisionKind.EDITED.value, f"{RETURNED}:{gone_at.isoformat()}"),
        story=story,
        key=RecordKey(story=story, metric=""),
        kind=RevisionKind.EDITED,
        public_at=Span(not_before=article.last_read_at or gone_at, not_after=returned_at),
        recorded_at=returned_at,
        reason=RETURNED,
        rule=RETURN_RULE,
        evidence=(Evidence(url=article.url, title=title, source=article.source, published=article.published),),
        article_id=article.article_id,
    )


def _evidence(article: Article, new: ArticleVersion, report: EditReport) -> tuple[Evidence, ...]:
    return (
        Evidence(
            sentence=report.notice or "",
            url=article.url,
            title=new.title,
            source=article.source,
            published=article.published,
            lang=article.lang,
        ),
    )
