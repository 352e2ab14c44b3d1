"""Messages as people get them. Golden files in tests/data/alerts, written anew only with STORYWATCH_WRITE_GOLDEN=1."""

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.chart import history_of_revisions
from alerts.messages import render_test, write_subject
from alerts.words import load_words
from storage.records import Evidence, Figure, Qualifier, RecordKey, Revision, RevisionKind
from tests.support.alerting import LINKS, NOON, PAST, WITHDRAWN, at, notice, revise, subscribe, write_message

K = RevisionKind
ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/data/alerts"
SCHEMA = json.loads((ROOT / "docs/webhook.schema.json").read_text(encoding="utf-8"))
ARTICLE = Evidence(url="https://a.example/1", title="Toll rises", source="Example Agency")
HURT = revise("r-hurt", before=None, after_=4353, metric="injured", population="role=security_forces", place="almaty")
HURT = replace(HURT, before=Figure(value=719, qualifier=Qualifier.AT_LEAST))
STATE = replace(
    revise("r-state", K.STATE_CHANGED, metric="state_of_emergency", reason="state_changed"),
    before=Figure(state="in_force"),
    after=Figure(state="lifted"),
)
EDITED = revise("r-edit", K.EDITED, 164, 225, reason="silent_edit", article_id=7, origins=(), evidence=(ARTICLE,))
SORRY = revise("r-sorry", K.CORRECTION, 44, 164, corrects=WITHDRAWN.revision_id, reason="correction")
DEAD = replace(
    revise("r-dead", K.HEALTH, story="", origins=(), reason="feed_dead", detail="hours=26\nerror=503 = down"),
    key=RecordKey(story="", metric="feed", unit="health", place="https://f.example/rss"),
    before=Figure(state="alive"),
    after=Figure(state="dead"),
    public_at=None,
)

