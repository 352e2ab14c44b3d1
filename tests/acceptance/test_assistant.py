"""An analyst's assistant asks the archive: the SDK's own client against `storywatch mcp`, over standard input and output."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, TextContent

from storage.database import Database
from tests.monitor.web import archive
from tests.support.commandline import PROGRAM, CommandLine

SLUG = archive.KAZAKHSTAN.slug


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """A folder with a filled archive, where the service would keep it."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "data").mkdir()
    database = Database(f"sqlite:///{folder / 'data' / 'storywatch.db'}")
    database.upgrade()
    archive.fill(database)
    database.close()
    return CommandLine(folder)


class Assistant:
    """What an assistant does: starts the server once, and asks it things."""

    def __init__(self, portal: BlockingPortal, client: Client) -> None:
        self.portal = portal
        self.client = client

    def ask(self, tool: str, **arguments: object) -> CallToolResult:
        """One tool's answer, an error included."""
        return self.portal.call(partial(self.client.call_tool, tool, arguments))

    def call(self, tool: str, **arguments: object) -> Any:
        """The structured answer of one tool that succeeds."""
        answer = self.ask(tool, **arguments)
        assert not answer.is_error, answer.content
        content = answer.structured_content
        assert isinstance(content, dict)
        return content["result"] if list(content) == ["result"] else content


@pytest.fixture(scope="module")
def assistant(line: CommandLine) -> Iterator[Assistant]:
    """One client, one server process."""
    server = StdioServerParameters(command=str(PROGRAM), args=["mcp"], env=line.environment, cwd=str(line.folder))
    with (
        Path(os.devnull).open("w") as silence,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(stdio_client(server, errlog=silence))) as client,
    ):
        yield Assistant(portal, client)


def test_the_tools_say_what_they_do_and_only_read(assistant: Assistant) -> None:
    found = assistant.portal.call(assistant.client.list_tools).tools
    assert {tool.name for tool in found} == {"search", "stories", "story", "record_history", "as_known_at"}
    for tool in found:
        assert tool.description
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint
        assert tool.output_schema


def test_a_story_and_its_changes_come_with_their_proof(assistant: Assistant) -> None:
    assert SLUG in {one["slug"] for one in assistant.call("stories")}
    told = assistant.call("story", slug=SLUG, changes=50)
    killed = next(one for one in told["records"] if one["key"]["metric"] == "killed" and not one["key"]["population"])
    assert (killed["low"], killed["best"], killed["high"]) == (225, 225, 237)
    withdrawn = next(one for one in told["changes"] if one["kind"] == "retracted")
    assert "technical error" in withdrawn["evidence"][0]["sentence"]
    assert withdrawn["evidence"][0]["url"].startswith("https://")


def test_the_history_of_a_record_quotes_every_claim_behind_it(assistant: Assistant) -> None:
    found = assistant.call("record_history", slug=SLUG, metric="killed")
    assert [step["kind"] for step in found["history"]["steps"]] == ["first", "raised", "retracted", "raised"]
    quoted = {one["claim_id"]: one for one in found["sentences"]}
    assert {claim for step in found["history"]["steps"] for claim in step["evidence"]} <= quoted.keys()
    assert all(one["quote"] in one["sentence"] for one in quoted.values())
    then = assistant.call("record_history", slug=SLUG, metric="killed", as_known_at="2022-01-09T18:00:00")
    assert then["history"]["best"] == 44


@pytest.mark.parametrize(
    ("at", "best"),
    [("2022-01-07T00:00:00Z", None), ("2022-01-09T12:00:00Z", 164), ("2022-01-09T18:00:00", 44), ("2022-01-16T03:00:00+03:00", 225)],
)  # fmt: skip
def test_what_was_known_then_and_from_whom(assistant: Assistant, at: str, best: float | None) -> None:
    found = assistant.call("as_known_at", slug=SLUG, at=at)
    of_all = {"metric": "killed", "population": "", "place": ""}
    killed = [one for one in found["records"] if of_all.items() <= one["history"]["key"].items()]
    assert [one["history"]["best"] for one in killed] == ([best] if best else [])
    assert all(one["history"]["positions"] and one["sentences"] for one in killed)


def test_search_finds_what_the_page_finds(assistant: Assistant) -> None:
    found = assistant.call("search", query="metric:killed>100", limit=5)
    assert found
    assert all(one["url"] and one["snippet"] for one in found)
    assert SLUG in found[0]["stories"]


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("story", {"slug": "nowhere"}, "nowhere"),
        ("record_history", {"slug": SLUG, "metric": "nothing"}, "nothing"),
        ("search", {"query": '"open'}, "quot"),
        ("as_known_at", {"slug": SLUG, "at": "soon"}, "at"),
        ("search", {"query": "x", "limit": 100_000}, "limit"),
        ("as_known_at", {"slug": SLUG, "at": "0001-01-01T00:00:00+14:00"}, "does not exist in UTC"),
    ],
)
def test_what_cannot_be_answered_is_said_in_words(
    assistant: Assistant, tool: str, arguments: dict[str, object], words: str
) -> None:
    answer = assistant.ask(tool, **arguments)
    assert answer.is_error
    said = answer.content[0]
    assert isinstance(said, TextContent)
    assert words in said.text
    assert "Traceback" not in said.text


def run_sql(path: Path, statement: str) -> None:
    """Change a database behind the back of whoever has it open."""
    with closing(sqlite3.connect(path, timeout=20)) as connection, connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("harm", "mend", "words"),
    [
        ("alter table stories rename to elsewhere", "alter table elsewhere rename to stories", "cannot be used"),
        (
            "update stories set payload = 'x' || payload",
            "update stories set payload = substr(payload, 2)",
            "went wrong on our side",
        ),
    ],
)
def test_what_fails_inside_is_said_and_names_no_database(
    assistant: Assistant, line: CommandLine, harm: str, mend: str, words: str
) -> None:
    path = line.folder / "data" / "storywatch.db"
    run_sql(path, harm)
    answer = assistant.ask("story", slug=SLUG)
    run_sql(path, mend)
    assert answer.is_error
    said = answer.content[0]
    assert isinstance(said, TextContent)
    assert words in said.text
    assert "storywatch.db" not in said.text
    assert "Traceback" not in said.text


def test_asking_changes_nothing(assistant: Assistant, line: CommandLine) -> None:
    path = line.folder / "data" / "storywatch.db"

    def content() -> str:
        database = Database(f"sqlite:///{path}")
        with database.read() as session:
            rows = [
                session.connection().exec_driver_sql(f'select * from "{name}"').all()
                for (name,) in session.connection()
                .exec_driver_sql(
                    "select name from sqlite_master where type = 'table' and sql not like 'create virtual%' order by name"
                )
                .all()
            ]
        database.close()
        return hashlib.sha256(repr(rows).encode()).hexdigest()

    before = content()
    assistant.call("story", slug=SLUG)
    assistant.call("as_known_at", slug=SLUG, at="2022-01-09T12:00:00Z")
    assert content() == before


def test_without_a_database_it_says_what_to_do(tmp_path: Path) -> None:
    answer = CommandLine(tmp_path).run("mcp")
    assert answer.returncode == 1
    assert "there is no database yet" in answer.stderr
    assert answer.stdout == ""
