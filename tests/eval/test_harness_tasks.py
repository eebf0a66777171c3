"""Our tasks as the harness' files: prompts as they are to stand, and what the harness cannot say is refused."""

import json
from dataclasses import replace

import pytest

from foretell.cli import main
from foretell.commands import export_command
from foretell.errors import BadUse
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


def test_a_prompt_is_the_instruction_the_demonstrations_and_the_question(tmp_path):
    export_tasks([PICK], Source(), tmp_path / "t", [0, 2])
    zero, two = (rows(tmp_path / "t", f"pick_{k}shot-test") for k in (0, 2))
    assert zero[3]["context"] == "Pick: Return the default 3:"
    start, *shown, asked = two[3]["context"].split("\n\n")
    assert start == "Pick {{one}} of\u2028these."
    assert asked == "Return the default 3:"
    assert len(shown) == 2
    assert set(shown) < {item.context + item.options[item.gold] for item in CHOICES[8:]}
    assert {row["context"].rsplit("\n\n", 1)[0] for row in two} == {two[3]["context"].rsplit("\n\n", 1)[0]}


def test_a_question_is_never_its_own_demonstration_and_others_take_its_place(tmp_path):
    export_tasks([FIT], Source(), tmp_path / "t", [4])
    for row in rows(tmp_path / "t", "fit_4shot-test"):
        *shown, asked = row["contexts"][row["gold"]].split("\n")
        assert len(set(shown)) == 4
        assert asked + row["completion"] not in shown


def test_without_demonstrations_a_question_stands_as_the_paper_asks_it_then(tmp_path):
    export_tasks([ADD], Source(), tmp_path / "t", [0, 1])
    assert rows(tmp_path / "t", "add_0shot-test")[0]["context"] == "What is 0 plus 1?"
    assert rows(tmp_path / "t", "add_1shot-test")[0]["context"].endswith("\n\nQ: 0 plus 1?\n\nA:")


def test_the_space_before_every_option_is_put_there_by_the_harness_uncounted(tmp_path):
    (path,) = export_tasks([PICK], Source(), tmp_path / "t", [0], drawn=False)
    assert fields(path)["target_delimiter"] == " "
    assert rows(tmp_path / "t", "pick_0shot-test")[0]["options"] == ["error there", "value", "the default of caf\u00e9"]


def test_options_that_begin_differently_keep_what_they_begin_with(tmp_path):
    odd = [replace(item, options=("\nno", *item.options[1:])) for item in CHOICES]
    (path,) = export_tasks([replace(PICK, load=loaded(odd, 8))], Source(), tmp_path / "t", [0], drawn=False)
    assert fields(path)["target_delimiter"] == ""
    assert rows(tmp_path / "t", "pick_0shot-test")[0]["options"][:2] == ["\nno", " value"]


def test_beams_are_asked_for_where_the_task_searches(tmp_path):
    (path,) = export_tasks([replace(ADD, beam=4)], Source(), tmp_path / "t", [0], drawn=False)
    how = {"until": ["h", "k"], "max_gen_toks": 8, "do_sample": False}
    assert fields(path)["generation_kwargs"] == {**how, "num_beams": 4, "length_penalty": 0.6}


def test_the_own_number_of_demonstrations_is_written_once_and_a_limit_keeps_the_first(tmp_path):
    written = export_tasks([PICK, FIT], Source(), tmp_path / "t", [2, None], limit=3)
    kinds = [f"foretell_{task}_{kind}.yaml" for task in ("pick", "fit") for kind in ("2shot", "drawn")]
    assert [path.name for path in written] == kinds
    assert [one["n"] for one in json.loads((tmp_path / "t" / "tasks.json").read_text())] == [3] * 4
    assert len(rows(tmp_path / "t", "pick_drawn-dev")) == 6


def test_another_seed_draws_other_demonstrations_and_the_same_seed_the_same(tmp_path):
    texts = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        export_tasks([PICK], Source(seed=seed), tmp_path / name, [3], drawn=False)
        texts.append((tmp_path / name / "pick_3shot-test.jsonl").read_text())
    assert texts[0] == texts[1] != texts[2]


def test_a_folder_of_something_else_stays_and_an_export_is_replaced(tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "thesis.txt").write_text("mine")
    with pytest.raises(BadUse, match="holds no exported tasks"):
        export_tasks([PICK], Source(), tmp_path / "t")
    assert (tmp_path / "t" / "thesis.txt").read_text() == "mine"
    export_tasks([PICK], Source(), tmp_path / "u")
    export_tasks([FIT], Source(), tmp_path / "u")
    assert not (tmp_path / "u" / "foretell_pick_0shot.yaml").exists()


@pytest.mark.parametrize(
    ("items", "n", "shots", "words"),
    [
        (CHOICES, 8, 7, "pick has 6 demonstrations, 7 are asked for"),
        (CHOICES, 14, 14, "pick has 13 demonstrations, 14 are asked for"),
        ([*CHOICES[:3], *FREE], 12, 1, "pick has questions of 2 kinds"),
    ],
)
def test_what_cannot_be_exported_is_said_and_nothing_is_written(tmp_path, items, n, shots, words):
    with pytest.raises(BadUse, match=words):
        export_tasks([replace(PICK, load=loaded(items, n))], Source(), tmp_path / "t", [shots], drawn=False)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model's folder."""
    tokenizer = train_tokenizer("bpe", TEXTS, 300, quiet=True)
    model = Model(random_network(replace(gpt2.network("smoke"), n_vocab=300)), tokenizer)
    model.save(tmp_path_factory.mktemp("model") / "m")
    return tmp_path_factory.getbasetemp() / "model0" / "m"


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
    assert said.err == "without fit: fit.jsonl is not there; give --data FOLDER\n"
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
        (["--to", "lm-eval", "--shots", "some"], "'some' is no whole number"),
        (["--to", "hf", "--shots", "0"], "--shots is of tasks; leave it out with --to hf"),
    ],
)
def test_a_wrong_command_is_one_line(folder, tmp_path, capsys, words, said):
    assert main(["export", str(folder), *words, "--out", str(tmp_path / "t")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line


def test_shots_are_a_number_or_few():
    assert [export_command.shots(text) for text in ("0", "12", "few")] == [0, 12, None]
