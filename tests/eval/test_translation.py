"""A whole test set translated: what is asked of the search, what is kept, what goes on."""

import json
from dataclasses import replace

import pytest
import torch

from foretell.errors import BadUse
from foretell.eval.overlap import bleu
from foretell.eval.results import fingerprint
from foretell.eval.translating import in_groups, translate
from foretell.eval.translation import translation_suite
from foretell.generate.model import Model
from foretell.model.config import NetworkConfig
from foretell.model.init import build
from foretell.text.train import train_tokenizer

WORDS = ["dog", "girl", "man", "boat", "runs", "talks", "park", "blue"]
SOURCES = [" ".join(WORDS[(i + j) % 8] for j in range(1 + i % 5)) for i in range(14)]
PAIRS = [(source, source[::-1]) for source in SOURCES] + [("dog girl", "seen twice"), ("dog", "the first")]
SEARCH = {"width": 3, "length_penalty": 0.6, "extra": 4}


@pytest.fixture(scope="module")
def model():
    """A random translator that ends some of its sentences."""
    return random_model(0)


def random_model(seed, **kw):
    tokenizer = train_tokenizer("bpe", SOURCES * 3, 280)
    cfg = NetworkConfig(
        kind="seq2seq", n_vocab=tokenizer.n_vocab, n_ctx=24, n_layers=1, d_model=16, n_heads=2, d_head=8, d_ff=16,
        norm_place="post", positions="sinusoid", activation="relu",
    )  # fmt: skip
    network = build(replace(cfg, **kw), seed)
    stream = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in network.parameters():
            p.add_(torch.randn(p.shape, generator=stream) * 0.3)
    return Model(network, tokenizer)


@pytest.fixture
def asked(model, monkeypatch):
    """What the model was asked to translate: texts and settings."""
    calls, generate = [], model.generate

    def noted(texts, **how):
        calls.append((texts, how))
        return generate(texts, **how)

    monkeypatch.setattr(model, "generate", noted)
    return calls


def test_each_translation_is_that_of_its_source_alone(model):
    rows = translate(model, PAIRS, **SEARCH)
    assert [(row["source"], row["target"]) for row in rows] == PAIRS
    for row in rows:
        n = len(model.tokenizer.encode(row["source"]))
        (alone,) = model.generate([row["source"]], max_new_tokens=n + 4, beam=3, length_penalty=0.6)
        assert (row["output"], row["finish"]) == (alone.text.strip(), alone.finish)
        assert row["logprob"] == pytest.approx(sum(alone.logprobs), abs=1e-4)
        assert row["n_source"] == n


def test_sources_go_in_by_length_and_none_twice(model, asked):
    translate(model, PAIRS, **SEARCH)
    lengths = [{len(model.tokenizer.encode(text)) for text in texts} for texts, _ in asked]
    assert all(len(one) == 1 for one in lengths)
    flat = [one.pop() for one in lengths]
    assert flat == sorted(flat)
    assert [how["max_new_tokens"] for _, how in asked] == [n + 4 for n in flat]
    texts = [text for texts, _ in asked for text in texts]
    assert sorted(texts) == sorted({source for source, _ in PAIRS})


