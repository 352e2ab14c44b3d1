"""Alerts remember who let them go, or dropped them, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alerts", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("alerts", sa.Column("decided_by", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("alerts", "decided_by")
    op.drop_column("alerts", "decided_at")
