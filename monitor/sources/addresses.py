"""Which network addresses may be connected to: public ones only, whatever their notation."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_IPV4_COMPATIBLE = IPv6Network("::/96")  # RFC 4291 §2.5.5.1, deprecated, still routed by some stacks


def is_public_address(text: str) -> bool:
    """True when `text` is an IP address of the public internet.

    IPv6 addresses that carry an IPv4 one (mapped, 6to4, Teredo, NAT64) are as public as what they carry.
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
