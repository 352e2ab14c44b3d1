"""What a benchmark found, as rows of one table, and the options that all benchmarks share."""

import argparse
import dataclasses
import json
import resource
from dataclasses import dataclass
from pathlib import Path

SIZES = ("tiny", "quick", "full")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row: theirs and ours with their units, what was asked, and whether it is met (None: nothing was asked)."""

    what: str
    ours: str
    peer: str = ""
    theirs: str = ""
    ratio: float | None = None
    asked: str = ""
    is_met: bool | None = None


def faster(what: str, *, peer: str, theirs: float, ours: float, unit: str, at_least: float | None) -> Figure:
    """A cost beside a peer's cost, both in `unit`: the smaller the better. Without a peer only ours is told."""
    ratio = theirs / ours if theirs else None
    return Figure(
        what=what,
        peer=peer,
        theirs=f"{theirs:.3g} {unit}" if theirs else "",
        ours=f"{ours:.3g} {unit}",
        ratio=ratio,
        asked=f"≥ {at_least:g} ×" if at_least else "",
        is_met=None if at_least is None or ratio is None else ratio >= at_least,
    )


def more(what: str, *, peer: str, theirs: float, ours: float, unit: str, at_least: float | None) -> Figure:
    """A rate beside a peer's rate, both in `unit`: the larger the better."""
    ratio = ours / theirs if theirs else None
    return Figure(
        what=what,
        peer=peer,
        theirs=f"{theirs:.4g} {unit}" if theirs else "",
        ours=f"{ours:.4g} {unit}",
        ratio=ratio,
        asked=f"≥ {at_least:g} ×" if at_least else "",
        is_met=None if at_least is None or ratio is None else ratio >= at_least,
    )


def bounded(
    what: str, ours: float, unit: str, *, at_most: float | None = None, at_least: float | None = None
) -> Figure:
    """A figure with a bound of its own, whatever a peer does."""
    bound = f"≤ {at_most:g}" if at_most is not None else f"≥ {at_least:g}"
    is_met = ours <= at_most if at_most is not None else ours >= (at_least or 0)
    return Figure(what=what, ours=f"{ours:.4g} {unit}", asked=f"{bound} {unit}", is_met=is_met)


def options(about: str | None) -> argparse.ArgumentParser:
    """A parser with the options of every benchmark: its size, and where to leave its rows for the table of them all."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--size",
        choices=SIZES,
        default="quick",
        help="quick: under two minutes; full: as large as the design asks; tiny: a moment, without peers",
    )
    parser.add_argument("--figures", type=Path, help="also write the rows of the table to this file, as JSON")
    return parser


def chosen(arguments: argparse.Namespace, tiny: int, quick: int, full: int) -> int:
    """The number that goes with the size asked for."""
    return {"tiny": tiny, "quick": quick, "full": full}[arguments.size]


def leave(arguments: argparse.Namespace, figures: list[Figure]) -> None:
    """Write the rows where `--figures` says."""
    if arguments.figures:
        rows = [dataclasses.asdict(figure) for figure in figures]
        arguments.figures.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


def read_figures(path: Path) -> list[Figure]:
    """The rows that a benchmark left."""
    return [Figure(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def cpu() -> float:
    """Seconds of CPU, user and system, that this process has used so far, all its threads together."""
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime


def memory() -> float:
    """MB of this process that are in memory now."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
