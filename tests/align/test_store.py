"""The label store: labels come out as they went in, none is lost, and what is wrong is one line."""

import dataclasses
import sqlite3
import subprocess
import sys

import pytest

from foretell.align.database import MIGRATIONS, VERSION_TABLE, _migrate, _opened, reading, writing
from foretell.align.prompt_sets import split_of
from foretell.align.records import Candidates, Demonstration, Output, Prompt, Ranking, Turn, prompt_id
from foretell.align.schema import metadata, table
from foretell.align.store import (
    Added,
    add_candidates,
    add_demonstrations,
    add_instructions,
    add_labeller,
    add_outputs,
    add_prompts,
    add_ranking,
    add_rankings,
    add_rating,
    close,
    counts,
    demonstrations,
    labellers,
    open_store,
    outputs,
    prompts,
    rankings,
)
from foretell.errors import BadUse, Failed


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "labels.db", create=True)
    yield opened
    close(opened)


def ranking(number=0, **more):
    told = {
        "prompt_id": f"p{number}",
        "group_id": f"g{number % 3}",
        "split": "train" if number % 2 else "valid",
        "prompt": (Turn(role="user", content=f"Say {number}."),) if number % 3 else f"Say {number}.",
        "outputs": (
            Output(text="a", model="m", checkpoint="c", temperature=0.5, seed=2**40, likert=6, order=2),
            Output(text="a", model="m", checkpoint="c", temperature=0.5, seed=2**40, flags={"violent": True}, order=0),
            Output(text="b", order=1),
        ),
        "ranks": (1, 1, 3),
        "labeller": f"labeller {number % 4}",
        "labeller_group": "ab"[number % 2],
        "instructions": f"v{number % 2}",
        "seconds": number + 0.25,
        "extra": {"confidence": number},
    }
    return Ranking(**{**told, **more})


def by_prompt(some):
    return sorted(some, key=lambda one: one.prompt_id)


def test_rankings_come_out_as_they_went_in(store):
    given = [ranking(number) for number in range(20)]
    assert add_rankings(store, given) == Added(added=20, already=0)
    assert rankings(store) == by_prompt(given)
    assert rankings(store, split="train") == by_prompt(given[1::2])
    assert counts(store) == {
        **{"prompts": 20, "outputs": 40, "demonstrations": 0, "rankings": 20, "ratings": 60},
        **{"labellers": 4, "tasks": 0},
    }


def test_an_import_that_runs_twice_adds_nothing(store):
    given = [ranking(number) for number in range(5)]
    add_rankings(store, given[:3])
    assert add_rankings(store, given) == Added(added=2, already=3)
    assert rankings(store) == given


def test_equal_rankings_of_two_unknown_people_are_two(store):
    given = [ranking(labeller=""), ranking(labeller="")]
    assert add_rankings(store, given).added == 2
    assert add_rankings(store, given) == Added(added=0, already=2)
    assert rankings(store) == given


def test_the_later_of_two_rankings_comes_later(store):
    one, other = ranking(), ranking(ranks=(3, 1, 1))
    add_ranking(store, one)
    add_ranking(store, other)
    assert rankings(store) == [one, other]


def test_demonstrations_come_out_as_they_went_in(store):
    same = {"group_id": "g", "split": "train", "labeller": "kim", "labeller_group": "a", "instructions": "v1"}
    given = [
        Demonstration(prompt_id=f"p{n}", prompt=f"Say {n}.", completion="x" * n, seconds=n / 2, **same)
        for n in range(3)
    ]
    assert add_demonstrations(store, given) == Added(added=3)
    assert add_demonstrations(store, given) == Added(added=0, already=3)
    assert demonstrations(store) == given
    assert demonstrations(store, split="valid") == []


def test_prompts_come_out_as_they_went_in(store):
    given = [
        Prompt(
            text=f"Say {n}.",
            kind="few_shot",
            source="labeller",
            user="kim",
            organisation="org",
            group_id="org",
            split="valid",
            language="en",
            use_case="chat",
            tags={"ambiguous": True},
            created="2022-01-27T00:00:00+00:00",
        )
        for n in range(3)
    ]
    assert add_prompts(store, [*given, given[0]]) == Added(added=3)
    assert add_prompts(store, given) == Added(added=0, already=3)
    assert prompts(store) == by_prompt(given)
    assert prompts(store, split="train") == []


def test_every_prompt_in_the_store_has_a_group_and_a_side(store):
    add_prompts(store, [Prompt(text=f"Say {n}.", group_id="g" if n % 2 else "") for n in range(40)])
    found = prompts(store)
    assert [one.split for one in found] == [split_of(one.group_id) for one in found]
    assert {one.group_id for one in found} == {"g", *(prompt_id(f"Say {n}.") for n in range(0, 40, 2))}


