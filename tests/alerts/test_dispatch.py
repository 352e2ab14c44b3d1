"""The dispatcher against a real database, real receivers and a clock that the tests drive."""

import asyncio
import gc
import json
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import text, update

from alerts import desk
from alerts.channels.webhook import WebhookChannel
from alerts.dispatch import Dispatcher, send_test
from alerts.links import LINK
from alerts.sending import flush_outbox
from storage import deliveries, outbox
from storage.errors import DatabaseError, DecidedError, NotFoundError, OvertakenError, RenderError
from storage.records import (
    AlertState,
    DeliveryState,
    Message,
    RevisionKind,
)
from storage.tables import REVISIONS
from tests.support.alerting import NOON, PAST, WITHDRAWN, after, revise, subscribe, write_message
from tests.support.dispatching import House
from tests.support.receiver import Answer

K = RevisionKind


def test_a_revision_reaches_mail_and_webhook(house: House) -> None:
    house.subscriptions = [subscribe(channels=("hook", "editors"))]
    house.commit(WITHDRAWN)
    report = house.dispatch()
    assert (report.made, report.delivered, report.retried, report.dead) == (3, 3, 0, 0)
    assert len(house.hook.calls) == 1
    assert sorted(recipient for mail in house.mail.recipients for recipient in mail) == [
        "a@example.org",
        "b@example.org",
    ]
    mail = house.mail.mails[0]
    assert mail["Subject"] == "Kazakhstan unrest: killed 164 → withdrawn (44)"
    assert any(part.get_content_type() == "image/png" for part in mail.walk())
    assert house.dispatch(after(3600)).delivered == 0


def test_a_replayed_commit_tells_nothing_twice(house: House) -> None:
    house.commit(WITHDRAWN)
    house.dispatch()
    house.commit(WITHDRAWN, now=after(60))
    house.dispatch(after(120))
    assert len(house.hook.calls) == 1


def test_a_failed_delivery_is_tried_again_on_schedule_with_the_same_id(house: House) -> None:
    house.hook.answers = [Answer(status=500), Answer(status=500), Answer()]
    house.commit(WITHDRAWN)
    assert house.dispatch().retried == 1
    assert house.dispatch(after(4.9)).delivered == 0
    assert house.dispatch(after(5.6)).retried == 1
    assert house.dispatch(after(5.6 + 299)).delivered == 0
    assert house.dispatch(after(5.6 + 331)).delivered == 1
    assert len(house.hook.ids()) == 3
    assert len(set(house.hook.ids())) == 1
    assert len({call.body for call in house.hook.calls}) == 1


def test_after_the_last_attempt_it_is_a_dead_letter_that_can_be_replayed(house: House) -> None:
    house.hook.answers = [Answer(status=500, body=b"still broken")]
    house.commit(WITHDRAWN)
    now, attempts = NOON, 0
    while house.deliveries(DeliveryState.DUE) or not attempts:
        house.dispatch(now)
        attempts += 1
        now += timedelta(days=2)
    assert attempts == 10
    (dead,) = house.deliveries(DeliveryState.DEAD)
    assert "still broken" in dead.last_error
    house.hook.answers = [Answer()]
    with house.database.write() as session:
        desk.replay_delivery(session, dead.delivery_id, now=now)
    assert house.dispatch(now).delivered == 1
    assert len(set(house.hook.ids())) == 1


def test_retry_after_is_obeyed(house: House) -> None:
    house.hook.answers = [Answer(status=429, headers={"Retry-After": "600"}), Answer()]
    house.commit(WITHDRAWN)
    house.dispatch()
    assert house.dispatch(after(500)).delivered == 0
    assert house.dispatch(after(601)).delivered == 1


def test_410_ends_a_channel_until_its_address_changes_or_a_person_replays(house: House) -> None:
    house.hook.answers = [Answer(status=410), Answer()]
    house.commit(WITHDRAWN)
    assert house.dispatch().dead == 1
    house.commit(revise("next", metric="injured"), now=after(60))
    house.dispatch(after(60))
    assert len(house.hook.calls) == 1
    dead = house.deliveries(DeliveryState.DEAD)
    assert len(dead) == 2
    assert all("410" in one.last_error for one in dead)
    with house.database.write() as session:
        desk.replay_delivery(session, dead[0].delivery_id, now=after(120))
    assert house.dispatch(after(120)).delivered == 1
    house.specs[0] = replace(house.specs[0], url=house.hook.url + "/new")
    house.commit(revise("third", metric="missing"), now=after(180))
    assert house.dispatch(after(180)).delivered == 1


def test_a_permanent_refusal_is_dead_at_once_and_hurts_nobody_else(house: House) -> None:
    house.subscriptions = [subscribe(channels=("editors",))]
    house.mail.per_recipient = {"a@example.org": "550 no such person"}
    house.commit(WITHDRAWN)
    report = house.dispatch()
    assert (report.delivered, report.dead) == (1, 1)
    assert house.mail.recipients == [["b@example.org"]]
    assert house.dispatch(after(1e6)).delivered == 0


def test_a_newer_revision_takes_the_place_of_one_that_fails_and_says_so(house: House) -> None:
    house.hook.answers = [Answer(status=500), Answer()]
    house.commit(replace(PAST[2], revision_id="up", recorded_at=NOON))
    house.dispatch()
    house.commit(WITHDRAWN, now=after(60))
    report = house.dispatch(after(60))
    assert (report.superseded, report.delivered) == (1, 1)
    told = house.hook.calls[1].body.decode()
    assert "killed 44 → 164 → withdrawn (44)" in told
    assert house.dispatch(after(1e6)).delivered == 0
    assert [one.state for one in house.deliveries()] == [DeliveryState.SUPERSEDED, DeliveryState.DELIVERED]