def test_groups_are_no_larger_than_what_is_kept_at_once():
    rows = [{"n_source": 1 + i // 70, "key": str(i)} for i in range(140)]
    assert [(n, len(group)) for n, group in in_groups(rows)] == [(1, 64), (1, 6), (2, 64), (2, 6)]


def test_the_file_holds_every_sentence_short_ones_first(model, tmp_path):
    rows = translate(model, PAIRS, **SEARCH, kept=tmp_path / "beam.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "beam.jsonl").read_text().splitlines()]
    assert sorted(lines, key=lambda row: row["index"]) == rows
    assert [row["n_source"] for row in lines] == sorted(row["n_source"] for row in lines)


@pytest.mark.parametrize("damage", ["whole", "half", "cut", "other text"])
def test_an_interrupted_evaluation_goes_on(model, asked, tmp_path, damage):
    kept = tmp_path / "beam.jsonl"
    rows = translate(model, PAIRS, **SEARCH, kept=kept)
    lines = kept.read_text().splitlines(keepends=True)
    left = {
        "whole": lines,
        "half": lines[:8],
        "cut": [*lines[:8], lines[8][:-9]],
        "other text": ['{"key": "of another text"}\n'],
    }
    kept.write_text("".join(left[damage]))
    asked.clear()
    assert translate(model, PAIRS, **SEARCH, kept=kept) == rows
    assert kept.read_text() == "".join(lines)
    known = {json.loads(line).get("source") for line in left[damage] if line.startswith('{"') and line.endswith("}\n")}
    assert not known & {text for texts, _ in asked for text in texts}
    assert bool(asked) == (damage != "whole")


def test_what_was_made_is_on_disk_when_a_kill_comes(model, asked, tmp_path, monkeypatch):
    kept, generate = tmp_path / "beam.jsonl", model.generate

    def killed(texts, **how):
        if len(asked) == 2:
            raise KeyboardInterrupt
        return generate(texts, **how)

    monkeypatch.setattr(model, "generate", killed)
    with pytest.raises(KeyboardInterrupt):
        translate(model, PAIRS, **SEARCH, kept=kept)
    assert len(kept.read_text().splitlines()) == sum(len(texts) for texts, _ in asked) > 0


@pytest.mark.parametrize("change", ["weights", "width", "extra", "length_penalty"])
def test_other_weights_or_settings_are_translated_anew(model, asked, tmp_path, change):
    translate(model, PAIRS, **SEARCH, kept=tmp_path / "beam.jsonl")
    asked.clear()
    if change == "weights":
        other = random_model(1)
        assert fingerprint(other) != fingerprint(model) == fingerprint(random_model(0))
        found = translate(other, PAIRS, **SEARCH, kept=tmp_path / "beam.jsonl")
        assert found == translate(other, PAIRS, **SEARCH)
    else:
        translate(model, PAIRS, **SEARCH | {change: SEARCH[change] + 1}, kept=tmp_path / "beam.jsonl")
        assert sum(len(texts) for texts, _ in asked) == len({source for source, _ in PAIRS})


def test_a_source_longer_than_the_context_is_cut_and_counted(model):
    long = " ".join(WORDS * 5)
    (row,) = translate(model, [(long, "x")], **SEARCH)
    assert row["cut"]
    assert row["n_source"] == 24
    assert long.startswith(model.tokenizer.decode(model.tokenizer.encode(long)[:24]))
    found = translation_suite(model, [(long, "x"), ("dog", "y")], extra=2)
    assert found["cut"] == 1
    assert found["baseline"]["what"].endswith("the commonest target of the test set itself")


def test_the_suite_scores_what_it_keeps(model, tmp_path):
    found = translation_suite(model, PAIRS, training=[("a", "oof"), ("b", "oof")], out=tmp_path, extra=3)
    wanted = [target for _, target in PAIRS]
    for name, at in (("beam-4", found), ("greedy", found["greedy"])):
        lines = [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        outputs = [row["output"] for row in sorted(lines, key=lambda row: row["index"])]
        assert at["bleu"] == bleu(outputs, wanted)
        assert at["chrf"]["n"] == len(PAIRS)
    assert found["copy"]["bleu"] == bleu([*SOURCES, "dog girl", "dog"], wanted)
    assert found["baseline"]["bleu"] == bleu(["oof"] * len(PAIRS), wanted)
    assert found["baseline"]["what"] == "always 'oof', the commonest target"
    assert found["beam_minus_greedy"]["value"] == pytest.approx(
        found["bleu"]["value"] - found["greedy"]["bleu"]["value"]
    )
    assert "tok:13a" in found["signatures"]["bleu"]
    assert len(found["examples"]) == 12
    assert found["unfinished"] == sum(
        row["finish"] != "end" for row in translate(model, PAIRS, width=4, length_penalty=0.6, extra=3)
    )


def test_greedy_takes_the_likeliest_token_each_time(model):
    rows = translate(model, PAIRS, width=1, length_penalty=0.6, extra=4)
    for row in rows:
        limit = row["n_source"] + 4
        (drawn,) = model.generate([row["source"]], max_new_tokens=limit, temperature=0.0)
        assert row["output"] == drawn.text.strip()


def test_no_pairs_and_other_models_are_refused(model):
    with pytest.raises(BadUse, match="no pair is given"):
        translation_suite(model, [])
    with pytest.raises(BadUse, match="cannot translate"):
        translation_suite(random_model(0, kind="decoder"), PAIRS)
