"""What holds for any text: no exception, exact quotations, time that grows with length alone."""

import sys
from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.claims.bounds import bounds_of
from monitor.claims.extract import Extractor
from monitor.claims.lexicon import load_lexicon, supported_languages
from monitor.claims.tokens import Tokens, split_sentences, tokenize
from monitor.cli.extract import published_span
from storage.records import Qualifier

EXTRACTOR = Extractor()
VOCABULARY = """killed died dead injured missing people soldiers the toll rose to from of them among including were was have
at least more than 12 1,200 23 two a dozen dozens hundreds and , . : ; ( ) - – “ ” ' in Osh police said according January
2019 $ % year-old 3.5 million not earlier denied state of emergency lifted 6.2 magnitude"""
WORDS = st.sampled_from([*VOCABULARY.split(), "\n"])
NEWSY = st.lists(WORDS, max_size=60).map(" ".join)


@pytest.mark.parametrize("lang", supported_languages())
@given(text=st.one_of(st.text(max_size=300), NEWSY), title=st.text(max_size=60))
@settings(max_examples=80, deadline=None)
def test_any_text_is_read_and_quoted_exactly(lang: str, text: str, title: str) -> None:
    for claim in EXTRACTOR.extract(title=title, text=text, published=published_span("2026-11-20"), lang=lang):
        field = title if claim.field == "title" else text
        assert field[claim.start : claim.end] == claim.quote
        assert claim.sentence_start <= claim.start < claim.end <= claim.sentence_end
        assert claim.low is None or claim.high is None or claim.low <= claim.high


def test_a_sentence_that_breaks_off_behind_who_speaks_is_read() -> None:
    claims = EXTRACTOR.extract(title="", text="indicou a e\n2 pessoas morreram", published=None, lang="pt")
    assert [claim.value for claim in claims] == [2]


@pytest.mark.parametrize("number", ["9" * 400, "9" * 305 + " million", "9" * 5000 + "k"])
def test_a_number_without_bounds_is_no_figure(number: str) -> None:
    text = f"The blast killed {number} people and injured 12."
    claims = EXTRACTOR.extract(title="", text=text, published=None, lang="en")
    assert [claim.value for claim in claims] == [12]


@pytest.mark.parametrize(
    "sentence",
    [
        "He said 12 people died. ",
        "The curfew was lifted. He said it was extended. ",
        "In Osh 12 people were killed and in Naryn 15 died. ",
        "12:30 At least 5 people died\n",
        '"12 people were killed. ',
    ],
)
def test_reading_time_grows_with_length_alone(sentence: str) -> None:
    """Four times the text takes about four times as long; where each claim looks at all others it is sixteen."""

    def cost(times: int) -> float:
        start = process_time()
        EXTRACTOR.extract(title="", text=sentence * times, published=None, lang="en")
        return process_time() - start

    cost(10)
    assert min(cost(2000), cost(2000)) < 8 * max(cost(500), cost(500))


@pytest.mark.parametrize("lang", supported_languages())
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_rule_is_searched_wherever_it_matches(lang: str, data: st.DataObject) -> None:
    grammar = load_lexicon(lang).grammar
    compiled = data.draw(st.sampled_from(grammar.rules))
    symbols = data.draw(st.from_regex(compiled.pattern))
    assert not compiled.needs & ~grammar.met_by(symbols)


@given(text=st.text(max_size=400))
@settings(deadline=None)
def test_sentences_cover_all_that_is_not_space(text: str) -> None:
    spans = list(split_sentences(text, load_lexicon("en").abbreviations))
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())


@given(text=st.text(max_size=200))
@settings(deadline=None)
def test_tokens_point_into_the_text(text: str) -> None:
    tokens = tokenize(text, 0, len(text), load_lexicon("en").vocabulary)
    assert all(text[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True))
    assert len(tokens.lower) == len(tokens.kinds) == len(tokens.starts)


@given(text=st.text(alphabet=st.one_of(st.sampled_from("1 23 ,.'’-\"\u00a0aBİΣς\u00ad\n"), st.characters())))
@settings(deadline=None)
def test_words_cut_at_spaces_are_those_of_the_whole_sentence(text: str) -> None:
    vocabulary = load_lexicon("en").vocabulary
    part = text.strip()
    whole, cut = Tokens(part, 0, [vocabulary.cut(part)]), tokenize(text, 0, len(text), vocabulary)
    assert (cut.lower, cut.kinds, cut.quotes) == (whole.lower, whole.kinds, whole.quotes)
    first = len(text) - len(text.lstrip())
    assert cut.starts == [first + start for start in whole.starts]
    assert cut.ends == [first + end for end in whole.ends]


@given(value=st.integers(min_value=1, max_value=10**9), qualifier=st.sampled_from(sorted(Qualifier)))
@settings(deadline=None)
def test_bounds_hold_the_number_or_start_beside_it(value: int, qualifier: Qualifier) -> None:
    low, high = bounds_of(float(value), None, qualifier)
    assert low is None or high is None or low <= high
    assert low is None or low <= value + 1
    assert high is None or high >= value - 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "At least 12 people were killed and 30 injured, police said. ",
        "12 , 13 killed and ",
        "killed ",
        "the toll of ",
        "(((((",
        "word " * 12 + "killed 3. ",
        "a",
        "1 ",
        "12:30 ",
        '"killed" 4 ',
    ],
)
def test_work_grows_with_length_alone(unit: str) -> None:
    """Calls are counted, not seconds: the same on every machine, whatever else it does."""
    small, large = count_calls(unit * (10_000 // len(unit))), count_calls(unit * (80_000 // len(unit)))
    assert large < max(small, 2_000) * 8 * 1.5


def count_calls(text: str) -> int:
    """How many functions, Python's and C's, reading a text calls; whatever is built at first use is built before."""
    EXTRACTOR.extract(title="", text=text[:1_000], published=None, lang="en")
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    held = sys.getprofile()
    sys.setprofile(note)
    try:
        EXTRACTOR.extract(title="", text=text, published=None, lang="en")
    finally:
        sys.setprofile(held)
    return count
