"""Claims that a newer reading took the place of are kept as they were."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "superseded_claims",
        sa.Column("story", sa.String(), nullable=False),
        sa.Column("claim_id", sa.String(), nullable=False),
        sa.Column("superseded_at", TIME, nullable=False),
        sa.Column("run_id", BIG, nullable=True),
        sa.Column("article_id", BIG, nullable=True),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.article_id"], name=op.f("fk_superseded_claims_article_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["extraction_runs.run_id"], name=op.f("fk_superseded_claims_run_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["story"], ["stories.slug"], name=op.f("fk_superseded_claims_story"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("story", "claim_id", "superseded_at", name=op.f("pk_superseded_claims")),
    )
    op.create_index(op.f("ix_superseded_claims_article_id"), "superseded_claims", ["article_id"], unique=False)


def downgrade() -> None:
    op.drop_table("superseded_claims")
