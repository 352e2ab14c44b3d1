"""The working state of one record while its assertions are weighed."""

from dataclasses import dataclass, field, replace

from monitor.ledger.assertions import Assertion
from monitor.ledger.values import Window, best_of, is_count, is_rounding_of, repeats, says_same, window_of
from storage.records import Figure, MetricKind, Qualifier, Refusal, RevisionKind, Step

# Days after a rise in which reports of the figures before it may still be on their way.
RISING_DAYS = 2
# Days in which outlets may still carry what was superseded.
LAG_DAYS = 3
# Days after which a count is no late one: of what was withdrawn, by somebody named; of some of a stock, by nobody.
WEEK = 7
# The rule by which a figure that is only feared opens a record.
PROVISIONAL = "10.provisional"


@dataclass(slots=True)
class Version:
    """One figure that stood, or that a text says stood.

    `origin_days`: when each named origin last said it, be it in rounder words; `origin_lows`: the least that it can
    have meant by those; `outlet_clocks`: when an outlet, by the clock, first quoted it so.
    """

    figure: Figure
    window: Window
    step: Step
    day: int | None
    support_day: int | None
    origin_days: dict[str, int | None]
    carriers: frozenset[str]
    origin_lows: dict[str, float] = field(default_factory=dict)
    outlet_clocks: dict[tuple[str, str], float] = field(default_factory=dict)
    is_lone: bool = True
    is_deprecated: bool = False
    is_part: bool = False
    superseded_day: int | None = None

    def inherit(self, refined: "Version") -> None:
        """Take over who stands behind the figure that this one refines."""
        self.is_lone = refined.is_lone and not refined.carriers.isdisjoint(self.carriers)
        if self.is_lone:
            self.carriers = refined.carriers | self.carriers
        self.origin_days = {**refined.origin_days, **self.origin_days}
        self.origin_lows = {**refined.origin_lows, **self.origin_lows}
        self.outlet_clocks = {**self.outlet_clocks, **refined.outlet_clocks}

    def copy(self) -> "Version":
        """Return a version that can change apart from this one."""
        return Version(
            figure=self.figure,
            window=self.window,
            step=self.step,
            day=self.day,
            support_day=self.support_day,
            origin_days=dict(self.origin_days),
            origin_lows=dict(self.origin_lows),
            outlet_clocks=dict(self.outlet_clocks),
            carriers=self.carriers,
            is_lone=self.is_lone,
            is_deprecated=self.is_deprecated,
            is_part=self.is_part,
            superseded_day=self.superseded_day,
        )


@dataclass(slots=True)
class Candidate:
    """A figure that contests the standing one: who carries it, since when.

    `voices` counts the texts, `origins` are the named origins; `speakers` those (an umbrella is one, "" an outlet
    alone) that count as origins of their own against a higher figure, and `spoken` the marks of their texts.
    `is_told`: it was told as a dispute; `is_known`: an earlier figure of the same dispute was.
    """

    figure: Figure
    first_day: int | None
    carriers: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    voices: int = 0
    speakers: frozenset[str] = frozenset()
    spoken: frozenset[str] = frozenset()
    is_told: bool = False
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """A figure above the standing one that nobody firm stands behind: it moves only `high`."""

    figure: Figure
    day: int | None


