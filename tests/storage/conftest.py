"""Both databases for the tests of this folder."""

from tests.support.databases import database, empty_url, migrated_postgres, postgres  # noqa: F401  # pytest finds fixtures by name
