"""A query on the command line: its words may begin with a dash, as those that are left out do (`killed -drill`)."""

from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand


class QueryCommand(TyperCommand):
    """A command that takes a query; what begins with a single dash is a word of it, but for `-h`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments of a call."""
        return super().parse_args(ctx, [shield_word(word) for word in args])


def shield_word(word: str) -> str:
    """PURE: an argument so that it is not taken for options of one letter: our commands have none but `-h`."""
    is_left_out = word.startswith("-") and not word.startswith("--") and word not in ("-", "-h")
    return f" {word}" if is_left_out else word


def join_query(words: Iterable[str]) -> str:
    """PURE: the query that is written in several arguments, without what `shield_word` put before them."""
    return " ".join(word.strip() for word in words)
