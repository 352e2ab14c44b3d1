"""A stranger's way from `git clone` to the first alert in mailbox and chat: the README's commands, as they stand there.

Only what says example.org or CHANGE_ME is replaced, as the README asks for. The environment lets loopback be reached and
polls come every second; the libraries are those of this test run, so that nothing is fetched from outside.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.support.commandline import PATIENCE, free_port
from tests.support.outlet import Outlet
from tests.support.receiver import Receiver
from tests.support.smtp import MailServer
from tests.support.webserver import WebServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HEADING = "## From `git clone` to the first alert in your mailbox and chat\n"
TOLL = (
    "Riots in Kazakhstan: the unrest in Almaty left {} people dead, the Health Ministry of Kazakhstan said on Sunday."
)


def steps() -> list[str]:
    """The shell examples of the README's section, one a step."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split(HEADING)[1].split("\n## ")[0]
    found = re.findall(r"^   ```sh\n(.*?)^   ```", section, flags=re.MULTILINE | re.DOTALL)
    return [re.sub(r"^   ", "", block, flags=re.MULTILINE) for block in found]


class Walker:
    """Types the steps into a shell, in a folder of its own."""

    def __init__(self, folder: Path, replaced: dict[str, str]) -> None:
        self.folder = folder
        self._replaced = replaced
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STORYWATCH_")}
        self.environment = kept | {
            "STORYWATCH_NETWORK__ALLOW_PRIVATE": "true",
            "STORYWATCH_POLLING__MIN_INTERVAL": "1s",
            "STORYWATCH_POLLING__MAX_INTERVAL": "1s",
            "STORYWATCH_POLLING__HOST_PAUSE": "0s",
            "STORYWATCH_WEB__PORT": str(free_port()),
            "COLUMNS": "80",
        }

    def filled(self, step: str) -> str:
        for example, real in self._replaced.items():
            step = step.replace(example, real)
        return step

    def type(self, step: str) -> str:
        """Run a step to its end; returns what it said."""
        done = subprocess.run(
            ["sh", "-e"], input=self.filled(step), cwd=self.folder, env=self.environment, capture_output=True, text=True,
            timeout=400, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{step}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, step: str) -> "subprocess.Popen[bytes]":
        """Begin a step that goes on until it is interrupted, in a group of processes of its own as a terminal has it."""
        log = (self.folder / "run.log").open("wb")
        with log:
            return subprocess.Popen(
                ["sh", "-e", "-c", step], cwd=self.folder, env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def lend_libraries(self) -> None:
        """Put this run's environment in the clone's place for it, newer than the lock files, as if it had been set up."""
        os.symlink(Path(sys.executable).parents[1], self.folder / ".venv")
        for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
            os.utime(self.folder / name, (0, 0))


def wait_for(condition: Callable[[], bool], what: Callable[[], str], patience: float = 2 * PATIENCE) -> None:
    until = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < until, what()
        time.sleep(0.05)


@pytest.fixture
def servers() -> Iterator[tuple[WebServer, MailServer, Receiver]]:
    with WebServer() as site, MailServer(login=("you@example.org", "hunter2")) as mail, Receiver() as chat:
        yield site, mail, chat


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_from_the_clone_to_the_first_alert(tmp_path: Path, servers: tuple[WebServer, MailServer, Receiver]) -> None:
    site, mail, chat = servers
    outlet = Outlet(site)
    article = outlet.publish("a", "Riots in Kazakhstan: 44 dead", TOLL.format(44), minutes_ago=90)
    walker = Walker(
        tmp_path,
        {
            "https://example.org/storywatch.git": f"file://{ROOT}",
            "https://example.org/article": article,
            "https://hooks.example.org/services/CHANGE_ME": chat.url,
            '"mail.example.org"': '"127.0.0.1"',
            "port = 587": f"port = {mail.port}",
            "'CHANGE_ME'": "'hunter2'",
        },
    )
    clone, tell, begin, check, watch = steps()
    get, change, demo = clone.splitlines()
    assert (change, demo, watch.strip()) == ("cd storywatch", "make demo", "make run")
    walker.type(f"{get} storywatch")
    walker.folder = tmp_path / "storywatch"
    walker.lend_libraries()
    walker.type(tell)

    assert "1 articles of this story" in walker.type(begin)
    assert (mail.mails, chat.calls) == ([], []), "history was told"

    assert "BAD" not in walker.type(check)
    assert "test" in mail.mails[0]["Subject"].lower()
    assert "test" in json.loads(chat.calls[0].body)["text"].lower()

    running = walker.start(watch)
    try:
        outlet.publish("b", "Kazakhstan unrest: toll rises", TOLL.format(164), minutes_ago=1)
        wait_for(
            lambda: len(mail.mails) > 1 and len(chat.calls) > 1,
            lambda: (walker.folder / "run.log").read_text(encoding="utf-8"),
        )
    finally:
        os.killpg(running.pid, signal.SIGINT)
        running.wait(timeout=PATIENCE)
    assert mail.recipients[1] == ["you@example.org"]
    assert "44 → 164" in mail.mails[1]["Subject"]
    assert "the Health Ministry of Kazakhstan said on Sunday" in " ".join(
        text_of(mail.mails[1]).replace(">", " ").split()
    )
    said = json.loads(chat.calls[1].body)
    assert "44 → 164" in said["text"]
    assert article.rpartition("/")[0] in json.dumps(said["blocks"])
    assert "stopped; nothing is lost" in (walker.folder / "run.log").read_text(encoding="utf-8")
