"""A house for the dispatcher: a database, real receivers, and a clock that the tests drive."""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime

import httpx

from alerts.accounts import account_for
from alerts.channels.base import Channel, ChannelSpec, EmailSpec, TlsMode
from alerts.channels.build import build_channel
from alerts.dispatch import DispatchReport, dispatch_due
from alerts.plan import plan_alerts
from storage import claims, deliveries, outbox, stories
from storage.database import Database
from storage.records import AlertState, Delivery, DeliveryState, Revision, Subscription
from tests.support.alerting import NOON, subscribe
from tests.support.receiver import Receiver
from tests.support.smtp import MailServer


class House:
    """A database, two receivers and a mail server; `commit` stores revisions with their alerts as a cycle does."""

    def __init__(self, database: Database, hook: Receiver, other: Receiver, mail: MailServer) -> None:
        self.database, self.hook, self.other, self.mail = database, hook, other, mail
        self.subscriptions: list[Subscription] = [subscribe()]
        self.specs = [
            ChannelSpec(name="hook", type="webhook", url=hook.url, timeout=5),
            ChannelSpec(name="other", type="webhook", url=other.url, timeout=5),
            ChannelSpec(name="editors", type="email", to=("a@example.org", "b@example.org")),
        ]

    def commit(self, *revisions: Revision, now: datetime = NOON) -> None:
        with self.database.write() as session:
            fresh = claims.add_revisions(session, revisions)
            told = outbox.list_told_or_waiting(session, [one.corrects for one in revisions if one.corrects])
            known = stories.list_stories(session)
            planned = plan_alerts(fresh, self.subscriptions, stories=known, now=now, told=told)
            deliveries.add_alerts(session, planned)

    def channels(self, client: httpx.AsyncClient) -> dict[str, Channel]:
        server = EmailSpec(host="127.0.0.1", port=self.mail.port, tls=TlsMode.NONE, sender="w@example.org", timeout=10)
        return {spec.name: build_channel(spec, client=client, email=server) for spec in self.specs}

    def dispatch(self, now: datetime = NOON, *, names: Sequence[str] = ()) -> DispatchReport:
        async def go() -> DispatchReport:
            async with httpx.AsyncClient(trust_env=False) as client:
                chosen = {name: one for name, one in self.channels(client).items() if not names or name in names}
                return await dispatch_due(
                    self.database,
                    chosen,
                    subscriptions=self.subscriptions,
                    now=now,
                    rng=random.Random(7),
                    worker="one",
                )

        return asyncio.run(go())

    def deliveries(self, *states: DeliveryState) -> tuple[Delivery, ...]:
        with self.database.read() as session:
            return deliveries.list_deliveries(session, states=states)

    def accounts(self, revision: Revision) -> dict[str, tuple[str, str]]:
        """What became of a revision, by subscription, channel and address."""
        told = {}
        with self.database.read() as session:
            planned = {
                one.subscription: one for one in deliveries.list_alerts(session, revision_ids=[revision.revision_id])
            }
            silences = {one.silence_id: one for one in deliveries.list_silences(session)}
            for subscription in self.subscriptions:
                alert = planned.get(subscription.name)
                carrying, last = outbox.list_carrying(session, alert) if alert else ((), None)
                for one in account_for(
                    revision, subscription, alert=alert, last=last, carrying=carrying, silences=silences
                ):
                    told[" ".join(filter(None, (one.subscription, one.channel, one.receiver)))] = (
                        one.told.value,
                        one.words,
                    )
        return told

    def alert_states(self) -> list[AlertState]:
        with self.database.read() as session:
            return [alert.state for alert in deliveries.list_alerts(session)]
