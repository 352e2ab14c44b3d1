"""The demo as a user plays it: its own exit code says whether everything came out; also with kill -9 in between."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.postgres import Postgres

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def play(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("storywatch")
    return subprocess.run([program, "demo", "--folder", folder, *options], capture_output=True, text=True)


def test_the_history_and_the_alerts_come_out_as_they_must(tmp_path: Path) -> None:
    done = play(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = re.findall(r"^2022-01-\d\d \d\d:\d\d \w+ +(.*?) *$", done.stdout, flags=re.MULTILINE)
    assert steps == ["44", "44 → 164", "164 → withdrawn (44)", "44 → 225"]
    assert all(
        len(line) <= 80 for line in done.stdout.splitlines() if "storywatch --config" not in line and "http" not in line
    )
    assert (tmp_path / "storywatch.db").exists()


@pytest.mark.postgres
def test_through_two_workers_on_postgresql_the_same_comes_out(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.create("demo")
    done = play(tmp_path, "--workers", "2", "--database-url", url)
    postgres.drop("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    steps = re.findall(r"^2022-01-\d\d \d\d:\d\d \w+ +(.*?) *$", done.stdout, flags=re.MULTILINE)
    assert steps == ["44", "44 → 164", "164 → withdrawn (44)", "44 → 225"]
    assert "Traceback" not in (tmp_path / "service.log").read_text()


def test_kill_nine_at_random_moments_changes_nothing(tmp_path: Path) -> None:
    done = play(tmp_path, "--kill-seed", "7", "--kills", "5")
    assert done.returncode == 0, done.stdout + done.stderr
