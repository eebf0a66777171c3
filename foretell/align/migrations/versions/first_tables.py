"""Prompts, outputs, demonstrations, ratings and rankings.

What is written here stays as it is, since databases of that version exist; changes are further migrations.
"""

from typing import Any

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    import sqlalchemy as sa
    from alembic import op

    def text(name: str, **options: Any) -> Any:
        return sa.Column(name, sa.Text, **{"nullable": False, **options})

    def number(name: str, **options: Any) -> Any:
        return sa.Column(name, sa.Integer, **options)

    def key(name: str, to: str, kind: Any = sa.Integer, **options: Any) -> Any:
        return sa.Column(name, kind, sa.ForeignKey(to), **{"nullable": False, "index": True, **options})

    def whose() -> tuple[Any, Any]:
        return key("labeller_id", "labellers.id"), key("instructions_id", "instructions.id", index=False)

    def seconds() -> Any:
        return sa.Column("seconds", sa.Float)

    def json(name: str) -> Any:
        return sa.Column(name, sa.JSON, nullable=False)

    op.create_table(
        "labellers",
        *(number("id", primary_key=True), text("name", unique=True), text("labeller_group")),
        *(sa.Column("held_out", sa.Boolean, nullable=False), text("role"), text("created")),
        sa.CheckConstraint("role IN ('labeller', 'researcher', 'admin', 'simulated')", name="role"),
    )
    op.create_table(
        "instructions",
        *(number("id", primary_key=True), text("version", unique=True), text("told"), text("created")),
    )
    op.create_table(
        "prompts",
        *(text("id", primary_key=True), text("kind"), json("text"), text("source"), text("author")),
        *(text("organisation"), text("group_id", index=True), text("split"), text("language"), text("use_case")),
        *(json("tags"), text("created")),
        sa.CheckConstraint("kind IN ('plain', 'few_shot', 'user_based')", name="kind"),
        sa.CheckConstraint("source IN ('labeller', 'user')", name="source"),
        sa.CheckConstraint("split IN ('train', 'valid', '')", name="split"),
    )
    op.create_table(
        "outputs",
        *(text("id", primary_key=True), key("prompt_id", "prompts.id", sa.Text), text("text"), text("model")),
        *(text("checkpoint"), sa.Column("temperature", sa.Float), sa.Column("seed", sa.BigInteger), text("created")),
    )
    op.create_table(
        "demonstrations",
        *(number("id", primary_key=True), text("content", unique=True), key("prompt_id", "prompts.id", sa.Text)),
        *(text("completion"), *whose(), text("labeller_group"), seconds(), text("created")),
    )
    op.create_table(
        "rankings",
        *(number("id", primary_key=True), text("content", unique=True), key("prompt_id", "prompts.id", sa.Text)),
        *(*whose(), text("labeller_group"), seconds(), json("extra"), text("created")),
    )
    op.create_table(
        "ranked",
        sa.Column("ranking_id", sa.Integer, sa.ForeignKey("rankings.id"), primary_key=True),
        number("place", primary_key=True),
        *(key("output_id", "outputs.id", sa.Text), number("rank", nullable=False), number("shown")),
        sa.CheckConstraint("rank BETWEEN 1 AND 9", name="rank"),
    )
    op.create_table(
        "ratings",
        *(number("id", primary_key=True), key("output_id", "outputs.id", sa.Text)),
        *(key("ranking_id", "rankings.id", nullable=True), *whose(), number("likert"), json("flags")),
        *(seconds(), text("created")),
        sa.CheckConstraint("likert BETWEEN 1 AND 7", name="likert"),
    )
