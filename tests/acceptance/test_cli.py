"""The installed command line on a store that a real service filled: tables, JSON, exit codes, pipes, errors in one line."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group
from typer.testing import CliRunner

from monitor.cli.main import app
from tests.acceptance.test_bad_input import CHANNELS, rows
from tests.support.commandline import PROGRAM, CommandLine, seed, settings
from tests.support.outlet import Outlet
from tests.support.receiver import Receiver, free_port
from tests.support.webserver import WebServer

# What a command that lists or shows things needs after its name, on the store that `filled` makes.
WORDS = {
    "search": ["dead"],
    "why": ["1"],
    "alerts why": ["{revision}"],
    "articles show": ["1"],
    "articles versions": ["1"],
    "stories show": ["good"],
    "claims history": ["killed"],
    "articles parse": ["page.html"],
    "feeds parse": ["feed.xml"],
    "feeds discover": ["{feed}"],
    "research positions": ["Health Ministry"],
    "searches run": ["riots"],
    "subscriptions show": ["desk"],
}
LINES = {"search", "searches run", "articles parse", "feeds parse"}  # a JSON document a line


def commands(group: TyperGroup, *names: str) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    for name, child in group.commands.items():
        if isinstance(child, TyperGroup):
            yield from commands(child, *names, name)
        elif isinstance(child, TyperCommand):
            yield (*names, name), child


COMMANDS = dict(commands(get_group(app)))
WITH_JSON = sorted(" ".join(name) for name, one in COMMANDS.items() if any("--json" in p.opts for p in one.params))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CommandLine, WebServer]]:
    """A folder in which a service ran: four articles, records that moved, alerts told and alerts that wait."""
    line = CommandLine(tmp_path_factory.mktemp("filled"))
    with WebServer() as site, Receiver() as hook:
        outlet = Outlet(site)
        outlet.publish("a", "Riots in Harbour City", "The unrest left 44 people dead, the Health Ministry said.")
        outlet.publish("b", "Harbour City: 164 dead", "The unrest left 164 people dead, the Health Ministry said.")
        feeds = {"Good": site.url("/feed"), "A source with a long name": site.url("/nowhere/of/a/long/address")}
        line.write("seeds/good.toml", seed("good", feeds))
        more = CHANNELS.format(mail_port=free_port(), hook=hook.url)
        line.write("storywatch.toml", settings(port=free_port(), more=more))
        with line.service("--look-seconds", "0.1") as service:
            service.wait_for("channel mail: ")
            service.wait_for(lambda: bool(hook.calls))
        line.run("searches", "save", "riots", "unrest")
        line.write("page.html", "<html><body><p>Words.</p></body></html>")
        line.write("feed.xml", "<rss version='2.0'><channel><title>T</title></channel></rss>")
        yield line, site


@pytest.mark.parametrize("name", [" ".join(name) for name in sorted(COMMANDS)])
def test_every_command_helps(name: str) -> None:
    done = CliRunner().invoke(app, [*name.split(), "--help"])
    assert done.exit_code == 0
    assert "Usage: " in done.output


@pytest.mark.parametrize("name", WITH_JSON)
def test_json_and_tables_of_every_listing(
    filled: tuple[CommandLine, WebServer], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process: starting the program for each would take minutes."""
    line, site = filled
    monkeypatch.chdir(line.folder)
    for variable in os.environ.keys() - line.environment.keys():
        monkeypatch.delenv(variable)
    monkeypatch.setenv("COLUMNS", "80")
    told = json.loads(CliRunner().invoke(app, ["alerts", "list", "--json"]).stdout)[0]["alert"]["revision_id"]
    words = [*name.split(), *(word.format(feed=site.url("/feed"), revision=told) for word in WORDS.get(name, []))]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == (name == "doctor"), done.output
    if name in LINES:
        assert all(isinstance(json.loads(one), dict) for one in done.stdout.splitlines())
    else:
        assert isinstance(json.loads(done.stdout), list | dict)
    table = CliRunner().invoke(app, words)
    assert table.exit_code == (name == "doctor")
    # Addresses and the troubles of feeds are never broken, so that they can be copied.
    lines = [one for one in table.stdout.splitlines() if "http" not in one and str(line.folder) not in one]
    assert [one for one in lines if len(one) > 80] == []


