"""What an editor overrules on the page: a claim's scope, a record's figure, two records, two names; all listed, all undone."""

import json
from datetime import timedelta

import httpx
import pytest

from monitor.web.options import Role, Token, WebOptions
from storage import claims, judgements
from storage.database import Database
from storage.keys import key_text
from storage.records import Judgement, JudgementKind, RecordKey, Revision, RevisionKind
from tests.monitor.web import archive
from tests.monitor.web.conftest import Clock, MakeApp
from tests.monitor.web.forms import send
from tests.monitor.web.serving import serve

SLUG = archive.KAZAKHSTAN.slug
KILLED = RecordKey(story=SLUG, metric="killed")
IN_ALMATY = RecordKey(story=SLUG, metric="killed", place="almaty")
ATTACKERS = RecordKey(story=SLUG, metric="killed", population="role=attacker")
RECORD = f"/stories/{SLUG}/record?metric=killed"
JUDGEMENTS = f"/stories/{SLUG}/judgements"


def raised(database: Database) -> Revision:
    with database.read() as session:
        return claims.list_revisions(session, key=KILLED, kinds=[RevisionKind.RAISED], newest_first=True)[0]


def best(database: Database, key: RecordKey = KILLED) -> float | None:
    with database.read() as session:
        return claims.get_history(session, key).best


def last(database: Database) -> Judgement:
    with database.read() as session:
        return judgements.list_judgements(session, SLUG, with_revoked=True)[-1]