def test_what_is_not_overtaken_moves_into_the_newer_message(house: House) -> None:
    house.subscriptions = [subscribe(group_by=("story",))]
    house.hook.answers = [Answer(status=500), Answer()]
    house.commit(revise("up"), revise("hurt", metric="injured", before=1, after_=2))
    house.dispatch()
    house.commit(WITHDRAWN, now=after(60))
    house.dispatch(after(60))
    told = house.hook.calls[1].body.decode()
    assert "injured 1 → 2" in told
    assert "44 → 164 → withdrawn (44)" in told


def test_a_hanging_endpoint_delays_nobody_else(house: House) -> None:
    house.subscriptions = [subscribe("one", channels=("other",)), subscribe("two", channels=("hook",))]
    house.other.answers = [Answer(hangs=True)]
    house.commit(*(revise(f"r{index}", place=f"p{index}", metric=f"m{index}") for index in range(20)))

    async def go() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            dispatcher = Dispatcher(
                house.database,
                house.channels(client),
                subscriptions=house.subscriptions,
                clock=lambda: NOON,
                rng=random.Random(7),
                worker="one",
            )
            await dispatcher.tick()
            while len(house.hook.calls) < 20:
                # The other receiver holds its requests until this test ends.
                await asyncio.sleep(0.005)
            assert len(house.other.calls) <= 4
            await dispatcher.drain()
            await dispatcher.aclose()

    house.specs[1] = replace(house.specs[1], timeout=2.0)
    asyncio.run(go())


def test_an_endpoint_that_keeps_failing_is_left_alone_and_its_deliveries_keep_their_attempts(house: House) -> None:
    house.hook.answers = [Answer(status=503)]
    house.specs[0] = replace(house.specs[0], concurrency=1)
    house.commit(*(revise(f"r{index}", metric=f"m{index}") for index in range(10)))
    house.dispatch()
    assert len(house.hook.calls) == 3
    untouched = [one for one in house.deliveries(DeliveryState.DUE) if not one.attempts]
    assert len(untouched) == 7


def test_deliveries_about_one_record_go_one_at_a_time(house: House) -> None:
    house.subscriptions = [subscribe(group_by=("story",))]
    house.hook.answers = [Answer(after_seconds=0.02)]
    for index in range(8):
        house.commit(revise(f"e{index}", K.EDITED, None, None, metric="", article_id=index), now=after(index))
        with house.database.write() as session:
            flush_outbox(session, house.subscriptions, {"hook": ("",)}, now=after(index))
    assert house.dispatch(after(60)).delivered == 8
    assert house.hook.most_at_once == 1
    made = [one.delivery_id for one in house.deliveries()]
    assert house.hook.ids() == made


def test_a_held_alert_goes_only_after_approval(house: House) -> None:
    house.subscriptions = [subscribe(hold=("retracted",))]
    house.commit(WITHDRAWN)
    assert house.dispatch(after(1e6)).made == 0
    with house.database.write() as session:
        (alert,) = deliveries.list_alerts(session)
        assert desk.approve_alert(session, alert.alert_id, now=after(1e6), who="ann").state is AlertState.PENDING
        assert desk.approve_alert(session, alert.alert_id, now=after(1e6), who="ann").state is AlertState.PENDING
    assert house.dispatch(after(1e6)).delivered == 1


def test_what_is_approved_goes_at_once_and_the_others_of_its_group_in_their_time(house: House) -> None:
    house.subscriptions = [
        subscribe(hold=("retracted",), group_by=("story",), group_interval=3600, quiet_hours="22:00-07:00")
    ]
    house.commit(revise("first", metric="injured"), WITHDRAWN)
    assert house.dispatch().delivered == 1
    house.commit(revise("second", metric="missing"), now=after(60))
    with house.database.write() as session:
        (held,) = deliveries.list_alerts(session, states=[AlertState.HELD])
        desk.approve_alert(session, held.alert_id, now=after(120), who="ann", subscriptions=house.subscriptions)
    assert house.dispatch(after(120)).delivered == 1
    assert "164" in house.hook.calls[1].body.decode()
    assert house.dispatch(after(3719)).delivered == 0
    assert house.dispatch(after(3720)).delivered == 1
    # What is approved in quiet hours waits for their end.
    night, morning = after(11 * 3600), after(19 * 3600)
    house.commit(revise("back", K.RETRACTED, 2, 1, metric="injured"), now=night)
    with house.database.write() as session:
        (held,) = deliveries.list_alerts(session, states=[AlertState.HELD])
        desk.approve_alert(session, held.alert_id, now=night, who="ann", subscriptions=house.subscriptions)
    assert house.dispatch(morning - timedelta(seconds=1)).delivered == 0
    assert house.dispatch(morning).delivered == 1


def test_approvers_are_asked_once_and_a_link_lets_it_go(house: House) -> None:
    house.subscriptions = [subscribe(hold=("retracted",), approvers=("editors",))]
    house.commit(WITHDRAWN)
    assert house.dispatch().delivered == 2
    assert not house.hook.calls
    (mail,) = {mail["Subject"] for mail in house.mail.mails}
    assert mail == "To approve: Kazakhstan unrest: killed 164 → withdrawn (44)"
    (question,) = {one.is_question for one in house.deliveries()}
    assert question
    assert house.dispatch(after(1e6)).delivered == 0
    with house.database.write() as session:
        desk.approve_alert(session, deliveries.list_alerts(session)[0].alert_id, now=after(1e6), who="ann")
    assert house.dispatch(after(1e6)).delivered == 1
    assert json.loads(house.hook.calls[0].body)["asks_approval"] is False


