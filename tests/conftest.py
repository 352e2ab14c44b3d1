"""Fixtures that several folders share, and how tests are named."""

pytest_plugins = ["tests.support.databases"]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a test by its parameter where its value is bytes: what is packed holds the time, and no two workers agree."""
    return argname if isinstance(val, bytes | bytearray) else None
