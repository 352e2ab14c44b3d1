"""Words for people, from the catalogues: numbers, figures, metrics, times. Pure but for reading its own package's data
once."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from storage.errors import SettingsError
from storage.records import Figure, Qualifier, RecordKey, Revision, RevisionKind, Span, Story

LANGUAGES = ("en", "ru")
_NO_BREAK_SPACE = "\u00a0"


@lru_cache(maxsize=4_096)
def _write_number(number: float, thousands: str, decimal: str) -> str:
    """A number with these marks; a page shows the same ones many times."""
    text = f"{number:,.3f}".rstrip("0").rstrip(".")
    return text.translate({ord(","): thousands, ord("."): decimal})


class _Gaps(dict[str, object]):
    """Leaves a brace that nobody filled as it stands, so that a wrong catalogue shows instead of stopping an alert."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


# What an edit is called by its reason, in the catalogue's `subjects`; any other event by its kind.
_EDITS = {"silent_edit": "edited_silently", "returned": "put_back"}


def event_words(revision: Revision) -> str:
    """Return the key of the catalogue's `subjects` under which an event of an article stands."""
    named = _EDITS.get(revision.reason) if revision.kind is RevisionKind.EDITED else None
    return named or revision.kind.value


class Words:
    """One language's catalogue. A key that is missing reads as itself, with spaces: an alert is never lost for a
    word."""

    def __init__(self, lang: str, catalogue: Mapping[str, Mapping[str, Any]]) -> None:
        self.lang = lang
        self._catalogue = catalogue

    def say(self, section: str, key: str, /, **values: object) -> str:
        """Return the words for a key with its gaps filled; values may be called anything."""
        template = self._catalogue.get(section, {}).get(key)
        if template is None:
            return key.replace("_", " ")
        # A page asks for thousands of words without a gap.
        text = str(template)
        return text.format_map(_Gaps(values)) if "{" in text or "}" in text else text

    def has(self, section: str, key: str) -> bool:
        """Whether the catalogue has words for a key."""
        return key in self._catalogue.get(section, {})

    def number(self, number: float) -> str:
        """Return a number with this language's thousands and decimal marks, at most three decimals: 4,353 or 7.1."""
        return _write_number(number, self.say("format", "thousands"), self.say("format", "decimal"))

    def quantity(self, number: float, unit: str) -> str:
        """Return a number with its unit; a unit that the catalogue does not know is written behind it."""
        templates = self._catalogue.get("units", {})
        template = str(templates.get(unit, "{n}" + _NO_BREAK_SPACE + unit.replace("_", " ")))
        return template.format_map(_Gaps(n=self.number(number)))

    def figure(self, figure: Figure | None, unit: str = "people") -> str:
        """Return one side of a change as people say it: "at least 26", "in force", "none reported"."""
        if figure is None:
            return self.say("figure", "none")
        if figure.state is not None:
            return self.say("states", figure.state)
        if figure.qualifier is Qualifier.RANGE and figure.low is not None and figure.high is not None:
            return self.say(
                "figure", "range", low=self.quantity(figure.low, unit), high=self.quantity(figure.high, unit)
            )
        number = next((one for one in (figure.value, figure.low, figure.high) if one is not None), None)
        if number is None:
            return self.say("figure", "vague")
        return self.say("figure", figure.qualifier.value, n=self.quantity(number, unit))

    def outcome(self, kind: RevisionKind, after: Figure | None, unit: str) -> str:
        """Return the new side of a change; a withdrawal says so, with what it falls back to."""
        if kind is RevisionKind.RETRACTED:
            if after is None:
                return self.say("figure", "withdrawn")
            return self.say("figure", "fallback", n=self.figure(after, unit))
        return self.figure(after, unit)

    def metric(self, name: str, story: Story | None = None) -> str:
        """Return a metric's name; a story's own metric by its noun in this language, if the seed has one."""
        for metric in story.metrics if story else ():
            if metric.name == name:
                nouns = dict(metric.nouns).get(self.lang)
                if nouns:
                    return nouns[-1]
        return self.say("metrics", name)

    def population(self, key: str) -> str:
        """Return a population's axes in words: "age=child;role=police" → "children, police"; empty for the whole."""
        parts = []
        for axis in filter(None, key.split(";")):
            name, _, value = axis.partition("=")
            table, entry = ("nationalities", value) if name == "nationality" else ("axes", axis)
            known = self._catalogue.get(table, {}).get(entry)
            parts.append(str(known) if known else value or axis.partition(":")[2] or axis)
        return self.say("format", "joiner").join(parts).replace("_", " ")

    def populations(self) -> tuple[str, ...]:
        """Return the axes of populations that this catalogue has words for, as keys: "age=child"."""
        return tuple(self._catalogue.get("axes", {}))

    def place(self, key: str, story: Story | None = None) -> str:
        """Return a place by the name that the story gives it; a key without one reads as names."""
        for place in story.places if story else ():
            if _slug(place.name) == key or place.name == key:
                return place.name
        return " ".join(word[:1].upper() + word[1:] for word in key.replace("-", " ").replace("_", " ").split())

    def what(self, key: RecordKey, story: Story | None = None) -> str:
        """Return what a record is about: "killed, security forces, Almaty"."""
        parts = [self.metric(key.metric, story)]
        parts += [self.population(key.population)] if key.population else []
        parts += [self.place(key.place, story)] if key.place else []
        parts += [key.period] if key.period else []
        return self.say("format", "joiner").join(parts)

    def edit_sides(self, revision: Revision, story: Story | None = None) -> tuple[str, str, str]:
        """Return what an edited figure counts, and its two sides ("" for none).

        Of a number that stayed and counts something else, both sides say what: "killed 44", "injured 44"; the first
        words are then empty. The revision's detail has it, in lines `name=value`.
        """
        key = revision.key
        before, after = (self.figure(one, key.unit) if one else "" for one in (revision.before, revision.after))
        said = dict(line.partition("=")[::2] for line in revision.detail.splitlines() if "=" in line)
        if not ("was_metric" in said and before and after):
            return self.what(key, story), before, after
        return "", self._counted(key, "was", said, before, story), self._counted(key, "now", said, after, story)

    def _counted(self, key: RecordKey, side: str, said: Mapping[str, str], figure: str, story: Story | None) -> str:
        """A figure with what it counts on one side of an edit."""
        scope = {name: said.get(f"{side}_{name}", "") for name in ("metric", "population", "place")}
        what = self.what(replace(key, **scope), story)
        return self.say("standing", said.get(f"{side}_standing", "current"), n=f"{what} {figure}")

    def moment(self, at: datetime, zone: str) -> str:
        """Return an instant in local time with the zone's name."""
        local = _local(at, zone)
        return self.say("format", "moment", **self._parts(local), zone=local.tzname() or zone)

    def span(self, span: Span | None, zone: str) -> str:
        """Return a span as finely as it is known: an instant, a day, a month, two days; empty for None."""
        if span is None:
            return ""
        start, end = (_local(edge, zone) for edge in (span.not_before, span.not_after))
        width = (end - start).total_seconds()
        if width <= 3600:
            return self.moment(span.not_before, zone)
        # What is shorter than any day is none that somebody named: across midnight it may be of either.
        is_overnight = width < 23 * 3_600 and start.date() < (end - timedelta(microseconds=1)).date()
        if width <= 2 * 86_400 and not is_overnight:
            # The middle lies on the day meant, whichever zone that day was stated in.
            return self.say("format", "date", **self._parts(start + (end - start) / 2))
        if width <= 32 * 86_400 and not is_overnight:
            return self.say("format", "month_year", **self._parts(start + (end - start) / 2))
        return f"{self.say('format', 'date', **self._parts(start))} – {self.say('format', 'date', **self._parts(end))}"

    def tick(self, at: datetime, *, is_hour: bool) -> str:
        """Return a label of a chart's time axis."""
        return self.say("format", "chart_hour" if is_hour else "chart_day", **self._parts(at))

    def _parts(self, at: datetime) -> dict[str, object]:
        months = self._catalogue.get("format", {}).get("months", [])
        month = months[at.month - 1] if len(months) == 12 else f"{at.month:02d}"
        return {
            "year": at.year,
            "month": month,
            "month_number": at.month,
            "day": at.day,
            "hour": at.hour,
            "minute": at.minute,
        }


def _local(at: datetime, zone: str) -> datetime:
    """A moment in local time; at the ends of the calendar, which some programs write for "no date", as it is."""
    try:
        return at.astimezone(ZoneInfo(zone))
    except OverflowError:
        return at


def _slug(name: str) -> str:
    return "-".join("".join(sign if sign.isalnum() else " " for sign in name.casefold()).split())


@cache
def load_words(lang: str) -> Words:
    """Return the catalogue of a language; SettingsError, naming those that exist, for one that there is none of."""
    if lang not in LANGUAGES:
        raise SettingsError(f"lang: no catalogue for {lang!r}; there are {', '.join(LANGUAGES)} (alerts/catalogue/)")
    text = (files("alerts.catalogue") / f"{lang}.toml").read_text(encoding="utf-8")
    return Words(lang, tomllib.loads(text))
