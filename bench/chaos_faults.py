"""The faults that `make chaos` does. Each is called once a second while it lasts, with the number of the second."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import psycopg

from bench.chaos_world import World

# The machine's own disk would not be missed: a database on one of so many megabytes.
DISK_MEGABYTES = 220
# Of the parts that are drawn while they start, one in so many is killed then.
STARTING_KILLED = 4


@dataclass(frozen=True)
class Fault:
    """What is done, and what it needs: a small disk, a slow road or a namespace, or names of its own (all as root)."""

    words: str
    do: Callable[[World, int], None]
    needs: str = ""


def nothing(_world: World, _second: int) -> None:
    """Leave all alone."""


def kill_at_random(world: World, second: int) -> None:
    """Kill one of our parts, the page with them, or one of the database's own processes for them.

    What is drawn is killed, but for a part that is still starting: of those one in so many is. On a machine where a
    start takes longer than the time between two kills of a part, nothing would ever come to work, and be killed at it.
    """
    if "page" not in world.parts.running:
        world.parts.start("page", "page")
    if second % 3:
        return
    drawn = world.rng.choice([*sorted(world.parts.running), "database"])
    if drawn == "database":
        world.kills.database += _kill_backend(world)
    elif world.parts.is_up(drawn):
        world.parts.kill(drawn)
        world.kills.at_work += 1
    elif not world.rng.randrange(STARTING_KILLED):
        world.parts.kill(drawn)
        world.kills.starting += 1


def _kill_backend(world: World) -> bool:
    """Kill a process of the database that works for a part; False where there is none, or no database just now."""
    with contextlib.suppress(psycopg.Error), _connect(world, "chaos") as connection:
        row = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = 'chaos' AND pid <> pg_backend_pid() "
            "ORDER BY md5(pid::text || %s) LIMIT 1",
            (str(world.rng.random()),),
        ).fetchone()
        if row:
            _kill(int(row[0]))
            return True
    return False


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def restart_postgres(world: World, second: int) -> None:
    """Stop the server at once, twice."""
    if second in (4, 12):
        world.postgres.restart()


def take_all_connections(world: World, second: int) -> None:
    """End all sessions and take their places."""
    if second != 4:
        return
    taken = []
    world.postgres.command(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'chaos' AND pid <> pg_backend_pid()"
    )
    with contextlib.suppress(psycopg.Error):
        while len(taken) < 200:
            taken.append(_connect(world, "postgres"))
    time.sleep(8)
    for connection in taken:
        connection.close()


def _connect(world: World, name: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(f"postgresql://postgres@127.0.0.1:{world.postgres.port}/{name}")


def slow_down(world: World, second: int) -> None:
    """Hold up all that passes to and from the database."""
    assert world.road is not None
    world.road.pause = 0.05 if 2 <= second < 16 else 0.0


def fill_disk(world: World, second: int) -> None:
    """Fill the disk of the database to the last byte; free it, and start the server again if it gave up."""
    assert world.disk is not None
    filler = world.disk / "filler"
    if 3 <= second < 14:
        with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
            while file.write(b"x" * 65_536):
                pass
    elif second == 14:
        filler.unlink()
        try:
            world.postgres.command("SELECT 1")
        except psycopg.Error:
            world.postgres.restart()


def fail_names(world: World, second: int) -> None:
    """Let no name be resolved."""
    assert world.names is not None
    if second == 2:
        world.names.fail()
    if second == 17:
        world.names.mend()


def hang_half(world: World, second: int) -> None:
    """Let two of four hosts accept and say nothing."""
    if second == 3:
        world.site.hanging = {0, 1}
    if second == 15:
        world.site.hanging = set()


def step_clock(world: World, second: int) -> None:
    """Step the clock forth and back."""
    if second == 5:
        world.clock.offset = timedelta(hours=1)
    if second == 12:
        world.clock.offset = timedelta(0)


def two_schedulers(world: World, second: int) -> None:
    """Start a second scheduler, and let the first stand still for longer than its session lives."""
    if second == 0:
        world.parts.start("second scheduler", "scheduler")
    if second == 4:
        world.parts.running["scheduler"].send_signal(signal.SIGSTOP)
    if second == 18:
        world.parts.running["scheduler"].send_signal(signal.SIGCONT)


def cut_network(world: World, second: int) -> None:
    """Cut one worker's network off from the database, for longer than a silent worker is waited for."""
    assert world.namespace is not None
    if second == 2:
        world.namespace.cut()
    if second == 17:
        world.namespace.mend()


FAULTS = {
    "none": Fault("No fault: what is measured without any", nothing),
    "kill": Fault(
        "kill -9 of the scheduler, a worker, the page or a process of PostgreSQL at random, every 3 s", kill_at_random
    ),
    "restart": Fault("PostgreSQL stopped at once and started again, twice", restart_postgres),
    "slow": Fault("PostgreSQL slow: what goes to it and comes back is held up for 50 ms, for 14 s", slow_down, "road"),
    "connections": Fault("All sessions ended, and all connections taken by others for 8 s", take_all_connections),
    "disk": Fault("The disk of PostgreSQL full to the last byte, for 11 s", fill_disk, "disk"),
    "clock": Fault("The clock steps forth by an hour, and back again", step_clock),
    "dns": Fault("DNS fails: no name of an outlet or of the receiver can be resolved, for 15 s", fail_names, "names"),
    "hang": Fault("Half of the hosts accept and say nothing, for 12 s", hang_half),
    "schedulers": Fault(
        "A second scheduler; the first stands still (SIGSTOP) longer than its session lives, and goes on",
        two_schedulers,
    ),
    "cut": Fault(
        "The network cut between one worker (in a network namespace of its own) and the database, for 15 s",
        cut_network, "namespace",
    ),
}  # fmt: skip
