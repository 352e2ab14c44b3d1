"""What a message tells, ready to be laid out: alerts with their revisions turned into words. Pure.

A `Notice` is one alert with what belongs to it; `describe` turns it into a `Change`, which holds nothing but strings
and flags, so that the templates decide nothing.
"""

from dataclasses import dataclass

from alerts.addresses import host_of, web_address
from alerts.chart import ChartSpec, make_chart
from alerts.drawing import COLOURS
from alerts.foreign import one_line
from alerts.interest import ARTICLE_KINDS, EVENT_KINDS
from alerts.links import LinkMaker
from alerts.words import Words, event_words
from storage.covering import cover_login, cover_secrets
from storage.records import Alert, Evidence, Figure, History, Revision, RevisionKind, Story

# More sentences than this make a message that nobody reads.
MOST_EVIDENCE = 4
# Sentences are quoted, not republished.
_LONGEST_SENTENCE = 420


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One alert that is told: its revision, the earlier revisions of that record that it supersedes or that only refine
    it (any order), its story if it has one, and the record's history for the chart."""

    alert: Alert
    revision: Revision
    passed_over: tuple[Revision, ...] = ()
    story: Story | None = None
    history: History | None = None
    corrected: Revision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A sentence in three pieces around the words that state the figure, and where it stands."""

    lead: str
    figure: str
    rest: str
    who: str
    link: str
    link_text: str
    published: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PathStep:
    """One of several changes told at once."""

    kind: str
    text: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A notice in words. `tone` names its colour; `before` is empty where there was nothing to change from."""

    alert_id: str
    revision_id: str
    kind: str
    kind_words: str
    tone: str
    story: str
    what: str
    before: str
    after: str
    headline: str
    reason: str
    who: str
    said: str
    learned: str
    holds_for: str
    told_because: str
    note: str
    path: tuple[PathStep, ...]
    quotes: tuple[Quote, ...]
    more_quotes: int
    chart: ChartSpec | None
    chart_alt: str
    chart_lines: tuple[tuple[str, str], ...]
    silence_link: str
    page_link: str
    approve_link: str
    drop_link: str


_TONES = {
    RevisionKind.FIRST: "rise",
    RevisionKind.RAISED: "rise",
    RevisionKind.LOWERED: "fall",
    RevisionKind.RETRACTED: "alarm",
    RevisionKind.REMOVED: "alarm",
    RevisionKind.CORRECTION: "alarm",
    RevisionKind.CONTESTED: "doubt",
    RevisionKind.REFINED: "calm",
    RevisionKind.CONFIRMED: "calm",
    RevisionKind.RESOLVED: "calm",
    RevisionKind.RESTORED: "calm",
}


# What stands where a story's title would, for what belongs to none.
_ROOMS = {RevisionKind.FOUND: "searches"}


def describe(notice: Notice, words: Words, *, zone: str, links: LinkMaker | None, is_question: bool = False) -> Change:
    """Return a notice in words, in local time of `zone`; a question has links to approve and drop, not to silence."""
    revision, story = notice.revision, notice.story
    path = in_order(notice)
    before, after = _sides(notice, path, words)
    arrow = f" {words.say('format', 'arrow')} "
    before = arrow.join(filter(None, [before, *_middle(path, words)]))
    if before and revision.kind in ARTICLE_KINDS:
        # The heading is the article's: what the figure counts must stand with it.
        before = f"{words.edit_sides(revision, story)[0]} {before}".strip()
    chart = _chart(notice, words, zone)
    quotes = tuple(_quote(proof, words, zone) for proof in _distinct_evidence(path))
    return Change(
        alert_id=notice.alert.alert_id,
        revision_id=revision.revision_id,
        kind=revision.kind.value,
        kind_words=words.say("kinds", revision.kind.value),
        tone=_TONES.get(revision.kind, "plain"),
        story=story.title if story else words.say("labels", _ROOMS.get(revision.kind, "watch")),
        what=subject_of(revision, words, story),
        before=before,
        after=after,
        headline=headline(notice, words),
        reason=_reason(revision, words),
        who=words.say("format", "joiner").join(revision.origins),
        said=words.span(revision.public_at, zone),
        learned=words.moment(revision.recorded_at, zone),
        holds_for=words.span(revision.effective_at, zone),
        told_because=words.say("told", notice.alert.reason, kind=words.say("kinds", revision.kind.value).lower()),
        note=words.say("labels", "correction_note") if revision.kind is RevisionKind.CORRECTION else "",
        path=_path_steps(path, words, zone),
        quotes=quotes[:MOST_EVIDENCE],
        more_quotes=max(0, len(quotes) - MOST_EVIDENCE),
        chart=chart,
        chart_alt=_chart_alt(notice, path, words) if chart else "",
        chart_lines=_chart_lines(chart),
        silence_link=links.make_link("silence", notice.alert.alert_id) if links and not is_question else "",
        page_link=links.page_link(revision.revision_id) if links else "",
        approve_link=links.make_link("approve", notice.alert.alert_id) if links and is_question else "",
        drop_link=links.make_link("drop", notice.alert.alert_id) if links and is_question else "",
    )


