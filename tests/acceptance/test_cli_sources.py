"""What a user does with sources on the command line: evidence, watched pages, hubs that push to the running service."""

import json
import subprocess
from pathlib import Path

import httpx
from warcio.archiveiterator import ArchiveIterator

from tests.monitor.test_cycle import HIGHER, TITLE, TOLL
from tests.support.commandline import PROGRAM, CommandLine, free_port, seed, settings
from tests.support.desk import START, page
from tests.support.hub import Hub
from tests.support.webserver import Reply, WebServer


def test_a_page_is_kept_shown_exported_and_proved(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.write("storywatch.toml", settings(port=free_port()))
    (tmp_path / "seeds").mkdir()
    with WebServer() as site:
        site.add("/a", Reply(body=page(TITLE, TOLL, START), headers={"X-Odd": "here"}))
        kept = line.run("evidence", "keep", site.url("/a"))
        assert kept.returncode == 0, kept.stderr
        assert line.run("evidence", "keep", site.url("/a")).returncode == 0  # asked twice, kept twice
        missing = line.run("evidence", "keep", site.url("/none"))
        assert missing.returncode == 0  # that nothing stands there is evidence too
        assert "HTTP 404" in missing.stdout
        site.add("/robots.txt", Reply(body=b"User-agent: *\nDisallow: /b", content_type="text/plain"))
        refused = line.run("evidence", "keep", site.url("/b"))
        assert refused.returncode == 1
        assert "robots.txt" in refused.stderr
    listed = json.loads(line.run("evidence", "list", "--json").stdout)
    assert [one["status"] for one in listed] == [404, 200, 200]
    number = listed[-1]["exhibit_id"][:9]
    shown = line.run("evidence", "show", number)
    assert "X-Odd: here" in shown.stdout
    assert listed[-1]["payload_hash"] in shown.stdout.replace("\n", "").replace(" ", "")
    assert "left 44 people dead" in line.run("evidence", "show", number, "--body").stdout
    assert line.run("evidence", "export", "-o", "all.warc.gz").returncode == 0
    with (tmp_path / "all.warc.gz").open("rb") as file:
        kinds = [record.rec_type for record in ArchiveIterator(file, check_digests="raise")]
    assert kinds == ["warcinfo", *["response", "request"] * 3]
    assert "3 kept answers are as they came" in line.run("evidence", "verify").stdout
    for path in (tmp_path / "data" / "evidence").glob("*"):
        path.write_bytes(path.read_bytes().replace(b"\x1f\x8b", b"\x1f\x8c"))
    broken = line.run("evidence", "verify")
    assert broken.returncode == 1
    assert "3 of 3" in broken.stderr
    assert line.run("evidence", "export", "-o", "more.warc.gz").returncode == 1
    assert not (tmp_path / "more.warc.gz").exists()


def test_evidence_of_a_whole_story_is_kept_by_polling(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    with WebServer() as site:
        site.add("/a", Reply(body=page(TITLE, TOLL, START)))
        item = f"<item><title>{TITLE}</title><link>{site.url('/a')}</link></item>"
        site.add("/feed", Reply(body=f"<rss version='2.0'><channel><title>N</title>{item}</channel></rss>".encode()))
        line.write("seeds/unrest.toml", seed("unrest", {"Harbour News": site.url("/feed")}))
        line.write("storywatch.toml", settings(port=free_port(), more='[evidence]\nstories = ["un*"]'))
        assert line.run("poll").returncode == 0
    listed = json.loads(line.run("evidence", "list", "--story", "unrest", "--json").stdout)
    assert [one["url"].rpartition("/")[2] for one in listed] == ["a"]
    assert line.run("evidence", "verify", "--story", "unrest").returncode == 0


def test_a_plain_page_is_watched_on_its_own(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.write("storywatch.toml", settings(port=free_port()))
    line.write("seeds/unrest.toml", seed("unrest", {}))
    title = "Situation report"  # names nothing of the story: a person said that it belongs to it
    with WebServer() as site:
        site.add("/toll", Reply(body=page(title, TOLL.replace("Harbour City", "the port"), START)))
        assert line.run("poll").returncode == 0
        added = line.run("feeds", "add", site.url("/toll"), "--page", "--story", "unrest", "--source", "City Hall")
        assert "Page 1 is polled from now on" in added.stdout
        polled = line.run("poll", "1")
        assert polled.returncode == 0, polled.stderr
        assert "44" in line.run("claims", "history", "killed", "--story", "unrest").stdout
        site.add("/toll", Reply(body=b"<html><body></body></html>"))
        assert "no text stands there" in " ".join(line.run("poll", "1").stdout.split())
        exported = line.run("feeds", "export").stdout
    assert "/toll" not in exported  # other readers could do nothing with it


def test_a_feed_of_a_story_that_is_not_there_yet_is_refused_in_words(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.write("storywatch.toml", settings(port=free_port()))
    added = line.run("feeds", "add", "https://x.example/feed", "--story", "unrest")
    assert added.returncode == 1
    assert "no story 'unrest' is stored yet" in added.stderr
    assert "IntegrityError" not in added.stderr


def test_feeds_that_are_not_due_are_polled_when_asked_for(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    with WebServer() as site:
        item = f"<item><title>{TITLE}</title><link>{site.url('/a')}</link></item>"
        news = f"<rss version='2.0'><channel><title>N</title>{item}</channel></rss>".encode()
        site.add("/a", Reply(body=page(TITLE, TOLL, START)))
        for path in ("/one", "/two"):
            site.add(path, Reply(body=news))
        feeds = {"One": site.url("/one"), "Two": site.url("/two")}
        line.write("storywatch.toml", settings(port=free_port()).replace('"1s"', '"10m"'))
        assert "There is no feed to poll" in line.run("poll", "--now").stdout
        line.write("seeds/unrest.toml", seed("unrest", feeds))
        assert line.run("poll").returncode == 0  # feeds that were just added are due
        assert (site.asked("/one"), site.asked("/two")) == (1, 1)
        idle = " ".join(line.run("poll").stdout.split())
        assert "No feed is due before" in idle
        assert "'storywatch poll --now' asks all of them at once" in idle
        both = line.run("poll", "--now")
        assert both.returncode == 0, both.stderr
        assert [row.split()[0] for row in both.stdout.splitlines()] == ["feed", "One", "Two"]
        assert (site.asked("/one"), site.asked("/two")) == (2, 2)
        assert line.run("poll", "1", site.url("/one"), "1").returncode == 0  # named three times, asked once
        assert (site.asked("/one"), site.asked("/two")) == (3, 2)
        assert "no feed 9" in line.run("poll", "9").stderr


def test_a_host_that_asked_for_rest_gets_it_even_when_all_are_polled_now(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    with WebServer() as site:
        site.add("/feed", Reply(status=503, headers={"Retry-After": "3600"}))
        line.write("storywatch.toml", settings(port=free_port()))
        line.write("seeds/unrest.toml", seed("unrest", {"One": site.url("/feed")}))
        assert line.run("poll").returncode == 0
        assert "asked" in line.run("poll", "--now").stdout
        assert site.asked("/feed") == 1


def test_what_is_printed_can_be_typed_where_the_program_is_not_on_the_path(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "storywatch").symlink_to(PROGRAM)
    line = CommandLine(tmp_path, PATH="/usr/bin:/bin")
    line.write("storywatch.toml", settings(port=free_port()))
    (tmp_path / "seeds").mkdir()

    def said(*arguments: str) -> str:
        done = subprocess.run(
            arguments, cwd=tmp_path, env=line.environment, capture_output=True, text=True, timeout=120, check=False
        )
        return " ".join((done.stdout + done.stderr).split())

    assert "start the service with '.venv/bin/storywatch run'" in said(".venv/bin/storywatch", "status")
    assert "'.venv/bin/storywatch feeds add URL' adds one" in said(".venv/bin/storywatch", "poll")
    assert f"'{PROGRAM} feeds add URL' adds one" in said(str(PROGRAM), "poll")
    line.environment["PATH"] = f"{tmp_path}/.venv/bin:/usr/bin:/bin"
    assert "'storywatch feeds add URL' adds one" in said("storywatch", "poll")


def test_a_seed_declares_a_watched_page(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.write("storywatch.toml", settings(port=free_port()))
    with WebServer() as site:
        site.add("/toll", Reply(body=page("Situation report", TOLL.replace("Harbour City", "the port"), START)))
        watched = f'\n[[feeds]]\nurl = "{site.url("/toll")}"\nsource = "City Hall"\npage = true\n'
        line.write("seeds/unrest.toml", seed("unrest", {}) + watched)
        assert line.run("seed", "check", "seeds/unrest.toml").returncode == 0
        polled = line.run("poll")
        assert polled.returncode == 0, polled.stderr
        assert "44" in line.run("claims", "history", "killed", "--story", "unrest").stdout


def test_a_hub_pushes_to_the_running_service(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    port = free_port()
    with WebServer() as site, Hub(verifies_at_once=True) as hub:
        links = f"<atom:link rel='hub' href='{hub.url}'/><atom:link rel='self' href='{site.url('/feed')}'/>"

        def feed(*names: str) -> bytes:
            items = "".join(f"<item><title>{TITLE}</title><link>{site.url(name)}</link></item>" for name in names)
            head = "<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel><title>N</title>"
            return f"{head}{links}{items}</channel></rss>".encode()

        site.add("/a", Reply(body=page(TITLE, TOLL, START)))
        site.add("/b", Reply(body=page("Riots in Harbour City go on", HIGHER, START)))
        site.add("/feed", Reply(body=feed("/a"), headers={"Cache-Control": "max-age=86400"}))
        line.write("seeds/unrest.toml", seed("unrest", {"Harbour News": site.url("/feed")}))
        line.write("storywatch.toml", settings(port=port, more=f'[websub]\ncallback_url = "http://localhost:{port}"'))
        with line.service() as service:
            service.wait_for(lambda: bool(hub.verified))
            assert hub.verified[0].status_code == 200
            service.wait_for("its hub pushes from now on")
            assert hub.push(feed("/a", "/b")).status_code == 202
            service.wait_for(lambda: site.asked("/b") > 0)
            shown = line.run("feeds", "push").stdout
            assert "active" in shown
            assert hub.asked[0].secret not in line.run("feeds", "push", "--json").stdout
            public = httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": "elsewhere.example"})
            assert public.status_code == 400
        assert site.asked("/feed") == 1
        assert service.exit_code == 0
