"""The dated posts of live pages, the hash of a page's bytes, and what hosts asked of us."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("articles", sa.Column("body_hash", sa.String(), nullable=True))
    op.add_column("article_versions", sa.Column("parts", sa.String(), nullable=False, server_default="[]"))
    op.create_table(
        "host_manners",
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("crawl_delay", sa.Float(), nullable=False),
        sa.Column("quiet_until", TIME, nullable=True),
        sa.Column("noted_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_host_manners")),
    )


def downgrade() -> None:
    op.drop_table("host_manners")
    op.drop_column("article_versions", "parts")
    op.drop_column("articles", "body_hash")
