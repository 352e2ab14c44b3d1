"""What silences and subscriptions can mean: the stories, measures and subscriptions that there are."""

import tomllib
from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache

from sqlmodel import Session

from monitor.claims.lexicon import LEXICONS
from monitor.claims.metrics import builtin_metrics
from storage import claims, stories
from storage.naming import suggest
from storage.records import Story, Subscription


def known_labels(session: Session, subscriptions: Iterable[Subscription]) -> dict[str, Collection[str]]:
    """Return the values that labels can have, by label: of stories, measures and subscriptions.

    Events of articles have no measure and those of the watch no story: empty is among both.
    """
    every = stories.list_stories(session)
    metrics = known_metrics(every) | claims.list_metrics(session)
    return {
        "story": {"", *(story.slug for story in every)},
        "metric": {"", *metrics},
        "subscription": {one.name for one in subscriptions},
    }


def known_metrics(every: Iterable[Story]) -> set[str]:
    """Return the names of all measures: the built-in ones, those of these stories, and what can be in force or over."""
    own = {metric.name for story in every for metric in story.metrics}
    return {*builtin_metrics(), *_state_subjects(), *own}


def find_unmeant(subscription: Subscription, every: Collection[Story]) -> Iterator[str]:
    """Yield a complaint for each measure or story that a subscription asks for and that none of `every` story has."""
    yield from find_unknown(f"subscription {subscription.name!r}: metrics", subscription.metrics, known_metrics(every))
    yield from find_unknown(
        f"subscription {subscription.name!r}: stories", subscription.stories, {story.slug for story in every}
    )


def find_unknown(what: str, patterns: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """Yield a complaint, headed by `what`, for each pattern that fits nothing known."""
    for pattern in patterns:
        if pattern != "*" and not any(fnmatchcase(value, pattern) for value in known):
            yield f"{what}: nothing is called {pattern!r}; {suggest(pattern, known)}".rstrip("; ")


@cache
def _state_subjects() -> frozenset[str]:
    """What the built-in reader can find declared, lifted or over; each language names the same."""
    document = tomllib.loads((LEXICONS / "en" / "states.toml").read_text(encoding="utf-8"))
    return frozenset(document["subjects"])