@dataclass(slots=True)
class RecordState:
    """Everything that weighing the next assertion needs to know of a record.

    `rivals`: the origins that were told to dispute the standing figure, and by which numbers; so until one gives way.
    """

    kind: MetricKind
    versions: list[Version] = field(default_factory=list)
    standing: Version | None = None
    steps: list[Step] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    deprecated: list[tuple[Figure, int | None]] = field(default_factory=list)
    comebacks: dict[float | None, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)
    candidates: dict[float | None, Candidate] = field(default_factory=dict)
    claimed: list[Claimed] = field(default_factory=list)
    withdrawn_parts: frozenset[float] = frozenset()
    unofficial: tuple[Figure, ...] = ()
    rivals: frozenset[str | float] = frozenset()
    is_contested: bool = False
    is_provisional: bool = False
    is_pinned: bool = False

    def copy(self) -> "RecordState":
        """Return a state that can go on apart from this one (a checkpoint)."""
        versions = [version.copy() for version in self.versions]
        standing = None if self.standing is None else versions[_index(self.versions, self.standing)]
        return replace(
            self,
            versions=versions,
            standing=standing,
            steps=list(self.steps),
            refusals=list(self.refusals),
            deprecated=list(self.deprecated),
            comebacks=dict(self.comebacks),
            candidates={value: replace(one) for value, one in self.candidates.items()},
            claimed=list(self.claimed),
        )

    # --- what an assertion does ------------------------------------------------------------

    def refuse(self, one: Assertion, rule: str, reason: str) -> None:
        """Keep an assertion that did not move the record, with the rule that says why."""
        self.refusals.extend(
            Refusal(claim_id=claim, rule=rule, reason=reason) for claim in (one.claim_id, *one.repeats)
        )

    def move(self, one: Assertion, kind: RevisionKind, rule: str, reason: str) -> None:
        """Make an assertion's figure the standing one."""
        step = make_step(one, kind, rule, reason)
        version = new_version(one, step)
        if self.standing is not None:
            self.standing.superseded_day = one.day
        self.versions.append(version)
        self.steps.append(step)
        self.standing = version
        self.rivals = self.rivals - {one.origin.name}
        self.is_contested = self.is_provisional = False
        self.candidates.clear()

    def set_aside(self, version: Version) -> None:
        """Take a version out of history: it was never more than a claim, and moves only the upper bound."""
        self.versions.pop(_index(self.versions, version))
        self.steps = [step for step in self.steps if step is not version.step]
        self.claimed.append(Claimed(version.figure, version.day))
        self.unofficial = (*self.unofficial, version.figure)
        self.standing = next((one for one in reversed(self.versions) if not one.is_deprecated), None)

    def forget(self, version: Version) -> None:
        """Take a version out of history that was put where it never stood."""
        self.versions.pop(_index(self.versions, version))
        self.steps = [step for step in self.steps if step is not version.step]

    def support(self, one: Assertion, version: Version | None = None) -> None:
        """Note that an assertion carries a figure that already stands."""
        version = version or self.standing
        if version is None:
            return
        version.support_day = latest(version.support_day, one.day)
        if version.is_lone:  # once two voices carry it, who they are matters no more
            version.is_lone = not version.carriers.isdisjoint(one.carrier)
            version.carriers = version.carriers | one.carrier
        if one.origin.is_named:
            name = one.origin.name
            if version is self.standing and name in self.rivals:
                self.rivals = self.rivals - {name}
            version.origin_days[name] = latest(version.origin_days.get(name), one.day)
            version.origin_lows[name] = max(version.origin_lows.get(name, 0.0), one.window.low)
            if one.clock is not None and one.outlet:
                version.outlet_clocks.setdefault((name, one.outlet), one.clock)

    def insert_before(self, version: Version, one: Assertion, rule: str, reason: str, *, is_deprecated: bool) -> None:
        """Fill history: put an earlier figure before a version that is already known."""
        step = make_step(one, RevisionKind.BACKFILLED, rule, reason)
        filled = new_version(one, step)
        filled.is_deprecated = is_deprecated
        filled.superseded_day = version.day
        self.versions.insert(_index(self.versions, version), filled)
        self.steps.insert(self.steps.index(version.step), step)

    def deprecate(self, version: Version, day: int | None) -> None:
        """Mark a version as withdrawn or lowered from: repeating it does not bring it back."""
        if not version.is_deprecated:
            version.is_deprecated = True
            self.deprecated.append((version.figure, day))

    def deprecated_match(self, figure: Figure) -> tuple[Figure, int | None] | None:
        """Return the deprecated figure that a figure repeats or rounds, latest first."""
        if not self.deprecated or figure.qualifier is Qualifier.VAGUE:
            return None
        return next((past for past in reversed(self.deprecated) if is_rounding_of(figure, past[0])), None)

    def repeats_deprecated(self, one: Assertion) -> tuple[Figure, int | None] | None:
        """Return the deprecated figure that an assertion brings up again, if it does.

        A count within what a withdrawn floor or estimate left open repeats it only until the count goes on: "more than
        70" came down to 50; 64, says the governor, and then 74.
        """
        past = self.deprecated_match(one.figure)
        if past is None or not is_count(one.figure) or is_count(past[0]) or one.figure.value == past[0].value:
            return past
        exact = next((gone for gone in reversed(self.deprecated) if gone[0].value == one.figure.value), None)
        return exact or (None if self._counts_on_since(one, past[1]) else past)

    def _counts_on_since(self, one: Assertion, since: int | None) -> bool:
        """Whether a count goes on from what stands, however it lies within what was withdrawn on a day.

        By who has counted on already; by whoever is named, a week later; or no farther than it has come since.
        """
        standing, days = self.standing, days_between(since, one.day)
        if standing is None:
            return False
        if one.origin.name in standing.origin_days and standing.step.kind is RevisionKind.RAISED:
            return True
        if days < LAG_DAYS:
            return False
        if one.origin.is_named and days >= WEEK:
            return True
        falls = (version for version in self.versions if version.step.kind is RevisionKind.LOWERED)
        fell = min((version.window.low for version in falls), default=None)
        low = standing.window.low
        return fell is not None and 0 < one.window.low - low <= low - fell

    def earlier_match(self, figure: Figure, *, is_strict: bool = False) -> Version | None:
        """Return the latest version before the standing one that a figure repeats or rounds.

        `is_strict`: a count does not repeat an estimate in whose wide window it falls.
        """
        window = window_of(figure)
        for version in reversed(self.versions):
            if version is self.standing or version.figure.qualifier is Qualifier.VAGUE:
                continue
            if is_strict and is_count(figure) and not is_count(version.figure) and figure.value != version.figure.value:
                continue
            if repeats(figure, window, version.figure, version.window):
                return version
        return None


