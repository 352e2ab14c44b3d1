"""JSON lines in and out of `extract`, `compare`, `replay` and `import`: junk is one clear line that names its line."""

import json
from pathlib import Path

import pytest

from tests.support.commandline import CommandLine, seed

GOOD = {
    "extract": {"id": "a", "text": "The unrest left 44 people dead."},
    "compare": {"id": "a", "v1": "The unrest left 44 people dead.", "v2": "The unrest left 45 people dead."},
    "replay": {
        "published": "2026-01-01",
        "id": "a",
        "title": "Riots in Harbour City",
        "text": "The unrest left 44 people dead.",
    },
}
GOOD["import"] = GOOD["replay"]
JUNK = (
    ("{", "this is no JSON"),
    ("[" * 100_000, "this JSON cannot be read"),
    ("[1]", "this is JSON, but no object"),
    ('{"id": "a", "text": "\\ud800", "v1": "", "v2": ""}', "half a character is in it"),
    ('{"id": "a", "text": 7, "v1": 7, "v2": ""}', ": this is no text"),
)


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    made = CommandLine(tmp_path)
    made.write("seeds/good.toml", seed("good", {}))
    return made


def run(line: CommandLine, command: str, text: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command over these lines."""
    line.write("lines.jsonl", text)
    words = {"import": ["lines.jsonl"], "replay": ["seeds/good.toml"]}.get(command, [])
    done = line.run(command, *words, stdin=text)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", sorted(GOOD))
def test_junk_is_named_with_its_line(line: CommandLine, command: str) -> None:
    missing = {"compare": ("v1", '{"v2": ""}')}.get(command, ("text", '{"id": "a"}'))
    # One reader reads for all: every kind of junk is given to one of them.
    for junk, words in (*(JUNK if command == "extract" else JUNK[:1]), (missing[1], missing[0])):
        code, _, error = run(line, command, f"{json.dumps(GOOD[command])}\n\n{junk}\n")
        assert code == 1
        assert len(error.splitlines()) == 1, error[-2000:]
        assert "line 3: " in error
        assert words in error.partition("line 3: ")[2]


def test_bytes_that_are_no_text_are_named_with_their_line(line: CommandLine) -> None:
    (line.folder / "latin.jsonl").write_bytes(b'{"text": "a"}\n{"text": "caf\xe9"}\n')
    done = line.run("import", "latin.jsonl")
    assert done.returncode == 1
    assert "latin.jsonl, line 2: this is not valid UTF-8" in done.stderr


def test_a_date_that_is_none_is_named(line: CommandLine) -> None:
    code, _, error = run(line, "replay", '{"text": "a", "published": "soon"}')
    assert (code, len(error.splitlines())) == (1, 1)
    assert "line 1: published: 'soon' is no date" in error


def test_a_replay_says_how_many_reports_matched(line: CommandLine) -> None:
    other = json.dumps({"id": "b", "text": "Rovers won the cup.", "published": "2026-01-02"})
    code, out, error = run(line, "replay", f"{json.dumps(GOOD['replay'])}\n{other}\n")
    assert code == 0
    assert [json.loads(one)["report_ids"] for one in out.splitlines()] == [["a"]]
    assert "1 of 2 reports matched" in error
    assert line.run("replay", "seeds/good.toml", "--match", "bogus").returncode == 2


@pytest.mark.parametrize("command", ["extract", "compare"])
def test_a_good_line_is_answered_under_its_id(line: CommandLine, command: str) -> None:
    code, out, error = run(line, command, json.dumps(GOOD[command]))
    assert (code, error) == (0, "")
    assert json.loads(out)["id"] == "a"
