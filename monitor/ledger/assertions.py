"""What one origin asserts in one article at one time, ready to be weighed."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from monitor.claims.status import LOWERED
from monitor.ledger.origins import Origin, OriginBook
from monitor.ledger.values import Window, figure_of, window_of
from storage.records import ClaimStatus, Figure, Qualifier, Span, StampedClaim, Trust

GONE = frozenset({ClaimStatus.RETRACTED, ClaimStatus.DENIED})
_CLOCKED = timedelta(hours=12)
_DATED = timedelta(days=3)
_SHARED_WORDS = 8
# Under this share of a figure, a number is of a part of it.
PART_SHARE = 1 / 3
# Under this share, it is so whatever earlier figure its text names.
SMALL_SHARE = 1 / 10
# In the names of the reader's rules for who was found dead, in every language.
_BODIES = "bodies"
_FIRM = frozenset({Qualifier.EXACT, Qualifier.AT_LEAST, Qualifier.MORE_THAN})


@dataclass(slots=True, eq=False)
class Assertion:
    """One figure for one record, by one origin, in one article at one time, with what the same text says beside it.

    `day` is the ordinal of the day in the story's time zone (None: undated), `clock` the seconds since the epoch
    if the time is known to within half a day. `previous` and `gone` are the earlier and the withdrawn figures of
    the same text; of the earlier, `feared` (not in `previous`) are those that go with what it only fears; of the
    withdrawn, `denied` are those that somebody only denies, `taken_back` those of the very origin that gives the new
    figure. `replaced` are those that an edit of the article took out, `steps` by how much it says the figure moved.
    `beside` are what other origins count now, in the same text.
    `carrier` marks the voice: the article or wire text, and the sentence; whoever shares a mark is the same voice.
    `is_spoken`: its own sentence names who says so; `is_lowering`: it says that the toll came down to this;
    `is_own_word`: its origin publishes it itself.
    `is_of_bodies`: it counts those that were found. `hedged_by`: the lower count that is the report's own, beside which
    this one is somebody's claim.
    `is_of_victims`: its sentence counts victims, who may be more than the dead (`monitor.ledger.sums`).
    Nothing changes an assertion once it is made; it is not frozen only because a story makes many thousands.
    """

    claim_id: str
    figure: Figure
    window: Window
    status: ClaimStatus
    origin: Origin
    outlet: str
    carrier: frozenset[str]
    trust: Trust
    public: Span | None
    effective: Span | None
    recorded_at: datetime
    day: int | None
    clock: float | None
    previous: tuple["Assertion", ...] = ()
    feared: tuple["Assertion", ...] = ()
    gone: tuple[Figure, ...] = ()
    denied: tuple[Figure, ...] = ()
    taken_back: tuple["Assertion", ...] = ()
    replaced: tuple[Figure, ...] = ()
    steps: tuple[float, ...] = ()
    beside: tuple["Assertion", ...] = ()
    repeats: tuple[str, ...] = ()
    is_part: bool = False
    is_pin: bool = False
    is_spoken: bool = True
    is_own_word: bool = False
    is_lowering: bool = False
    is_of_victims: bool = False
    is_of_bodies: bool = False
    hedged_by: "Assertion | None" = None


def day_and_clock(span: Span | None, zone: tzinfo) -> tuple[int | None, float | None]:
    """Return the day (ordinal, in the zone) and, if known to within half a day, the clock time of a span.

    A span wider than three days stands at its end: it was public by then at the latest.
    """
    if span is None:
        return None, None
    width = span.not_after - span.not_before
    if width <= _CLOCKED:
        return span.not_after.astimezone(zone).toordinal(), span.not_after.timestamp()
    middle = span.not_after if width > _DATED else span.not_before + width / 2
    return middle.astimezone(zone).toordinal(), None


def make_assertion(
    stamped: StampedClaim, book: OriginBook, day: int | None, clock: float | None, *, is_part: bool
) -> Assertion:
    """Return what a claim asserts by itself; `day` and `clock` are its report's. A part is a floor of the whole."""
    figure = figure_of(stamped.claim)
    origin, publisher = book.origin_of(stamped.claim), book.origin_of_source(stamped.source)
    if is_part and figure.qualifier in _FIRM:
        figure = replace(figure, qualifier=Qualifier.AT_LEAST, high=None)
    return Assertion(
        claim_id=stamped.claim_id,
        figure=figure,
        window=window_of(figure),
        status=stamped.claim.status,
        origin=origin if origin.name else publisher,
        outlet=stamped.source,
        carrier=carrier_of(stamped),
        trust=stamped.trust,
        public=stamped.asserted_at,
        effective=stamped.claim.as_of or stamped.asserted_at,
        recorded_at=stamped.recorded_at,
        day=day,
        clock=clock,
        is_part=is_part,
        is_lowering=stamped.claim.rule.endswith(LOWERED),
        is_own_word=publisher.is_named and origin.name in ("", publisher.name),
        is_of_bodies=_BODIES in stamped.claim.rule,
        is_spoken=not stamped.claim.speaker or stamped.claim.speaker in stamped.sentence,
    )


def carrier_of(stamped: StampedClaim) -> frozenset[str]:
    """Return the marks of the voice behind a claim: its wire text or article, and its sentence if long enough."""
    text = stamped.wire_group or stamped.url or f"#{stamped.article_id}"
    if stamped.sentence.count(" ") < _SHARED_WORDS - 1:
        return frozenset((text,))
    words = stamped.sentence.casefold().split()
    return frozenset((text, " ".join(words))) if len(words) >= _SHARED_WORDS else frozenset((text,))
