"""Who hears what, and when: corrections, reminders, silences and quiet hours after an alert was handed over."""

import asyncio
import gzip
import json
import random
from dataclasses import replace

import httpx
import pytest

from alerts import desk
from alerts.dispatch import Dispatcher
from alerts.sending import flush_outbox
from storage import deliveries, outbox, stories
from storage.errors import OvertakenError
from storage.records import AlertState, DeliveryState, RevisionKind, StoryState
from tests.support.alerting import ALL_KINDS, NOON, PAST, STORY, WITHDRAWN, after, revise, subscribe
from tests.support.dispatching import House
from tests.support.receiver import Answer

K = RevisionKind
SORRY = revise("sorry", K.CORRECTION, 44, 164, corrects=WITHDRAWN.revision_id)


def test_the_correction_of_a_figure_shown_within_another_message_is_told(house: House) -> None:
    house.subscriptions = [subscribe(kinds=ALL_KINDS, group_wait=30)]
    house.commit(revise("up"), revise("sharper", K.REFINED, 164, 167))
    assert house.dispatch(after(30)).delivered == 1
    house.commit(revise("back", K.CORRECTION, 167, 164, corrects="sharper"), now=after(60))
    assert house.dispatch(after(90)).delivered == 1
    assert [b"correction" in call.body for call in house.hook.calls] == [False, True]


def test_nobody_hears_the_correction_of_what_a_person_dropped_while_it_waited(house: House) -> None:
    house.subscriptions = [subscribe(hold=("retracted",), group_wait=600)]
    house.commit(WITHDRAWN)
    house.commit(SORRY, now=after(60))
    with house.database.write() as session:
        (held,) = deliveries.list_alerts(session, states=[AlertState.HELD])
        desk.drop_alert(session, held.alert_id, now=after(90), who="ann")
    assert house.dispatch(after(1000)).made == 0
    assert house.accounts(SORRY)["desk"] == ("no", "it takes back something that this subscription was never told")


def test_a_correction_of_what_was_dropped_and_its_own_correction_are_not_told_either(house: House) -> None:
    house.subscriptions = [subscribe(group_wait=600)]
    house.commit(WITHDRAWN)
    house.commit(SORRY, now=after(60))
    house.commit(revise("again", K.CORRECTION, 164, 44, corrects=SORRY.revision_id), now=after(70))
    with house.database.write() as session:
        (first,) = deliveries.list_alerts(session, revision_ids=[WITHDRAWN.revision_id])
        desk.drop_alert(session, first.alert_id, now=after(90), who="ann")
    assert house.dispatch(after(1000)).made == 0


def test_a_correction_goes_to_the_addresses_that_were_told_alone(house: House) -> None:
    house.subscriptions = [subscribe(channels=("editors", "hook"))]
    house.mail.per_recipient = {"b@example.org": "550 no such person"}
    with house.database.write() as session:
        gone = desk.unsubscribe(session, "desk|a@example.org", house.subscriptions, now=NOON, seconds=1e6)
    house.commit(WITHDRAWN)
    assert house.dispatch().delivered == 1
    (dead,) = house.deliveries(DeliveryState.DEAD)
    house.mail.per_recipient = {}
    with house.database.write() as session:
        deliveries.end_silence(session, gone.silence_id, now=after(10))
        desk.drop_delivery(session, dead.delivery_id, who="ann")
    house.commit(SORRY, now=after(60))
    assert house.dispatch(after(60)).delivered == 1
    assert not house.mail.mails
    assert b"correction" in house.hook.calls[1].body
    untold = ("no", "it takes back something that this address was never told")
    assert house.accounts(SORRY)["desk editors a@example.org"] == untold
    assert house.accounts(SORRY)["desk editors b@example.org"] == untold


def test_a_correction_goes_to_the_new_addresses_of_those_who_were_told(house: House) -> None:
    house.commit(WITHDRAWN)
    house.dispatch()
    house.subscriptions = [subscribe(channels=("other",))]
    house.commit(SORRY, now=after(60))
    assert house.dispatch(after(60)).delivered == 1


def test_quiet_hours_hold_for_another_attempt_too(house: House) -> None:
    house.subscriptions = [subscribe(quiet_hours="12:01-18:00"), subscribe("awake", metrics=("injured",))]
    house.hook.answers = [Answer(status=500), Answer(status=500), Answer()]
    house.commit(WITHDRAWN)
    house.dispatch()
    assert house.dispatch(after(6)).retried == 1
    assert house.accounts(WITHDRAWN)["desk hook"][1].endswith("due again 10 Jan 2022, 18:00 UTC")
    house.commit(revise("hurt", metric="injured"), now=after(400))
    # Nobody else waits for the end of them.
    assert house.dispatch(after(400)).delivered == 1
    assert house.dispatch(after(6 * 3600 - 1)).delivered == 0
    assert house.dispatch(after(6 * 3600)).delivered == 2


