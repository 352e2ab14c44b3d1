"""What cannot be done is said in the reader's language, whoever raised it; programs are told in English."""

import ast
import html
import re
import string
from pathlib import Path

import httpx
import pytest

from monitor.web.wording import languages, load_texts
from storage import claims, deliveries
from storage.database import Database
from storage.errors import JudgementError, NotFoundError, QueryError
from storage.keys import key_text
from storage.query import parse_query
from storage.records import DeliveryState, RecordKey, RevisionKind
from tests.monitor.web import archive
from tests.monitor.web.forms import send

SLUG = archive.KAZAKHSTAN.slug
RECORD = f"/stories/{SLUG}/record?metric=killed"
JUDGEMENTS = f"/stories/{SLUG}/judgements"
KILLED = key_text(RecordKey(story=SLUG, metric="killed"))
QUERIES = (
    "toll)", "-", '"toll', "OR toll", "toll OR", "(toll", "a*", "(" * 60 + "toll" + ")" * 60, " ".join(["it"] * 300), "colour:red", "source:",
    "killed>many", " ".join(["killed>1"] * 40), "(toll OR killed>3)", "after:soon", "after:0001-01-01T00:00:00+14:00", "...",
)  # fmt: skip
# Words that are the same in every language: of the query's own tongue, names, and names of fields.
OURS = re.compile(
    r"\b(?:OR|ISO|https?|killed|after|before|source|story|lang|metric|toll|colour|hours|why|kind|value|start|url|claims|ftp|x|page|into|place|kg|archive|web|allowed_hosts)\b"
)
LATIN = re.compile(r"[A-Za-z]{2,}")
MODULES = ("storage/query.py", "monitor/judging.py", "monitor/web/pages/judging.py", "alerts/desk.py", "alerts/matchers.py")  # fmt: skip
KINDS = {"QueryError", "JudgementError", "MatcherError", "NotFoundError"}


def said_in(answer: httpx.Response) -> str:
    """What a page says of an error."""
    found = re.search(r'<p class="lede">(.*?)</p>|role="alert"><p>(.*?)</p>', answer.text, re.DOTALL)
    assert found, answer.text[-2000:]
    return html.unescape(found[1] or found[2])


def is_russian(words: str) -> bool:
    """Whether Russian stands there, and nothing of another language."""
    foreign = LATIN.findall(OURS.sub("", re.sub("«.*?»|есть .*", "", words)))
    return bool(re.search("[а-я]{3}", words)) and not foreign


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_a_query_that_is_not_understood_is_explained_in_russian(reader: httpx.Client, query: str) -> None:
    for path in ("/search", "/search.atom"):
        answer = reader.get(path, params={"q": query}, headers={"Accept-Language": "ru"})
        assert answer.status_code == 400
        assert is_russian(said_in(answer)), said_in(answer)
    english = reader.get("/search", params={"q": query})
    assert not re.search("[а-я]", said_in(english))
    programs = reader.get("/api/v1/search", params={"q": query}, headers={"Accept-Language": "ru"})
    with pytest.raises(QueryError) as raised:
        parse_query(query)
    assert programs.json()["error"] == str(raised.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "merge", "target": KILLED, "into": KILLED},
        {"kind": "merge", "target": KILLED, "into": "x"},
        {"kind": "merge", "target": KILLED, "into": f"{archive.QUAKE.slug}/killed"},
        {"kind": "merge", "target": KILLED, "into": f"{SLUG}/nothing"},
        {"kind": "merge", "target": KILLED, "into": f"{SLUG}/killed/kg"},
        {"kind": "pin", "target": KILLED, "value": "-1"},
        {"kind": "pin", "target": KILLED, "value": "x"},
        {"kind": "pin", "target": key_text(RecordKey(story=SLUG, metric="state_of_emergency")), "value": "3"},
        {"kind": "add", "target": KILLED, "value": "3", "url": "ftp://x"},
        {"kind": "alias", "target": "A", "origin": "A"},
        {"kind": "split", "target": KILLED, "metric": "nothing"},
        {"kind": "split", "target": KILLED, "claims": "c9"},
        {"kind": "split", "target": KILLED},
        {"kind": "split", "target": "x"},
    ],
    ids=range(14),
)
def test_a_judgement_that_makes_no_sense_is_refused_in_russian(client: httpx.Client, fields: dict[str, str]) -> None:
    client.headers["Accept-Language"] = "ru"
    answer = send(client, RECORD, JUDGEMENTS, why="x", **fields)
    assert answer.status_code in (404, 422)
    assert is_russian(said_in(answer)), said_in(answer)


