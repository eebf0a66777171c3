"""Answers to tasks of other kinds than demonstrations and rankings, and presets that people keep."""

from typing import Any

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the two tables."""
    import sqlalchemy as sa
    from alembic import op

    def text(name: str, **options: Any) -> Any:
        return sa.Column(name, sa.Text, nullable=False, **options)

    def whose() -> Any:
        return sa.Column("labeller_id", sa.Integer, sa.ForeignKey("labellers.id"), nullable=False, index=True)

    op.create_table(
        "answers",
        *(sa.Column("id", sa.Integer, primary_key=True), text("kind"), text("item"), whose()),
        sa.Column("instructions_id", sa.Integer, sa.ForeignKey("instructions.id"), nullable=False),
        *(sa.Column("shown", sa.JSON, nullable=False), sa.Column("given", sa.JSON, nullable=False)),
        *(text("state"), text("reason"), text("created"), text("ended"), sa.Column("seconds", sa.Float)),
        sa.CheckConstraint("kind IN ('arena', 'pairwise', 'toxicity', 'red_team', 'news')", name="kind"),
        sa.CheckConstraint("state IN ('assigned', 'done', 'skipped')", name="state"),
        sa.UniqueConstraint("labeller_id", "kind", "item", name="uq_answers_once"),
    )
    op.create_table(
        "presets",
        *(sa.Column("id", sa.Integer, primary_key=True), text("name", unique=True)),
        *(sa.Column("told", sa.JSON, nullable=False), whose(), text("created")),
    )
