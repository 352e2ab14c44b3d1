"""The queue in its own schema, and the turns of hosts over processes, on a real PostgreSQL; and that nobody else needs them."""

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psycopg
import pytest

from monitor.dealing import host_of
from monitor.distributed import dispatcher_name, worker_of
from monitor.forgotten import UnderWay
from monitor.queueing import POLLS, Piece, Queue, conninfo_of, prepare_queue
from monitor.sources.shared_hosts import SharedPacer
from storage.errors import DatabaseError, SettingsError
from tests.support.commandline import CommandLine
from tests.support.postgres import Postgres

_numbers = itertools.count(1)


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    name = f"queue_{next(_numbers)}"
    address = postgres.create(name)
    prepare_queue(address)
    yield address
    postgres.drop(name)


def piece(number: int) -> Piece:
    return Piece(queue=POLLS, task="poll", key=f"poll:{number}", what={"feed_id": number}, host="example.org")


@pytest.mark.postgres
def test_the_queue_is_made_once_and_anew_for_another_version(url: str) -> None:
    assert not prepare_queue(url)
    with psycopg.connect(conninfo_of(url)) as connection:
        connection.execute("COMMENT ON SCHEMA storywatch_queue IS '0 procrastinate 2.0'")
    assert prepare_queue(url)
    assert not prepare_queue(url)


@pytest.mark.postgres
def test_a_piece_of_work_waits_once_whoever_hands_it_out(url: str) -> None:
    async def hand_out() -> tuple[int, int, frozenset[str]]:
        async with Queue(url) as one, Queue(url) as other:
            first = await one.defer([piece(1), piece(2)])
            second = await other.defer([piece(2), piece(3)])
            return first, second, await one.list_live()

    assert asyncio.run(hand_out()) == (2, 1, frozenset({"poll:1", "poll:2", "poll:3"}))


@pytest.mark.postgres
def test_what_a_silent_worker_holds_is_dropped_so_that_it_can_be_handed_out_again(url: str) -> None:
    async def reap() -> tuple[int, int, frozenset[str]]:
        async with Queue(url) as queue:
            await queue.defer([piece(1)])
            number = await queue.app.job_manager.register_worker()
            job = await queue.app.job_manager.fetch_job(queues=[POLLS], worker_id=number)
            assert job is not None
            untouched = await queue.reap()
            assert (untouched.workers, untouched.jobs) == ((), 0)
            with psycopg.connect(conninfo_of(url)) as connection:
                connection.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '13 seconds'")
            reaped = await queue.reap()
            return len(reaped.workers), reaped.jobs, await queue.list_live()

    assert asyncio.run(reap()) == (1, 1, frozenset())


@pytest.mark.postgres
def test_a_piece_that_ended_while_the_queue_was_away_does_not_hold_its_host_for_ever(url: str) -> None:
    async def go() -> list[tuple[int, frozenset[str]]]:
        async with Queue(url) as queue:
            await queue.defer([piece(1)])
            worker = await queue.app.job_manager.register_worker()
            under_way, seen = UnderWay(), []

            async def look() -> None:
                seen.append((await under_way.look(queue), await queue.list_live()))

            job = await queue.app.job_manager.fetch_job(queues=[POLLS], worker_id=worker)
            assert job is not None
            under_way.begin(worker, job.id)
            await look()
            await look()
            under_way.end(job.id)  # and nobody tells the queue
            await look()
            await look()
            return seen

    held, free = frozenset({"poll:1"}), frozenset[str]()
    assert asyncio.run(go()) == [(0, held), (0, held), (0, held), (1, free)]


@pytest.mark.postgres
def test_a_queue_that_cannot_be_reached_says_so_in_words() -> None:
    with pytest.raises(DatabaseError, match="the queue cannot be used"):
        prepare_queue("postgresql+psycopg://nobody@127.0.0.1:1/nothing")


