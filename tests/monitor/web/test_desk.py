"""What an editor does on the page: judge, decide matches, approve, drop, replay, silence, add feeds; and the signed links."""

from dataclasses import replace

import httpx
import pytest

from storage import articles, claims, deliveries, feeds, judgements
from storage.database import Database
from storage.records import AlertState, DeliveryState, JudgementKind, MatchState, RecordKey, RevisionKind
from tests.monitor.web import archive
from tests.monitor.web.conftest import LINKS
from tests.monitor.web.forms import send

SLUG = archive.KAZAKHSTAN.slug
KILLED = RecordKey(story=SLUG, metric="killed")


def held_alert(database: Database) -> str:
    with database.read() as session:
        return deliveries.list_alerts(session, states=[AlertState.HELD])[0].alert_id


def test_a_rejected_claim_changes_the_record_and_can_be_taken_back(client: httpx.Client, database: Database) -> None:
    with database.read() as session:
        raised = claims.list_revisions(session, key=KILLED, kinds=[RevisionKind.RAISED], newest_first=True)[0]
    target = raised.evidence[0].claim_id
    page = f"/revisions/{raised.revision_id}"
    answer = send(client, page, f"{page}/judgements", kind="reject", target=target, why="They speak of another year")
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    text = client.get(page).text
    assert "Rejected by a person" in text
    assert "They speak of another year" in text
    with database.read() as session:
        best = claims.get_history(session, KILLED).best
        judged = judgements.list_judgements(session, SLUG, kind=JudgementKind.REJECT)
    assert best != 225
    assert [(one.who, one.target) for one in judged] == [("local", target)]
    send(client, page, f"/judgements/{judged[0].judgement_id}/revoke", back=page)
    with database.read() as session:
        assert claims.get_history(session, KILLED).best == 225


def test_only_a_claim_behind_the_revision_can_be_rejected_there(client: httpx.Client, database: Database) -> None:
    with database.read() as session:
        revision = claims.list_revisions(session, key=KILLED)[0]
    page = f"/revisions/{revision.revision_id}"
    for fields in ({"kind": "reject", "target": "c1:other"}, {"kind": "pin", "target": ""}, {"kind": "reject"}):
        assert send(client, page, f"{page}/judgements", why="x", **fields).status_code == 400
    assert send(client, page, f"{page}/judgements", kind="annotate", why="").status_code == 422


def test_a_note_is_kept_as_text(client: httpx.Client, database: Database) -> None:
    with database.read() as session:
        revision = claims.list_revisions(session, key=KILLED)[0]
    page = f"/revisions/{revision.revision_id}"
    send(client, page, f"{page}/judgements", kind="annotate", why=archive.EVIL)
    text = client.get(page).text
    assert archive.EVIL not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(("verdict", "state"), [("accept", MatchState.ACCEPTED), ("reject", MatchState.REJECTED)])
def test_a_match_is_decided(client: httpx.Client, database: Database, verdict: str, state: MatchState) -> None:
    answer = send(client, "/articles/2", f"/articles/2/matches/{SLUG}", verdict=verdict)
    assert answer.headers["location"] == "/articles/2"
    with database.read() as session:
        assert articles.list_matches(session, 2)[0].state is state
        judged = judgements.list_judgements(session, SLUG)
    assert judged[-1].kind.value == f"{verdict}_match"
    with database.read() as session:
        assert bool(claims.list_claims(session, SLUG, article_id=2)) is (verdict == "accept")
    assert send(client, "/articles/2", "/articles/2/matches/none", verdict=verdict).status_code == 404
    assert send(client, "/articles/2", f"/articles/2/matches/{SLUG}", verdict="maybe").status_code == 400


def test_a_held_alert_is_approved_or_dropped_once(client: httpx.Client, database: Database) -> None:
    alert_id = held_alert(database)
    assert send(client, "/alerts", f"/alerts/{alert_id}/approve").headers["location"] == "/alerts"
    assert "Approved" in client.get("/alerts").text
    with database.read() as session:
        assert deliveries.get_alert(session, alert_id).state is AlertState.PENDING
    other = held_alert(database)
    send(client, "/alerts", f"/alerts/{other}/drop")
    assert "Dropped" in client.get("/alerts").text
    send(client, "/alerts", f"/alerts/{other}/approve")
    told = client.get("/alerts").text
    assert "Approved" not in told, "a dropped alert goes nowhere"
    assert "Somebody dropped it before" in told
    with database.read() as session:
        assert deliveries.get_alert(session, other).state is AlertState.DROPPED
    assert send(client, "/alerts", "/alerts/none/approve").status_code == 404


def test_a_dead_letter_is_sent_again(client: httpx.Client, database: Database) -> None:
    send(client, "/alerts", "/deliveries/d1-dead/replay")
    with database.read() as session:
        again = deliveries.get_delivery(session, "d1-dead")
    assert (again.state, again.attempts, again.due_at) == (DeliveryState.DUE, 0, archive.NOW)
    assert send(client, "/alerts", "/deliveries/d1-0/replay").status_code == 404