def test_forms_and_addresses_are_refused_in_russian(client: httpx.Client, database: Database) -> None:
    client.headers["Accept-Language"] = "ru"
    with database.write() as session:
        dead = deliveries.list_deliveries(session, states=[DeliveryState.DELIVERED])[0].delivery_id
        revision = claims.list_revisions(session, SLUG, kinds=[RevisionKind.RAISED])[0].revision_id
    page = f"/revisions/{revision}"
    answers = [
        send(client, "/alerts", "/silences", story="nothing"),
        send(client, "/alerts", "/silences", metric="nothing"),
        send(client, "/alerts", "/silences", hours="0"),
        send(client, "/alerts", "/silences", hours="many"),
        send(client, "/alerts", "/silences", hours="9000"),
        send(client, "/alerts", f"/deliveries/{dead}/replay"),
        send(client, "/alerts", "/deliveries/none/replay"),
        send(client, "/alerts", "/alerts/none/approve"),
        send(client, "/alerts", "/silences/none/end"),
        send(client, RECORD, "/judgements/999/revoke", back="/"),
        send(client, RECORD, JUDGEMENTS, kind="pin", target=KILLED),
        send(client, page, f"{page}/judgements", kind="annotate", why=""),
        send(client, "/feeds", "/feeds", url="https://a.example/" + "x" * 3000),
        *(
            client.get(path)
            for path in ("/stories/none", "/articles/none", "/articles/999", "/revisions/none", "/nothing", f"{RECORD}&place=x",
                         f"{RECORD}&as_known_at=soon", "/?start=x", "/feeds?start=-1", "/feeds?start=99999999999", "/alerts?alerts=x")
        ),
    ]  # fmt: skip
    answers = [answer for answer in answers if answer.status_code != 200]
    assert len(answers) >= 22
    for answer in answers:
        assert 400 <= answer.status_code < 500, answer.request.url
        assert is_russian(said_in(answer)), (answer.request.url, said_in(answer))


@pytest.mark.parametrize("module", MODULES)
def test_whatever_is_raised_for_whoever_asks_has_words_that_its_gaps_fill(module: str) -> None:
    tree = ast.parse(Path(module).read_text(encoding="utf-8"))
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in KINDS)
            or (isinstance(node.func, ast.Attribute) and node.func.attr == "_error")
        )
    ]
    assert calls
    for call in calls:
        given = {word.arg: word.value for word in call.keywords}
        code = given.pop("code", None) or call.args[0]
        if not isinstance(code, ast.Constant):  # _error itself, which passes on what it is given
            continue
        assert isinstance(code.value, str)
        name = f"query_{code.value}" if module == "storage/query.py" else code.value
        for lang in languages():
            text = load_texts(lang).entries[f"raised.{name}"]
            gaps = {gap for _, gap, _, _ in string.Formatter().parse(text) if gap}
            assert gaps <= set(given), f"{module}:{call.lineno} {lang}"


def test_what_has_no_words_of_its_own_is_said_in_general(reader: httpx.Client) -> None:
    assert NotFoundError("nothing").code == ""
    assert JudgementError("no", code="x", given=1).gaps == {"given": 1}
    answer = reader.get("/stories/none")
    assert said_in(answer) == load_texts("en").text("error.not_found")
    assert "no story is called 'none'" in reader.get("/api/v1/stories/none").json()["error"]


def test_what_a_feed_or_a_receiver_said_is_marked_as_english(reader: httpx.Client) -> None:
    """Errors of the other side are kept in words of the log."""
    russian = {"Accept-Language": "ru"}
    assert 'lang="en">the server answered 503' in reader.get("/feeds", headers=russian).text
    assert '<td lang="en">https://archive.example/hook answered 500' in reader.get("/alerts", headers=russian).text
