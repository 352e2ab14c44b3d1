"""`storywatch import` tells what it stored, what it could not date or place, and why nothing came of it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from monitor.cli.main import app
from storage.errors import StorywatchError
from tests.monitor.test_saved_pages import answer, page, record

ADDRESS = "https://harbour.example/riots"
SEED = (
    'slug = "unrest"\ntitle = "Unrest in Harbour City"\nlanguages = ["en"]\n'
    '[[entities]]\nname = "Harbour City"\nkind = "place"\ncentral = true\n'
    '[[topics]]\nname = "unrest"\nterms = ["unrest", "riots"]\n[[places]]\nname = "Harbour City"\nwhole = true\n'
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "unrest.toml").write_text(SEED, "utf-8")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def told(*arguments: str) -> str:
    return " ".join(run(*arguments).output.split())


def words(toll: int) -> str:
    return (
        f"The riots in Harbour City have killed {toll} people, the Health Ministry said on Monday. Streets around the "
        "port stayed closed in the evening, and schools will not open before Thursday. The ministry asked residents to "
        "stay at home and promised to publish another count in the morning."
    )


def line(toll: int, **other: str) -> str:
    return json.dumps({"title": "Unrest in Harbour City", "text": words(toll), "url": ADDRESS, "lang": "en", **other})


def test_two_captures_of_a_page_are_two_versions(folder: Path) -> None:
    captures = [
        record("response", answer(page("Unrest in Harbour City", words(toll))), ADDRESS).replace(b"2030-03-05", date)
        for toll, date in ((40, b"2022-03-05"), (48, b"2022-03-06"))
    ]
    (folder / "old.warc").write_bytes(b"".join(captures).replace(b"2030-03-04", b"2022-03-04"))
    assert "1 reports stored, 0 known already, 1 new versions, 2 of a story, 0 of no story" in told(
        "import", "old.warc"
    )
    assert "0 reports stored, 2 known already, 0 new versions" in told("import", "old.warc")
    assert '"value": 48' in told("claims", "history", "killed", "--json")
    versions = told("articles", "versions", ADDRESS)
    assert "2022-03-05" in versions
    assert "2022-03-06" in versions


@pytest.mark.parametrize("date", ["published", "fetched_at"])
def test_two_lines_of_an_address_are_two_versions(folder: Path, date: str) -> None:
    lines = [line(48, **{date: "2022-03-06"}), line(40, **{date: "2022-03-05"})]
    (folder / "old.jsonl").write_text("\n".join(lines), "utf-8")
    assert "1 reports stored, 0 known already, 1 new versions" in told("import", "old.jsonl")
    (folder / "older.jsonl").write_text(line(44, **{date: "2022-03-04"}), "utf-8")
    refused = told("import", "older.jsonl")
    assert "0 reports stored, 0 known already, 0 new versions" in refused
    assert "1 not stored: their text differs from what is held and is not known to be later" in refused


def test_what_has_no_date_and_what_no_story_matches_are_counted(folder: Path) -> None:
    other = json.dumps({"text": "Rovers won the cup.", "fetched_at": "2022-03-05T10:00:00Z"})
    (folder / "old.jsonl").write_text(f"{line(40)}\n{other}\n", "utf-8")
    said = told("import", "old.jsonl")
    assert "1 of a story, 1 of no story" in said
    assert (
        "2 of those stored had no date of publication: 1 got the time of the capture, 1 got the time of this import"
        in said
    )
    assert "no date" not in told("import", "old.jsonl")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.jsonl", b"\n\n", "no report is in it"),
        ("empty.warc", b"", "no record of an HTML page"),
        ("other.warc", record("response", answer(b"\x89PNG", kind="image/png"), ADDRESS), "no record of an HTML page"),
        ("blank.warc", record("response", answer(b" "), ADDRESS), "none of its 1 pages holds an article"),
        ("pages/style.css", b"p {}", "no HTML page"),
        ("pages/a.html", b"", "none of its 1 pages holds an article"),
    ],
    ids=["jsonl", "warc", "pictures", "blank", "folder", "empty page"],
)
def test_an_import_that_finds_nothing_says_so(folder: Path, name: str, content: bytes, words: str) -> None:
    (folder / "pages").mkdir()
    (folder / name).write_bytes(content)
    with pytest.raises(StorywatchError, match=words):
        run("import", name.partition("/")[0])


def test_a_page_without_anything_is_called_so(folder: Path) -> None:
    (folder / "pages").mkdir()
    (folder / "pages" / "a.html").write_bytes(b"")
    (folder / "pages" / "b.html").write_bytes(page("Unrest in Harbour City"))
    assert "skipped: a.html: nothing is in it" in told("import", "pages")


def test_an_import_that_fails_stores_nothing_and_says_so(folder: Path) -> None:
    (folder / "bad.jsonl").write_text(f"{line(40)}\nnothing\n", "utf-8")
    with pytest.raises(StorywatchError, match=r"line 2: .*Reports read before it: 1; nothing was done with them"):
        run("import", "bad.jsonl")
    sound = [record("response", answer(page(f"Unrest {number}")), f"{ADDRESS}/{number}") for number in (1, 2, 3)]
    for junk in (sound[2][:-400], b"junk\r\n"):
        (folder / "bad.warc").write_bytes(b"".join(sound[:2]) + junk)
        with pytest.raises(StorywatchError, match=r"damaged after record 2: .* 2 records could be read; nothing was"):
            run("import", "bad.warc")
    assert not (folder / "data").exists()
