"""SHELL: compile the reader of claims to machine code with mypyc, and prove that it reads as before."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from monitor.claims import __path__ as room_path
from monitor.claims.compiled import FOLDER, ROOM, ROOT, STAMP, SWITCH, fingerprint, fits, form_at_work
from monitor.claims.extract import Extractor
from monitor.claims.lexicon import read_pack, supported_languages
from storage.errors import StorywatchError

# Run once in a lifetime, or made of classes that mypyc cannot compile.
_LEFT = frozenset(("__init__", "compiled", "exchange", "explain", "lexicon_check", "making", "proposals"))
_TIMEOUT = 900
# -O1 takes half the time of -O3 to compile, and the result is as fast: most of the work is done inside Python itself.
_BUILD = """
import sys
from mypyc.build import mypycify
from setuptools import setup
options = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent"]
made = mypycify([*options, *sys.argv[1:]], group_name="monitor.claims.reader", opt_level="1", debug_level="0")
setup(name="reader", ext_modules=made, packages=[], script_args=["-q", "build_ext", "--build-lib", "made"])
"""
_NOT_NEEDED = shutil.ignore_patterns("__pycache__", "compiled", "web")
_READ = "from monitor.compiling import read_examples; print(read_examples())"


def compile_reader() -> bool:
    """Compile the room's modules into FOLDER, in the place of what was there; False if what is there fits already.

    StorywatchError where mypyc or a C compiler is missing, where compiling fails, or where the compiled reader does not
    read the lexicons' examples exactly as the plain one does. Then nothing compiled is left.
    """
    if fits():
        return False
    for needed in ("mypyc", "setuptools"):
        if find_spec(needed) is None:
            raise StorywatchError(f"{needed} is missing: pip install --require-hashes -r requirements-compile.lock")
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        raise StorywatchError("there is no C compiler: apt-get install gcc python3-dev, or go on without")
    shutil.rmtree(FOLDER, ignore_errors=True)
    made_of = fingerprint()
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        for package in ("monitor", "storage"):
            shutil.copytree(ROOT / package, work / package, ignore=_NOT_NEEDED)
        _run([sys.executable, "-c", _BUILD, *_sources()], work, {})
        shutil.copytree(work / "made" / "monitor" / "claims", FOLDER)
    (FOLDER / STAMP).write_text(json.dumps(made_of, indent=1), encoding="utf-8")
    plain, compiled = (_run([sys.executable, "-c", _READ], ROOT, {SWITCH: wanted}) for wanted in ("no", "yes"))
    if not fits():
        shutil.rmtree(FOLDER)
        raise StorywatchError("sources were edited while they were compiled: compile again")
    if not compiled.startswith("compiled\n") or compiled.split("\n", 1)[1] != plain.split("\n", 1)[1]:
        shutil.rmtree(FOLDER)
        raise StorywatchError("compiled, the reader reads the lexicons' examples in another way: it was removed")
    return True


def read_examples() -> str:
    """The form at work, then all claims of every language's examples, a line each: the same in either form."""
    lines = [form_at_work(room_path)]
    extractor = Extractor()
    for lang in supported_languages():
        for row in read_pack(lang).get("examples", {}).values():
            for text in (*row["match"], *row.get("no_match", ()), "\n".join(row["match"])):
                lines += map(repr, extractor.extract(title=text, text=text, published=None, lang=lang))
    return "\n".join(lines)


def _sources() -> list[str]:
    return [f"monitor/claims/{path.name}" for path in sorted(ROOM.glob("*.py")) if path.stem not in _LEFT]


def _run(command: list[str], folder: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 our own interpreter with our own program
        command, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, timeout=_TIMEOUT
    )
    if done.returncode:
        shutil.rmtree(FOLDER, ignore_errors=True)
        end = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise StorywatchError(f"{end}\nThis did not compile. Are a C compiler and Python's headers there?")
    return done.stdout
