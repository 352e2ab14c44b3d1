"""Whatever a user can type or set is written down, and whatever is written down can be typed or set."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from monitor.cli.main import app
from monitor.settings_sources import setting_paths
from tests.architecture.sources import ROOT, text, tracked_files

DOCUMENTS = [p for p in tracked_files() if p.suffix == ".md" and (len(p.parts) == 1 or p.parts[0] == "docs")]
README = Path("README.md")


def commands(group: TyperGroup, name: str = "storywatch") -> Iterator[tuple[str, TyperCommand]]:
    """Every command that does something and is not hidden, by its full name."""
    for child_name, child in group.commands.items():
        if isinstance(child, TyperGroup):
            yield from commands(child, f"{name} {child_name}")
        elif isinstance(child, TyperCommand) and not child.hidden:
            yield f"{name} {child_name}", child


COMMANDS = dict(commands(get_group(app)))


def written_commands() -> Iterator[tuple[Path, str]]:
    """Lines of shell examples in the documentation that call storywatch or make."""
    for document in DOCUMENTS:
        for block in re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text(document), flags=re.MULTILINE | re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                # `storywatch sh -c` is a shell in the container of that name, and no command of ours.
                found = re.search(r"(?:^|.*\s)((?:storywatch|make)\s(?!sh -c ).*)", line.removeprefix("$ "))
                if found:
                    yield document, found[1]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_what_it_does_and_is_in_the_reference(name: str) -> None:
    assert (COMMANDS[name].help or "").strip()
    assert f"`{name}" in "".join(text(document) for document in DOCUMENTS), f"no document mentions `{name}`"


@pytest.mark.parametrize("path", sorted(setting_paths()), ids=".".join)
def test_every_setting_is_documented(path: tuple[str, ...]) -> None:
    pattern = rf"`(?:[\w.\[\]]+\.)?{re.escape(path[-1])}\b"
    assert re.search(pattern, "".join(text(document) for document in DOCUMENTS)), f"no document explains {path}"


@pytest.mark.parametrize(("document", "line"), sorted(written_commands()), ids=str)
def test_every_command_in_the_documents_exists(document: Path, line: str) -> None:
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        targets = set(re.findall(r"^([a-z]+):", text(Path("Makefile")), flags=re.MULTILINE))
        assert {word for word in words[1:] if "=" not in word and not word.startswith("-")} <= targets
        return
    found: object = get_group(app)
    for word in words[1:]:
        if not isinstance(found, TyperGroup) or word.startswith("-"):
            break
        assert word in found.commands, f"{document}: no such command: {line}"
        found = found.commands[word]


def test_links_between_documents_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text(document)):
            assert (ROOT / document.parent / target).exists(), f"{document}: {target}"
