"""Claims made quickly are the claims that their own class makes."""

from dataclasses import MISSING, FrozenInstanceError, fields, replace
from inspect import signature
from typing import Any

import pytest

from monitor.claims.making import make_claim
from storage.records import Claim, ClaimStatus


def test_what_is_made_is_a_claim_with_the_same_defaults() -> None:
    assert make_claim(metric="killed") == Claim(metric="killed")
    defaults = {name: one.default for name, one in signature(make_claim).parameters.items() if name != "metric"}
    assert defaults == {one.name: one.default for one in fields(Claim) if one.default is not MISSING}


def test_every_field_is_where_its_name_says() -> None:
    told: dict[str, Any] = {one.name: f"its {one.name}" for one in fields(Claim)}
    claim = make_claim(**told)
    assert type(claim) is Claim
    assert {one.name: getattr(claim, one.name) for one in fields(Claim)} == told


def test_it_is_as_closed_as_any_claim() -> None:
    claim = make_claim(metric="killed", value=3.0)
    with pytest.raises(FrozenInstanceError):
        setattr(claim, "value", 4.0)  # noqa: B010 an assignment would not pass the type checker
    assert replace(claim, status=ClaimStatus.PREVIOUS) == Claim(metric="killed", value=3.0, status=ClaimStatus.PREVIOUS)
    assert hash(claim) == hash(Claim(metric="killed", value=3.0))
