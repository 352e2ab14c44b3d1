"""The rooms keep to their walls: the import-linter contracts of pyproject.toml, and what those cannot express."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, python_files, syntax

PURE_ROOMS = ("monitor/reading", "monitor/stories", "monitor/claims", "monitor/ledger")
PURE_FILES = ("storage/records.py", "storage/keys.py", "alerts/plan.py", "alerts/messages.py", "alerts/timing.py")
SHELL_MODULES = {
    "time",
    "random",
    "secrets",
    "socket",
    "sqlite3",
    "subprocess",
    "asyncio",
    "threading",
    "http",
    "smtplib",
}


def imported_modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def pure_files() -> list[Path]:
    return [p for p in python_files() if str(p).startswith(PURE_ROOMS) or str(p) in PURE_FILES]


def test_contracts_of_the_import_linter_hold() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", pure_files(), ids=str)
def test_pure_files_import_no_clock_network_or_threads(path: Path) -> None:
    tree = syntax(path)
    asked_of_time = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "time"
    }
    shells = {name for name in imported_modules(tree) if name.split(".")[0] in SHELL_MODULES}
    # struct_time is a type, as feedparser hands it out.
    assert not shells - ({"time"} if asked_of_time <= {"struct_time"} else set())


# This one chooses between its modules and the compiled ones, which must be done before any of them is imported.
CHOOSING = Path("monitor/claims/__init__.py")


@pytest.mark.parametrize("path", [p for p in python_files() if p.name == "__init__.py" and p != CHOOSING], ids=str)
def test_package_files_hold_a_docstring_and_nothing_else(path: Path) -> None:
    (only,) = syntax(path).body
    assert isinstance(only, ast.Expr)
    assert isinstance(only.value, ast.Constant)


@pytest.mark.parametrize("path", python_files(), ids=str)
def test_no_module_is_a_grab_bag(path: Path) -> None:
    assert not set(path.with_suffix("").parts) & {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
