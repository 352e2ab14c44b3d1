"""Saved pages become reports: folders of HTML files and WARC files as crawlers write them, sound or damaged."""

import gzip
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from monitor.cli.main import app
from monitor.saved_pages import MOST_BYTES, is_saved, read_saved
from storage.errors import StorywatchError

WORDS = (
    "At least 12 people were killed in riots in Harbour City on Monday, the Health Ministry said. "
    "Streets around the port stayed closed in the evening, and schools will not open before Thursday. "
    "The ministry asked residents to stay at home and promised to publish another count in the morning."
)


def page(title: str, text: str = WORDS, url: str = "") -> bytes:
    link = f'<link rel="canonical" href="{url}">' if url else ""
    return (
        f'<!doctype html><html lang="en"><head><title>{title}</title>{link}'
        '<meta property="article:published_time" content="2030-03-04T08:00:00Z"></head>'
        f"<body><article><h1>{title}</h1><p>{text}</p></article></body></html>"
    ).encode()


def record(kind: str, block: bytes, url: str = "", content_type: str = "application/http; msgtype=response") -> bytes:
    head = [
        "WARC/1.1",
        f"WARC-Type: {kind}",
        f"WARC-Target-URI: {url}",
        "WARC-Date: 2030-03-05T00:00:00Z",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(block)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + block + b"\r\n\r\n"


def answer(body: bytes, *headers: str, status: str = "200 OK", kind: str = "text/html; charset=utf-8") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Type: {kind}", *headers, "", ""]).encode() + body


def chunked(body: bytes) -> bytes:
    parts = [body[at : at + 100] for at in range(0, len(body), 100)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


HOST = "https://harbour.example"
RECORDS = [
    record("warcinfo", b"software: a crawler\r\n", content_type="application/warc-fields"),
    record("request", b"GET / HTTP/1.1\r\n\r\n", f"{HOST}/plain"),
    record("response", answer(page("Plain")), f"{HOST}/plain"),
    record(
        "response",
        answer(chunked(gzip.compress(page("Packed"))), "Transfer-Encoding: chunked", "Content-Encoding: gzip"),
        f"<{HOST}/packed>",
    ),
    record("response", answer(page("Undone"), "Transfer-Encoding: chunked", "Content-Encoding: br"), f"{HOST}/undone"),
    record("resource", page("Resource"), f"{HOST}/resource", "text/html"),
    record("response", answer(page("Gone"), status="404 Not Found"), f"{HOST}/gone"),
    record("response", answer(b"\x89PNG", kind="image/png"), f"{HOST}/picture"),
    record("response", answer(b"x" * (MOST_BYTES + 1)), f"{HOST}/vast"),
    record("response", answer(b"<html><body></body></html>"), f"{HOST}/blank"),
    record("response", answer(page("Last")), f"{HOST}/last"),
]
TITLES = ["Plain", "Packed", "Undone", "Resource", "Last"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.warc", b"".join(RECORDS)),
        ("members.warc.gz", b"".join(map(gzip.compress, RECORDS))),
        ("whole.warc.gz", gzip.compress(b"".join(RECORDS))),
    ],
    ids=("plain", "members", "whole"),  # what gzip makes holds the time
)
def test_a_warc_file_gives_its_pages(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert is_saved(path)
    saved = read_saved(path)
    assert [report.title for report in saved.reports] == TITLES
    assert [report.url for report in saved.reports] == [f"{HOST}/{title.lower()}" for title in TITLES]
    assert all(WORDS in report.text and report.published is not None for report in saved.reports)
    assert ["record 10" in line for line in saved.skipped] == [True]


@pytest.mark.parametrize(
    "content",
    [b"".join(RECORDS)[:-400], b"".join(map(gzip.compress, RECORDS))[:-50], b"no archive at all\r\n"],
    ids=("short", "packed and short", "none"),
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cut.warc.gz"
    path.write_bytes(content)
    with pytest.raises(StorywatchError, match=r"cut\.warc\.gz: damaged after record \d+"):
        read_saved(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=80), st.integers(min_value=0, max_value=900))
@example(b"WARC/1.0\r\nContent-Length: -5\r\n\r\n", 0)
@example(record("response", answer(b"-5\r\nabc\r\n", "Transfer-Encoding: chunked"), f"{HOST}/x"), 0)
def test_whatever_is_in_a_file_it_is_read_or_refused(tmp_path: Path, noise: bytes, place: int) -> None:
    path = tmp_path / "noise.warc"
    sound = RECORDS[2]
    path.write_bytes(sound[:place] + noise + sound[place:])
    with suppress(StorywatchError):
        read_saved(path)


def test_a_folder_is_read_with_all_below_it(tmp_path: Path) -> None:
    (tmp_path / "2030").mkdir()
    (tmp_path / "2030" / "a.html").write_bytes(page("Named", url=f"{HOST}/named"))
    (tmp_path / "b.HTM").write_bytes(page("Nameless"))
    (tmp_path / "c.html").write_bytes(b"")
    (tmp_path / "style.css").write_bytes(b"p { color: red }")
    saved = read_saved(tmp_path)
    assert {report.title: report.url for report in saved.reports} == {
        "Named": f"{HOST}/named",
        "Nameless": "report:b.HTM",
    }
    assert {report.source for report in saved.reports} == {"harbour.example", ""}
    assert ["c.html" in line for line in saved.skipped] == [True]


def test_a_saved_archive_goes_through_the_whole_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "unrest.toml").write_text(
        'slug = "unrest"\ntitle = "Unrest in Harbour City"\nlanguages = ["en"]\n'
        '[[entities]]\nname = "Harbour City"\nkind = "place"\ncentral = true\n'
        '[[topics]]\nname = "unrest"\nterms = ["unrest", "riots"]\n[[places]]\nname = "Harbour City"\nwhole = true\n',
        encoding="utf-8",
    )
    report = answer(page("Unrest in Harbour City: riots leave at least 12 people dead"))
    (tmp_path / "old.warc").write_bytes(record("response", report, f"{HOST}/riots"))
    told = CliRunner().invoke(app, ["import", "old.warc"], catch_exceptions=False)
    assert told.exit_code == 0
    assert "1 reports stored, 0 known already, 0 new versions, 1 of a story" in told.output
    again = CliRunner().invoke(app, ["import", "old.warc"], catch_exceptions=False)
    assert "0 reports stored, 1 known already" in again.output
    history = CliRunner().invoke(app, ["claims", "history", "killed", "--json"], catch_exceptions=False)
    assert '"value": 12' in history.output
