"""`storywatch init ADDRESS`: from one article to a watched story, on a loopback site."""

from pathlib import Path

from monitor.first_look import find_search_feeds
from storage.records import Entity, EntityKind, Story, Topic
from tests.acceptance.test_bad_input import CHANNELS, rows
from tests.support.commandline import CommandLine, settings
from tests.support.outlet import Outlet
from tests.support.receiver import Receiver, free_port
from tests.support.smtp import MailServer
from tests.support.webserver import WebServer

RIOTS = (
    "Riots in Kazakhstan: the unrest in Almaty left {} people dead, the Health Ministry of Kazakhstan said on Sunday."
)


def test_from_an_article_to_a_story_that_is_told_from_then_on(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    with WebServer() as site, Receiver() as hook, MailServer() as mail:
        outlet = Outlet(site)
        first = outlet.publish("a", "Riots in Kazakhstan: 44 dead", RIOTS.format(44), minutes_ago=90)
        outlet.publish("b", "Kazakhstan unrest: toll rises", RIOTS.format(57), minutes_ago=30)
        outlet.publish("c", "Rovers win the cup", "Rovers won 3-1 on Sunday.", minutes_ago=20)
        more = CHANNELS.format(mail_port=mail.port, hook=hook.url)
        line.write("storywatch.toml", settings(port=free_port(), more=more))

        done = line.run("init", first, "--no-search", "--source", "Harbour News")
        assert done.returncode == 0, done.stderr
        (seed,) = (tmp_path / "seeds").glob("*.toml")
        assert "kazakhstan" in seed.stem
        assert f'url = "{site.url("/feed")}"' in seed.read_text(encoding="utf-8")
        assert "3 entries, 2 articles of this story" in done.stdout
        for words in ("Kazakhstan unrest: toll rises", "Almaty", "killed", "57", "storywatch run"):
            assert words in done.stdout
        assert "Rovers" not in done.stdout
        assert all(
            len(one) <= 80 for one in done.stdout.splitlines() if "storywatch" not in one and "seeds/" not in one
        )
        assert rows(line, "alerts", "list") == []
        assert line.run("seed", "check").returncode == 0

        again = line.run("init", first, "--no-search")
        assert again.returncode == 1
        assert f"{seed}: is there already" in again.stderr
        assert len(again.stderr.splitlines()) == 1

        outlet.publish("d", "Kazakhstan unrest: toll rises again", RIOTS.format(164), minutes_ago=1)
        with line.service("--look-seconds", "0.1") as service:
            line.run("poll", site.url("/feed"))
            service.wait_for(lambda: bool(hook.calls and mail.mails))
        alerts = rows(line, "alerts", "list")
        # Of the whole and of Almaty; 44 and 57 were known before.
        assert {one["revision"]["after"]["value"] for one in alerts} == {164}  # type: ignore[index]  # whatever the JSON holds
        assert len({one["alert"]["alert_id"] for one in alerts}) == len(alerts) == 2  # type: ignore[index]  # whatever the JSON holds


def test_what_cannot_be_begun_is_one_line(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.write("storywatch.toml", settings(port=free_port()))
    line.write("empty.html", "<html><body></body></html>")
    for article, words in (
        ("empty.html", "holds no text to draft from"),
        ("absent.txt", "absent.txt: cannot be read"),
        ("http://127.0.0.1:1/x", "the connection failed"),
    ):
        done = line.run("init", article, "--no-search")
        assert done.returncode == 1
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "seeds").exists()


def test_search_feeds_ask_for_the_central_name_and_the_theme() -> None:
    story = Story(
        slug="s",
        title="S",
        languages=("ru",),
        entities=(
            Entity(name="Tokayev", kind=EntityKind.PERSON),
            Entity(name="Kazakhstan", kind=EntityKind.PLACE, central=True),
        ),
        topics=(Topic(name="state of emergency", terms=("x",)),),
    )
    found = find_search_feeds(story)
    assert {"Google News", "Bing News"} == {one.source for one in found}
    assert all("Kazakhstan+%22state+of+emergency%22" in one.url and "ru" in one.url for one in found)
    assert find_search_feeds(Story(slug="s", title="S")) == ()