def test_a_silence_is_set_and_ended(client: httpx.Client, database: Database) -> None:
    send(client, "/alerts", "/silences", story=SLUG, metric="killed", hours="2", comment="Press conference at noon")
    with database.read() as session:
        silence = next(
            one for one in deliveries.list_silences(session, at=archive.NOW) if one.comment.startswith("Press")
        )
    assert silence.matchers == (("story", SLUG), ("metric", "killed"))
    assert (silence.ends_at - silence.starts_at).total_seconds() == 7200
    send(client, "/alerts", f"/silences/{silence.silence_id}/end")
    assert "Press conference" not in client.get("/alerts").text
    for hours in ("0", "-1", "many", "100000"):
        assert send(client, "/alerts", "/silences", story="*", hours=hours, comment="x").status_code == 422


def test_a_feed_is_added_and_a_wrong_address_explained(client: httpx.Client, database: Database) -> None:
    send(client, "/feeds", "/feeds", url=" https://news.example/rss ", source="News", trust="local", story=SLUG)
    with database.read() as session:
        feed = feeds.get_feed(session, "https://news.example/rss")
        assert feeds.list_feed_stories(session, feed.feed_id) == (SLUG,)
    assert (feed.source, feed.due_at) == ("News", archive.NOW)
    for url in ("javascript:alert(1)", "file:///etc/passwd", "news.example/rss", "https://", ""):
        answer = send(client, "/feeds", "/feeds", url=url)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text


def test_a_signed_link_asks_before_it_acts(client: httpx.Client, database: Database) -> None:
    alert_id = held_alert(database)
    path = LINKS.make_link("approve", alert_id).removeprefix(LINKS.base_url)
    assert "Approve and send" in client.get(path).text
    with database.read() as session:
        assert deliveries.get_alert(session, alert_id).state is AlertState.HELD
    assert "Approved" in client.post(path).text
    with database.read() as session:
        assert deliveries.get_alert(session, alert_id).state is AlertState.PENDING


def test_links_that_silence_and_unsubscribe(client: httpx.Client, database: Database) -> None:
    alert_id = held_alert(database)
    for action, target in (("silence", alert_id), ("unsubscribe", "desk"), ("unsubscribe", "desk|a@example.org")):
        path = LINKS.make_link(action, target).removeprefix(LINKS.base_url)
        assert client.get(path).status_code == 200
        assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    with database.read() as session:
        made = [one for one in deliveries.list_silences(session, at=archive.NOW) if one.who == "link"]
    assert len(made) == 3
    assert {one.matchers for one in made[1:]} == {
        (("subscription", "desk"),),
        (("subscription", "desk"), ("receiver", "a@example.org")),
    }


def test_the_link_of_a_question_drops_what_is_held(client: httpx.Client, database: Database) -> None:
    alert_id = held_alert(database)
    link = f"/act/drop/{alert_id}/{LINKS.sign('drop', alert_id)}"
    assert "Do not send" in client.get(link).text
    assert "told to nobody" in client.post(link).text
    with database.read() as session:
        assert deliveries.get_alert(session, alert_id).state is AlertState.DROPPED
    approve = f"/act/approve/{alert_id}/{LINKS.sign('approve', alert_id)}"
    late = client.post(approve)
    assert late.status_code == 409
    assert "Somebody dropped it before" in late.text
    seen = client.get(approve).text
    assert "Somebody dropped it before" in seen
    assert '<form method="post"><p>' not in seen


def test_do_not_send_comes_too_late_for_what_was_approved(client: httpx.Client, database: Database) -> None:
    alert_id = held_alert(database)
    send(client, "/alerts", f"/alerts/{alert_id}/approve")
    assert "Approved: it goes out" in client.get("/alerts").text
    late = client.post(f"/act/drop/{alert_id}/{LINKS.sign('drop', alert_id)}")
    assert late.status_code == 409
    assert "Somebody approved it before" in late.text
    send(client, "/alerts", f"/alerts/{alert_id}/drop")
    page = client.get("/alerts").text
    assert "Somebody approved it before" in page
    assert "decided by local, <time" in page
    with database.read() as session:
        alert = deliveries.get_alert(session, alert_id)
    assert (alert.state, alert.decided_by) == (AlertState.PENDING, "local")


def test_a_silence_of_what_does_not_exist_is_refused_in_words(client: httpx.Client, database: Database) -> None:
    with database.read() as session:
        before = len(deliveries.list_silences(session))
    for metric, said in (("kiled", "Nothing is called “kiled”; there are"), ("~(a+)+", "Nothing is called “[~](a+)+”")):
        answer = send(client, "/alerts", "/silences", story="*", metric=metric, hours="2", comment="x")
        assert answer.status_code == 422
        assert said in answer.text
    with database.read() as session:
        assert len(deliveries.list_silences(session)) == before


@pytest.mark.parametrize(
    "path", ["/act/approve/a1-0/00000000000000000000000000000000", "/act/burn/a1-0/x", "/act/approve/a1-0/é"]
)
def test_a_link_that_we_did_not_sign_is_nothing(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


def test_what_does_not_fit_on_the_page_is_counted(client: httpx.Client, database: Database) -> None:
    with database.write() as session:
        held = deliveries.list_alerts(session, states=[AlertState.HELD])
        dead = deliveries.list_deliveries(session, states=[DeliveryState.DEAD])
        deliveries.add_alerts(session, [replace(held[0], alert_id=f"x-{n}") for n in range(103 - len(held))])
        deliveries.add_deliveries(session, [replace(dead[0], delivery_id=f"x-{n}") for n in range(102 - len(dead))])
    text = client.get("/alerts").text
    assert '<span class="badge">99+<' in text
    assert "3 more are shown once" in text
    assert "2 more are shown once" in text
