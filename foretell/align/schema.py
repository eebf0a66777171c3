"""The tables of the label store, as the newest migration leaves them (a test compares the two).

    instructions  labellers                 versions of what labellers are told; who they are
    prompts < outputs                       what is asked, what models answered
    demonstrations                          what labellers wrote
    rankings < ranked > outputs             one row a ranking, one for each output in it
    ratings > outputs                       1 to 7 and flags of one output
    tasks < drafts                          what was handed to whom, and what is half done of it
    answers  presets                        of tasks of other kinds; prompts that somebody keeps to begin with
    accounts < sessions, links              who may sign in, who has, and by which one-time link
    handing  settings  instructions_read    how each prompt is handed out; how all are; who has read what
    audit                                   who changed what

`<` is read "has many". Times are UTC as ISO 8601 text. No label is ever deleted, so no foreign key cascades; drafts,
sessions and links go when they have served.
"""

from functools import cache
from typing import Any

KINDS = ("plain", "few_shot", "user_based")
SOURCES = ("labeller", "user")
SPLITS = ("train", "valid", "")
ROLES = ("labeller", "researcher", "admin", "simulated")
TASKS = ("demonstration", "ranking", "prompt")
STATES = ("assigned", "done", "skipped")
ANSWERS = ("arena", "pairwise", "toxicity", "red_team", "news")
PURPOSES = ("", "gold", "screening")
SCREENED = ("", "passed", "failed")
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
"""how constraints are called, since a migration can change only what has a name"""


@cache
def metadata() -> Any:
    """SQLAlchemy's MetaData with all tables."""
    from sqlalchemy import MetaData

    made = MetaData(naming_convention=NAMES)
    for add in (_people, _asked, _given, _ranked, _handed_out, _accounts, _run, _answered):
        add(made)
    return made


def table(name: str) -> Any:
    """The table of a name."""
    return metadata().tables[name]


def one_of(column: str, values: tuple[str, ...]) -> Any:
    """The rule that a column holds one of some values."""
    from sqlalchemy import CheckConstraint

    return CheckConstraint(f"{column} IN ({', '.join(map(repr, values))})", name=column)


def text(name: str, *more: Any, **options: Any) -> Any:
    """A column of text that is never NULL, and empty where nothing is told."""
    from sqlalchemy import Column, Text

    return Column(name, Text, *more, **{"nullable": False, **options})


def key(name: str, to: str, **options: Any) -> Any:
    """A column that names a row of another table."""
    from sqlalchemy import Column, ForeignKey, Integer, Text

    kind = Text if to in ("prompts.id", "outputs.id") else Integer
    return Column(name, kind, ForeignKey(to), **{"nullable": False, "index": True, **options})


def _people(made: Any) -> None:
    from sqlalchemy import Boolean, Column, Integer, Table

    Table(
        "labellers",
        made,
        Column("id", Integer, primary_key=True),
        text("name", unique=True),
        text("labeller_group"),
        Column("held_out", Boolean, nullable=False),
        text("role"),
        text("created"),
        one_of("role", ROLES),
    )
    Table(
        "instructions",
        made,
        Column("id", Integer, primary_key=True),
        text("version", unique=True),
        text("told"),
        text("created"),
    )


def _asked(made: Any) -> None:
    from sqlalchemy import JSON, BigInteger, Column, Float, Table

    Table(
        "prompts",
        made,
        text("id", primary_key=True),
        text("kind"),
        Column("text", JSON, nullable=False),
        *(text("source"), text("author"), text("organisation"), text("group_id", index=True), text("split")),
        *(text("language"), text("use_case"), Column("tags", JSON, nullable=False), text("created")),
        *(one_of("kind", KINDS), one_of("source", SOURCES), one_of("split", SPLITS)),
    )
    Table(
        "outputs",
        made,
        text("id", primary_key=True),
        key("prompt_id", "prompts.id"),
        *(text("text"), text("model"), text("checkpoint")),
        *(Column("temperature", Float), Column("seed", BigInteger), text("created")),
    )


def _given(made: Any) -> None:
    from sqlalchemy import JSON, CheckConstraint, Column, Float, Integer, Table

    Table(
        "demonstrations",
        made,
        Column("id", Integer, primary_key=True),
        text("content", unique=True),
        *(key("prompt_id", "prompts.id"), text("completion")),
        *(key("labeller_id", "labellers.id"), key("instructions_id", "instructions.id", index=False)),
        *(text("labeller_group"), Column("seconds", Float), text("created")),
    )
    Table(
        "ratings",
        made,
        Column("id", Integer, primary_key=True),
        *(key("output_id", "outputs.id"), key("ranking_id", "rankings.id", nullable=True)),
        *(key("labeller_id", "labellers.id"), key("instructions_id", "instructions.id", index=False)),
        *(Column("likert", Integer), Column("flags", JSON, nullable=False)),
        *(Column("seconds", Float), text("created")),
        CheckConstraint("likert BETWEEN 1 AND 7", name="likert"),
    )