def test_the_first_reminder_after_a_silence_comes_in_its_time(house: House) -> None:
    house.subscriptions = [subscribe(repeat_interval=3600)]
    house.commit(revise("open", K.CONTESTED))
    house.dispatch()
    with house.database.write() as session:
        desk.add_silence(session, [("metric", "killed")], now=after(60), seconds=37_740)
    for hour in range(1, 11):
        assert house.dispatch(after(3600 * hour)).made == 0
    assert house.dispatch(after(37_801)).made == 0
    assert house.dispatch(after(3600 * 11)).delivered == 1


def test_a_story_that_was_closed_reminds_nobody(house: House) -> None:
    house.subscriptions = [subscribe(repeat_interval=3600)]
    house.commit(revise("open", K.CONTESTED))
    house.dispatch()
    with house.database.write() as session:
        stories.set_story_state(session, STORY.slug, StoryState.CLOSED, now=after(60))
    assert house.dispatch(after(3600)).made == 0


def test_nobody_is_reminded_of_what_has_not_reached_them(house: House) -> None:
    house.subscriptions = [subscribe(repeat_interval=60, channels=("hook", "other"))]
    house.hook.answers = [Answer(status=500), Answer(status=500), Answer()]
    house.commit(revise("open", K.CONTESTED))
    house.dispatch()
    house.dispatch(after(6))
    assert house.dispatch(after(61)).delivered == 1
    assert (len(house.hook.calls), len(house.other.calls)) == (2, 2)
    assert json.loads(house.other.calls[1].body)["repeat"] == 1


def test_an_edit_of_an_article_settles_no_dispute(house: House) -> None:
    house.subscriptions = [subscribe(repeat_interval=3600, kinds=("contested",))]
    house.commit(revise("open", K.CONTESTED))
    house.dispatch()
    house.commit(
        revise("edit", K.EDITED, None, None, article_id=1),
        revise("past", K.BACKFILLED, None, 12),
        revise("sharper", K.REFINED, 44, 45),
        now=after(60),
    )
    assert house.dispatch(after(3600)).delivered == 1
    house.commit(revise("done", K.RESOLVED), now=after(3700))
    assert house.dispatch(after(7200)).made == 0


def test_a_silence_made_after_an_attempt_keeps_back_the_next(house: House) -> None:
    house.hook.answers = [Answer(status=500), Answer()]
    house.commit(WITHDRAWN)
    assert house.dispatch().retried == 1
    with house.database.write() as session:
        (alert,) = deliveries.list_alerts(session)
        desk.silence_record(session, alert.alert_id, now=after(1), who="ann")
    house.dispatch(after(6))
    assert len(house.hook.calls) == 1
    assert house.accounts(WITHDRAWN)["desk hook"][0] == "no"
    assert house.accounts(WITHDRAWN)["desk hook"][1].startswith("silenced by ann from 10 Jan 2022, 12:00 UTC")
    # Nobody was told, so nobody hears of its correction either.
    house.commit(SORRY, now=after(90_000))
    assert house.dispatch(after(90_000)).made == 0


def test_of_a_message_what_was_silenced_since_is_left_out(house: House) -> None:
    house.subscriptions = [subscribe(group_by=("story",))]
    house.hook.answers = [Answer(status=500), Answer()]
    hurt = revise("hurt", metric="injured", before=1, after_=2)
    house.commit(WITHDRAWN, hurt)
    assert house.dispatch().retried == 1
    with house.database.write() as session:
        desk.add_silence(session, [("metric", "killed")], now=after(1), seconds=600, who="ann")
    assert house.dispatch(after(6)).delivered == 1
    told = [json.loads(call.body)["changes"] for call in house.hook.calls]
    assert [[change["kind"] for change in changes] for changes in told] == [["retracted", "raised"], ["raised"]]
    # Other words, another id: a receiver that got the first takes the second for a repeat otherwise.
    assert len(set(house.hook.ids())) == 2
    assert house.accounts(WITHDRAWN)["desk hook"][1].startswith("silenced by ann")
    assert house.accounts(hurt)["desk hook"][0] == "yes"


def test_alerts_of_a_new_subscription_outlive_a_program_of_older_settings(house: House) -> None:
    new, old = [subscribe("desk"), subscribe("new")], [subscribe("desk")]
    house.subscriptions = new
    house.commit(WITHDRAWN)
    house.subscriptions = old
    assert house.dispatch().delivered == 1
    with house.database.write() as session:
        flush_outbox(session, new, {"hook": ("",)}, now=after(1))
    # Nor does it send, in words of its own, what the newer one has made.
    assert house.dispatch(after(2)).delivered == 0
    house.subscriptions = new
    assert house.dispatch(after(3)).delivered == 1
    assert house.dispatch(after(9000)).made == 0


def test_what_is_for_a_subscription_that_is_gone_goes_out_after_an_hour(house: House) -> None:
    house.commit(WITHDRAWN)
    with house.database.write() as session:
        flush_outbox(session, house.subscriptions, {"hook": ("",)}, now=NOON)
    house.subscriptions = []
    assert house.dispatch(after(3599)).delivered == 0
    assert house.dispatch(after(3600)).delivered == 1


