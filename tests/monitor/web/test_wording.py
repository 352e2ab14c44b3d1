"""The catalogues agree with each other and with what asks them."""

import re
import string
import tomllib
from collections.abc import Iterable
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.words import load_words
from monitor.claims.metrics import builtin_metrics
from monitor.web import wording
from monitor.web.pages import act, alerts, articles, door, feeds, revisions
from monitor.web.presenter import Presenter
from monitor.web.wording import DEFAULT_LANGUAGE, FOLDER, choose_language, flatten, languages, load_texts, plural_form
from storage import claims
from storage.database import Database
from storage.records import (
    AlertState,
    DeliveryState,
    FeedState,
    Figure,
    History,
    JudgementKind,
    MatchState,
    RecordKey,
    RevisionKind,
    Step,
    StoryState,
    Trust,
)
from tests.monitor.web import archive

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
    # What is raised names its text itself (test_problems), and the checker of forms its own.
    groups += ("raised.", "invalid.")
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


LEXICONS = Path(__file__).parents[3] / "monitor" / "claims" / "lexicons"
LATIN = re.compile(r"[A-Za-z]{2,}")
# Signs of measures and money that Russian text writes in Latin letters as well.
SIGNS = re.compile(r"\bM\d|\bUS\b")
ENUMS: dict[str, Iterable[StrEnum]] = {
    "kinds": RevisionKind, "story_state": StoryState, "trust": Trust, "feed_state": FeedState, "alert_state": AlertState,
    "delivery_state": DeliveryState, "judgement": JudgementKind, "match_state": (MatchState.ACCEPTED, MatchState.REJECTED),
}  # fmt: skip


def presenter(lang: str) -> Presenter:
    return Presenter(texts=load_texts(lang), words=load_words(lang), now=archive.NOW, asset=str)


def tables(name: str) -> list[dict[str, Any]]:
    found = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(LEXICONS.glob(f"*/{name}.toml"))]
    assert found
    return found


def what_claims_may_hold() -> set[tuple[str, str]]:
    """(section, key) of every measure, unit, state and group of people that a lexicon can find."""
    metrics = builtin_metrics()
    found = {("metrics", name) for name in metrics} | {("units", one.unit) for one in metrics.values()}
    for table in tables("states"):
        found |= {("metrics", name) for name in table["subjects"]} | {("states", name) for name in table["actions"]}
    for table in tables("measures"):
        found |= {("units", unit) for measure in table.values() for unit in measure.get("units", ())}
    for table in tables("people"):
        found |= {
            ("axes", f"{axis}={one}") for axis in ("role", "age", "sex", "condition") for one in table.get(axis, ())
        }
        found |= {("nationalities", one) for one in table.get("nationality", ())}
    return found


@pytest.mark.parametrize("lang", languages())
def test_whatever_a_lexicon_finds_has_words(lang: str) -> None:
    text = (files("alerts.catalogue") / f"{lang}.toml").read_text(encoding="utf-8")
    catalogue = tomllib.loads(text)
    assert sorted((section, key) for section, key in what_claims_may_hold() if key not in catalogue[section]) == []


def test_every_state_that_a_page_shows_is_russian_in_russian() -> None:
    ui = presenter("ru")
    shown = {(group, one.value): ui.word(group, one) for group, every in ENUMS.items() for one in every}
    shown |= {("metrics", key): ui.metric(key) for section, key in what_claims_may_hold() if section == "metrics"}
    shown |= {
        ("states", key): ui.figure(Figure(state=key)) for section, key in what_claims_may_hold() if section == "states"
    }
    for section, key in what_claims_may_hold():
        population = key if section == "axes" else f"nationality={key}" if section == "nationalities" else ""
        shown |= {(section, key): ui.words.population(population)} if population else {}
    for unit in {key for section, key in what_claims_may_hold() if section == "units"}:
        shown["units", unit] = SIGNS.sub("", ui.figure(Figure(value=7), unit))
    assert {key: words for key, words in shown.items() if LATIN.search(words)} == {}


def test_a_page_of_states_is_russian_in_russian(client: httpx.Client, database: Database) -> None:
    english = tomllib.loads((LEXICONS / "en" / "states.toml").read_text(encoding="utf-8"))
    pairs = [(subject, state) for subject, states in english["allowed"].items() for state in states]
    slug, now = archive.QUAKE.slug, archive.NOW
    with database.write() as session:
        claims.update_histories(session, slug, [
            History(key=RecordKey(story=slug, metric=subject, period=str(n)),
                    current=Figure(state=state), steps=(Step(kind=RevisionKind.FIRST, before=None, figure=Figure(state=state), effective_at=None, public_at=None, recorded_at=now, rule="first"),))
            for n, (subject, state) in enumerate(pairs)
        ], (), now=now)  # fmt: skip
    parts = (
        client.get(f"/stories/{slug}/records?start={start}", headers={"Accept-Language": "ru"}) for start in (0, 50)
    )
    text = "".join(part.text for part in parts)
    rows = re.findall(r"<tr><td><a[^>]*>([^<]+), \d+</a>.*?<b>([^<]+)</b>", text, flags=re.DOTALL)
    assert len(rows) == len(pairs)
    assert [row for row in rows if LATIN.search(" ".join(row))] == []
