"""What `foretell eval` prints and keeps, what it refuses, and that a folder is of one suite."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from foretell.cli import main
from foretell.generate.model import Model
from foretell.recipes import gpt2
from foretell.text.train import train_tokenizer
from tests.generate.conftest import random_network

TEXT = ["Q: What is 48 plus 76? A: 124 Return the value of the key, or the default. " * 3, "Raise an error " * 9] * 4
SUMS = ["--suite", "arithmetic", "--tasks", "two_digit_addition,sum_of_digits", "--limit", "3", "--threads", "1"]


@pytest.fixture(scope="module", autouse=True)
def _here(tmp_path_factory):
    """All commands of this file run in one folder with a tiny model `m` and a text."""
    here = tmp_path_factory.mktemp("here")
    tokenizer = train_tokenizer("bpe", TEXT, 300, quiet=True)
    Model(random_network(replace(gpt2.network("smoke"), n_vocab=300, n_ctx=96)), tokenizer).save(here / "m")
    (here / "one.txt").write_text("Return\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        yield


@pytest.fixture
def typed(capsys):
    """A function that types a command and gives what is printed, and how it ended."""

    def type_it(*words):
        code = main(["eval", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return type_it


def test_a_suite_prints_a_row_for_each_task_and_number_of_examples(typed):
    code, said, noise = typed("m", *SUMS, "--shots", "0", "few", "--out", "a", "--quiet")
    rows = [line.split() for line in said.splitlines()]
    assert code == 0
    assert noise == ""
    assert [row[0] for row in rows[1:5]] == ["two_digit_addition"] * 2 + ["sum_of_digits"] * 2
    assert "GPT-3" in rows[0]
    assert said.rstrip().endswith("/a")


def test_json_is_one_object_and_another_call_asks_nothing_again(typed):
    code, first, _ = typed("m", *SUMS, "--out", "b", "--json", "--quiet")
    _, again, _ = typed("m", *SUMS, "--out", "b", "--json", "--quiet")
    one, two = (json.loads(said, parse_constant=pytest.fail)["rows"] for said in (first, again))
    assert code == 0
    assert [{**row, "cpu_seconds": 0} for row in one] == [{**row, "cpu_seconds": 0} for row in two]
    assert len(Path("b/answers/sum_of_digits-0.jsonl").read_text().splitlines()) == 3


def test_the_file_of_results_has_the_papers_figures_too(typed):
    words = ("m", "--suite", "arithmetic", "--tasks", "two_digit_addition", "--limit", "2", "--threads", "1")
    code, said, _ = typed(*words, "--shots", "50", "few", "--out", "p", "--json", "--quiet")
    printed, kept = json.loads(said)["rows"], json.loads(Path("p/results.json").read_text())["rows"]
    assert code == 0
    assert [row["paper"] for row in printed] == [{"size": "125M", "value": 2.0}] * 2
    assert [row["paper"] for row in kept] == [row["paper"] for row in printed]


def test_the_paper_has_no_control_with_shuffled_labels(typed):
    _, said, _ = typed("m", *SUMS, "--shots", "1", "--labels", "shuffled", "--out", "c", "--quiet")
    assert "GPT-3" not in said
    assert "this is the control" in said


def test_a_folder_of_one_suite_is_not_written_by_another(typed):
    assert typed("m", "--suite", "perplexity", "--data", "one.txt", "--out", "d", "--quiet")[0] == 0
    code, _, told = typed("m", *SUMS, "--out", "d", "--quiet")
    assert code == 2
    assert "d holds answers of perplexity, not of few-shot tasks; give another --out" in told
    assert typed("m", *SUMS, "--out", "e", "--quiet")[0] == 0
    before = Path("e/results.json").read_text()
    assert typed("m", "--suite", "perplexity", "--data", "one.txt", "--out", "e", "--quiet")[0] == 2
    assert Path("e/results.json").read_text() == before


def test_what_is_not_known_of_a_short_text_is_null(typed):
    _, said, _ = typed("m", "--suite", "perplexity", "--data", "one.txt", "--out", "f", "--quiet", "--json")
    (row,) = json.loads(said, parse_constant=pytest.fail)["rows"]
    assert row["perplexity"]["high"] is None
    assert row["perplexity"]["value"] > 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["m"], "no suite is named; give --suite gpt3"),
        (["--suite", "gpt3"], "no model is named"),
        (["m", "--suite", "arithmeti"], "did you mean 'arithmetic'"),
        (["m", "--suite", "arithmetic", "--tasks", "sum_of_digit"], "did you mean 'sum_of_digits'"),
        (["m", "--suite", "arithmetic", "--tasks", "piqa"], "it is of the suite 'common_sense'"),
        (["m", "--suite", "arithmetic", "--shots", "-1"], "--shots -1 is no whole number"),
        (["m", "--suite", "common_sense", "--tasks", "piqa"], "give --data FOLDER with piqa.jsonl"),
        (["m", "--suite", "arithmetic", "--data", "nowhere"], "nowhere is no folder"),
        (["m", "--suite", "code"], "agree with --yes"),
        (["m", "--suite", "arithmetic", "--samples", "4"], "--samples is of code, which the suite arithmetic is not"),
        (["m", "--suite", "perplexity", "--shots", "4"], "of exams and tasks with examples in the prompt"),
        (["m", "--suite", "translation", "--languages", "en-de"], "a language model is asked with --tasks"),
        (["m", "--suite", "finetune"], "give --tasks"),
    ],
)
def test_what_is_asked_for_wrongly_is_told_in_one_line(typed, words, told):
    code, said, noise = typed(*words, "--out", "g", "--quiet")
    (line,) = noise.strip().splitlines()
    assert code == 2
    assert said == ""
    assert told in line


def test_the_list_has_every_suite(typed):
    said = typed("--list")[1]
    assert all(f"\n{suite}: " in "\n" + said for suite in ("gpt3", "arithmetic", "exams", "code", "finetune"))
