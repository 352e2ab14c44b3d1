"""Every error that Storywatch raises on purpose, under one base.

A message names the file, line or URL at fault and says what to do. `retryable` says whether
the same call may succeed later without anyone changing anything.
"""


class StorywatchError(Exception):
    """Base of all errors that Storywatch raises on purpose."""

    retryable: bool = False


class AskedError(StorywatchError):
    """What somebody asked for cannot be.

    `code` names what is wrong, and `gaps` what fills a text of it, for those who say it in their own words (the page,
    in the reader's language); the message says it in English.
    """

    def __init__(self, message: str, *, code: str = "", **gaps: object) -> None:
        super().__init__(message)
        self.code = code
        self.gaps = gaps


class SettingsError(StorywatchError):
    """A setting is missing or wrong."""


class MatcherError(AskedError, SettingsError):
    """A matcher of a silence can never mean anything; the message names it and says what there is."""


class SeedError(StorywatchError):
    """A seed file is wrong; the message names file, line and key."""


class LexiconError(StorywatchError):
    """A lexicon file is wrong; the message names file and key."""


class FetchError(StorywatchError):
    """A page or feed could not be fetched."""

    retryable = True


class ForbiddenAddressError(FetchError):
    """The address is private, loopback or link-local, and settings do not allow it."""

    retryable = False


class BodyTooLargeError(FetchError):
    """The body is larger than the limit after decompression."""

    retryable = False


class HostRestsError(FetchError):
    """A host asked for no request for a while; `seconds` are left of it."""

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class FeedParseError(StorywatchError):
    """The bytes are not a feed that we can read."""


class ArticleParseError(StorywatchError):
    """The page holds no article text that we can read."""


class QueryError(AskedError):
    """A search query cannot be understood; the message points at the place."""


class NotFoundError(AskedError):
    """A named thing (story, article, record, alert) does not exist."""


class DatabaseError(StorywatchError):
    """The database cannot be used; the message says why and what to do."""

    retryable = True


class SchemaVersionError(DatabaseError):
    """The database was written by a newer Storywatch, has not been migrated, or lacks something of its schema."""

    retryable = False


class DeliveryError(StorywatchError):
    """A message could not be delivered on a channel."""

    retryable = True

    def __init__(
        self, message: str, *, retry_after: float | None = None, permanent: bool = False, disable: bool = False
    ) -> None:
        """`retry_after` in seconds, as asked; `permanent`: do not try again; `disable`: the endpoint is gone (410)."""
        super().__init__(message)
        self.retry_after = retry_after
        self.permanent = permanent
        self.disable = disable


class RenderError(DeliveryError):
    """A message could not be written: trying again changes nothing, and its receiver has nothing to do with it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class DecidedError(StorywatchError):
    """Somebody decided otherwise before, or there is nothing to decide any more; `state` is what the alert is now."""

    def __init__(self, message: str, *, state: str) -> None:
        super().__init__(message)
        self.state = state


class OvertakenError(StorywatchError):
    """A delivery tells what its receiver was told better since: sent now, it would be old news after new."""


class JudgementError(AskedError):
    """What a person would overrule cannot be: the message says which part of it is wrong."""
