"""Each bad input gives one clear line, the service stays up where it can, nothing is lost and nothing told twice."""

import json
import re
import resource
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.commandline import CommandLine, seed, settings
from tests.support.outlet import Outlet
from tests.support.receiver import Answer, Receiver, free_port
from tests.support.smtp import MailServer
from tests.support.webserver import Reply, WebServer

CHANNELS = """
[email]
host = "127.0.0.1"
port = {mail_port}

[[channels]]
name = "mail"
type = "email"
to = ["desk@example.org"]

[[channels]]
name = "hook"
type = "webhook"
url = "{hook}"
secret = "whsec_c3Rvcnl3YXRjaC1kZW1vLXNlY3JldC0yMDIy"

[[subscriptions]]
name = "desk"
kinds = ["*"]
group_wait = 0
group_interval = 0
"""


def rows(line: CommandLine, *command: str) -> list[dict[str, object]]:
    done = line.run(*command, "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def only_line(log: str, words: str) -> str:
    """The one line of a log that has these words."""
    found = [one for one in log.splitlines() if words in one]
    assert len(found) == 1, f"{len(found)} lines with {words!r}:\n{log}"
    return found[0]


@dataclass
class Afternoon:
    """What was seen of a service on which everything was wrong at once, but for one feed."""

    line: CommandLine
    log: str
    exit_code: int | None
    stopped_in: float
    hook: Receiver
    page_answers: bool
    feeds: list[dict[str, object]]
    deliveries: list[dict[str, object]]
    doctor: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def afternoon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Afternoon]:
    folder = tmp_path_factory.mktemp("afternoon")
    line = CommandLine(folder)
    with WebServer() as site, Receiver() as hook:
        hook.answers = [Answer(status=500, body=b"broken"), Answer()]
        outlet = Outlet(site)
        outlet.publish("empty", "Riots in Harbour City", "", body=b"<html><body></body></html>")
        outlet.publish("a", "Riots in Harbour City", "The unrest left 44 people dead, the Health Ministry said.")
        site.add("/page", Reply(body=b"<!doctype html><html><head><title>Home</title></head><body>Hi</body></html>"))
        site.add("/nothing", Reply(body=b"", content_type="application/rss+xml"))
        site.add("/words", Reply(body=b"just some words", content_type="application/rss+xml"))
        addresses = {"Good": "/feed", "Page": "/page", "Nothing": "/nothing", "Words": "/words"}
        line.write("seeds/good.toml", seed("good", {name: site.url(path) for name, path in addresses.items()}))
        line.write("seeds/bad.toml", 'slug = "bad"\ntitle = "Bad"\nentitys = []\n')
        port = free_port()
        mail = CHANNELS.format(mail_port=free_port(), hook=hook.url)
        line.write("storywatch.toml", settings(port=port, more=mail))
        with line.service("--look-seconds", "0.1") as service:
            service.wait_for(lambda: len(hook.calls) >= 1)
            service.wait_for(lambda: min(site.asked(path) for path in addresses.values()) > 1)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
                page_answers = answer.status == 200
            service.wait_for("channel mail")
            service.wait_for("channel hook")
            service.stop()
        yield Afternoon(
            line, service.log, service.exit_code, service.stopped_in, hook, page_answers,
            rows(line, "feeds", "list"), rows(line, "alerts", "deliveries"), line.run("doctor"),
        )  # fmt: skip


def test_it_stays_up_and_stops_within_seconds(afternoon: Afternoon) -> None:
    assert afternoon.page_answers
    assert afternoon.exit_code == 0
    assert afternoon.stopped_in < 10
    assert "Traceback" not in afternoon.log
    assert "stopped; nothing is lost" in afternoon.log


def test_a_seed_with_a_wrong_key_is_named_once_and_the_others_are_watched(afternoon: Afternoon) -> None:
    line = only_line(afternoon.log, "bad.toml")
    assert "bad.toml:3: entitys: there is no such key; did you mean 'entities'?" in line
    assert "watching 1 stories, 4 feeds" in afternoon.log


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/page", "this is an HTML page, not a feed; try: storywatch feeds discover"),
        ("/nothing", "the answer is empty, not a feed"),
        ("/words", "this is neither XML nor JSON, so not a feed"),
    ],
)
def test_a_feed_that_is_none_is_named_once(afternoon: Afternoon, path: str, words: str) -> None:
    assert words in only_line(afternoon.log, f"{path}: ")
    assert any(path in str(one["url"]) and words in str(one["last_error"]) for one in afternoon.feeds)


def test_a_page_without_a_text_leaves_what_its_feed_said(afternoon: Afternoon) -> None:
    assert "no article text (blank); what the feed says of it is kept" in only_line(
        afternoon.log, "/empty: no article text"
    )