def test_an_id_may_be_shortened_as_tables_do(filled: tuple[CommandLine, WebServer]) -> None:
    line, _ = filled
    shown = line.run("claims", "list").stdout
    claim_id = str(rows(line, "claims", "list")[0]["claim_id"])
    assert claim_id[:12] in shown
    assert json.loads(line.run("claims", "show", claim_id[:12]).stdout)["claim_id"] == claim_id
    revision_id = str(json.loads(line.run("stories", "show", "good", "--json").stdout)["revisions"][0]["revision_id"])
    for command in (["stories", "show", "good"], ["claims", "history", "killed"]):
        assert revision_id[:12] in line.run(*command).stdout
    assert line.run("alerts", "why", revision_id[:12]).returncode == 0
    many = line.run("claims", "show", "c1-")
    assert many.returncode == 1
    assert "begins several ids" in many.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("bogus", 2, "No such command 'bogus'"),
        ("run --bogus", 2, "No such option: --bogus"),
        ("articles show 99", 1, "no article 99 is stored"),
        ("stories show absent", 1, "no story is called 'absent'; stories: good"),
        ("search (dead", 1, "parenthesis"),
        ("feeds discover http://127.0.0.1:1/", 1, "the connection failed"),
        ("restore absent.db", 1, "there is no such backup"),
        ("healthcheck", 1, "the service is not ready"),
        ("--config absent.toml status", 1, "absent.toml"),
        ("seed new absent.txt", 1, "absent.txt: cannot be read"),
        ("import page.html", 1, "page.html, line 1"),
        ("feeds import page.html", 1, "this is no OPML document"),
    ],
)
def test_wrong_use_and_failures_say_what_and_exit_as_they_should(
    filled: tuple[CommandLine, WebServer], words: str, code: int, said: str
) -> None:
    done = filled[0].run(*words.split())
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    if code == 1 and "search" not in words:  # a query that cannot be read is shown with the place
        assert len(done.stderr.splitlines()) == 1


def test_head_may_close_the_pipe(filled: tuple[CommandLine, WebServer]) -> None:
    """As `storywatch search … | head` does, with more to say than a pipe holds."""
    line, _ = filled
    for command in (["export", "evidence"], ["claims", "list", "--json"], ["claims", "list"]):
        reader, writer = os.pipe()
        process = subprocess.Popen(
            [PROGRAM, *command], cwd=line.folder, env=line.environment, stdout=writer, stderr=subprocess.PIPE
        )
        os.close(writer)
        os.close(reader)
        _, error = process.communicate(timeout=60)
        assert (process.returncode, error) == (0, b"")


def test_settings_with_a_wrong_key_name_it_with_its_line(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.write("storywatch.toml", "[web]\nprot = 8080\n")
    done = line.run("run")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "storywatch.toml:2" in done.stderr
    assert "did you mean 'port'?" in done.stderr


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    assert line.run("db", "upgrade").returncode == 0
    path = tmp_path / "data" / "storywatch.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    for command in (["run"], ["db", "check"]):
        done = line.run(*command)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert "written by a newer Storywatch (schema 9999" in done.stderr
    assert path.read_bytes() == before


def test_without_a_database_reading_commands_say_how_to_get_one(tmp_path: Path) -> None:
    done = CommandLine(tmp_path).run("stories", "list")
    assert done.returncode == 1
    assert "there is no database yet; start the service with 'storywatch run'" in done.stderr
    assert list(tmp_path.iterdir()) == []
