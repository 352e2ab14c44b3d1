"""Queued deliveries to many endpoints of which one hangs: are the others slowed?

python -m bench.delivering [--size full] [--deliveries 10000] [--endpoints 20] [--rounds 3] [--database URL]

Deliveries are made beforehand; each run sends all of them through the real dispatcher to receivers in another process,
which note when each came. A delivery's time is from the start of the run to its arrival. Runs with and without the
endpoint that hangs take turns, and the best of each counts: both have the same work for the other endpoints.
"""

import asyncio
import random
import shutil
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx

from alerts.channels.base import Channel, ChannelSpec, EmailSpec
from alerts.channels.build import build_channel
from alerts.dispatch import Dispatcher
from alerts.plan import plan_alerts
from alerts.sending import flush_outbox
from bench.figures import Figure, chosen, leave, options
from bench.receivers import Receivers
from monitor.clock import system_clock
from monitor.sources.guarded import GuardedTransport
from storage import claims, deliveries, stories
from storage.database import Database
from storage.records import Figure as Value
from storage.records import RecordKey, Revision, RevisionKind, Story, Subscription

START = datetime(2022, 1, 10, 12, tzinfo=UTC)
# How long the endpoint that hangs is waited for (seconds): the default of the settings.
PATIENCE = 15.0


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--deliveries", type=int)
    parser.add_argument("--endpoints", type=int)
    parser.add_argument("--rounds", type=int)
    arguments = parser.parse_args()
    count = arguments.deliveries or chosen(arguments, 60, 2_000, 10_000)
    endpoints = arguments.endpoints or chosen(arguments, 3, 20, 20)
    rounds = arguments.rounds or chosen(arguments, 1, 3, 2)
    found: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder, Receivers() as receivers:
        filled = {hangs: _fill(Path(folder), count // endpoints, endpoints - (not hangs)) for hangs in (True, False)}
        for turn in range(rounds):
            for hangs in (False, True) if turn % 2 else (True, False):
                seconds = asyncio.run(_send(filled[hangs], receivers, count // endpoints, endpoints, hangs=hangs))
                found[hangs].append(seconds)
                print(f"  {'with' if hangs else 'without'} the endpoint that hangs: p95 {seconds:.2f} s", flush=True)
    slowed, alone = min(found[True]), min(found[False])
    others = f"{endpoints - 1} of {endpoints} endpoints, one hanging"
    print(f"{count} deliveries; p95 of the {others}: {slowed / alone - 1:+.1%}")
    rate = (endpoints - 1) * (count // endpoints) * 0.95 / slowed
    leave(
        arguments,
        [
            Figure(
                what=f"{count} queued, p95 of {others}",
                peer="the same, none hanging",
                theirs=f"{alone:.2f} s",
                ours=f"{slowed:.2f} s",
                ratio=alone / slowed,
                asked="≤ 1.1 × theirs",
                # So few say nothing about speed.
                is_met=None if arguments.size == "tiny" else slowed <= 1.1 * alone,
            ),
            Figure(what="deliveries a second in that run", ours=f"{rate:.0f} /s"),
        ],
    )


def _fill(folder: Path, each: int, endpoints: int) -> Path:
    """A database with `each` deliveries due to each of so many endpoints."""
    path = folder / f"filled-{endpoints}.db"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    subscriptions = _subscriptions(endpoints)
    story = Story(slug="kz", title="Kazakhstan unrest")
    revisions = [
        Revision(
            revision_id=f"r{number}",
            story=story.slug,
            key=RecordKey(story=story.slug, metric=f"m{number}"),
            kind=RevisionKind.RAISED,
            before=Value(value=44),
            after=Value(value=164),
            recorded_at=START,
            reason="raised",
        )
        for number in range(each)
    ]
    with database.write() as session:
        stories.add_story(session, story, now=START)
        claims.add_revisions(session, revisions)
        deliveries.add_alerts(session, plan_alerts(revisions, subscriptions, stories=[story], now=START))
    with database.write() as session:
        flush_outbox(session, subscriptions, {f"e{n}": ("",) for n in range(endpoints)}, now=START)
    database.close()
    return path


def _subscriptions(endpoints: int) -> list[Subscription]:
    return [
        Subscription(name=f"s{number}", channels=(f"e{number}",), group_wait=0, group_interval=0)
        for number in range(endpoints)
    ]


async def _send(filled: Path, receivers: Receivers, each: int, endpoints: int, *, hangs: bool) -> float:
    """The p95 of the arrivals at all endpoints but the last, in seconds from the start; every one of them must come."""
    copy = filled.with_name("run.db")
    shutil.copy(filled, copy)
    database = Database(f"sqlite:///{copy}")
    receivers.reset()
    served = endpoints if hangs else endpoints - 1
    make_inner = partial(httpx.AsyncHTTPTransport, verify=httpx.create_ssl_context(trust_env=False))
    guarded = GuardedTransport(make_inner, allow_private=True)
    async with httpx.AsyncClient(transport=guarded) as client:
        channels: dict[str, Channel] = {}
        for number in range(served):
            url = receivers.url("hang" if number == endpoints - 1 else "ok", number)
            spec = ChannelSpec(name=f"e{number}", type="webhook", url=url, timeout=PATIENCE)
            channels[spec.name] = build_channel(spec, client=client, email=EmailSpec())
        dispatcher = Dispatcher(
            database,
            channels,
            subscriptions=_subscriptions(served),
            clock=system_clock,
            rng=random.Random(7),
            worker="bench",
        )
        stop = asyncio.Event()
        started = time.monotonic()
        running = asyncio.create_task(dispatcher.run(stop, grace=0))
        await asyncio.to_thread(_wait_until_sent, database, (endpoints - 1) * each)
        stop.set()
        with suppress(asyncio.CancelledError):
            await running
    database.close()
    for left in copy.parent.glob("run.db*"):
        left.unlink()
    times = sorted(one.at - started for one in receivers.arrivals() if one.path.startswith("/ok/"))
    came = Counter(one.message_id for one in receivers.arrivals() if one.path.startswith("/ok/"))
    if len(times) != (endpoints - 1) * each or set(came.values()) != {1}:
        raise SystemExit(f"{len(times)} arrivals of {len(came)} deliveries, not {(endpoints - 1) * each}: no figure")
    return times[int(len(times) * 0.95)]


def _wait_until_sent(database: Database, count: int) -> None:
    while True:
        with database.read() as session:
            states = deliveries.count_deliveries(session)
        if states.get(deliveries.DeliveryState.DELIVERED, 0) >= count:
            return
        time.sleep(0.5)


if __name__ == "__main__":
    main()
