"""`storywatch seed` and `storywatch why` as a person calls them: real files, a real page on loopback, a real database."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli.main import app
from monitor.stories.seed import load_seed
from storage.errors import StorywatchError
from storage.records import StoryState
from tests.support.webserver import Reply, WebServer

REPORT = """Ferry sinks off Vanuatu, 12 dead
Twelve people died when a ferry sank off Vanuatu on 3 March 2030, Police Commissioner Ann Kalo said.
The ferry left Luganville at noon. Kalo told reporters in Luganville that 30 people were rescued from the ferry.
"""
PAGE = """<!doctype html><html lang="en"><head><title>Ferry sinks off Vanuatu, 12 dead</title>
<meta property="article:published_time" content="2030-03-04T08:00:00Z"></head><body><article>
<h1>Ferry sinks off Vanuatu, 12 dead</h1>
<p>Twelve people died when a ferry sank off Vanuatu on March 3, Police Commissioner Ann Kalo said in Luganville.</p>
<p>The ferry left Luganville at noon. Kalo told reporters in Luganville that 30 people were rescued from the ferry.</p>
<p>The rescue went on through the night, and the port of Luganville was closed to other ships until the morning.</p>
</article></body></html>"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STORYWATCH_NETWORK__ALLOW_PRIVATE", "true")
    (tmp_path / "seeds").mkdir()
    (tmp_path / "report.txt").write_text(REPORT, "utf-8")
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_seed_is_drafted_from_a_text_checked_and_listed(folder: Path) -> None:
    run("seed", "new", "report.txt", "--source", "Island Post")
    (path,) = (folder / "seeds").glob("*.toml")
    story = load_seed(path)
    assert story.state == StoryState.DRAFT
    assert story.seed.source == "Island Post"
    assert {"Vanuatu", "Ann Kalo"} <= {entity.name for entity in story.entities}
    assert "ferry" in story.topics[0].terms
    assert story.slug in run("seed", "check")
    assert [found["slug"] for found in json.loads(run("seed", "list", "--json"))] == [story.slug]
    with pytest.raises(StorywatchError, match="is there already"):
        run("seed", "new", "report.txt")


def test_a_seed_is_drafted_from_an_address(folder: Path) -> None:
    with WebServer() as site:
        site.add("/ferry", Reply(body=PAGE.encode()))
        run("seed", "new", site.url("/ferry"), "--out", "ferry.toml")
        story = load_seed(folder / "ferry.toml")
        assert story.seed.url == site.url("/ferry")
        assert story.seed.published is not None
        assert story.seed.published.not_before.year == 2030
        assert [place.name for place in story.places if place.whole] == ["Vanuatu"]
        site.add("/gone", Reply(status=404))
        with pytest.raises(StorywatchError, match="/gone"):
            run("seed", "new", site.url("/gone"))


def test_what_cannot_be_drafted_says_why(folder: Path) -> None:
    with pytest.raises(StorywatchError, match=r"none\.txt: cannot be read"):
        run("seed", "new", "none.txt")
    (folder / "empty.txt").write_text("Only a title\n", "utf-8")
    with pytest.raises(StorywatchError, match="holds no text"):
        run("seed", "new", "empty.txt")


def test_check_tells_every_mistake_and_fails(folder: Path) -> None:
    (folder / "seeds" / "wrong.toml").write_text('slug = "a"\ntitle = "b"\ntopic = 1\n', "utf-8")
    result = CliRunner().invoke(app, ["seed", "check"])
    assert result.exit_code == 1
    assert "wrong.toml:3: topic: there is no such key; did you mean 'topics'?" in " ".join(result.stderr.split())
    (folder / "seeds" / "wrong.toml").unlink()
    assert CliRunner().invoke(app, ["seed", "check"]).exit_code == 1, "nothing to check is worth a complaint"


def test_why_names_what_was_found(folder: Path) -> None:
    (folder / "seeds" / "ferry.toml").write_text(
        'slug = "ferry"\ntitle = "Ferry"\n[[entities]]\nname = "Vanuatu"\nkind = "place"\n'
        '[[topics]]\nname = "sinking"\nterms = ["ferry"]\n',
        "utf-8",
    )
    report = {"id": "1", "title": REPORT.split("\n")[0], "text": REPORT, "published": "2030-03-04", "source": "Post"}
    lines = [{**report, "url": "https://post.example/1", "lang": "en"}]
    (folder / "reports.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    run("import", "--jsonl", "reports.jsonl")
    told = json.loads(run("why", "https://post.example/1", "--json"))
    (match,) = told["matches"]
    assert (match["story"], match["is_match"]) == ("ferry", True)
    assert {hit["name"] for hit in match["hits"]} == {"Vanuatu", "sinking", "ferry"}
    assert "belongs to ferry: score" in run("why", "1")
