import time
from dataclasses import replace

import pytest
import torch

from foretell.align import ppo
from foretell.align.average import frozen
from foretell.align.episodes import Sampled, episodes_of
from foretell.align.judged import Critics, by_function
from foretell.align.logprobs import all_logprobs
from foretell.align.rollouts import engine
from foretell.align.start_check import check_start
from foretell.errors import Failed
from foretell.generate.config import Sampling
from foretell.generate.engine import generate
from foretell.generate.stops import Ending
from tests.align.made_run import RESPONSE, config, even_share, made


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return made(tmp_path_factory.mktemp("made"))


@pytest.fixture
def work(files):
    return ppo.opened(config(files))


def refused(work, said):
    with pytest.raises(Failed, match=said) as error:
        check_start(work, work.room)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("start check: ")


def own(work, **settings):
    """The engine with other settings than the run's."""
    words = Ending(work.end, lambda ids: "")

    def sample(network, prompts, seed):
        how = Sampling(max_new_tokens=RESPONSE, seed=seed, **settings)
        found = generate(network, words, prompts, how)
        return [
            Sampled([*x.ids, work.end] if x.finish == "end" else x.ids, x.logprobs, x.finish == "end") for x in found
        ]

    return sample


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_a_sound_start_passes_and_says_how_many_steps_an_iteration_takes(files, precision, temperature):
    cfg = config(files, {"epochs": 2, "temperature": temperature})
    work, said = ppo.opened(replace(cfg, machine=replace(cfg.machine, precision=precision))), []
    begun = time.process_time()
    check_start(work, work.room, said.append)
    assert time.process_time() - begun < 2
    assert "ratio 1" in said[0]
    assert "8 optimizer steps an iteration of 8 episodes" in said[0]


def test_dropout_is_found(work):
    work.policy.train()
    refused(work, r"two passes over one text differ by .* dropout or another source of chance is on")


@pytest.mark.parametrize("settings", [{"top_k": 50}, {"top_k": 5}, {"top_p": 0.3}, {"temperature": 0.5}])
def test_a_sampler_that_cuts_off_or_has_another_temperature_is_found_by_how_often_tokens_come(work, settings):
    with torch.no_grad():
        work.policy.embed.token.weight.mul_(3)  # a distribution with likely and unlikely tokens, as a trained one
    work.reference = frozen(work.policy)
    check_start(work, work.room)
    work.sampler = own(work, **settings)
    refused(work, r"sampled tokens are likelier than chance, .* temperature is not objective.temperature, or it cuts")


def told(work, change):
    """A sampler whose log-probabilities are changed."""
    real = work.sampler
    work.sampler = lambda *given: [one._replace(logprobs=[change(x) for x in one.logprobs]) for one in real(*given)]


def test_log_probabilities_of_a_cut_distribution_are_found(work):
    told(work, lambda x: x + 0.3)
    refused(work, r"the first ratio is not 1: .* by up to 0.3 nats; every sampled token is told likelier than it is")


def test_log_probabilities_of_other_weights_are_found(work):
    told(work, lambda x: x * 0.9 - 0.1 if int(1e6 * x) % 2 else x * 1.1 + 0.1)
    refused(work, r"the first ratio is not 1: .* other weights, positions, padding or temperature")


def test_log_probabilities_at_the_temperature_of_sampling_are_found(files):
    work = ppo.opened(config(files, {"temperature": 0.5}))
    real = engine(work.end, RESPONSE, 0.5)

    def sample(network, prompts, seed):
        found = real(network, prompts, seed)
        logp, _ = all_logprobs(network, episodes_of(prompts, found), 0.5)
        return [one._replace(logprobs=row[: len(one.ids)].tolist()) for one, row in zip(found, logp, strict=True)]

    work.sampler = sample
    refused(work, r"the sampler tells them at temperature 0.5, and must at 1")


def test_another_reference_is_found(work):
    with torch.no_grad():
        work.reference.embed.token.weight.mul_(1.001)
    refused(work, r"the KL is not 0 at the start: .* the reference is not the model that the policy starts from")


def test_an_end_that_was_written_over_the_last_token_is_found(work):
    real = work.sampler
    work.sampler = lambda *given: [one._replace(ids=[*one.ids[:-1], work.end]) for one in real(*given)]
    refused(work, r"ended=False; an answer that has ended holds the end token")


def test_an_end_within_an_answer_and_an_empty_answer_are_found(work):
    real = work.sampler
    work.sampler = lambda *given: [one._replace(ids=[work.end, *one.ids[1:]]) for one in real(*given)]
    refused(work, r"an answer that has ended holds the end token \d+ at its end and nowhere else")
    work.sampler = lambda *given: [Sampled([], [], False) for _ in given[1]]
    refused(work, r"an answer is empty")


def test_an_answer_that_stops_before_its_room_is_found(work):
    work.room += 1
    refused(work, rf"an answer of {RESPONSE} tokens was cut; the sampler stops at something else")


def test_positions_that_depend_on_the_batch_are_found(work):
    real = work.policy.embed.forward
    work.policy.embed.forward = lambda ids, positions, segments=None: real(ids, positions + (len(ids) > 1), segments)
    refused(work, r"a response alone differs by .* padding or positions leak between rows")


def test_a_reward_that_reads_what_stands_behind_an_answer_is_found(work):
    work.critics = Critics(lambda episodes: episodes.ids.sum(1).float(), work.critics.value)
    refused(work, r"what stands behind an answer changes its reward")


def test_a_function_of_ids_is_a_reward_like_any_other(work):
    work.critics = Critics(by_function(even_share), work.critics.value)
    check_start(work, work.room)
