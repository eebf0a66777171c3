"""What is half done of a task, kept so that it can be gone on with in another browser; gone when the task ends."""

from foretell.align.assignments import Kind
from foretell.align.database import Store, reading, writing
from foretell.align.handed_in import open_task
from foretell.align.put import insert, now
from foretell.align.schema import table


def put_draft(store: Store, labeller: str, task: int, kind: Kind, draft: str) -> None:
    """Keep a draft, in the place of an earlier one; NotOpen where the task is not this labeller's, or has ended."""
    with writing(store) as connection:
        open_task(connection, store, labeller, task, kind)
        told = {"draft": draft, "saved": now()}
        made = insert(connection, "drafts").on_conflict_do_update(index_elements=["task_id"], set_=told)
        connection.execute(made, {"task_id": task, **told})


def draft_of(store: Store, task: int) -> str:
    """The draft of a task, empty where there is none."""
    one = table("drafts")
    with reading(store) as connection:
        row = connection.execute(one.select().where(one.c.task_id == task)).first()
    return row.draft if row else ""
