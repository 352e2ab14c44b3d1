"""Builders of stamped claims for the ledger's tests, from one readable line each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from storage.keys import claim_id
from storage.records import (
    Claim,
    ClaimKind,
    ClaimStatus,
    Figure,
    OriginSpec,
    Place,
    Qualifier,
    Span,
    StampedClaim,
    Story,
    Trust,
)

STORY = Story(
    slug="story",
    title="A story",
    places=(Place(name="Almaty"),),
    origins=(
        OriginSpec(name="officials", umbrella=True, aliases=("authorities",)),
        OriginSpec(name="police"),
    ),
)


def day_at(day: int, clock: str = "00:00") -> datetime:
    """Day 1 is 1 January 2022."""
    hours, minutes = clock.split(":")
    return datetime(2022, 1, 1, tzinfo=UTC) + timedelta(days=day - 1, hours=int(hours), minutes=int(minutes))


def day_span(day: int) -> Span:
    return Span(not_before=day_at(day), not_after=day_at(day + 1) - timedelta(seconds=1))


def parse_figure(words: str) -> dict[str, Any]:
    """`164`, `at_least:146`, `range:10-15`, `vague:24-99` as the fields of a claim."""
    qualifier, _, number = words.rpartition(":")
    kind = Qualifier(qualifier) if qualifier else Qualifier.EXACT
    low, _, high = number.partition("-")
    if kind in (Qualifier.VAGUE, Qualifier.RANGE):
        return {"qualifier": kind, "value": None, "low": float(low), "high": float(high)}
    return {"qualifier": kind, "value": float(low), "low": float(low), "high": None}


def show_figure(figure: Figure | None) -> str:
    """The reverse of `parse_figure`; "none" for nothing."""
    if figure is None:
        return "none"
    if figure.state is not None:
        return figure.state
    number = f"{figure.value:g}" if figure.value is not None else f"{figure.low:g}-{figure.high:g}"
    return number if figure.qualifier is Qualifier.EXACT else f"{figure.qualifier}:{number}"


def parse_claim(line: str, number: int = 0) -> StampedClaim:
    """One line of tests/data/ledger/cases.toml as a stamped claim."""
    words = line.split()
    day, rest = int(words[0]), words[1:]
    clock = rest.pop(0) if ":" in rest[0] and rest[0][0].isdigit() else ""
    outlet = rest.pop(0)
    figure = rest.pop(0) if "=" not in rest[0] else ""
    keys = dict(word.split("=", 1) for word in rest)
    claim = Claim(metric=keys.get("metric", "killed"), origin=keys.get("by"), quote=line, rule=keys.get("rule", "case"))
    if figure:
        claim = replace(claim, **parse_figure(figure))
    if "state" in keys:
        claim = replace(claim, kind=ClaimKind.STATE, state=keys["state"])
    claim = replace(
        claim,
        status=ClaimStatus(keys.get("status", "current")),
        kind=ClaimKind(keys["kind"]) if "kind" in keys else claim.kind,
        field=keys.get("field", "text"),
        place=keys.get("place"),
        population=keys.get("population"),
        as_of=day_span(int(keys["as_of"])) if "as_of" in keys else None,
    )
    url = keys.get("url", f"{outlet}/{day}/{clock}")
    span = Span(not_before=day_at(day, clock), not_after=day_at(day, clock)) if clock else day_span(day)
    if "edit" in keys:
        span = Span(not_before=day_at(day) - timedelta(minutes=30), not_after=day_at(day))
    return StampedClaim(
        claim_id=claim_id(url, claim.field, line, "case", claim.value, occurrence=number),
        claim=claim,
        story=STORY.slug,
        article_id=0,
        url=url,
        source=outlet,
        sentence=claim.quote,
        trust=Trust(keys.get("trust", "unknown")),
        asserted_at=None if "undated" in keys else span,
        ended_at=day_at(int(keys["ended"])) if "ended" in keys else None,
        recorded_at=day_at(int(keys.get("learned", day))),
        by_edit="edit" in keys,
        version_first=2 if "edit" in keys else 1,
        version_last=1 if "ended" in keys else None,
        wire_group=keys.get("wire"),
    )
