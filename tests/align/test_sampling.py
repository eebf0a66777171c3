"""Outputs for labellers: K of each prompt as a function of seed and prompt, in the store, and resumable."""

from collections import Counter
from dataclasses import replace

import pytest

from foretell.align import sampling
from foretell.align.answering import Answering, answers
from foretell.align.records import Output, Prompt, as_json
from foretell.align.sampling import how_many, sample, shares
from foretell.align.store import add_outputs, add_prompts, close, open_store, outputs, prompts
from foretell.errors import BadUse
from foretell.generate.model import load
from tests.align.talkers import saved

HOW = Answering(max_new_tokens=12, seed=3)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    here = tmp_path_factory.mktemp("models")
    return [saved(here / name, seed) for seed, name in enumerate(("one", "two"))]


@pytest.fixture
def store(tmp_path):
    made = open_store(tmp_path / "l.db", create=True)
    add_prompts(made, [Prompt(text=f"Return the value {i}", split="train" if i % 4 else "valid") for i in range(12)])
    yield made
    close(made)


def test_k_is_mixed_within_its_range_by_seed_and_prompt():
    ks = [how_many(1, f"p{i}", 4, 9) for i in range(6000)]
    counts = Counter(ks)
    assert set(counts) == {4, 5, 6, 7, 8, 9}
    assert all(abs(n - 1000) < 6 * 1000**0.5 for n in counts.values())
    assert ks == [how_many(1, f"p{i}", 4, 9) for i in range(6000)]
    assert ks != [how_many(2, f"p{i}", 4, 9) for i in range(6000)]
    assert how_many(1, "p", 4, 4) == 4


@pytest.mark.parametrize("models", [1, 2, 3])
def test_models_share_the_outputs_of_a_prompt_as_equally_as_can_be(models):
    sums = [0] * models
    for i in range(3000):
        found = shares(1, f"p{i}", 7, models)
        assert sum(found) == 7
        assert max(found) - min(found) <= 1
        sums = [a + b for a, b in zip(sums, found, strict=True)]
    assert max(sums) - min(sums) < 300


def test_outputs_are_stored_with_all_that_they_were_sampled_with(store, folders):
    found = sample(store, folders[:1], HOW, quiet=True)
    stored = outputs(store)
    assert (found.prompts, found.had_outputs, found.too_long) == (12, 0, 0)
    assert len(stored) == 12
    model = load(folders[0])
    for prompt in prompts(store):
        some = stored[prompt.prompt_id]
        k = how_many(3, prompt.prompt_id, 4, 9)
        wanted = answers(model, [as_json(prompt)], HOW, [k])[0]
        assert {one.text for one in some} == set(wanted)
        assert {(one.model, one.temperature, one.seed) for one in some} == {("one", 1.0, 3)}
        assert len({one.checkpoint for one in some}) == 1
        assert len(some[0].checkpoint) == 16


def test_prompts_that_have_outputs_are_passed_over_and_what_was_stopped_goes_on(store, folders, tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "AT_ONCE", 2)
    assert sample(store, folders[:1], HOW, limit=3, quiet=True).prompts == 3
    before = outputs(store)
    rest = sample(store, folders[:1], HOW, quiet=True)
    assert (rest.prompts, rest.had_outputs) == (9, 3)
    assert {key: outputs(store)[key] for key in before} == before
    assert sample(store, folders[:1], HOW, quiet=True) == replace(rest, prompts=0, outputs=0, had_outputs=12)
    again = open_store(tmp_path / "again.db", create=True)
    add_prompts(again, prompts(store))
    sample(again, folders[:1], HOW, quiet=True)
    assert outputs(again) == outputs(store)
    close(again)


def test_several_models_each_give_their_share(store, folders):
    sample(store, folders, HOW, fewest=4, most=4, split="train", quiet=True)
    stored = outputs(store)
    assert len(stored) == 9
    for some in stored.values():
        assert Counter(one.model for one in some) == {"one": 2, "two": 2}


def test_what_cannot_be_sampled_is_told(store, folders, tmp_path):
    for fewest, most in ((1, 4), (4, 10), (5, 4)):
        with pytest.raises(BadUse, match="2 to 9 outputs can be ranked"):
            sample(store, folders[:1], HOW, fewest=fewest, most=most)
    with pytest.raises(BadUse, match=r"none of 12 prompts leaves room .* in a context of \d+; lower --max-new-tokens"):
        sample(store, folders[:1], replace(HOW, max_new_tokens=95), quiet=True)
    empty = open_store(tmp_path / "empty.db", create=True)
    with pytest.raises(BadUse, match="holds no prompt"):
        sample(empty, folders[:1], HOW)
    close(empty)


def test_prompts_that_are_too_long_are_counted(store, folders):
    (long,) = (Prompt(text="Return the value " * 40, split="train"),)
    add_prompts(store, [long])
    add_outputs(store, prompts(store, "valid")[0].prompt_id, [Output(text="x")])
    found = sample(store, folders[:1], HOW, quiet=True)
    assert (found.prompts, found.had_outputs, found.too_long) == (11, 1, 1)
    assert long.prompt_id not in outputs(store)
