"""`foretell eval winrate`: two sides, three kinds of judges, and what is refused in one line."""

import json
from types import SimpleNamespace

import pytest

from foretell.align.records import Demonstration, Prompt
from foretell.align.store import add_demonstrations, add_prompts, close, open_store
from foretell.cli import main
from foretell.commands import eval_winrate
from tests.align.talkers import saved

GOOD = "Return the value of the key that was asked for, or raise an error where there is none of that name in it."


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    for seed, name in enumerate(("one", "two")):
        saved(folder / name, seed)
    asked = [Prompt(text=f"Return value {i}", split="valid" if i < 8 else "train") for i in range(12)]
    rows = [{"text": one.text, "split": one.split} for one in asked]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, text in (("good", GOOD), ("bad", "no")):
        lines = [json.dumps({"prompt_id": one.prompt_id, "answer": text}) + "\n" for one in asked]
        (folder / f"{name}.jsonl").write_text("".join(lines))
    store = open_store(folder / "labels.db", create=True)
    add_prompts(store, asked)
    told = {"group_id": asked[8].group_id or asked[8].prompt_id, "split": "train", "prompt": asked[8].text}
    add_demonstrations(store, [Demonstration(prompt_id=asked[8].prompt_id, completion="the key", **told)])
    close(store)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


def winrate(*words):
    return main(["eval", "winrate", *words, "--quiet"])


def told(capsys, *words):
    assert winrate(*words, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_simulated_labellers_prefer_the_better_file_and_are_said_to_be_simulated(here, capsys, tmp_path):
    out = tmp_path / "out"
    files = ("good.jsonl", "bad.jsonl", "--prompts", "prompts.jsonl", "--out", str(out))
    found = told(capsys, *files)
    assert (found["prompts"], found["judges"], found["win_rate"]["n"]) == (8, 9, 72)
    assert found["win_rate"]["low"] > 0.5
    assert set(found["by_group"]) == {"train", "held_out"}
    assert found["said"] == "The labellers are simulated: nobody has judged anything."
    assert json.loads((out / "winrate.json").read_text()) == found
    assert len((out / "comparisons.jsonl").read_text().splitlines()) == 72
    assert winrate(*files) == 0
    said = capsys.readouterr().out
    assert "ties as half" in said
    assert "by labellers held_out" in said
    assert "nobody has judged anything" in said
    assert "no two answers are of like lengths" in said


def test_models_are_sampled_once_and_the_same_model_ties_with_itself(here, capsys, tmp_path):
    words = ("one", "one", "--labels", "labels.db", "--max-new-tokens", "8", "--out", str(tmp_path / "out"))
    found = told(capsys, *words)
    assert (found["win_rate"]["value"], found["win_rate"]["ties"]) == (0.5, 1.0)
    assert len(list((tmp_path / "out" / "answers").iterdir())) == 1
    other = told(capsys, "one", "two", *words[2:], "--split", "all", "--limit", "10")
    assert (other["prompts"], other["win_rate"]["ties"] < 1) == (10, True)


def test_a_prompted_side_is_shown_demonstrations_or_a_file(here, capsys, tmp_path):
    out = tmp_path / "out"
    how = ("--labels", "labels.db", "--max-new-tokens", "8", "--out", str(out))
    assert told(capsys, "one", "one", *how, "--prompted", "a")["win_rate"]["ties"] < 1
    (tmp_path / "prefix.txt").write_text("User: Say it.\n\nAssistant: it\n\n")
    told(capsys, "one", "one", *how, "--prompted", "a", "--prefix", str(tmp_path / "prefix.txt"))
    assert len(list((out / "answers").iterdir())) == 3


def test_a_reward_judges_and_chooses_the_best_of_n(here, capsys, tmp_path, monkeypatch):
    def score(asked):
        return [float(len(text)) for _, text in asked]

    monkeypatch.setattr(eval_winrate, "rewarded", lambda given: score if given.reward else None)
    monkeypatch.setattr(eval_winrate, "reward_name", lambda run: run)
    how = ("--labels", "labels.db", "--max-new-tokens", "8", "--out", str(tmp_path / "out"), "--reward", "r")
    found = told(capsys, "one", "one", *how, "--judge", "reward", "--best-of", "6")
    assert (found["judges"], found["best_of"]["n"]) == (1, 6)
    assert found["win_rate"]["value"] > 0.8
    assert found["best_of"]["kl_at_most"] == pytest.approx(0.958, abs=1e-3)
    assert winrate("one", "one", *how, "--judge", "reward", "--best-of", "6") == 0
    said = capsys.readouterr().out
    assert "at most 0.96 nats" in said
    assert "one judge: the interval says nothing of other judges" in said


def test_a_model_judges_in_both_orders_so_that_a_taste_for_a_letter_is_a_tie(here, capsys, tmp_path, monkeypatch):
    files = ("good.jsonl", "bad.jsonl", "--prompts", "prompts.jsonl", "--out", str(tmp_path))

    def always_a(pairs):
        return [SimpleNamespace(logprob=-float(letter == " B")) for _, letter in pairs]

    def by_answer(pairs):
        text, good = pairs[0][0], "Answer A:\nReturn"
        return [SimpleNamespace(logprob=float((letter == " A") == (good in text))) for _, letter in pairs]

    network = SimpleNamespace(to=lambda device: None)
    for score, rate in ((always_a, 0.5), (by_answer, 1.0)):
        judge = SimpleNamespace(network=network, score=score)
        monkeypatch.setattr("foretell.generate.model.load", lambda source, judge=judge: judge)
        assert told(capsys, *files, "--judge", "hf:judge")["win_rate"]["value"] == rate


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["a", "b"], "the prompts are named once"),
        (["a", "b", "--labels", "l", "--prompts", "p"], "the prompts are named once"),
        (["a", "b", "--prompts", "prompts.jsonl", "--judge", "reward"], "give --reward RUN"),
        (["a", "b", "--prompts", "prompts.jsonl", "--best-of", "4"], "give --reward RUN"),
        (["a", "b", "--prompts", "prompts.jsonl", "--reward", "r"], "neither is given"),
        (["a", "b", "--prompts", "prompts.jsonl", "--prefix", "x"], "give --prompted"),
        (["a", "b", "--prompts", "prompts.jsonl", "--labellers", "0"], "0 labellers judge nothing"),
        (["nowhere", "b", "--prompts", "prompts.jsonl"], "nowhere is no folder"),
        (["good.jsonl", "bad.jsonl", "--prompts", "missing.jsonl"], "missing.jsonl"),
        (["one", "one", "--prompts", "prompts.jsonl", "--prompted", "b"], "no demonstrations"),
        (["one", "one", "--prompts", "prompts.jsonl", "--max-new-tokens", "95"], "leaves room"),
    ],
)
def test_what_cannot_be_compared_is_one_line(here, capsys, words, line):
    assert winrate(*words) == 2
    (said,) = capsys.readouterr().err.strip().splitlines()
    assert line in said
