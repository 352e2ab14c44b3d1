import re
import string
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storage.errors import QueryError
from storage.folding import MOST_WORDS, WORD, fold_in_place, fold_letters, parted, words
from storage.query import Comparison, Query, Term, finds_without_words, leaves_out, parse_query, to_fts5, to_tsquery
from storage.searched import SearchedArticle, is_found
from storage.snippets import _walk, find_spans, find_spans_of_each, make_snippet, mark_spans

LETTERS = st.text(
    alphabet=string.ascii_letters
    + string.digits
    + " ,.'-_~\"éЁёйЙßłŁøÆİıǅﬁ½²٣५한漢字かなก็हिन्दी\u0301\u0306\u00a0\u202f’\n",
    max_size=60,
)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Café ÉLAN", "cafe elan"),
        ("ёлка Ёж", "елка еж"),
        ("Андрей и й", "андрей и й"),
        ("Straße STRASSE", "strasse strasse"),
        ("Łódź Øre Æther œuvre þing", "lodz ore aether oeuvre thing"),
        ("İstanbul ISTANBUL ıstanbul", "istanbul istanbul istanbul"),
        ("4,353 4\u00a0353 4.353 4’353 4353", "4353 4353 4353 4353 4353"),
        ("in 2022, 164 people", "in 2022 164 people"),
        ("1,2345 x1,234 12,34", "1 2345 x1 234 12 34"),
        ("don't re-read", "don t re read"),
        ("漢字かな12", "漢 字 か な 12"),
        ("e\u0301lan и\u0306", "elan й"),
        ("snake_case ~tag", "snake case tag"),
        ("", ""),
        ("— … !", ""),
    ],
)
def test_words_are_folded(text: str, folded: str) -> None:
    assert " ".join(words(text)) == folded


@given(st.text(max_size=80) | LETTERS)
@example("½1")
@example("1,234é5,678")
def test_folding_a_text_is_folding_its_words_one_by_one(text: str) -> None:
    assert [word for match in WORD.finditer(text) for word in words(match.group())] == words(text)


@given(st.text(max_size=80) | LETTERS)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)


@settings(deadline=None)  # the table of letters is made when it is first needed
@given(LETTERS, st.sampled_from(["plain words ", "été naïf ", "слово за словом ", "漢字と", "и\u0306 e\u0301 "]))
def test_a_long_text_is_folded_as_its_pieces_are(text: str, piece: str) -> None:
    """Short texts, long ones of few foreign letters and long ones of many go three ways."""
    whole = f"{piece * 300}. {text} . {'plain words ' * 300}. {piece * 300}"
    pieces = [words(part) for part in whole.split(" . ")]
    assert words(whole) == [word for part in pieces for word in part]
    assert fold_letters(whole) == " . ".join(map(fold_letters, whole.split(" . ")))
    assert fold_letters(whole) == "".join(map(fold_letters, whole))


PAGE = st.text(alphabet=bytes(range(0x20, 0x100)).decode("cp1251", "ignore"), max_size=60)
WESTERN_PAGE = st.text(alphabet=bytes(range(0x20, 0x100)).decode("cp1252", "ignore"), max_size=60)


@settings(deadline=None)  # the tables of letters are made when they are first needed
@given(PAGE | WESTERN_PAGE)
def test_a_text_within_one_page_of_letters_is_folded_as_any_other(text: str) -> None:
    """Both are the same letters: the second text has one more that no page has room for."""
    whole = f"{'plain words ' * 20}. {text}"
    assert fold_letters(f"{whole}한") == f"{fold_letters(whole)}한"
    assert words(f"{whole} 한") == [*words(whole), "한"]
    assert fold_in_place(whole) in (None, fold_letters(whole))
    assert (fold_in_place(whole) is None) == (len(fold_letters(whole)) != len(whole))


@given(st.text(max_size=80))
def test_folded_words_hold_nothing_that_an_index_would_part(text: str) -> None:
    for word in words(text):
        assert word
        assert not set(word) & set(" \n\t'\"~_\\")


@settings(deadline=None)  # the table of letters is made when it is first needed
@given(st.text(max_size=80) | LETTERS)
@example("_~\0x")
@example("a" * 70 + " b")
@example("漢1,234字 " * 3)
def test_an_index_that_parts_by_itself_is_given_the_same_words(text: str) -> None:
    assert re.findall(r"[^\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+", parted(text)) == words(text)


