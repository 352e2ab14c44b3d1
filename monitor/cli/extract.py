"""`storywatch extract` and `storywatch explain`: claims of documents, and how each figure of a text was read."""

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

from monitor.claims.exchange import claim_to_exchange
from monitor.claims.extract import Extractor
from storage.records import Span


def published_span(published: str | None) -> Span | None:
    """A publication time as wide as it is known: a year, a month, a day or an instant; None for none or nonsense."""
    if not published:
        return None
    text = published.strip()
    try:
        if len(text) == 4:
            start = datetime(int(text), 1, 1, tzinfo=UTC)
            return Span(not_before=start, not_after=start.replace(year=start.year + 1) - timedelta(microseconds=1))
        if len(text) == 7:
            year, month = int(text[:4]), int(text[5:7])
            following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
            return Span(
                not_before=datetime(year, month, 1, tzinfo=UTC), not_after=following - timedelta(microseconds=1)
            )
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    moment = moment.astimezone(UTC)
    if len(text) == 10:
        return Span(not_before=moment, not_after=moment + timedelta(days=1, microseconds=-1))
    return Span(not_before=moment, not_after=moment)


def extract_lines(lines: Iterable[str], extractor: Extractor, *, with_implicit: bool = False) -> Iterator[str]:
    """A JSON line of claims for each JSON line of a document; a language that nobody named is read as English."""
    for line in lines:
        if not line.strip():
            continue
        document: dict[str, Any] = json.loads(line)
        claims = extractor.extract(
            title=document.get("title") or "",
            text=document.get("text") or "",
            published=published_span(document.get("published")),
            lang=document.get("lang"),
        )
        rows = [claim_to_exchange(claim) for claim in claims if with_implicit or not claim.implicit]
        yield json.dumps({"id": document.get("id"), "claims": rows}, ensure_ascii=False)


def extract_command(source: TextIO = sys.stdin, target: TextIO = sys.stdout) -> None:
    for line in extract_lines(source, Extractor()):
        target.write(line + "\n")


if __name__ == "__main__":
    extract_command()
