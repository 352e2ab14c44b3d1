"""The dispatcher that `bench.killing` kills: a process of its own, as the service runs it but for its hasty clock.

python -m bench.killed '{"database": …, "urls": {"steady": …}, "mail_port": …, "started": …}'
"""

import asyncio
import json
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from alerts.channels.base import ChannelSpec, EmailSpec, TlsMode
from alerts.channels.build import build_channel
from alerts.dispatch import Dispatcher
from storage.database import Database
from storage.records import Subscription

START = datetime(2022, 1, 10, 12, tzinfo=UTC)
# How much faster the clock runs, and how many messages one channel has on their way at once.
HASTE, SLOTS = 60.0, 2
CHANNELS = ("steady", "failing", "absent", "gone", "untrusted", "mail")


def subscriptions() -> list[Subscription]:
    """One a channel."""
    return [Subscription(name=name, channels=(name,), group_wait=0, group_interval=0) for name in CHANNELS]


async def dispatch(settings: dict[str, Any]) -> None:
    """The dispatcher's process: as the service runs it, but for its clock."""
    database = Database(settings["database"])

    def clock() -> datetime:
        return START + timedelta(hours=1, seconds=(time.monotonic() - settings["started"]) * HASTE)

    async with httpx.AsyncClient(trust_env=False) as client:
        server = EmailSpec(
            host="127.0.0.1", port=settings["mail_port"], tls=TlsMode.NONE, sender="w@example.org", timeout=0.5
        )
        specs = [
            ChannelSpec(name=name, type="webhook", url=url, timeout=0.5, concurrency=SLOTS)
            for name, url in settings["urls"].items()
        ]
        specs.append(ChannelSpec(name="mail", type="email", to=("editor@example.org",), concurrency=SLOTS))
        dispatcher = Dispatcher(
            database,
            {spec.name: build_channel(spec, client=client, email=server) for spec in specs},
            subscriptions=subscriptions(),
            clock=clock,
            rng=random.Random(7),
            worker="killed",
        )
        await dispatcher.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(dispatch(json.loads(sys.argv[1])))
