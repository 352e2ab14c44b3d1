"""Which form of this room is at work: its modules as they stand, or compiled ones that were made of exactly these.

Compiled modules never lie beside their sources, where Python would prefer them for ever. They lie in a folder of their
own, with a stamp of all that they were made of and for; where anything differs, they are as good as absent.
"""

import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Mapping, MutableSequence
from pathlib import Path

ROOM = Path(__file__).parent
ROOT = ROOM.parents[1]
FOLDER = ROOM / "compiled"
STAMP = "stamp.json"
SWITCH = "STORYWATCH_COMPILED"
"""The environment variable that keeps to the modules as they stand, where it says "no"."""

# What the compiled modules take from other rooms: they are checked against it when they are made.
_BESIDE = ("storage/records.py", "storage/errors.py", "monitor/reading/language.py")


def fingerprint(root: Path = ROOT) -> dict[str, str]:
    """What compiled modules are made of and for: the digest of each source below `root`, and the interpreter."""
    sources = [*sorted((root / "monitor" / "claims").glob("*.py")), *(root / name for name in _BESIDE)]
    digests = {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sources}
    return {"python": f"{sys.version} {sysconfig.get_config_var('EXT_SUFFIX')}", **digests}


def fits(folder: Path = FOLDER, root: Path = ROOT) -> bool:
    """Whether what was compiled into a folder was made of the sources below `root`, for this interpreter."""
    try:
        made_of = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(made_of == fingerprint(root))


def prefer_compiled(path: MutableSequence[str], environ: Mapping[str, str] = os.environ) -> None:
    """Put the compiled modules first on the room's path, if they are wanted and fit."""
    if environ.get(SWITCH) != "no" and fits():
        path.insert(0, str(FOLDER))


def form_at_work(path: MutableSequence[str], environ: Mapping[str, str] = os.environ) -> str:
    """In words, which form is at work on the room's path, and why not the faster one."""
    if str(FOLDER) in path:
        return "compiled"
    if environ.get(SWITCH) == "no":
        return f"not compiled, as {SWITCH} says"
    if not (FOLDER / STAMP).exists():
        return "not compiled; `make compile` makes it faster by half"
    return "not compiled: what was compiled is of other sources or another Python; `make compile` makes it anew"
