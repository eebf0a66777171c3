import pytest
import torch

from foretell.align.episodes import Sampled, episodes_of
from foretell.align.judged import by_function, open_critics, with_zero_head
from foretell.align.logprobs import all_values
from foretell.align.reward import load_reward, scores
from foretell.errors import BadUse
from foretell.exchange.folder import load_model
from foretell.model.config import Heads
from foretell.objective.config import PolicyOptimization
from foretell.text.tokenizer import Tokenizer
from foretell.text.train import train_tokenizer
from tests.align.made_run import N_CTX, N_VOCAB, TEXT, even_share, made, network, save
from tests.align.test_logprobs import batch


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return made(tmp_path_factory.mktemp("made"))


def opened(files, score=None, length=N_CTX, **objective):
    policy = load_model(files / "start")
    ppo = PolicyOptimization(**{"reward": str(files / "reward"), **objective})
    return open_critics(ppo, policy.network, policy.tokenizer, score, length, "cpu")


def test_at_its_start_the_value_is_the_reward_at_every_position_and_a_network_of_its_own(files):
    critics = opened(files)
    ids = torch.randint(N_VOCAB, (3, 20))
    reward, value = (model.task_outputs(model.hidden(ids)) for model in (critics.network, critics.value))
    assert torch.equal(reward, value)
    assert all(p.requires_grad for p in critics.value.parameters())
    assert not any(p.requires_grad for p in critics.network.parameters())
    pointers = {p.data_ptr() for p in critics.network.parameters()}
    assert pointers.isdisjoint(p.data_ptr() for p in critics.value.parameters())


def test_a_value_without_a_reward_model_begins_at_0_on_the_policys_body(files):
    policy = load_model(files / "start").network
    value = with_zero_head(policy)
    assert not all_values(value, batch()).any()
    ids = torch.randint(N_VOCAB, (2, 9))
    assert torch.equal(value.hidden(ids), policy.hidden(ids))
    assert opened(files, even_share, reward="").value.task_head.output.weight.abs().sum() == 0


def test_scores_are_those_of_the_reward_model_asked_by_itself(files):
    reward, critics = load_reward(files / "reward"), opened(files)
    answers = [[4, 9], [1, 2, 3, 4, 5, 6], [7]]
    episodes = episodes_of([[3], [8, 9, 10], [3, 3]], [Sampled(ids, [-1.0] * len(ids), True) for ids in answers])
    assert critics.scores(episodes).tolist() == pytest.approx(scores(reward, episodes.answers()), abs=1e-5)


def test_no_value_network_is_made_where_samples_are_compared(files):
    assert opened(files, advantages="leave_one_out", samples=4).value is None


def test_a_function_is_given_prompts_and_answers_without_padding():
    seen = []
    scores = by_function(lambda prompts, answers: seen.append((prompts, answers)) or [1.0, 2, 3, 4])(batch())
    assert scores.tolist() == [1, 2, 3, 4]
    assert [list(answer) for answer in seen[0][1]] == [[1, 2], [0, 0, 0, 4, 1], [9], [3, 0, 1]]


def test_a_reward_model_that_does_not_fit_is_one_line(files, tmp_path):
    other = train_tokenizer("bpe", [text.upper() for text in TEXT], N_VOCAB, quiet=True)
    save(tmp_path / "other", network(heads=Heads(lm=False, n_outputs=1)), other, 0)
    same = Tokenizer.load(files / "start")
    save(tmp_path / "two", network(heads=Heads(lm=False, n_outputs=2)), same, 0)
    save(tmp_path / "short", network(heads=Heads(lm=False, n_outputs=1), n_ctx=8), same, 0)
    for name, said in [
        ("other", r"has another tokenizer than the policy; the same ids would mean other words"),
        ("two", r"is a decoder with n_outputs=2, no reward model"),
        ("short", r"reads 8 tokens, and data.length=32; lower --data.length"),
        ("nowhere", r"is no folder"),
    ]:
        with pytest.raises(BadUse, match=said) as error:
            opened(files, reward=str(tmp_path / name))
        assert "\n" not in str(error.value)
    with pytest.raises(BadUse, match="no reward model is named"):
        opened(files, reward="")