def test_an_id_of_another_text_is_refused_and_nothing_is_added(store):
    add_ranking(store, ranking(1))
    with pytest.raises(BadUse, match="prompt p1 is in the store with another text"):
        add_rankings(store, [ranking(2), ranking(1, prompt="Say something else.")])
    with pytest.raises(BadUse, match="prompt p is in the store with another text"):
        add_prompts(store, [Prompt(prompt_id="p", text="a"), Prompt(prompt_id="p", text="b")])
    assert counts(store)["prompts"] == 1


def test_a_turn_of_the_user_is_the_same_prompt_as_its_text(store):
    add_prompts(store, [Prompt(text="Say.")])
    assert add_prompts(store, [Prompt(text=(Turn(role="user", content="Say."),))]) == Added(added=0, already=1)


def test_outputs_wait_to_be_ranked(store):
    some = (Output(text="a", seed=1), Output(text="a", seed=2))
    given = Candidates(prompt="Say.", outputs=some)
    assert add_candidates(store, [given]) == Added(added=2)
    assert add_candidates(store, [given]) == Added(added=0, already=2)
    ids = add_outputs(store, given.prompt_id, [*some, Output(text="b")])
    assert len(set(ids)) == 3
    assert sorted(outputs(store)[given.prompt_id], key=str) == sorted([*some, Output(text="b")], key=str)
    with pytest.raises(BadUse, match="has no prompt nothing; add the prompt first"):
        add_outputs(store, "nothing", some)


def test_ratings_of_an_output_alone_are_all_kept(store):
    given = Candidates(prompt="Say.", outputs=(Output(text="a"),))
    add_candidates(store, [given])
    (output,) = add_outputs(store, given.prompt_id, given.outputs)
    add_rating(store, output, "kim", 3, {"violent": False}, seconds=2.0)
    add_rating(store, output, "kim", 4, {})
    with reading(store) as connection:
        assert [row.likert for row in connection.execute(table("ratings").select())] == [3, 4]
    with pytest.raises(ValueError, match="likert: 9 is none of 1 to 7"):
        add_rating(store, output, "kim", 9, {})
    with pytest.raises(BadUse, match="has no output x"):
        add_rating(store, "x", "kim", 4, {})


def test_labels_of_held_out_labellers_can_be_kept_apart(store):
    given = [ranking(number) for number in range(8)]
    add_rankings(store, given)
    add_labeller(store, "labeller 1", group="held", held_out=True)
    assert rankings(store, held_out=True) == [given[1], given[5]]
    assert len(rankings(store, held_out=False)) == 6
    assert labellers(store)[1] == {"name": "labeller 1", "group": "held", "held_out": True, "role": "labeller"}
    with pytest.raises(BadUse, match="'boss' is no role; known: labeller, res"):
        add_labeller(store, "kim", role="boss")


def test_a_version_of_the_instructions_keeps_its_words(store):
    add_ranking(store, ranking())
    add_instructions(store, "v0", "Helpful first.")
    add_instructions(store, "v0", "Helpful first.")
    with pytest.raises(BadUse, match="with other words; give another version"):
        add_instructions(store, "v0", "Truthful first.")


def test_the_database_refuses_what_would_lose_a_label(store):
    add_ranking(store, ranking())
    for name in ("prompts", "outputs", "labellers", "instructions", "rankings"):
        with pytest.raises(Failed, match="FOREIGN KEY constraint failed; nothing was changed"), writing(store) as one:
            one.execute(table(name).delete())
    assert rankings(store) == [ranking()]


def test_an_error_within_a_write_leaves_all_as_it_was(store):
    add_ranking(store, ranking())
    with pytest.raises(ZeroDivisionError), writing(store) as connection:
        assert connection.execute(table("ratings").delete()).rowcount / 0
    assert rankings(store) == [ranking()]


def test_the_migrations_make_the_tables_that_the_code_knows(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with reading(store) as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata()) == []


