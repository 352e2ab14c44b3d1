"""A dispatcher that is killed again and again: nothing is lost, and a repeat is only what was on its way, under its old id."""

import random
import subprocess
import sys
import threading
from collections import Counter

import pytest

from alerts.plan import plan_alerts
from storage import claims, deliveries, stories
from storage.database import Database
from storage.records import DeliveryState
from tests.support.alerting import NOON, STORY, revise, subscribe
from tests.support.receiver import Answer, Call, Receiver


@pytest.mark.slow
@pytest.mark.parametrize("slots", [1, 3])
def test_kill_9_loses_nothing_and_repeats_only_what_was_on_its_way(database: Database, slots: int) -> None:
    count, kills, url = 90, 6, database.url
    revisions = [revise(f"r{index}", metric=f"m{index}") for index in range(count)]
    with database.write() as session:
        stories.add_story(session, STORY, now=NOON)
        claims.add_revisions(session, revisions)
        deliveries.add_alerts(session, plan_alerts(revisions, [subscribe()], stories=[STORY], now=NOON))
    chance = random.Random(11)
    with Receiver() as receiver:
        kill_now = threading.Event()
        next_kill = [chance.randint(3, 15)]

        def answer(call: Call) -> Answer:
            # Killed while a request is on its way: before, at or after its answer, as chance has it.
            if len(receiver.calls) >= next_kill[0]:
                next_kill[0] += chance.randint(3, 15)
                kill_now.set()
            return Answer(after_seconds=chance.choice([0.0, 0.002, 0.005]))

        receiver.answers = answer
        command = [sys.executable, "-m", "tests.support.dispatcher_process", url, receiver.url, str(slots)]
        for kill in range(kills + 1):
            process = subprocess.Popen(command)
            kill_now.clear()
            if kill == kills:
                assert process.wait(120) == 0
                break
            while process.poll() is None and not kill_now.wait(0.02):
                pass
            process.kill()
            process.wait()
        told = Counter(receiver.ids())
    with database.read() as session:
        made = deliveries.list_deliveries(session)
    assert {one.state for one in made} == {DeliveryState.DELIVERED}
    assert set(told) == {one.delivery_id for one in made}
    assert len(made) == count
    assert sum(told.values()) - count <= kills * slots
    assert len({call.body for call in receiver.calls}) == count
