"""Records are frozen, slotted and keyword-only, so that what crosses a wall cannot change behind anyone's back."""

import ast
import dataclasses
import inspect
from pathlib import Path

import pytest

from storage import records
from tests.architecture.sources import python_files, syntax

RECORDS = [
    value
    for _, value in inspect.getmembers(records, inspect.isclass)
    if value.__module__ == records.__name__ and dataclasses.is_dataclass(value)
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_records_are_frozen_slotted_and_keyword_only(record: type) -> None:
    assert record.__dataclass_params__.frozen  # type: ignore[attr-defined]  # set by @dataclass, unknown to the types
    assert "__slots__" in vars(record)
    assert all(field.kw_only for field in dataclasses.fields(record))
    assert record.__doc__


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_records_hold_only_immutable_collections(record: type) -> None:
    mutable = ("list[", "dict[", "set[", "bytearray")
    assert not [field.name for field in dataclasses.fields(record) if str(field.type).startswith(mutable)]


@pytest.mark.parametrize("path", python_files("monitor", "alerts"), ids=str)
def test_outside_storage_a_session_is_passed_on_and_nothing_else_of_the_mapper_is_used(path: Path) -> None:
    imports = [node for node in ast.walk(syntax(path)) if isinstance(node, ast.ImportFrom) and node.module]
    mapper = [node for node in imports if (node.module or "").split(".")[0] in {"sqlmodel", "sqlalchemy"}]
    assert {alias.name for node in mapper for alias in node.names} <= {"Session"}
    assert "storage.tables" not in {node.module for node in imports}
