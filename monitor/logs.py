"""Logs: lines that a person can read, or JSON for programs."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

from storage.covering import cover_secrets

# Libraries that talk at every request or start; their warnings are still ours to see.
_CHATTY = (
    "apscheduler", "httpx", "httpcore", "aiohttp", "uvicorn", "alembic", "htmldate", "urllib3", "procrastinate",
    "psycopg.pool",
)  # fmt: skip
# These warn of what we say ourselves, in other words: a page without a text.
_ECHOING = ("trafilatura",)


# A warning or an error that was said is not said again for so long (seconds): a full disk fails every attempt alike.
_REPEAT_SECONDS = 60.0


# Controls of both sorts, separators of lines, and what turns the direction of writing.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# People need less of an id than programs to find its lines.
_SHOWN = 8


class NotTwice(logging.Filter):
    """Drops a warning or error whose very words were let through less than a minute ago."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be said."""
        if record.levelno < logging.WARNING:
            return True
        self._said = {words: at for words, at in self._said.items() if record.created - at < _REPEAT_SECONDS}
        words = record.getMessage()
        is_new = words not in self._said
        self._said.setdefault(words, record.created)
        return is_new


def about_of(record: logging.LogRecord) -> dict[str, str | int]:
    """What a line is about, as `extra={"about": {"trace": …}}` said: ids of the poll, version, revision, delivery."""
    found: dict[str, str | int] = getattr(record, "about", {})
    return found


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, what it is about, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line: dict[str, str | int] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": cover_secrets(record.getMessage()),
        }
        line |= about_of(record)
        if record.exc_info:
            line["traceback"] = cover_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def one_line(text: str) -> str:
    """A text with its control characters spelled out: titles and answers of strangers stand in messages, and are not to
    begin a line of their own in the log, nor to speak to the terminal that shows it.
    """
    return text if text.isprintable() else _UNSEEN.sub(lambda sign: ascii(sign[0])[1:-1], text)


class TextFormatter(logging.Formatter):
    """Time, level where it is not plain information, message, and the beginning of the id of what it came from."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, or more where there is a traceback."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        trace = str(about_of(record).get("trace", ""))[:_SHOWN]
        text = f"{at} {level}{one_line(record.getMessage())}{f' [{trace}]' if trace else ''}"
        return cover_secrets(f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text)


def configure_logs(*, level: str, form: str, stream: TextIO | None = None) -> None:
    """Send all logs to standard error (or `stream`) in the `form` (text, json) from `level` on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    handler.addFilter(NotTwice())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns of every call that was left out because the last one still ran, as it should be under load.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    for name in _ECHOING:
        logging.getLogger(name).setLevel(logging.CRITICAL)
