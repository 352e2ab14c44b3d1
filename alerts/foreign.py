"""Words that others wrote, fit to stand in a line of ours. Pure."""

# What turns the direction of reading, and what no screen shows: with it a title could rewrite the line around it.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str) -> str:
    """Return a text as one line without control characters; languages read from the right need none of them."""
    line = " ".join(text.split())
    if line.isprintable() and line.isascii():
        return line
    return "".join(sign for sign in line if sign not in _TURNS and (sign >= " " and not "\x7f" <= sign <= "\x9f"))
