"""What is being watched, made ready once and used for every article: stories with their matcher and their readers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.claims.extract import Extractor
from monitor.folds import Folds
from monitor.ledger.live_pages import extract_claims
from monitor.stories.matching import Matcher
from storage.records import Claim, DatedPart, Match, Span, Story, StoryState, Subscription

# A figure first seen this long after it was published fills history and is told to nobody.
LATE_AFTER = timedelta(hours=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one version of an article says to each story that it belongs to: pure, and made outside any transaction."""

    matches: tuple[Match, ...]
    claims: Mapping[str, tuple[Claim, ...]]


class Watch:
    """The stories that are watched, who is told, and the tools made from them. Only `folds` ever changes."""

    def __init__(
        self,
        stories: Sequence[Story],
        subscriptions: Sequence[Subscription] = (),
        *,
        late_after: timedelta = LATE_AFTER,
        quiet: Collection[str] = (),
    ) -> None:
        """Only active and dormant stories are matched. `late_after`: older news fills history silently, and so does
        all that is learned of the `quiet` stories.
        """
        live = [story for story in stories if story.state in (StoryState.ACTIVE, StoryState.DORMANT)]
        self.stories: Mapping[str, Story] = {story.slug: story for story in live}
        self.subscriptions = tuple(subscriptions)
        self.late_after = late_after
        self.quiet = frozenset(quiet)
        self.folds = Folds()
        self.matcher = Matcher(live)
        self.extractors: Mapping[str, Extractor] = {story.slug: Extractor(story) for story in live}

    def is_late(self, public_at: Span | None, now: datetime) -> bool:
        """Whether something is so old when it is learned that it fills the archive and is told to nobody."""
        return public_at is not None and now - public_at.not_after > self.late_after

    def could_match(self, *, title: str, summary: str) -> bool:
        """Whether an entry is worth fetching: lenient, on title and summary alone."""
        return self.matcher.could_match(title=title, summary=summary)

    def read(
        self,
        *,
        title: str,
        text: str,
        published: Span | None,
        lang: str | None,
        only: Sequence[str] | None = None,
        forced: Sequence[str] = (),
        parts: Sequence[DatedPart] = (),
    ) -> Reading:
        """Match a text and extract its claims for each story that it belongs to.

        `only` limits the stories that may match (a feed that serves some). `forced` are stories that a person said it
        belongs to: they are read whatever the matcher says. `parts` are the dated posts of a live page's text.
        """
        matches = self.matcher.match(title=title, text=text, published=published, lang=lang)
        kept = tuple(match for match in matches if only is None or not only or match.story in only)
        wanted = {match.story for match in kept if match.is_match} | {slug for slug in forced if slug in self.stories}
        claims = {
            slug: extract_claims(
                self.extractors[slug], title=title, text=text, parts=parts, published=published, lang=lang
            )
            for slug in sorted(wanted)
        }
        return Reading(matches=kept, claims=claims)
