"""`storywatch compare --jsonl`: pairs of versions of one article in, a judgement of each edit out."""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from monitor.claims.extract import Extractor
from monitor.cli.json_lines import read_objects
from monitor.ledger.edits import EditReport, FigureChange, Meaning, compare_versions
from storage.records import ClaimKind, Figure


def compare_lines(lines: Iterable[str | bytes], extractor: Extractor) -> Iterator[str]:
    """A JSON line for each JSON line `{"id", "title", "v1", "v2"}`; `title2` and `lang` may be given as well.

    Raises LineError for a line that is no pair of versions.
    """
    for _, pair in read_objects(lines, required=("v1", "v2"), texts=("v1", "v2", "title", "title2", "lang")):
        title = pair.get("title") or ""
        new_title = title if pair.get("title2") is None else pair["title2"]
        report = compare_versions(
            (title, pair["v1"] or ""), (new_title, pair["v2"] or ""), extractor=extractor, lang=pair.get("lang")
        )
        yield json.dumps({"id": pair.get("id"), **report_line(report)}, ensure_ascii=False)


def report_line(report: EditReport) -> dict[str, Any]:
    """An edit report as the exchange format states it."""
    return {"substantive": report.substantive, "changes": list(map(_change, report.changes)), "notice": report.notice}


def _change(change: FigureChange) -> dict[str, Any]:
    sides = {"from": _side(change.before), "to": _side(change.after)}
    counted = {"was": _meaning(change.was), "now": _meaning(change.now)} if change.was and change.now else {}
    return {"metric": change.metric or None, **sides, "kind": change.kind, **counted}


def _meaning(meaning: Meaning) -> dict[str, Any]:
    return {
        "metric": meaning.metric,
        "population": meaning.population or None,
        "place": meaning.place or None,
        "status": meaning.status.value,
        "delta": meaning.kind is ClaimKind.INCREMENT,
    }


def _side(figure: Figure | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return {"low": figure.value, "high": figure.high, "qualifier": figure.qualifier.value}


def compare_command(
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Read and write JSON lines (the only format).")] = True,
) -> None:
    """Judge edits: pairs of versions on standard input, for each whether its facts changed, and which."""
    for line in compare_lines(sys.stdin.buffer, Extractor()):
        print(line)
