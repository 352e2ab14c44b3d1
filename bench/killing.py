"""A dispatcher killed (kill -9) again and again among endpoints that fail in every way: is anything lost or told twice?

python -m bench.killing [--size full] [--revisions 1000] [--kills 50] [--database URL]

Revisions are committed in batches while a dispatcher, a process of its own, sends them to five channels: a webhook that
works; one that in turn answers 500, 429 with Retry-After, a redirect or half an answer, breaks off or hangs; one where
nobody listens at first; one that says 410 at first; one whose certificate nobody trusts; and a mail server that says
451, 421 and 550, hangs and breaks off. Its clock runs 60 times as fast, so that an hour of retries is a minute. After
the last kill all is mended, dead letters are replayed, and what each receiver accepted is held against what was due.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from alerts import desk
from alerts.plan import plan_alerts
from bench.figures import Figure, chosen, leave, options
from bench.killed import SLOTS, START, subscriptions
from storage import claims, deliveries, outbox, stories
from storage.database import Database
from storage.records import AlertState, DeliveryState, RecordKey, Revision, RevisionKind, Story
from storage.records import Figure as Value
from tests.support.receiver import Answer, Call, Receiver, free_port, make_server_tls
from tests.support.smtp import CUT, HANG, MailServer

STORY = Story(slug="kz", title="Kazakhstan unrest")
# What the failing webhook does, a burst of each in turn; a receiver that accepted and then broke off gets it again.
FAILURES = (
    Answer(status=500),
    Answer(status=429, headers={"Retry-After": "20"}),
    Answer(status=302, headers={"Location": "http://127.0.0.1:9/"}),
    Answer(cuts=True),
    Answer(resets=True),
    Answer(hangs=True),
)
# A burst of failures of one kind among so many requests.
BURST, BETWEEN = 4, 60


@dataclass(slots=True)
class House:
    """The receivers, and what each accepted: for each channel the payloads or mails by id, in order."""

    database: Database
    url: str
    folder: Path
    steady: Receiver
    failing: Receiver
    gone: Receiver
    untrusted: Receiver
    mail: MailServer
    absent_port: int
    accepted: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    is_mended: bool = False
    requests: int = 0

    def answer(self, channel: str, call: Call) -> Answer:
        """What a receiver says, and its note of what it accepted."""
        self.requests += 1
        chance = random.Random(self.requests)
        found = Answer(after_seconds=chance.choice((0.0, 0.002, 0.01)))
        if not self.is_mended and channel == "failing":
            burst, place = divmod(self.requests, BETWEEN)
            found = FAILURES[burst % len(FAILURES)] if place < BURST else found
        if not self.is_mended and channel == "gone":
            found = Answer(status=410)
        if found.status == 200 and not (found.cuts or found.resets or found.hangs):
            self.accepted[channel].append((call.headers["webhook-id"], call.body.decode()))
        return found

    def settings(self) -> dict[str, Any]:
        """What the dispatcher's process is told: addresses, and when its clock started."""
        urls = {"steady": self.steady.url, "failing": self.failing.url, "gone": self.gone.url}
        urls |= {"untrusted": self.untrusted.url, "absent": f"http://127.0.0.1:{self.absent_port}/hook"}
        return {"database": self.url, "urls": urls, "mail_port": self.mail.port, "started": time.monotonic()}


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--revisions", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="address of an empty PostgreSQL database; a file by default")
    arguments = parser.parse_args()
    count = arguments.revisions or chosen(arguments, 24, 200, 1_000)
    kills = arguments.kills or chosen(arguments, 2, 10, 50)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        house = _open(Path(folder), arguments.database, stack)
        started = time.perf_counter()
        _run(house, stack, count, kills, random.Random(arguments.seed))
        print(f"{count} revisions, {kills} kills, {time.perf_counter() - started:.0f} s")
        figures = _judge(house, count, kills)
        for figure in figures:
            print(f"{figure.what}: {figure.ours} (asked: {figure.asked})")
        leave(arguments, figures)
        house.database.close()


