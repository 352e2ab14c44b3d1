"""The project's own files, as the tests of its shape read them."""

import ast
import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("storage", "alerts", "monitor")


@functools.cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that git tracks, relative to the root; all files where there is no git (an unpacked archive)."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        return tuple(sorted(Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()))
    return tuple(sorted(p.relative_to(ROOT) for p in ROOT.rglob("*") if p.is_file() and ".venv" not in p.parts))


@functools.cache
def python_files(*roots: str) -> tuple[Path, ...]:
    """Tracked Python files below `roots` (default: the three packages), relative to the root."""
    roots = roots or PACKAGES
    return tuple(p for p in tracked_files() if p.suffix == ".py" and p.parts[0] in roots)


@functools.cache
def text(path: Path) -> str:
    """The text of a tracked file."""
    return (ROOT / path).read_text(encoding="utf-8")


@functools.cache
def syntax(path: Path) -> ast.Module:
    """The syntax tree of a tracked Python file."""
    return ast.parse(text(path), filename=str(path))