def _ranked(made: Any) -> None:
    from sqlalchemy import JSON, CheckConstraint, Column, Float, ForeignKey, Integer, Table

    Table(
        "rankings",
        made,
        Column("id", Integer, primary_key=True),
        text("content", unique=True),
        key("prompt_id", "prompts.id"),
        *(key("labeller_id", "labellers.id"), key("instructions_id", "instructions.id", index=False)),
        *(text("labeller_group"), Column("seconds", Float), Column("extra", JSON, nullable=False), text("created")),
        key("task_id", "tasks.id", nullable=True),
    )
    Table(
        "ranked",
        made,
        Column("ranking_id", Integer, ForeignKey("rankings.id"), primary_key=True),
        Column("place", Integer, primary_key=True),
        key("output_id", "outputs.id"),
        *(Column("rank", Integer, nullable=False), Column("shown", Integer)),
        CheckConstraint("rank BETWEEN 1 AND 9", name="rank"),
    )


def _handed_out(made: Any) -> None:
    from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, ForeignKey, Integer, Table, Text, UniqueConstraint

    Table(
        "tasks",
        made,
        Column("id", Integer, primary_key=True),
        text("kind"),
        key("prompt_id", "prompts.id"),
        *(key("labeller_id", "labellers.id"), key("instructions_id", "instructions.id", index=False)),
        *(Column("shown", JSON, nullable=False), Column("seed", BigInteger), text("state"), text("reason")),
        *(text("created"), text("ended"), Column("seconds", Float)),
        *(one_of("kind", TASKS), one_of("state", STATES)),
        UniqueConstraint("labeller_id", "kind", "prompt_id", name="uq_tasks_once"),
    )
    Table(
        "drafts",
        made,
        Column("task_id", Integer, ForeignKey("tasks.id"), primary_key=True),
        *(Column("draft", JSON, nullable=False), text("saved")),
    )
    Table(
        "handing",
        made,
        Column("prompt_id", Text, ForeignKey("prompts.id"), primary_key=True),
        *(Column("open", Boolean, nullable=False), Column("overlap", Integer), text("purpose")),
        one_of("purpose", PURPOSES),
    )


def _accounts(made: Any) -> None:
    from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table

    Table(
        "accounts",
        made,
        Column("labeller_id", Integer, ForeignKey("labellers.id"), primary_key=True),
        *(text("password"), Column("active", Boolean, nullable=False), text("screened"), text("created")),
        one_of("screened", SCREENED),
    )
    Table(
        "sessions",
        made,
        text("digest", primary_key=True),
        *(key("labeller_id", "labellers.id"), text("created"), text("seen")),
    )
    Table(
        "links",
        made,
        text("digest", primary_key=True),
        *(key("labeller_id", "labellers.id"), text("created"), text("expires")),
    )


def _run(made: Any) -> None:
    from sqlalchemy import JSON, Column, ForeignKey, Integer, Table

    Table("settings", made, text("name", primary_key=True), Column("value", JSON, nullable=False))
    Table(
        "instructions_read",
        made,
        Column("labeller_id", Integer, ForeignKey("labellers.id"), primary_key=True),
        Column("instructions_id", Integer, ForeignKey("instructions.id"), primary_key=True),
        text("created"),
    )
    Table(
        "audit",
        made,
        Column("id", Integer, primary_key=True),
        *(text("created"), text("who"), text("action"), text("target"), text("told")),
    )


def _answered(made: Any) -> None:
    from sqlalchemy import JSON, Column, Float, Integer, Table, UniqueConstraint

    Table(
        "answers",
        made,
        Column("id", Integer, primary_key=True),
        *(text("kind"), text("item")),
        *(key("labeller_id", "labellers.id"), key("instructions_id", "instructions.id", index=False)),
        *(Column("shown", JSON, nullable=False), Column("given", JSON, nullable=False), text("state"), text("reason")),
        *(text("created"), text("ended"), Column("seconds", Float)),
        *(one_of("kind", ANSWERS), one_of("state", STATES)),
        UniqueConstraint("labeller_id", "kind", "item", name="uq_answers_once"),
    )
    Table(
        "presets",
        made,
        Column("id", Integer, primary_key=True),
        text("name", unique=True),
        Column("told", JSON, nullable=False),
        *(key("labeller_id", "labellers.id"), text("created")),
    )
