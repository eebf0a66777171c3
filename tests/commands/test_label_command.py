"""`foretell label`: prompts in, labels of others in, ours out, and what is refused in one line."""

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from foretell.align.answers import assign, exported, give
from foretell.align.record_files import read_records, write_records
from foretell.align.records import Candidates, Demonstration, Output, Prompt, Ranking
from foretell.align.store import close, open_store, outputs, prompts, rankings
from foretell.cli import main


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def label(*words):
    return main(["label", *words])


def write(name, *rows):
    with open(name, "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def ranking(ranks=(1, 2), number=0, **more):
    told = {"prompt_id": f"p{number}", "group_id": "g", "split": "train", "prompt": f"Say {number}.", "labeller": "kim"}
    return Ranking(outputs=(Output(text="a"), Output(text="b")), ranks=ranks, **{**told, **more})


def stored(name="l.db", of=rankings):
    store = open_store(name)
    found = of(store)
    close(store)
    return found


def said(capsys):
    """What was printed as an error: one line."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_prompts_are_grouped_split_masked_and_tagged(tmp_path, capsys):
    rows = [{"text": f"{n} Write to me@firm.de {n}", "user": f"u{n}", "organisation": f"o{n % 7}"} for n in range(60)]
    write("prompts.jsonl", *rows, rows[0])
    assert label("init", "prompts.jsonl", "--db", "l.db", "--most", "5", "--valid", "0.5", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["prompts"] == 35
    assert told["left_out"] == {"near duplicates": 1, "above the limit": 25}
    found = stored(of=prompts)
    assert told["masked"] == {"e-mail": sum(one.split == "train" for one in found)}
    assert {(one.group_id, one.split) for one in found} == {(one.organisation, one.split) for one in found}
    assert len({(one.group_id, one.split) for one in found}) == 7
    assert {one.use_case for one in found} == {"generation"}


def test_prompts_that_are_there_are_not_added_again(capsys):
    write("prompts.jsonl", {"text": "Why?"}, {"text": "What is it that you want to say?"})
    assert label("init", "prompts.jsonl", "--db", "l.db") == 0
    assert "2 prompts added to l.db" in capsys.readouterr().out
    assert label("init", "prompts.jsonl", "--db", "l.db") == 0
    assert "0 prompts added to l.db, 2 were there\n" in capsys.readouterr().out


def test_few_shot_examples_become_prompts_and_demonstrations(capsys):
    examples = [{"query": f"{n} + {n}", "response": f"{2 * n}"} for n in range(3)]
    write("prompts.jsonl", {"instruction": "Add.", "examples": examples, "user": "kim"})
    assert label("init", "prompts.jsonl", "--db", "l.db") == 0
    assert "3 demonstrations from few-shot examples" in capsys.readouterr().out
    assert label("export", "--db", "l.db", "--what", "demonstrations", "--out", "sft.jsonl") == 0
    found = read_records(Path("sft.jsonl"), Demonstration)
    assert sorted(one.completion for one in found) == ["0", "2", "4"]
    assert all(one.prompt.endswith("Output:") and one.labeller == "kim" for one in found)


def test_labels_go_round_unchanged_and_equal_stores_give_equal_files(tmp_path, capsys):
    given = [ranking((1, 1), number, seconds=1.5) for number in range(5)]
    write_records(tmp_path / "in.jsonl", given[::-1])
    assert label("import", "in.jsonl", "--format", "jsonl", "--db", "l.db") == 0
    assert label("import", "in.jsonl", "--format", "jsonl", "--db", "l.db") == 0
    assert "in.jsonl: 0 rankings added to l.db, 5 were there" in capsys.readouterr().out
    assert label("export", "--db", "l.db", "--out", "out.jsonl", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert read_records(tmp_path / "out.jsonl", Ranking) == given
    assert told == {
        **{"file": "out.jsonl", "n": 5},
        "sha256": hashlib.sha256((tmp_path / "out.jsonl").read_bytes()).hexdigest(),
    }
    assert label("import", "out.jsonl", "--format", "jsonl", "--db", "other.db") == 0
    assert label("export", "--db", "other.db", "--out", "again.jsonl") == 0
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "out.jsonl").read_bytes()


def test_a_side_can_be_exported_alone(tmp_path):
    write_records(tmp_path / "in.jsonl", [ranking(number=0), ranking(number=1, split="valid", group_id="h")])
    label("import", "in.jsonl", "--format", "jsonl", "--db", "l.db")
    for side, number in (("train", 0), ("valid", 1)):
        assert label("export", "--db", "l.db", "--split", side, "--out", "out.jsonl") == 0
        assert [one.prompt_id for one in read_records(tmp_path / "out.jsonl", Ranking)] == [f"p{number}"]


def test_labellers_held_out_stay_out_of_what_is_trained_on(tmp_path, capsys):
    write_records(tmp_path / "in.jsonl", [ranking(), ranking(labeller="ana", ranks=(2, 1))])
    label("import", "in.jsonl", "--format", "jsonl", "--db", "l.db")
    assert label("labeller", "ana", "--group", "b", "--held-out", "--db", "l.db") == 0
    assert "ana: labeller, group b, held out" in capsys.readouterr().out
    for how, names in (("no", ["kim"]), ("only", ["ana"]), ("all", ["ana", "kim"])):
        assert label("export", "--db", "l.db", "--held-out", how, "--out", "out.jsonl") == 0
        assert sorted(one.labeller for one in read_records(tmp_path / "out.jsonl", Ranking)) == names
        assert ("without those of 1 labellers held out" in capsys.readouterr().out) == (how == "no")


def test_contradictions_are_told_kept_and_not_exported_unasked(tmp_path, capsys):
    write_records(tmp_path / "in.jsonl", [ranking((1, 2)), ranking((2, 1))])
    assert label("import", "in.jsonl", "--format", "jsonl", "--db", "l.db") == 0
    assert (
        "contradictions: 1, the first: labeller 'kim' ranks two outputs of prompt p0 both ways"
        in capsys.readouterr().out
    )
    assert label("export", "--db", "l.db", "--out", "out.jsonl") == 2
    assert "both ways" in said(capsys)
    assert not (tmp_path / "out.jsonl").exists()
    for how, ranks in (("latest", [(2, 1)]), ("keep", [(1, 2), (2, 1)])):
        assert label("export", "--db", "l.db", "--out", "out.jsonl", "--contradictions", how) == 0
        assert [one.ranks for one in read_records(tmp_path / "out.jsonl", Ranking)] == ranks


def test_what_is_left_out_of_a_foreign_file_is_told(capsys):
    write(
        "hh.jsonl",
        {"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c"},
        {"chosen": "\n\nHuman: x\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c"},
    )
    assert label("import", "hh.jsonl", "--format", "hh", "--db", "l.db") == 0
    out = capsys.readouterr().out
    assert "hh.jsonl: 1 rankings added" in out
    assert "left out: 1 with conversations that differ before the last answer" in out


def test_a_file_that_is_wrong_adds_nothing_of_the_others(tmp_path, capsys):
    write_records(tmp_path / "good.jsonl", [ranking()])
    write("bad.jsonl", {"ranks": []})
    assert label("import", "good.jsonl", "bad.jsonl", "--format", "jsonl", "--db", "l.db") == 2
    assert "bad.jsonl, line 1: " in said(capsys)
    assert not (tmp_path / "l.db").exists()


def test_tables_are_printed_in_words_or_as_json(tmp_path, capsys):
    write("prompts.jsonl", *({"text": "x " * n + "why?", "user": "u"} for n in range(4)))
    label("init", "prompts.jsonl", "--db", "l.db", "--near", "1")
    capsys.readouterr()
    assert label("tables", "--db", "l.db") == 0
    assert "prompt lengths in words" in capsys.readouterr().out
    assert label("tables", "--db", "l.db", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    lengths = [row for row in told["prompt lengths in words"] if row["count"]]
    assert [(row["count"], row["mean"], row["max"]) for row in lengths] == [(4, 2.5, 4)]


@pytest.fixture
def simulated():
    return pytest.importorskip("foretell.align.simulated")


def with_outputs(n=12):
    some = tuple(Output(text="yes. " * 9**k, model=f"m{k}") for k in range(3))
    write_records(Path("out.jsonl"), [Candidates(prompt=f"Say {k}.", outputs=some) for k in range(n)])
    assert label("import", "out.jsonl", "--format", "jsonl", "--db", "l.db") == 0


def test_simulated_labellers_rank_what_is_there(simulated, capsys):
    with_outputs()
    assert len(stored(of=outputs)) == 12
    assert label("simulate", "l.db", "--labellers", "3", "--held-out", "2") == 0
    assert "60 rankings of 5 simulated labellers added to l.db, 0 were there; nobody has" in capsys.readouterr().out
    assert label("simulate", "--db", "l.db", "--labellers", "3", "--held-out", "2", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"added": 0, "already": 60, "labellers": 5}
    store = open_store("l.db")
    assert len(rankings(store, held_out=True)) == 24
    close(store)
    assert label("simulate", "--db", "l.db", "--labellers", "3", "--seed", "1") == 0
    assert label("export", "--db", "l.db", "--out", "r.jsonl") == 0  # another seed is other people


def test_agreement_is_told_of_those_that_were_simulated(simulated, capsys):
    with_outputs()
    label("simulate", "l.db", "--labellers", "4", "--temperature", "0", "--tie", "0")
    capsys.readouterr()
    assert label("agreement", "--db", "l.db") == 0
    assert "pairwise" in capsys.readouterr().out
    assert label("agreement", "l.db", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rankings"] == 48


def damaged():
    with open("bad.db", "wb") as file:
        file.write(b"this is no database " * 500)


def other_database():
    with sqlite3.connect("bad.db") as connection:
        connection.execute("CREATE TABLE cats (name)")
    connection.close()


def empty():
    close(open_store("bad.db", create=True))


def nothing():
    pass


@pytest.mark.parametrize(
    ("before", "words", "code", "why"),
    [
        (empty, "export --db bad.db --out x.jsonl", 2, "bad.db holds no rankings; import some first"),
        (empty, "export --db bad.db --out x.jsonl --split valid", 2, "bad.db holds no rankings of split valid"),
        (empty, "tables --db bad.db", 2, "bad.db holds no prompt; foretell label init"),
        (empty, "agreement --db bad.db", 2, "bad.db holds no rankings; foretell label import or simulate"),
        (empty, "simulate --db bad.db --labellers 0", 2, "0 labellers rank nothing"),
        (empty, "export --db bad.db --out nowhere/", 2, ""),
        (damaged, "export --db bad.db --out x.jsonl", 1, "bad.db is damaged or is no label store"),
        (damaged, "init --db bad.db", 1, "bad.db is damaged or is no label store"),
        (other_database, "init --db bad.db", 2, "bad.db is a database of something else"),
        (nothing, "export --db nothing.db --out x.jsonl", 2, "nothing.db does not exist; foretell label init"),
        (nothing, "tables --db mysql://host/x", 2, "mysql:// is not supported"),
        (nothing, "tables --db postgres//host/x", 2, "postgres/host/x does not exist"),
        (nothing, "init nothing.jsonl --db l.db", 2, "nothing.jsonl does not exist"),
        (nothing, "init --db l.db --valid 2", 2, "'2' is no share from 0 to 1"),
        (nothing, "init --db l.db --near 0", 2, "give a share above 0"),
        (nothing, "init", 2, "--db"),
        (nothing, "import x --db l.db --format csv", 2, "invalid choice: 'csv'"),
        (nothing, "import nothing.jsonl --db l.db --format hh", 2, "nothing.jsonl does not exist"),
        (nothing, "agreement", 2, "the store is named once: labels.db, or --db labels.db"),
        (nothing, "agreement a.db --db b.db", 2, "the store is named once"),
        (nothing, "exportt --db l.db", 2, "no part of label is called 'exportt'; did you mean 'export'?"),
        (nothing, "labeller kim --db nothing.db", 2, "nothing.db does not exist"),
    ],
)
def test_what_cannot_be_is_one_line(before, words, code, why, capsys):
    before()
    assert label(*words.split()) == code
    assert why in said(capsys)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"txt": "a"}, "p.jsonl, line 1: txt: no field is called so; did you mean 'text'?"),
        ({"text": ""}, "p.jsonl, line 1: prompt: it is empty"),
        ({"text": "a", "tags": ["b"]}, "p.jsonl, line 1: tags: "),
        ({"instruction": "a", "examples": [{"query": "b"}]}, "p.jsonl, line 1: examples: each is an object"),
        ({"instruction": "a", "examples": []}, "has 0 examples; give two or more"),
        ([], "p.jsonl, line 1: no object"),
    ],
)
def test_a_prompt_that_is_none_is_named_with_its_line(row, why, capsys):
    write("p.jsonl", row if isinstance(row, dict) else "x")
    assert label("init", "p.jsonl", "--db", "l.db") == 2
    assert why in said(capsys)


def test_a_locked_database_is_told(tmp_path, capsys, monkeypatch):
    write_records(tmp_path / "in.jsonl", [ranking()])
    label("import", "in.jsonl", "--format", "jsonl", "--db", "l.db")
    capsys.readouterr()
    import foretell.align.store as module

    monkeypatch.setattr(module, "open_store", lambda where, create=False: open_store(where, create, wait=0.05))
    other = sqlite3.connect("l.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert label("import", "in.jsonl", "--format", "jsonl", "--db", "l.db") == 1
    assert "l.db is locked: another process is writing" in said(capsys)
    other.execute("ROLLBACK")
    other.close()
    assert stored() == [ranking()]


def test_prompts_can_be_exported(tmp_path):
    write("p.jsonl", {"text": "Why?", "use_case": "open qa", "created": "2022-01-27"})
    label("init", "p.jsonl", "--db", "l.db")
    assert label("export", "--db", "l.db", "--what", "prompts", "--out", "out.jsonl") == 0
    assert read_records(tmp_path / "out.jsonl", Prompt) == stored(of=prompts)


def test_who_simulates_labellers_before_there_are_outputs_is_told_to_sample_some(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.jsonl").write_text('{"text": "Name a river."}\n')
    assert main(["label", "init", "p.jsonl", "--db", "l.db"]) == 0
    assert main(["label", "simulate", "l.db", "--labellers", "2"]) == 2
    assert "two outputs; foretell label sample MODEL --db l.db adds outputs" in capsys.readouterr().err


def test_answers_to_tasks_of_other_kinds_are_exported_as_the_pages_export_them(capsys):
    store = open_store("l.db", create=True)
    task = assign(store, "kim", "arena", [("x", {"left": "a", "right": "b"})])
    give(store, "kim", task.id, "arena", {"winner": "tie"}, 3.0)
    wanted = exported(store, "arena")
    close(store)
    assert label("export", "--db", "l.db", "--out", "a.jsonl", "--what", "arena", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert Path("a.jsonl").read_text() == wanted
    assert told == {"file": "a.jsonl", "n": 1, "sha256": hashlib.sha256(wanted.encode()).hexdigest()}
    assert Path("a.jsonl.sha256").read_text().split() == [told["sha256"], "a.jsonl"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--what", "toxicity"], "holds no toxicity answers"),
        (["--what", "news", "--split", "train"], "--split is for rankings and demonstrations"),
        (["--what", "news", "--held-out", "all"], "--held-out is for rankings"),
    ],
)
def test_answers_that_are_not_there_and_flags_that_say_nothing_of_them_are_refused(words, told, capsys):
    close(open_store("l.db", create=True))
    assert label("export", "--db", "l.db", "--out", "a.jsonl", *words) == 2
    assert told in said(capsys)
    assert not Path("a.jsonl").exists()
