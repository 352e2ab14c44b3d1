"""A dispatcher as a process of its own, for tests that kill it: `python -m tests.support.dispatcher_process DATABASE URL SUBSCRIPTIONS`.

Sends whatever is due in the database to one webhook, in real time, until it is killed or nothing waits any more.
"""

import asyncio
import random
import sys

import httpx

from alerts.channels.base import ChannelSpec, EmailSpec
from alerts.channels.build import build_channel
from alerts.dispatch import Dispatcher
from monitor.clock import system_clock
from storage import outbox
from storage.database import Database
from tests.support.alerting import subscribe


async def main(database_url: str, url: str, slots: int) -> None:
    database = Database(database_url)
    async with httpx.AsyncClient(trust_env=False) as client:
        spec = ChannelSpec(name="hook", type="webhook", url=url, concurrency=slots)
        dispatcher = Dispatcher(
            database,
            {"hook": build_channel(spec, client=client, email=EmailSpec())},
            subscriptions=[subscribe()],
            clock=system_clock,
            rng=random.Random(7),
            worker="killed",
        )
        while True:
            await dispatcher.tick()
            await dispatcher.drain()
            with database.read() as session:
                if not outbox.list_waiting_alerts(session) and not outbox.count_waiting(session):
                    break
        await dispatcher.aclose()
    database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
