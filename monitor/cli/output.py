"""How results reach a terminal or another program: tables for people, JSON for programs, errors on standard error."""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import Enum
from itertools import zip_longest
from textwrap import TextWrapper
from typing import Any

from rich.cells import cell_len, set_cell_size
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

_GAP = 2
# A last column of prose that has so much room is broken in its place.
_PROSE_ROOM = 36


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

    Where it is too wide, its widest columns stand beneath their rows, whole, until the others fit; a last one of
    prose is broken in its place if there is room.
    """
    held = [list(row) for row in rows]
    if not held:
        if empty:
            console().print(Text(as_typed(empty)))
        return
    screen = console()
    below = columns_below(columns, held, width=screen.width)
    if below:
        _print_stacked(screen, columns, held, below, title=title)
        return
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for at, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=at < len(columns) - 1)
    for row in held:
        table.add_row(*(Text(cover_login(cell)) for cell in row))
    screen.print(table)


def columns_below(columns: Sequence[str], rows: Sequence[Sequence[str]], *, width: int) -> tuple[int, ...]:
    """PURE: the columns that are shown beneath their rows, so that the others fit `width`: the widest first."""
    cells = [[str(columns[at]), *(row[at] for row in rows)] for at in range(len(columns))]
    widths = [max(cell_len(line) for cell in column for line in cell.split("\n")) for column in cells]
    kept, below = set(range(len(columns))), []
    while len(kept) > 1 and sum(widths[at] + _GAP for at in kept) - _GAP > width:
        widest = max(kept, key=lambda at: (widths[at], at))
        room = width - sum(widths[at] + _GAP for at in kept if at != widest)
        longest_word = max(cell_len(word) for cell in cells[widest] for word in [*cell.split(), ""])
        if widest == len(columns) - 1 and room >= max(_PROSE_ROOM, longest_word):
            break
        kept.remove(widest)
        below.append(widest)
    return tuple(sorted(below))


def _print_stacked(
    screen: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], below: Sequence[int], *, title: str
) -> None:
    kept = [at for at in range(len(columns)) if at not in below]
    widths = [max(cell_len(line) for row in (columns, *rows) for line in row[at].split("\n")) for at in kept]
    if title:
        screen.print(Text(title, style="italic"))
    for number, row in enumerate((columns, *rows)):
        style = "" if number else "bold"
        for parts in zip_longest(*(row[at].split("\n") for at in kept), fillvalue=""):
            line = (" " * _GAP).join(set_cell_size(part, size) for part, size in zip(parts, widths, strict=True))
            screen.print(Text(line.rstrip(), style=style), soft_wrap=True)
        for at in below:
            for line in _indented(row[at], screen.width):
                screen.print(Text(line, style=style), soft_wrap=True)


def _indented(text: str, width: int) -> list[str]:
    """Lines of a cell beneath its row; words are never broken, so that an address can be followed."""
    indent = " " * _GAP
    return [line for part in text.split("\n") for line in _wrapped(part, width, first=indent)]


def _wrapped(text: str, width: int, *, first: str) -> list[str]:
    """Lines of whole words, so that an address can be followed and an id copied."""
    wrap = TextWrapper(max(width, 20), initial_indent=first, subsequent_indent=" " * _GAP)
    wrap.break_long_words = wrap.break_on_hyphens = False
    return wrap.wrap(text)


def print_hanging(text: str, *, style: str = "", first: str = "") -> None:
    """A line of prose; what does not fit goes on beneath it, indented. `first` stands before it."""
    screen = console()
    for line in _wrapped(text, screen.width, first=first):
        screen.print(Text(line, style=style), soft_wrap=True)


def say(text: str, *, style: str = "") -> None:
    """A line for people, not broken; commands of ours in it are such as can be typed here."""
    console().print(Text(as_typed(text), style=style), soft_wrap=True)


def say_error(message: str) -> None:
    """One clear line on standard error; to a person at a terminal, as many lines of whole words as it takes."""
    line = f"storywatch: {cover_secrets(as_typed(message))}"
    if sys.stderr.isatty():
        line = "\n".join(
            part for one in line.split("\n") for part in _wrapped(one, Console(stderr=True).width, first="")
        )
    print(line, file=sys.stderr)


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
