"""What may not stand in any committed file: addresses of package indices, unexplained exceptions to the rules, loose ends."""

import re
from pathlib import Path

import pytest

from tests.architecture.sources import python_files, text, tracked_files

TEXT_SUFFIXES = {"", ".py", ".toml", ".md", ".yml", ".yaml", ".lock", ".txt", ".sh", ".html", ".cfg", ".ini", ".json"}
# Spelled in halves, so that this file passes its own test.
INDEX_HOSTS = re.compile(
    "|".join(
        a + b
        for a, b in [
            (r"pypi\.", "org"),
            (r"python", r"hosted\.org"),
            (r"registry\.", r"npmjs"),
            (r"deb\.", r"debian\.org"),
            (r"security\.", r"debian\.org"),
            (r"file:///opt/", r"pypi"),
        ]
    )
)
DEV_MARKS = re.compile("|".join((r"\bTO" + "DO", r"\bFIX" + "ME", r"\bX" + "XX" + r"\b")))


def committed_texts() -> list[Path]:
    return [p for p in tracked_files() if p.suffix in TEXT_SUFFIXES]


@pytest.mark.parametrize("path", committed_texts(), ids=str)
def test_no_package_index_is_named(path: Path) -> None:
    assert not INDEX_HOSTS.findall(text(path))


def test_locks_pin_and_hash_everything() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        content = text(Path(name))
        pins = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==", content, flags=re.MULTILINE)
        blocks = re.split(r"^(?=[A-Za-z0-9])", content, flags=re.MULTILINE)[1:]
        assert len(pins) == len(blocks)
        assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("path", [*python_files(), *python_files("tests", "bench")], ids=str)
def test_every_exception_to_a_rule_gives_its_reason(path: Path) -> None:
    for number, line in enumerate(text(path).splitlines(), start=1):
        if found := re.search(r"# (?:noqa: [A-Z0-9, ]+|type: ignore\[[^]]+\])(.*)", line):
            assert re.search(r"\w+\W+\w+", found[1]), f"{path}:{number}: say why"
        assert not re.search(r"# (?:noqa|type: ignore)(?![:\[])", line), f"{path}:{number}: name the rule"


@pytest.mark.parametrize("path", python_files(), ids=str)
def test_nothing_is_left_for_later(path: Path) -> None:
    assert not DEV_MARKS.findall(text(path))
