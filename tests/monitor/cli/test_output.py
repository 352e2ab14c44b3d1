"""Tables on a terminal of 80 columns: nothing runs over, nothing is broken that is to be copied."""

import sys

import pytest

from monitor.cli.output import columns_below, print_hanging, print_table, say_error

URL = "https://news.example/2026/11/28/a-long-address-of-an-article-about-riots-in-the-harbour-city.html"
SENTENCE = (
    "The unrest in Harbour City has killed more than 160 people, the Health Ministry said in its bulletin on Sunday."
)
TIME = "2026-11-28 19:57"


@pytest.fixture(autouse=True)
def eighty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_a_table_that_fits_stays_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("no", "title"), [["1", "Riots in Harbour City"]])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "no  title",
        "1   Riots in Harbour City",
    ]


def test_an_address_stands_whole_beneath_its_row(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("no", "source", "address", "state"), [["1", "Harbour News", URL, "active"]])
    assert capsys.readouterr().out.splitlines() == [
        "no  source        state",
        "  address",
        "1   Harbour News  active",
        f"  {URL}",
    ]


def test_a_sentence_beneath_its_row_is_broken_between_words(capsys: pytest.CaptureFixture[str]) -> None:
    cells = [TIME, "Harbour News", "killed > 160\nc1-257ab3785", "current", "Health Ministry", SENTENCE]
    print_table(("learned", "source", "claim", "status", "who", "sentence"), [cells])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[2] == f"{TIME}  Harbour News  killed > 160  current  Health Ministry"
    assert lines[3].strip() == "c1-257ab3785"
    assert " ".join(line.strip() for line in lines[4:]) == SENTENCE


def test_prose_at_the_end_is_broken_in_its_place_where_there_is_room() -> None:
    assert columns_below(("what", "how it stands"), [["deliveries", SENTENCE]], width=80) == ()
    assert columns_below(("what", "how it stands"), [["deliveries", URL]], width=80) == (1,)


def test_as_many_columns_go_as_must_and_one_stays() -> None:
    row = [URL, URL, "active", TIME]
    assert columns_below(("feed", "hub", "state", "until"), [row], width=80) == (0, 1)
    assert columns_below(("a", "b"), [[URL, URL]], width=20) in ((0,), (1,))


def test_wide_letters_count_twice() -> None:
    assert columns_below(("no", "title", "state"), [["1", "地" * 38, "active"]], width=80) == (1,)


def test_a_long_line_goes_on_indented(capsys: pytest.CaptureFixture[str]) -> None:
    print_hanging(f"{SENTENCE} revision r1-8e682212d", first="  ")
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("  ") and len(line) <= 80 for line in lines)
    assert "r1-8e682212d" in lines[-1]


def test_an_error_is_one_line_for_programs_and_wrapped_for_people(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    message = "no record 'kiled' of that scope; did you mean 'killed'?"
    say_error(message)
    assert capsys.readouterr().err == f"storywatch: {message}\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    say_error(message)
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= 40
    assert " ".join(" ".join(lines).split()) == f"storywatch: {message}"
