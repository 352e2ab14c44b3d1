"""`feeds parse --json` and `articles parse --json`: one line a file, whatever the file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

RSS = (
    "<rss version='2.0'><channel><title>Desk</title><link>http://x.org/</link><item><title>Ünë</title><link>http://x.org/a</link>"
    "<guid>g</guid><pubDate>Mon, 10 Jan 2022 10:00:00 +0600</pubDate></item><item><title>No date</title></item></channel></rss>"
)
PAGE = (
    "<html lang=en><head><title>Bridge closes</title><meta property='article:published_time' content='2022-01-10'></head><body>"
    f"<article>{'<p>The council said on Monday that the old bridge will be closed for the week.</p>' * 5}</article></body></html>"
)


def run(*words: str) -> tuple[list[dict[str, Any]], int]:
    done = subprocess.run(
        [sys.executable, "-c", "from monitor.cli.main import main; main()", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def test_feeds(tmp_path: Path) -> None:
    (tmp_path / "a.rss").write_text(RSS, encoding="utf-8")
    (tmp_path / "b.html").write_text("<html>x</html>", encoding="utf-8")
    (tmp_path / "c").write_bytes(b"\xff\x00\xfe")
    files = [str(tmp_path / name) for name in ("a.rss", "b.html", "c", "missing")]
    lines, code = run("feeds", "parse", "--json", *files)
    assert code == 0
    assert [line["file"] for line in lines] == files
    assert lines[0] == {
        "file": files[0],
        "error": None,
        "feed": {"title": "Desk", "link": "http://x.org/"},
        "entries": [
            {"id": "g", "title": "Ünë", "link": "http://x.org/a", "published": "2022-01-10T04:00:00+00:00"},
            {"id": "", "title": "No date", "link": "", "published": None},
        ],
    }
    assert "an HTML page, not a feed" in lines[1]["error"]
    assert lines[2]["error"]
    assert "check the name" in lines[3]["error"]


def test_articles(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "c.html").write_text("<html><body></body></html>", encoding="utf-8")
    lines, code = run("articles", "parse", "--json", *(str(tmp_path / name) for name in ("a.html", "b.pdf", "c.html")))
    assert code == 0
    assert (lines[0]["title"], lines[0]["published"], lines[0]["lang"], lines[0]["error"]) == (
        "Bridge closes",
        "2022-01-10",
        "en",
        None,
    )
    assert "old bridge" in lines[0]["text"]
    assert "PDF" in lines[1]["error"]
    assert "no text" in lines[2]["error"]