def test_a_claim_is_counted_elsewhere_and_back_again(client: httpx.Client, database: Database) -> None:
    revision = raised(database)
    target = revision.evidence[0].claim_id
    page = f"/revisions/{revision.revision_id}"
    fields = {"metric": "=", "population": "role=attacker", "place": "="}
    answer = send(client, page, f"{page}/judgements", kind="rescope", target=target, why="Of rioters alone", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert "Counted elsewhere by a person" in client.get(page).text
    assert best(database) != 225
    assert best(database, ATTACKERS) == 225
    with database.read() as session:
        ruled = claims.get_claim(session, target, story=SLUG)
    # What it says is kept, so that the judgement holds after the words are read anew.
    payload = json.loads(last(database).payload)
    assert (payload["population"], payload["url"], payload["quote"]) == ("role=attacker", ruled.url, ruled.claim.quote)
    assert (payload["read"]["metric"], payload["read"]["value"]) == ("killed", 225)
    listed = client.get(JUDGEMENTS).text
    assert "Killed, attackers" in listed
    assert "Of rioters alone" in listed
    send(client, JUDGEMENTS, f"/judgements/{last(database).judgement_id}/revoke", back=JUDGEMENTS)
    assert best(database) == 225
    assert "taken back" in client.get(JUDGEMENTS).text


def test_a_claim_of_another_measure_takes_its_unit(client: httpx.Client, database: Database) -> None:
    revision = raised(database)
    page = f"/revisions/{revision.revision_id}"
    send(
        client, page, f"{page}/judgements", kind="rescope", target=revision.evidence[0].claim_id,
        metric="homes_damaged", population="", place="", why="Houses, not people",
    )  # fmt: skip
    assert best(database, RecordKey(story=SLUG, metric="homes_damaged", unit="buildings")) == 225


def test_a_record_is_held_at_a_figure_until_that_is_taken_back(client: httpx.Client, database: Database) -> None:
    send(
        client, RECORD, JUDGEMENTS, kind="pin", target=key_text(KILLED), value=227, why="Checked by phone", back=RECORD
    )
    assert best(database) == 227
    text = client.get(RECORD).text
    assert "Checked by phone" in text
    assert "Killed: 227" in text
    with database.read() as session:
        moved = claims.list_revisions(session, key=KILLED, newest_first=True)[0]
    assert [(one.sentence, one.url) for one in moved.evidence] == [("Checked by phone", "")]
    assert "Checked by phone" in client.get(f"/revisions/{moved.revision_id}").text
    send(client, RECORD, f"/judgements/{last(database).judgement_id}/revoke", back=RECORD)
    assert best(database) == 225


def test_a_past_record_shows_what_people_held_then(client: httpx.Client, database: Database, clock: Clock) -> None:
    made = clock.now
    send(
        client, RECORD, JUDGEMENTS, kind="pin", target=key_text(KILLED), value=227, why="Checked by phone", back=RECORD
    )
    clock.now += timedelta(days=2)
    send(client, RECORD, f"/judgements/{last(database).judgement_id}/revoke", back=RECORD)
    shown = {
        days: client.get(RECORD, params={"metric": "killed", "as_known_at": (made + timedelta(days=days)).isoformat()})
        for days in (-1, 1, 3)
    }
    assert {days: "Checked by phone" in page.text for days, page in shown.items()} == {-1: False, 1: True, 3: False}
    assert '<p class="best">227</p>' in shown[1].text
    assert "taken back" in shown[1].text
    assert "/revoke" not in shown[1].text


def test_a_state_is_held_at_no_number(client: httpx.Client) -> None:
    page = f"/stories/{SLUG}/record?metric=state_of_emergency"
    text = client.get(page).text
    assert 'value="alias"' in text
    assert 'value="pin"' not in text
    assert 'value="add"' not in text
    shown = next(
        one for one in client.get(f"/api/v1/stories/{SLUG}/records").json()["items"] if one["current"]["state"]
    )
    assert (shown["low"], shown["best"], shown["high"]) == (None, None, None)


def test_nobody_less_than_none_is_none(client: httpx.Client, database: Database) -> None:
    send(client, RECORD, JUDGEMENTS, kind="pin", target=key_text(KILLED), value="-0", why="None at all", back=RECORD)
    assert json.loads(last(database).payload) == {"value": 0.0}
    assert "-0" not in last(database).payload


def test_what_is_sent_twice_is_one_judgement_and_taken_back_whole(client: httpx.Client, database: Database) -> None:
    held = {"kind": "pin", "target": key_text(KILLED), "back": RECORD}
    added = {"kind": "add", "target": key_text(KILLED), "value": 229, "origin": "Health Ministry", "why": "Briefing"}
    for fields in (held | {"value": 227, "why": "By phone"}, added):
        for _ in range(2):
            assert send(client, RECORD, JUDGEMENTS, **fields).status_code == 303
    with database.read() as session:
        ruled = [one for one in judgements.list_judgements(session, SLUG) if one.kind is not JudgementKind.ANNOTATE]
    assert [one.kind for one in ruled] == [JudgementKind.PIN, JudgementKind.ADD]
    for one in ruled:
        send(client, RECORD, f"/judgements/{one.judgement_id}/revoke", back=RECORD)
    assert best(database) == 225


def test_another_reason_for_what_stands_is_kept_as_a_note_on_it(client: httpx.Client, database: Database) -> None:
    held = {"kind": "pin", "target": key_text(KILLED), "value": 227, "back": RECORD}
    named = {"kind": "alias", "target": "Ministry of Health", "origin": "Health Ministry", "back": RECORD}
    for fields in (held, named):
        for why in ("By phone", "In writing", "In writing", "By phone"):
            assert send(client, RECORD, JUDGEMENTS, why=why, **fields).status_code == 303
    with database.read() as session:
        found = judgements.list_judgements(session, SLUG)[-4:]
    assert [(one.kind.value, one.why) for one in found] == [
        ("pin", "By phone"), ("annotate", "In writing"), ("alias", "By phone"), ("annotate", "In writing"),
    ]  # fmt: skip
    text = client.get(JUDGEMENTS).text
    assert text.count("In writing") == 2
    assert text.count(">Killed: 227</a>") == 2, "the note says what it is about"
    assert text.count("Ministry of Health speaks for Health Ministry") == 2
    assert "In writing" in client.get(RECORD).text
    send(client, RECORD, f"/judgements/{found[0].judgement_id}/revoke", back=RECORD)
    assert best(database) == 225
    assert "A judgement that was taken back" in client.get(RECORD).text


def test_a_figure_that_was_replaced_by_another_can_be_set_again(
    client: httpx.Client, database: Database, clock: Clock
) -> None:
    for value in (227, 230, 227):
        clock.now += timedelta(minutes=1)
        send(client, RECORD, JUDGEMENTS, kind="pin", target=key_text(KILLED), value=value, why="Checked", back=RECORD)
    assert best(database) == 227


def test_a_merged_record_counts_for_the_other_and_its_page_leads_there(
    client: httpx.Client, database: Database
) -> None:
    page = f"{RECORD}&place=almaty"
    answer = send(
        client,
        page,
        JUDGEMENTS,
        kind="merge",
        target=key_text(IN_ALMATY),
        into=key_text(KILLED),
        why="The same",
        back=page,
    )
    assert answer.headers["location"] == RECORD
    assert client.get(page).status_code == 404
    assert "Killed, Almaty counts for Killed" in client.get(RECORD).text
    send(client, RECORD, f"/judgements/{last(database).judgement_id}/revoke", back=RECORD)
    assert client.get(page).status_code == 200


def test_some_sentences_of_a_record_get_one_of_their_own(client: httpx.Client, database: Database) -> None:
    target = raised(database).evidence[0].claim_id
    assert f'name="claims" value="{target}"' in client.get(RECORD).text
    answer = send(
        client, RECORD, JUDGEMENTS, kind="split", target=key_text(KILLED), claims=[target], metric="=", population="role=attacker",
        place="=", why="Of rioters alone", back=RECORD,
    )  # fmt: skip
    assert answer.headers["location"] == f"{RECORD}&population=role%3Dattacker"
    assert best(database) != 225
    assert best(database, ATTACKERS) == 225
    listed = client.get(JUDGEMENTS).text
    assert "1 sentence of Killed counts for Killed, attackers" in listed
    send(client, JUDGEMENTS, f"/judgements/{last(database).judgement_id}/revoke", back=JUDGEMENTS)
    assert best(database) == 225


def test_a_split_into_another_measure_takes_its_unit(client: httpx.Client, database: Database) -> None:
    target = raised(database).evidence[0].claim_id
    send(
        client, RECORD, JUDGEMENTS, kind="split", target=key_text(KILLED), claims=[target], metric="homes_damaged", population="=", place="=",
        why="Houses", back=RECORD,
    )  # fmt: skip
    assert json.loads(last(database).payload)["into"] == f"{SLUG}/homes_damaged/buildings///"


def test_a_name_speaks_for_an_origin(client: httpx.Client, database: Database) -> None:
    send(
        client,
        RECORD,
        JUDGEMENTS,
        kind="alias",
        target="Rights Watchers",
        origin="Prosecutor General's Office",
        why="Its desk",
    )
    with database.read() as session:
        origins = {one.origin for one in claims.get_history(session, KILLED).positions}
    assert "Rights Watchers" not in origins
    assert "Rights Watchers speaks for Prosecutor General&#39;s Office" in client.get(JUDGEMENTS).text


def test_a_claim_is_added_by_hand(client: httpx.Client, database: Database) -> None:
    fields = {"origin": "Health Ministry", "url": "https://example.org/note", "quote": "By now 231 people have died."}
    send(client, RECORD, JUDGEMENTS, kind="add", target=key_text(KILLED), value=231, why="From the briefing", **fields)
    assert best(database) == 231
    text = client.get(RECORD).text
    assert "From the briefing" in text
    with database.read() as session:
        revision = claims.list_revisions(session, key=KILLED, newest_first=True)[0]
    assert "231 people have died" in client.get(f"/revisions/{revision.revision_id}").text


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"kind": "pin", "target": key_text(KILLED), "value": "-3"}, 422, "no figure"),
        ({"kind": "pin", "target": key_text(KILLED), "value": "inf"}, 422, "no figure"),
        ({"kind": "pin", "target": key_text(KILLED)}, 422, "no figure"),
        ({"kind": "pin", "target": "killed", "value": "3"}, 422, "names no record"),
        ({"kind": "pin", "target": "other/killed", "value": "3"}, 422, "names no record"),
        ({"kind": "pin", "target": f"{SLUG}/nonsense", "value": "3"}, 422, "no measure"),
        (
            {"kind": "add", "target": f"{SLUG}/killed/buildings", "value": "3", "origin": "x"},
            422,
            "not counted in “buildings”",
        ),
        ({"kind": "pin", "target": f"{SLUG}/state_of_emergency", "value": "3"}, 422, "is a state"),
        ({"kind": "add", "target": f"{SLUG}/state_of_emergency", "value": "3", "origin": "x"}, 422, "is a state"),
        ({"kind": "merge", "target": key_text(IN_ALMATY), "into": f"{SLUG}/nonsense"}, 422, "no measure"),
        ({"kind": "merge", "target": key_text(KILLED), "into": key_text(KILLED)}, 422, "choose another one"),
        ({"kind": "split", "target": key_text(KILLED), "population": "role=police"}, 422, "which sentences"),
        (
            {"kind": "split", "target": key_text(KILLED), "population": "role=police", "claims": "c1-none"},
            404,
            "nothing at this address",
        ),
        ({"kind": "split", "target": key_text(KILLED), "metric": "nonsense", "claims": "x"}, 422, "no measure"),
        ({"kind": "split", "target": "killed", "population": "role=police", "claims": "x"}, 422, "names no record"),
        ({"kind": "alias", "target": "a ministry", "origin": "a ministry"}, 422, "two different names"),
        ({"kind": "alias", "target": "a ministry", "origin": "A-Ministry"}, 422, "two different names"),
        ({"kind": "merge", "target": f"{SLUG}/state_of_emergency", "into": key_text(KILLED)}, 422, "never one record"),
        ({"kind": "merge", "target": key_text(KILLED), "into": f"{SLUG}/state_of_emergency"}, 422, "never one record"),
        ({"kind": "reject", "target": "x"}, 400, ""),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    client: httpx.Client, database: Database, fields: dict[str, str], status: int, words: str
) -> None:
    answer = send(client, RECORD, JUDGEMENTS, why="x", **fields)
    assert answer.status_code == status
    assert words in answer.text
    with database.read() as session:
        made = {one.kind for one in judgements.list_judgements(session, SLUG)}
    assert made <= {JudgementKind.ANNOTATE}