def test_a_question_that_was_answered_meanwhile_is_not_asked(house: House) -> None:
    house.subscriptions = [subscribe(hold=("*",), approvers=("other",))]
    house.other.answers = [Answer(status=500), Answer()]
    house.commit(WITHDRAWN)
    assert house.dispatch().retried == 1
    with house.database.write() as session:
        desk.drop_alert(session, deliveries.list_alerts(session)[0].alert_id, now=NOON, who="ann")
    house.dispatch(after(60))
    assert len(house.other.calls) == 1
    assert [one.state for one in house.deliveries()] == [DeliveryState.SUPERSEDED]


def test_a_newer_question_mentions_the_older_one_and_neither_speaks_for_a_message(house: House) -> None:
    house.subscriptions = [subscribe(hold=("retracted",), approvers=("hook",))]
    house.hook.answers = [Answer(status=500), Answer()]
    house.commit(replace(PAST[2], revision_id="up", recorded_at=NOON))
    house.dispatch()
    house.commit(WITHDRAWN, now=after(1))
    assert house.dispatch(after(60)).superseded == 0
    asked, told = (json.loads(call.body) for call in house.hook.calls[1:])
    if not asked["asks_approval"]:
        asked, told = told, asked
    assert [change["kind"] for change in asked["changes"]] == ["retracted"]
    assert [change["kind"] for change in told["changes"]] == ["raised"]
    house.commit(revise("again", K.RETRACTED, 44, 26), now=after(120))
    house.dispatch(after(120))
    path = json.loads(house.hook.calls[3].body)["changes"][0]["path"]
    assert [step["revision_id"] for step in path] == [WITHDRAWN.revision_id, "again"]


def test_two_dispatchers_on_one_database_send_each_delivery_once(house: House) -> None:
    house.hook.answers = [Answer(after_seconds=0.002)]
    house.commit(*(revise(f"r{index}", metric=f"m{index}") for index in range(60)))

    async def go() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            pair = [
                Dispatcher(
                    house.database,
                    house.channels(client),
                    subscriptions=house.subscriptions,
                    clock=lambda: NOON,
                    rng=random.Random(7),
                    worker=worker,
                )
                for worker in ("one", "two")
            ]
            await asyncio.gather(*(one.tick() for one in pair))
            reports = await asyncio.gather(*(one.drain() for one in pair))
            assert sum(report.delivered for report in reports) == 60
            for one in pair:
                await one.aclose()

    asyncio.run(go())
    assert len(house.hook.ids()) == len(set(house.hook.ids())) == 60


REFUSING = {
    True: ["CREATE TRIGGER full BEFORE UPDATE ON deliveries WHEN NEW.state = 'sending' BEGIN SELECT RAISE(ABORT, 'full'); END"],
    False: [
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full'; END $$",
        "CREATE TRIGGER full_disk BEFORE UPDATE ON deliveries FOR EACH ROW WHEN (NEW.state = 'sending') "
        "EXECUTE FUNCTION refuse()",
    ],
}  # fmt: skip


def test_a_store_that_refuses_again_and_again_is_not_remembered_each_time(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="alerts.dispatch")  # else the captured lines remember each
    house.commit(WITHDRAWN)
    with house.database.write() as session:
        for statement in REFUSING[house.database.is_sqlite]:
            session.execute(text(statement))

    async def go() -> list[int]:
        kept = []
        async with httpx.AsyncClient(trust_env=False) as client:
            dispatcher = Dispatcher(
                house.database, house.channels(client), subscriptions=house.subscriptions, clock=lambda: NOON,
                rng=random.Random(7), worker="one",
            )  # fmt: skip
            for _ in range(5):
                await dispatcher.tick()
                while dispatcher._slots:
                    await asyncio.sleep(0)
                gc.collect()
                kept.append(sum(isinstance(one, DatabaseError) for one in gc.get_objects()))
            with pytest.raises(DatabaseError, match="full"):
                await dispatcher.drain()
            await dispatcher.aclose()
            return kept

    kept = asyncio.run(go())
    assert kept[0] > 0
    assert kept[-1] == kept[1]


