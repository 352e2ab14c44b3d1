"""Folding holds off the collector of cycles, and leaves it as it was."""

import gc
from collections.abc import Iterator

import pytest

from monitor.ledger.fold import StoryFold
from storage.records import StampedClaim
from tests.support.ledger import STORY, parse_claim


def watched(seen: list[bool]) -> Iterator[StampedClaim]:
    seen.append(gc.isenabled())
    yield parse_claim("1 ap 164 by=police")


def test_the_collector_rests_while_claims_are_folded() -> None:
    seen: list[bool] = []
    StoryFold(STORY).add(watched(seen))
    assert (seen, gc.isenabled()) == ([False], True)


def test_the_collector_goes_on_after_a_failure() -> None:
    def failing() -> Iterator[StampedClaim]:
        yield parse_claim("1 ap 164 by=police")
        raise LookupError

    with pytest.raises(LookupError):
        StoryFold(STORY).add(failing())
    assert gc.isenabled()


def test_who_switched_the_collector_off_finds_it_off() -> None:
    gc.disable()
    try:
        StoryFold(STORY).add([parse_claim("1 ap 164 by=police")])
        assert not gc.isenabled()
    finally:
        gc.enable()
