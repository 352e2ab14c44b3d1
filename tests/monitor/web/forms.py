"""Sending forms as a browser would: the token comes from the page itself."""

import re

from httpx import Client, Response

TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


def send(client: Client, page: str, action: str, **fields: object) -> Response:
    """Open a page, take its form token, send a form to an address."""
    found = TOKEN.search(client.get(page).text)
    assert found, f"{page} has no form"
    return client.post(action, data={"csrf": found.group(1), **fields})
