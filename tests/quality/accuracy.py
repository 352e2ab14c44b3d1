"""Scores the claims read from annotated reports: the measures of docs/accuracy.md, by language and metric.

A report's annotations ("gold") and the claims read are both plain dictionaries in the exchange format
(monitor/claims/exchange.py). The five core metrics count, a hospitalised person as an injured one.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.claims.exchange import claim_to_exchange
from monitor.claims.extract import Extractor
from monitor.cli.extract import published_span
from storage.records import Qualifier

FOLDER = Path(__file__).parents[1] / "data" / "accuracy"
CORE = ("killed", "injured", "missing", "detained")
_FOLDED = {"hospitalised": "injured"}
_NO_LIMIT = 1e12

Row = dict[str, Any]


@dataclass(slots=True)
class Score:
    """Counts over reports; `slips` names each error as (report, kind, metric, value, quote)."""

    counts: Counter[str] = field(default_factory=Counter)
    slips: list[tuple[str, str, str, object, str]] = field(default_factory=list)

    def share(self, name: str) -> float | None:
        """A measure from 0 to 1, or None where nothing was to be measured."""
        prefix, _, part = name.rpartition(".")
        prefix = prefix and f"{prefix}."
        against = {"precision": "extra", "recall": "missed"}.get(part)
        hits = self.counts[name if against is None else f"{prefix}found"]
        total = self.counts[f"{name} of"] if against is None else hits + self.counts[prefix + against]
        return hits / total if total else None

    def measures(self) -> dict[str, float]:
        """All measures by name, those of single metrics as "killed.recall"."""
        names = ["precision", "recall", "status", "standing", "scope", "headline", "silent"]
        names += [f"{metric}.{part}" for metric in CORE for part in ("precision", "recall")]
        return {name: share for name in names if (share := self.share(name)) is not None}


def files() -> dict[str, Path]:
    """The annotated files by name: a language, with a suffix for further sets."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.jsonl"))}


def read_reports(path: Path) -> list[Row]:
    """The annotated reports of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def score(reports: list[Row], extractor: Extractor) -> Score:
    """Reads every report without a story and compares the claims with the annotations."""
    total = Score()
    for report in reports:
        claims = extractor.extract(
            title=report["title"],
            text=report["text"],
            published=published_span(report["published"]),
            lang=report["lang"],
        )
        rows = [claim_to_exchange(claim) for claim in claims if not claim.implicit]
        score_report(report, rows, total)
    return total


def score_report(report: Row, claims: list[Row], total: Score) -> None:
    """Adds one report's result to `total`."""
    annotated = [row for row in _core(report["gold"]) if not row.get("delta")]
    levels = [row for row in annotated if not row.get("ordinal")]
    read = [row for row in _core(claims) if not row.get("delta")]
    used: set[int] = set()
    for twins in _grouped(levels):
        hits = [index for index, claim in enumerate(read) if _is_same(claim, twins[0])]
        used.update(hits)
        _count_figure(report["id"], twins, [read[index] for index in hits], total)
    for extras in _grouped([claim for index, claim in enumerate(read) if index not in used]):
        if not any(row.get("ordinal") and _is_same(extras[0], row) for row in annotated):
            _slip(total, report["id"], "extra", extras[0])
    _count_headline(report["id"], levels, read, total)
    if not _core(report["gold"]):
        _share(total, "silent", not read)


def _count_figure(report: str, twins: list[Row], hits: list[Row], total: Score) -> None:
    if not hits:
        _slip(total, report, "missed", twins[0])
        return
    total.counts["found"] += 1
    total.counts[f"{twins[0]['metric']}.found"] += 1
    wanted, told = {row["status"] for row in twins}, {row["status"] for row in hits}
    if not _share(total, "status", told <= wanted):
        total.slips.append((report, f"status {min(told)}", twins[0]["metric"], twins[0]["low"], twins[0]["quote"]))
    _share(total, "standing", {s == "current" for s in told} <= {s == "current" for s in wanted})
    if twins[0]["metric"] == "killed" and not _share(
        total, "scope", {_is_whole(row) for row in hits} <= {_is_whole(row) for row in twins}
    ):
        total.slips.append((report, "scope", "killed", twins[0]["low"], twins[0]["quote"]))


def _count_headline(report: str, levels: list[Row], read: list[Row], total: Score) -> None:
    """Whether exactly the standing figures of all the dead were read as such."""
    wanted = {float(row["low"]) for row in levels if _is_standing_toll(row)}
    told = {float(row["low"]) for row in read if _is_standing_toll(row)}
    if wanted and not _share(total, "headline", wanted == told):
        total.slips.append((report, "headline", "killed", sorted(wanted), f"read {sorted(told)}"))


def _core(rows: list[Row]) -> list[Row]:
    folded = [dict(row, metric=_FOLDED.get(row["metric"], row["metric"])) for row in rows]
    return [row for row in folded if row["metric"] in CORE]


def _grouped(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows of one metric and value together: repeats in a report count once."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["metric"], row["low"], row["high"]), []).append(row)
    yield from groups.values()


def _is_same(claim: Row, gold: Row) -> bool:
    if claim["metric"] != gold["metric"] or claim["low"] is None:
        return False
    low, high = float(claim["low"]), claim["high"]
    if gold.get("vague"):
        is_inside = low <= (gold["high"] or _NO_LIMIT) and (high if high is not None else low) >= gold["low"]
        return is_inside and (claim["qualifier"] == Qualifier.VAGUE or low == gold["low"])
    if gold["high"] is not None and gold["high"] != gold["low"]:
        return low == gold["low"] and bool(high == gold["high"])
    return low == float(gold["low"])


def _is_whole(row: Row) -> bool:
    return row.get("population") in (None, "total") and row.get("place") in (None, "story-wide")


def _is_standing_toll(row: Row) -> bool:
    return row["metric"] == "killed" and row["status"] == "current" and _is_whole(row)


def _share(total: Score, name: str, is_right: bool) -> bool:
    total.counts[f"{name} of"] += 1
    total.counts[name] += is_right
    return is_right


def _slip(total: Score, report: str, kind: str, row: Row) -> None:
    total.counts[kind] += 1
    total.counts[f"{row['metric']}.{kind}"] += 1
    total.slips.append((report, kind, row["metric"], row["low"], row["quote"]))
