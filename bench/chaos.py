"""Faults under load: what is lost, doubled or late, against the site's own list of truth.

python -m bench.chaos [--seconds 20 | --minutes 10] [--kill-minutes 10] [--fault NAME …]
                      [--out FILE] [--keep FOLDER] [--seed 1]
make chaos                                                             all faults, written to docs/reliability.md

A scheduler and two workers share a real PostgreSQL and poll a news site on loopback that publishes and edits articles
all the time, while one fault after another is done to them. Then everything is given time to settle, and is counted.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from bench.chaos_count import LATE, Count, Witness, count, missing, unsettled
from bench.chaos_faults import DISK_MEGABYTES, FAULTS, STARTING_KILLED, Fault
from bench.chaos_world import (
    HOOK_HOST,
    HOSTS,
    NAMES,
    STORIES,
    Clock,
    Kills,
    Names,
    Namespace,
    Parts,
    Road,
    Site,
    World,
    is_able,
    small_disk,
)
from bench.harbours import harbour_seed
from tests.support.commandline import CommandLine, free_port, hook_channel, settings
from tests.support.postgres import running_postgres
from tests.support.receiver import Receiver
from tests.support.webserver import WebServer

# All is given time to settle for as long as something moves, and no longer than this: on a loaded machine what was
# published during ten minutes of kills takes as long again to read, and what still waits its turn is not lost.
SETTLE = 1200.0
STILL = 180.0
DESK = """
[[subscriptions]]
name = "desk"
channels = ["hook"]
kinds = ["first", "raised", "edited"]
group_wait = "1s"
group_interval = "1s"
"""


def suffer(name: str, *, seconds: int, seed: int, able: bool, keep: Path | None) -> Count:
    """Run everything under one fault, let it settle, and count; what ends badly leaves logs and a dump in `keep`."""
    fault = FAULTS[name]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storywatch-chaos-")))
        folder.chmod(0o755)  # the database's own user has to pass through to a small disk
        disk = stack.enter_context(small_disk(folder, DISK_MEGABYTES)) if fault.needs == "disk" else None
        postgres = stack.enter_context(
            running_postgres(place=str(disk or "/tmp"), max_connections="60", listen_addresses="0.0.0.0")
        )
        web = stack.enter_context(WebServer(host="0.0.0.0"))
        hook = stack.enter_context(Receiver(host="0.0.0.0"))
        url = postgres.create("chaos")
        line = CommandLine(folder, STORYWATCH_DATABASE_URL=url)
        names = Names(folder) if able else None
        site = Site(web, HOSTS if names else [f"127.0.0.{number + 2}" for number in range(STORIES)])
        write_settings(line, site, hook.url.replace("127.0.0.1", HOOK_HOST) if names else hook.url)
        done = line.run("db", "upgrade")
        if done.returncode:
            raise SystemExit(done.stderr)
        clock = Clock(folder / "clock")
        stack.callback(clock.close)
        parts = Parts(line, names.command() if names else ())
        world = World(
            parts=parts, site=site, clock=clock, postgres=postgres, rng=Random(seed), names=names, disk=disk
        )  # fmt: skip
        prepare(world, fault, line, folder, url, stack)
        stack.callback(parts.close)
        for part in ("scheduler", "worker", "worker "):
            parts.start(part, part.strip())
        witness = stack.enter_context(Witness(url))
        site.publish(0, "first", 5)
        wait_until(lambda: missing(witness, site.truth) == 0, 180)
        play(world, fault, seconds)
        settled = settle(parts, lambda: (missing(witness, site.truth), unsettled(url)))
        time.sleep(1.0)  # what was sent again arrives again
        found = count(name, url, site.truth, witness, hook, logs=parts.logs())
        if found.is_bad and keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{name}.log").write_text(parts.logs(), encoding="utf-8")
            postgres.dump("chaos", keep / f"{name}.sql")
        return replace(found, seconds=seconds, settled=round(settled), kills=world.kills)


def write_settings(line: CommandLine, site: Site, hook: str) -> None:
    """One story an outlet, a poll a second, and one receiver."""
    for number in range(STORIES):
        feed = site.url(number, f"/{number}/feed")
        line.write(f"seeds/s{number}.toml", harbour_seed(number, f"Harbour {NAMES[number]}", feed=feed))
    line.write("storywatch.toml", settings(port=free_port(), more=hook_channel(hook) + DESK))


def prepare(world: World, fault: Fault, line: CommandLine, folder: Path, url: str, stack: ExitStack) -> None:
    """Make what the fault needs, before any part is started."""
    if fault.needs == "road":
        world.road = Road(world.postgres.port)
        stack.callback(world.road.close)
        line.environment["STORYWATCH_DATABASE_URL"] = url.replace(f":{world.postgres.port}/", f":{world.road.port}/")
    if fault.needs == "namespace":
        world.namespace = Namespace(folder, world.postgres)
        stack.callback(world.namespace.close)
        there = {"STORYWATCH_DATABASE_URL": url.replace("127.0.0.1", world.namespace.url_host)}
        world.parts.place("worker ", world.namespace.command(), there)


def play(world: World, fault: Fault, seconds: int) -> None:
    """Publish two articles and edit one a second, with a fault at the same time."""
    figure = 10
    for second in range(seconds):
        ends = time.monotonic() + 1
        for _ in range(2):
            figure += world.rng.randint(1, 9)
            number = figure % STORIES
            world.site.publish(number, f"r{second}-{figure}", figure)
        edited = world.rng.choice(sorted(world.site.truth.versions))
        figure += world.rng.randint(1, 9)
        world.site.publish(int(edited.split("/")[-2]), edited.split("/")[-1], figure)
        fault.do(world, second % 20)  # each is made to last 20 s, and done again in a longer run
        world.parts.restart_dead()
        time.sleep(max(0.0, ends - time.monotonic()))


def settle(parts: Parts, left: Callable[[], tuple[int, int]]) -> float:
    """Wait until nothing is `left`, or until nothing of it has moved for long; returns for how many seconds."""
    began = moved = time.monotonic()
    before = left()
    while any(before) and time.monotonic() - moved < STILL and time.monotonic() - began < SETTLE:
        parts.restart_dead()
        time.sleep(0.5)
        if (now := left()) != before:
            before, moved = now, time.monotonic()
    return time.monotonic() - began


def wait_until(condition: Callable[[], bool], most: float) -> None:
    """Wait for a condition. SystemExit if it does not hold within `most` seconds."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > most:
            raise SystemExit(f"the parts did not begin to work within {most:.0f} s")
        time.sleep(0.5)


