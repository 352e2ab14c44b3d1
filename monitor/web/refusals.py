"""Why a request is not answered as asked: each is told as a page, or as JSON to programs."""


class RefusedError(Exception):
    """A request is refused: an HTTP status and a key of the page's texts."""

    def __init__(self, status: int, key: str, **values: object) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
        self.values = values


class LoginNeededError(Exception):
    """Nobody is signed in, and the settings say that somebody must be."""
