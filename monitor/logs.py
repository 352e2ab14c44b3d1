"""Logs: lines that a person can read, or JSON for programs."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

# Libraries that talk at every request; their warnings are still ours to see.
_CHATTY = (
    "apscheduler",
    "httpx",
    "httpcore",
    "aiohttp",
    "uvicorn.access",
    "alembic",
    "trafilatura",
    "htmldate",
    "urllib3",
)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Time, level where it is not plain information, message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, or more where there is a traceback."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        text = f"{at} {level}{record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def configure_logs(*, level: str, form: str, stream: TextIO | None = None) -> None:
    """Send all logs to standard error (or `stream`) in the `form` (text, json) from `level` on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
