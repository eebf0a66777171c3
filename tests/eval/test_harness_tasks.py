"""Our tasks as the harness' files: prompts as they are to stand, and what the harness cannot say is refused."""

import json
from dataclasses import replace

import pytest

from foretell.cli import main
from foretell.errors import BadUse
from foretell.eval.asking import Asking, ask
from foretell.eval.harness_tasks import export_tasks
from foretell.generate.model import Model
from foretell.recipes import gpt2
from foretell.tasks.source import NoData, Source
from foretell.tasks.task import Questions
from foretell.text.train import train_tokenizer
from tests.eval.made_tasks import ADD, CHOICES, FIT, FREE, PICK, TEXTS, loaded
from tests.generate.conftest import random_network


def rows(folder, name):
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]


def fields(path):
    """The YAML, each line a name and a JSON value."""
    return {
        name: json.loads(value) for name, _, value in (line.partition(": ") for line in path.read_text().splitlines())
    }


def asked(*shots, **how):
    return [Asking(shots=k, **how) for k in shots]


def export(tasks, folder, *shots, **how):
    return export_tasks(tasks, Source(), folder / "t", asked(*shots, **how))


def test_a_prompt_is_the_instruction_the_demonstrations_and_the_question(tmp_path):
    export([PICK], tmp_path, 0, 2)
    zero, two = (rows(tmp_path / "t", f"pick_{k}shot-test") for k in (0, 2))
    assert zero[3]["context"] == "Pick: Return the default 3:"
    start, *shown, question = two[3]["context"].split("\n\n")
    assert start == "Pick {{one}} of\u2028these."
    assert question == "Return the default 3:"
    assert len(shown) == 2
    assert set(shown) < {item.context + item.options[item.gold] for item in CHOICES[8:]}


def test_demonstrations_drawn_once_are_the_same_before_all_questions(tmp_path):
    export([PICK], tmp_path, 2, draw="once")
    assert len({row["context"].rpartition("\n\n")[0] for row in rows(tmp_path / "t", "pick_2shot-test")}) == 1


def test_a_question_is_never_its_own_demonstration(tmp_path):
    export([FIT], tmp_path, 4)
    for row in rows(tmp_path / "t", "fit_4shot-test"):
        *shown, question = row["contexts"][row["gold"]].split("\n")
        assert len(set(shown)) == 4
        assert question + row["completion"] not in shown


def test_without_demonstrations_a_question_stands_as_the_paper_asks_it_then(tmp_path):
    export([ADD], tmp_path, 0, 1)
    assert rows(tmp_path / "t", "add_0shot-test")[0]["context"] == "What is 0 plus 1?"
    assert rows(tmp_path / "t", "add_1shot-test")[0]["context"].endswith("\n\nQ: 0 plus 1?\n\nA:")


def test_the_prompts_are_those_that_our_own_runner_asks_with(tmp_path, model):
    """Also where the context is too short for all demonstrations, or for a question."""
    small = Model(random_network(replace(gpt2.network("smoke"), n_vocab=300, n_ctx=75)), model.tokenizer)
    for task in (PICK, FIT, ADD):
        (how,) = asked(5, limit=4, seed=3)
        export_tasks([task], Source(), tmp_path / "t", [how], small)
        there = rows(tmp_path / "t", f"{task.name}_5shot-test")
        records, too_long = ask(small, task, task.load(Source()), how, tmp_path / f"{task.name}.jsonl", lambda n: None)
        assert [(row["id"], row["prompt"]) for row in there] == [(one["key"], one["prompt"]) for one in records]
        assert len(there) + too_long == 4
    assert any(one["dropped"] for one in records)


def test_what_does_not_fit_into_the_context_is_left_out_and_nothing_at_all_is_refused(tmp_path, model):
    small = Model(random_network(replace(gpt2.network("smoke"), n_vocab=300, n_ctx=9)), model.tokenizer)
    single = replace(PICK, load=loaded(CHOICES[:1], 1))
    with pytest.raises(BadUse, match="no question of these tasks fits into the model's context"):
        export_tasks([single], Source(), tmp_path / "t", asked(0), small)
    (path,) = export_tasks([PICK], Source(), tmp_path / "t", asked(0, 2), small)
    assert path.stem == "foretell_pick_drawn"


def test_the_space_before_every_option_is_put_there_by_the_harness_uncounted(tmp_path):
    path, _ = export([PICK], tmp_path, 0)
    assert fields(path)["target_delimiter"] == " "
    assert rows(tmp_path / "t", "pick_0shot-test")[0]["options"] == ["error there", "value", "the default of caf\u00e9"]