def test_channels_that_fail_are_named_once_and_what_they_were_to_tell_is_kept(afternoon: Afternoon) -> None:
    assert "answered 500" in only_line(afternoon.log, "channel hook: ")
    assert "127.0.0.1" in only_line(afternoon.log, "channel mail: ")
    assert sorted((one["channel"], one["state"], one["attempts"]) for one in afternoon.deliveries) == [
        ("hook", "due", 1),
        ("mail", "due", 1),
    ]


def test_doctor_says_all_of_it_and_fails(afternoon: Afternoon) -> None:
    done = afternoon.doctor
    assert done.returncode == 1
    for words in ("entitys", "this is an HTML page", "the mail server does not answer"):
        assert words in " ".join(done.stdout.split())


def test_the_next_start_tells_what_waited_and_tells_it_once(afternoon: Afternoon) -> None:
    """The receivers are well again: the same ids arrive, each accepted once, and no article is told of anew."""
    line, hook = afternoon.line, afternoon.hook
    refused = set(hook.ids())
    text = (line.folder / "storywatch.toml").read_text(encoding="utf-8")
    with MailServer() as mail:
        line.write("storywatch.toml", re.sub(r"(\[email\]\nhost = .*\nport = )\d+", rf"\g<1>{mail.port}", text))
        future = line.write("clock", "2100-01-01T00:00:00+00:00")  # whatever waits for a retry is due
        with line.service("--look-seconds", "0.1", options=("--clock-file", future)) as service:
            service.wait_for(lambda: bool(mail.mails) and len(hook.calls) > len(refused))
            service.stop()
    assert set(hook.ids()) == refused
    assert len(mail.mails) == 1
    assert {one["state"] for one in rows(line, "alerts", "deliveries")} == {"delivered"}


def test_an_empty_folder_and_a_port_in_use(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    with WebServer() as other:
        line.write("storywatch.toml", settings(port=other.port))
        with line.service() as service:
            service.wait_for("no channel is set up")
            service.stop(signal.SIGINT)
    assert "no story is watched yet: 'storywatch init ADDRESS' makes one" in service.log
    assert f"port {other.port} on 127.0.0.1 is in use" in only_line(service.log, "error: port")
    assert "the page is at" not in service.log
    assert "there is no such folder of seeds; make it" in only_line(service.log, "seeds:")
    assert (service.exit_code, "Traceback" in service.log) == (0, False)


def test_no_network_is_said_once_for_all_feeds(tmp_path: Path) -> None:
    """Hosts that no name server knows, which is what a machine without a network sees."""
    line = CommandLine(tmp_path)
    line.write("seeds/lost.toml", seed("lost", {name: f"http://{name}.invalid/feed" for name in ("a", "b", "c", "d")}))
    line.write("storywatch.toml", settings(port=free_port()))
    with line.service("--look-seconds", "0.1") as service:
        service.wait_for("no feed can be reached")
        service.wait_for(lambda: all(one["failures"] for one in rows(line, "feeds", "list")))
        service.stop(signal.SIGINT)
    assert "is there a network? Polling goes on" in only_line(service.log, ".invalid")
    assert service.stopped_in < 10
    assert (service.exit_code, "Traceback" in service.log) == (0, False)


def limit_files_to(size: int) -> None:
    """No file of this process can grow beyond `size` bytes, as on a full disk; the limit can be lifted again."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk_is_named_and_what_did_not_fit_comes_when_there_is_room(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    with WebServer() as site:
        outlet = Outlet(site)
        line.write("seeds/good.toml", seed("good", {"Good": site.url("/feed")}))
        line.write("storywatch.toml", settings(port=free_port(), database_url='"sqlite:///sw.db"'))
        assert line.run("poll").returncode == 0
        for number in range(12):
            text = f"The unrest left {44 + number} people dead, the Health Ministry said." + " Words upon words." * 4000
            outlet.publish(f"a{number}", "Riots in Harbour City", text, minutes_ago=60 - number)
        size = (tmp_path / "sw.db").stat().st_size + 300_000
        with line.service("--look-seconds", "0.1", before=lambda: limit_files_to(size)) as service:
            service.wait_for("error: ")
            held = int(str(json.loads(line.run("status", "--json").stdout)["articles"]))
            assert held < 12
            resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            service.wait_for(lambda: service.log.count("killed ") >= 12)
            service.stop()
    assert service.exit_code == 0
    assert "Traceback" not in service.log
    assert "sw.db: the disk cannot be read or written: look at it; nothing committed is lost" in only_line(
        service.log, "error: sqlite:"
    )
    assert line.run("verify").returncode == 0
    assert len(rows(line, "articles", "list")) == 12
    told = [json.loads(one) for one in line.run("export", "revisions", "--format", "jsonl").stdout.splitlines()]
    assert len({one["revision_id"] for one in told}) == len(told)
    assert sorted(one["value"] for one in told if one["metric"] == "killed" and not one["population"]) == list(
        range(44, 56)
    )
