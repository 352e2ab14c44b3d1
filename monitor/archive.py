"""Reports that come with their dates (an archive, a replay) on their way through the same intake as what is polled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from monitor.intake import Taken, accepted_stories, take_article, take_version
from monitor.reading.dates import read_span
from monitor.reading.language import detect_language
from monitor.reading.urls import canonical_url
from monitor.reading.versions import text_hash
from monitor.recognition import recognise
from monitor.watch import Reading, Watch
from storage import articles
from storage.keys import stable_hash
from storage.records import Article, DatedPart, NewArticle, Span, Trust

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report of an archive, dated as far as it is known. `captured_at` is when it was fetched, if that is noted."""

    report_id: str
    title: str
    text: str
    published: Span | None
    source: str
    url: str
    lang: str | None
    parts: tuple[DatedPart, ...] = ()
    captured_at: datetime | None = None

    @property
    def stood_at(self) -> datetime | None:
        """When its address is known to have shown this text: its capture, else the last date in it, if any."""
        if self.captured_at is not None:
            return self.captured_at
        dates = [self.published] if self.published is not None else []
        return max((date.not_after for date in (*dates, *(part.published for part in self.parts))), default=None)


class Outcome(StrEnum):
    """What became of a capture: a new article, a later version of one, the text that is held, or no place for it."""

    ARTICLE = "article"
    VERSION = "version"
    KNOWN = "known"
    REFUSED = "refused"


def in_order(reports: Iterable[Report]) -> list[tuple[datetime, Report]]:
    """Return reports by their publication, each with the time at which a replay learns of it.

    A report without any date may corroborate what is known and is never news: it is learned of with the last one.
    """
    held = list(reports)
    last = max((one.published.not_before for one in held if one.published), default=EPOCH)
    timed = [(one.published.not_before if one.published else last, one) for one in held]
    return sorted(timed, key=lambda pair: (pair[1].published is None, pair[0], pair[1].report_id))


def captures_in_order(reports: Iterable[Report]) -> list[Report]:
    """Return reports as an import takes them: each by its publication, later captures of an address as they came.

    What has no date at all comes last.
    """
    by_address: dict[str, list[Report]] = {}
    for report in reports:
        by_address.setdefault(canonical_url(report.url), []).append(report)
    timed = []
    for address, found in by_address.items():
        found.sort(key=lambda one: (one.stood_at is None, one.stood_at or EPOCH))
        at = EPOCH
        for place, report in enumerate(found):
            first = report.published.not_before if report.published is not None and place == 0 else report.stood_at
            at = max(at, first or EPOCH)
            timed.append((report.stood_at is None, at, address, place, report))
    return [report for *_, report in sorted(timed, key=lambda one: one[:4])]


def read_report(held: Mapping[str, Any]) -> Report:
    """Return a report from its JSON object. Raises ValueError or KeyError, saying what is missing."""
    if not isinstance(held, Mapping):
        raise ValueError("this is no JSON object")
    if "text" not in held and "title" not in held:
        raise ValueError("neither title nor text is there")
    title, text = str(held.get("title") or ""), str(held.get("text") or "")
    url = str(held.get("url") or "")
    report_id = str(held.get("id") or url or stable_hash("i1", title, text))
    published = held.get("published")
    span = read_span(str(published)) if published else None
    if published and span is None:
        raise ValueError(f"published: {published!r} is no date; write 2022-01-09 or 2022-01-09T18:00:00Z")
    fetched = held.get("fetched_at")
    fetched_at = read_span(str(fetched)) if fetched else None
    if fetched and fetched_at is None:
        raise ValueError(f"fetched_at: {fetched!r} is no date; write 2022-01-09T18:00:00Z")
    return Report(
        report_id=report_id,
        title=title,
        text=text,
        published=span,
        source=str(held.get("source") or ""),
        url=url or f"report:{report_id}",
        lang=held.get("lang") or detect_language(f"{title}\n{text}"),
        captured_at=fetched_at.not_after if fetched_at is not None else None,
    )


def take_report(
    session: Session,
    watch: Watch,
    report: Report,
    *,
    forced: Sequence[str] = (),
    now: datetime,
    silent: bool = False,
) -> Taken:
    """Store a report as the first version of its article, recorded at `now`.

    `forced` stories take it whatever the matcher says. `silent`: history is filled and nobody is told.
    """
    reading = _read(watch, report, report.published, forced)
    return take_article(session, watch, _new_article(report, fetched_at=now, now=now), reading, silent=silent)


def take_capture(session: Session, watch: Watch, report: Report, *, now: datetime) -> tuple[Outcome, Taken]:
    """Store a capture of an archive, learned of `now`: a new article, or the version of a held one that it stood in.

    Another text is a later version only if it was captured after the text that is held was last seen: versions are only
    ever added behind the last one, and what came between them is refused. Nobody is told.
    """
    stood_at = min(report.stood_at or now, now)
    new = _new_article(report, fetched_at=stood_at, now=now)
    taken = take_article(session, watch, new, _read(watch, report, report.published), silent=True)
    if taken.is_new:
        return Outcome.ARTICLE, taken
    article = taken.article
    is_later = report.stood_at is not None and stood_at > (article.last_read_at or article.first_seen_at)
    if taken.version.text_hash == new.text_hash:
        if is_later:
            articles.update_article(session, replace(article, last_read_at=stood_at))
        return Outcome.KNOWN, taken
    if recognise(session, new).is_by_words:  # another address of the same story: its words are no edit of this one
        return Outcome.KNOWN, taken
    if not is_later:
        earlier = {version.text_hash for version in articles.list_versions(session, article.article_id)}
        return Outcome.KNOWN if new.text_hash in earlier else Outcome.REFUSED, taken
    return Outcome.VERSION, _take_version(session, watch, article, report, stood_at, now)


def _take_version(
    session: Session, watch: Watch, article: Article, report: Report, stood_at: datetime, now: datetime
) -> Taken:
    dated = replace(report, lang=article.lang or report.lang)
    forced = accepted_stories(session, article.article_id)
    taken = take_version(
        session, watch, article, _read(watch, dated, article.published or report.published, forced),
        title=report.title, text=report.text, text_hash=text_hash(report.title, report.text), now=now,
        parts=report.parts, fetched_at=stood_at, silent=True,
    )  # fmt: skip
    # What the site last answered was an older text: an answer that is like it is no longer one without news.
    seen = replace(
        articles.get_article(session, article.article_id), last_read_at=stood_at, etag=None, last_modified=None,
        body_hash=None, pending_hash=None, pending_since=None,
    )  # fmt: skip
    articles.update_article(session, seen)
    return taken


def _read(watch: Watch, report: Report, published: Span | None, forced: Sequence[str] = ()) -> Reading:
    return watch.read(
        title=report.title, text=report.text, published=published, lang=report.lang, forced=forced, parts=report.parts
    )


def _new_article(report: Report, *, fetched_at: datetime, now: datetime) -> NewArticle:
    return NewArticle(
        url=report.url,
        title=report.title,
        text=report.text,
        text_hash=text_hash(report.title, report.text),
        fetched_at=fetched_at,
        source=report.source,
        trust=Trust.UNKNOWN,
        lang=report.lang,
        published=report.published,
        aliases=(canonical_url(report.url), f"report:{report.report_id}"),
        parts=report.parts,
        recorded_at=now,
    )
