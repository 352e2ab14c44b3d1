"""An httpx transport for what we post: it connects to checked addresses only, so that a webhook cannot reach inside.

A name is resolved once, each address is checked, and the connection goes to that very address: a name that resolves
differently a moment later (DNS rebinding) changes nothing.

Each host has connections of its own. Two names at one address never share one: what was agreed with the first (its
certificate) says nothing of the second. Who asks to be apart (each channel does) shares with nobody: those that hang
cannot use up the connections of others, and a request looks over few connections, not over all.
"""

import asyncio
import socket
from collections.abc import Callable

import httpx

from monitor.sources.addresses import is_public_address
from storage.errors import ForbiddenAddressError


class GuardedTransport(httpx.AsyncBaseTransport):
    """Passes requests on after pinning them to a public address; with `allow_private` as they are.

    `make_inner` makes what connects, once a host and value of the request's extension `apart`.
    """

    def __init__(self, make_inner: Callable[[], httpx.AsyncBaseTransport], *, allow_private: bool) -> None:
        self._make_inner = make_inner
        self._inner: dict[tuple[str, str, int | None, str], httpx.AsyncBaseTransport] = {}
        self._allow_private = allow_private

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises ForbiddenAddressError for a private, loopback or link-local address."""
        host = request.url.host
        whose = (request.url.scheme, host, request.url.port, str(request.extensions.get("apart", "")))
        inner = self._inner.get(whose)
        if inner is None:
            inner = self._inner[whose] = self._make_inner()
        if self._allow_private:
            return await inner.handle_async_request(request)
        address = await self._find_public(host, str(request.url))
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return await inner.handle_async_request(request)

    async def _find_public(self, host: str, url: str) -> str:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpx.ConnectError(f"{host}: the name is not known ({error})") from error
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses:
            if not is_public_address(address):
                raise ForbiddenAddressError(
                    f"{url}: {host} is {address}, which is not an address of the public internet; set "
                    "network.allow_private = true if you mean to reach it"
                )
        return addresses[0]

    async def aclose(self) -> None:
        """Close all connections."""
        for inner in self._inner.values():
            await inner.aclose()
