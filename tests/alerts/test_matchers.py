"""What silences match, and which matchers are refused because they could never match anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.matchers import check_matchers, literal, matches, read_matcher, write_matcher
from storage.errors import MatcherError

KNOWN = {"story": ("kz", "turkey-quake"), "metric": ("killed", "injured", "")}
LABELS = {"story": "kz", "kind": "raised", "metric": "killed", "origin": "Health Ministry"}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("kind=raised", True),
        ("kind=r*", True),
        ("kind=lowered", False),
        ("kind!=lowered", True),
        ("kind!=raised", False),
        ("kind=~raised|lowered", True),
        ("origin=~Health", False),
        ("kind!~raised|lowered", False),
        ("kind!~lowered|first", True),
        ("place=", True),
        ("origin=~.*Ministry", True),
        (" metric = killed ", True),
    ],
)
def test_matchers_mean_what_they_say(text: str, fits: bool) -> None:
    matcher = read_matcher(text)
    check_matchers([matcher], KNOWN)
    assert matches(LABELS, [matcher]) is fits
    assert read_matcher(write_matcher(matcher)) == matcher


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind=lowred", "no kind is 'lowred'; did you mean 'lowered'?"),
        ("kind!=lowred", "did you mean 'lowered'?"),
        ("kind=~lowred|rased", "no kind is 'lowred|rased'"),
        ("kind=x*", "known here: backfilled, confirmed"),
        ("metric=kiled", "did you mean 'killed'?"),
        ("story=kazakhstan", "no story is 'kazakhstan'; known here: kz, turkey-quake"),
        ("colour=red", "no label 'colour'; known here: article"),
        ("kinds=raised", "did you mean 'kind'?"),
        ("kind=~raised(", "'raised(' is no regular expression (missing )"),
        ("origin=~" + "x" * 600, "longer than 500"),
        ("raised", "'raised' is no matcher; write label=value"),
        ("=raised", "is no matcher"),
        ("", "is no matcher"),
    ],
)
def test_what_can_never_match_is_refused_and_says_what_there_is(text: str, said: str) -> None:
    with pytest.raises(MatcherError) as caught:
        check_matchers([read_matcher(text)], KNOWN)
    assert said in str(caught.value)


def test_a_silence_of_nothing_is_refused() -> None:
    with pytest.raises(MatcherError, match="at least one label"):
        check_matchers([], KNOWN)


@settings(deadline=None)
@given(value=st.text(), other=st.text())
def test_a_literal_fits_itself_alone(value: str, other: str) -> None:
    matcher = ("receiver", literal(value))
    assert matches({"receiver": value}, [matcher])
    assert matches({"receiver": other}, [matcher]) is (value == other)
