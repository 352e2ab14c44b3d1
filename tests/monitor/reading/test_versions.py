"""Word diffs and hashes of versions."""

import unicodedata
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor.reading.versions import diff_words, normalise_text, text_hash

TEXTS = st.text(alphabet=st.sampled_from(" \n.,!?ab12é«»Жж-—'"), max_size=80) | st.text(max_size=60)


@given(TEXTS, TEXTS)
def test_a_diff_applied_to_the_old_text_gives_the_new(old: str, new: str) -> None:
    parts = diff_words(old, new)
    assert "".join(part.old for part in parts) == old
    assert "".join(part.new for part in parts) == new
    kinds = [part.old == part.new for part in parts]
    assert all(one != other for one, other in pairwise(kinds))


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert all(part.old == part.new for part in diff_words(text, text))


def test_a_diff_shows_the_word_that_changed() -> None:
    parts = diff_words("Police said 12 people died. Roads are closed.", "Police said 13 people died. Roads are closed.")
    assert [(part.old, part.new) for part in parts] == [
        ("Police said ", "Police said "),
        ("12", "13"),
        (" people died. Roads are closed.", " people died. Roads are closed."),
    ]


def test_a_number_is_one_word() -> None:
    parts = diff_words("about 1,300 hurt", "about 1,250 hurt")
    assert ("1,300", "1,250") in [(part.old, part.new) for part in parts]


def test_a_large_text_is_diffed_in_time() -> None:
    old = " ".join(f"Sentence {number} says so." for number in range(4000))
    new = old.replace("Sentence 2000 says", "Sentence 2000 denies")
    assert [(part.old, part.new) for part in diff_words(old, new) if part.old != part.new] == [("says", "denies")]


def test_typography_and_white_space_do_not_change_the_hash() -> None:
    plain = text_hash("Toll rises", 'He said "164 died" - no more.\nThe end.')
    assert plain == text_hash(" Toll  rises ", "He said “164 died” — no more. The\u00a0end.\u200b")
    assert plain.startswith("t1-")


def test_digits_and_decimal_marks_change_the_hash() -> None:
    hashes = {text_hash("", text) for text in ("1,300", "1300", "1.300", "1 300", "13.00")}
    assert len(hashes) == 5


def test_title_and_text_are_told_apart() -> None:
    assert text_hash("a", "b") != text_hash("a b", "")
    assert text_hash("a", "b") != text_hash("", "a b")


@given(TEXTS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once
    assert [sign for sign in unicodedata.normalize("NFC", text) if sign.isdigit()] == [
        sign for sign in once if sign.isdigit()
    ]
