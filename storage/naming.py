"""What a name that nobody knows was probably meant to be, for the messages that refuse it. Pure."""

import difflib
from collections.abc import Iterable


def suggest(wrong: str, known: Iterable[str]) -> str:
    """Return what a wrong name was probably meant to be, or the names there are, as a hint to append."""
    names = sorted(known)
    close = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known here: {', '.join(names)}" if names else ""
