import json

import numpy as np
import pytest

from foretell.corpus.batches import open_batches
from foretell.corpus.config import RankingData
from foretell.corpus.rankings import Encoded, Left, fitted, open_rankings, rows_of
from foretell.errors import BadUse
from foretell.text.chat import Turn, answer_ids, prompt_ids

PROMPTS = ["What is a list?", "Say hello.", "Name a colour, and then a second one.", "Count to three.", "Why?"]


def ranking(i, ranks=(1, 2, 3), group="", split="train", **changes):
    outputs = [{"text": f"answer {i} {j} " + "so " * j} for j in range(len(ranks))]
    prompt = PROMPTS[i % 5] + f" {i}"
    return {
        "prompt": prompt,
        "outputs": outputs,
        "ranks": list(ranks),
        "split": split,
        "labeller_group": group,
        **changes,
    }


@pytest.fixture
def opened(tokenizers, tmp_path):
    def make(rows, length=64, **changes):
        tokenizers["bpe"].save(tmp_path / "tokens", 64)
        (tmp_path / "rankings.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        data = RankingData(folder=str(tmp_path), tokens=str(tmp_path / "tokens"), length=length, **changes)
        return open_rankings(data, 3)

    return make


MIXED = [ranking(i, range(1, k + 1)) for i, k in enumerate([2, 9, 4, 3, 2, 5])] + [ranking(9, split="valid")]


def texts_of(batch):
    """The ids that each output's last token has behind it, read off positions and ends alone: prompt and output."""
    found = []
    width = batch["inputs"].shape[1]
    for last in batch["last"]:
        row, place = divmod(int(last), width)
        sees = [j for j in range(place + 1) if batch["ends"][row, j] > place]
        assert batch["positions"][row, sees].tolist() == list(range(len(sees)))
        found.append(batch["inputs"][row, sees].tolist())
    return found


def test_a_row_holds_the_prompt_once_and_each_output_with_its_end_behind_it(opened, tokenizers):
    tokenizer = tokenizers["bpe"]
    batch = opened(MIXED).batch(np.arange(6))
    want = {}
    for row in MIXED[:6]:
        prompt = prompt_ids(tokenizer, [Turn("user", row["prompt"])])
        for output, rank in zip(row["outputs"], row["ranks"], strict=True):
            want[(*prompt, *answer_ids(tokenizer, output["text"]))] = rank
    got = [tuple(text) for text in texts_of(batch)]
    assert dict(zip(got, batch["ranks"].tolist(), strict=True)) == want
    assert batch["inputs"].flat[batch["last"]].tolist() == [tokenizer.special("<|end|>")] * 25


def test_rankings_share_rows_and_hold_little_filling(opened):
    rows = opened(MIXED).train
    batch = rows_of(rows)
    sizes = [one.size for one in rows]
    assert batch["inputs"].shape[1] == max(sizes)
    assert len(batch["inputs"]) < len(rows)
    assert batch["inputs"].size < sum(sizes) + max(sizes)


def test_which_ranking_each_output_belongs_to_is_told(opened):
    rows = opened(MIXED).train
    batch = rows_of(rows)
    for number, one in enumerate(rows):
        assert batch["ranks"][batch["prompts"] == number].tolist() == list(one.ranks)


def test_filling_sees_itself_alone_and_nobody_sees_it():
    one = Encoded(prompt=np.array([5, 6]), outputs=(np.array([7]), np.array([8, 9])), ranks=(1, 2))
    two = Encoded(prompt=np.array([5]), outputs=(np.array([7]), np.array([8])), ranks=(2, 1))
    batch = rows_of([one, two])
    assert batch["inputs"].tolist() == [[5, 6, 7, 8, 9], [5, 7, 8, 0, 0]]
    assert batch["positions"].tolist() == [[0, 1, 2, 2, 3], [0, 1, 1, 0, 0]]
    assert batch["ends"].tolist() == [[5, 5, 3, 5, 5], [3, 2, 3, 4, 5]]
    assert (batch["stem"].tolist(), batch["first"].tolist()) == ([1, 1, 5, 5], [2, 3, 6, 7])
    assert batch["last"].tolist() == [2, 4, 6, 7]
    assert (batch["ranks"].tolist(), batch["prompts"].tolist()) == ([1, 2, 2, 1], [0, 0, 1, 1])


@pytest.mark.parametrize("seed", range(10))
def test_pieces_fit_into_rows_and_never_overlap(seed):
    sizes = np.random.default_rng(seed).integers(1, 40, 30).tolist()
    taken = set()
    for size, (row, start) in zip(sizes, fitted(sizes, 40), strict=True):
        mine = {(row, start + i) for i in range(size)}
        assert not mine & taken
        assert start + size <= 40
        taken |= mine
    rows = 1 + max(row for row, _ in taken)
    assert rows <= 1.25 * sum(sizes) / 40 + 1


def test_a_batch_is_a_function_of_the_seed_and_its_numbers(opened):
    rows = opened(MIXED)
    for name, value in rows.batch(np.array([7, 2])).items():
        np.testing.assert_array_equal(rows.batch(np.array([7, 2]))[name], value)
    first = [rows.batch(np.array([i]))["inputs"].tobytes() for i in range(6)]
    assert len(set(first)) == 6
    assert first != [rows.batch(np.array([i]))["inputs"].tobytes() for i in range(6, 12)]
    assert rows.epochs(9) == {"text": 1.5}


def test_the_held_out_side_is_the_files_own(opened):
    rows = opened(MIXED)
    (batch,) = rows.evaluation(8, 0)
    assert (len(rows.train), len(rows.valid), len(batch["ranks"])) == (6, 1, 3)


def test_rankings_with_ties_only_are_left_out_and_those_with_some_are_kept(opened):
    rows = opened([ranking(0, (1, 1, 1)), ranking(1, (1, 1, 2)), ranking(2, (2, 2), split="valid"), *MIXED])
    assert rows.left == Left(ties_only=2)
    assert len(rows.train) == 7


def test_a_long_prompt_loses_its_beginning_and_a_long_output_its_ranking(opened, tokenizers):
    long_prompt = ranking(0, prompt="word " * 80)
    long_output = ranking(1, outputs=[{"text": "word " * 80}, {"text": "short"}], ranks=[1, 2])
    rows = opened([long_prompt, long_output, *MIXED])
    assert rows.left == Left(too_long=1, cut=1)
    whole = prompt_ids(tokenizers["bpe"], [Turn("user", long_prompt["prompt"])])
    (cut,) = [one for one in rows.train if len(one.prompt) + max(map(len, one.outputs)) == 64]
    assert cut.prompt.tolist() == whole[-len(cut.prompt) :]


def test_a_group_is_held_out_without_the_prompts_that_others_labelled(opened):
    rows = [ranking(i, group="ab"[i % 2]) for i in range(6)]
    rows += [ranking(0, group="b"), ranking(8, group="b", split="valid"), ranking(9, group="a", split="valid")]
    found = opened(rows, without_group="b")
    assert len(found.train) == 3
    assert len(found.valid) == 4  # three of its own and the valid one; not the prompt that a labelled too


def test_turns_that_do_not_alternate_are_left_out_and_counted(opened):
    twice = [{"role": role, "content": "Hello."} for role in ("user", "user")]
    rows = opened([ranking(0, prompt=twice), *MIXED])
    assert (rows.left, len(rows.train)) == (Left(out_of_turn=1), 6)


def test_several_turns_are_read_as_a_conversation(opened, tokenizers):
    turns = [("user", "Hello."), ("assistant", "Hello!"), ("user", "Who are you?")]
    prompt = [{"role": role, "content": text} for role, text in turns]
    rows = opened([ranking(0, prompt=prompt), MIXED[-1]])
    assert rows.train[0].prompt.tolist() == prompt_ids(tokenizers["bpe"], [Turn(*turn) for turn in turns])


@pytest.mark.parametrize(
    ("rows", "changes", "said"),
    [
        ([{**ranking(0), "ranks": [1]}], {}, "ranking 1: 3 outputs and 1 ranks"),
        ([{**ranking(0), "outputs": ["one"], "ranks": [1]}], {}, "1 outputs and 1 ranks"),
        ([{"prompt": "Hello."}], {}, "a ranking has prompt, outputs and ranks"),
        ([ranking(0, (1, 1, 1)), ranking(1, split="valid")], {}, "no ranking to train on .1 with ties only"),
        ([ranking(0)], {}, "no ranking to hold out"),
        ([ranking(0, group="a"), ranking(1, split="valid")], {"without_group": "b"}, "the group 'b'; there are a"),
        ([ranking(0, split="test")], {}, "it must be train or valid"),
    ],
)
def test_wrong_rankings_are_refused_with_a_reason(opened, rows, changes, said):
    with pytest.raises(BadUse, match=said):
        opened(rows, **changes)


def test_the_training_loop_opens_them(opened, tmp_path):
    opened(MIXED)
    data = RankingData(folder=str(tmp_path), tokens=str(tmp_path / "tokens"), length=64)
    assert open_batches(data, 0).n_rows == 6
