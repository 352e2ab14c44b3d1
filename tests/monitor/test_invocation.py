"""Commands that we print can be typed where the user stands."""

import sys
from pathlib import Path

import pytest

from monitor.invocation import as_typed


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("run `storywatch db upgrade`", "run `.venv/bin/storywatch db upgrade`"),
        ("storywatch --config /tmp/a/storywatch.toml run", ".venv/bin/storywatch --config /tmp/a/storywatch.toml run"),
        ("a storywatch service runs", "a storywatch service runs"),
        ("storywatch - what it does", "storywatch - what it does"),
    ],
)
def test_a_command_names_the_program_that_was_called(
    said: str, typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / ".venv" / "bin" / "storywatch"
    program.parent.mkdir(parents=True)
    program.write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert as_typed(said) == typed
