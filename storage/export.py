"""Records, revisions and evidence as plain tables that statistics programs read: CSV, JSON Lines, Parquet.

`low`, `best` and `high` are meant as in UCDP GED: the bounds of what is reported, and what we hold likeliest. COLUMNS
says what each column is; docs/storage.md is held to it by a test.
"""

import csv
import importlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from sqlmodel import Session

from storage.claims import list_histories, list_revisions
from storage.covering import cover_login, cover_secrets
from storage.errors import StorywatchError
from storage.records import Evidence, Figure, History, RecordKey, Revision, Span

_KEY = {
    "story": "the story's name",
    "metric": "what is measured",
    "unit": "in what unit",
    "population": "among whom; empty: everybody",
    "place": "where; empty: the whole story",
    "period": "over what period; empty: since the beginning",
}
COLUMNS: dict[str, dict[str, str]] = {
    "records": _KEY
    | {
        "low": "the lowest figure that is reported now",
        "best": "the figure that is held now",
        "high": "the highest figure that is reported now",
        "qualifier": "how the figure is hedged: exact, at_least, about, …",
        "state": "for states: what is in force",
        "is_contested": "true while origins disagree",
        "is_provisional": "true while nobody has confirmed it",
        "effective_from": "when the figure held, at the earliest",
        "effective_to": "when the figure held, at the latest",
        "public_from": "when it was published, at the earliest",
        "public_to": "when it was published, at the latest",
        "recorded_at": "when Storywatch learned it",
        "versions": "how many versions the record has had",
        "origins": "who says so, parted by semicolons",
    },
    "revisions": {"revision_id": "the revision's lasting name"}
    | _KEY
    | {
        "kind": "how the record moved: first, raised, lowered, retracted, …",
        "before_value": "the figure before",
        "before_state": "the state before",
        "value": "the figure after",
        "low": "its lower bound",
        "high": "its upper bound",
        "qualifier": "how it is hedged",
        "state": "the state after",
        "effective_from": "when it held, at the earliest",
        "effective_to": "when it held, at the latest",
        "public_from": "when it was published, at the earliest",
        "public_to": "when it was published, at the latest",
        "recorded_at": "when Storywatch learned it",
        "rule": "the ledger's rule that made it",
        "reason": "why, as a key of the catalogue of reasons",
        "origins": "who says so, parted by semicolons",
        "corrects": "the revision that this one takes back",
        "is_silent": "true for what nobody was told (backfills, imports)",
    },
    "evidence": {
        "revision_id": "the revision that rests on it",
        "claim_id": "the claim's lasting name",
        "quote": "the words of the figure",
        "url": "the article",
        "title": "its title",
        "source": "the outlet",
        "origin": "who is quoted",
        "speaker": "the person who speaks",
        "published_from": "when the article was published, at the earliest",
        "published_to": "when the article was published, at the latest",
    },
}
FORMATS = ("csv", "jsonl", "parquet")
_FIGURES = ("low", "best", "high", "value", "before_value")
Row = dict[str, Any]


class ExportError(StorywatchError):
    """The export cannot be written; the message says why and what to do."""


def export_rows(session: Session, table: str, story: str | None = None) -> Iterator[Row]:
    """The rows of one table of COLUMNS (records, revisions, evidence), of one story or all, with all its columns."""
    if table == "records":
        rows = (_record_row(history) for history in list_histories(session, story))
    elif table == "revisions":
        rows = (_revision_row(revision) for revision in list_revisions(session, story))
    elif table == "evidence":
        rows = (
            _evidence_row(revision, evidence)
            for revision in list_revisions(session, story)
            for evidence in revision.evidence
        )
    else:
        raise ExportError(f"there is no table {table!r} to export; tables: {', '.join(COLUMNS)}")
    return rows