def test_a_text_of_many_words_is_cut_for_both_alike() -> None:
    long = "word " * (MOST_WORDS + 9)
    assert parted(long).split() == words(long)
    assert len(words(long)) == MOST_WORDS


@pytest.mark.parametrize(
    ("query", "bound"),
    [
        ('"a b"', "'a' & 'b'"),
        ('-"a b"', None),
        ('c -"a b"', "'c'"),
        ('-"a b" OR c', None),
        ('-(-"a b" c)', "!!'a' & 'b' & 'c'"),
        ('-(-"a b")', "!!'a' & 'b'"),
        ('-(c "a b")', None),
        ('-(c OR "a b")', "!'c'"),
        ('"a bc*"', "'a' & 'bc'"),
    ],
)
def test_postgres_is_asked_for_no_less_than_a_query_finds(query: str, bound: str | None) -> None:
    asked = parse_query(query).node
    assert asked is not None
    found = to_tsquery(asked)
    assert (found and found.replace("(", "").replace(")", "")) == bound


def node(query: str) -> str:
    asked = parse_query(query).node
    assert asked is not None
    return to_fts5(asked)


@pytest.mark.parametrize(
    ("query", "fts5"),
    [
        ("toll", '"toll"'),
        ("Death TOLL", '("death" AND "toll")'),
        ('"death toll"', '"death toll"'),
        ("don't", '"don t"'),
        ("kaz*", '"kaz"*'),
        ('"death to*"', '"death to"'),
        ("a OR b c", '("a" OR ("b" AND "c"))'),
        ("(a OR b) c", '(("a" OR "b") AND "c")'),
        ("a -b", '(("a") NOT ("b"))'),
        ("-b", '(("~a") NOT ("b"))'),
        ("--b", '"b"'),
        ("a AND b", '("a" AND "b")'),
        ("or", '"or"'),
        ('source:"Al Jazeera"', '"~sal_jazeera"'),
        ("source:al*", '"~sal"*'),
        ("story:kazakhstan-unrest-2022", '"~tkazakhstan_unrest_2022"'),
        ("metric:troops", '"~ktroops"'),
        ("LANG:RU", '"~lru"'),
        ('"foo:bar"', '"foo bar"'),
        ("https://example.org/a", '"https example org a"'),
        ("12:30", '"12 30"'),
        ("- toll", '"toll"'),
    ],
)
def test_a_query_is_understood(query: str, fts5: str) -> None:
    assert node(query) == fts5


def test_a_query_for_postgres_means_the_same() -> None:
    asked = parse_query('("death toll" OR kaz*) -a source:tass').node
    assert asked is not None
    assert to_tsquery(asked) == "(!(('a')) & (('death' & 'toll') | ('kaz':*)) & '~stass')"


def test_dates_and_figures_bound_the_whole_query() -> None:
    asked = parse_query("after:2022-01-05 before:2022-02 killed>=1,000 -injured<5 toll")
    assert asked.since is not None
    assert asked.until is not None
    assert (asked.since.isoformat(), asked.until.isoformat()) == (
        "2022-01-05T00:00:00+00:00",
        "2022-02-01T00:00:00+00:00",
    )
    assert asked.comparisons == [Comparison("killed", ">=", 1000.0), Comparison("injured", "<", 5.0, is_absent=True)]
    assert asked.node == Term(("toll",))


def test_a_figure_may_be_asked_with_the_field_named_before_it() -> None:
    assert (
        parse_query("metric:killed>100 -Metric:injured<5").comparisons
        == parse_query("killed>100 -injured<5").comparisons
    )


def test_what_is_not_before_is_from_then_on() -> None:
    assert parse_query("-before:2022").since == parse_query("after:2022-01-01").since
    assert parse_query("before:2022-01-12T06:00+06:00").until == parse_query("before:2022-01-12").until


def test_an_empty_query_asks_for_everything() -> None:
    assert parse_query("  ") == Query()