def old_store(path, given):
    """A store as the first version left it, with rankings in it."""
    from alembic.script import ScriptDirectory

    old = _opened(str(path), True, 1.0)
    with writing(old) as connection:
        _migrate(connection, ScriptDirectory(str(MIGRATIONS)), "0001")
    close(old)
    new = open_store(path.with_name("new.db"), create=True)
    add_rankings(new, given)
    close(new)
    with sqlite3.connect(path) as connection:
        connection.execute("ATTACH ? AS new", [str(path.with_name("new.db"))])
        for name in ("labellers", "instructions", "prompts", "outputs", "rankings", "ranked", "ratings"):
            columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({name})"))
            connection.execute(f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM new.{name}")
    connection.close()


def test_an_older_database_is_brought_up_and_keeps_its_labels(tmp_path):
    given = [ranking(number) for number in range(10)]
    old_store(tmp_path / "old.db", given)
    with sqlite3.connect(tmp_path / "old.db") as raw:
        assert not list(raw.execute("SELECT name FROM sqlite_master WHERE name = 'tasks'"))
    raw.close()
    opened = open_store(tmp_path / "old.db")
    assert rankings(opened) == by_prompt(given)
    add_ranking(opened, ranking(11))
    with pytest.raises(Failed, match="FOREIGN KEY"), writing(opened) as connection:
        connection.execute(table("rankings").delete())
    close(opened)


def test_a_database_of_a_newer_version_is_left_alone(tmp_path, store):
    with writing(store) as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(BadUse, match="was written by a newer foretell"):
        open_store(tmp_path / "labels.db")


WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.align.test_store import ranking
from foretell.align.store import add_ranking, open_store
store = open_store(sys.argv[2], create=True)
print("open", flush=True)
for number in range(int(sys.argv[3]), 60, 2):
    add_ranking(store, ranking(number))
"""


@pytest.mark.slow
def test_two_processes_that_make_a_store_and_write_at_once_lose_nothing(tmp_path, request):
    path = tmp_path / "labels.db"
    words = [sys.executable, "-c", WRITER, str(request.config.rootpath), str(path)]
    both = [subprocess.Popen([*words, start], stderr=subprocess.PIPE, text=True) for start in "01"]
    said = [one.communicate()[1] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    opened = open_store(path)
    assert rankings(opened) == by_prompt([ranking(number) for number in range(60)])
    close(opened)


def test_a_database_that_another_holds_is_told_and_keeps_its_labels(tmp_path, store):
    add_ranking(store, ranking())
    other = sqlite3.connect(tmp_path / "labels.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    impatient = open_store(tmp_path / "labels.db", wait=0.05)
    assert rankings(impatient) == [ranking()]  # readers do not wait
    with pytest.raises(Failed, match=r"labels.db is locked: another process is writing; nothing was changed"):
        add_ranking(impatient, ranking(1))
    other.execute("ROLLBACK")
    other.close()
    assert add_ranking(impatient, ranking(1)).added == 1
    close(impatient)


def test_a_damaged_database_is_told(tmp_path):
    path = tmp_path / "labels.db"
    path.write_bytes(b"no database at all, but long enough to be read as the head of one" * 100)
    with pytest.raises(Failed, match=r"labels.db is damaged or is no label store"):
        open_store(path)
    assert path.read_bytes().startswith(b"no database")


def test_a_torn_database_is_told(tmp_path, store):
    add_rankings(store, [ranking(number) for number in range(50)])
    close(store)
    path = tmp_path / "labels.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with pytest.raises(Failed, match=r"labels.db is damaged"):
        rankings(open_store(path))


def test_a_database_of_something_else_is_left_alone(tmp_path):
    raw = sqlite3.connect(tmp_path / "other.db")
    raw.execute("CREATE TABLE cats (name)")
    raw.close()
    with pytest.raises(BadUse, match=r"other.db is a database of something else"):
        open_store(tmp_path / "other.db", create=True)
    with pytest.raises(BadUse, match=r"other.db holds no label store"):
        open_store(tmp_path / "other.db")


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("nothing.db", "nothing.db does not exist; foretell label init PROMPTS.jsonl --db nothing.db makes it"),
        (".", "is no file; give one, such as labels.db"),
        ("mysql://host/name", "mysql:// is not supported"),
        ("://", "that is no address of a database; it looks like postgresql://user@host/name"),
        ("postgresql://me:secret@localhost:port/x", "that is no address of a database"),
    ],
)
def test_a_wrong_place_is_told(where, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadUse) as error:
        open_store(where)
    assert why in str(error.value)
    assert "secret" not in str(error.value)


def test_a_store_in_no_folder_is_told(tmp_path):
    with pytest.raises(BadUse, match="nowhere is no folder; make it"):
        open_store(tmp_path / "nowhere/labels.db", create=True)


def test_ties_reach_the_reader_as_they_were_given(store):
    raw = ranking(ranks=(2, 2, 1))
    add_ranking(store, dataclasses.replace(raw, ranks=(2, 2, 1)))
    assert rankings(store)[0].ranks == (2, 2, 1)


def test_a_store_that_was_there_refuses_what_would_lose_a_label(store, tmp_path):
    add_ranking(store, ranking())
    again = open_store(tmp_path / "labels.db")
    with pytest.raises(Failed, match="FOREIGN KEY"), writing(again) as connection:
        connection.execute(table("prompts").delete())
    close(again)


def test_a_reader_hinders_no_writer_and_sees_one_moment(store, tmp_path):
    add_ranking(store, ranking())
    impatient = open_store(tmp_path / "labels.db", wait=0.05)
    one = table("rankings")
    with reading(store) as connection:
        assert len(connection.execute(one.select()).all()) == 1
        assert add_ranking(impatient, ranking(1)).added == 1
        assert len(connection.execute(one.select()).all()) == 1
    assert len(rankings(store)) == 2
    close(impatient)
