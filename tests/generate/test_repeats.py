"""The measures against repetition: equal to transformers' on the same logits, and nothing where not asked for."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.errors import BadUse
from foretell.generate import engine
from foretell.generate.config import Sampling
from foretell.generate.engine import generate
from foretell.generate.model import Model
from foretell.generate.repeats import against_repeats, completing, penalised, without_repeats
from foretell.recipes import gpt2
from foretell.text.train import train_tokenizer
from tests.generate.conftest import BASE, Numbers, random_network

SAID = [[3, 9, 1, 3, 9], [8, 8, 8, 8, 8], [1, 2, 3, 4, 5], [7, 2, 7, 2, 7]]
TEXT = ["Return the value of the key, or the default if the key is not there. " * 3, "Raise an error " * 9] * 4


@pytest.fixture(scope="module")
def processors():
    return pytest.importorskip("transformers").generation.logits_process


@pytest.mark.parametrize("penalty", [0.5, 1.1, 2.0])
def test_the_penalty_is_transformers(processors, penalty):
    logits = torch.randn(4, 11)
    wanted = processors.RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor(SAID), logits.clone())
    assert torch.equal(penalised(logits, SAID, penalty), wanted)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 9])
def test_the_banned_tokens_are_transformers(processors, n):
    logits = torch.randn(4, 11)
    wanted = processors.NoRepeatNGramLogitsProcessor(n)(torch.tensor(SAID), logits.clone())
    assert torch.equal(without_repeats(logits, SAID, n), wanted)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 5))
def test_a_banned_token_would_complete_a_run_and_no_other_would(ids, n):
    def runs(row):
        return [tuple(row[i : i + n]) for i in range(len(row) - n + 1)]

    found = completing(ids, n)
    assert found == {token for token in range(4) if len(ids) >= n - 1 and tuple([*ids, token][-n:]) in runs(ids)}


def test_a_row_whose_every_token_is_banned_stays_as_it_is():
    logits = torch.randn(2, 3)
    found = without_repeats(logits, [[0, 1, 2], [0, 1]], 1)
    assert torch.equal(found[0], logits[0])
    assert found[1].tolist() == [-math.inf, -math.inf, logits[1, 2].item()]


def test_nothing_that_is_given_is_changed():
    logits = torch.randn(4, 11)
    before = logits.clone()
    against_repeats(logits, SAID, Sampling(max_new_tokens=1, repetition_penalty=2.0, no_repeat_ngram=2))
    assert torch.equal(logits, before)


def test_without_measures_their_code_is_not_reached(monkeypatch):
    monkeypatch.setattr(engine, "against_repeats", None)
    found = generate(random_network(BASE), Numbers(), [[5], [3, 9]], Sampling(max_new_tokens=5))
    assert [len(one.logprobs) for one in found] == [5, 5]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_no_run_comes_twice_in_prompt_and_completion(temperature, n):
    network, prompts = random_network(replace(BASE, n_vocab=40)), [[5], [3, 9, 3], [8, 2, 8, 4]]
    how = Sampling(max_new_tokens=30 if n > 1 else 12, temperature=temperature, no_repeat_ngram=n)
    for prompt, one in zip(prompts, generate(network, Numbers(), prompts, how), strict=True):
        whole = [*prompt, *one.ids]
        runs = [tuple(whole[i : i + n]) for i in range(len(whole) - n + 1)]
        before = [tuple(prompt[i : i + n]) for i in range(len(prompt) - n + 1)]
        assert len(runs) - len(set(runs)) == len(before) - len(set(before))


def test_what_is_told_of_a_token_is_its_own_probability():
    network, how = random_network(BASE), Sampling(max_new_tokens=8, temperature=0, repetition_penalty=3.0)
    found = generate(network, Numbers(), [[3, 9]], how)[0]
    with torch.no_grad():
        logprobs = torch.log_softmax(network(torch.tensor([[3, 9, *found.ids]]))[0], -1)
    assert found.logprobs == pytest.approx([logprobs[1 + i, one].item() for i, one in enumerate(found.ids)], abs=1e-5)


def test_rows_with_and_without_measures_share_a_batch():
    network = random_network(BASE)
    plain, other = (
        Sampling(max_new_tokens=7, temperature=0),
        Sampling(max_new_tokens=7, temperature=0, no_repeat_ngram=1),
    )
    batch = engine.Batch(network, Numbers())
    with torch.inference_mode():
        batch.add([[3, 9]], plain)
        batch.add([[3, 9]], other)
        while batch.rows:
            batch.step()
    alone = [generate(network, Numbers(), [[3, 9]], how)[0].ids for how in (plain, other)]
    assert [batch.done[i].ids for i in range(2)] == alone
    assert alone[0] != alone[1]


def test_a_translators_source_may_be_said_again(translator):
    how = Sampling(max_new_tokens=1, temperature=0, no_repeat_ngram=1)
    free = replace(how, no_repeat_ngram=0)
    source = list(range(1, 23))
    assert (
        generate(translator, Numbers(), [source], how)[0].ids == generate(translator, Numbers(), [source], free)[0].ids
    )


@pytest.fixture(scope="module")
def model():
    tokenizer = train_tokenizer("bpe", TEXT, 300, quiet=True)
    return Model(random_network(replace(gpt2.network("smoke"), n_vocab=300)), tokenizer)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(("penalty", "n"), [(1.4, 0), (1.0, 2), (1.2, 3)])
def test_transformers_generates_the_same_text_with_the_same_measures(model, tmp_path, penalty, n):
    transformers = pytest.importorskip("transformers")
    model.save(tmp_path / "m")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "m")
    ids = torch.tensor([model.tokenizer.encode("Return the value of the value")])
    how = {"repetition_penalty": penalty, "no_repeat_ngram_size": n, "max_new_tokens": 20, "do_sample": False}
    said = theirs.generate(ids, attention_mask=torch.ones_like(ids), **how)[0, ids.shape[1] :].tolist()
    ours = model.generate(
        "Return the value of the value", max_new_tokens=20, temperature=0, repetition_penalty=penalty, no_repeat_ngram=n
    )[0]
    assert [token for token in said if token != model.tokenizer.end_of_text] == ours.ids


@pytest.mark.parametrize(
    ("field", "value"), [("repetition_penalty", 0.0), ("repetition_penalty", math.inf), ("no_repeat_ngram", -1)]
)
def test_settings_that_cannot_be_are_one_line(field, value):
    with pytest.raises(ValueError, match=f"{field}={value}") as error:
        Sampling(max_new_tokens=1, **{field: value})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "how",
    [
        {"beam": 2, "repetition_penalty": 1.2},
        {"beam": 2, "no_repeat_ngram": 3},
        {"contrastive": 0.6, "temperature": 0.5},
        {"contrastive": 0.6, "no_repeat_ngram": 3},
        {"contrastive": 0.6, "beam": 4},
        {"contrastive": 0.6, "top_p": 0.9},
    ],
    ids=str,
)
def test_settings_that_contradict_are_refused(model, how):
    with pytest.raises(BadUse, match="leave") as error:
        model.generate("Return", max_new_tokens=2, **how)
    assert "\n" not in str(error.value)