CASES = {
    "withdrawn": write_message(),
    "withdrawn.ru": write_message(subscription=subscribe(lang="ru", timezone="Asia/Almaty")),
    "path": write_message(notice(passed_over=(replace(PAST[2], recorded_at=NOON),)), notice(HURT, past=())),
    "edited": write_message(notice(EDITED, past=()), links=None),
    "correction": write_message(notice(SORRY, past=())),
    "health": write_message(notice(DEAD, past=(), story=None)),
    "question": write_message(notice(passed_over=(PAST[2],)), is_question=True),
    "reminder": write_message(notice(revise("r-c", K.CONTESTED, 225, 300), past=()), repeat=2),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_messages_read_as_they_did(name: str) -> None:
    message = CASES[name]
    for suffix, written in (("txt", f"Subject: {message.subject}\n\n{message.text}"), ("html", message.html)):
        path = GOLDEN / f"{name}.{suffix}"
        if os.environ.get("STORYWATCH_WRITE_GOLDEN"):
            path.write_text(written, encoding="utf-8")
        assert written == path.read_text(encoding="utf-8"), f"{path.name}: STORYWATCH_WRITE_GOLDEN=1 writes it anew"


@pytest.mark.parametrize("name", sorted(CASES))
def test_payloads_fit_the_published_schema(name: str) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    validator.validate(json.loads(CASES[name].payload))


def test_the_schema_names_every_field_of_the_payload() -> None:
    change = json.loads(CASES["path"].payload)["changes"][0]
    assert set(change) == set(SCHEMA["$defs"]["change"]["properties"])
    assert set(change["evidence"][0]) == set(SCHEMA["$defs"]["evidence"]["properties"])
    assert set(change["path"][0]) == set(SCHEMA["$defs"]["revision"]["properties"])
    assert set(SCHEMA["$defs"]["revision"]["properties"]["kind"]["enum"]) == {kind.value for kind in K}


def test_a_test_message_fits_the_schema_too() -> None:
    message = render_test(subscription=subscribe(), message_id="d1-x", created_at=NOON)
    jsonschema.validate(json.loads(message.payload), SCHEMA)


def test_the_same_message_is_the_same_bytes() -> None:
    assert write_message() == write_message()


@pytest.mark.parametrize(
    ("revision", "subject"),
    [
        (WITHDRAWN, "killed 164 → withdrawn (44)"),
        (revise("x", K.RETRACTED, 164, None), "killed 164 → withdrawn"),
        (revise("x", K.FIRST, None, 26), "killed 26, first report"),
        (revise("x", K.CONTESTED, 225, 300), "killed 225, contested: 300"),
        (HURT, "injured, security forces, Almaty at least 719 → 4,353"),
        (STATE, "state of emergency in force → lifted"),
        (EDITED, "Example Agency edited “Toll rises” without saying so: killed 164 → 225"),
        (replace(EDITED, reason="noted_edit", before=None), "Example Agency edited “Toll rises”"),
        (
            replace(EDITED, before=EDITED.after, detail="was_metric=killed\nnow_metric=injured\nnow_standing=current"),
            "Example Agency edited “Toll rises” without saying so: killed 225 → injured 225",
        ),
        (replace(EDITED, reason="returned", before=None, after=None), "Example Agency put “Toll rises” back"),
        (revise("x", K.REMOVED, None, None, evidence=(ARTICLE,)), "Example Agency removed “Toll rises”"),
        (SORRY, "correction: killed 164"),
        (DEAD, "feed https://f.example/rss alive → dead"),
    ],
)
def test_subjects_say_the_change(revision: Revision, subject: str) -> None:
    assert write_subject([notice(revision, past=(), story=None)], load_words("en")) == subject


def test_a_subject_of_many_changes_stays_short() -> None:
    many = [notice(revise(f"r{n}", metric=f"a long measure {n}"), past=()) for n in range(12)]
    subject = write_subject(many, load_words("en"))
    assert len(subject) <= 150
    assert re.search(r"\(\+\d+ more\)$", subject)


def test_the_mail_loads_nothing_from_elsewhere() -> None:
    html = CASES["withdrawn"].html
    assert re.findall(r'src="([^"]*)"', html) == ["cid:chart@storywatch"]
    assert not re.search(r"url\(|@import|<script|<link|<iframe", html)


def test_the_mail_keeps_to_what_mail_programs_understand() -> None:
    html = CASES["path"].html
    assert len(html.encode()) < 100_000  # one large program cuts longer ones off
    assert "max-width:600px" in html
    assert "prefers-color-scheme: dark" in html
    assert not re.search(r"display:\s*(flex|grid)|position:|float:|var\(--", html)
    for tag in re.findall(r"<(?:table)[^>]*>", html):
        assert 'role="presentation"' in tag
    for tag in re.findall(r"<img[^>]*>", html):
        assert re.search(r'alt="[^"]{20,}"', tag)
        assert 'width="' in tag


class _Tags(HTMLParser):
    """Checks that every tag is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@settings(deadline=None, max_examples=60)
@given(text=st.text(max_size=300), url=st.text(max_size=80))
def test_nothing_that_an_article_says_breaks_the_mail(text: str, url: str) -> None:
    evil = f'</td></table><script>alert("1")</script>{text}'
    proof = Evidence(sentence=evil, quote=text[:9], url=f"javascript:{url}", title=evil, source=evil, origin=evil)
    message = write_message(notice(revise("x", evidence=(proof,), origins=(evil,)), past=()))
    assert "<script" not in message.html
    assert "javascript:" not in message.html
    tags = _Tags()
    tags.feed(message.html)
    assert tags.open == []
    assert "\n" not in message.subject
    jsonschema.validate(json.loads(message.payload), SCHEMA)


@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from(sorted(K)),
    before=st.none() | st.floats(0, 1e12),
    after_=st.none() | st.floats(0, 1e12),
    lang=st.sampled_from(["en", "ru"]),
)
def test_every_change_can_be_told(kind: K, before: float | None, after_: float | None, lang: str) -> None:
    told = revise("x", kind, before, after_, corrects="y" if kind is K.CORRECTION else None)
    if kind is K.BACKFILLED:
        return
    message = write_message(notice(told, past=()), subscription=subscribe(lang=lang))
    assert message.subject
    assert "{" not in message.subject + message.text


def test_links_are_signed_and_checked() -> None:
    link = LINKS.make_link("silence", "a1-7/ü")
    *_, target, signature = link.split("/")
    assert target == "a1-7%2F%C3%BC"
    assert LINKS.check("silence", "a1-7/ü", signature)
    assert not LINKS.check("approve", "a1-7/ü", signature)
    assert not LINKS.check("silence", "a1-7/ü", "é")
    assert not LINKS.check("launch", "a1-7/ü", LINKS.sign("launch", "a1-7/ü"))


def test_long_sentences_are_quoted_in_part() -> None:
    sentence = "word " * 300 + "164 dead " + "word " * 300
    message = write_message(notice(revise("x", evidence=(Evidence(sentence=sentence, quote="164 dead"),)), past=()))
    assert "164 dead" in message.text
    assert len(message.text) < 1500


def test_what_is_kept_with_a_change_may_be_called_anything() -> None:
    told = revise(
        "r", K.FOUND, None, None, metric="search", reason="search_found", detail="self=a\nkey=b\nsection=c\nname=d"
    )
    assert "d" in write_message(notice(told, past=())).text


def test_a_date_at_the_end_of_the_calendar_stops_no_message() -> None:
    for moment in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)):
        proof = Evidence(sentence="At least 3 died.", url="https://a.example/x", published=at(moment))
        for zone in ("America/New_York", "Asia/Tokyo"):
            told = notice(revise("r", evidence=(proof,), public_at=at(moment)), past=())
            assert str(moment.year) in write_message(told, subscription=subscribe(timezone=zone)).text


def test_an_open_bound_is_none_in_the_payload() -> None:
    told = revise("r", K.RAISED, None, None, after=Figure(value=26, low=26, high=float("inf")))
    figure = json.loads(write_message(notice(told, past=())).payload)["changes"][0]["after"]
    assert (figure["low"], figure["high"]) == (26, None)


def test_a_mail_of_very_many_changes_tells_the_first_in_full_and_each_of_the_rest_in_a_line() -> None:
    many = [notice(revise(f"r{n}", metric=f"measure {n}", evidence=WITHDRAWN.evidence), past=()) for n in range(500)]
    message = write_message(*many)
    assert len(message.html) < 400_000
    for text in (message.text, message.html):
        assert text.count("The figure of") == 20
        assert all(f"easure {n} 44" in text for n in range(20, 500))
        assert "And 480 more" in text
    assert len(json.loads(message.payload)["changes"]) == 500
    asked = write_message(*many[:30], is_question=True)
    assert asked.html.count("/act/approve/") == 30
    assert "more, in a line" not in asked.text + write_message(*many[:20]).text


def test_what_articles_say_turns_no_line_around() -> None:
    evil = "Toll \u202e461 si\u2066 \x1b[31m\x00"
    proof = Evidence(sentence=evil, source=evil, title=evil, origin=evil, speaker="x\u202ey", url="https://a.example/x")
    edited = revise("e", K.EDITED, None, None, metric="", article_id=1, evidence=(proof,))
    message = write_message(notice(edited, past=()), notice(revise("r", evidence=(proof,)), past=()))
    for text in (message.subject, message.text, message.html):
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", text)


def test_nobody_can_end_the_subscription_of_all_from_a_message_to_many() -> None:
    many = write_message(receiver="")
    assert "unsubscribe" not in f"{many.text}{many.html}{many.headers}".lower()
    one = write_message(receiver="a@example.org")
    assert LINKS.unsubscribe_link("desk", "a@example.org") in one.text


def test_the_words_for_the_chart_name_figures_alone() -> None:
    edited = revise("edit", K.EDITED, 164, 300, when=NOON - timedelta(hours=2), article_id=1)
    told = write_message(notice(past=(*PAST, edited)))
    assert "164 → withdrawn (44)" in told.chart_alt
    assert "300" not in told.chart_alt
    assert history_of_revisions([edited]) is None
