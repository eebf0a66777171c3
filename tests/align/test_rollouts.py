import json
from collections import Counter

import pytest
import torch

from foretell.align.episodes import Sampled, episodes_of, in_pieces
from foretell.align.rollouts import CAP, asked, engine, importance, read_prompts
from foretell.corpus.config import PromptData
from foretell.errors import BadUse
from foretell.text.chat import answer_end, prompt_ids, turns_of
from foretell.text.train import train_tokenizer
from tests.align.made_run import TEXT
from tests.align.test_logprobs import network, slow


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer("bpe", TEXT, 300, quiet=True)


def test_the_prompts_of_an_iteration_follow_from_seed_and_iteration_and_every_pass_asks_all_once():
    prompts = [[i] for i in range(12)]
    steps = [asked(prompts, 4, 1, 7, step) for step in range(6)]
    assert steps == [asked(prompts, 4, 1, 7, step) for step in range(6)]
    for epoch in (steps[:3], steps[3:]):
        assert Counter(ids[0] for step in epoch for ids in step) == Counter(range(12))
    assert steps[:3] != steps[3:]
    assert steps != [asked(prompts, 4, 1, 8, step) for step in range(6)]


def test_samples_of_a_prompt_stand_behind_one_another():
    found = asked([[i] for i in range(12)], 3, 4, 0, 1)
    assert len(found) == 12
    assert all(len({ids[0] for ids in found[i : i + 4]}) == 1 for i in (0, 4, 8))


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_the_engine_tells_what_it_sampled_token_by_token_and_overwrites_none(temperature):
    model, prompts = network(), [[3, 4], [5], [6, 7, 8]] * 8
    found = engine(2, 6, temperature)(model, prompts, 5)
    assert {one.ended for one in found} == {True, False}
    for prompt, one in zip(prompts, found, strict=True):
        assert one.ended == (one.ids[-1] == 2)
        assert 2 not in one.ids[:-1]
        assert one.ended or len(one.ids) == 6
        assert one.logprobs == pytest.approx([logp for logp, _ in slow(model, prompt, one.ids)], abs=1e-5)
    assert [one.ids for one in engine(2, 6, temperature)(model, prompts, 5)] == [one.ids for one in found]
    assert [one.ids for one in engine(2, 6, temperature)(model, prompts, 6)] != [one.ids for one in found]


def test_tokens_come_as_often_as_their_probability_says():
    model, n = network(), 4000
    drawn = Counter(one.ids[0] for one in engine(-1, 1, 1.0)(model, [[3, 4]] * n, 0))
    chances = torch.softmax(model(torch.tensor([[3, 4]]))[0, -1], 0)
    for token, p in enumerate(chances.tolist()):
        assert abs(drawn[token] / n - p) < 4.5 * (p * (1 - p) / n) ** 0.5 + 1e-3


def test_episodes_hold_prompt_and_response_without_a_token_between():
    found = episodes_of([[5, 6], [7]], [Sampled([1, 0], [-1.0, -2.0], True), Sampled([3], [-0.5], False)])
    assert found.answers() == [([5, 6], [1, 0]), ([7], [3])]
    assert found.starts.tolist() == [2, 1]
    assert found.lengths.tolist() == [2, 1]
    assert found.sampled.tolist() == [[-1.0, -2.0], [-0.5, 0.0]]


@pytest.mark.parametrize(("at_once", "most"), [(100, 0), (20, 0), (1, 0), (100, 2)])
def test_pieces_hold_every_row_once_longest_first_within_their_bounds(at_once, most):
    totals = [3, 9, 4, 9, 1, 7]
    pieces = list(in_pieces(totals, at_once, most))
    assert sorted(i for piece in pieces for i in piece) == list(range(6))
    for piece in pieces:
        assert len(piece) == 1 or len(piece) * totals[piece[0]] <= at_once
        assert not most or len(piece) <= most
        assert totals[piece[0]] == max(totals[i] for i in piece)


def test_importance_weights_are_ratios_cut_at_the_cap():
    logp, sampled = torch.tensor([[-1.0, -3.0, 9.0]]), torch.tensor([[-3.0, -1.0, 0.0]])
    weights = importance(logp, sampled, torch.tensor([2]))
    assert weights[0, :2].tolist() == pytest.approx([CAP, torch.exp(torch.tensor(-2.0)).item()])


def write(folder, rows):
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return PromptData(folder=str(folder), tokens="", length=20, response=8)


def test_prompts_are_those_of_the_chat_up_to_the_assistant_and_long_ones_are_left_out(tmp_path, tokenizer):
    talk = [{"role": "system", "content": "the cat"}, {"role": "user", "content": "ran"}]
    rows = [
        {"text": "the cat", "split": "train"},
        {"text": talk, "split": "train"},
        {"text": "the cat " * 30, "split": "train"},
        {"text": "a dog", "split": "valid"},
    ]
    said = []
    train, valid = read_prompts(write(tmp_path, rows), tokenizer, said.append)
    assert said == ["1 of 4 prompts are longer than 12 tokens and are left out"]
    assert train == [prompt_ids(tokenizer, turns_of("the cat")), prompt_ids(tokenizer, turns_of(talk))]
    assert valid == [prompt_ids(tokenizer, turns_of("a dog"))]
    assert all(ids[-1] == tokenizer.special("<|assistant|>") for ids in train)
    assert answer_end(tokenizer) == tokenizer.special("<|end|>")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"text": " ", "split": "train"}], r"prompt 1 is empty; remove it"),
        ([{"text": "", "split": "train"}], r"prompt 1 is empty; remove it"),
        ([{"split": "train"}], r"prompt 1: a prompt is a text, or a list"),
        ([{"text": 7, "split": "train"}], r"prompt 1: a prompt is a text, or a list"),
        ([{"text": [{"role": "assistant", "content": "no"}], "split": "train"}], r"prompt 1: turn 1 is 'assistant'"),
        ([{"text": "the cat " * 30, "split": "train"}], r"holds no prompt of at most 12 tokens .* raise --data.length"),
    ],
)
def test_a_wrong_prompt_is_one_line_with_its_place(tmp_path, tokenizer, rows, said):
    with pytest.raises(BadUse, match=said) as error:
        read_prompts(write(tmp_path, rows), tokenizer)
    assert "\n" not in str(error.value)
