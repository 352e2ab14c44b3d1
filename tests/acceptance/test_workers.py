"""Many machines, played by processes on one: schedulers, workers and pages that share a real PostgreSQL."""

import itertools
import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from alerts.watch_health import MISSED_AFTER
from monitor.parts_watch import SINCE_FACT
from storage import feeds, meta, parts
from storage.database import Database
from storage.records import Feed
from tests.support.commandline import CommandLine, RunningService, free_port, hook_channel, seed, settings
from tests.support.outlet import Outlet
from tests.support.postgres import Postgres
from tests.support.receiver import Answer, Call, Receiver
from tests.support.webserver import Reply, Request, WebServer

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(300)]

_numbers = itertools.count(1)
DESK = """timeout = "60s"

[[subscriptions]]
name = "desk"
channels = ["hook"]
kinds = ["first", "raised"]
group_wait = "1s"
"""


class Machines:
    """A folder with settings and seeds that all machines share, and the database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.line = CommandLine(folder, STORYWATCH_DATABASE_URL=url)
        self.database = Database(url)
        self._stack = ExitStack()

    def prepare(self, seeds: dict[str, str], *, more: str = "", pause: str = "0s") -> None:
        """Write settings and a seed with these feeds, and make the schema."""
        self.line.write("seeds/unrest.toml", seed("unrest", seeds))
        text = settings(port=free_port(), more=more).replace("host_pause = 0", f'host_pause = "{pause}"')
        self.line.write("storywatch.toml", text)
        done = self.line.run("db", "upgrade")
        assert done.returncode == 0, done.stderr
        assert "the queue of the workers is made" in done.stdout

    def start(self, name: str, *arguments: object) -> RunningService:
        """Start a part; it is stopped with the test."""
        return self._stack.enter_context(self.line.part(name, *arguments))

    def worker(self, name: str, *arguments: object) -> RunningService:
        """Start a worker and wait until it takes work."""
        worker = self.start(name, "worker", *arguments)
        worker.wait_for("working on ")
        return worker

    def feed(self, number: int = 1) -> Feed:
        """A feed as it stands."""
        with self.database.read() as session:
            return feeds.get_feed(session, number)

    def close(self) -> None:
        """Stop all parts."""
        self._stack.close()
        self.database.close()


@pytest.fixture
def machines(postgres: Postgres, tmp_path: Path) -> Iterator[Machines]:
    name = f"machines_{next(_numbers)}_{os.getpid()}"
    made = Machines(tmp_path, postgres.create(name))
    yield made
    made.close()
    postgres.drop(name)


def kill(part: RunningService) -> None:
    part.process.kill()
    part.process.wait()


def seconds_until(condition: Callable[[], bool], *, most: float) -> float:
    """How long it took; fails after `most`."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < most, f"not within {most} s"
        time.sleep(0.05)
    return time.monotonic() - began


def test_two_workers_never_ask_one_host_at_once_and_let_it_rest(machines: Machines) -> None:
    """The server's own log is the witness: feeds and pages of one host through two workers, 0.2 s apart."""
    with WebServer() as site:
        outlet = Outlet(site)
        for number in range(4):
            outlet.publish(
                f"a{number}", f"Riots in Harbour City, day {number}", f"Unrest left {number + 40} people dead."
            )
        for number in range(12):
            site.add(f"/feed{number}", Reply(body=b"<rss version='2.0'><channel/></rss>", after_seconds=0.05))
        named = {f"S{number}": site.url(f"/feed{number}") for number in range(12)}
        machines.prepare({**named, "Good": site.url("/feed")}, pause="200ms")
        first, second = machines.worker("one"), machines.worker("two")
        machines.start("lead", "scheduler")
        first.wait_for(lambda: len(site.requests) > 40)
        assert second.exit_code is None
        moments = [request.at for request in site.requests]
        assert site.most_at_once == 1
        gaps = [after - before for before, after in itertools.pairwise(moments)]
        assert min(gaps) >= 0.19, f"only {min(gaps):.3f} s between two requests"


