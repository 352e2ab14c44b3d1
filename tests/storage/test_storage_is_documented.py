import ast
from pathlib import Path

import pytest

from storage.export import COLUMNS

PAGE = Path("docs/storage.md").read_text(encoding="utf-8")
MODULES = sorted(
    path
    for path in Path("storage").glob("*.py")
    if path.stem not in ("__init__", "records", "tables", "errors", "keys")
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_function_is_listed(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    assert [name for name in names if f"`{name}(" not in PAGE] == []


@pytest.mark.parametrize("table", COLUMNS)
def test_every_exported_column_is_explained(table: str) -> None:
    section = PAGE.split(f"### {table}\n")[1].split("\n#")[0]
    assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == list(COLUMNS[table])