def test_a_measure_that_is_none_is_refused(client: httpx.Client, database: Database) -> None:
    revision = raised(database)
    page = f"/revisions/{revision.revision_id}"
    target = revision.evidence[0].claim_id
    for fields in ({"metric": "nonsense"}, {}):
        answer = send(client, page, f"{page}/judgements", kind="rescope", target=target, why="x", **fields)
        assert answer.status_code == 422
    assert best(database) == 225


def test_a_claim_of_a_state_is_counted_as_no_number(client: httpx.Client, database: Database) -> None:
    with database.read() as session:
        state = next(one for one in claims.list_claims(session, SLUG) if one.claim.state is not None)
        told = claims.list_revisions(session, SLUG, metric=state.claim.metric)[0]
    page = f"/revisions/{told.revision_id}"
    target = told.evidence[0].claim_id
    rescoped = send(
        client, page, f"{page}/judgements", kind="rescope", target=target, metric="killed", population="=", place="=", why="x",
    )  # fmt: skip
    split = send(
        client, RECORD, JUDGEMENTS, kind="split", target=key_text(KILLED), claims=[target], metric="=",
        population="role=attacker", place="=", why="x", back=RECORD,
    )  # fmt: skip
    for answer in (rescoped, split):
        assert answer.status_code == 422
        assert "never one record" in answer.text
    assert best(database) == 225


