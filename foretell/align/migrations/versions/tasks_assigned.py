"""What was handed to whom, and which task a ranking answers."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of tasks, and the column of rankings that names one."""
    import sqlalchemy as sa
    from alembic import op

    def text(name: str) -> sa.Column[str]:
        return sa.Column(name, sa.Text, nullable=False)

    op.create_table(
        "tasks",
        *(sa.Column("id", sa.Integer, primary_key=True), text("kind")),
        sa.Column("prompt_id", sa.Text, sa.ForeignKey("prompts.id"), nullable=False, index=True),
        sa.Column("labeller_id", sa.Integer, sa.ForeignKey("labellers.id"), nullable=False, index=True),
        sa.Column("instructions_id", sa.Integer, sa.ForeignKey("instructions.id"), nullable=False),
        *(sa.Column("shown", sa.JSON, nullable=False), sa.Column("seed", sa.BigInteger), text("state")),
        *(text("reason"), text("created"), text("ended"), sa.Column("seconds", sa.Float)),
        sa.CheckConstraint("kind IN ('demonstration', 'ranking', 'prompt')", name="kind"),
        sa.CheckConstraint("state IN ('assigned', 'done', 'skipped')", name="state"),
        sa.UniqueConstraint("labeller_id", "kind", "prompt_id", name="uq_tasks_once"),
    )
    with op.batch_alter_table("rankings") as rankings:
        rankings.add_column(sa.Column("task_id", sa.Integer, nullable=True))
        rankings.create_foreign_key("fk_rankings_task_id", "tasks", ["task_id"], ["id"])
        rankings.create_index("ix_rankings_task_id", ["task_id"])
