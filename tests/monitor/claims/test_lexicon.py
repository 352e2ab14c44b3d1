"""Packs are sound, and a broken one is told by file and key."""

from pathlib import Path

import pytest

from monitor.claims import lexicon, lexicon_check
from monitor.claims.lexicon import LexiconError, expand, load_lexicon, supported_languages
from monitor.claims.lexicon_check import check_lexicon


@pytest.mark.parametrize("lang", supported_languages())
def test_every_pack_is_sound(lang: str) -> None:
    check_lexicon(lang)
    assert load_lexicon(lang).lang == lang


def test_a_language_without_a_pack_is_named() -> None:
    with pytest.raises(LexiconError, match="no language pack for 'xx'"):
        load_lexicon("xx")


def test_braces_expand_to_all_forms() -> None:
    assert expand("{a,b}c{,s}") == ["ac", "acs", "bc", "bcs"]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "numbers.toml",
            'decimal = "."',
            'decimal = ","',
            "numbers.toml: the decimal mark stands among `thousands` too",
        ),
        ("numbers.toml", '"dozens" = "dozens"', '"dozens" = "dozen"', "vague.dozens names 'dozen'"),
        ("triggers.toml", "[killed]", "[slain]", r"\[slain\] is no metric"),
        ("triggers.toml", "noun = [", "nouns = [", "killed.nouns is no form"),
        ("people.toml", "[role]", "[roles]", "people.toml: roles is unknown"),
        ("status.toml", "near = [", "nearby = [", "unconfirmed.nearby is unknown"),
        ("words.toml", 'by = ["by"]', 'by = ["By"]', "'By' is not in lower case"),
        ("examples.toml", "[post-adjective]", "[post-noun]", r"\[post-noun\] is no rule"),
    ],
)
def test_a_mistake_is_named_by_file_and_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str, message: str
) -> None:
    for path in lexicon.LEXICONS.glob("*.toml"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "en").mkdir()
    for path in (lexicon.LEXICONS / "en").glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        if path.name == file:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / "en" / path.name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(lexicon, "LEXICONS", tmp_path)
    monkeypatch.setattr(lexicon_check, "LEXICONS", tmp_path)
    with pytest.raises(LexiconError, match=message):
        check_lexicon("en")