FULL = {
    True: [
        "CREATE TRIGGER full BEFORE UPDATE ON deliveries WHEN NEW.state = 'delivered' "
        "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    ],
    False: [
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$",
        "CREATE TRIGGER full_disk BEFORE UPDATE ON deliveries FOR EACH ROW WHEN (NEW.state = 'delivered') "
        "EXECUTE FUNCTION refuse()",
    ],
}
ROOM = {True: ["DROP TRIGGER full"], False: ["DROP TRIGGER full_disk ON deliveries"]}


def alter(house: House, statements: dict[bool, list[str]]) -> None:
    """Let the disk be full when it is to be noted that a message arrived, or have room again."""
    with house.database.write() as session:
        for statement in statements[house.database.is_sqlite]:
            session.execute(text(statement))


def with_dispatcher(house: House, go: Callable[[Dispatcher], Awaitable[None]]) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            dispatcher = Dispatcher(
                house.database, house.channels(client), subscriptions=house.subscriptions, clock=lambda: NOON,
                rng=random.Random(7), worker="one",
            )  # fmt: skip
            async with asyncio.timeout(60):
                await go(dispatcher)
            await dispatcher.aclose()

    asyncio.run(run())


def test_what_arrived_while_the_disk_was_full_is_noted_later_and_not_sent_again(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("alerts.dispatch.RECORD_AGAIN", 0.01)
    house.commit(WITHDRAWN)
    alter(house, FULL)

    async def go(dispatcher: Dispatcher) -> None:
        await dispatcher.tick()
        while "is noted later" not in caplog.text:
            await asyncio.sleep(0.01)
        alter(house, ROOM)
        await dispatcher.drain()
        house.commit(revise("r-higher", after_=180))
        await dispatcher.tick()
        await dispatcher.drain()

    with_dispatcher(house, go)
    assert len(house.hook.ids()) == len(set(house.hook.ids())) == 2
    assert [one.state for one in house.deliveries()] == [DeliveryState.DELIVERED] * 2


def test_a_claim_that_the_store_lost_sight_of_is_taken_up_again_before_its_lease_ends(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.dispatch.RECORDING", 0.0)
    house.commit(WITHDRAWN)
    alter(house, FULL)

    async def go(dispatcher: Dispatcher) -> None:
        await dispatcher.tick()
        with pytest.raises(DatabaseError, match="full"):
            await dispatcher.drain()
        alter(house, ROOM)
        await dispatcher.tick()
        await dispatcher.drain()

    with_dispatcher(house, go)
    assert len(set(house.hook.ids())) == 1
    assert [one.state for one in house.deliveries()] == [DeliveryState.DELIVERED]


def test_a_dropped_alert_never_goes(house: House) -> None:
    house.subscriptions = [subscribe(hold=("*",))]
    house.commit(WITHDRAWN)
    with house.database.write() as session:
        (alert,) = deliveries.list_alerts(session)
        desk.drop_alert(session, alert.alert_id, now=NOON, who="ann")
        with pytest.raises(DecidedError, match=r"was dropped by ann on 10 Jan 2022 at 12:00 UTC; that stands"):
            desk.approve_alert(session, alert.alert_id, now=NOON, who="bob")
        again = desk.drop_alert(session, alert.alert_id, now=after(1), who="bob")
        assert (again.decided_by, again.decided_at) == ("ann", NOON)
    assert house.dispatch(after(1e6)).made == 0


def test_a_silence_from_an_alert_mutes_its_record_and_no_other(house: House) -> None:
    house.commit(WITHDRAWN)
    house.dispatch()
    with house.database.write() as session:
        (alert,) = deliveries.list_alerts(session)
        desk.silence_record(session, alert.alert_id, now=after(1))
    house.commit(revise("again", place=""), revise("there", place="almaty"), now=after(60))
    house.dispatch(after(60))
    assert house.alert_states().count(AlertState.SILENCED) == 1
    # The same measure of another unit or time is another record.
    tons, june = revise("tons"), revise("june")
    tons = replace(tons, key=replace(tons.key, unit="tonnes"))
    june = replace(june, key=replace(june.key, period="2022-06"))
    house.commit(tons, june, now=after(120))
    house.dispatch(after(120))
    assert house.alert_states().count(AlertState.SILENCED) == 1
    house.commit(revise("later", before=164, after_=165), now=after(90_000))
    assert house.dispatch(after(90_000)).delivered == 1


def test_who_unsubscribes_is_left_out_and_the_others_are_told(house: House) -> None:
    house.subscriptions = [subscribe(channels=("editors", "hook"))]
    with house.database.write() as session:
        desk.unsubscribe(session, "desk|a@example.org", house.subscriptions, now=NOON, seconds=1e6, who="link")
    house.commit(WITHDRAWN)
    assert house.dispatch(after(1)).delivered == 2
    assert house.mail.recipients == [["b@example.org"]]
    (left_out,) = house.deliveries(DeliveryState.DROPPED)
    assert "silenced for this address" in left_out.last_error
    house.commit(revise("later", metric="injured"), now=after(2e6))
    assert house.dispatch(after(2e6)).delivered == 3


@pytest.mark.parametrize("target", ["nobody", "nobody|a@example.org", "des", "desk2|a@example.org"])
def test_an_unsubscribe_link_that_means_no_subscription_is_refused(house: House, target: str) -> None:
    with house.database.write() as session, pytest.raises(NotFoundError):
        desk.unsubscribe(session, target, house.subscriptions, now=NOON, seconds=60)


def test_a_correction_of_what_was_told_is_told(house: House) -> None:
    house.commit(WITHDRAWN)
    house.dispatch()
    house.commit(revise("sorry", K.CORRECTION, 44, 164, corrects=WITHDRAWN.revision_id), now=after(60))
    assert house.dispatch(after(60)).delivered == 1
    assert "correction" in house.hook.calls[1].body.decode()


def test_a_correction_of_a_correction_reaches_those_who_got_it_and_the_news_all_others(house: House) -> None:
    house.commit(WITHDRAWN)
    house.dispatch()
    sorry = revise("sorry", K.CORRECTION, 44, 164, corrects=WITHDRAWN.revision_id)
    house.commit(sorry, now=after(60))
    house.dispatch(after(60))
    house.subscriptions.append(subscribe("late", channels=("other",)))
    again = revise("again", K.CORRECTION, 164, 44, corrects=sorry.revision_id)
    house.commit(again, revise("retold", WITHDRAWN.kind, 164, 44), now=after(120))
    house.dispatch(after(120))
    assert [b"correction" in call.body for call in house.hook.calls] == [False, True, True]
    assert [b"correction" in call.body for call in house.other.calls] == [False]


def test_a_correction_that_is_corrected_before_anyone_heard_it_goes_silently(house: House) -> None:
    house.subscriptions = [subscribe(group_wait=600)]
    sorry = revise("sorry", K.CORRECTION, 44, 164, corrects=WITHDRAWN.revision_id)
    house.commit(WITHDRAWN)
    house.commit(sorry, now=after(60))
    house.commit(revise("again", K.CORRECTION, 164, 44, corrects=sorry.revision_id), now=after(90))
    assert house.dispatch(after(1000)).delivered == 1
    assert b"correction" not in house.hook.calls[0].body


def test_a_correction_of_what_still_waits_cancels_both(house: House) -> None:
    house.subscriptions = [subscribe(group_wait=600)]
    house.commit(WITHDRAWN)
    house.commit(revise("sorry", K.CORRECTION, 44, 164, corrects=WITHDRAWN.revision_id), now=after(60))
    assert house.dispatch(after(1000)).made == 0
    assert sorted(house.alert_states()) == [AlertState.DROPPED, AlertState.SUPERSEDED]


@pytest.mark.parametrize("grouped", [("story", "metric"), ("record",), ("kind",)])
def test_a_correction_takes_the_place_of_what_it_takes_back(house: House, grouped: tuple[str, ...]) -> None:
    house.subscriptions = [subscribe(group_by=grouped)]
    house.hook.answers = [Answer(status=500), Answer()]
    house.commit(WITHDRAWN)
    assert house.dispatch().retried == 1
    house.commit(revise("sorry", K.CORRECTION, 44, 164, corrects=WITHDRAWN.revision_id), now=after(1))
    report = house.dispatch(after(1))
    assert (report.superseded, report.delivered) == (1, 1)
    # What was taken back never arrives as news behind it.
    assert house.dispatch(after(1e6)).delivered == 0
    assert b"correction" in house.hook.calls[1].body


def test_a_correction_of_what_nobody_was_sent_is_not_told_either(house: House) -> None:
    house.subscriptions = [subscribe(group_by=("story",))]
    house.specs[0] = replace(house.specs[0], concurrency=1)
    house.commit(WITHDRAWN, revise("hurt", metric="injured", before=1, after_=2))
    with house.database.write() as session:
        flush_outbox(session, house.subscriptions, {"hook": ("",)}, now=NOON)
    house.commit(revise("sorry", K.CORRECTION, 44, 164, corrects=WITHDRAWN.revision_id), now=after(1))
    assert house.dispatch(after(1)).delivered == 1
    (told,) = (json.loads(call.body) for call in house.hook.calls)
    assert [change["kind"] for change in told["changes"]] == ["raised"]
    assert "164" not in json.dumps(told["changes"][0]["path"])
    house.commit(revise("wrong", metric="missing"), now=after(60))
    with house.database.write() as session:
        flush_outbox(session, house.subscriptions, {"hook": ("",)}, now=after(60))
    house.commit(revise("back", K.CORRECTION, 164, 44, metric="missing", corrects="wrong"), now=after(61))
    assert house.dispatch(after(1e6)).delivered == 0
    assert not house.deliveries(DeliveryState.DUE, DeliveryState.SENDING)


def test_a_channel_that_the_settings_do_not_name_makes_dead_letters(house: House) -> None:
    house.subscriptions = [subscribe(channels=("elsewhere",))]
    house.commit(WITHDRAWN)
    house.dispatch()
    # A program of newer settings may know it: one is given an hour to start.
    house.dispatch(after(3599))
    assert [one.state for one in house.deliveries()] == [DeliveryState.DUE]
    house.dispatch(after(3600))
    (dead,) = house.deliveries()
    assert dead.state is DeliveryState.DEAD
    assert "elsewhere" in dead.last_error


def test_a_channel_taken_out_of_the_settings_leaves_dead_letters(house: House) -> None:
    house.hook.answers = [Answer(status=500)]
    house.commit(WITHDRAWN)
    house.dispatch()
    house.dispatch(after(3600), names=("other",))
    assert [one.state for one in house.deliveries()] == [DeliveryState.DEAD]


def test_what_a_dead_worker_claimed_is_taken_up_again(house: House) -> None:
    house.commit(WITHDRAWN)
    with house.database.write() as session:
        flush_outbox(session, house.subscriptions, {"hook": ("",)}, now=NOON)
        assert outbox.claim_delivery(session, "hook", now=NOON, worker="gone", lease_seconds=300)
    assert house.dispatch(after(299)).delivered == 0
    assert house.dispatch(after(301)).delivered == 1
    house.commit(revise("next", metric="injured"), now=after(400))
    with house.database.write() as session:
        flush_outbox(session, house.subscriptions, {"hook": ("",)}, now=after(400))
        assert outbox.claim_delivery(session, "hook", now=after(400), worker="one", lease_seconds=300)
    # Under its own name at once.
    assert house.dispatch(after(401)).delivered == 1


def test_how_a_channel_fares_is_kept(house: House) -> None:
    house.hook.answers = [Answer(status=500), Answer()]
    house.commit(WITHDRAWN)
    house.dispatch()
    with house.database.read() as session:
        failing = deliveries.find_channel_health(session, "hook")
    assert failing is not None
    assert (failing.failures, failing.failing_since) == (1, NOON)
    house.dispatch(after(10))
    with house.database.read() as session:
        working = deliveries.find_channel_health(session, "hook")
    assert working is not None
    assert (working.failures, working.failing_since, working.last_success_at) == (0, None, after(10))


def test_the_loop_runs_until_it_is_told_to_stop(house: House) -> None:
    async def go() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            dispatcher = Dispatcher(
                house.database,
                house.channels(client),
                subscriptions=house.subscriptions,
                clock=lambda: NOON,
                rng=random.Random(7),
                worker="one",
            )
            stop = asyncio.Event()
            loop = asyncio.create_task(dispatcher.run(stop))
            await asyncio.to_thread(house.commit, WITHDRAWN)
            dispatcher.wake()
            while not house.hook.calls:
                await asyncio.sleep(0.005)
            stop.set()
            await asyncio.wait_for(loop, 10)

    asyncio.run(go())
    assert [one.state for one in house.deliveries()] == [DeliveryState.DELIVERED]


def test_a_test_message_says_so(house: House) -> None:
    async def go() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            for channel in house.channels(client).values():
                for receiver in channel.receivers:
                    await send_test(
                        channel, subscription=house.subscriptions[0], message_id="d1-test", now=NOON, receiver=receiver
                    )

    asyncio.run(go())
    assert "test" in house.hook.calls[0].body.decode()
    assert [mail["Subject"] for mail in house.mail.mails] == ["Storywatch: a test message"] * 2


def test_a_retry_after_beyond_all_reason_is_none(house: House) -> None:
    nonsense = "Sat, 28 Nov 2026 25:61:61 +99999999999999"
    house.hook.answers = [Answer(status=503, headers={"Retry-After": nonsense}), Answer()]
    house.commit(WITHDRAWN)
    house.dispatch()
    (waiting,) = house.deliveries(DeliveryState.DUE)
    assert "503" in waiting.last_error


def test_a_message_that_cannot_be_written_is_a_dead_letter_and_says_nothing_of_the_endpoint(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    # A language without words stands for a bug in a template: both are found as the message is written.
    house.subscriptions = [subscribe("wrong", lang="xx"), subscribe("right")]
    house.specs[0] = replace(house.specs[0], concurrency=1)
    house.commit(*(revise(f"r{index}", metric=f"m{index}") for index in range(5)))
    report = house.dispatch()
    assert (report.delivered, report.dead) == (5, 5)
    dead = house.deliveries(DeliveryState.DEAD)
    assert {(one.subscription, one.attempts) for one in dead} == {("wrong", 1)}
    assert all("could not be written (SettingsError: " in one.last_error for one in dead)
    assert "could not be written" in caplog.text
    assert "channel hook" not in caplog.text
    with house.database.read() as session:
        health = deliveries.find_channel_health(session, "hook")
    assert health is not None
    assert (health.failures, health.last_error) == (0, "")


def test_a_body_that_cannot_be_written_is_a_dead_letter_too(house: House) -> None:
    def fail(message: Message) -> str:
        raise KeyError("tone")

    async def go() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            channel = WebhookChannel(house.specs[0], client, write_body=fail)
            with pytest.raises(RenderError, match="KeyError") as caught:
                await channel.send(write_message(), delivery_id="d1-x", now=NOON)
            assert caught.value.permanent

    asyncio.run(go())


def test_a_delivery_that_cannot_be_read_does_not_hold_up_the_next(house: House) -> None:
    house.hook.answers = [Answer(status=500), Answer()]
    house.commit(WITHDRAWN)
    house.dispatch()
    with house.database.write() as session:
        session.execute(update(REVISIONS).where(REVISIONS.c.revision_id == WITHDRAWN.revision_id).values(payload="[]"))
    house.commit(revise("next", metric="injured"), now=after(60))
    report = house.dispatch(after(60))
    assert report.delivered == 1
    (dead,) = house.deliveries(DeliveryState.DEAD)
    assert "cannot be read" in dead.last_error


def test_a_waiting_revision_that_cannot_be_read_is_set_aside_and_holds_up_nothing(house: House) -> None:
    house.subscriptions = [subscribe(repeat_interval=60, kinds=("*",))]
    contested = revise("open", K.CONTESTED, metric="missing")
    house.commit(contested)
    assert house.dispatch().delivered == 1
    house.commit(WITHDRAWN, now=after(60))
    with house.database.write() as session:
        broken = REVISIONS.c.revision_id.in_([WITHDRAWN.revision_id, "open"])
        session.execute(update(REVISIONS).where(broken).values(payload="[]"))
    house.commit(revise("next", metric="injured"), now=after(60))
    assert house.dispatch(after(120)).delivered == 1
    with house.database.read() as session:
        told = {one.revision_id: (one.state, one.reason) for one in deliveries.list_alerts(session)}
    assert told[WITHDRAWN.revision_id] == (AlertState.DROPPED, "revision_unreadable")


def test_the_service_goes_on_telling_after_what_nobody_foresaw(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.commit(WITHDRAWN)
    strange = iter([OverflowError("a clock that is broken")])

    def clock() -> datetime:
        for error in strange:
            raise error
        return NOON

    async def go() -> None:
        stop = asyncio.Event()
        async with httpx.AsyncClient(trust_env=False) as client:
            dispatcher = Dispatcher(
                house.database,
                house.channels(client),
                subscriptions=house.subscriptions,
                clock=clock,
                rng=random.Random(7),
                worker="one",
            )
            running = asyncio.create_task(dispatcher.run(stop))
            while not house.hook.calls and not running.done():
                await asyncio.sleep(0.005)
                dispatcher.wake()
            stop.set()
            await running

    asyncio.run(go())
    assert len(house.hook.calls) == 1
    assert "a clock that is broken" in caplog.text


def test_a_held_alert_that_is_approved_joins_the_next_digest_and_sends_none_early(house: House) -> None:
    house.subscriptions = [subscribe(hold=("retracted",), digest="daily 08:00")]
    house.commit(WITHDRAWN)
    assert house.dispatch(after(86_400)).made == 0
    house.commit(revise("other", metric="injured"), now=after(86_400))
    with house.database.write() as session:
        (held,) = deliveries.list_alerts(session, states=[AlertState.HELD])
        approved = desk.approve_alert(
            session, held.alert_id, now=after(86_460), who="ann", subscriptions=house.subscriptions
        )
    morning = after(86_400 + 20 * 3_600)
    assert approved.due_at == morning
    assert house.dispatch(after(86_470)).made == 0
    assert house.dispatch(morning - timedelta(seconds=1)).made == 0
    assert house.dispatch(morning).delivered == 1
    (told,) = (json.loads(call.body) for call in house.hook.calls)
    assert [change["kind"] for change in told["changes"]] == ["retracted", "raised"]


def test_what_was_approved_cannot_be_dropped_before_nor_after_it_went(house: House) -> None:
    house.subscriptions = [subscribe(hold=("*",), digest="daily 08:00")]
    house.commit(WITHDRAWN)
    with house.database.write() as session:
        (alert,) = deliveries.list_alerts(session)
        desk.approve_alert(session, alert.alert_id, now=after(60), who="ann", subscriptions=house.subscriptions)
        with pytest.raises(DecidedError, match="was approved by ann on 10 Jan 2022 at 12:01 UTC; that stands"):
            desk.drop_alert(session, alert.alert_id, now=after(120), who="bob")
    assert house.dispatch(after(86_400)).delivered == 1
    with house.database.write() as session:
        with pytest.raises(DecidedError, match="and handed over; silence its record"):
            desk.drop_alert(session, alert.alert_id, now=after(90_000), who="bob")
        # The same decision again is no second one.
        again = desk.approve_alert(session, alert.alert_id, now=after(90_000), who="bob")
    assert (again.state, again.decided_by) == (AlertState.RELEASED, "ann")


def test_what_was_never_held_can_be_dropped_while_it_waits_and_needs_no_approval(house: House) -> None:
    house.subscriptions = [subscribe(group_wait=600)]
    house.commit(WITHDRAWN)
    with house.database.write() as session:
        (alert,) = deliveries.list_alerts(session)
        with pytest.raises(DecidedError, match="was never held"):
            desk.approve_alert(session, alert.alert_id, now=NOON, who="ann")
        assert desk.drop_alert(session, alert.alert_id, now=NOON, who="ann").state is AlertState.DROPPED
    assert house.dispatch(after(1e6)).made == 0


def test_a_link_followed_again_makes_no_second_silence(house: House) -> None:
    house.commit(WITHDRAWN)
    with house.database.write() as session:
        (alert,) = deliveries.list_alerts(session)
        for seconds in (0, 60):
            for target in ("desk", "desk|a@example.org"):
                desk.unsubscribe(session, target, house.subscriptions, now=after(seconds), seconds=1e9, who=LINK)
            desk.silence_record(session, alert.alert_id, now=after(seconds), who=LINK)
        made = deliveries.list_silences(session)
    assert len(made) == 3
    assert sorted(one.ends_at for one in made) == [after(60 + desk.SILENCE_SECONDS), after(1e9), after(1e9)]
    with house.database.write() as session:
        for silence in made:
            deliveries.end_silence(session, silence.silence_id, now=after(100))
        # Ended by an editor, then asked for anew.
        desk.unsubscribe(session, "desk", house.subscriptions, now=after(200), seconds=1e9, who=LINK)
        assert len(deliveries.list_silences(session, at=after(200))) == 1


def test_of_two_names_the_longer_is_unsubscribed(house: House) -> None:
    both = [subscribe("desk"), subscribe("desk|night")]
    with house.database.write() as session:
        silence = desk.unsubscribe(session, "desk|night|a@example.org", both, now=NOON, seconds=60)
    assert silence.matchers == (("subscription", "desk|night"), ("receiver", "a@example.org"))


def test_each_address_has_an_account_of_what_became_of_a_revision(house: House) -> None:
    house.subscriptions = [subscribe(channels=("hook", "other", "editors")), subscribe("deaf", kinds=("first",))]
    house.other.answers = [Answer(status=500, body=b"down for repair"), Answer()]
    house.mail.per_recipient = {"b@example.org": "550 no such person"}
    with house.database.write() as session:
        desk.unsubscribe(session, "desk|a@example.org", house.subscriptions, now=NOON, seconds=1e6, who=LINK)
    house.commit(WITHDRAWN)
    assert house.accounts(WITHDRAWN)["desk"][0] == "waits"
    house.dispatch()
    accounts = house.accounts(WITHDRAWN)
    assert accounts["desk hook"] == ("yes", "told on 10 Jan 2022, 12:00 UTC")
    assert accounts["desk other"][0] == "waits"
    assert "down for repair; due again 10 Jan 2022, 12:00 UTC" in accounts["desk other"][1]
    assert accounts["desk editors a@example.org"] == ("no", "unsubscribed by a link on 10 Jan 2022, 12:00 UTC")
    assert accounts["desk editors b@example.org"][0] == "no"
    assert accounts["desk editors b@example.org"][1].startswith("given up after 1 attempts: 127.0.0.1:")
    assert accounts["deaf"][0] == "no"
    (dead,) = house.deliveries(DeliveryState.DEAD)
    with house.database.write() as session:
        desk.drop_delivery(session, dead.delivery_id, who="ann")
        with pytest.raises(NotFoundError, match="is dropped; only dead ones are dropped"):
            desk.drop_delivery(session, dead.delivery_id, who="bob")
    assert "thrown away: dropped by ann; 127.0.0.1:" in house.accounts(WITHDRAWN)["desk editors b@example.org"][1]


def test_what_a_newer_message_mentions_was_told_within_it(house: House) -> None:
    up = replace(PAST[2], revision_id="up", recorded_at=NOON)
    house.subscriptions = [subscribe(channels=("hook", "other"))]
    house.hook.answers = [Answer(status=500), Answer()]
    house.commit(up)
    house.dispatch()
    house.commit(WITHDRAWN, now=after(60))
    house.dispatch(after(60))
    assert house.accounts(up) == {
        "desk hook": ("yes", "told on 10 Jan 2022, 12:01 UTC, within a message about a newer change"),
        "desk other": ("yes", "told on 10 Jan 2022, 12:00 UTC"),
    }
    # Overtaken before it was handed over at all.
    first, second = revise("one", metric="injured"), revise("two", metric="injured", before=164, after_=170)
    house.commit(first, second, now=after(120))
    house.dispatch(after(120))
    assert {told for told, _ in house.accounts(first).values()} == {"yes"}
    assert "within a message" in house.accounts(first)["desk hook"][1]


def test_what_waits_for_a_person_or_was_decided_says_so(house: House) -> None:
    house.subscriptions = [subscribe(hold=("retracted",), digest="daily 08:00", approvers=("other",))]
    house.commit(WITHDRAWN)
    house.dispatch(after(60))
    assert house.accounts(WITHDRAWN)["desk"] == (
        "waits", "it waits for a person's approval, asked for on 10 Jan 2022, 12:01 UTC",
    )  # fmt: skip
    with house.database.write() as session:
        (alert,) = deliveries.list_alerts(session)
        desk.approve_alert(session, alert.alert_id, now=after(120), who="ann", subscriptions=house.subscriptions)
    waits, words = house.accounts(WITHDRAWN)["desk"]
    assert waits == "waits"
    assert words.startswith("ann approved it on 10 Jan 2022, 12:02 UTC")
    assert words.endswith("due 11 Jan 2022, 08:00 UTC")
    other = revise("other", metric="injured")
    house.commit(other, now=after(180))
    with house.database.write() as session:
        (alert,) = deliveries.list_alerts(session, revision_ids=["other"])
        desk.drop_alert(session, alert.alert_id, now=after(180), who="bob")
    assert house.accounts(other)["desk"] == ("no", "bob dropped it on 10 Jan 2022, 12:03 UTC")


def test_a_silence_and_a_correction_before_anybody_was_told_say_so(house: House) -> None:
    with house.database.write() as session:
        desk.add_silence(session, [("metric", "killed")], now=NOON, seconds=3600, who="ann", comment="noise")
    house.commit(WITHDRAWN)
    house.dispatch()
    assert house.accounts(WITHDRAWN)["desk"] == (
        "no", "silenced by ann from 10 Jan 2022, 12:00 UTC to 10 Jan 2022, 13:00 UTC (noise)",
    )  # fmt: skip
    house.subscriptions = [subscribe(group_wait=600)]
    wrong = revise("wrong", metric="injured")
    house.commit(wrong, now=after(60))
    house.commit(revise("sorry", K.CORRECTION, 44, 164, metric="injured", corrects="wrong"), now=after(90))
    house.dispatch(after(1000))
    assert house.accounts(wrong)["desk"] == ("no", "it was taken back before anybody was told")


def test_a_silence_that_leaves_a_receiver_out_mutes_all_others_and_no_webhook(house: House) -> None:
    house.subscriptions = [subscribe(channels=("editors", "hook"))]
    with house.database.write() as session:
        desk.add_silence(session, [("receiver!", "a@example.org")], now=NOON, seconds=3600, who="ann")
    house.commit(WITHDRAWN)
    assert house.dispatch().delivered == 2
    assert house.mail.recipients == [["a@example.org"]]
    assert len(house.hook.calls) == 1


def test_a_delivery_that_ends_its_dispatcher_each_time_is_given_up_and_the_next_goes(house: House) -> None:
    house.commit(WITHDRAWN, revise("next", metric="injured"), now=NOON)
    with house.database.write() as session:
        flush_outbox(session, house.subscriptions, {"hook": ("",)}, now=NOON)
        fatal = outbox.claim_delivery(session, "hook", now=NOON, worker="gone", lease_seconds=1)
        assert fatal is not None
        taken = replace(fatal, state=DeliveryState.SENDING, attempts=19, claimed_by="gone", claimed_until=NOON)
        outbox.update_deliveries(session, [taken])
    assert house.dispatch(after(60)).delivered == 1
    (dead,) = house.deliveries(DeliveryState.DEAD)
    assert dead.delivery_id == fatal.delivery_id
    assert "taken up 19 times" in dead.last_error


def test_a_dead_letter_is_not_sent_after_newer_news_of_the_same(house: House) -> None:
    up = replace(PAST[2], revision_id="up", recorded_at=NOON)
    house.commit(up)
    for seconds in (0, 3600):
        house.dispatch(after(seconds), names=["other"])  # its channel was taken out of the settings for a while
    (dead,) = house.deliveries(DeliveryState.DEAD)
    house.commit(WITHDRAWN, now=after(3660))
    assert house.dispatch(after(3660)).delivered == 1
    with house.database.write() as session:
        with pytest.raises(OvertakenError, match="told newer things of the same since"):
            desk.replay_delivery(session, dead.delivery_id, now=after(3720))
        assert desk.replay_delivery(session, dead.delivery_id, now=after(3720), anyway=True).state is DeliveryState.DUE
    assert house.dispatch(after(3720)).delivered == 1


def test_a_dead_letter_that_is_replayed_gives_way_to_a_newer_one_that_waits(house: House) -> None:
    up = replace(PAST[2], revision_id="up", recorded_at=NOON)
    house.commit(up)
    for seconds in (0, 3600):
        house.dispatch(after(seconds), names=["other"])
    (dead,) = house.deliveries(DeliveryState.DEAD)
    house.commit(WITHDRAWN, now=after(3660))
    with house.database.write() as session:
        flush_outbox(session, house.subscriptions, {"hook": ("",)}, now=after(3660))
        again = desk.replay_delivery(session, dead.delivery_id, now=after(3661))
    assert again.state is DeliveryState.SUPERSEDED
    assert house.dispatch(after(3662)).delivered == 1
    assert "44 → 164 → withdrawn (44)" in house.hook.calls[0].body.decode()
    assert house.accounts(up)["desk hook"][0] == "yes"
