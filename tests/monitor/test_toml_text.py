"""Lines of keys in TOML texts: what errors point at."""

import tomllib
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.toml_text import KeyPath, locate, write_key, write_value
from storage.naming import suggest

TEXT = '''\
top = 1
"quoted key" = 2
a.b.c = 3

[plain]  # a comment
text = """
[[fake]]
wrong = 1
"""
single = \'\'\'
name = "no"\'\'\'
after = "# no comment [ { "  # [
list = [
    "x",  # ]
    { deep = 1 },
]
last = true

[[many]]
name = "one"

[[many]]
name = "two"
[[many.inner]]
key = 1
[many.table]
key = 2

[plain."dotted.name".sub]
x = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 1),
        (("quoted key",), 2),
        (("a", "b", "c"), 3),
        (("a", "b"), 3),
        (("plain",), 5),
        (("plain", "text"), 6),
        (("plain", "single"), 10),
        (("plain", "after"), 12),
        (("plain", "list", 1, "deep"), 13),
        (("plain", "last"), 17),
        (("plain", "missing"), 5),
        (("many", 0, "name"), 20),
        (("many", 1), 22),
        (("many", 1, "name"), 23),
        (("many", 1, "missing"), 22),
        (("many", 1, "inner", 0, "key"), 25),
        (("many", 1, "table", "key"), 27),
        (("plain", "dotted.name", "sub", "x"), 30),
        (("nowhere",), 1),
        ((), 1),
    ],
)
def test_a_key_is_found_on_its_line(path: KeyPath, line: int) -> None:
    tomllib.loads(TEXT)
    assert locate(TEXT, path) == line


def test_a_wrong_name_gets_a_hint() -> None:
    assert suggest("aliasses", ["aliases", "name"]) == "did you mean 'aliases'?"
    assert suggest("zzz", ["b", "a"]) == "known here: a, b"
    assert suggest("zzz", []) == ""


FIRST = datetime(1000, 1, 1)  # noqa: DTZ001 - Hypothesis wants bounds without a zone
values = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**53), 2**53),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8")),
        st.dates(date(1000, 1, 1)),
        st.datetimes(FIRST, timezones=st.just(UTC)),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(key=st.text(st.characters(codec="utf-8")), value=values)
def test_what_is_written_is_read_back(key: str, value: Any) -> None:
    assert tomllib.loads(f"{write_key(key)} = {write_value(value)}") == {key: value}


@given(text=st.text(max_size=80), path=st.lists(st.text(max_size=3) | st.integers(0, 3), max_size=3).map(tuple))
def test_any_text_has_a_line(text: str, path: KeyPath) -> None:
    assert 1 <= locate(text, path) <= text.count("\n") + 1
