"""How this program is to be called from where the user stands: the commands that we print must work as they are.

Run from a virtual environment that is not activated, `storywatch` alone is not found; then the path is named.
"""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

_NAME = "storywatch"
# The program's name before a command's: "run `storywatch db upgrade`", not "a storywatch service runs".
_MENTIONED = re.compile(rf"(?<![\w./-])(?<!\ba ){_NAME}(?= (?:--)?[a-z])")


def name_program(called: str, *, found: str | None, here: Path) -> str:
    """PURE but for looking at files: what to type for the program that was called as `called` (`sys.argv[0]`).

    `found` is what a shell finds under the program's name, `here` the working directory.
    """
    path = Path(called)
    if path.name != _NAME or not path.is_file():
        return _NAME  # called in another way, as a module: there is nothing better to say
    if found is not None and os.path.samefile(found, path):
        return _NAME
    whole = path.absolute()
    short = whole.relative_to(here) if whole.is_relative_to(here) else whole
    return shlex.quote(str(short))


def as_typed(text: str) -> str:
    """The text with each command of ours as it can be typed here: `.venv/bin/storywatch run`."""
    name = name_program(sys.argv[0], found=shutil.which(_NAME), here=Path.cwd())
    return text if name == _NAME else _MENTIONED.sub(lambda _: name, text)
