"""What articles say in chats: text that formats nothing, mentions nobody and links only where it is said to lead."""

import json
from typing import Any

import pytest

from alerts.addresses import web_address
from alerts.channels.chat import WRITERS
from alerts.channels.markup import cut, discord, fit, mattermost
from storage.records import Evidence, Message, RevisionKind
from tests.support.alerting import notice, revise, write_message

HOSTILE = "*bold* _it_ ~no~ `code` [free money](https://evil.example) <@U123> <!channel> @here ||spoiler|| # > a & b"


def tell(sentence: str = HOSTILE, url: str = "https://news.example/a_(1)?x=1&y=[2]", **fields: Any) -> Message:
    given = {"source": "", "title": "A [title](https://evil.example) *x*"} | fields
    return write_message(notice(revise("r", evidence=(Evidence(sentence=sentence, url=url, **given),)), past=()))


def body(kind: str, message: Message) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(WRITERS[kind](message))
    return written


def walk(value: Any) -> list[dict[str, Any]]:
    """All objects within a body."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*([value] if isinstance(value, dict) else []), *(one for part in inner for one in walk(part))]


def test_slack_gets_text_that_is_no_markup() -> None:
    parts = walk(body("slack", tell())["blocks"])
    assert not [part for part in parts if part.get("type") == "mrkdwn"]
    (quoted,) = [part for part in parts if part.get("text", "") == f"{HOSTILE}\n"]
    assert quoted["type"] == "text"
    (link,) = [part for part in parts if part.get("type") == "link"]
    assert link["url"] == "https://news.example/a_%281%29?x=1&y=%5B2%5D"
    assert link["text"] == "A [title](https://evil.example) *x*"


def test_slacks_line_for_notifications_is_escaped() -> None:
    proof = Evidence(url="https://news.example/a", title="<!channel> & more", source="Agency")
    edited = revise("e", RevisionKind.EDITED, None, None, metric="", article_id=1, evidence=(proof,))
    text = body("slack", write_message(notice(edited, past=())))["text"]
    assert "&lt;!channel&gt; &amp; more" in text


def test_discord_gets_every_sign_that_formats_escaped() -> None:
    described = body("discord", tell())["embeds"][0]["description"]
    for sign in ("\\*bold\\*", "\\_it\\_", "\\[free money\\]\\(https", "\\<\\@U123\\>", "\\|\\|spoiler", "\\`code\\`"):
        assert sign in described
    assert (
        "[A \\[title\\]\\(https://evil.example\\) \\*x\\*](https://news.example/a_%281%29?x=1&y=%5B2%5D)" in described
    )


def test_mattermost_gets_every_sign_that_formats_escaped_and_mentions_nobody() -> None:
    text = body("mattermost", tell(url="https://news.example/@desk"))["text"]
    assert "\\[free money\\]\\(" in text
    assert "@here" not in text
    assert "&lt;!channel&gt;" in text
    # A link is no mention: its address stays as it is.
    assert "](https://news.example/@desk)" in text


def test_teams_gets_runs_of_text_that_know_no_markdown() -> None:
    parts = walk(body("teams", tell()))
    assert not [part for part in parts if part.get("type") == "TextBlock"]
    assert [part for part in parts if part.get("type") == "TextRun" and part["text"] == HOSTILE]
    (opens,) = [part["selectAction"] for part in parts if "selectAction" in part]
    assert opens == {"type": "Action.OpenUrl", "url": "https://news.example/a_%281%29?x=1&y=%5B2%5D"}


@pytest.mark.parametrize("kind", sorted(WRITERS))
@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "JavaScript://x/%0aalert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://a.example", "nonsense", "http://[", "https:///x"]
)  # fmt: skip
def test_only_the_web_is_linked(kind: str, url: str) -> None:
    written = WRITERS[kind](tell("Plain words.", url, source="Agency"))
    assert url not in written
    assert "alert(1)" not in written
    assert "Agency" in written


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("HTTPS://News.example/x", "https://News.example/x"),
        (
            " https://a.example/\n) [x](https://evil.example) ",
            "https://a.example/%29%20%5Bx%5D%28https://evil.example%29",
        ),
        ("https://a.example/%20x?q=a b", "https://a.example/%20x?q=a%20b"),
        ("https://a.example/я", "https://a.example/%D1%8F"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("https://a.example>|x/", ""),
        ("https://a.example/" + "x" * 2_000, ""),
    ],
)
def test_an_address_cannot_end_its_link(url: str, address: str) -> None:
    assert web_address(url) == address


def test_a_cut_never_halves_a_sign() -> None:
    for limit in range(20):
        for escape in (discord, mattermost):
            text = cut(escape("ab*c<d_e"), limit)
            assert len(text) <= limit
            assert not text.endswith("\\")
            assert text.count("&") == text.count(";")
    assert cut(discord("ab*c"), 5) == "ab\\*c"
    assert cut(discord("ab*c"), 4) == "ab…"


def test_a_link_that_does_not_fit_is_left_out_whole() -> None:
    assert fit(["one", "[two](https://a.example)", "three"], " ", 10) == "one three"


@pytest.mark.parametrize("start", ["# Heading", "- item", "1. first", "12) x", "-# small", "> quote"])
def test_a_sentence_makes_no_heading_and_no_list(start: str) -> None:
    for escape in (discord, mattermost):
        assert "".join(escape(start)) != start


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_the_longest_messages_stay_whole(kind: str) -> None:
    long = Evidence(sentence="*<&_" * 500, url="https://a.example/" + "(" * 600, source="*" * 500, title="x")
    many = [notice(revise(f"r{n}", metric=f"a_*{n}" * 40, evidence=(long, long)), past=()) for n in range(12)]
    written = WRITERS[kind](write_message(*many))
    parts = walk(json.loads(written))
    assert kind != "teams" or len(written.encode()) <= 28_000
    assert sum(len(part["text"]) for part in parts if part.get("type") in ("text", "link")) <= 13_000
    for part in parts:
        text = part.get("description", part.get("text", ""))
        if isinstance(text, str) and kind in ("discord", "mattermost"):
            # Every link that begins also ends.
            assert text.count("](https://a.example/") == text.count("%28)")
            assert not text.endswith("\\")


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_what_is_not_told_in_full_has_a_line_with_its_page(kind: str) -> None:
    many = [notice(revise(f"r{n}", metric=f"measure{n}"), past=()) for n in range(14)]
    message = write_message(*many)
    written = WRITERS[kind](message)
    for n in range(14):
        assert f"measure{n} 44" in written.replace("\\", "")
    assert "And 4 more, in a line each:" in written
    assert "https://watch.example.org/revisions/r13" in written
    shown = {**json.loads(written), "summary": "", **({"text": ""} if kind == "slack" else {})}
    assert message.subject.split(" (+")[0] in json.dumps(shown, ensure_ascii=False).replace("\\", "")
    # Of very many as many as fit, and how many there are.
    written = WRITERS[kind](write_message(*many * 30))
    assert "And 410 more" in written
    assert len(written) < 28_000
    assert kind != "discord" or len(json.loads(written)["content"]) <= 2_000


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_a_reminder_and_a_question_say_so(kind: str) -> None:
    both = [notice(revise(f"r{n}", metric=f"measure{n}"), past=()) for n in range(2)]
    cases: tuple[tuple[dict[str, Any], str, str], ...] = (
        ({"repeat": 1}, "Still open: ", "Nothing has settled this since"),
        ({"is_question": True}, "To approve: ", "it is told to nobody until somebody approves it"),
    )
    for fields, said, note in cases:
        written = json.loads(WRITERS[kind](write_message(*both, **fields)))
        shown = json.dumps({**written, "summary": "", **({"text": ""} if kind == "slack" else {})})
        assert said in shown
        assert note in shown
        assert shown.count("/act/approve/") == (2 if "is_question" in fields else 0)


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_what_articles_say_turns_no_line_around(kind: str) -> None:
    written = WRITERS[kind](tell("Toll \u202e461 si\u2066 risen", source="A\u202eB"))
    assert not set(written) & set("\u202e\u2066")
