"""How results reach a terminal or another program: tables for people, JSON for programs, errors on standard error."""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from monitor.invocation import as_typed
from storage.covering import cover_login, cover_secrets
from storage.records import Figure, Qualifier, Span

SIGNS = {
    Qualifier.EXACT: "",
    Qualifier.AT_LEAST: "≥ ",
    Qualifier.MORE_THAN: "> ",
    Qualifier.AT_MOST: "≤ ",
    Qualifier.FEWER_THAN: "< ",
    Qualifier.ABOUT: "~ ",
    Qualifier.NEARLY: "≲ ",
    Qualifier.RANGE: "",
    Qualifier.VAGUE: "~ ",
}

# A column whose cells are no longer than this is not broken, if the others keep this much each.
_SHORT_CELL = 16
_LEAST_ROOM = 11


def console() -> Console:
    """The terminal for results; 80 columns where the width is unknown."""
    return Console(highlight=False, soft_wrap=False)


def progress_bars() -> Progress:
    """Bars that go when done, on standard error: results may go to another program. None where no terminal is."""
    screen = Console(stderr=True, highlight=False)
    return Progress(console=screen, transient=True, disable=not screen.is_terminal)


def shown_on(progress: Progress, what: str) -> Callable[[int, int], None]:
    """A bar of its own on `progress`, moved by how many are done of how many."""
    task = progress.add_task(what, total=None)

    def show(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total)

    return show


def to_plain(value: Any) -> Any:
    """Any record as JSON material: dataclasses to objects, times to ISO, enums to their values, tuples to lists;
    passwords in addresses are covered."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return cover_login(value)
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    return value


def print_json(value: Any) -> None:
    """One JSON document, indented, on standard output."""
    print(json.dumps(to_plain(value), ensure_ascii=False, indent=2))


def print_json_lines(values: Iterable[Any]) -> None:
    """One JSON document a line on standard output."""
    for value in values:
        print(json.dumps(to_plain(value), ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", empty: str = "") -> None:
    """A table that fits the terminal; `empty` is said where there are no rows.

    Cells of short columns (numbers, times, states, short ids) are kept whole as long as the others have room.
    """
    held = [list(row) for row in rows]
    if not held:
        if empty:
            console().print(Text(as_typed(empty)))
        return
    screen = console()
    widths = [max(len(line) for row in (columns, *held) for line in row[at].split("\n")) for at in range(len(columns))]
    whole = {at for at, width in enumerate(widths) if width <= _SHORT_CELL}
    room = screen.width - sum(widths[at] + 2 for at in whole)
    if room < _LEAST_ROOM * (len(columns) - len(whole)):
        whole = {0} & whole
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for at, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=at in whole)
    for row in held:
        table.add_row(*(Text(cover_login(cell)) for cell in row))
    screen.print(table)


def say(text: str, *, style: str = "") -> None:
    """A line for people, not broken; commands of ours in it are such as can be typed here."""
    console().print(Text(as_typed(text), style=style), soft_wrap=True)


def say_error(message: str) -> None:
    """One clear line on standard error."""
    print(f"storywatch: {cover_secrets(as_typed(message))}", file=sys.stderr)


def show_time(at: datetime | None) -> str:
    """UTC to the minute, or a dash."""
    return at.strftime("%Y-%m-%d %H:%M") if at else "–"


def show_span(span: Span | None) -> str:
    """A span as finely as it is known: a day as a day, an instant to the minute."""
    if span is None:
        return "–"
    if (span.not_after - span.not_before).total_seconds() >= 82_800:
        middle = span.not_before + (span.not_after - span.not_before) / 2
        return middle.strftime("%Y-%m-%d")
    return show_time(span.not_after)


def show_number(value: float | None) -> str:
    """A number with thousands separators, without a needless fraction."""
    if value is None:
        return "–"
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,.2f}".rstrip("0")


def show_figure(figure: Figure | None) -> str:
    """A figure as a person reads it: sign of its hedge and number, a range, or a state."""
    if figure is None:
        return "withdrawn"
    if figure.state is not None:
        return figure.state.replace("_", " ")
    if figure.qualifier is Qualifier.RANGE or (figure.qualifier is Qualifier.VAGUE and figure.high is not None):
        return f"{show_number(figure.low)}–{show_number(figure.high)}"
    return SIGNS[figure.qualifier] + show_number(figure.value if figure.value is not None else figure.low)