def write_rows(rows: Iterable[Row], table: str, target: TextIO, form: str) -> int:
    """Write rows of a table as CSV or JSON Lines; returns how many. Raises ExportError for another form."""
    count = 0
    if form == "csv":
        writer = csv.DictWriter(target, fieldnames=list(COLUMNS[table]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            count += 1
            writer.writerow({name: _defused(value) for name, value in row.items()})
    elif form == "jsonl":
        for row in rows:
            count += 1
            target.write(json.dumps(row, ensure_ascii=False, default=_plain) + "\n")
    else:
        raise ExportError(f"a stream takes csv or jsonl, not {form!r}; Parquet needs a file of its own")
    return count


def write_file(rows: Iterable[Row], table: str, path: Path, form: str) -> int:
    """Write rows of a table to a file in any of FORMATS; returns how many. Raises ExportError."""
    try:
        if form == "parquet":
            return _write_parquet(list(rows), table, path)
        with path.open("w", encoding="utf-8", newline="") as target:
            return write_rows(rows, table, target, form)
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror or error}: choose a place that can be written") from error


def _write_parquet(rows: list[Row], table: str, path: Path) -> int:
    try:
        arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise ExportError("Parquet needs the package pyarrow: pip install 'storywatch[parquet]'") from error
    # Said, not guessed from the rows: a column that is empty today has the type that it has tomorrow.
    schema = arrow.schema([(name, _arrow_type(arrow, name)) for name in COLUMNS[table]])
    parquet.write_table(arrow.Table.from_pylist(rows, schema=schema), path)
    return len(rows)


def _arrow_type(arrow: Any, name: str) -> Any:
    if name in _FIGURES:
        return arrow.float64()
    if name == "versions":
        return arrow.int64()
    if name.startswith("is_"):
        return arrow.bool_()
    if name == "recorded_at" or name.endswith(("_from", "_to")):
        return arrow.timestamp("us", tz="UTC")
    return arrow.string()


def _record_row(history: History) -> Row:
    last = history.steps[-1] if history.steps else None
    figure = history.current
    return {
        **_key_row(history.key),
        "low": history.low,
        "best": history.best,
        "high": history.high,
        "qualifier": figure.qualifier.value if figure else None,
        "state": figure.state if figure else None,
        "is_contested": history.is_contested,
        "is_provisional": history.is_provisional,
        **_span_row("effective", last.effective_at if last else None),
        **_span_row("public", last.public_at if last else None),
        "recorded_at": last.recorded_at if last else None,
        "versions": len(history.steps),
        "origins": "; ".join(last.origins) if last else "",
    }


def _revision_row(revision: Revision) -> Row:
    before, after = revision.before or Figure(), revision.after or Figure()
    return {
        "revision_id": revision.revision_id,
        **_key_row(revision.key),
        "kind": revision.kind.value,
        "before_value": before.value,
        "before_state": before.state,
        "value": after.value,
        "low": after.low,
        "high": after.high,
        "qualifier": after.qualifier.value if revision.after else None,
        "state": after.state,
        **_span_row("effective", revision.effective_at),
        **_span_row("public", revision.public_at),
        "recorded_at": revision.recorded_at,
        "rule": revision.rule,
        "reason": revision.reason,
        "origins": "; ".join(revision.origins),
        "corrects": revision.corrects,
        "is_silent": revision.is_silent,
    }


def _evidence_row(revision: Revision, evidence: Evidence) -> Row:
    names = ("claim_id", "quote", "url", "title", "source", "origin", "speaker")
    return {
        "revision_id": revision.revision_id,
        **{name: getattr(evidence, name) for name in names},
        "url": cover_login(evidence.url),
        **_span_row("published", evidence.published),
    }


def _key_row(key: RecordKey) -> Row:
    return {name: cover_secrets(getattr(key, name)) for name in _KEY}  # the place of a watched feed is its address


def _span_row(name: str, span: Span | None) -> Row:
    return {f"{name}_from": span.not_before if span else None, f"{name}_to": span.not_after if span else None}


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not exported")


def _defused(value: Any) -> Any:
    """A value as CSV holds it; a text that a spreadsheet would run as a formula is made to stay text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