@pytest.mark.postgres
def test_turns_of_a_host_are_apart_over_processes_and_those_of_others_are_not(url: str) -> None:
    spans: list[tuple[str, float, float]] = []

    async def ask(pacer: SharedPacer, host: str) -> None:
        async with pacer.turn(host):
            began = time.monotonic()
            await asyncio.sleep(0.02)
            spans.append((host, began, time.monotonic()))

    async def main() -> None:
        rng = Random(1)
        async with (
            SharedPacer(conninfo_of(url), rng=rng, pause=0.1) as one,
            SharedPacer(conninfo_of(url), rng=rng, pause=0.1) as other,
        ):
            await asyncio.gather(
                *(ask(pacer, host) for host in ("a.example", "b.example") for pacer in (one, other) * 3)
            )

    asyncio.run(main())
    for host in ("a.example", "b.example"):
        mine = sorted((began, ended) for name, began, ended in spans if name == host)
        assert len(mine) == 6
        assert all(after[0] - before[1] >= 0.095 for before, after in itertools.pairwise(mine))


@pytest.mark.postgres
def test_a_crawl_delay_that_one_process_learned_holds_for_all(url: str) -> None:
    async def main() -> float:
        async with (
            SharedPacer(conninfo_of(url), rng=Random(1)) as one,
            SharedPacer(conninfo_of(url), rng=Random(2)) as other,
        ):
            one.set_crawl_delay("a.example", 0.3)
            async with one.turn("a.example"):
                began = time.monotonic()
            async with other.turn("a.example"):
                waited = time.monotonic() - began
            assert other.pause_of("a.example") == 0.3
            return waited

    assert asyncio.run(main()) >= 0.28


@pytest.mark.postgres
def test_a_turn_whose_session_the_server_ended_is_an_error_and_the_next_one_is_had(url: str) -> None:
    async def main() -> None:
        async with SharedPacer(conninfo_of(url), rng=Random(1)) as pacer:
            async with pacer.turn("a.example"):
                pass
            with psycopg.connect(conninfo_of(url), autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            with pytest.raises(DatabaseError, match=r"the turn of a\.example cannot be had"):
                async with pacer.turn("a.example"):
                    pytest.fail("nobody may be asked without a turn")
            async with pacer.turn("a.example"):
                pass

    asyncio.run(main())


def test_hosts_of_addresses() -> None:
    assert host_of("https://News.Example.org:8443/feed?x=1") == "news.example.org"
    assert host_of("http://[::1]:80/") == "::1"
    assert host_of("no address") == ""
    assert host_of("http://[") == ""


def test_a_dispatcher_of_a_worker_is_known_by_its_name() -> None:
    assert worker_of(dispatcher_name(12)) == 12
    assert worker_of("host.example:run") is None
    assert worker_of("worker-x") is None


def test_the_address_of_another_kind_of_database_is_refused_in_words() -> None:
    with pytest.raises(SettingsError, match="'storywatch run' does all in one process"):
        conninfo_of("sqlite:///data/storywatch.db")


def test_passwords_with_odd_letters_reach_the_server_whole() -> None:
    parts = psycopg.conninfo.conninfo_to_dict(conninfo_of("postgresql+psycopg://u:p%40%20w'@h:5433/n?sslmode=require"))
    assert (parts["password"], parts["sslmode"], parts["dbname"]) == ("p@ w'", "require", "n")


def test_one_process_needs_neither_postgresql_nor_the_queue(tmp_path: Path) -> None:
    """The command line works without the extra's packages, and says what is missing where they are needed."""
    line = CommandLine(tmp_path)
    code = (
        "import sys\n"
        "for name in ('procrastinate', 'psycopg', 'psycopg_pool'): sys.modules[name] = None\n"
        "from monitor.cli.main import main\n"
        "sys.argv[1:] = {arguments!r}\n"
        "main()\n"
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code.format(arguments=list(arguments))]
        return subprocess.run(command, cwd=tmp_path, env=line.environment, capture_output=True, text=True, timeout=60)

    (tmp_path / "seeds").mkdir()
    assert run("db", "upgrade").returncode == 0
    assert run("status").returncode == 0
    for command in ("worker", "scheduler"):
        done = run(command)
        assert done.returncode == 1
        assert "the `scale` extra is not installed" in done.stderr


def test_workers_refuse_a_file_as_their_database(tmp_path: Path) -> None:
    for command in ("worker", "scheduler"):
        done = CommandLine(tmp_path).run(command)
        assert done.returncode == 1
        assert "many processes share a PostgreSQL" in " ".join(done.stderr.split())
