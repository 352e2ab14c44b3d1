"""A small outlet on loopback for tests of the whole program: a feed and pages that name the present time as theirs."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape

from tests.support.desk import page
from tests.support.webserver import Reply, WebServer

FILLER = (
    "\nShops stayed shut on Sunday and buses did not run. Residents said that the streets had been quiet since dawn,"
    " and that soldiers stood at the crossings near the port. Schools are to open again later this week."
)


class Outlet:
    """Publishes articles on a site; its feed is at /feed."""

    def __init__(self, site: WebServer) -> None:
        self.site = site
        self._items: list[str] = []
        site.add("/feed", lambda _request: Reply(body=self._feed(), content_type="application/rss+xml"))

    def publish(self, name: str, title: str, text: str, *, body: bytes | None = None, minutes_ago: float = 5) -> str:
        """Put an article on the site and into the feed; returns its address. `body` replaces the page."""
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        link = self.site.url(f"/{name}")
        head = f"<link rel='alternate' type='application/rss+xml' href='{self.site.url('/feed')}'></head>"
        made = page(title, text + FILLER, at).replace(b"</head>", head.encode())
        self.site.add(f"/{name}", Reply(body=made if body is None else body))
        self._items.append(
            f"<item><title>{escape(title)}</title><link>{link}</link><guid>{link}</guid>"
            f"<pubDate>{format_datetime(at)}</pubDate><description>{escape(title)}</description></item>"
        )
        return link

    def _feed(self) -> bytes:
        items = "".join(reversed(self._items))
        return f"<rss version='2.0'><channel><title>Harbour News</title>{items}</channel></rss>".encode()