def test_what_a_killed_worker_was_doing_is_done_by_another_within_half_a_minute(machines: Machines) -> None:
    with WebServer() as site:
        site.add("/feed", Reply(body=b"", after_seconds=60))
        machines.prepare({"Slow": site.url("/feed")})
        first = machines.worker("one")
        machines.start("lead", "scheduler")
        first.wait_for(lambda: site.asked("/feed") == 1)
        machines.worker("two")
        site.add("/feed", Reply(body=b"<rss version='2.0'><channel/></rss>"))
        kill(first)
        took = seconds_until(lambda: machines.feed().last_success_at is not None, most=30)
        assert took < 30


def test_a_delivery_that_a_killed_worker_was_sending_comes_from_another_under_the_same_id(machines: Machines) -> None:
    with WebServer() as site, Receiver() as hook:
        Outlet(site).publish("a", "Riots in Harbour City", "The unrest left 44 people dead, the Health Ministry said.")
        hook.answers = [Answer(hangs=True), Answer()]
        machines.prepare({"Good": site.url("/feed")}, more=hook_channel(hook.url) + DESK)
        first = machines.worker("one")
        machines.start("lead", "scheduler")
        first.wait_for(lambda: len(hook.calls) == 1)
        machines.worker("two")
        kill(first)
        seconds_until(lambda: len(hook.calls) > 1, most=30)
        assert len(set(hook.ids())) == 1


def test_an_endpoint_that_hangs_keeps_no_worker_from_other_work(machines: Machines) -> None:
    def hang(_call: Call) -> Answer:
        return Answer(hangs=True)

    with WebServer() as site, Receiver() as hook:
        outlet = Outlet(site)
        outlet.publish("a", "Riots in Harbour City", "The unrest left 44 people dead, the Health Ministry said.")
        hook.answers = hang
        machines.prepare({"Good": site.url("/feed")}, more=hook_channel(hook.url) + DESK)
        worker = machines.worker("one", "--concurrency", "2")
        machines.start("lead", "scheduler")
        worker.wait_for(lambda: bool(hook.calls))
        polls = site.asked("/feed")
        worker.wait_for(lambda: site.asked("/feed") >= polls + 3)


def test_a_second_scheduler_takes_over_when_the_first_dies_or_stands_still(machines: Machines) -> None:
    def answer(_request: Request) -> Reply:
        return Reply(body=b"<rss version='2.0'><channel/></rss>")

    with WebServer() as site:
        site.add("/feed", answer)
        machines.prepare({"Good": site.url("/feed")})
        worker = machines.worker("worker")
        first = machines.start("first", "scheduler")
        first.wait_for("leading; watching 1 stories, 1 feeds")
        second = machines.start("second", "scheduler")
        second.wait_for("another scheduler leads")
        kill(first)
        seconds_until(lambda: "leading; watching" in second.log, most=10)
        third = machines.start("third", "scheduler")
        third.wait_for("another scheduler leads")
        second.process.send_signal(signal.SIGSTOP)
        try:
            seconds_until(lambda: "leading; watching" in third.log, most=25)
        finally:
            second.process.send_signal(signal.SIGCONT)
        second.wait_for("no longer leading")
        polls = site.asked("/feed")
        worker.wait_for(lambda: site.asked("/feed") > polls + 1)


def test_stories_that_are_added_while_workers_run_are_matched_at_once(machines: Machines) -> None:
    with WebServer() as site:
        Outlet(site).publish("a", "Riots in Harbour City", "The unrest left 44 people dead, the Health Ministry said.")
        machines.prepare({})
        worker = machines.worker("one")  # before any story is known
        machines.line.write("seeds/unrest.toml", seed("unrest", {"Good": site.url("/feed")}))
        machines.start("lead", "scheduler")
        worker.wait_for("unrest: killed first")


def parts_of(machines: Machines) -> list[tuple[str, bool, bool]]:
    """Role, whether it lives, whether it leads, of all parts that `storywatch status` knows."""
    done = machines.line.run("status", "--json")
    assert done.returncode == 0, done.stderr
    return [(one["role"], one["live"], one["leads"]) for one in json.loads(done.stdout)["parts"]]


