"""Which addresses are public, in every notation."""

import pytest

from monitor.sources.addresses import is_public_address

PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "255.255.255.255", "100.64.0.1",
    "224.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::", "2001:db8::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "240.0.0.1", "fec0::1", "feff:ffff::1", "::ffff:0:10.0.0.1", "::ffff:0:8.8.8.8",
    "64:ff9b:1::a00:1", "64:ff9b::a9fe:a9fe", "2002:c0a8:101::", "2002:a9fe:a9fe::1", "100::1", "3fff::1", "2001:2::1",
    "2001:20::1", "5f00::1", "4000::1", "192.88.99.1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public_address(address)
