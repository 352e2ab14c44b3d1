"""JSON lines as commands take them: an object a line, and one clear sentence where a line is none."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from storage.errors import StorywatchError

_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")


class LineError(StorywatchError):
    """A line of the input cannot be used; the message names the input, the line and what it should hold."""


def read_objects(
    lines: Iterable[str | bytes],
    *,
    name: str = "standard input",
    required: Sequence[str] = (),
    texts: Sequence[str] = (),
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object of JSON lines, with its place ("standard input, line 3") for errors; blank lines are passed over.

    `required` fields must be there; `texts`, where there, must be texts or null. Raises LineError.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{name}, line {number}"
        held = _load(line, place)
        missing = [field for field in required if field not in held]
        if missing:
            raise LineError(f"{place}: {' and '.join(missing)} missing; add what is missing (docs/formats.md)")
        for field in texts:
            if not isinstance(held.get(field), str | None):
                raise LineError(f"{place}: {field}: this is no text; put it in quotes, or write null (docs/formats.md)")
        yield place, held


def _load(line: str | bytes, place: str) -> dict[str, Any]:
    try:
        text = line.decode("utf-8-sig") if isinstance(line, bytes) else line
        held = json.loads(text)
        if _ESCAPED_HALF.search(text):
            json.dumps(held, ensure_ascii=False).encode()  # half a character is valid JSON and can be written nowhere
    except UnicodeEncodeError as error:
        raise LineError(
            f"{place}: half a character is in it (\\ud800 to \\udfff without its other half); take it out"
        ) from error
    except UnicodeError as error:
        raise LineError(f"{place}: this is not valid UTF-8; save the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise LineError(
            f"{place}: this is no JSON ({error.msg}, character {error.pos + 1}); see docs/formats.md"
        ) from error
    except (ValueError, RecursionError) as error:
        raise LineError(f"{place}: this JSON cannot be read ({error}); see docs/formats.md") from error
    if not isinstance(held, dict):
        raise LineError(f"{place}: this is JSON, but no object; a line is one object (docs/formats.md)")
    return held
