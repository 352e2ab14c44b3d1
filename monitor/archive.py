"""Reports that come with their dates (an archive, a replay) on their way through the same intake as what is polled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from monitor.intake import Taken, take_article
from monitor.reading.dates import read_span
from monitor.reading.language import detect_language
from monitor.reading.urls import canonical_url
from monitor.reading.versions import text_hash
from monitor.watch import Watch
from storage.keys import stable_hash
from storage.records import DatedPart, NewArticle, Span, Trust

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report of an archive, dated as far as it is known."""

    report_id: str
    title: str
    text: str
    published: Span | None
    source: str
    url: str
    lang: str | None
    parts: tuple[DatedPart, ...] = ()


def in_order(reports: Iterable[Report]) -> list[tuple[datetime, Report]]:
    """Return reports by their publication, each with the time at which a replay learns of it.

    A report without any date may corroborate what is known and is never news: it is learned of with the last one.
    """
    held = list(reports)
    last = max((one.published.not_before for one in held if one.published), default=EPOCH)
    timed = [(one.published.not_before if one.published else last, one) for one in held]
    return sorted(timed, key=lambda pair: (pair[1].published is None, pair[0], pair[1].report_id))


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
    return Report(
        report_id=report_id,
        title=title,
        text=text,
        published=span,
        source=str(held.get("source") or ""),
        url=url or f"report:{report_id}",
        lang=held.get("lang") or detect_language(f"{title}\n{text}"),
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
    reading = watch.read(
        title=report.title, text=report.text, published=report.published, lang=report.lang, forced=forced,
        parts=report.parts,
    )  # fmt: skip
    new = NewArticle(
        url=report.url,
        title=report.title,
        text=report.text,
        text_hash=text_hash(report.title, report.text),
        fetched_at=now,
        source=report.source,
        trust=Trust.UNKNOWN,
        lang=report.lang,
        published=report.published,
        aliases=(canonical_url(report.url), f"report:{report.report_id}"),
        parts=report.parts,
    )
    return take_article(session, watch, new, reading, silent=silent)
