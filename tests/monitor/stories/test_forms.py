"""Names in other cases, numbers and scripts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.stories.folding import compose, fold
from monitor.stories.forms import name_forms, term_forms

LANGUAGES = ("en", "ru")


def texts(forms: object) -> set[str]:
    assert isinstance(forms, frozenset)
    return {form.text for form in forms}


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("Токаев", "person", "токаева токаеву токаевым токаеве токаевой tokayev tokaev"),
        ("Tokayev", "person", "токаев токаева токаевым"),
        ("Шалабаев", "person", "шалабаева шалабаеву shalabayev"),
        ("Сыромолотов", "person", "сыромолотова сыромолотовым syromolotov"),
        ("Нагорная", "place", "нагорной нагорную"),
        ("Алма-Ата", "place", "алма ате|алма аты|алма ату|алма атой|alma ata"),
        ("Нур-Султан", "place", "нур султана|нур султане|nur sultan"),
        ("Кызылорда", "place", "кызылорде кызылорды kyzylorda"),
        ("Шымкент", "place", "шымкенте шымкента shymkent"),
        ("Алматинская область", "place", "алматинской области|алматинскую область"),
        ("Касым-Жомарт Токаев", "person", "касым жомарта токаева|касым жомарту токаеву|касым жомарт токаева"),
        ("Генеральная прокуратура Казахстана", "group", "генеральной прокуратуре казахстана|генеральную прокуратуру казахстана"),
        ("Zhanaozen", "place", "жанаозен жанаозене жанаозена"),
        ("Kazakh", "place", "kazakhs"),
    ],
)  # fmt: skip
def test_names_are_found_in_other_cases_and_scripts(name: str, kind: str, expected: str) -> None:
    found = texts(name_forms(name, is_person=kind == "person", is_place=kind == "place", languages=LANGUAGES))
    wanted = expected.split("|") if "|" in expected else expected.split()
    assert set(wanted) <= found


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("беспорядки", "беспорядков|беспорядкам|беспорядках|беспорядками"),
        ("протесты", "протестов|протестах"),
        ("чрезвычайное положение", "чрезвычайного положения|чрезвычайном положении|чрезвычайному положению"),
        ("режим чрезвычайного положения", "режима чрезвычайного положения|режиме чрезвычайного положения"),
        ("миротворцы", "миротворцев|миротворцам"),
        ("миротворческие силы", "миротворческих сил|миротворческими силами"),
        ("январские события", "январских событий|январским событиям"),
        ("riot", "riots"),
        ("state of emergency", "state of emergencies"),
        ("clash", "clashes"),
    ],
)
def test_terms_are_found_in_other_cases_and_numbers(term: str, expected: str) -> None:
    assert set(expected.split("|")) <= texts(term_forms(term, languages=LANGUAGES))


def test_a_story_that_names_no_language_is_read_in_any() -> None:
    assert {"riots", "riotes"} <= texts(term_forms("riot", languages=()))


def test_acronyms_are_left_alone() -> None:
    assert texts(name_forms("ОДКБ", is_person=False, is_place=False, languages=LANGUAGES)) == {"одкб"}


def test_a_name_does_not_explode() -> None:
    forms = name_forms(
        "Совет коллективной безопасности стран договора", is_person=False, is_place=False, languages=LANGUAGES
    )
    assert len(forms) < 500


@given(text=st.text())
def test_folding_keeps_every_offset(text: str) -> None:
    composed = compose(text)
    assert len(fold(composed)) == len(composed)


def test_folding_ignores_case_marks_and_punctuation() -> None:
    assert fold(compose("Ёлка; NUR‑SULTAN’s Côte d'Ivoire")) == "елка  nur sultan s cote d ivoire"
    assert fold(compose("İstanbul")) == "istanbul"
