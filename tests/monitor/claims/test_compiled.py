"""The compiled reader: used only while it was made of the very sources that are there, and reading as they do."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.claims.compiled import FOLDER, ROOT, STAMP, SWITCH, fingerprint, fits, form_at_work, prefer_compiled

TEXTS = sorted((ROOT / "tests" / "data" / "accuracy").glob("*.jsonl"))
READ = """
import json, sys
import monitor.claims
from monitor.claims.compiled import form_at_work
from monitor.claims.extract import Extractor
extractor = Extractor()
print(form_at_work(monitor.claims.__path__))
for line in sys.stdin:
    row = json.loads(line)
    print(extractor.extract(title=row.get("title", ""), text=row["text"], published=None, lang=row.get("lang")))
"""


def sources(tmp_path: Path) -> Path:
    """A copy of what may be compiled, with a folder that says that it was compiled from it."""
    for name in fingerprint():
        if name.endswith(".py"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    folder = tmp_path / "compiled"
    folder.mkdir()
    (folder / STAMP).write_text(json.dumps(fingerprint(tmp_path)), encoding="utf-8")
    return folder


def test_what_was_compiled_of_these_sources_fits(tmp_path: Path) -> None:
    assert fits(sources(tmp_path), tmp_path)


@pytest.mark.parametrize("name", ["monitor/claims/tokens.py", "monitor/claims/explain.py", "storage/records.py"])
def test_an_edited_source_is_never_shadowed(tmp_path: Path, name: str) -> None:
    folder = sources(tmp_path)
    with (tmp_path / name).open("a") as file:
        file.write("# edited\n")
    assert not fits(folder, tmp_path)


def test_a_module_that_came_or_went_outdates_what_was_compiled(tmp_path: Path) -> None:
    folder = sources(tmp_path)
    (tmp_path / "monitor" / "claims" / "new.py").write_text("")
    assert not fits(folder, tmp_path)
    (tmp_path / "monitor" / "claims" / "new.py").unlink()
    (tmp_path / "monitor" / "claims" / "tokens.py").unlink()
    assert not fits(folder, tmp_path)


@pytest.mark.parametrize("stamp", ["", "[]", "{}", '{"python": "3.4"}', "\x00"])
def test_a_damaged_stamp_or_another_python_is_no_fit(tmp_path: Path, stamp: str) -> None:
    folder = sources(tmp_path)
    (folder / STAMP).write_text(stamp)
    assert not fits(folder, tmp_path)


def test_who_says_no_gets_the_modules_as_they_stand() -> None:
    path = ["room"]
    prefer_compiled(path, {SWITCH: "no"})
    assert path == ["room"]
    assert form_at_work(path, {SWITCH: "no"}) == f"not compiled, as {SWITCH} says"
    assert form_at_work([str(FOLDER), "room"], {}) == "compiled"


@pytest.mark.skipif(not fits(), reason="nothing compiled that fits: make compile")
@pytest.mark.slow
@pytest.mark.parametrize("texts", TEXTS, ids=lambda path: path.stem)
def test_both_forms_read_the_same(texts: Path) -> None:
    plain, compiled = (
        subprocess.run(
            [sys.executable, "-c", READ],
            cwd=ROOT,
            env={**os.environ, SWITCH: wanted},
            input=texts.read_text(encoding="utf-8"),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\n", 1)
        for wanted in ("no", "yes")
    )
    assert (plain[0], compiled[0]) == (f"not compiled, as {SWITCH} says", "compiled")
    assert plain[1] == compiled[1]
    assert "Claim(" in plain[1]
