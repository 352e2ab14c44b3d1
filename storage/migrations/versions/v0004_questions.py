"""Approvers are asked about held alerts; a channel's deliveries are found in the order in which they are taken."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("alerts", sa.Column("asked_at", TIME, nullable=True))
    op.add_column("deliveries", sa.Column("is_question", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_index("ix_deliveries_channel_state_due_at", "deliveries")
    turn = ["channel", "state", "due_at", "created_at", "delivery_id"]
    op.create_index("ix_deliveries_turn", "deliveries", turn, unique=False)


def downgrade() -> None:
    op.drop_index("ix_deliveries_turn", "deliveries")
    op.create_index("ix_deliveries_channel_state_due_at", "deliveries", ["channel", "state", "due_at"], unique=False)
    op.drop_column("deliveries", "is_question")
    op.drop_column("alerts", "asked_at")