def _open(folder: Path, url: str | None, stack: ExitStack) -> House:
    url = url or f"sqlite:///{folder / 'house.db'}"
    database = Database(url)
    database.upgrade()
    server, _ = make_server_tls(folder)
    hooks = [stack.enter_context(Receiver(tls=tls)) for tls in (None, None, None, server)]
    mail = stack.enter_context(MailServer())
    house = House(database, url, folder, *hooks, mail, free_port())
    for name, receiver in zip(("steady", "failing", "gone", "untrusted"), hooks, strict=True):
        receiver.answers = partial(house.answer, name)
    mail.refuse["RCPT"] = ["451 later", "550 no such person", CUT] * 4
    mail.refuse["MAIL"] = ["421 too busy", HANG] * 4
    mail.refuse["DATA"] = ["451 later", CUT] * 4
    with database.write() as session:
        stories.add_story(session, STORY, now=START)
    return house


def _revisions(count: int) -> Iterator[Revision]:
    """Each record is raised three times, far enough apart that the first may still wait when the next comes."""
    records = max(1, count // 3)
    for number in range(count):
        step, record = divmod(number, records)
        yield Revision(
            revision_id=f"r{number}",
            story=STORY.slug,
            key=RecordKey(story=STORY.slug, metric=f"m{record}"),
            kind=RevisionKind.RAISED,
            before=Value(value=10 + step),
            after=Value(value=11 + step),
            recorded_at=START + timedelta(seconds=number),
            reason="raised",
        )


def _commit(database: Database, revisions: list[Revision]) -> None:
    with database.write() as session:
        claims.add_revisions(session, revisions)
        now = revisions[-1].recorded_at
        deliveries.add_alerts(session, plan_alerts(revisions, subscriptions(), stories=[STORY], now=now))


def _run(house: House, stack: ExitStack, count: int, kills: int, chance: random.Random) -> None:
    todo = list(_revisions(count))
    each = -(-count // (kills + 1))
    settings = json.dumps(house.settings())
    for kill in range(kills):
        batch, todo = todo[:each], todo[each:]
        if batch:
            _commit(house.database, batch)
        process = _start(settings)
        _let_send(house, chance.randint(2, 30))
        if process.poll() is not None:
            raise SystemExit(f"the dispatcher ended by itself: {process.returncode}")
        process.kill()
        process.wait()
        print(f"  kill {kill + 1}: {house.requests} requests, {len(house.mail.mails)} mails", flush=True)
    if todo:
        _commit(house.database, todo)
    _mend(house, stack)
    process = _start(settings)
    _wait_until_told(house.database, process)


def _let_send(house: House, patience: int) -> None:
    """Wait until so many messages came, or none has come for a while after the first: then the endpoints rest."""
    first = last = house.requests + len(house.mail.mails)
    quiet_at = time.monotonic() + 60
    while last < first + patience and time.monotonic() < quiet_at:
        time.sleep(0.002)
        now = house.requests + len(house.mail.mails)
        if now != last:
            last, quiet_at = now, time.monotonic() + 1.5


def _mend(house: House, stack: ExitStack) -> None:
    """From now on everybody but the untrusted one answers well."""
    house.is_mended = True
    for answers in house.mail.refuse.values():
        answers.clear()
    absent = stack.enter_context(Receiver(port=house.absent_port))
    absent.answers = lambda call: house.answer("absent", call)


def _start(settings: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "bench.killed", settings])


def _wait_until_told(database: Database, process: "subprocess.Popen[bytes]") -> None:
    """Replay dead letters as a person would, until nothing waits but for the endpoint that nobody can trust."""
    until = time.monotonic() + 600
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.5)
        with database.write() as session:
            dead = deliveries.list_deliveries(session, states=[DeliveryState.DEAD])
            for one in dead:
                if one.channel != "untrusted":
                    desk.replay_delivery(session, one.delivery_id, now=one.due_at, anyway=True)
            waiting = outbox.count_waiting(session)
            open_alerts = outbox.list_waiting_alerts(session)
        if not dead and not open_alerts and set(waiting) <= {"untrusted"}:
            break
    process.terminate()
    process.wait()