def test_the_past_counts_what_was_moved_to_a_record_from_another_measure(
    client: httpx.Client, database: Database
) -> None:
    revision = raised(database)
    page = f"/revisions/{revision.revision_id}"
    send(
        client, page, f"{page}/judgements", kind="rescope", target=revision.evidence[0].claim_id,
        metric="rescued", population="=", place="=", why="Saved, not dead",
    )  # fmt: skip
    answer = client.get(f"/stories/{SLUG}/record", params={"metric": "rescued", "as_known_at": "2022-02-01T00:00"})
    assert '<p class="best">225</p>' in answer.text


def test_a_reader_sees_judgements_and_no_forms(make_app: MakeApp) -> None:
    options = WebOptions(login_required=True, tokens=(Token(name="r", secret="read", role=Role.READER),))
    with serve(make_app(options)) as base, httpx.Client(base_url=base) as reader:
        reader.headers["Authorization"] = "Bearer read"
        assert reader.get(JUDGEMENTS).status_code == 200
        assert "<details><summary>Hold this record" not in reader.get(RECORD).text
        assert reader.post(JUDGEMENTS, data={"kind": "pin", "why": "x"}).status_code == 403


@pytest.mark.parametrize("why", ["", "   ", "\t\n", "\u2003\u3000"])
def test_a_reason_is_more_than_spaces(client: httpx.Client, database: Database, why: str) -> None:
    revision = raised(database)
    page = f"/revisions/{revision.revision_id}"
    assert send(client, page, f"{page}/judgements", kind="annotate", why=why).status_code == 422
    answer = send(client, RECORD, JUDGEMENTS, kind="pin", target=key_text(KILLED), value="7", why=why)
    assert answer.status_code == 422
    assert best(database) != 7


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "ftp://a.example/", "https://", "a.example"],
)
def test_a_claim_added_by_hand_stands_at_a_web_address_or_none(
    client: httpx.Client, database: Database, url: str
) -> None:
    added = {
        "kind": "add",
        "target": key_text(KILLED),
        "value": "300",
        "origin": "Health Ministry",
        "why": "Told by phone",
    }
    refused = send(client, RECORD, JUDGEMENTS, **added, url=url)
    assert refused.status_code == 422
    assert "is no web address" in refused.text
    assert best(database) != 300
    assert send(client, RECORD, JUDGEMENTS, **added, url="https://a.example/told").status_code == 303
    assert send(client, RECORD, JUDGEMENTS, **added, url="").status_code == 303


@pytest.mark.parametrize("kind", ["pin", "add", "alias"])
def test_what_a_form_says_beside_its_kind_is_not_read(client: httpx.Client, kind: str) -> None:
    target = "Prosecutors" if kind == "alias" else key_text(KILLED)
    fields = {"kind": kind, "target": target, "value": "7", "origin": "Health Ministry", "why": "Told by phone"}
    for into in ("no key", key_text(IN_ALMATY)):
        answer = send(client, RECORD, JUDGEMENTS, **fields, into=into, back=RECORD)
        assert (answer.status_code, answer.headers["location"]) == (303, RECORD), into
