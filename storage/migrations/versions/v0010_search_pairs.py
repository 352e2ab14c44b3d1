"""PostgreSQL's index of words holds pairs of words that stand side by side too, for phrases. SQLite's knows places anyway."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
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
        found := found || (((before << 1) # here) & 8191);
        before := here;
    END LOOP;
    RETURN found[2:];
END $$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute(MAKE_PAIRS)
    op.drop_index("ix_search_documents_content", "search_documents", if_exists=True)
    op.create_index(
        "ix_search_documents_content", "search_documents", [sa.text(VECTOR), sa.text(PAIRS)], postgresql_using="gin"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    op.drop_index("ix_search_documents_content", "search_documents")
    op.create_index("ix_search_documents_content", "search_documents", [sa.text(VECTOR)], postgresql_using="gin")
    op.execute("DROP FUNCTION search_pairs(text)")
