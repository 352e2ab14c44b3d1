"""The catalogues agree with each other and with what asks them."""

import re
import string
import tomllib
from pathlib import Path

import pytest

from monitor.web import wording
from monitor.web.pages import act, alerts, articles, door, feeds, revisions
from monitor.web.wording import DEFAULT_LANGUAGE, FOLDER, choose_language, flatten, languages, load_texts, plural_form

WEB = FOLDER.parent
ASKED = re.compile(r"""\bt\(\s*["']([a-z_.]+)["']\s*[,)]""")
COUNTED = re.compile(r"""\bcount\(\s*["']([a-z_.]+)["']""")
BUILT = re.compile(r"""\bt\(\s*["']([a-z_.]+[._])["']\s*~""")


def entries(lang: str) -> dict[str, str]:
    return flatten(tomllib.loads((FOLDER / f"{lang}.toml").read_text(encoding="utf-8")))


def sources() -> str:
    files = [*WEB.rglob("*.html"), *WEB.rglob("*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@pytest.mark.parametrize("lang", [lang for lang in languages() if lang != DEFAULT_LANGUAGE])
def test_a_language_has_the_keys_and_the_gaps_of_english(lang: str) -> None:
    ours, english = entries(lang), entries(DEFAULT_LANGUAGE)
    plain = {key for key in ours if not key.endswith(".few")}
    assert plain == set(english)
    for key, text in ours.items():
        model = english[key.removesuffix(".few") + ".many" if key.endswith(".few") else key]
        assert gaps(text) == gaps(model), key


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_what_is_asked_is_there() -> None:
    english = entries(DEFAULT_LANGUAGE)
    text = sources()
    assert not {key for key in ASKED.findall(text) if key not in english}
    assert not {key for key in COUNTED.findall(text) if f"{key}.one" not in english or f"{key}.many" not in english}
    assert not {prefix for prefix in BUILT.findall(text) if not any(key.startswith(prefix) for key in english)}


def test_what_is_there_is_asked() -> None:
    text = sources()
    known = {*ASKED.findall(text), *re.findall(r'"([a-z]+\.[a-z_]+)"', text)}
    groups = (*BUILT.findall(text), *(f"{name}." for name in re.findall(r'\bword\(\s*["\']([a-z_]+)["\']', text)))
    counted = {*COUNTED.findall(text), "time.unit.minute", "time.unit.hour", "time.unit.day"}
    idle = [
        key
        for key in entries(DEFAULT_LANGUAGE)
        if key not in known and not key.startswith(groups) and key.rpartition(".")[0] not in counted
    ]
    assert idle == []


def test_every_notice_has_words() -> None:
    english = entries(DEFAULT_LANGUAGE)
    given = set()
    for module in (act, alerts, articles, door, feeds, revisions):
        text = Path(str(module.__file__)).read_text(encoding="utf-8")
        given |= set(re.findall(r'see_other\(.*?"([a-z_]+)"(?: if .*? else "([a-z_]+)")?\)', text))
    names = {name for pair in given for name in pair if name}
    names |= {*alerts.DECIDED.values(), *alerts.DONE, alerts.SETTLED}
    assert {"judged", "noted", "approved"} <= names
    assert not {name for name in names if f"notice.{name}" not in english}


@pytest.mark.parametrize(
    ("lang", "number", "form"),
    [("en", 1, "one"), ("en", 0, "many"), ("en", 21, "many"), ("ru", 1, "one"), ("ru", 21, "one"), ("ru", 11, "many"),
     ("ru", 3, "few"), ("ru", 24, "few"), ("ru", 13, "many"), ("ru", 112, "many"), ("ru", 5, "many"), ("ru", 0, "many")],
)  # fmt: skip
def test_plurals(lang: str, number: int, form: str) -> None:
    assert plural_form(lang, number) == form


@pytest.mark.parametrize(
    ("accept", "chosen", "lang"),
    [("ru-RU,ru;q=0.9,en;q=0.8", None, "ru"), ("de, en;q=0.5, ru;q=0.4", None, "en"), ("", None, "en"), ("ru", "en", "en"), ("*", None, "en"),
     ("ru;q=0", None, "en"), ("ru;q=zero", None, "en"), ("fr", "xx", "en"), (",;q=;;", None, "en")],
)  # fmt: skip
def test_the_language_of_an_answer(accept: str, chosen: str | None, lang: str) -> None:
    assert choose_language(accept, chosen) == lang


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        load_texts("en").text("no.such.key")
    assert wording.load_texts("en").find("no.such.key") is None
