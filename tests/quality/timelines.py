"""Invented stories with known timelines (tests/data/timelines), from text through the store to the change log.

python -m tests.quality.timelines            the shares, and a line for each change that was missed or told wrongly
"""

import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from monitor.archive import in_order, read_report, take_report
from monitor.watch import Watch
from storage import claims, stories
from storage.database import Database
from storage.records import Entity, EntityKind, Figure, OriginSpec, Place, Revision, RevisionKind, Story

FOLDER = Path(__file__).parents[1] / "data" / "timelines"
_DOWN = frozenset({RevisionKind.LOWERED, RevisionKind.RETRACTED})
_TOLD = _DOWN | {RevisionKind.FIRST, RevisionKind.RAISED, RevisionKind.RESTORED}
_LATE_DAYS = 1


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a known timeline."""

    day: date
    metric: str
    kind: str
    before: float | None
    after: float | None

    def is_down(self) -> bool:
        """Whether the figure fell."""
        return self.kind in ("lowered", "retracted")

    def is_met_by(self, revision: Revision) -> bool:
        """Whether a revision tells this change: its direction and figures, at most a day late."""
        if revision.key.metric != self.metric or abs((revision.recorded_at.date() - self.day).days) > _LATE_DAYS:
            return False
        if self.is_down() is not (revision.kind in _DOWN):
            return False
        return number(revision.after) == self.after and (not self.is_down() or number(revision.before) == self.before)


@dataclass(slots=True)
class Tally:
    """Counts over stories, and what went wrong: (story, what, the change or revision)."""

    counts: Counter[str] = field(default_factory=Counter)
    slips: list[tuple[str, str, str]] = field(default_factory=list)

    def measures(self) -> dict[str, float]:
        """Shares from 0 to 1: changes found, falls found, told revisions that are true, told falls that are true."""
        names = ("changes", "downward", "precision", "downward.precision")
        return {name: self.counts[name] / self.counts[f"{name} of"] for name in names if self.counts[f"{name} of"]}

    def count(self, name: str, *, is_hit: bool) -> None:
        """Add one to a share."""
        self.counts[name] += is_hit
        self.counts[f"{name} of"] += 1


def number(figure: Figure | None) -> float | None:
    """The number of one side of a change."""
    return None if figure is None else figure.value if figure.value is not None else figure.low


def files() -> dict[str, Path]:
    """The invented stories by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def read_story(path: Path) -> tuple[Story, list[dict[str, Any]], list[Change]]:
    """A story, its reports, and how its headline figures are known to have moved."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    places = tuple(Place(name=name, whole=is_whole) for name, is_whole in data["places"])
    entities = (Entity(name=data["title"], kind=EntityKind.EVENT),)
    origins = tuple(OriginSpec(name=name, aliases=tuple(aliases)) for name, *aliases in data.get("origins", ()))
    story = Story(slug=data["slug"], title=data["title"], places=places, entities=entities, origins=origins)
    reports = [dict(one, url=f"https://archive.example/{one['id']}", lang="en") for one in data["reports"]]
    return story, reports, [_change(line) for line in data["expected"]]


def _change(line: str) -> Change:
    day, metric, kind, *figures = line.split()
    sides = [float(one) for one in figures]
    return Change(date.fromisoformat(day), metric, kind, sides[0] if len(sides) > 1 else None, sides[-1])


def replay(story: Story, reports: Sequence[dict[str, Any]], folder: Path) -> tuple[Revision, ...]:
    """The change log that a store writes when the reports come in one by one as they were published."""
    database = Database(f"sqlite:///{folder}/{story.slug}.db")
    database.upgrade()
    watch = Watch([story])
    ordered = in_order(read_report(one) for one in reports)
    with database.write() as session:
        stories.add_story(session, story, now=ordered[0][0])
    for learned_at, report in ordered:
        with database.write() as session:
            take_report(session, watch, report, forced=(story.slug,), now=learned_at)
    with database.read() as session:
        log = claims.list_revisions(session, story.slug)
    database.close()
    return log


def score(name: str, wanted: Iterable[Change], log: Iterable[Revision], tally: Tally) -> None:
    """Add one story's result: each revision serves one change, and what is told beyond them is an error."""
    told = [one for one in log if not (one.key.population or one.key.place)]
    used: set[str] = set()
    metrics = set()
    for change in wanted:
        metrics.add(change.metric)
        hit = next((one for one in told if one.revision_id not in used and change.is_met_by(one)), None)
        tally.count("changes", is_hit=hit is not None)
        if change.is_down():
            tally.count("downward", is_hit=hit is not None)
        if hit is None:
            tally.slips.append((name, "missed", str(change)))
        else:
            used.add(hit.revision_id)
    for one in told:
        if one.is_silent or one.kind not in _TOLD or one.key.metric not in metrics:
            continue
        is_true = one.revision_id in used
        tally.count("precision", is_hit=is_true)
        if one.kind in _DOWN:
            tally.count("downward.precision", is_hit=is_true)
        if not is_true:
            text = f"{one.recorded_at:%Y-%m-%d} {one.key.metric} {one.kind} {number(one.before)} {number(one.after)} {one.rule}"
            tally.slips.append((name, "false", text))


def measure(names: Iterable[str] | None = None) -> Tally:
    """The tally of all invented stories, or of some."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for name in names or files():
            story, reports, wanted = read_story(files()[name])
            score(name, wanted, replay(story, reports, Path(folder)), tally)
    return tally


if __name__ == "__main__":
    found = measure()
    print(found.measures())  # noqa: T201 -- figures for the terminal
    for slip in found.slips:
        print(*slip, sep="\t")  # noqa: T201 -- a list for the terminal
