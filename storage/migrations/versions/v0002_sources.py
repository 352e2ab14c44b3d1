"""Hubs that push, evidence kept as it came, and plain pages watched on their own."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("feeds", sa.Column("kind", sa.String(), nullable=False, server_default="feed"))
    op.create_table(
        "push_subscriptions",
        sa.Column("feed_id", BIG, nullable=False),
        sa.Column("hub_url", sa.String(), nullable=False),
        sa.Column("topic_url", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("callback_url", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("act_at", TIME, nullable=True),
        sa.Column("asked_at", TIME, nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("pushes", sa.Integer(), nullable=False),
        sa.Column("last_push_at", TIME, nullable=True),
        sa.Column("missed_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feeds.feed_id"], name=op.f("fk_push_subscriptions_feed_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("feed_id", name=op.f("pk_push_subscriptions")),
        sa.UniqueConstraint("token", name=op.f("uq_push_subscriptions_token")),
    )
    op.create_index(op.f("ix_push_subscriptions_act_at"), "push_subscriptions", ["act_at"], unique=False)
    op.create_table(
        "exhibits",
        sa.Column("exhibit_id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("fetched_at", TIME, nullable=False),
        sa.Column("payload_hash", sa.String(), nullable=False),
        sa.Column("record_hash", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("feed_id", BIG, nullable=True),
        sa.Column("article_id", BIG, nullable=True),
        sa.PrimaryKeyConstraint("exhibit_id", name=op.f("pk_exhibits")),
    )
    op.create_index("ix_exhibits_url_fetched_at", "exhibits", ["url", "fetched_at"], unique=False)
    op.create_index(op.f("ix_exhibits_fetched_at"), "exhibits", ["fetched_at"], unique=False)
    op.create_index(op.f("ix_exhibits_feed_id"), "exhibits", ["feed_id"], unique=False)
    op.create_index(op.f("ix_exhibits_article_id"), "exhibits", ["article_id"], unique=False)


def downgrade() -> None:
    op.drop_table("exhibits")
    op.drop_table("push_subscriptions")
    op.drop_column("feeds", "kind")
