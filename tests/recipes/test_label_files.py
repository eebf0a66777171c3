"""What a store holds comes into training as files: whole, once, without labellers held out, or with a plain reason."""

import pytest

from foretell.align import records, store
from foretell.corpus.config import DemonstrationData, PromptData, RankingData, TextData
from foretell.corpus.labels import label_rows
from foretell.errors import BadUse
from foretell.recipes.label_files import exported, store_name

DEMONSTRATIONS, RANKINGS = DemonstrationData(length=8), RankingData(length=8)
PROMPTS = PromptData(length=8, response=4)
OUTPUTS = (records.Output(text="yes"), records.Output(text="no"))


def ranking(i, ranks, labeller):
    told = {"prompt_id": records.prompt_id(f"{i}?"), "group_id": f"g{i}", "split": "train", "prompt": f"{i}?"}
    return records.Ranking(**told, outputs=OUTPUTS, ranks=ranks, labeller=labeller)


def demonstration(i, labeller):
    told = {"prompt_id": records.prompt_id(f"{i}?"), "group_id": f"g{i}", "prompt": f"{i}?"}
    return records.Demonstration(
        **told, split="valid" if i % 5 == 0 else "train", completion=f"{i}!", labeller=labeller
    )


@pytest.fixture
def db(tmp_path):
    """A function that makes a store with some labels."""

    def made(*labels, held_out=()):
        opened = store.open_store(tmp_path / "labels.db", create=True)
        store.add_demonstrations(opened, [one for one in labels if isinstance(one, records.Demonstration)])
        store.add_rankings(opened, [one for one in labels if isinstance(one, records.Ranking)])
        for name in held_out:
            store.add_labeller(opened, name, held_out=True)
        store.close(opened)
        return str(tmp_path / "labels.db")

    return made


def test_demonstrations_are_exported_once_and_anew_when_there_are_more(db, tmp_path):
    where = db(*[demonstration(i, "ana") for i in range(10)])
    folder = exported(where, DEMONSTRATIONS, tmp_path / "corpora")
    assert folder.parent == tmp_path / "corpora"
    assert folder.name.startswith("labels-")
    train, valid = label_rows(folder, "demonstrations")
    assert sorted(row["completion"] for row in train + valid) == [f"{i}!" for i in range(10)]
    assert {row["completion"] for row in valid} == {"0!", "5!"}
    written = (folder / "demonstrations.jsonl").stat().st_mtime_ns
    assert exported(where, DEMONSTRATIONS, tmp_path / "corpora") == folder
    assert (folder / "demonstrations.jsonl").stat().st_mtime_ns == written
    more = exported(db(demonstration(10, "bo")), DEMONSTRATIONS, tmp_path / "corpora")
    assert more != folder
    assert len((more / "demonstrations.jsonl").read_text().splitlines()) == 11


def test_labellers_held_out_feed_no_training(db, tmp_path):
    where = db(demonstration(1, "ana"), demonstration(2, "bo"), ranking(3, (1, 2), "bo"), held_out=("bo",))
    folder = exported(where, DEMONSTRATIONS, tmp_path / "corpora")
    (row,) = label_rows(folder, "demonstrations")[0]
    assert row["labeller"] == "ana"
    with pytest.raises(BadUse, match="no rankings to train on; all 1 are of the 1 labellers held out"):
        exported(where, RANKINGS, tmp_path / "corpora")


def test_demonstrations_go_along_with_rankings_and_prompts_stand_alone(db, tmp_path):
    where = db(demonstration(1, "ana"), ranking(2, (2, 1), "ana"))
    folder = exported(where, RANKINGS, tmp_path / "corpora")
    assert label_rows(folder, "rankings")[0][0]["ranks"] == [2, 1]
    assert label_rows(folder, "demonstrations")[0][0]["completion"] == "1!"
    prompts = exported(where, PROMPTS, tmp_path / "corpora")
    assert [path.name for path in sorted(prompts.iterdir())] == ["card.json", "prompts.jsonl"]
    assert len((prompts / "prompts.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (DEMONSTRATIONS, "holds no demonstrations to train on: foretell label import FILE"),
        (RANKINGS, "holds no rankings to train on: foretell label sample MODEL --db .* and foretell label simulate"),
        (PROMPTS, "holds no prompts to train on: foretell label init PROMPTS.jsonl"),
    ],
)
def test_an_empty_store_says_what_fills_it(db, tmp_path, data, said):
    with pytest.raises(BadUse, match=said):
        exported(db(), data, tmp_path / "corpora")
    assert not (tmp_path / "corpora").exists()


def test_a_store_that_is_not_there_and_data_without_labels_are_refused(tmp_path):
    with pytest.raises(BadUse, match=r"none\.db"):
        exported(str(tmp_path / "none.db"), DEMONSTRATIONS, tmp_path)
    with pytest.raises(BadUse, match="--labels with data=text: it reads no labels; leave --labels out"):
        exported(str(tmp_path / "none.db"), TextData(length=8), tmp_path)


def test_rankings_that_contradict_each_other_are_refused_with_the_command_that_settles_them(db, tmp_path):
    where = db(ranking(1, (1, 2), "ana"), ranking(1, (2, 1), "ana"), demonstration(1, "ana"))
    with pytest.raises(BadUse, match=r"both ways .*; foretell label export --db .* --contradictions latest --out rank"):
        exported(where, RANKINGS, tmp_path / "corpora")
    exported(where, DEMONSTRATIONS, tmp_path / "corpora")  # which they do not concern


@pytest.mark.parametrize(
    ("db", "name"),
    [
        ("a/labels.db", "labels"),
        ("my labels.db", "my-labels"),
        ("postgresql://me@host/our?x=/y", "our"),
        ("...", "labels"),
    ],
)
def test_a_stores_short_name(db, name):
    assert store_name(db) == name
