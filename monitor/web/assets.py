"""Style sheet, script and icon: served with a year of caching under an address that changes with their content."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

FOLDER = Path(__file__).parent / "static"


@cache
def asset_path(name: str) -> str:
    """The address of a file of static/, with a mark of its content."""
    return f"/static/{name}?v={content_mark(name)}"


@cache
def content_mark(name: str) -> str:
    """The mark of a file's content. Raises OSError for a file that is not there."""
    return sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


class Assets(StaticFiles):
    """The static folder; what is asked for by its content mark never changes."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a file."""
        given = scope.get("query_string", b"").decode("latin-1")

        async def send_cached(message: Message) -> None:
            is_found = message["type"] == "http.response.start" and message["status"] == 200
            # Under any other mark an old page, or a stranger's link, would fix what is served today for a year.
            if is_found and given == f"v={content_mark(self.get_path(scope))}":
                message["headers"] = [*message["headers"], (b"cache-control", b"public, max-age=31536000, immutable")]
            await send(message)

        await super().__call__(scope, receive, send_cached)
