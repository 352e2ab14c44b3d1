"""Which web addresses may be asked for, and which network addresses connected to: public ones only, in any notation."""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from yarl import URL

from storage.errors import FetchError, ForbiddenAddressError

NOT_PUBLIC = "is not an address of the public internet"
_SCHEMES = frozenset({"http", "https"})

# The only IPv6 addresses that were ever given out to the public internet (RFC 4291 §2.4), and what of them and of IPv4
# leads to no single host of it: documentation, protocol assignments, 6to4's relays.
_UNICAST = IPv6Network("2000::/3")
_RESERVED = (IPv6Network("3fff::/20"), IPv6Network("2001::/23"), IPv4Network("192.88.99.0/24"))
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_IPV4_COMPATIBLE = IPv6Network("::/96")  # RFC 4291 §2.5.5.1, deprecated, still routed by some stacks


class BadAddressError(FetchError):
    """The text is not an http or https address."""

    retryable = False


def check_address(url: str, *, allow_private: bool) -> str:
    """The host of an address that may be asked for. Nothing is looked up: what a name leads to is checked on the way.

    Raises BadAddressError for what is no http or https address with a host, and ForbiddenAddressError for one of this
    machine or its network, unless `allow_private`.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        _ = parts.port
        is_known = wire_url(url).host is not None
    except ValueError as error:
        raise BadAddressError(f"{url}: not a web address ({error}); it should look like https://host/path") from error
    if parts.scheme not in _SCHEMES or not host or not is_known or len(url.split()) != 1 or not url.isprintable():
        raise BadAddressError(f"{url}: not a web address; it should look like https://host/path")
    if not allow_private and _is_private_literal(host):
        raise ForbiddenAddressError(forbidden_words(url, host))
    return host


def wire_url(url: str) -> URL:
    """An address as it goes over the wire: host in IDNA, other letters percent-encoded, "/" for no path, no fragment.

    One in plain letters stays as it is: some servers mind how it is escaped. Raises ValueError for no address.
    """
    return URL(url, encoded=url.isascii()).with_fragment(None)


def escape_spaces(url: str) -> str:
    """The address with the spaces of its path and query escaped, as browsers do; those of a host stay."""
    scheme, mark, rest = url.strip(" ").partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host}{slash}{path.replace(' ', '%20')}"


def forbidden_words(url: str, what: str) -> str:
    """Why an address is not asked, and what to do."""
    return (
        f"{url}: {what} {NOT_PUBLIC}, so it is not asked; "
        "set allow_private = true under [network] if this intranet is meant to be watched"
    )


def _is_private_literal(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not is_public_address(host)
    except ValueError:
        return _is_short_private(host)


def _is_short_private(host: str) -> bool:
    """127.1, 0x7f000001, 2130706433: numbers that resolvers take for addresses."""
    try:
        packed = socket.inet_aton(host)
    except (OSError, ValueError):
        return False
    return not is_public_address(socket.inet_ntoa(packed))


def is_public_address(text: str) -> bool:
    """True when `text` is an IP address of the public internet.

    IPv6 addresses that carry an IPv4 one (mapped, 6to4, Teredo, NAT64) are as public as what they carry. Of the others
    only global unicast ones are: site-local (fec0::/10), translated and the like are not.
    A zone index ("fe80::1%eth0") never is public. Raises ValueError for anything but an address.
    """
    host, _, zone = text.partition("%")
    address = ip_address(host)
    if zone:
        return False
    inner = _embedded(address) if isinstance(address, IPv6Address) else ()
    return all(_is_global(one) for one in inner or (address,))


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback:
        return False
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    if any(address in network for network in _RESERVED):
        return False
    return address.is_global and not address.is_private and not address.is_link_local


def _embedded(address: IPv6Address) -> tuple[IPv4Address, ...]:
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and int(address) > 1):
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()
