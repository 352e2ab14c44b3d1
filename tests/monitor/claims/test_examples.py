"""Every rule of the grammar reads its own examples, and leaves its counter-examples alone."""

from typing import Any

import pytest

from monitor.claims.explain import explain_text
from monitor.claims.grammar import load_rules
from monitor.claims.lexicon import LEXICONS, read_pack, supported_languages


def rows() -> list[Any]:
    return [
        pytest.param(lang, rule, example, id=f"{lang}-{rule}")
        for lang in supported_languages()
        for rule, example in read_pack(lang).get("examples", {}).items()
    ]


def rules_of(sentence: str, lang: str) -> set[str]:
    return {
        figure.rule.split(".", 1)[1]
        for reading in explain_text(sentence, lang)
        for figure in reading.figures
        if figure.rule
    }


@pytest.mark.parametrize(("lang", "rule", "example"), rows())
def test_a_rule_reads_its_examples_alone(lang: str, rule: str, example: dict[str, list[str]]) -> None:
    assert [text for text in example["match"] if rule not in rules_of(text, lang)] == []
    assert [text for text in example.get("no_match", []) if rule in rules_of(text, lang)] == []


def test_every_shared_rule_has_an_english_example() -> None:
    rules = {rule.id for rule in load_rules("en", LEXICONS / "grammar.toml")}
    assert rules == set(read_pack("en")["examples"])
