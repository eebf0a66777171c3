"""Who may sign in, how prompts are handed out, drafts, and who changed what."""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; every label stays as it is."""
    import sqlalchemy as sa
    from alembic import op

    def text(name: str, primary_key: bool = False) -> sa.Column[str]:
        return sa.Column(name, sa.Text, nullable=False, primary_key=primary_key)

    def of(name: str, to: str, primary_key: bool = False) -> sa.Column[int]:
        key = sa.ForeignKey(to)
        return sa.Column(name, sa.Integer, key, nullable=False, primary_key=primary_key, index=not primary_key)

    op.create_table(
        "drafts",
        of("task_id", "tasks.id", primary_key=True),
        *(sa.Column("draft", sa.JSON, nullable=False), text("saved")),
    )
    op.create_table(
        "handing",
        sa.Column("prompt_id", sa.Text, sa.ForeignKey("prompts.id"), primary_key=True),
        *(sa.Column("open", sa.Boolean, nullable=False), sa.Column("overlap", sa.Integer), text("purpose")),
        sa.CheckConstraint("purpose IN ('', 'gold', 'screening')", name="purpose"),
    )
    op.create_table(
        "accounts",
        of("labeller_id", "labellers.id", primary_key=True),
        *(text("password"), sa.Column("active", sa.Boolean, nullable=False), text("screened"), text("created")),
        sa.CheckConstraint("screened IN ('', 'passed', 'failed')", name="screened"),
    )
    op.create_table(
        "sessions",
        *(text("digest", primary_key=True), of("labeller_id", "labellers.id"), text("created"), text("seen")),
    )
    op.create_table(
        "links",
        *(text("digest", primary_key=True), of("labeller_id", "labellers.id"), text("created"), text("expires")),
    )
    op.create_table("settings", text("name", primary_key=True), sa.Column("value", sa.JSON, nullable=False))
    op.create_table(
        "instructions_read",
        of("labeller_id", "labellers.id", primary_key=True),
        *(of("instructions_id", "instructions.id", primary_key=True), text("created")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        *(text("created"), text("who"), text("action"), text("target"), text("told")),
    )
