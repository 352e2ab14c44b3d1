"""Floors under the measured accuracy, kept in floors.json beside this file.

python -m tests.quality.floors --raise            every floor that is below what is measured now goes up to it
python -m tests.quality.floors --lower "reason"   floors above it come down, changed data are taken on; the reason is kept
python -m tests.quality.floors --slips            every error, a line each
"""

import argparse
import hashlib
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.claims.extract import Extractor
from tests.quality import timelines
from tests.quality.accuracy import Score, files, read_reports, score

FLOORS = Path(__file__).with_name("floors.json")
TIMELINES = "timelines"
"""The name under which the floors of the ledger are kept, from the invented stories of tests/data/timelines."""
_STEP = 1000


def measure() -> dict[str, Score]:
    """The scores of all annotated files as the program reads them now."""
    extractor = Extractor()
    return {name: score(read_reports(path), extractor) for name, path in files().items()}


def digests() -> dict[str, str]:
    """A SHA-256 of each annotated file: whoever changes an annotation must say why."""
    found = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files().items()}
    told = "".join(path.read_text(encoding="utf-8") for path in timelines.files().values())
    return found | {TIMELINES: hashlib.sha256(told.encode()).hexdigest()}


def load() -> dict[str, Any]:
    """The kept floors: `claims` (file → measure → floor), `digests`, `lowered` (what came down, when and why)."""
    empty: dict[str, Any] = {"claims": {}, "digests": {}, "lowered": []}
    return empty | (json.loads(FLOORS.read_text(encoding="utf-8")) if FLOORS.exists() else {})


def floor_of(share: float) -> float:
    """A share as a floor: cut off after three digits, so that what was measured stands above it."""
    return math.floor(share * _STEP) / _STEP


def raised(kept: dict[str, Any], measured: dict[str, dict[str, float]], found: dict[str, str]) -> dict[str, Any]:
    """Floors where nothing is lower than before; ValueError if annotations changed, for that needs a reason."""
    changed = sorted(name for name, digest in kept["digests"].items() if found.get(name) != digest)
    if changed:
        raise ValueError(f"Annotations of {', '.join(changed)} have changed: take them on with --lower and the reason")
    claims = {
        name: {key: max(floor_of(share), kept["claims"].get(name, {}).get(key, 0.0)) for key, share in shares.items()}
        for name, shares in measured.items()
    }
    return kept | {"claims": claims, "digests": found}


def lowered(
    kept: dict[str, Any], measured: dict[str, dict[str, float]], found: dict[str, str], *, reason: str, day: str
) -> dict[str, Any]:
    """Floors no higher than what is measured, with a note of each that came down and of each file taken on anew."""
    falls: dict[str, list[float]] = {}
    claims: dict[str, dict[str, float]] = {}
    for name, shares in measured.items():
        old = kept["claims"].get(name, {})
        claims[name] = {key: min(floor_of(share), old.get(key, 1.0)) for key, share in shares.items()}
        falls |= {
            f"{name}.{key}": [old[key], value] for key, value in claims[name].items() if value < old.get(key, 0.0)
        }
    changed = sorted(name for name, digest in found.items() if kept["digests"].get(name, digest) != digest)
    note = {"day": day, "reason": reason, "floors": falls, "data": changed}
    return kept | {"claims": claims, "digests": found, "lowered": [*kept["lowered"], note]}


def main() -> None:
    """Raise or lower the floors to what is measured now, or list the errors."""
    parser = argparse.ArgumentParser(prog="python -m tests.quality.floors", description="Floors of accuracy")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--raise", action="store_true", dest="is_raise")
    what.add_argument("--lower", metavar="REASON")
    what.add_argument("--slips", action="store_true")
    options = parser.parse_args()
    scores = measure()
    if options.slips:
        for name, one in scores.items():
            for slip in one.slips:
                print(name, *slip, sep="\t")  # noqa: T201 -- a list for the terminal
        return
    measured = {name: one.measures() for name, one in scores.items()} | {TIMELINES: timelines.measure().measures()}
    if options.is_raise:
        kept = raised(load(), measured, digests())
    else:
        day = datetime.now(UTC).date().isoformat()
        kept = lowered(load(), measured, digests(), reason=options.lower, day=day)
    FLOORS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