@pytest.mark.parametrize(
    ("query", "message", "place"),
    [
        ("(a OR b", "never closed", 0),
        ("a) b", "no opening one", 1),
        ('a "b c', "quotation mark is never closed", 2),
        ("a foo:bar", "no field is called 'foo'", 2),
        ("killed>x", "needs a number", 7),
        ("killed<nan", "needs a number", 7),
        ("toll killed>=inf", "needs a number", 13),
        ("a before:soon", "no date", 9),
        ("before:2022-13", "no date", 7),
        ("source:", "needs a value", 7),
        ("(before:2022 OR x)", "outside parentheses", 1),
        ("x OR killed>1", "outside parentheses", 5),
        ("OR a", "both sides", 0),
        ("a OR", "both sides", 2),
        ("a OR OR b", "both sides", 2),
        ("!!!", "no word", 0),
        ("a*", "two letters", 0),
        ("a -(", "never closed", 3),
        ("(" * 31 + "a" + ")" * 31, "within each other", 30),
    ],
)
def test_a_query_that_cannot_be_understood_says_where(query: str, message: str, place: int) -> None:
    with pytest.raises(QueryError, match=message) as raised:
        parse_query(query)
    assert str(raised.value).splitlines()[-1] == f"  {' ' * place}^"


@settings(max_examples=500)
@given(st.text(alphabet=string.ascii_lowercase[:4] + " \"()-*:<>=OR1é~_'\\&|!", max_size=40))
def test_any_query_is_understood_or_refused_in_words(query: str) -> None:
    try:
        asked = parse_query(query)
    except QueryError:
        return
    if asked.node is not None:
        assert to_fts5(asked.node)
        assert to_tsquery(asked.node) != ""


# --- snippets ---------------------------------------------------------------------------------


def marked(text: str, *queries: str) -> str:
    terms = [Term(tuple(words(query.rstrip("*"))), query.endswith("*")) for query in queries]
    snippet, spans = make_snippet(text, terms)
    return mark_spans(snippet, spans, "[", "]")


def test_found_words_are_marked_as_they_stand_in_the_text() -> None:
    assert (
        marked("In Almaty, 4,353 were hurt; ALMATY mourns.", "almaty", "4353")
        == "In [Almaty], [4,353] were hurt; [ALMATY] mourns."
    )
    assert marked("The death toll of the death-toll", "death toll") == "The [death toll] of the [death-toll]"
    assert marked("Straße, Ёлка", "strasse", "ел*") == "[Straße], [Ёлка]"
    assert marked("a a b", "a b") == "a [a b]"


def test_a_snippet_is_cut_around_what_was_found() -> None:
    text = "word " * 300 + "the toll is 225 " + "after " * 300
    snippet = marked(text, "225")
    assert snippet.startswith("…word")
    assert snippet.endswith("after…")
    assert "[225]" in snippet
    assert len(snippet) < 300


def test_a_text_that_says_at_once_what_was_asked_is_shown_from_there() -> None:
    text = "word " * 60 + "the toll is 225 " + "after " * 300 + "toll toll toll 225 " + "after " * 60
    assert "word the [toll] is [225] after after" in marked(text, "toll", "225")
    assert "word the [toll] is [225] after after" in marked(text, "toll", "225", "absent")


def test_the_word_that_comes_last_is_shown_wherever_it_stands() -> None:
    """The beginning was shown, where the common word stood often enough to count for both."""
    text = "toll " * 5 + "after " * 300 + "the ministry gives 225 as the toll " + "after " * 60
    assert "gives [225] as the [toll] after" in marked(text, "toll", "225")


@pytest.mark.parametrize(
    ("written", "folded"),
    [("Almaty", "almaty"), ("4,353", "4353"), ("Алматы", "алматы"), ("ёлка", "елка"), ("café", "cafe")],
)
def test_a_word_that_is_written_otherwise_than_it_is_asked_for_is_shown_too(written: str, folded: str) -> None:
    text = f"A toll is told. {'other words of the article ' * 40}At last the toll in {written} is given. {'more ' * 99}"
    assert f"At last the [toll] in [{written}] is given" in marked(text, "toll", folded)


def test_the_word_that_comes_last_is_shown_though_a_long_word_stands_before() -> None:
    """A snippet that begins with a whole word begins, and ends, up to 39 letters sooner."""
    text = "word " * 200 + "l" * 37 + " " + "y" * 57 + " toll " + "abc " * 35 + " rareword " + "after " * 200
    assert "[rareword]" in marked(text, "toll", "rareword")


def test_letters_that_fold_to_more_and_to_fewer_shift_no_span_between() -> None:
    """As many letters came out as went in, which was taken for letter by letter."""
    assert marked("Stra\u00dfe, toll, cafe\u0301", "toll") == "Stra\u00dfe, [toll], cafe\u0301"
    titles, terms = ["Stra\u00dfe closed", "Toll rises", "Cafe\u0301 opened"], [Term(("toll",))]
    assert find_spans_of_each(titles, terms) == [find_spans(title, terms) for title in titles]


