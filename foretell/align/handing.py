"""How prompts are handed out: which are open, to how many, which have known answers; and which instructions hold.

    gold        a prompt with a known answer among the others, so that each labeller's work is measured as it goes on
    screening   a prompt of the test that somebody passes before labelling; its labels never feed training

A known answer is a researcher's own ranking. What is set for all prompts is a row of `settings`, what is set for one
is a row of `handing`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from foretell.align.database import Store, reading, writing
from foretell.align.put import execute, insert, known, now, put_instructions
from foretell.align.schema import PURPOSES, table
from foretell.errors import BadUse

Purpose = Literal["", "gold", "screening"]
RESEARCHERS = "researcher"  # the group whose rankings are known answers
MOST_OVERLAP = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for all prompts, and the cut-offs of the screening test (Ouyang et al. 2022, appendix B.1)."""

    overlap: int = 1
    """labellers of each group, held out or not, that are to have a prompt"""
    gold_every: int = 10
    """each how manieth ranking of a labeller is of a gold prompt; 0: none"""
    instructions: str = ""
    """the version that holds"""
    screen_rankings: float = 0.75
    screen_flags: float = 0.75

    def __post_init__(self) -> None:
        if not 1 <= self.overlap <= MOST_OVERLAP:
            raise BadUse(f"overlap {self.overlap} is none of 1 to {MOST_OVERLAP}")
        if self.gold_every < 0 or self.gold_every == 1:
            raise BadUse(f"gold_every {self.gold_every} leaves nothing else; give 2 or more, or 0 for none")
        for name in ("screen_rankings", "screen_flags"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadUse(f"{name} {getattr(self, name)} is no share from 0 to 1")


def settings(store: Store) -> Settings:
    """What holds for all prompts now."""
    with reading(store) as connection:
        return settings_in(connection)


def settings_in(connection: Any) -> Settings:
    """What holds, inside a transaction."""
    names = {one.name for one in fields(Settings)}
    rows = connection.execute(table("settings").select())
    return Settings(**{row.name: row.value for row in rows if row.name in names})


def put_settings(store: Store, given: Settings) -> None:
    """Set what holds from now on."""
    with writing(store) as connection:
        _put(connection, asdict(given))


def _put(connection: Any, told: dict[str, Any]) -> None:
    made = insert(connection, "settings")
    made = made.on_conflict_do_update(index_elements=["name"], set_={"value": made.excluded.value})
    connection.execute(made, [{"name": name, "value": value} for name, value in told.items()])


def publish(store: Store, version: str, told: str) -> None:
    """Let a version of the instructions hold; everybody reads it before their next task.

    BadUse where that version is there with other words: what a label's instructions said never changes.
    """
    kept = table("instructions")
    if not version.strip() or not told.strip():
        raise BadUse("instructions have a version and words; give both")
    with writing(store) as connection:
        key = put_instructions(connection, [version])[version]
        before = connection.execute(kept.select().where(kept.c.id == key)).one().told
        if before not in ("", told):
            raise BadUse(f"instructions {version!r} are there with other words; give another version")
        connection.execute(kept.update().where(kept.c.id == key).values(told=told))
        _put(connection, {"instructions": version})


def instructions(store: Store) -> tuple[str, str]:
    """The version that holds, and what it tells; both empty where none was published."""
    kept = table("instructions")
    with reading(store) as connection:
        version = settings_in(connection).instructions
        row = connection.execute(kept.select().where(kept.c.version == version)).first()
        return (version, row.told) if row and version else ("", "")


def has_read(store: Store, labeller_id: int, version: str) -> bool:
    """Whether a labeller has said that they read a version."""
    from sqlalchemy import select

    read, kept = table("instructions_read"), table("instructions")
    query = select(read.c.created).join(kept).where(read.c.labeller_id == labeller_id, kept.c.version == version)
    with reading(store) as connection:
        return connection.execute(query).first() is not None


def note_read(store: Store, labeller_id: int, version: str) -> None:
    """Note that a labeller says that they read a version; BadUse where it is not the one that holds."""
    with writing(store) as connection:
        if settings_in(connection).instructions != version:
            raise BadUse(f"the instructions {version!r} do not hold any more; load the page again")
        key = put_instructions(connection, [version])[version]
        row = {"labeller_id": labeller_id, "instructions_id": key, "created": now()}
        connection.execute(insert(connection, "instructions_read").on_conflict_do_nothing(), row)


def set_handing(
    store: Store, prompts: Sequence[str], *, open_: bool = True, overlap: int | None = None, purpose: str = ""
) -> None:
    """Set how prompts are handed out; without an overlap of their own they have that of all."""
    if purpose not in PURPOSES:
        raise BadUse(f"{purpose!r} is no purpose; known: gold, screening, or none")
    if overlap is not None and not 1 <= overlap <= MOST_OVERLAP:
        raise BadUse(f"overlap {overlap} is none of 1 to {MOST_OVERLAP}")
    told = {"open": open_, "overlap": overlap, "purpose": purpose}
    with writing(store) as connection:
        lacking = set(prompts) - known(connection, "prompts", "id", prompts)
        if lacking:
            raise BadUse(f"{store.name} has no prompt {min(lacking)}")
        made = insert(connection, "handing").on_conflict_do_update(index_elements=["prompt_id"], set_=told)
        execute(connection, made, [{"prompt_id": one, **told} for one in prompts])


def prompts_for(store: Store, purpose: Purpose) -> set[str]:
    """The ids of the prompts with a purpose."""
    from sqlalchemy import select

    one = table("handing")
    with reading(store) as connection:
        return set(connection.execute(select(one.c.prompt_id).where(one.c.purpose == purpose)).scalars())
