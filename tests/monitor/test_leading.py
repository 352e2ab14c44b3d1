"""The leading scheduler's look for dead workers, on a real PostgreSQL: who is alive keeps what it is sending."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from monitor.distributed import dispatcher_name
from monitor.leading import Leader
from monitor.queueing import Queue, prepare_queue
from monitor.settings import load_settings
from storage import deliveries, outbox
from storage.database import Database
from storage.records import DeliveryState
from tests.support.postgres import Postgres
from tests.support.stored import HOUR, NOON, delivery

pytestmark = pytest.mark.postgres
_numbers = itertools.count(1)


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    name = f"leading_{next(_numbers)}"
    address = postgres.create(name)
    database = Database(address)
    database.upgrade()
    database.close()
    prepare_queue(address)
    yield address
    postgres.drop(name)


@pytest.fixture
def leader(url: str, tmp_path: Path) -> Iterator[Leader]:
    settings = load_settings(None, {"STORYWATCH_DATABASE_URL": url}, tmp_path)
    made = Leader(settings, clock=lambda: NOON, rng=Random(1))
    yield made
    made.database.close()


def send(database: Database, name: str, worker: int) -> None:
    """Let a worker begin to send a message."""
    begun = delivery(
        name, created_at=NOON, due_at=NOON, state=DeliveryState.SENDING, claimed_by=dispatcher_name(worker),
        claimed_until=NOON + HOUR,
    )  # fmt: skip
    with database.write() as session:
        deliveries.add_deliveries(session, [begun])


def senders(database: Database) -> frozenset[str]:
    with database.read() as session:
        return outbox.list_claimants(session)


class BusyQueue(Queue):
    """A queue to which a worker comes, and begins to send, while it is asked who is there."""

    async def list_workers(self) -> tuple[int, ...]:
        found = await super().list_workers()
        number = await self.app.job_manager.register_worker()
        await asyncio.to_thread(send, self.database, f"d{number}", number)
        return found

    database: Database


def test_what_a_dead_worker_was_sending_is_released_and_what_a_live_one_sends_is_not(url: str, leader: Leader) -> None:
    async def reap() -> int:
        async with Queue(url) as queue:
            alive = await queue.app.job_manager.register_worker()
            send(leader.database, "alive", alive)
            send(leader.database, "dead", alive + 1)
            await leader.reap(queue)
            return alive

    alive = asyncio.run(reap())
    assert senders(leader.database) == {dispatcher_name(alive)}


def test_a_worker_that_comes_while_the_dead_are_looked_for_keeps_what_it_sends(url: str, leader: Leader) -> None:
    async def reap() -> frozenset[str]:
        async with BusyQueue(url) as queue:
            queue.database = leader.database
            send(leader.database, "dead", 99)
            await leader.reap(queue)
            return senders(leader.database)

    kept = asyncio.run(reap())
    assert len(kept) == 1
    assert dispatcher_name(99) not in kept


def test_a_scheduler_whose_database_is_away_is_not_called_alive(
    url: str, postgres: Postgres, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alive = tmp_path / "alive"
    settings = load_settings(None, {"STORYWATCH_DATABASE_URL": url}, tmp_path)
    name = url.rsplit("/", 1)[-1]

    def complaints() -> int:
        return sum("the queue cannot be used" in record.getMessage() for record in caplog.records)

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.02)

    async def watch() -> None:
        leader = Leader(settings, clock=lambda: NOON, rng=Random(1), alive=alive)
        leading = asyncio.create_task(leader.run())
        await until(alive.exists)
        postgres.command(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres.command(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        await until(lambda: complaints() >= 1)
        alive.unlink()
        before = complaints()
        await until(lambda: complaints() >= before + 2)
        assert not alive.exists()
        postgres.command(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await until(alive.exists)
        leader.stop.set()
        await leading

    asyncio.run(watch())
