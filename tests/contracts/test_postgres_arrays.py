"""Columns of values reach PostgreSQL as they are."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Column, Double, Float, Integer, LargeBinary, MetaData, Table, select
from sqlmodel import AutoString

from storage.database import Database
from storage.tables import UtcTime
from storage.writing import among, insert_rows, listed
from tests.support.postgres import Postgres

ROWS = Table(
    "packed_rows",
    MetaData(),
    Column("number", BigInteger, primary_key=True),
    Column("words", AutoString),
    Column("moment", UtcTime),
    Column("place", Integer),
    Column("share", Double),
    Column("figure", Float),
    Column("is_one", Boolean),
    Column("octets", LargeBinary),
)
WORDS = ["", 'a "b" \\ {c,d}', "NULL", None, "Қазақстан – Алматы", " \t\n", "\U0001f30a", "x" * 100_000]
MOMENTS = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1931, 5, 6, 7, 8, 9, 123_456, tzinfo=UTC),
    datetime(2030, 1, 2, 3, 4, 5, 999_999, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    None,
]


def row(number: int) -> dict[str, object]:
    return {
        "number": (-1) ** number * ((1 << 62) + number),
        "words": WORDS[number % len(WORDS)],
        "moment": MOMENTS[number % len(MOMENTS)],
        "place": None if number % 3 == 0 else -number,
        "share": number / 7,
        "figure": (None, 21, 31.5)[number % 3],  # a whole number among others was refused
        "is_one": (None, True, False)[number % 3],
        "octets": bytes(range(number)) if number % 2 else None,
    }


@pytest.mark.postgres
@pytest.mark.parametrize("count", [1, 8, 50])
def test_all_values_come_back(migrated_postgres: Postgres, count: int) -> None:
    migrated_postgres.command("CREATE DATABASE packed TEMPLATE storywatch_template")
    database = Database(migrated_postgres.url("packed"))
    rows = [row(number) for number in range(count)]
    try:
        with database.write() as session:
            ROWS.create(session.connection())
            insert_rows(session, ROWS, rows)
        with database.read() as session:
            held = {one["number"]: dict(one) for one in session.execute(select(ROWS)).mappings()}
            assert held == {one["number"]: one for one in rows}
            asked: tuple[tuple[Any, Any], ...] = (
                (ROWS.c.number, [rows[0]["number"], 5]),
                (ROWS.c.words, ["", WORDS[1]]),
            )
            for column, values in asked:
                chosen = select(ROWS.c.number).where(among(column, "some", postgres=True))
                found = session.execute(chosen, {"some": listed(values, postgres=True)}).scalars().all()
                assert set(found) == {one["number"] for one in rows if one[column.name] in values}
                assert session.execute(chosen, {"some": []}).all() == []
    finally:
        database.close()
        migrated_postgres.drop("packed")