def _judge(house: House, count: int, kills: int) -> list[Figure]:
    told = {name: house.accepted[name] for name in ("steady", "failing", "absent", "gone")}
    told["mail"] = [(str(mail["Message-ID"]), mail.as_string()) for mail in house.mail.mails]
    with house.database.read() as session:
        made = deliveries.list_deliveries(session)
        alerts = deliveries.list_alerts(session)
    lost = _lost(house, told, made, count)
    repeats = {name: len(found) - len({one for one, _ in found}) for name, found in told.items()}
    superseded = [one for one in made if one.state is DeliveryState.SUPERSEDED]
    late = sum(_told_old_after_new(found) for name, found in told.items() if name != "mail")
    changed = sum(_told_otherwise(found) for name, found in told.items() if name != "mail")
    print(f"accepted: { {name: len(found) for name, found in told.items()} }; repeats: {repeats}")
    print(f"superseded and mentioned: {len(superseded)}; states: {Counter(one.state.value for one in made)}")
    print(f"alerts: {Counter(one.state.value for one in alerts)}")
    most = max(repeats.values())
    what = f"{count} revisions × {len(told)} receivers, {kills} kills"
    return [
        Figure(what=f"{what}: alerts lost", ours=str(lost), asked="0", is_met=lost == 0),
        Figure(
            what="repeats, most at one receiver",
            ours=str(most),
            asked=f"≤ {kills * SLOTS}",
            is_met=most <= kills * SLOTS,
        ),
        Figure(what="one id told with two contents", ours=str(changed), asked="0", is_met=changed == 0),
        Figure(what="older news told after newer", ours=str(late), asked="0", is_met=late == 0),
    ]


def _lost(house: House, told: dict[str, list[tuple[str, str]]], made: tuple[Any, ...], count: int) -> int:
    """Revisions that a receiver was told neither on their own nor on the way to a newer one; the untrusted endpoint
    loses what the store does not hold for it."""
    everything = {f"r{number}" for number in range(count)}
    lost = 0
    for name, found in told.items():
        if name == "mail":
            continue
        heard = set()
        for _, body in found:
            for change in json.loads(body)["changes"]:
                heard |= {change["revision_id"], *(step["revision_id"] for step in change["path"])}
        lost += len(everything - heard)
        if everything - heard:
            print(f"  {name} was not told {sorted(everything - heard)[:5]}")
    with house.database.read() as session:
        for name in ("untrusted", "mail"):
            wanted = (DeliveryState.DELIVERED,) if name == "mail" else (DeliveryState.DUE, DeliveryState.SENDING)
            held = deliveries.list_deliveries(session, states=wanted, channel=name)
            ids = {one for delivery in held for one in (*delivery.alert_ids, *delivery.supersedes)}
            ids |= {
                one.alert_id
                for one in deliveries.list_alerts(session, subscription=name, states=[AlertState.SUPERSEDED])
            }
            missing = {one.alert_id for one in deliveries.list_alerts(session, subscription=name)} - ids
            lost += len(missing)
    heard_mails = {one.split("@")[0].strip("<") for one, _ in told["mail"]}
    lost += len({one.delivery_id for one in made if one.channel == "mail" and one.state == "delivered"} - heard_mails)
    return lost


def _told_otherwise(found: list[tuple[str, str]]) -> int:
    """How many ids came with more than one content."""
    bodies: dict[str, set[str]] = defaultdict(set)
    for message_id, body in found:
        bodies[message_id].add(body)
    return sum(len(contents) > 1 for contents in bodies.values())


def _told_old_after_new(found: list[tuple[str, str]]) -> int:
    """How often a record's older figure came after its newer one, repeats under an id that was told before aside."""
    newest: dict[str, float] = {}
    seen: set[str] = set()
    late = 0
    for message_id, body in found:
        if message_id in seen:
            continue
        seen.add(message_id)
        for change in json.loads(body)["changes"]:
            record, value = change["record"]["metric"], change["after"]["value"]
            late += value < newest.get(record, value)
            newest[record] = max(value, newest.get(record, value))
    return late


if __name__ == "__main__":
    main()