def in_order(notice: Notice) -> tuple[Revision, ...]:
    """Return all revisions that a notice tells of, as they were learned."""
    # Revisions of one commit share their time; what is passed over before its lead came before it, unless it refines
    # it.
    refining = (RevisionKind.REFINED, RevisionKind.CONFIRMED)
    everything = [*notice.passed_over, notice.revision]
    after = [
        one for one in notice.passed_over if one.kind in refining and one.recorded_at >= notice.revision.recorded_at
    ]
    if notice.revision.kind not in refining:
        everything = [*(one for one in everything if one not in after), *after]
    return tuple(sorted(everything, key=lambda one: one.recorded_at))


def headline(notice: Notice, words: Words) -> str:
    """Return the change in one line, without the story: "killed 164 → withdrawn (44)"."""
    revision = notice.revision
    what = subject_of(revision, words, notice.story)
    if revision.kind in ARTICLE_KINDS:
        proof = revision.evidence[0] if revision.evidence else Evidence()
        event = words.say(
            "subjects",
            event_words(revision),
            source=one_line(proof.source) or words.say("subjects", "a_source"),
            title=one_line(proof.title) or words.say("subjects", "untitled"),
            search=revision.key.place,
        )
        what, before, after = words.edit_sides(revision, notice.story)
        if not (before and after):
            return event
        figure = words.say("subjects", "change", what=what, before=before, after=after).strip()
        return words.say("subjects", "story", story=event, change=figure)
    path = in_order(notice)
    before, after = _sides(notice, path, words)
    key = revision.kind.value if revision.kind.value in _OWN_SUBJECTS and len(path) == 1 else "change"
    if not before and key == "change":
        key = "correction" if revision.kind is RevisionKind.CORRECTION else "first"
    arrow = f" {words.say('format', 'arrow')} "
    after = arrow.join([*_middle(path, words), after])
    return words.say("subjects", key, what=what, before=before, after=after)


def _middle(path: tuple[Revision, ...], words: Words) -> list[str]:
    """What a record passed through on its way, where several changes are told at once."""
    return [
        _health_side(one.after, words)
        if one.kind is RevisionKind.HEALTH
        else words.outcome(one.kind, one.after, one.key.unit)
        for one in path[:-1]
    ]


_OWN_SUBJECTS = frozenset({"first", "contested", "confirmed", "resolved", "correction"})


def subject_of(revision: Revision, words: Words, story: Story | None) -> str:
    """Return what a revision is about: a record in words, or the feed or channel of a health event."""
    if revision.kind is RevisionKind.HEALTH:
        return words.say("health", revision.key.metric, place=cover_secrets(revision.key.place))
    if revision.kind in EVENT_KINDS:
        title = one_line(revision.evidence[0].title) if revision.evidence else ""
        return title or words.say("subjects", "untitled")
    return words.what(revision.key, story)


def _sides(notice: Notice, path: tuple[Revision, ...], words: Words) -> tuple[str, str]:
    first, last = path[0], path[-1]
    if notice.revision.kind in ARTICLE_KINDS:
        return words.edit_sides(notice.revision, notice.story)[1:]
    if notice.revision.kind is RevisionKind.HEALTH:
        return _health_side(first.before, words), _health_side(last.after, words)
    before = words.figure(first.before, first.key.unit) if first.before is not None else ""
    return before, words.outcome(last.kind, last.after, last.key.unit)


def _health_side(figure: Figure | None, words: Words) -> str:
    return words.say("health", figure.state) if figure is not None and figure.state else ""


