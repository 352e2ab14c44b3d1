"""Copies of one wire text."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.reading.wire import containment, fingerprint, is_same_text

WIRE = (
    "The ministry said on Sunday that the number of people killed in the unrest had reached one hundred and sixty four, "
    "most of them in the largest city, where crowds stormed public buildings and fire was set to the mayor's office."
)
OTHER = (
    "A harbour master in the north reported calm seas, light winds and no unusual traffic for the whole of the week."
)


def test_a_copy_wrapped_in_other_text_is_the_same_text() -> None:
    copy = "Our correspondents write. " + WIRE.replace("Sunday", "Monday") + " " + OTHER
    assert is_same_text(fingerprint(WIRE), fingerprint(copy))


def test_another_text_is_not() -> None:
    assert containment(fingerprint(WIRE), fingerprint(OTHER)) == 0


def test_a_single_shared_sentence_does_not_make_copies() -> None:
    shared = "Officials gave no further details of what had happened there. "
    long_one, long_other = (
        shared + WIRE,
        shared + OTHER + " " + OTHER.replace("north", "south and the far west of the country"),
    )
    assert 0 < containment(fingerprint(long_one), fingerprint(long_other)) < 0.4


def test_case_and_marks_do_not_matter() -> None:
    assert fingerprint(WIRE) == fingerprint(WIRE.upper().replace(",", " —"))


def test_too_short_to_tell() -> None:
    assert containment(fingerprint("five people were killed"), fingerprint("five people were killed")) == 0


@given(st.text(max_size=300), st.text(max_size=300))
def test_containment_is_a_share(one: str, other: str) -> None:
    a, b = fingerprint(one), fingerprint(other)
    assert 0 <= containment(a, b) <= 1
    assert containment(a, b) == containment(b, a)
    assert all(0 <= number < 2**63 for number in a)
