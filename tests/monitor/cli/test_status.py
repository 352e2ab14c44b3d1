"""`storywatch status --watch`: a screen that fits its terminal, says what is due and what moved, and ends at Ctrl-C."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.cli.status import Status, draw, show_age
from storage.liveness import Heard, Part
from storage.records import Figure, RecordKey, RevisionKind
from tests.support.commandline import PROGRAM, CommandLine, free_port, seed, settings
from tests.support.stored import HOUR, NOON, revision

STATUS = Status(
    now=NOON,
    database="postgresql+psycopg://storywatch@a-database-server.with-a-long-name.example.org:5432/storywatch",
    stories={f"story-{n}": "active" if n else "closed" for n in range(40)},
    feeds=2_000,
    failing=("https://news.example/a-feed-with-a-very-long-address/of/its/own/rss.xml?language=en&section=world", "u"),
    next_poll=NOON + timedelta(minutes=4),
    articles=1_234_567,
    revisions=81,
    deliveries={"delivered": 80, "dead": 1},
    due={"polls": (3, NOON - 5 * HOUR), "pages": (0, None), "rereads": (0, None), "deliveries": (0, None)},
    changes=tuple(
        revision(
            f"r{n}",
            key=RecordKey(story="a-story-with-a-very-long-name", metric="state_of_emergency", population="role=police"),
            kind=RevisionKind.STATE_CHANGED,
            after=Figure(state="declared_in_the_whole_country"),
        )
        for n in range(100)
    ),
)


def part(role: str, place: str, *, silent: int, leads: bool = False) -> Heard:
    one = Part(role=role, place=place, since=NOON, leads_since=NOON if leads else None)
    silence = timedelta(seconds=silent)
    return Heard(part=one, heard_at=NOON - silence, silence=silence)


PARTS = (
    part("scheduler", "a:9", silent=2, leads=True),
    part("scheduler", "b:9", silent=5),
    part("worker", "a:1", silent=3),
    part("worker", "b:1", silent=250),
)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60), (40, 20)])
def test_the_screen_fits_the_terminal(width: int, height: int) -> None:
    shown = replace(STATUS, parts=PARTS * 9)
    lines = draw(shown, shown, width=width, height=height)
    assert max(line.cell_len for line in lines) <= width
    assert height - 1 <= len(lines) <= height


def test_what_is_due_and_what_came_since_is_said() -> None:
    first = replace(STATUS, now=NOON - timedelta(minutes=12), articles=STATUS.articles - 5)
    text = "\n".join(line.plain for line in draw(STATUS, first, width=100, height=24, trouble="the server is away"))
    for words in ("polls             3  5 h", "articles      1,234,567  +5", "in 12 min", "39 active, 1 closed",
                  "2 failing, next poll in 4 min", "the server is away", "state changed", "Ctrl-C ends this"):  # fmt: skip
        assert words in text


def test_who_lives_who_leads_and_who_is_silent_is_said() -> None:
    text = "\n".join(line.plain for line in draw(replace(STATUS, parts=PARTS), STATUS, width=120, height=40))
    assert re.search(r"^scheduler +2 live: b:9 5 s ago, a:9 leads, 2 s ago$", text, re.MULTILINE)
    assert re.search(r"^worker +1 live: b:1 silent, 4 min ago, a:1 3 s ago$", text, re.MULTILINE)
    assert "nobody leads" not in text
    without = "\n".join(line.plain for line in draw(replace(STATUS, parts=PARTS[1:]), STATUS, width=120, height=40))
    assert "1 scheduler, 1 worker, 1 silent, nobody leads, so that nothing is polled" in without
    nobody = "\n".join(line.plain for line in draw(STATUS, STATUS, width=120, height=40))
    assert "nobody, so that nothing is polled" in nobody


def test_ages_are_said_in_the_largest_unit() -> None:
    assert [show_age(timedelta(seconds=s)) for s in (-1, 0, 45, 720, 10_800, 432_000)] == [
        "0 s", "0 s", "45 s", "12 min", "3 h", "5 d",
    ]  # fmt: skip


def _take_terminal() -> None:
    """Own the terminal, and heed Ctrl-C: whoever starts the tests in the background has it ignored for all below."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_it_is_drawn_on_a_real_terminal_and_ends_well_at_ctrl_c(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.write("seeds/unrest.toml", seed("unrest", {}))
    line.write("storywatch.toml", settings(port=free_port()))
    assert line.run("db", "upgrade").returncode == 0
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {name: value for name, value in line.environment.items() if name not in ("COLUMNS", "NO_COLOR")}
    process = subprocess.Popen(
        [str(PROGRAM), "status", "--watch"], cwd=tmp_path, env=environment | {"TERM": "xterm"}, stdin=theirs,
        stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=_take_terminal,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while b"no changes yet" not in seen:
        seen += os.read(ours, 65_536)
    os.write(ours, b"\x03")
    try:
        while more := os.read(ours, 65_536):
            seen += more
    except OSError:
        pass  # the terminal's other end is closed: the program has ended
    assert process.wait(timeout=30) == 0
    os.close(ours)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode())
    assert "Traceback" not in plain
