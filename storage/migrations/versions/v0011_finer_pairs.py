"""PostgreSQL tells pairs of words by four times as many numbers, and unpacks a folded text in half the time.

All folded texts are packed anew and the index of words is made anew, during which the tables of search are locked.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

VECTOR = "array_to_tsvector(string_to_array(btrim(content, ' '), ' '))"
PAIRS = "search_pairs(content)"
MAKE_PAIRS = """
CREATE OR REPLACE FUNCTION search_pairs(content text) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    word text;
    here integer;
    before integer;
    found integer[] := '{}';
BEGIN
    FOREACH word IN ARRAY pg_catalog.string_to_array(pg_catalog.btrim(content, ' '), ' ') LOOP
        here := pg_catalog.hashtext(word);
        found := found || (((before << 1) # here) & %d);
        before := here;
    END LOOP;
    RETURN found[2:];
END $$
"""
# Servers before 14 have no such thing, and few others are built without it; there all stays as it is packed.
PACK = """
DO $$ BEGIN
    EXECUTE 'SET LOCAL default_toast_compression = %(packed)s';
    -- What is computed is packed anew, what is copied is not; a new type forgets how its column was packed.
    EXECUTE 'ALTER TABLE search_documents ALTER COLUMN content TYPE varchar USING content || ''''';
    EXECUTE 'ALTER TABLE search_documents ALTER COLUMN content SET COMPRESSION %(packed)s';
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value OR undefined_object OR syntax_error THEN NULL;
END $$
"""


def upgrade() -> None:
    _renew(most=32767, packed="lz4")


def downgrade() -> None:
    _renew(most=8191, packed="pglz")


def _renew(*, most: int, packed: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    op.drop_index("ix_search_documents_content", "search_documents", if_exists=True)
    op.execute(MAKE_PAIRS % most)
    op.execute(PACK % {"packed": packed})
    op.create_index(
        "ix_search_documents_content", "search_documents", [sa.text(VECTOR), sa.text(PAIRS)], postgresql_using="gin"
    )
    op.execute("ANALYZE search_documents")  # what was known of a column goes with its type
