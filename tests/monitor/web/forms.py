"""Sending forms as a browser would: the token comes from the page itself."""

import html
import re

from httpx import Client, Response

TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
BACK = re.compile(r'name="back" value="([^"]+)"')


def send(client: Client, page: str, action: str, **fields: object) -> Response:
    """Open a page, take its form token, send a form to an address."""
    found = TOKEN.search(client.get(page).text)
    assert found, f"{page} has no form"
    return client.post(action, data={"csrf": found.group(1), **fields})


def fields_of(client: Client, page: str) -> dict[str, str]:
    """The hidden fields of a page's last form, as a browser would send them."""
    text = client.get(page).text
    return {"csrf": TOKEN.findall(text)[-1], "back": html.unescape(BACK.findall(text)[-1])}
