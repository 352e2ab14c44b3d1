"""What a poll finds carries the poll's id on to the version that is stored of it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("seen_entries", "article_versions"):
        op.add_column(table, sa.Column("trace", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    for table in ("seen_entries", "article_versions"):
        op.drop_column(table, "trace")
