"""Matchers of silences, with Alertmanager's signs: `kind=raised`, `kind!=raised`, `kind=~raised|lowered`. Pure.

A matcher is kept as the pair of what stands before and behind the first `=` (`kind=~raised` is `("kind", "~raised")`,
`kind!=raised` is `("kind!", "raised")`), so that the two joined by `=` are what was written; `kind!~raised` is kept as
`("kind!", "~raised")`. A value without `~` may hold `*`, `?` and `[ab]`; one behind `~` is a regular expression that
fits the whole label.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from alerts.interest import LABELS
from storage.errors import MatcherError
from storage.naming import suggest
from storage.records import RevisionKind

Matcher = tuple[str, str]
_WRITTEN = re.compile(r"\s*([^=!~\s]*)\s*(=~|!=|!~|=)\s*(.*?)\s*", re.DOTALL)
# Labels are short; an expression longer than this is a mistake, or meant to take long.
_LONGEST = 500
_KINDS = tuple(kind.value for kind in RevisionKind)


def read_matcher(text: str) -> Matcher:
    """Return the matcher that a person wrote as `label=value`, or with `!=`, `=~`, `!~`; MatcherError for none."""
    found = _WRITTEN.fullmatch(text)
    if found is None or not found[1]:
        raise MatcherError(
            f"silence: {text!r} is no matcher; write label=value, as in story=earthquakes or kind=~raised|lowered",
            code="no_matcher",
            given=text,
        )
    label, sign, value = found.groups()
    return (f"{label}!" if "!" in sign else label, f"~{value}" if "~" in sign else value)


def write_matcher(matcher: Matcher) -> str:
    """Return a matcher as a person would write it."""
    name, value = matcher
    return f"{name}{value}" if name.endswith("!") and value.startswith("~") else f"{name}={value}"


def check_matchers(matchers: Sequence[Matcher], known: Mapping[str, Collection[str]]) -> None:
    """Raise MatcherError, naming what is wrong and what there is, for a matcher that can never mean anything.

    `known` maps a label to all values that it can have, where they are known; kinds always are.
    """
    if not matchers:
        raise MatcherError("silence: name at least one label, as in story=*", code="no_label")
    for matcher in matchers:
        label = matcher[0].removesuffix("!")
        if label not in LABELS:
            message = f"silence: no label {label!r}; {suggest(label, LABELS)}"
            raise MatcherError(message, code="nobody_called", given=label, known=", ".join(LABELS))
        _check_expression(matcher)
        values = _KINDS if label == "kind" else known.get(label)
        if values is not None and not any(_fits(value, matcher[1]) for value in values):
            written = matcher[1].removeprefix("~")
            raise MatcherError(
                f"silence: {write_matcher(matcher)}: no {label} is {written!r}; {suggest(written, values)}",
                code="nobody_called",
                given=written,
                known=", ".join(sorted(values)),
            )


def matches(labels: Mapping[str, str], matchers: Sequence[Matcher]) -> bool:
    """Whether labels fit all matchers; a label that is absent is empty."""
    return all(
        _fits(labels.get(name.removesuffix("!"), ""), pattern) is not name.endswith("!") for name, pattern in matchers
    )


def names_label(matchers: Sequence[Matcher], label: str) -> bool:
    """Whether one of the matchers is about a label."""
    return any(name.removesuffix("!") == label for name, _ in matchers)


def literal(value: str) -> str:
    """Return a value as a pattern that fits nothing else: wildcards, brackets and a leading `~` are taken literally."""
    return "".join(f"[{sign}]" if sign in "*?[" or (sign == "~" and not at) else sign for at, sign in enumerate(value))


def _fits(value: str, pattern: str) -> bool:
    if not pattern.startswith("~"):
        return fnmatchcase(value, pattern)
    expression = _compile(pattern[1:])
    return expression is not None and expression.fullmatch(value) is not None


def _check_expression(matcher: Matcher) -> None:
    name, pattern = matcher
    if not pattern.startswith("~"):
        return
    if len(pattern) > _LONGEST:
        message = f"silence: {name}: the expression is longer than {_LONGEST} characters"
        raise MatcherError(message, code="no_matcher", given=name)
    try:
        re.compile(pattern[1:])
    except re.error as error:
        raise MatcherError(
            f"silence: {write_matcher(matcher)}: {pattern[1:]!r} is no regular expression ({error})",
            code="no_matcher",
            given=pattern[1:],
        ) from error


@lru_cache(maxsize=1_000)
def _compile(text: str) -> re.Pattern[str] | None:
    """The expression; None for one that is none, which an older version may have kept: it fits nothing."""
    try:
        return re.compile(text)
    except re.error:
        return None
