"""The full-text index in parts on SQLite; on PostgreSQL an index made of folded words. It is filled at the same upgrade."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
VECTOR = "array_to_tsvector(string_to_array(btrim(content, ' '), ' '))"


def upgrade() -> None:
    op.create_table(
        "search_parts",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_key", BIG, nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_search_parts")),
        sa.UniqueConstraint("first_key", name=op.f("uq_search_parts_first_key")),
    )
    op.execute("DELETE FROM search_documents")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_index")
        with op.batch_alter_table("search_documents") as table:
            table.alter_column("content", type_=sa.String())
    else:
        op.drop_index("ix_search_documents_content", "search_documents")
        op.alter_column("search_documents", "content", type_=sa.String(), postgresql_using="content::text")
        op.create_index("ix_search_documents_content", "search_documents", [sa.text(VECTOR)], postgresql_using="gin")


def downgrade() -> None:
    op.execute("DELETE FROM search_documents")
    if op.get_bind().dialect.name == "sqlite":
        for (number,) in op.get_bind().execute(sa.text("SELECT number FROM search_parts")).all():
            op.execute(f"DROP TABLE search_index_{number}")
        op.execute(
            "CREATE VIRTUAL TABLE search_index USING fts5"
            "(title, body, tags, content='', tokenize=\"ascii tokenchars '~_'\")"
        )
        with op.batch_alter_table("search_documents") as table:
            table.alter_column("content", type_=sa.Text())
    else:
        op.drop_index("ix_search_documents_content", "search_documents")
        op.execute("ALTER TABLE search_documents ALTER COLUMN content TYPE tsvector USING content::tsvector")
        op.create_index("ix_search_documents_content", "search_documents", ["content"], postgresql_using="gin")
    op.drop_table("search_parts")
    op.execute("DELETE FROM meta WHERE name = 'search_recipe'")
