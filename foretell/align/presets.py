"""Presets that people keep in the label store: a prompt to begin with, and the settings that suit it."""

from typing import Any

from foretell.align.database import Store, reading, writing
from foretell.align.put import insert, now, put_labellers
from foretell.align.schema import table


def keep_preset(store: Store, labeller: str, name: str, told: dict[str, Any]) -> None:
    """Keep a preset; one of the same name is replaced."""
    with writing(store) as connection:
        person = put_labellers(connection, [(labeller, "")], "labeller")[labeller]
        row = {"name": name, "told": told, "labeller_id": person, "created": now()}
        made = insert(connection, "presets")
        connection.execute(made.on_conflict_do_update(index_elements=["name"], set_={"told": told}), row)


def kept_presets(store: Store) -> dict[str, dict[str, Any]]:
    """What is kept, by its name."""
    one = table("presets")
    with reading(store) as connection:
        return {row.name: row.told for row in connection.execute(one.select().order_by(one.c.name))}
