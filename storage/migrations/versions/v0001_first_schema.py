"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CONTENT = sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "articles",
        sa.Column("article_id", BIG, nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("trust", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("lang", sa.String(), nullable=True),
        sa.Column("published_from", TIME, nullable=True),
        sa.Column("published_to", TIME, nullable=True),
        sa.Column("first_seen_at", TIME, nullable=False),
        sa.Column("last_changed_at", TIME, nullable=False),
        sa.Column("last_read_at", TIME, nullable=True),
        sa.Column("reread_at", TIME, nullable=True),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("last_modified", sa.String(), nullable=True),
        sa.Column("removed_at", TIME, nullable=True),
        sa.Column("pending_hash", sa.String(), nullable=True),
        sa.Column("pending_since", TIME, nullable=True),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_articles")),
        sa.UniqueConstraint("url", name=op.f("uq_articles_url")),
    )
    op.create_index(op.f("ix_articles_reread_at"), "articles", ["reread_at"], unique=False)
    op.create_index(op.f("ix_articles_source"), "articles", ["source"], unique=False)
    op.create_table(
        "channel_health",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address_hash", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", TIME, nullable=True),
        sa.Column("last_success_at", TIME, nullable=True),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channel_health")),
    )
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("receiver", sa.String(), nullable=False),
        sa.Column("subscription", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("alert_ids", sa.String(), nullable=False),
        sa.Column("supersedes", sa.String(), nullable=False),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("delivered_at", TIME, nullable=True),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("last_response", sa.String(), nullable=False),
        sa.Column("claimed_by", sa.String(), nullable=False),
        sa.Column("claimed_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_channel"), "deliveries", ["channel"], unique=False)
    op.create_index("ix_deliveries_channel_state_due_at", "deliveries", ["channel", "state", "due_at"], unique=False)
    op.create_index(op.f("ix_deliveries_lane"), "deliveries", ["lane"], unique=False)
    op.create_index("ix_deliveries_state_due_at", "deliveries", ["state", "due_at"], unique=False)
    op.create_table(
        "feeds",
        sa.Column("feed_id", BIG, nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("trust", sa.String(), nullable=False),
        sa.Column("full", sa.Boolean(), nullable=False),
        sa.Column("lang", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("last_modified", sa.String(), nullable=True),
        sa.Column("body_hash", sa.String(), nullable=True),
        sa.Column("ttl_seconds", sa.Float(), nullable=True),
        sa.Column("due_at", TIME, nullable=True),
        sa.Column("last_polled_at", TIME, nullable=True),
        sa.Column("last_success_at", TIME, nullable=True),
        sa.Column("last_full_at", TIME, nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", TIME, nullable=True),
        sa.Column("told_dead_at", TIME, nullable=True),
        sa.Column("entries_per_week", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("feed_id", name=op.f("pk_feeds")),
        sa.UniqueConstraint("url", name=op.f("uq_feeds_url")),
    )
    op.create_index("ix_feeds_state_due_at", "feeds", ["state", "due_at"], unique=False)
    op.create_table(
        "meta",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "revisions",
        sa.Column("sequence", BIG, nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("story", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("population", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("public_at_from", TIME, nullable=True),
        sa.Column("public_at_to", TIME, nullable=True),
        sa.Column("effective_at_from", TIME, nullable=True),
        sa.Column("effective_at_to", TIME, nullable=True),
        sa.Column("article_id", BIG, nullable=True),
        sa.Column("corrects", sa.String(), nullable=True),
        sa.Column("is_silent", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_revisions")),
        sa.UniqueConstraint("revision_id", name=op.f("uq_revisions_revision_id")),
    )
    op.create_index(op.f("ix_revisions_article_id"), "revisions", ["article_id"], unique=False)
    op.create_index(op.f("ix_revisions_corrects"), "revisions", ["corrects"], unique=False)
    op.create_index("ix_revisions_recorded_at", "revisions", ["recorded_at"], unique=False)
    op.create_index(
        "ix_revisions_story_metric",
        "revisions",
        ["story", "metric", "unit", "population", "place", "period", "sequence"],
        unique=False,
    )
    op.create_index("ix_revisions_story_sequence", "revisions", ["story", "sequence"], unique=False)
    op.create_table(
        "sent_groups",
        sa.Column("subscription", sa.String(), nullable=False),
        sa.Column("group_key", sa.String(), nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        sa.Column("alert_ids", sa.String(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subscription", "group_key", name=op.f("pk_sent_groups")),
    )
    op.create_index(op.f("ix_sent_groups_sent_at"), "sent_groups", ["sent_at"], unique=False)
    op.create_table(
        "silences",
        sa.Column("silence_id", sa.String(), nullable=False),
        sa.Column("matchers", sa.String(), nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("silence_id", name=op.f("pk_silences")),
    )
    op.create_index(op.f("ix_silences_ends_at"), "silences", ["ends_at"], unique=False)
    op.create_table(
        "stories",
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_stories")),
    )
    op.create_index(op.f("ix_stories_state"), "stories", ["state"], unique=False)
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("subscription", sa.String(), nullable=False),
        sa.Column("story", sa.String(), nullable=False),
        sa.Column("group_key", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("planned_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("superseded_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.revision_id"], name=op.f("fk_alerts_revision_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_revision_id"), "alerts", ["revision_id"], unique=False)
    op.create_index("ix_alerts_state_due_at", "alerts", ["state", "due_at"], unique=False)
    op.create_index(op.f("ix_alerts_story"), "alerts", ["story"], unique=False)
    op.create_index("ix_alerts_subscription_revision_id", "alerts", ["subscription", "revision_id"], unique=False)
    op.create_table(
        "article_aliases",
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("article_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.article_id"], name=op.f("fk_article_aliases_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("alias", name=op.f("pk_article_aliases")),
    )
    op.create_index(op.f("ix_article_aliases_article_id"), "article_aliases", ["article_id"], unique=False)
    op.create_table(
        "article_versions",
        sa.Column("version_id", BIG, nullable=False),
        sa.Column("article_id", BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("packed", sa.LargeBinary(), nullable=True),
        sa.Column("text_hash", sa.String(), nullable=False),
        sa.Column("fetched_at", TIME, nullable=False),
        sa.Column("previous_fetched_at", TIME, nullable=True),
        sa.Column("dropped_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.article_id"], name=op.f("fk_article_versions_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_article_versions")),
    )
    op.create_index(op.f("ix_article_versions_fetched_at"), "article_versions", ["fetched_at"], unique=False)
    op.create_index("uq_article_versions_article_id_number", "article_versions", ["article_id", "number"], unique=True)
    op.create_table(
        "claims",
        sa.Column("story", sa.String(), nullable=False),
        sa.Column("claim_id", sa.String(), nullable=False),
        sa.Column("article_id", BIG, nullable=True),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("population", sa.String(), nullable=True),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("qualifier", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=True),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("origin", sa.String(), nullable=True),
        sa.Column("speaker", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("asserted_at_from", TIME, nullable=True),
        sa.Column("asserted_at_to", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("wire_group", sa.String(), nullable=True),
        sa.Column("is_baseline", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.article_id"], name=op.f("fk_claims_article_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["story"], ["stories.slug"], name=op.f("fk_claims_story"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("story", "claim_id", name=op.f("pk_claims")),
    )
    op.create_index(op.f("ix_claims_article_id"), "claims", ["article_id"], unique=False)
    op.create_index("ix_claims_metric_value", "claims", ["metric", "value"], unique=False)
    op.create_index(op.f("ix_claims_origin"), "claims", ["origin"], unique=False)
    op.create_index("ix_claims_story_metric_value", "claims", ["story", "metric", "value"], unique=False)
    op.create_index("ix_claims_story_recorded_at", "claims", ["story", "recorded_at"], unique=False)
    op.create_index(op.f("ix_claims_wire_group"), "claims", ["wire_group"], unique=False)
    op.create_table(
        "delivery_alerts",
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.delivery_id"], name=op.f("fk_delivery_alerts_delivery_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("delivery_id", "alert_id", name=op.f("pk_delivery_alerts")),
    )
    op.create_index(op.f("ix_delivery_alerts_alert_id"), "delivery_alerts", ["alert_id"], unique=False)
    op.create_table(
        "extraction_runs",
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("story", sa.String(), nullable=False),
        sa.Column("lexicon_version", sa.String(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("articles", sa.Integer(), nullable=False),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["story"], ["stories.slug"], name=op.f("fk_extraction_runs_story"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_extraction_runs")),
    )
    op.create_index(op.f("ix_extraction_runs_story"), "extraction_runs", ["story"], unique=False)
    op.create_table(
        "feed_stories",
        sa.Column("feed_id", BIG, nullable=False),
        sa.Column("story", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feeds.feed_id"], name=op.f("fk_feed_stories_feed_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["story"], ["stories.slug"], name=op.f("fk_feed_stories_story"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("feed_id", "story", name=op.f("pk_feed_stories")),
    )
    op.create_index(op.f("ix_feed_stories_story"), "feed_stories", ["story"], unique=False)
    op.create_table(
        "fingerprints",
        sa.Column("fingerprint", BIG, autoincrement=False, nullable=False),
        sa.Column("article_id", BIG, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.article_id"], name=op.f("fk_fingerprints_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("fingerprint", "article_id", name=op.f("pk_fingerprints")),
    )
    op.create_index(op.f("ix_fingerprints_article_id"), "fingerprints", ["article_id"], unique=False)
    op.create_table(
        "histories",
        sa.Column("story", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("population", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("best", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("state", sa.String(), nullable=True),
        sa.Column("is_contested", sa.Boolean(), nullable=False),
        sa.Column("is_provisional", sa.Boolean(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["story"], ["stories.slug"], name=op.f("fk_histories_story"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("story", "metric", "unit", "population", "place", "period", name=op.f("pk_histories")),
    )
    op.create_table(
        "judgements",
        sa.Column("judgement_id", BIG, nullable=False),
        sa.Column("story", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["story"], ["stories.slug"], name=op.f("fk_judgements_story"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("judgement_id", name=op.f("pk_judgements")),
    )
    op.create_index(op.f("ix_judgements_story"), "judgements", ["story"], unique=False)
    op.create_table(
        "matches",
        sa.Column("article_id", BIG, nullable=False),
        sa.Column("story", sa.String(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("hits", sa.String(), nullable=False),
        sa.Column("is_match", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("matched_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.article_id"], name=op.f("fk_matches_article_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["story"], ["stories.slug"], name=op.f("fk_matches_story"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("article_id", "story", name=op.f("pk_matches")),
    )
    op.create_index(op.f("ix_matches_story"), "matches", ["story"], unique=False)
    op.create_table(
        "seen_entries",
        sa.Column("feed_id", BIG, nullable=False),
        sa.Column("entry_key", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("article_id", BIG, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("retry_at", TIME, nullable=True),
        sa.Column("payload", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feeds.feed_id"], name=op.f("fk_seen_entries_feed_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("feed_id", "entry_key", name=op.f("pk_seen_entries")),
    )
    op.create_index(op.f("ix_seen_entries_retry_at"), "seen_entries", ["retry_at"], unique=False)
    op.create_index(op.f("ix_seen_entries_seen_at"), "seen_entries", ["seen_at"], unique=False)
    op.create_table(
        "search_documents",
        sa.Column("document_key", BIG, autoincrement=False, nullable=False),
        sa.Column("article_id", BIG, nullable=False),
        sa.Column("version_id", BIG, nullable=False),
        sa.Column("content", CONTENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.article_id"], name=op.f("fk_search_documents_article_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["article_versions.version_id"],
            name=op.f("fk_search_documents_version_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_key", name=op.f("pk_search_documents")),
        sa.UniqueConstraint("version_id", name=op.f("uq_search_documents_version_id")),
    )
    op.create_index(op.f("ix_search_documents_article_id"), "search_documents", ["article_id"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE search_index USING fts5"
            "(title, body, tags, content='', tokenize=\"ascii tokenchars '~_'\")"
        )
    else:
        op.create_index("ix_search_documents_content", "search_documents", ["content"], postgresql_using="gin")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_index")
    for table in (
        "search_documents",
        "seen_entries",
        "matches",
        "judgements",
        "histories",
        "fingerprints",
        "feed_stories",
        "extraction_runs",
        "delivery_alerts",
        "claims",
        "article_versions",
        "article_aliases",
        "alerts",
        "stories",
        "silences",
        "sent_groups",
        "revisions",
        "meta",
        "feeds",
        "deliveries",
        "channel_health",
        "articles",
    ):
        op.drop_table(table)
