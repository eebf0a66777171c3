"""Outputs are drawn once, as many as are asked for, whatever was stopped in between."""

import json

import pytest

from foretell.audit.sampled import BLOCK, Drawing, sampled
from foretell.errors import BadUse

PROMPTS = {"a": "He was very", "b": "She was very"}


def words(prompt, stream):
    return f"{prompt} {stream.random()}"


def test_every_prompt_has_its_outputs_as_the_paper_draws_them(made, tmp_path):
    model = made(says=words)
    found = sampled(model, PROMPTS, Drawing(samples=BLOCK + 6), tmp_path / "s.jsonl", quiet=True)
    assert {name: len(texts) for name, texts in found.items()} == {"a": BLOCK + 6, "b": BLOCK + 6}
    assert len(set(found["a"] + found["b"])) == 2 * (BLOCK + 6)  # each is drawn by itself
    assert [n for n, _, _ in model.asked] == [BLOCK, 6] * 2
    assert model.asked[0][2] == {"max_new_tokens": 50, "temperature": 1.0, "top_p": 0.9}


def test_what_was_drawn_is_not_drawn_again_and_more_begins_with_it(made, tmp_path):
    first = sampled(made(says=words), PROMPTS, Drawing(samples=2 * BLOCK), tmp_path / "s.jsonl", quiet=True)
    model = made(says=words)
    again = sampled(model, PROMPTS, Drawing(samples=2 * BLOCK), tmp_path / "s.jsonl", quiet=True)
    assert again == first
    assert model.asked == []
    more = sampled(model, PROMPTS, Drawing(samples=3 * BLOCK), tmp_path / "s.jsonl", quiet=True)
    assert {name: texts[: 2 * BLOCK] for name, texts in more.items()} == first
    assert len(model.asked) == 2


def test_a_line_that_a_kill_cut_off_is_drawn_again_the_same(made, tmp_path):
    path = tmp_path / "s.jsonl"
    whole = sampled(made(says=words), PROMPTS, Drawing(samples=BLOCK), path, quiet=True)
    path.write_bytes(path.read_bytes()[:-20])
    model = made(says=words)
    assert sampled(model, PROMPTS, Drawing(samples=BLOCK), path, quiet=True) == whole
    assert len(model.asked) == 1


@pytest.mark.parametrize("other", [Drawing(samples=4, seed=1), Drawing(samples=4, top_p=1.0)])
def test_another_seed_or_setting_draws_anew(made, tmp_path, other):
    path = tmp_path / "s.jsonl"
    first = sampled(made(says=words), PROMPTS, Drawing(samples=4), path, quiet=True)
    assert sampled(made(says=words), PROMPTS, other, path, quiet=True) != first


def test_a_short_context_makes_outputs_short_and_a_full_one_is_told(made, tmp_path):
    model = made(says=words, n_ctx=10)
    sampled(model, PROMPTS, Drawing(samples=2), tmp_path / "s.jsonl", quiet=True)
    assert model.asked[0][2]["max_new_tokens"] == 7
    with pytest.raises(BadUse, match="fills the context of 3"):
        sampled(made(says=words, n_ctx=3), PROMPTS, Drawing(samples=2), tmp_path / "t.jsonl", quiet=True)


def test_a_tiny_network_draws_the_same_in_parts(tiny, tmp_path):
    how = Drawing(samples=3, max_new_tokens=5)
    few = sampled(tiny, {"a": "He was"}, how, tmp_path / "s.jsonl", quiet=True)["a"]
    more = sampled(tiny, {"a": "He was"}, Drawing(samples=8, max_new_tokens=5), tmp_path / "t.jsonl", quiet=True)["a"]
    assert more[:3] == few
    (line,) = (tmp_path / "s.jsonl").read_text().splitlines()
    assert json.loads(line)["texts"] == few
