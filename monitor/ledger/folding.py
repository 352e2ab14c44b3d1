"""One record's assertions in order, with checkpoints: a change refolds from its day until nothing differs."""

from bisect import bisect_left, insort
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from monitor.ledger.assertions import Assertion, day_and_clock
from monitor.ledger.history import make_history
from monitor.ledger.ordering import order_day
from monitor.ledger.origins import OriginBook
from monitor.ledger.positions import LAGGED_RULES, Lines, Voice, has_position, line_up
from monitor.ledger.record import RecordState
from monitor.ledger.reports import weigh_report, weigh_states
from monitor.ledger.states import fold_states, order_states
from monitor.ledger.sums import (
    ADDED,
    REASON,
    RULE,
    Addends,
    is_addend,
    refusal_of,
    speaks_of_victims,
    text_of,
)
from monitor.ledger.weighing import weigh
from storage.records import (
    Claim,
    ClaimKind,
    ClaimStatus,
    History,
    MetricKind,
    Qualifier,
    RecordKey,
    Refusal,
    Span,
    StampedClaim,
)

_UNDATED = 10_000_000
_CHECKPOINT_EVERY = 48
_LASTING = frozenset({"in_force"})
_SURE = 0.5


@dataclass(slots=True, eq=False)
class _Report:
    """What one article says at one time of the record (`is_part`: of a part of it): claims, and what they amount to."""

    article: str
    asserted: Span | None
    is_part: bool
    claims: dict[str, StampedClaim] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    assertions: list[Assertion] = field(default_factory=list)


@dataclass(slots=True)
class _Day:
    """The reports of one day with what came of them; `start` is the record's state before it, where one was kept."""

    reports: set[_Report] = field(default_factory=set)
    ordered: list[Assertion] | None = None
    start: RecordState | None = None
    refusals: tuple[Refusal, ...] = ()
    has_victims: bool = False


