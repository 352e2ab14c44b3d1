"""Sentences with the claims that they must yield, a file a language under tests/data/claims."""

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.claims.extract import Extractor
from monitor.claims.lexicon import supported_languages
from monitor.cli.extract import published_span
from storage.records import Claim, ClaimKind

DATA = Path(__file__).parents[2] / "data" / "claims"
PUBLISHED = "2026-11-20"
# Values and states are asked of those sentences alone that are about them.
ASIDE = frozenset(("magnitude", "area_burned", "damage_cost"))


def load(lang: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / f"{lang}.jsonl").read_text(encoding="utf-8").splitlines()]


def specs() -> list[Any]:
    return [
        pytest.param(lang, spec, id=f"{lang}-{number}")
        for lang in supported_languages()
        if (DATA / f"{lang}.jsonl").is_file()
        for number, spec in enumerate(load(lang), start=1)
    ]


def is_match(wanted: dict[str, Any], claim: Claim) -> bool:
    name = "state" if "state" in wanted else "value"
    return claim.metric == wanted["metric"] and bool(getattr(claim, name) == wanted[name])


def differences(wanted: dict[str, Any], claim: Claim) -> list[str]:
    expected = {"status": "current", **wanted}
    return [
        f"{name}: {getattr(claim, name)} instead of {value} ({claim.quote!r}, {claim.rule})"
        for name, value in expected.items()
        if name not in ("metric", "value", "state") and getattr(claim, name) != value
    ]


@pytest.mark.parametrize(("lang", "spec"), specs())
def test_a_sentence_yields_its_claims_and_no_others(lang: str, spec: dict[str, Any]) -> None:
    published = published_span(spec.get("published", PUBLISHED))
    claims = Extractor().extract(title=spec.get("title", ""), text=spec["text"], published=published, lang=lang)
    wanted = spec["claims"]
    is_aside = any("state" in want or want["metric"] in ASIDE for want in wanted)
    left = [
        claim
        for claim in claims
        if not claim.implicit and (is_aside or (claim.kind is not ClaimKind.STATE and claim.metric not in ASIDE))
    ]
    problems: list[str] = []
    for want in wanted:
        found = next((claim for claim in left if is_match(want, claim)), None)
        if found is None:
            problems.append(f"missing: {want}")
            continue
        left.remove(found)
        problems.extend(differences(want, found))
    repeated = {(claim.metric, claim.value) for claim in claims}
    told = {(want["metric"], want.get("value")) for want in wanted}
    problems.extend(
        f"not wanted: {claim.metric} {claim.value} {claim.quote!r} by {claim.rule}"
        for claim in left
        if (claim.metric, claim.value) not in (told & repeated)
    )
    assert not problems, f"{spec['text']}\n" + "\n".join(problems)


@pytest.mark.parametrize("lang", [lang for lang in supported_languages() if (DATA / f"{lang}.jsonl").is_file()])
def test_a_third_of_a_language_s_sentences_holds_no_figure(lang: str) -> None:
    rows = load(lang)
    assert sum(not row["claims"] for row in rows) >= len(rows) / 3
    assert len({row["text"] for row in rows}) == len(rows)