def _reason(revision: Revision, words: Words) -> str:
    """The ledger's reason as a sentence; lines `name=value` of `detail` fill its gaps. Without a reason the detail
    speaks."""
    if not revision.reason:
        return cover_secrets(revision.detail)
    detail = cover_secrets(revision.detail)
    values = dict(line.partition("=")[::2] for line in detail.splitlines() if "=" in line)
    sentence = words.say("reasons", revision.reason, **values)
    return sentence[:1].upper() + sentence[1:].rstrip(".: ") + "."


def _path_steps(path: tuple[Revision, ...], words: Words, zone: str) -> tuple[PathStep, ...]:
    if len(path) == 1:
        return ()
    arrow = words.say("format", "arrow")
    steps = []
    for one in path:
        health = one.kind is RevisionKind.HEALTH
        before = _health_side(one.before, words) if health else words.figure(one.before, one.key.unit)
        after = _health_side(one.after, words) if health else words.outcome(one.kind, one.after, one.key.unit)
        text = f"{before} {arrow} {after}" if one.before is not None else after
        steps.append(
            PathStep(kind=words.say("kinds", one.kind.value), text=text, at=words.moment(one.recorded_at, zone))
        )
    return tuple(steps)


def _distinct_evidence(path: tuple[Revision, ...]) -> tuple[Evidence, ...]:
    """The newest change's sentences first, each once; of an article that changed or went at least its address."""
    seen: dict[tuple[str, str], Evidence] = {}
    for revision in reversed(path):
        for proof in revision.evidence:
            if proof.sentence or (revision.kind in ARTICLE_KINDS and proof.url):
                seen.setdefault((proof.sentence, proof.url), proof)
    return tuple(seen.values())


def _quote(proof: Evidence, words: Words, zone: str) -> Quote:
    lead, figure, rest = _split_sentence(proof.sentence, proof.quote)
    source = one_line(proof.source) or host_of(proof.url)
    who = proof.origin or ""
    if proof.speaker and proof.origin and proof.speaker != proof.origin:
        who = words.say("labels", "via", speaker=proof.speaker, origin=proof.origin)
    # With its secret covered an address leads nowhere.
    link = web_address(proof.url) if cover_login(proof.url) == proof.url else ""
    named = words.say("labels", "source_link", source=source) if source else words.say("labels", "source_unnamed")
    return Quote(
        lead=lead,
        figure=figure,
        rest=rest,
        who=one_line(who or proof.speaker or ""),
        link=link,
        link_text=named if link else source,
        published=words.span(proof.published, zone),
    )


def _split_sentence(sentence: str, figure: str) -> tuple[str, str, str]:
    """The sentence around its figure, cut at both ends to a length that is a quotation."""
    text, figure = one_line(sentence), one_line(figure)
    at = text.find(figure) if figure else -1
    if at < 0:
        return text[:_LONGEST_SENTENCE] + ("…" if len(text) > _LONGEST_SENTENCE else ""), "", ""
    lead, rest = text[:at], text[at + len(figure) :]
    room = max(40, (_LONGEST_SENTENCE - len(figure)) // 2)
    if len(lead) > room:
        lead = "…" + lead[-room:]
    if len(rest) > room:
        rest = rest[:room] + "…"
    return lead, figure, rest


def _chart(notice: Notice, words: Words, zone: str) -> ChartSpec | None:
    """A chart is shown once there is a change to see: two steps at least."""
    if notice.history is None or notice.revision.kind in EVENT_KINDS:
        return None
    title = words.what(notice.revision.key, notice.story)
    spec = make_chart(notice.history, until=notice.revision.recorded_at, title=title, zone=zone)
    return spec if spec is not None and (len(spec.lines[0].points) > 1 or spec.marks) else None


def _chart_alt(notice: Notice, path: tuple[Revision, ...], words: Words) -> str:
    unit = notice.revision.key.unit
    steps = notice.history.steps if notice.history else ()
    figures = [words.outcome(step.kind, step.figure, unit) for step in steps]
    what = words.what(notice.revision.key, notice.story)
    return words.say("labels", "chart_alt", what=what, path=f" {words.say('format', 'arrow')} ".join(figures[-12:]))


def _chart_lines(chart: ChartSpec | None) -> tuple[tuple[str, str], ...]:
    """Name and colour of each origin's line, for a legend in the text."""
    if chart is None:
        return ()
    return tuple((line.name, COLOURS[index]) for index, line in enumerate(chart.lines) if line.name)