class RecordFold:
    """One record, folded as far as its claims are known."""

    def __init__(self, key: RecordKey, kind: MetricKind, book: OriginBook, zone: tzinfo) -> None:
        self.key = key
        self.kind = kind
        self.is_dirty = False
        self._book = book
        self._zone = zone
        self._articles: dict[str, list[_Report]] = {}
        self._days: dict[int, _Day] = {}
        self._order: list[int] = []
        self._stale_reports: set[_Report] = set()
        self._stale_days: set[int] = set()
        self._aside: dict[str, Refusal] = {}
        self._own = 0
        self._final: RecordState | None = None
        self._lines = Lines()
        self._is_state = False
        self._addends = Addends()
        self._sums: dict[_Report, frozenset[str]] = {}

    def put_beside(self, stamped: StampedClaim, *, is_removal: bool = False) -> None:
        """Add a count that the record's own may hold with another in a sum of victims, or take it out."""
        if not is_addend(stamped):
            return
        self.is_dirty = True
        is_own = stamped.claim.metric == self.key.metric
        day = None if is_own else day_and_clock(stamped.asserted_at, self._zone)[0]
        self._addends.put(stamped, day, is_removal=is_removal)
        self._stale_reports.update(
            report
            for report in self._articles.get(text_of(stamped), ())
            if report.asserted == stamped.asserted_at and any(map(speaks_of_victims, report.claims.values()))
        )
        if day is not None:
            self._stale_days.update(
                number for number in self._order if number >= day and self._days[number].has_victims
            )

    def put(self, stamped: StampedClaim, *, is_part: bool = False, is_removal: bool = False) -> None:
        """Add a claim, or take it out; `fold` then folds what changed."""
        if is_part and stamped.claim.kind is not ClaimKind.LEVEL:
            return
        self.is_dirty = True
        if not is_part:
            self._own += -1 if is_removal else 1
        self._is_state = self._is_state or stamped.claim.kind is ClaimKind.STATE
        if stamped.claim.kind is ClaimKind.INCREMENT and stamped.claim.value is not None:
            report = self._report(stamped, is_part=False)
            if is_removal:
                report.steps.pop(stamped.claim_id, None)
            else:
                report.steps[stamped.claim_id] = stamped.claim.value
            self._stale_reports.add(report)
        if refusal := _aside(stamped):
            if is_removal:
                self._aside.pop(stamped.claim_id, None)
            elif not is_part:
                self._aside[stamped.claim_id] = refusal
            return
        report = self._report(stamped, is_part=is_part)
        if is_removal:
            report.claims.pop(stamped.claim_id, None)
        else:
            report.claims[stamped.claim_id] = stamped
        # What an edit took out stands beside what it brought: the article's other reports are read anew.
        self._stale_reports.update(self._articles[report.article])

    def _report(self, stamped: StampedClaim, *, is_part: bool) -> _Report:
        article = stamped.url or f"#{stamped.article_id}"
        reports = self._articles.setdefault(article, [])
        for report in reports:
            if report.is_part is is_part and report.asserted == stamped.asserted_at:
                return report
        report = _Report(article, stamped.asserted_at, is_part)
        reports.append(report)
        return report

    def pin(self, stamped: StampedClaim) -> None:
        """Add the figure that a person set."""
        (pinned,) = weigh_report([stamped], (), self._book, self._zone)
        self._own += 1
        self.is_dirty = True
        self._place(_Report(stamped.url, stamped.asserted_at, False), [replace(pinned, is_pin=True)])

    def fold(self) -> History | None:
        """Fold what changed and return the record's history; None if no claim speaks of it."""
        self.is_dirty = False
        for report in self._stale_reports:
            self._place(report, self._weighed(report))
        self._stale_reports.clear()
        if not self._own:
            return None
        sums = (refusal_of(claim) for claim in sorted(frozenset().union(*self._sums.values())))
        aside = (*(self._aside[claim] for claim in sorted(self._aside)), *sums)
        if self._is_state:
            return self._fold_states(aside)
        self._replay()
        if self._final is None:
            return None
        refusals = [refusal for day in self._order for refusal in self._days[day].refusals]
        return make_history(self.key, self._final, (*refusals, *aside), self._lines.positions(self._order))

    def _weighed(self, report: _Report) -> list[Assertion]:
        self._sums.pop(report, None)
        if not report.claims:
            return []
        if report.is_part and any(
            one.claims and not one.is_part and one.asserted == report.asserted for one in self._articles[report.article]
        ):
            # A report that states the whole speaks for itself: its parts cannot raise what it says, or does not.
            return []
        ordered = [report.claims[claim] for claim in sorted(report.claims)]
        if self._is_state:
            return weigh_states(ordered, self._book, self._zone)
        text = (report.article, report.asserted)
        sums = self._addends.sums_in(text, self.key.metric, ordered) if not report.is_part else frozenset()
        if sums:
            self._sums[report] = sums
            totals = {report.claims[claim].claim.value or 0.0 for claim in sums}
            ordered = [stamped for stamped in ordered if stamped.claim_id not in sums]
            ordered += self._addends.dead_among(text, self.key.metric, totals)
            if not ordered:
                return []
        removed = self._removed(report, ordered)
        steps = tuple(sorted(report.steps.values()))
        weighed = weigh_report(ordered, removed, self._book, self._zone, is_part=report.is_part, steps=steps)
        if self.key.metric not in ADDED or report.is_part or self._addends.tells_of_injured(text, self.key.metric):
            return weighed
        victims = {stamped.claim_id for stamped in ordered if speaks_of_victims(stamped)}
        return [replace(one, is_of_victims=True) if one.claim_id in victims else one for one in weighed]

    def _removed(self, report: _Report, claims: list[StampedClaim]) -> list[Claim]:
        """Return the claims that the edit which brought these took out of the same article."""
        # By number, not by time: what an archive shows was edited long before we learn of it.
        edits = {stamped.version_first for stamped in claims if stamped.by_edit}
        if report.is_part or not edits:
            return []
        gone = [
            stamped
            for other in self._articles[report.article]
            if not other.is_part
            for stamped in other.claims.values()
            if stamped.version_last is not None and stamped.version_last + 1 in edits
        ]
        return [
            stamped.claim
            for stamped in sorted(gone, key=lambda one: one.claim_id)
            if stamped.claim.status is ClaimStatus.CURRENT and stamped.claim.qualifier is not Qualifier.VAGUE
        ]

    def _place(self, report: _Report, assertions: list[Assertion]) -> None:
        """Put a report's assertions on their day, in place of those that it had."""
        if report.assertions:
            self._touch(report.assertions[0]).reports.discard(report)
        report.assertions = assertions
        if assertions:
            self._touch(assertions[0]).reports.add(report)

    def _touch(self, one: Assertion) -> _Day:
        number = one.day if one.day is not None else _UNDATED
        day = self._days.get(number)
        if day is None:
            day = self._days[number] = _Day()
            insort(self._order, number)
        day.ordered = None
        self._stale_days.add(number)
        return day

    def _fold_states(self, aside: tuple[Refusal, ...]) -> History:
        self._stale_days.clear()
        state = RecordState(kind=self.kind)
        told = [one for day in self._order for report in self._days[day].reports for one in report.assertions]
        ordered = order_states(told, self._zone)
        fold_states(state, ordered, lasting=_LASTING)
        voices = ((one, False) for one in ordered if has_position(one))
        return make_history(self.key, state, (*state.refusals, *aside), line_up(voices))

    def _replay(self) -> None:
        """Weigh from the last checkpoint before the first stale day until the state is what it was."""
        if self._final is not None and not self._stale_days:
            return
        first = bisect_left(self._order, min(self._stale_days)) if self._stale_days else 0
        while first and self._days[self._order[first]].start is None:
            first -= 1
        begun = self._days[self._order[first]].start if self._order else None
        state = begun.copy() if begun is not None else RecordState(kind=self.kind)
        last_stale = max(self._stale_days, default=-1)
        since = 0
        for position in range(first, len(self._order)):
            number = self._order[position]
            day = self._days[number]
            if number > last_stale and day.start is not None and position > first and day.start == state:
                self._stale_days.clear()
                return
            if position == 0 or since >= _CHECKPOINT_EVERY or day.start is not None:
                day.start, since = state.copy(), 0
            since += self._weigh_day(number, day, state)
        self._stale_days.clear()
        self._final = state

    def _weigh_day(self, number: int, day: _Day, state: RecordState) -> int:
        if day.ordered is None:
            # Reports are unordered here; order_day ranks every assertion by its own identity in the end.
            day.ordered = order_day([one for report in day.reports for one in report.assertions], self.kind)
            day.has_victims = any(one.is_of_victims for one in day.ordered)
        voices: list[Voice] = []
        for one in day.ordered:
            refused = len(state.refusals)
            if one.is_of_victims and self._addends.is_sum(state, one):
                state.refuse(one, RULE, REASON)
            else:
                weigh(state, one)
            if has_position(one):
                is_lagged = len(state.refusals) > refused and state.refusals[-1].rule in LAGGED_RULES
                voices.append((one, is_lagged))
        self._lines.hear(number, voices)
        day.refusals = tuple(state.refusals)
        state.refusals.clear()
        return len(day.ordered)


def _aside(stamped: StampedClaim) -> Refusal | None:
    """Return why a claim is kept but never weighed: an increment, another event, implicit or unsure readings."""
    claim = stamped.claim
    if claim.kind is ClaimKind.INCREMENT:
        return Refusal(claim_id=stamped.claim_id, rule="2.increment", reason="increment")
    if claim.status is ClaimStatus.OTHER_EVENT:
        return Refusal(claim_id=stamped.claim_id, rule="2.other_event", reason="other_event")
    if claim.implicit:
        return Refusal(claim_id=stamped.claim_id, rule="2.implicit", reason="implicit")
    if claim.confidence < _SURE:
        return Refusal(claim_id=stamped.claim_id, rule="2.unsure", reason="unsure")
    return None
