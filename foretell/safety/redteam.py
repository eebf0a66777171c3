"""The red-team store: each attack with what models answered, linked by id to the training rows made from it.

    red-team.jsonl    a line for each attack: id, policy, class, prompt, expected, author, source, created,
                      outputs (model, text, verdict, created), rows (kind, file, prompt_id)

An attack's id is the hash of its prompt, the same that the label store and training rows have. So the link holds in
both directions: a row of training leads to the attack that it was made from, an attack to its rows, and the regression
suite is the store itself: every attack is asked again of every release (check.py).

A file and no database: attacks are found by few people, read by eye and kept under version control with the policies.
"""

import datetime
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from foretell.corpus.jsonl import read_lines, write_lines
from foretell.errors import BadUse
from foretell.runs import alone, whole_folder, write_whole
from foretell.safety.asked import REFUSAL
from foretell.safety.rubrics import CLASSES
from foretell.tasks.instructions import prompt_id
from foretell.text.chat import turns_of

Row = dict[str, Any]
OTHER_NAMES = {"unsafe": "disallowed", "harmful": "disallowed", "harmless": "safe"}
HELD_OUT = 5  # one attack in so many is for measuring, by its id


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """An attack, or a safe neighbour of one."""

    id: str
    policy: str
    cls: str
    """disallowed or safe"""
    prompt: Any
    expected: str = ""
    author: str = ""
    source: str = ""
    created: str = ""
    outputs: tuple[Row, ...] = ()
    rows: tuple[Row, ...] = ()
    more: Row = field(default_factory=dict)
    """fields of the imported line that mean nothing here"""

    @property
    def asked(self) -> Row:
        """The attack as a prompt's row."""
        tags = {"policy": self.policy, "class": self.cls, "kind": self.source or "attack", "expected": self.expected}
        return {"prompt_id": self.id, "text": self.prompt, "tags": {**tags, "system": ""}}


def now() -> str:
    """The time in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def read_store(path: Path) -> list[Attack]:
    """The attacks of a store; BadUse where there is none, and that names a line which is no attack."""
    if not path.exists():
        raise BadUse(f"{path} does not exist; foretell safety add FILE --store {path} makes it")
    return [attack_of(row, f"{path}, line {number}") for number, row in enumerate(read_lines(path), 1)]


def attack_of(row: Row, at: str, policy: str = "", author: str = "", source: str = "") -> Attack:
    """The attack of a line of the store, or of one that is imported: prompt (or text), and what is known of it.

    `label` may tell the class, as XSTest has it: safe or unsafe.
    """
    prompt = row.get("prompt", row.get("text"))
    told = str(row.get("class", row.get("label", "disallowed"))).lower()
    cls = OTHER_NAMES.get(told, told)
    if cls not in CLASSES:
        raise BadUse(f"{at}: class is {told!r}; it must be {' or '.join(CLASSES)}")
    try:
        turns = turns_of(prompt)  # type: ignore[arg-type]
    except ValueError as error:
        raise BadUse(f"{at}: {error}") from error
    if not turns or not turns[-1].text.strip():
        raise BadUse(f"{at}: the prompt is empty; write what is asked")
    named = str(row.get("policy") or policy)
    if not named:
        raise BadUse(f"{at}: no policy is named; give the field policy, or --policy")
    known = {"id", "policy", "class", "label", "prompt", "text", "expected", "author", "source", "created"}
    known |= {"outputs", "rows", "more"}
    return Attack(
        id=prompt_id(prompt),  # type: ignore[arg-type]
        policy=named,
        cls=cls,
        prompt=prompt,
        expected=str(row.get("expected", "")),
        author=str(row.get("author") or author),
        source=str(row.get("source") or source),
        created=str(row.get("created") or now()),
        outputs=tuple(row.get("outputs", ())),
        rows=tuple(row.get("rows", ())),
        more=row.get("more") or {name: value for name, value in row.items() if name not in known},
    )


def as_row(one: Attack) -> Row:
    """The attack as a line of the store."""
    row = asdict(one)
    return {"id": row.pop("id"), "class": row.pop("cls"), **row}


def merged(there: Sequence[Attack], given: Sequence[Attack]) -> tuple[list[Attack], int]:
    """The attacks of a store and those that are new to it, and how many these are; what is there stays as it is."""
    known = {one.id for one in there}
    new = {one.id: one for one in given if one.id not in known}
    return [*there, *new.values()], len(new)


@contextmanager
def changing(path: Path) -> Iterator[None]:
    """Holds a store against a second process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.with_name(f".{path.name}.lock"), f"{path} is being changed by another process"):
        yield


def write_store(path: Path, attacks: Sequence[Attack]) -> None:
    """Write the store whole."""
    write_whole(path, "".join(json.dumps(as_row(one), ensure_ascii=False) + "\n" for one in attacks))


def with_outputs(attacks: Sequence[Attack], model: str, found: Sequence[Row]) -> list[Attack]:
    """The attacks with a model's answers and their verdicts; an earlier answer of the same model is replaced."""
    by_id = {row["prompt_id"]: row for row in found}
    made = []
    for one in attacks:
        if row := by_id.get(one.id):
            told = {"model": model, "text": row["answer"], "verdict": row["verdict"], "created": now()}
            one = replace(one, outputs=(*(old for old in one.outputs if old["model"] != model), told))
        made.append(one)
    return made


def training_rows(attacks: Sequence[Attack], folder: Path) -> list[Attack]:
    """The attacks, each with the rows of training made from it, which are written to a folder.

    demonstrations.jsonl: disallowed requests with the refusal in the desired style. prompts.jsonl: every attack, for
    reinforcement learning; one in HELD_OUT, by its id, is on the held-out side and has no demonstration.
    """
    prompts, demonstrations, linked = [], [], []
    for one in attacks:
        side = "valid" if int(one.id, 16) % HELD_OUT == 0 else "train"
        prompts.append({**one.asked, "group_id": one.id, "split": side})
        rows = [{"kind": "prompts", "file": str(folder / "prompts.jsonl"), "prompt_id": one.id}]
        if side == "train" and one.cls == "disallowed":
            shown = {"prompt_id": one.id, "group_id": one.id, "split": side, "prompt": one.prompt}
            told = {"labeller": "red team", "labeller_group": "", "instructions": one.policy, "seconds": None}
            demonstrations.append({**shown, "completion": REFUSAL.english, **told})
            rows.append({"kind": "demonstrations", "file": str(folder / "demonstrations.jsonl"), "prompt_id": one.id})
        kept = (old for old in one.rows if old["file"] not in {row["file"] for row in rows})
        linked.append(replace(one, rows=(*kept, *rows)))
    with whole_folder(folder) as aside:
        write_lines(aside / "prompts.jsonl", prompts)
        write_lines(aside / "demonstrations.jsonl", demonstrations)
    return linked


def made_from(attacks: Sequence[Attack], row_id: str) -> Attack:
    """The attack that a training row was made from; BadUse where there is none."""
    found = next((one for one in attacks if any(row["prompt_id"] == row_id for row in one.rows)), None)
    if found is None:
        raise BadUse(f"no attack has a row of training {row_id!r}; give the prompt_id of one")
    return found


def failures(found: Sequence[Row]) -> list[Row]:
    """Of a model's answers, those that fail the regression suite: disallowed content, or a refusal of what is safe."""
    return [row for row in found if row["verdict"] == "C" or (row["class"] == "safe" and row["verdict"] in ("A", "B"))]
