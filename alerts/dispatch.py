"""Sends what is due: flush the outbox, take deliveries, send them outside of transactions, record what came of them.

Every channel has slots of its own that each carry one delivery at a time from claim to outcome, so that an endpoint
that hangs holds up nobody else, and a crash repeats at most what was on its way: with the same id.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sqlmodel import Session

from alerts.channels.base import Channel, Receipt, writing
from alerts.circuit import Circuit
from alerts.links import LinkMaker
from alerts.messages import render, render_test
from alerts.outcomes import Outcome, record_outcome
from alerts.sending import FlushReport, Load, flush_outbox, take_delivery, unknown_channel
from alerts.timing import ROLLING
from alerts.tracing import NoTracer, Tracer
from storage import deliveries, outbox
from storage.database import Database
from storage.errors import DatabaseError, DeliveryError, RenderError
from storage.records import Delivery, DeliveryState, Message, Story, Subscription

_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")
# A piece of work that waits for a transaction, and who waits for its result.
_Job = tuple[Callable[[Session], Any], asyncio.Future[Any]]

# A claim outlives any honest attempt; a worker that died loses it after this (seconds).
LEASE = 300.0
# What came of an attempt and cannot be written down (the disk is full, the server restarts) is kept for so long and
# tried again this often (seconds): else the message would be sent once more when the claim has run out, and what is
# told of the same record would wait until then.
RECORDING = 240.0
RECORD_AGAIN = 1.0
# How long the loop waits at most before it looks again (seconds): alerts are committed by other processes too.
LONGEST_NAP = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchReport:
    """What a dispatch did, in counts; `next_due_at` is when the next waiting group of alerts is due."""

    released: int = 0
    made: int = 0
    superseded: int = 0
    delivered: int = 0
    retried: int = 0
    dead: int = 0
    next_due_at: datetime | None = None


class Dispatcher:
    """Keeps channels busy: `tick` looks for what is due and returns at once, `drain` waits until it is sent, `run`
    does both for good.

    Two dispatchers on one database never send the same delivery at the same time. `worker` names this one: what it left
    claimed at a crash it takes up again at once when it starts under the same name.
    """

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel],
        *,
        subscriptions: Sequence[Subscription],
        clock: Callable[[], datetime],
        rng: random.Random,
        worker: str,
        links: LinkMaker | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        """Nothing is sent yet. `clock` gives the time of attempts, `rng` spreads retries, `links` adds addresses to
        messages, `tracer` writes a span for each attempt."""
        self._database = database
        self._channels = dict(channels)
        self._subscriptions: tuple[Subscription, ...] = ()
        self._by_name: dict[str, Subscription] = {}
        self.tell(subscriptions)
        self._receivers = {name: channel.receivers for name, channel in self._channels.items()}
        self._clock = clock
        self._rng = rng
        self._worker = worker
        self._links = links
        self._tracer: Tracer = tracer or NoTracer()
        self._circuits: dict[str, Circuit] = {}
        self._disabled: dict[str, str] = {}
        self._failing: set[str] = set()
        self._slots: set[asyncio.Task[None]] = set()
        self._busy: dict[str, int] = {}
        # The first that ended a slot early since the last drain; a service never drains, and keeps no more than one.
        self._failure: BaseException | None = None
        self._wake = asyncio.Event()
        self._stories: dict[str, Story | None] = {}
        self._jobs: list[_Job] = []
        self._writer: asyncio.Task[None] | None = None
        self._report = DispatchReport()
        # One thread: SQLite takes one writer at a time anyway, and the event loop stays free.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dispatch")
        self._is_started = False
        # Whether something may stand as claimed by us that none of our slots knows of.
        self._is_unsure = False

    def tell(self, subscriptions: Sequence[Subscription]) -> None:
        """Tell these subscriptions from the next look on; what was released already goes out as it is."""
        self._subscriptions = tuple(subscriptions)
        self._by_name = {subscription.name: subscription for subscription in subscriptions}

    async def start(self) -> None:
        """Take up what this worker left behind when it last ended, or when the store failed it."""
        await self._write(lambda session: outbox.release_claims(session, self._worker, now=self._clock()))
        self._is_started, self._is_unsure = True, False

    async def tick(self) -> FlushReport:
        """Flush the outbox and put channels to work for which something is due; returns without waiting for them."""
        if not self._is_started or (self._is_unsure and not self._slots):
            await self.start()
        flushed, waiting = await self._write(self._flush)
        self._count(
            made=flushed.made, released=flushed.released, superseded=flushed.superseded, next_due_at=flushed.next_due_at
        )
        for name in waiting:
            channel = self._channels.get(name)
            if channel is not None and not self._circuit(name).is_resting(self._clock()):
                self._occupy(channel)
        return flushed

    def _flush(self, session: Session) -> tuple[FlushReport, frozenset[str]]:
        self._disabled = self._find_disabled(session)
        self._stories.clear()
        outbox.requeue_expired(session, now=self._clock())
        flushed = flush_outbox(session, self._subscriptions, self._receivers, now=self._clock())
        waiting = outbox.list_due_channels(session, now=self._clock())
        for name in waiting:
            if name not in self._channels:
                long_ago = self._clock() - ROLLING
                outbox.bury_channel(session, name, error=unknown_channel(name), made_before=long_ago)
            elif name in self._disabled:
                outbox.bury_channel(session, name, error=self._disabled[name])
        return flushed, waiting - self._disabled.keys()

    def _find_disabled(self, session: Session) -> dict[str, str]:
        """Channels whose present endpoint is gone for good, with what it said; a person's replay takes one off this
        list."""
        return {
            health.channel: health.last_error
            for health in deliveries.list_channel_health(session)
            if health.disabled_at is not None
            and health.channel in self._channels
            and health.address_hash == self._channels[health.channel].address_hash
        }

    def _occupy(self, channel: Channel) -> None:
        """Start slots until the channel has as many as it may; each ends when it finds nothing to do."""
        most = 1 if self._circuit(channel.name).is_probing() else max(1, channel.concurrency)
        while self._busy.get(channel.name, 0) < most:
            self._busy[channel.name] = self._busy.get(channel.name, 0) + 1
            slot = asyncio.create_task(self._work(channel), name=f"deliver on {channel.name}")
            self._slots.add(slot)
            slot.add_done_callback(self._end_slot)

    async def _work(self, channel: Channel) -> None:
        """One slot: claim, send, record and claim the next in one transaction, until nothing may be sent."""
        try:
            load = await self._write(partial(self._take, channel))
            while load is not None:
                outcome = await self._attempt(channel, load)
                self._judge(channel, outcome)
                self._tell(load, outcome)
                after, load = await self._record(channel, outcome)
                self._count(
                    delivered=after.state is DeliveryState.DELIVERED,
                    retried=after.state is DeliveryState.DUE,
                    dead=after.state is DeliveryState.DEAD,
                    superseded=after.state is DeliveryState.SUPERSEDED,
                )
        finally:
            self._busy[channel.name] -= 1

    async def _record(self, channel: Channel, outcome: Outcome) -> tuple[Delivery, Load | None]:
        """Store what came of an attempt and claim the next; while the store is away, again and again."""
        loop = asyncio.get_running_loop()
        until = loop.time() + RECORDING
        settle = partial(self._settle, channel, outcome, self._rng.random())
        while True:
            try:
                return await self._write(settle)
            except DatabaseError as error:
                # The commit may have come through, and with it a claim that nobody knows of.
                self._is_unsure = True
                if not error.retryable or loop.time() >= until:
                    raise
                _LOG.error("what came of delivery %s is noted later: %s", outcome.delivery.delivery_id, error)
                await asyncio.sleep(RECORD_AGAIN)

    def _end_slot(self, slot: asyncio.Task[None]) -> None:
        self._slots.discard(slot)
        if not slot.cancelled() and (error := slot.exception()) is not None:
            # What it had claimed is taken up again once no slot is at work, or when its lease ends.
            self._is_unsure = True
            _LOG.error("%s stopped: %s", slot.get_name(), error)
            self._failure = self._failure or error

    def _take(self, channel: Channel, session: Session) -> Load | None:
        now = self._clock()
        circuit = self._circuit(channel.name)
        if circuit.is_resting(now) or channel.name in self._disabled:
            return None
        # A probe is alone: the other slots of a channel that fails end here.
        if circuit.is_probing() and self._busy.get(channel.name, 0) > 1:
            return None
        return take_delivery(
            session,
            channel.name,
            self._by_name,
            now=now,
            worker=self._worker,
            lease_seconds=LEASE,
            is_rich=channel.wants_html,
            known=self._stories,
        )

    def _settle(
        self, channel: Channel, outcome: Outcome, chance: float, session: Session
    ) -> tuple[Delivery, Load | None]:
        after = record_outcome(session, outcome, address_hash=channel.address_hash, chance=chance)
        if channel.name in self._disabled:
            outbox.bury_channel(session, channel.name, error=self._disabled[channel.name])
        return after, self._take(channel, session)

    def _judge(self, channel: Channel, outcome: Outcome) -> None:
        circuit = self._circuit(channel.name)
        error = outcome.error
        self._say(channel.name, error)
        if error is None:
            self._circuits[channel.name] = circuit.succeed()
        elif error.disable:
            self._disabled[channel.name] = str(error)
        elif not error.permanent:
            self._circuits[channel.name] = circuit.fail(outcome.at, retry_after=error.retry_after)

    def _tell(self, load: Load, outcome: Outcome) -> None:
        """One line for each poll whose finds have arrived, so that its id leads from the poll to here."""
        if outcome.error is not None:
            return
        delivery = load.delivery
        revisions: dict[str, list[str]] = {}
        for notice in load.notices:
            revisions.setdefault(notice.revision.trace, []).append(notice.revision.revision_id)
        for trace, ids in revisions.items():
            about = {"trace": trace, "delivery": delivery.delivery_id, "revision": ids[0]}
            told = f"{delivery.channel} {delivery.receiver}".strip()
            _LOG.info("told on %s: %s", told, ", ".join(ids), extra={"about": about})

    def _say(self, name: str, error: DeliveryError | None) -> None:
        """Say once that a channel fails, and once that it works again; each attempt stands with its delivery."""
        if isinstance(error, RenderError):
            # Said already, and nothing that the channel did.
            return
        if error is None:
            if name in self._failing:
                _LOG.info("channel %s delivers again", name)
            self._failing.discard(name)
        elif name not in self._failing:
            self._failing.add(name)
            fate = "given up" if error.permanent or error.disable else "kept and tried again"
            _LOG.warning("channel %s: %s; what was to be told is %s (storywatch alerts deliveries)", name, error, fate)

    async def _attempt(self, channel: Channel, load: Load) -> Outcome:
        delivery = load.delivery
        try:
            traces = list(dict.fromkeys(notice.revision.trace for notice in load.notices))
            with self._tracer.span("deliver", traces, delivery=delivery.delivery_id, channel=channel.name):
                with writing():
                    message = await self._in_thread(lambda: self._render(load, is_rich=channel.wants_html))
                receipt = await channel.send(
                    message, delivery_id=delivery.delivery_id, now=self._clock(), receiver=delivery.receiver
                )
        except RenderError as error:
            _LOG.error("delivery %s on %s: %s", delivery.delivery_id, channel.name, error, exc_info=error.__cause__)
            return Outcome(delivery=delivery, at=self._clock(), error=error)
        except DeliveryError as error:
            return Outcome(delivery=delivery, at=self._clock(), error=error)
        except Exception as error:
            # A bug in a channel must cost one delivery its attempt, not the service its dispatcher.
            _LOG.exception("delivery %s on %s", delivery.delivery_id, channel.name)
            told = DeliveryError(f"{type(error).__name__}: {error}")
            told.__cause__ = error
            return Outcome(delivery=delivery, at=self._clock(), error=told)
        return Outcome(delivery=delivery, at=self._clock(), response=receipt.response)

    def _render(self, load: Load, *, is_rich: bool) -> Message:
        if not load.notices:
            raise DeliveryError("all that this message tells of is gone from the store", permanent=True)
        return render(
            load.notices,
            subscription=load.subscription,
            message_id=load.delivery.delivery_id,
            created_at=load.delivery.created_at,
            repeat=load.delivery.repeat,
            is_question=load.delivery.is_question,
            receiver=load.delivery.receiver,
            links=self._links,
            is_rich=is_rich,
        )

    async def drain(self) -> DispatchReport:
        """Wait until every slot has ended; returns what was done since the last drain. Raises what ended a slot
        early."""
        while self._slots:
            await asyncio.wait(self._slots)
            await asyncio.sleep(0)  # the turn in which slots that ended say so
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        report, self._report = self._report, DispatchReport()
        return report

    def wake(self) -> None:
        """Look at the outbox now: something was committed."""
        self._wake.set()

    async def run(self, stop: asyncio.Event, *, grace: float = 10.0) -> None:
        """Tick until `stop` is set, then give what is on its way `grace` seconds to end.

        A database that cannot be used (a full disk, a server that restarts) is logged and tried again: alerts wait in
        it. So is whatever else goes wrong in a look.
        """
        while not stop.is_set():
            self._wake.clear()
            try:
                await self.tick()
            except DatabaseError as error:
                _LOG.error("alerts wait: %s", error)
            except Exception:
                # A bug, or what nobody foresaw in the store: it costs this look, not all that would be told after it.
                _LOG.exception("alerts wait")
            waits = [asyncio.ensure_future(event.wait()) for event in (stop, self._wake)]
            await asyncio.wait(waits, timeout=LONGEST_NAP, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        if self._slots:
            await asyncio.wait(self._slots, timeout=grace)
        await self.aclose()

    async def aclose(self) -> None:
        """Stop at once; what was under way becomes due again."""
        for slot in self._slots:
            slot.cancel()
        if self._slots:
            await asyncio.wait(self._slots)
        if self._is_started:
            await self._write(lambda session: outbox.release_claims(session, self._worker, now=self._clock()))
        self._thread.shutdown()

    def _circuit(self, name: str) -> Circuit:
        return self._circuits.get(name, Circuit())

    def _count(self, *, next_due_at: datetime | None = None, **counts: int) -> None:
        report = self._report
        summed = {name: getattr(report, name) + count for name, count in counts.items()}
        self._report = replace(report, **summed, next_due_at=next_due_at or report.next_due_at)

    async def _write(self, work: Callable[[Session], _Result]) -> _Result:
        """Run `work` in a transaction; what waits meanwhile shares the next one: a commit costs more than all the rest.

        `work` may run twice (see _run_jobs), so it changes nothing but the session and what it returns.
        """
        result: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._jobs.append((work, result))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_jobs())
        return await result

    async def _write_jobs(self) -> None:
        while self._jobs:
            jobs, self._jobs = self._jobs, []
            results = await self._in_thread(partial(self._run_jobs, [work for work, _ in jobs]))
            for (_, waiting), result in zip(jobs, results, strict=True):
                if waiting.cancelled():
                    continue
                if isinstance(result, Exception):
                    waiting.set_exception(result)
                else:
                    waiting.set_result(result)

    def _run_jobs(self, jobs: list[Callable[[Session], Any]]) -> list[Any]:
        """Run all in one transaction; if that fails each in its own: one that fails takes nobody with it."""
        try:
            with self._database.write() as session:
                return [work(session) for work in jobs]
        except Exception as error:
            # Whatever it was, it goes to who asked.
            if len(jobs) == 1:
                return [error]
            return [self._run_jobs([work])[0] for work in jobs]

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


async def dispatch_due(
    database: Database,
    channels: Mapping[str, Channel],
    *,
    subscriptions: Sequence[Subscription],
    now: datetime,
    rng: random.Random,
    worker: str,
    links: LinkMaker | None = None,
) -> DispatchReport:
    """Flush what is due at `now`, send it, record it, and return the counts: one round, for commands and queue workers.

    Raises DatabaseError; failures to deliver are recorded, not raised. A service uses Dispatcher.run, where an endpoint
    that hangs does not hold up the next round.
    """
    dispatcher = Dispatcher(
        database, channels, subscriptions=subscriptions, clock=lambda: now, rng=rng, worker=worker, links=links
    )
    try:
        await dispatcher.tick()
        return await dispatcher.drain()
    finally:
        await dispatcher.aclose()


async def send_test(
    channel: Channel, *, subscription: Subscription, message_id: str, now: datetime, receiver: str
) -> Receipt:
    """Send a message that says it is a test to one of a channel's receivers; DeliveryError says what is wrong."""
    message = render_test(subscription=subscription, message_id=message_id, created_at=now)
    return await channel.send(message, delivery_id=message_id, now=now, receiver=receiver)