def test_a_refinement_does_not_speak_for_the_change_that_it_overtakes(house: House) -> None:
    house.subscriptions = [subscribe(kinds=ALL_KINDS)]
    house.hook.answers = [Answer(status=500), Answer()]
    up, sharper = revise("up"), revise("sharper", K.REFINED, 164, 167, when=after(60))
    house.commit(up)
    assert house.dispatch().retried == 1
    house.commit(sharper, now=after(1))
    report = house.dispatch(after(1))
    assert (report.superseded, report.delivered) == (1, 1)
    (told,) = json.loads(house.hook.calls[1].body)["changes"]
    assert told["kind"] == "raised"
    assert [step["revision_id"] for step in told["path"]] == ["up", "sharper"]
    assert house.accounts(up)["desk hook"][0] == house.accounts(sharper)["desk hook"][0] == "yes"


def test_a_dead_letter_is_not_replayed_behind_newer_news_that_was_tried(house: House) -> None:
    house.commit(replace(PAST[2], revision_id="up", recorded_at=NOON))
    for seconds in (0, 3600):
        house.dispatch(after(seconds), names=["other"])
    (dead,) = house.deliveries(DeliveryState.DEAD)
    house.hook.answers = [Answer(status=500), Answer()]
    house.commit(WITHDRAWN, now=after(3660))
    assert house.dispatch(after(3660)).retried == 1
    with house.database.write() as session, pytest.raises(OvertakenError, match="is about to be told newer things"):
        desk.replay_delivery(session, dead.delivery_id, now=after(3661))
    assert house.dispatch(after(3670)).delivered == 1


def test_a_dead_letter_that_was_taken_back_since_is_not_replayed(house: House) -> None:
    house.commit(WITHDRAWN)
    for seconds in (0, 3600):
        house.dispatch(after(seconds), names=["other"])
    (dead,) = house.deliveries(DeliveryState.DEAD)
    house.commit(SORRY, now=after(3660))
    with house.database.write() as session:
        with pytest.raises(OvertakenError, match="was taken back since"):
            desk.replay_delivery(session, dead.delivery_id, now=after(3700))
        assert desk.replay_delivery(session, dead.delivery_id, now=after(3700), anyway=True).state is DeliveryState.DUE


def test_a_receiver_that_needs_a_login_gets_its_mail_once_it_has_one(house: House) -> None:
    house.subscriptions = [subscribe(channels=("editors",))]
    house.mail.per_recipient = dict.fromkeys(("a@example.org", "b@example.org"), "530 authentication required")
    house.commit(WITHDRAWN)
    report = house.dispatch()
    assert (report.retried, report.dead) == (2, 0)


@pytest.mark.parametrize(
    ("body", "coding", "noted"),
    [
        (gzip.compress(b"accepted, thank you"), "gzip", "200 accepted, thank you"),
        (gzip.compress(b"accepted" * 100_000)[:50], "gzip", "200 acceptedaccepted"),
        (b"\x00\x01nonsense", "gzip", "200 (10 bytes, gzip)"),
        (b"\x8b\x05", "br", "200 (2 bytes, br)"),
    ],
)
def test_an_answer_that_comes_packed_is_kept_in_words(house: House, body: bytes, coding: str, noted: str) -> None:
    house.hook.answers = [Answer(body=body, headers={"Content-Encoding": coding})]
    house.commit(WITHDRAWN)
    assert house.dispatch().delivered == 1
    assert house.deliveries()[0].last_response.startswith(noted)


def test_an_endpoint_that_asks_for_an_hour_is_given_one(house: House) -> None:
    house.specs[0] = replace(house.specs[0], concurrency=1)
    house.hook.answers = [Answer(status=429, headers={"Retry-After": "3600"}), Answer()]
    house.commit(WITHDRAWN, revise("hurt", metric="injured"))

    async def go() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            now = [NOON]
            dispatcher = Dispatcher(
                house.database,
                house.channels(client),
                subscriptions=house.subscriptions,
                clock=lambda: now[0],
                rng=random.Random(7),
                worker="one",
            )
            for seconds, calls in ((0, 1), (700, 1), (3599, 1), (3700, 3)):
                now[0] = after(seconds)
                await dispatcher.tick()
                await dispatcher.drain()
                assert len(house.hook.calls) == calls
            await dispatcher.aclose()

    asyncio.run(go())


def test_restarts_use_up_no_attempts(house: House) -> None:
    house.commit(WITHDRAWN)
    with house.database.write() as session:
        flush_outbox(session, house.subscriptions, {"hook": ("",)}, now=NOON)
        for _ in range(12):
            assert outbox.claim_delivery(session, "hook", now=NOON, worker="one", lease_seconds=300)
            assert outbox.release_claims(session, "one", now=NOON) == 1
    house.hook.answers = [Answer(status=500), Answer()]
    assert house.dispatch().retried == 1
    assert house.dispatch(after(5.6)).delivered == 1