def test_status_tells_who_lives_and_who_leads_and_forgets_who_ended_in_order(machines: Machines) -> None:
    machines.prepare({})
    first = machines.start("lead", "scheduler")
    first.wait_for("leading; ")
    second = machines.start("second", "scheduler")
    second.wait_for("another scheduler leads")
    one, two = machines.worker("one"), machines.worker("two", "--queues", "polls")
    machines.start("page", "page").wait_for("the page is at http://")
    live = [("scheduler", True), ("scheduler", True), ("worker", True), ("worker", True), ("page", True)]
    first.wait_for(lambda: [part[:2] for part in parts_of(machines)] == live)
    assert sum(leads for _, _, leads in parts_of(machines)) == 1
    one.stop()
    kill(two)
    kill(first)
    second.wait_for("leading; ")
    known = json.loads(machines.line.run("status", "--json").stdout)["parts"]
    assert [one["takes"] for one in known if one["role"] == "worker"] == [["polls"]], "who ended in order is forgotten"
    second.wait_for(lambda: [leads for role, _, leads in parts_of(machines) if role == "scheduler"].count(True) == 1)


def test_the_desk_is_told_by_the_scheduler_that_no_worker_lives(machines: Machines) -> None:
    with Receiver() as hook:
        told = hook_channel(hook.url) + DESK.replace('"first", "raised"', '"health"')
        machines.prepare({"Good": "http://127.0.0.1:9/feed"}, more=told)
        # As if the workers had been seen missing for some minutes.
        with machines.database.write() as session:
            missed_at = (parts.database_time(session) - MISSED_AFTER).isoformat()
            meta.set_fact(session, SINCE_FACT, json.dumps({"workers": missed_at}))
        lead = machines.start("lead", "scheduler")
        lead.wait_for(lambda: bool(hook.calls))
        (change,) = json.loads(hook.calls[0].body)["changes"]
        assert (change["reason"], change["subject_of"]) == ("workers_gone", "workers")
        assert "polls 1" in change["reason_text"]


def test_the_page_alone_serves_what_workers_found(machines: Machines) -> None:
    with WebServer() as site:
        Outlet(site).publish("a", "Riots in Harbour City", "The unrest left 44 people dead, the Health Ministry said.")
        machines.prepare({"Good": site.url("/feed")})
        worker = machines.worker("one")
        machines.start("lead", "scheduler")
        worker.wait_for("unrest: killed first")
        machines.start("page", "page").wait_for("the page is at http://")
        assert machines.line.run("healthcheck").stdout.strip() == "ready"


def test_a_worker_asks_an_approver_by_a_link_that_the_page_knows_without_a_shared_secret(machines: Machines) -> None:
    with WebServer() as site, Receiver() as hook:
        Outlet(site).publish("a", "Riots in Harbour City", "The unrest left 44 people dead, the Health Ministry said.")
        asking = hook_channel(hook.url) + DESK + 'hold = ["first"]\napprovers = ["hook"]\n'
        port = str(free_port())
        machines.line.environment |= {
            "STORYWATCH_WEB__PORT": port, "STORYWATCH_WEB__BASE_URL": f"http://127.0.0.1:{port}",
        }  # fmt: skip
        machines.prepare({"Good": site.url("/feed")}, more=asking)
        worker = machines.worker("one")
        machines.start("lead", "scheduler")
        machines.start("page", "page").wait_for("the page is at http://")
        worker.wait_for(lambda: bool(hook.calls))
        (asked,) = (json.loads(call.body) for call in hook.calls)
        assert asked["asks_approval"]
        with urllib.request.urlopen(asked["changes"][0]["links"]["approve"], timeout=10) as answer:
            assert "44" in answer.read().decode()


def test_workers_outlive_a_restart_of_the_database(machines: Machines, postgres: Postgres) -> None:
    with WebServer() as site:
        site.add("/feed", Reply(body=b"<rss version='2.0'><channel/></rss>"))
        machines.prepare({"Good": site.url("/feed")})
        worker = machines.worker("one")
        lead = machines.start("lead", "scheduler")
        worker.wait_for(lambda: site.asked("/feed") > 1)
        name = machines.database.engine.url.database
        postgres.command(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        polls = site.asked("/feed")
        worker.wait_for(lambda: site.asked("/feed") > polls + 3)
        assert lead.exit_code is None


def test_two_workers_stop_in_order_when_they_are_asked_to(machines: Machines) -> None:
    machines.prepare({})
    worker = machines.worker("one")
    lead = machines.start("lead", "scheduler")
    lead.wait_for("leading")
    worker.stop()
    lead.stop()
    assert (worker.exit_code, lead.exit_code) == (0, 0)
    assert "Traceback" not in worker.log + lead.log
