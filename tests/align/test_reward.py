"""Rewards of answers: read alone they are what they are in any company; demonstrations set their zero."""

import pytest
import torch

from foretell.align.reward import asked, calibrate, check_tokenizer, demonstrations_of, load_reward, scores
from foretell.errors import BadUse, Failed
from foretell.model.config import Heads
from foretell.objective.ranking import ranking_loss
from tests.align import reward_folders as made


@pytest.fixture(scope="module")
def words():
    return made.tokenizer()


@pytest.fixture
def reward(words, tmp_path):
    return load_reward(made.reward_folder(tmp_path / "reward", words))


@pytest.fixture
def pairs(reward):
    prompts = [
        "How is it?",
        "How is it there?",
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
    ]
    texts = ["good", "it is rather poor", "", "well, well, well"]
    return [asked(reward, prompt, text) for prompt in prompts for text in texts]


def alone(reward, prompt, answer):
    """The slow twin: one row, read whole, the head at its last token."""
    ids = torch.tensor([[*prompt, *answer][-64:]])
    with torch.no_grad():
        return reward.network.task_outputs(reward.network.hidden(ids)[:, -1])[0, 0].item()


def test_a_reward_is_read_at_the_end_of_the_answer_whatever_else_is_asked(reward, pairs):
    want = [alone(reward, *pair) for pair in pairs]
    assert scores(reward, pairs) == pytest.approx(want, abs=1e-6)
    assert scores(reward, pairs, share=False) == pytest.approx(want, abs=1e-6)
    assert scores(reward, pairs, tokens=7) == pytest.approx(want, abs=1e-6)
    assert scores(reward, pairs[::-1]) == pytest.approx(want[::-1], abs=1e-6)
    assert scores(reward, [pairs[2], *pairs, pairs[2]])[1:-1] == pytest.approx(want, abs=1e-6)
    assert scores(reward, []) == []


def test_the_end_and_the_bias_are_part_of_it(reward, pairs):
    prompt, answer = pairs[1]
    before = scores(reward, [(prompt, answer)])[0]
    assert abs(scores(reward, [(prompt, answer[:-1])])[0] - before) > 1e-3
    with torch.no_grad():
        reward.network.task_head.output.bias += 2.5
    assert scores(reward, [(prompt, answer)])[0] == pytest.approx(before + 2.5, abs=1e-6)


def test_a_prompt_that_does_not_fit_loses_its_beginning(reward):
    prompt, answer = asked(reward, "word " * 90, "good")
    assert len(prompt) > 64
    (found,) = scores(reward, [(prompt, answer)])
    assert found == pytest.approx(alone(reward, prompt[-(64 - len(answer)) :], answer), abs=1e-6)


def test_answers_that_cannot_be_read_are_refused(reward):
    with pytest.raises(BadUse, match="an answer has 65 tokens, the reward model reads 1 to 64"):
        scores(reward, [([1], [2] * 65)])
    with pytest.raises(BadUse, match="an answer has 0 tokens"):
        scores(reward, [([1], [])])


def test_a_reward_that_is_no_number_fails(reward, pairs):
    with torch.no_grad():
        reward.network.task_head.output.weight[0, 3] = float("nan")
    with pytest.raises(Failed, match="a reward is nan; the reward model has diverged"):
        scores(reward, pairs)


def test_calibration_makes_the_demonstrations_mean_zero_and_changes_no_loss(reward, pairs):
    ranks, prompts = torch.tensor([1, 2, 3, 4] * 3), torch.arange(3).repeat_interleave(4)
    was = scores(reward, pairs)
    loss = ranking_loss(torch.tensor(was, dtype=torch.float64), ranks, prompts).total.item()
    before = calibrate(reward, pairs)
    now = scores(reward, pairs)
    assert (before.n, before.mean) == (12, pytest.approx(sum(was) / 12))
    assert abs(sum(now) / 12) < 1e-6
    assert now == pytest.approx([one - before.mean for one in was], abs=1e-6)
    assert ranking_loss(torch.tensor(now, dtype=torch.float64), ranks, prompts).total.item() == pytest.approx(
        loss, abs=1e-6
    )
    assert abs(calibrate(reward, pairs).mean) < 1e-6


def test_calibration_can_make_the_standard_deviation_one_too(reward, pairs):
    before = calibrate(reward, pairs, unit_std=True)
    now = torch.tensor(scores(reward, pairs), dtype=torch.float64)
    assert abs(now.mean()) < 1e-6
    assert now.std(correction=0) == pytest.approx(1, abs=1e-5)
    assert before.std != pytest.approx(1, abs=1e-2)


def test_a_head_without_a_bias_and_no_demonstrations_are_refused(words, tmp_path, reward):
    bare = load_reward(made.reward_folder(tmp_path / "bare", words, Heads(lm=False, n_outputs=1)))
    with pytest.raises(BadUse, match="head has no bias"):
        calibrate(bare, [([1], [2])])
    with pytest.raises(BadUse, match="no demonstration"):
        calibrate(reward, [])


@pytest.mark.parametrize(("heads", "said"), [(Heads(), "0 outputs"), (Heads(n_outputs=3), "3 outputs")])
def test_what_gives_no_score_is_refused(heads, said, words, tmp_path):
    folder = made.reward_folder(tmp_path / "m", words, heads)
    with pytest.raises(BadUse, match=said):
        load_reward(folder)
    with pytest.raises(BadUse, match=r"no tokenizer\.json"):
        load_reward(made.reward_folder(tmp_path / "bare", None))


def test_another_tokenizer_is_refused(reward, words):
    check_tokenizer(reward, words, "the policy")
    with pytest.raises(BadUse, match="another tokenizer than the policy"):
        check_tokenizer(reward, made.tokenizer(390), "the policy")


def test_demonstrations_that_do_not_fit_are_left_out(reward):
    rows = [{"prompt": "Hello", "completion": text} for text in ("good", "word " * 90, "")]
    assert [len(answer) for _, answer in demonstrations_of(reward, rows)] == [
        len(reward.tokenizer.encode("good")) + 1,
        1,
    ]


def test_a_conversation_that_is_learnt_whole_sets_no_zero(reward):
    turns = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "good"}]
    assert not demonstrations_of(reward, [{"turns": turns}])
