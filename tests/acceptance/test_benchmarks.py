"""Every benchmark runs, at its smallest size and without peers; the table shows what it found."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from bench.__main__ import NAMES, show
from bench.figures import Figure, bounded, faster, more, read_figures

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_runs_and_leaves_its_rows(name: str, tmp_path: Path) -> None:
    left = tmp_path / "figures.json"
    command = [sys.executable, "-m", f"bench.{name}", "--size", "tiny", "--figures", str(left)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": "."}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = read_figures(left)
    assert figures
    assert all(figure.what and figure.ours for figure in figures)
    assert any(figure.asked for figure in figures)


def test_every_benchmark_is_among_those_that_make_bench_runs() -> None:
    runnable = {path.stem for path in (ROOT / "bench").glob("*.py") if "options(__doc__)" in path.read_text("utf-8")}
    assert runnable == set(NAMES)


def test_every_benchmark_is_named_in_the_documentation() -> None:
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert [name for name in NAMES if f"`bench.{name}" not in page] == []


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    command = [sys.executable, "-m", "bench", "pollin"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no benchmark is called pollin" in done.stderr
    assert "polling" in done.stderr


def test_the_table_fits_80_columns_and_says_what_is_not_met() -> None:
    rows = [
        faster("a thing", peer="reader", theirs=10, ours=2, unit="ms", at_least=4),
        more("another thing with a long name", peer="trafilatura", theirs=10, ours=20, unit="/s", at_least=2.5),
        bounded("memory", 12.0, "MB", at_most=60),
        Figure(what="nothing asked", ours="1"),
    ]
    page = io.StringIO()
    show({"polling": rows}, "quick", Console(width=80, file=page))
    text = page.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert [bool(re.search(word, text)) for word in ("bench.polling", "5.0 ×", "NOT MET", "≥ 4 ×", "≤ 60 MB")] == [
        True
    ] * 5
    assert [row.is_met for row in rows] == [True, False, True, None]


def test_without_a_peer_no_ratio_is_claimed(tmp_path: Path) -> None:
    alone = faster("a thing", peer="reader", theirs=0.0, ours=2, unit="ms", at_least=4)
    assert (alone.ratio, alone.theirs, alone.is_met) == (None, "", None)
    (tmp_path / "rows.json").write_text(json.dumps([{"what": "x", "ours": "1"}]), encoding="utf-8")
    assert read_figures(tmp_path / "rows.json") == [Figure(what="x", ours="1")]


@pytest.mark.slow
@pytest.mark.postgres
def test_a_short_run_of_a_fault_loses_and_doubles_nothing(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "bench.chaos",
        "--fault",
        "kill",
        "--seconds",
        "5",
        "--out",
        str(tmp_path / "r.md"),
    ]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": "."}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (tmp_path / "r.md").read_text("utf-8").splitlines()
    head, row = (
        [part.strip() for part in next(line for line in lines if line.startswith(start)).split("|")]
        for start in ("| fault", "| kill -9")
    )
    assert int(row[head.index("published")]) == 11
