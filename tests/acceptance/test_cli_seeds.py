"""The state of a story between its seed and a person's commands, and drafted seeds, through the command line."""

from pathlib import Path

from tests.acceptance.test_bad_input import rows
from tests.support.commandline import CommandLine, seed, settings
from tests.support.outlet import Outlet
from tests.support.receiver import free_port
from tests.support.webserver import WebServer


def state_of(line: CommandLine) -> tuple[str, int]:
    """The state of the only story, and its articles."""
    (story,) = rows(line, "stories", "list")
    return str(story["state"]), int(str(story["articles"]))


def test_a_state_edited_in_the_seed_counts_and_one_set_by_command_stays(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    with WebServer() as site:
        outlet = Outlet(site)
        outlet.publish("a", "Riots in Harbour City", "The unrest left 44 people dead, the Health Ministry said.")
        line.write("storywatch.toml", settings(port=free_port()))
        text = seed("good", {"Good": site.url("/feed")})

        def edit(state: str, title: str = "Unrest in Harbour City") -> None:
            line.write("seeds/good.toml", f'state = "{state}"\n' + text.replace("Unrest in Harbour City", title))

        edit("draft")
        assert line.run("poll").returncode == 0
        assert state_of(line) == ("draft", 0)
        assert "Did you mean" not in line.run("search", "harbor").stdout  # nothing is stored: no word is better

        edit("active")
        with line.service("--look-seconds", "0.1") as service:
            service.wait_for("story good: active in its seed, was draft")
            # What the feed brought while it was a draft is read as well.
            service.wait_for(lambda: state_of(line) == ("active", 1))
        assert line.run("stories", "close", "good").returncode == 0
        edit("active", title="Riots")
        with line.service("--look-seconds", "0.1") as service:
            service.wait_for("story good: closed as a command left it, though its seed says active")
        assert state_of(line) == ("closed", 1)

        assert line.run("stories", "open", "good").returncode == 0
        edit("closed", title="Riots")
        assert line.run("poll").returncode == 0
        assert state_of(line) == ("closed", 1)


def test_a_draft_is_printed_or_written_to_a_file_that_is_named(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.write("report.txt", "Ferry sinks off Vanuatu, 12 dead\nTwelve people died when a ferry sank off Vanuatu.\n")
    printed = line.run("seed", "new", "report.txt", "--print")
    assert 'state = "draft"' in printed.stdout
    assert not (tmp_path / "seeds").exists()
    written = line.run("seed", "new", "report.txt")
    (path,) = (tmp_path / "seeds").glob("*.toml")
    assert path.read_text(encoding="utf-8") == printed.stdout
    assert path.name in written.stdout
    assert 'state = "draft"' in written.stdout
    again = line.run("seed", "new", "report.txt")
    assert (again.returncode, again.stdout) == (1, "")
    assert f"{path.name}: is there already" in again.stderr
    assert list((tmp_path / "seeds").iterdir()) == [path]


def test_a_record_that_the_seed_opened_shows_the_seeds_sentence(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.write("storywatch.toml", settings(port=free_port()))
    article = '[seed]\nsource = "Harbour News"\nurl = "https://harbour.example/1"\npublished = 2022-01-15\n'
    figure = '[[claims]]\nmetric = "{}"\nvalue = {}\n{}\n'
    quoted = figure.format("killed", 225, 'quote = "The riots left 225 people dead, the court said."')
    line.write("seeds/unrest.toml", seed("unrest", {}) + article + quoted + figure.format("injured", 9, ""))
    assert line.run("poll").returncode == 0
    killed = line.run("claims", "history", "killed", "--story", "unrest").stdout
    assert "“The riots left 225 people dead, the court said.”" in killed
    assert "— Harbour News, https://harbour.example/1" in killed
    injured = line.run("claims", "history", "injured", "--story", "unrest").stdout
    assert "from the seed\n  — Harbour News, https://harbour.example/1" in injured
    before = line.run("claims", "history", "killed", "--story", "unrest", "--as-known-at", "2022-01-14").stdout
    assert "unrest has no record 'killed' there" in before
    assert "225" in line.run("claims", "history", "--story", "unrest", "--as-known-at", "2022-01-17").stdout