def test_options_that_begin_differently_keep_what_they_begin_with(tmp_path):
    odd = [replace(item, options=("\nno", *item.options[1:])) for item in CHOICES]
    path, _ = export([replace(PICK, load=loaded(odd, 8))], tmp_path, 0)
    assert fields(path)["target_delimiter"] == ""
    assert rows(tmp_path / "t", "pick_0shot-test")[0]["options"][:2] == ["\nno", " value"]


def test_beams_are_asked_for_where_the_task_searches(tmp_path):
    path, _ = export([replace(ADD, beam=4)], tmp_path, 0)
    how = {"until": ["h", "k"], "max_gen_toks": 8, "do_sample": False}
    assert fields(path)["generation_kwargs"] == {**how, "num_beams": 4, "length_penalty": 0.6}


def test_the_own_number_of_demonstrations_is_written_once_and_a_limit_draws_questions(tmp_path):
    written = export([PICK, FIT], tmp_path, 2, "few", limit=3)
    assert f"--include_path {tmp_path / 't'} --tasks foretell\n" in (tmp_path / "t" / "README.md").read_text()
    kinds = [f"foretell_{task}_{kind}.yaml" for task in ("pick", "fit") for kind in ("2shot", "drawn")]
    assert [path.name for path in written] == kinds
    assert [one["n"] for one in json.loads((tmp_path / "t" / "tasks.json").read_text())] == [3] * 4
    assert len(rows(tmp_path / "t", "pick_drawn-dev")) == 6


def test_the_harness_draws_no_more_than_there_are(tmp_path):
    few, none = replace(PICK, load=loaded(CHOICES, 13)), replace(PICK, load=loaded(CHOICES[:1], 1))
    paths = export([few], tmp_path, 0)
    assert fields(paths[1])["num_fewshot"] == 1
    assert len(export([none], tmp_path, 0)) == 1


def test_a_folder_of_something_else_stays_and_an_export_is_replaced(tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "thesis.txt").write_text("mine")
    with pytest.raises(BadUse, match="holds no exported tasks"):
        export([PICK], tmp_path, 0)
    (tmp_path / "t" / "thesis.txt").unlink()
    export([PICK], tmp_path, 0)
    export([FIT], tmp_path, 0)
    assert not (tmp_path / "t" / "foretell_pick_0shot.yaml").exists()


def test_questions_of_two_kinds_are_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(BadUse, match="pick has questions of 2 kinds"):
        export([replace(PICK, load=loaded([*CHOICES[:3], *FREE], 12))], tmp_path, 1)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def model():
    tokenizer = train_tokenizer("bpe", TEXTS, 300, quiet=True)
    return Model(random_network(replace(gpt2.network("smoke"), n_vocab=300)), tokenizer)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    """The model's folder."""
    at = tmp_path_factory.mktemp("model") / "m"
    model.save(at)
    return at


@pytest.fixture
def known(monkeypatch):
    """A registry of our tasks, and one whose data are nowhere."""

    def nowhere(source) -> Questions:
        raise NoData("fit.jsonl is not there; give --data FOLDER")

    tasks = {"pick": PICK, "fit": replace(FIT, load=nowhere)}
    monkeypatch.setattr("foretell.tasks.registry.every", lambda: tasks)


@pytest.mark.usefixtures("known")
def test_the_command_writes_what_can_be_had_and_prints_how_to_run_it(folder, tmp_path, capsys):
    out = tmp_path / "t"
    assert main(["export", str(folder), "--to", "lm-eval", "--out", str(out), "--shots", "0", "few"]) == 0
    said = capsys.readouterr()
    assert said.err == "without data, and left out: fit; --tasks NAME says what one needs\n"
    assert f"{out}: 1 tasks in 3 files" in said.out
    assert f"--model foretell --model_args model={folder} --include_path {out} --tasks foretell\n" in said.out
    assert sorted(path.stem for path in out.glob("*.yaml")) == [
        f"foretell_pick_{kind}" for kind in ("0shot", "2shot", "drawn")
    ]
    assert main(["export", str(folder), "--to", "lm-eval", "--out", str(out)]) == 2
    assert main(["export", str(folder), "--to", "lm-eval", "--out", str(out), "--yes"]) == 0


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "lm-eval", "--tasks", "pik"], "no task is called 'pik'; did you mean 'pick'?"),
        (["--to", "lm-eval", "--tasks", "fit"], "fit.jsonl is not there"),
        (["--to", "lm-eval", "--shots", "some"], "--shots some is no whole number"),
        (["--to", "hf", "--shots", "0"], "--shots is of tasks; leave it out with --to hf"),
    ],
)
def test_a_wrong_command_is_one_line(folder, tmp_path, capsys, words, said):
    assert main(["export", str(folder), *words, "--out", str(tmp_path / "t")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
