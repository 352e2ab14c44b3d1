"""Parts that come to more than their whole are said so, on the page and on the command line."""

from datetime import timedelta
from pathlib import Path

import pytest
from httpx import Client
from typer.testing import CliRunner

from monitor.archive import Report, take_report
from monitor.cli.main import app
from monitor.watch import Watch
from storage import stories
from storage.database import Database
from storage.records import Span
from tests.monitor.web import archive

STORY = archive.KAZAKHSTAN.slug
TEXTS = (
    "The unrest has killed 300 people in Kazakhstan, prosecutors said. In Almaty, 190 people were killed.",
    "The unrest has killed 300 people. In Taraz, 140 people were killed, the governor said.",
)


def tell(database: Database) -> None:
    with database.write() as session:
        watch = Watch([stories.get_story(session, STORY)])
        for number, text in enumerate(TEXTS):
            at = archive.NOW + timedelta(hours=number)
            report = Report(
                report_id=str(number), title="", text=text, published=Span(not_before=at, not_after=at),
                source=f"Outlet {number}", url=f"https://odd.example/{number}", lang="en",
            )  # fmt: skip
            take_report(session, watch, report, forced=(STORY,), now=at)


def test_the_page_of_a_story_says_what_does_not_add_up(database: Database, client: Client) -> None:
    assert "Does not add up" not in client.get(f"/stories/{STORY}").text
    tell(database)
    page = client.get(f"/stories/{STORY}").text
    assert "Does not add up" in page
    assert "Together 330" in page


def test_the_command_line_says_so_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    database = Database(f"sqlite:///{tmp_path}/data/storywatch.db")
    database.upgrade()
    archive.fill(database)
    tell(database)
    database.close()
    for command in (["stories", "show", STORY], ["claims", "history", "killed", "--story", STORY]):
        result = CliRunner().invoke(app, command, catch_exceptions=False)
        assert "killed does not add up: almaty 190, taraz 140 make 330 of 300" in result.output