COLUMNS = (
    "fault", "for", "complaints", "published", "texts", "lost", "doubled", "late", "settled", "unread", "messages",
    "untold", "repeated",
)  # fmt: skip
HEAD = """# What faults do

Written by `{command}`: a scheduler and two workers on a real PostgreSQL
poll four outlets on loopback that publish two articles a second and edit one, for the seconds told in the table, while
a fault is done to them (what lasts 20 s is done again in a longer run); then all has time to settle, for as
long as anything moves in {still:.0f} s.
What the site published is the truth that is counted against. Last run: {when}, {cores} cores, load average {load:.0f}
(where it is far above the number of cores, a process takes some 10 s to start, and more is late), seed {seed}.

"""
TAIL = """
- **complaints**: warnings and errors in the logs of all parts: whether the fault was felt.
- **lost**: articles whose last text is not stored. **doubled**: an article or a text of it stored twice. **late**: the
  last text was seen in the database more than {late:.0f} s after it appeared, by a clock that nobody steps.
- **settled**: when all stood in the database and all messages had been sent, after the last text was published.
- **unread**: articles stored without the claim that their text makes. **messages**: different ones that arrived.
- **untold**: changes without the alert that is due for them, alerts that were planned and messages that did not
  arrive. **repeated**: messages that arrived again, under the id that they had before: delivery is at least once, and
  receivers drop what they know by its id.
- A text that was replaced before it was read is not lost: nobody could have read it.
- Parts that end are started again, as a service manager would. A PostgreSQL whose disk filled up may end itself; it is
  started again when there is room.
{more}
Kills for ten minutes and 20 s of each other fault: `make chaos ARGS="--kill-minutes 10"`; ten minutes of each:
`make chaos ARGS="--minutes 10"`.
"""


def tell_kills(one: Count) -> str:
    """What was killed: a kill counts as one under load where the part had come up, since before it does nothing."""
    kills = one.kills or Kills()
    return (
        f"- Killed at random in the {one.seconds} s: {kills.at_work} times a part that had come up and was at work, "
        f"{kills.starting} times one\n  that was still starting (of those drawn then, one in {STARTING_KILLED} is "
        f"killed, or nothing would come to work on a\n  loaded machine), {kills.database} times a process of "
        "PostgreSQL.\n"
    )


def main() -> int:
    """Run the faults and write the table; 1 if anything was lost, doubled, unread or untold."""
    options = arguments()
    able = is_able()
    seconds = round(options.minutes * 60) or options.seconds
    kill_seconds = round(options.kill_minutes * 60) or seconds
    chosen = options.fault or list(FAULTS)
    undone = [] if able else [name for name in chosen if FAULTS[name].needs not in ("", "road")]
    counts = []
    for name in chosen:
        if name not in undone:
            length = kill_seconds if name == "kill" else seconds
            one = suffer(name, seconds=length, seed=options.seed, able=able, keep=options.keep)
            counts.append(one)
            print(one, flush=True)
    head = HEAD.format(
        command=f"python -m bench.chaos {' '.join(sys.argv[1:])}".strip(), still=STILL, when=datetime.now(UTC).date(),
        cores=os.cpu_count(), load=os.getloadavg()[2], seed=options.seed,
    )  # fmt: skip
    told = f"- Not done, for want of root's rights here: {', '.join(undone)}.\n" if undone else ""
    told += "".join(tell_kills(one) for one in counts if one.fault == "kill")
    head += f"| {' | '.join(COLUMNS)} |\n{'| --- ' * len(COLUMNS)}|\n"
    text = head + "".join(one.row(FAULTS[one.fault].words) for one in counts) + TAIL.format(late=LATE, more=told)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text)
    return int(any(one.is_bad for one in counts))


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20, help="how long each fault lasts (default 20)")
    parser.add_argument("--minutes", type=float, default=0.0, help="the same in minutes")
    parser.add_argument("--kill-minutes", type=float, default=0.0, help="how long processes are killed at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fault", action="append", choices=tuple(FAULTS))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--keep", type=Path, help="a folder for the logs and a dump of what ended badly")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