@pytest.mark.parametrize("before", range(955, 1_005))
def test_what_stands_where_the_beginning_ends_is_found_and_marked_whole(before: int) -> None:
    text = "x" * (before % 7) + " word" * (before // 5) + " the death toll is 4,353 or 225 " + "after " * 300
    assert "the [death toll] is [4,353] or 225 after" in marked(text, "death toll", "4353")
    assert "the death [toll] is 4,353 or [225] after" in marked(text, "toll", "225")


def test_what_stands_first_within_another_word_or_in_capitals_hides_nothing() -> None:
    text = "the bells are tolling " + "word " * 300 + "the TOLL of the quake " + "after " * 300
    assert "the [TOLL] of the quake after" in marked(text, "toll")
    text = "the bells are tolling " + "word " * 20 + "the TOLL of the quake " + "after " * 300
    assert "the [TOLL] of the quake after" in marked(text, "toll")
    assert "of the [quake] after" in marked(text, "toll", "death toll", "quake")


def test_a_search_without_words_shows_the_beginning() -> None:
    assert make_snippet("word " * 600, []) == ("word " * 48 + "word…", ())


def test_nothing_found_shows_the_beginning() -> None:
    assert marked("The beginning of it\nall", "x") == "The beginning of it all"


@pytest.mark.parametrize("text", ["4,353 or 353", "1,234,353", "4353.", "43533 4,3533 14,353 4\u00a0353"])
@pytest.mark.parametrize("query", ["4353", "353", "234353", "4,353"])
def test_numbers_are_marked_whole_or_not_at_all(text: str, query: str) -> None:
    term = Term(tuple(words(query)))
    assert find_spans(text, [term]) == tuple(_walk(text, [term]))


@given(
    st.text(alphabet="ab é Ёе,.-_1\n", max_size=40),
    st.lists(st.sampled_from(["a", "b", "ab", "е", "a b", "ae*", "b*", "e"]), max_size=3),
)
def test_the_quick_way_to_find_words_finds_what_the_slow_one_does(text: str, queries: list[str]) -> None:
    for query in queries:
        term = Term(tuple(words(query)), query.endswith("*"))
        slow = sorted(_walk(text, [term]))
        quick = find_spans(text, [term])
        assert set(quick) <= set(slow)
        assert bool(quick) == bool(slow)


@given(LETTERS, st.lists(st.sampled_from(["a", "b", "ёж", "4353", "x y", "el*"]), max_size=3))
def test_spans_are_in_order_and_inside(text: str, queries: list[str]) -> None:
    terms = [Term(tuple(words(query.rstrip("*"))), query.endswith("*")) for query in queries]
    snippet, spans = make_snippet(text, terms)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert all(0 <= start < end <= len(snippet) for start, end in spans)
    assert find_spans(text, []) == ()


@pytest.mark.parametrize(
    ("query", "is_found_bare", "has_minus"),
    [
        ("toll", False, False),
        ("-toll", True, True),
        ("-toll -dead", True, True),
        ("said -toll", False, True),
        ("said OR -toll", True, True),
        ("-(toll dead)", True, True),
        ("-(toll -dead)", True, True),
        ("-(-toll OR dead)", False, True),
        ('"the toll" lang:ru', False, False),
    ],
)
def test_what_a_query_says_of_a_document_without_words(query: str, is_found_bare: bool, has_minus: bool) -> None:
    asked = parse_query(query)
    assert asked.node is not None
    bare = SearchedArticle(title=(), body=(), tags=frozenset(), moment=datetime(2022, 1, 12, tzinfo=UTC))
    assert finds_without_words(asked.node) is is_found(asked, bare) is is_found_bare
    assert leaves_out(asked.node) is has_minus


@given(
    st.lists(st.text(alphabet="aбéßΣй1, \u0301中İ-", max_size=12), max_size=5),
    st.lists(st.sampled_from(["a", "б", "e*", "ss", "и", "11", "a б", "中", "σ", "i"]), max_size=3, unique=True),
)
@example(["Straße", "ß"], ["ss"])
@example(["ΑΣ", "Σ"], ["σ"])
@example(["1,111", "11"], ["11"])
def test_texts_folded_together_hold_what_each_holds(texts: list[str], queries: list[str]) -> None:
    terms = [Term(tuple(words(query.rstrip("*"))), query.endswith("*")) for query in queries]
    assert find_spans_of_each(texts, terms) == [find_spans(text, terms) for text in texts]