def _index(versions: list[Version], wanted: Version) -> int:
    return next(position for position, version in enumerate(versions) if version is wanted)


def make_step(
    one: Assertion,
    kind: RevisionKind,
    rule: str,
    reason: str,
    *,
    figure: Figure | None = None,
    is_withdrawal: bool = False,
) -> Step:
    """Return a step whose `before` is filled in when the history is put together."""
    return Step(
        kind=kind,
        before=None,
        figure=figure if is_withdrawal else figure or one.figure,
        effective_at=one.effective,
        public_at=one.public,
        recorded_at=one.recorded_at,
        rule=rule,
        reason=reason,
        origins=(one.origin.shown,) if one.origin.name else (),
        evidence=(one.claim_id, *one.repeats),
    )


def new_version(one: Assertion, step: Step) -> Version:
    """Return the version that an assertion opens."""
    origins = {one.origin.name: one.day} if one.origin.is_named else {}
    lows = dict.fromkeys(origins, one.window.low)
    return Version(
        figure=one.figure,
        window=one.window,
        step=step,
        day=one.day,
        support_day=one.day,
        origin_days=origins,
        origin_lows=lows,
        outlet_clocks={(name, one.outlet): one.clock for name in origins if one.clock is not None and one.outlet},
        carriers=one.carrier,
        is_part=one.is_part,
    )


def latest(one: int | None, other: int | None) -> int | None:
    """Return the later of two days; an unknown one never wins."""
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)


def days_between(early: int | None, late: int | None) -> int:
    """Return the days from one day to another; 0 when either is unknown."""
    return 0 if early is None or late is None else late - early


def is_vague(figure: Figure) -> bool:
    """Whether a figure is a word rather than a number."""
    return figure.qualifier is Qualifier.VAGUE


def size_of(figure: Figure) -> float:
    """Return the number that a figure is weighed by; 0 when it states none."""
    return best_of(figure) or 0.0


def agrees(one: Assertion, version: Version) -> bool:
    """Whether an assertion and a version may mean the same number."""
    return one.window.overlaps(version.window) or (
        not is_vague(version.figure) and says_same(one.figure, version.figure)
    )
