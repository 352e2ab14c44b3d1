"""How records become words and marks on a page: one Presenter a request, used by every template as `ui`.

Everything that comes from outside is escaped here or by Jinja's autoescape; what returns Markup is built from escaped
parts only.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from alerts.addresses import is_web_address
from alerts.interest import ARTICLE_KINDS
from alerts.matchers import write_matcher
from alerts.words import Words, event_words
from monitor.ledger.baseline import is_unquoted
from monitor.web.charts import shown_at
from monitor.web.wording import Texts
from storage.covering import COVER, cover_login, cover_people, cover_secrets
from storage.errors import AskedError, NotFoundError
from storage.records import Evidence, Figure, History, Position, RecordKey, Revision, RevisionKind, Span, Step, Story

DOWNWARD = frozenset({RevisionKind.LOWERED, RevisionKind.RETRACTED, RevisionKind.REMOVED, RevisionKind.CORRECTION})
DOUBTFUL = frozenset({RevisionKind.CONTESTED, RevisionKind.EDITED})
SETTLED = frozenset({RevisionKind.CONFIRMED, RevisionKind.RESOLVED, RevisionKind.RESTORED})
DAY = timedelta(days=1)
# Filled by `%`, which escapes what it is given at a third of the price of `format`: a page has hundreds of them.
STRUCK = Markup('<del class="before">%s</del>')
AFTER = Markup('<ins class="after">%s</ins>')
KEPT = Markup('<span class="before">%s</span>')
INSTANT = Markup('<time datetime="%s" title="%s" data-local>%s</time>')
SPAN = Markup('<time datetime="%s">%s</time>')
AGO = Markup('<time datetime="%s" title="%s">%s</time>')
SCALES = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def record_path(key: RecordKey) -> str:
    """The page of a record: its scope as query parameters, those that stand for the whole left out."""
    scope = {
        "metric": key.metric,
        "unit": key.unit,
        "population": key.population,
        "place": key.place,
        "period": key.period,
    }
    query = {name: value for name, value in scope.items() if value and (name, value) != ("unit", "people")}
    return f"/stories/{quote(key.story)}/record?{urlencode(query)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presenter:
    """Words, numbers, times and links for one reader. `words` are the alerts': page and mail speak alike.

    `stories` (by slug) lend records the names of their places and of metrics of their own. Only who
    `sees_receivers` (an editor) is shown whose mail addresses are told.
    """

    texts: Texts
    words: Words
    now: datetime
    asset: Callable[[str], str]
    stories: Mapping[str, Story] = field(default_factory=dict)
    sees_receivers: bool = False

    # --- words --------------------------------------------------------------------------------

    @property
    def lang(self) -> str:
        """The language of the page."""
        return self.texts.lang

    def t(self, key: str, /, **values: object) -> str:
        """A text of the catalogue."""
        return self.texts.text(key, **values)

    def count(self, key: str, number: int) -> str:
        """A counted noun."""
        return self.texts.count(key, number, self.words.number(number))

    def word(self, group: str, name: str) -> str:
        """A word for a value of data (a kind, a state): the page's own, else the alerts', else the name itself."""
        return self.texts.find(f"{group}.{name}") or self.words.say(group, name)

    def problem(self, error: AskedError) -> str:
        """What is wrong with what was asked for, as the error's code says; of an unknown one, that it is."""
        if f"raised.{error.code}" in self.texts.entries:
            return self.t(f"raised.{error.code}", **error.gaps)
        return self.t("error.not_found" if isinstance(error, NotFoundError) else "error.bad_request")

    def metric(self, name: str, story: str = "") -> str:
        """A metric's name, as a title."""
        return sentence_case(self.words.metric(name, self.stories.get(story)))

    def scope(self, key: RecordKey) -> str:
        """What a record is about beyond its metric: population, place, period; empty for the whole story."""
        place = self.t("place.unresolved") if key.place == "unresolved" else ""
        place = place or (self.words.place(key.place, self.stories.get(key.story)) if key.place else "")
        return ", ".join(part for part in (self.words.population(key.population), place, key.period) if part)

    def record_name(self, key: RecordKey) -> str:
        """A record's name: metric and scope."""
        scope = self.scope(key)
        return self.metric(key.metric, key.story) + (f", {scope}" if scope else "")

    def reason(self, reason: str, **gaps: object) -> str:
        """A reason of the ledger or the plan in words; a sentence stays as it is, a key without words says nothing."""
        if " " in reason or not reason:
            return reason
        words = self.words.say("reasons", reason, **gaps)
        return "" if words == reason.replace("_", " ") else sentence_case(words)

    def name(self, origin: str | None) -> str:
        """An origin's name, as a title."""
        return sentence_case(origin or "")

    def names(self, origins: Iterable[str]) -> list[str]:
        """Origins' names, as titles; nobody is left out."""
        return [sentence_case(origin) for origin in origins if origin]

    def positions(self, history: History) -> list[Position]:
        """What each origin says, the latest word first."""
        return latest_first(history.positions)

    def last_change(self, history: History) -> Step | None:
        """The step that brought a record to where it stands; what filled in its past since is none."""
        return next((step for step in reversed(history.steps) if step.kind is not RevisionKind.BACKFILLED), None)

    def shown_at(self, step: Step) -> datetime:
        """When a step was published, as nearly as it is known; else when we learned of it."""
        return shown_at(step)

    # --- figures ------------------------------------------------------------------------------

    def number(self, value: float | None) -> str:
        """A number in the reader's own writing; a dash for none."""
        return "–" if value is None else self.words.number(value)

    def figure(self, figure: Figure | None, unit: str = "people") -> str:
        """One side of a change: the number with its hedge, a state, or the word for nothing."""
        return self.words.figure(figure, unit)

    def current(self, history: History) -> str:
        """Where a record stands: its figure, that it was withdrawn, or the word for nothing."""
        if history.current is None and any(step.kind is RevisionKind.RETRACTED for step in history.steps):
            return self.words.say("figure", "withdrawn")
        return self.figure(history.current, history.key.unit)

    def said(self, position: Position, history: History) -> str:
        """What an origin says of a record, or that it withdrew what it had said."""
        is_known = any(one.origin == position.origin and one.figure is not None for one in history.positions)
        if position.figure is None and is_known:
            return self.words.say("figure", "withdrawn")
        return self.figure(position.figure, history.key.unit)

    def bounds(self, low: float | None, high: float | None) -> str:
        """low–high, a single number where they agree, an open end as words."""
        if low is None and high is None:
            return ""
        if low is None or high is None:
            return (
                self.t("figure.up_to", n=self.number(high))
                if low is None
                else self.t("figure.from", n=self.number(low))
            )
        return self.number(low) if low == high else f"{self.number(low)}–{self.number(high)}"

    def tone(self, kind: RevisionKind) -> str:
        """The class that colours a kind: down, doubt, settled, up or plain."""
        if kind in DOWNWARD:
            return "down"
        if kind in DOUBTFUL:
            return "doubt"
        if kind in SETTLED:
            return "settled"
        return "up" if kind is RevisionKind.RAISED else "plain"

    def subject(self, revision: Revision) -> str:
        """What a revision is about: a record, an article that was edited or removed, a feed or channel of the watch."""
        if revision.kind is RevisionKind.HEALTH:
            return sentence_case(self.words.say("health", revision.key.metric, place=cover_secrets(revision.key.place)))
        if revision.kind not in ARTICLE_KINDS:
            return self.record_name(revision.key)
        proof = revision.evidence[0] if revision.evidence else Evidence()
        return self.words.say(
            "subjects",
            event_words(revision),
            source=proof.source or self.words.say("subjects", "a_source"),
            title=proof.title or self.words.say("subjects", "untitled"),
            search=revision.key.place,
        )

    def why(self, revision: Revision) -> str:
        """The reason of a revision in words; its detail fills the gaps. Without one the detail speaks."""
        detail = self.covered(revision.detail)
        if not revision.reason:
            return detail
        gaps = dict(line.partition("=")[::2] for line in detail.splitlines() if "=" in line)
        return self.reason(revision.reason, **gaps)

    def change(self, revision: Revision) -> Markup:
        """before → after, what was taken back struck through; nothing for an edit without figures."""
        if revision.kind is RevisionKind.HEALTH:
            return self._health_change(revision)
        if revision.kind in ARTICLE_KINDS:
            return self._edited_figures(revision)
        return self._change(revision.kind, revision.before, revision.after, revision.key.unit)

    def change_words(self, revision: Revision) -> str:
        """The same without markup, for programs: the arrow alone, not the word that is read aloud for it."""
        return self.change(revision).replace(self._arrow(), Markup(" → ")).striptags()

    def _health_change(self, revision: Revision) -> Markup:
        after = revision.after.state if revision.after else None
        return AFTER % self.words.say("health", after) if after else Markup("")

    def _edited_figures(self, revision: Revision) -> Markup:
        # A number that nothing is said of may be part of a name: only the article's own diff can show it rightly.
        if not revision.key.metric or not (revision.before or revision.after):
            return Markup("")
        what, before, after = self.words.edit_sides(revision, self.stories.get(revision.story))
        parts = [Markup("{} ").format(sentence_case(what))] if what else []
        parts += [STRUCK % (before if what else sentence_case(before))] if before else []
        parts += [self._arrow()] if before and after else []
        parts += [AFTER % after] if after else []
        return Markup("").join(parts)

    def _arrow(self) -> Markup:
        return Markup(' <span class="arrow" aria-hidden="true">→</span><span class="sr">{}</span> ').format(
            self.t("figure.to")
        )

    def step_change(self, step: Step, unit: str = "people") -> Markup:
        """The same of a step of a history."""
        return self._change(step.kind, step.before, step.figure, unit)

    def _change(self, kind: RevisionKind, before: Figure | None, after: Figure | None, unit: str) -> Markup:
        now = AFTER % self.words.outcome(kind, after, unit)
        if before is None:
            return now
        form = STRUCK if kind in (RevisionKind.LOWERED, RevisionKind.RETRACTED) else KEPT
        return (form % self.figure(before, unit)) + self._arrow() + now

    # --- time ---------------------------------------------------------------------------------

    def period(self, story: Story) -> str:
        """The first and last day of a story where it happens; `period_end` is the end of its last day."""
        if story.period_start is None:
            return ""
        zone = ZoneInfo(story.timezone)
        last = story.period_end and (story.period_end - timedelta(microseconds=1)).astimezone(zone)
        until = self._day(last) if last else self.t("story.goes_on")
        return f"{self._day(story.period_start.astimezone(zone))} – {until}"

    def _day(self, local: datetime) -> str:
        """Day, month and year of a local time."""
        begin = datetime(local.year, local.month, local.day, tzinfo=UTC)
        return self.words.span(Span(not_before=begin, not_after=begin + DAY), "UTC")

    def time(self, moment: datetime | None) -> Markup:
        """An instant: UTC in the markup and in words, which a small script turns into the reader's zone."""
        if moment is None:
            return escape(self.t("time.never"))
        words = self.words.moment(moment, "UTC")
        return INSTANT % (iso(moment), words, words)

    def span(self, span: Span | None) -> Markup:
        """A moment as widely as it is known: an instant, a day, a month, or from … to …"""
        if span is None:
            return escape(self.t("time.unknown"))
        if span.not_after - span.not_before < timedelta(minutes=1):
            return self.time(span.not_before)
        middle = span.not_before + (span.not_after - span.not_before) / 2
        return SPAN % (middle.astimezone(UTC).date().isoformat(), self.words.span(span, "UTC"))

    def ago(self, moment: datetime | None) -> Markup:
        """How long ago, or how soon, with the instant itself in the markup."""
        if moment is None:
            return escape(self.t("time.never"))
        seconds = (self.now - moment).total_seconds()
        unit, size = next((scale for scale in SCALES if abs(seconds) >= scale[1]), ("", 0))
        words = self.t("time.now")
        if size:
            amount = self.count(f"time.unit.{unit}", round(abs(seconds) / size))
            words = self.t("time.ago" if seconds > 0 else "time.ahead", amount=amount)
        return AGO % (iso(moment), self.words.moment(moment, "UTC"), words)

    # --- links and quotes ---------------------------------------------------------------------

    def link(self, url: str, words: str = "") -> Markup:
        """A link that leaves the house: http(s) alone, without opener or referrer; anything else as plain text."""
        return self._link(url, cover_login(url), words)

    def feed_link(self, url: str) -> Markup:
        """A feed's address as a link; as text, with the secret covered, where it holds one."""
        return self._link(url, cover_secrets(url), "")

    def _link(self, url: str, shown: str, words: str) -> Markup:
        words = words or shown
        # With its secret covered an address leads nowhere, and whole it is for nobody to see.
        if shown != url or not is_web_address(url):
            return escape(cover_login(words))
        # On paper the address follows the words, unless it is the words.
        bare = Markup(' class="is-bare"') if words == url else ""
        return Markup('<a href="{url}" rel="noopener noreferrer external"{bare}>{words}</a>').format(
            url=url.strip(), bare=bare, words=words
        )

    def covered(self, words: str) -> str:
        """A text that may name addresses, such as an error, with what may be secret in them covered."""
        return cover_secrets(words) if self.sees_receivers else cover_people(cover_secrets(words))

    def matcher(self, matcher: tuple[str, str]) -> str:
        """A matcher of a silence as a person would write it."""
        is_hidden = matcher[0].startswith("receiver") and not self.sees_receivers
        return self.covered(write_matcher((matcher[0], COVER) if is_hidden else matcher))

    def record_path(self, key: RecordKey) -> str:
        """The page of a record."""
        return record_path(key)

    def highlighted(self, evidence: Evidence) -> Markup:
        """The sentence with the quoted figure marked in it; the quote alone where the sentence does not hold it.

        Of a seed that quotes no sentence for its figure, only that it is the seed's.
        """
        if is_unquoted(evidence.claim_id, evidence.sentence, evidence.quote):
            return escape(self.t("evidence.seed"))
        return mark(evidence.sentence or evidence.quote, [evidence.quote])

    def lang_of(self, lang: str | None) -> Markup:
        """The attribute that has words from outside read aloud in their own language; none where that is unknown."""
        return Markup(' lang="{}"').format(lang) if lang else Markup("")

    def quote_lang(self, evidence: Evidence) -> Markup:
        """The same for what `highlighted` makes of an evidence; of an unquoted seed's the words are the page's own."""
        is_ours = is_unquoted(evidence.claim_id, evidence.sentence, evidence.quote)
        return self.lang_of(None if is_ours else evidence.lang)

    def marked(self, text: str, spans: Iterable[tuple[int, int]]) -> Markup:
        """A text with the given half-open spans marked; overlapping or broken spans are skipped."""
        return mark_spans(text, spans)

    def query(self, **values: object) -> str:
        """A query string of what is set."""
        return urlencode({name: str(value) for name, value in values.items() if value not in (None, "", False)})


def iso(moment: datetime) -> str:
    """An instant as ISO 8601 in UTC, whole seconds."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def latest_first(positions: Iterable[Position]) -> list[Position]:
    """Positions by when they were taken, the latest first; those of unknown time last."""

    def moment(position: Position) -> float:
        return position.since.not_before.timestamp() if position.since else float("-inf")

    return sorted(positions, key=moment, reverse=True)


def sentence_case(words: str) -> str:
    """Words with a capital at the front, the rest left alone."""
    return words[:1].upper() + words[1:]


def mark(text: str, needles: Iterable[str]) -> Markup:
    """A text with the first place of each needle marked."""
    spans = []
    for needle in needles:
        start = text.find(needle) if needle else -1
        if start >= 0:
            spans.append((start, start + len(needle)))
    return mark_spans(text, spans)


def mark_spans(text: str, spans: Iterable[tuple[int, int]]) -> Markup:
    """A text with spans marked, everything escaped."""
    parts: list[Markup] = []
    position = 0
    for start, end in sorted(spans):
        if start < position or end > len(text) or end <= start:
            continue
        parts += [escape(text[position:start]), Markup("<mark>{}</mark>").format(text[start:end])]
        position = end
    parts.append(escape(text[position:]))
    return Markup("").join(parts)
