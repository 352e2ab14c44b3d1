"""A line of the log is one line, whatever strangers put into it."""

import json
import logging
from io import StringIO

import pytest

from monitor.logs import JsonFormatter, TextFormatter


def written(form: logging.Formatter, message: str) -> str:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(form)
    handler.handle(logging.LogRecord("monitor", logging.INFO, __file__, 1, "s1: first %s", (message,), None))
    return stream.getvalue()


@pytest.mark.parametrize(
    "title", ["Fire\n22:00:00 error: all is lost", "Fire\x1b]0;owned\x07", "Fire\u2028x", "a\x85b\u202ec"]
)
@pytest.mark.parametrize("form", [TextFormatter(), JsonFormatter()])
def test_a_title_begins_no_line_and_speaks_to_no_terminal(title: str, form: logging.Formatter) -> None:
    line = written(form, title)
    assert line.count("\n") == 1
    if isinstance(form, TextFormatter):
        assert line[:-1].isprintable()
    else:
        assert json.loads(line)["message"] == f"s1: first {title}"


def test_words_of_any_language_stand_as_they_are() -> None:
    assert "Пожар в Алма-Ате — 火災" in written(TextFormatter(), "Пожар в Алма-Ате — 火災")
