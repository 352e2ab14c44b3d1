"""What names an entry within its feed, whatever its ids are like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.reading.identity import name_entries
from monitor.reading.urls import canonical_url
from storage.records import Entry, ParsedFeed


def named(*entries: tuple[str, str, str]) -> list[str]:
    """The names of entries given as (id, link, title), in their own order."""
    made = tuple(Entry(entry_id=one, link=link, title=title) for one, link, title in entries)
    return list(reversed(name_entries(ParsedFeed(link="https://n.example/", entries=made))))


def test_an_id_that_can_be_believed_names_its_entry() -> None:
    assert named(("tag:n.example,2022:17", "https://n.example/a", "A"), ("18", "https://n.example/b", "B")) == [
        "tag:n.example,2022:17",
        "18",
    ]


@pytest.mark.parametrize(
    "entry_id",
    ["", " ", "0", "null", "Undefined", "Shops shut", "SHOPS  SHUT", "https://n.example", "http://www.n.example/"],
)
def test_an_id_that_says_nothing_gives_way_to_the_link(entry_id: str) -> None:
    assert named((entry_id, "https://n.example/a", "Shops shut")) == ["https://n.example/a"]


def test_ids_that_several_entries_share_give_way_to_their_links() -> None:
    assert named(
        ("x", "https://n.example/a", "A"), ("x", "https://n.example/b", "B"), ("y", "https://n.example/c", "C")
    ) == [
        "https://n.example/a",
        "https://n.example/b",
        "y",
    ]


def test_an_entry_that_is_listed_twice_is_one() -> None:
    assert named(("x", "https://n.example/a", "A"), ("x", "https://n.example/a?utm_source=rss", "A, updated")) == ["x"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("https://n.example/articles/c1#0", "https://n.example/articles/c1#3"),
        ("https://n.example/?p=7&v=1", "https://n.example/?p=7&v=2"),
        ("tag:n.example,2022:17?updated=1641715200", "tag:n.example,2022:17?updated=1641718800"),
    ],
)
def test_endings_that_count_changes_make_no_new_entry(first: str, second: str) -> None:
    assert named((first, "https://n.example/a", "A")) == named((second, "https://n.example/a", "A"))


def test_a_date_is_no_name() -> None:
    assert named(("Sun, 09 Jan 2022 08:00:00 GMT", "https://n.example/a", "A")) == ["https://n.example/a"]
    assert named(("2022-01-09T08:00:00Z", "https://n.example/a", "A")) == ["https://n.example/a"]


def test_without_id_and_link_the_title_has_to_do() -> None:
    assert named(("", "", "A"), ("A", "", "A"), ("", "", "B")) == ["A", "B"]


@given(st.lists(st.tuples(st.text(max_size=6), st.text(max_size=6), st.text(max_size=6)), max_size=8))
def test_no_two_links_ever_share_a_name(entries: list[tuple[str, str, str]]) -> None:
    made = tuple(Entry(entry_id=one, link=f"https://n.example/{link}", title=title) for one, link, title in entries)
    found = name_entries(ParsedFeed(entries=made))
    assert {canonical_url(entry.link) for entry in found.values()} == {canonical_url(entry.link) for entry in made}
