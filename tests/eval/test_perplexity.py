"""Perplexity against a full forward for every token, transformers' recipe and the harness' windows."""

import statistics
from dataclasses import replace
from math import exp, log

import pytest
import torch

from foretell.errors import BadUse
from foretell.eval.perplexity import (
    Measure,
    Passage,
    last_word_perplexity,
    parts_of,
    perplexity,
    perplexity_suite,
    ratio,
    window_nats,
    windows,
)
from foretell.generate.model import Model
from foretell.recipes import bert
from foretell.text.train import train_tokenizer
from tests.generate.conftest import BASE, random_network
from tests.text.unmarked import unmarked_gpt1

TEXT = [
    "Return the value of the key, or the default if it is not there. " * 3,
    "Raise an error. " * 9,
    "Caf\u00e9 noir",
]


@pytest.fixture(scope="module")
def model():
    tokenizer = train_tokenizer("bpe", TEXT, 280, quiet=True)
    return Model(random_network(replace(BASE, n_vocab=280)), tokenizer)


def logprob(model, ids, at):
    """log P of the last of some tokens after the others, by a forward of its own."""
    with torch.no_grad():
        logits = model.network(torch.tensor([ids]))[0, -1].double()
    return torch.log_softmax(logits, -1)[at].item()


def slow(model, ids, stride):
    """Each token's negative log-probability after the context that its window gives it."""
    n_ctx, last = model.network.cfg.n_ctx, len(ids) - 1
    found = []
    for place in range(1, len(ids)):
        if place <= n_ctx:
            begin = 0
        else:
            end = n_ctx + ((place - n_ctx - 1) // stride + 1) * stride  # of the window's last token
            begin = min(end, last) - n_ctx
        found.append(-logprob(model, ids[begin:place], ids[place]))
    return found


@pytest.mark.parametrize("stride", [1, 7, 20, 40])
def test_each_token_is_scored_once_after_the_context_of_its_window(model, stride):
    ids = [model.tokenizer.end_of_text, *model.tokenizer.encode("Return the key, or raise it. " * 8)]
    assert len(ids) > 2 * 40
    nats = window_nats(model, [ids, ids[:5]], stride)
    assert sum(n for n, _ in nats[0]) == pytest.approx(sum(slow(model, ids, stride)), rel=1e-5)
    assert sum(count for _, count in nats[0]) == len(ids) - 1
    assert sum(n for n, _ in nats[1]) == pytest.approx(sum(slow(model, ids[:5], stride)), rel=1e-5)


@pytest.mark.parametrize("n", [2, 5, 40, 41, 42, 97, 121])
@pytest.mark.parametrize("stride", [1, 13, 40])
def test_windows_are_full_and_cover_every_token(n, stride):
    found = list(windows(n, 40, stride))
    assert [i for w in found for i in range(w.first, w.end)] == list(range(1, n))
    assert all(w.end - w.begin - 1 == min(40, n - 1) for w in found[1:])
    assert all(w.first - w.begin >= 40 + 1 - stride for w in found[1:])


def test_a_stride_of_the_context_gives_the_harness_disjoint_windows():
    """Its two steps, written out: windows that reach back a whole context, then contexts cut where they overlap."""
    for n in (3, 39, 40, 41, 80, 95):
        tokens, n_ctx, prefix = list(range(1, n + 1)), 40, 0
        rolling = [([prefix, *tokens[: min(n_ctx, n) - 1]], tokens[:n_ctx])]
        done = min(n_ctx, n)
        while done < n:
            count = min(n - done, n_ctx)
            end = done + count
            rolling.append((tokens[end - n_ctx - 1 : end - 1], tokens[end - count : end]))
            done = end
        disjoint = [(read[: len(read) - (len(scored) - 1)], scored) for read, scored in rolling]
        ids = [prefix, *tokens]
        assert [(ids[w.begin : w.first], ids[w.first : w.end]) for w in windows(len(ids), n_ctx, n_ctx)] == disjoint


def test_full_windows_are_those_of_transformers_recipe(model):
    """Windows of 41 tokens step by 10; all but the last 10 are masked, and the loss looks one token ahead."""
    ids = ([model.tokenizer.end_of_text, *model.tokenizer.encode("Return the key, or raise it. " * 9)])[: 41 + 6 * 10]
    total, before = 0.0, 0
    for begin in range(0, len(ids), 10):
        end = min(begin + 41, len(ids))
        wanted = torch.tensor(ids[begin:end])
        wanted[: -(end - before)] = -100
        with torch.no_grad():
            logits = model.network(torch.tensor([ids[begin : end - 1]]))[0].double()
        total += torch.nn.functional.cross_entropy(logits, wanted[1:], ignore_index=-100, reduction="sum").item()
        before = end
        if end == len(ids):
            break
    assert sum(n for n, _ in window_nats(model, [ids], 10)[0]) == pytest.approx(total, rel=1e-5)


def test_a_row_divides_by_tokens_bytes_and_published_words(model):
    texts = [Passage(TEXT[0], 40), Passage(TEXT[2], 3)]
    (row,) = perplexity_suite(model, {"two": texts}, 10)
    ids = [[model.tokenizer.end_of_text, *model.tokenizer.encode(text.text)] for text in texts]
    nats = sum(sum(slow(model, each, 10)) for each in ids)
    n_tokens, n_bytes = sum(len(each) - 1 for each in ids), len((TEXT[0] + TEXT[2]).encode())
    assert row["text"] == "two"
    assert (row["n_documents"], row["n_tokens"], row["n_bytes"], row["n_words"]) == (2, n_tokens, n_bytes, 43)
    assert row["perplexity"]["value"] == pytest.approx(exp(nats / n_tokens), rel=1e-4)
    assert row["word_perplexity"]["value"] == pytest.approx(exp(nats / 43), rel=1e-4)
    assert row["bits_per_byte"]["value"] == pytest.approx(nats / log(2) / n_bytes, rel=1e-5)
    for name in ("perplexity", "word_perplexity", "bits_per_byte"):
        assert row[name]["low"] < row[name]["value"] < row[name]["high"]


def test_a_uniform_model_has_the_perplexity_of_its_vocabulary(model):
    network = random_network(replace(BASE, n_vocab=280))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    row = perplexity(Model(network, model.tokenizer), TEXT, 20)
    assert row["perplexity"]["value"] == pytest.approx(280, rel=1e-5)
    assert row["perplexity"]["high"] - row["perplexity"]["low"] < 0.01


def test_one_document_takes_its_interval_from_its_parts(model):
    row = perplexity(model, ["Return the value. " * 60], 10)
    assert row["interval_over"] == "parts of the one document"
    assert row["perplexity"]["n"] == 20
    assert 0 < row["perplexity"]["se"] < row["perplexity"]["value"]


def test_parts_add_up_to_the_document():
    whole = Measure(30.0, 30, 90, 15)
    parts = parts_of(whole, [(2.0 * i, 5) for i in range(6)])
    assert [sum(values) for values in zip(*parts, strict=True)] == pytest.approx(list(whole))


def test_the_error_of_equal_documents_is_that_of_a_mean():
    values = [3.0, 5.0, 4.0, 9.0]
    found = ratio([(value, 1.0) for value in values])
    assert found["value"] == pytest.approx(statistics.mean(values))
    assert found["se"] == pytest.approx(statistics.stdev(values) / 2)
    assert ratio([(3.0, 1.0)])["se"] == float("inf")


def test_the_interval_covers_the_truth():
    """Documents of many lengths around 2 nats a token: 95 % of intervals hold it, within chance."""
    stream = torch.Generator().manual_seed(0)
    hits = 0
    for _ in range(400):
        sizes = torch.randint(20, 400, (30,), generator=stream).double()
        rates = 2 + 0.3 * torch.randn(30, generator=stream).double()
        found = ratio(list(zip((sizes * rates).tolist(), sizes.tolist(), strict=True)))
        hits += found["low"] <= 2 <= found["high"]
    assert 0.90 <= hits / 400 <= 0.98


def test_the_perplexity_of_last_words_is_by_word():
    assert last_word_perplexity([log(0.5), log(0.125)])["value"] == pytest.approx(4.0)
    with pytest.raises(BadUse, match="no last word"):
        last_word_perplexity([])


def test_a_stride_outside_the_context_and_a_text_without_tokens_are_refused(model):
    for stride in (0, 41):
        with pytest.raises(BadUse, match="the context holds 40; give 1 to 40"):
            perplexity(model, TEXT, stride)
    with pytest.raises(BadUse, match="1 documents and no token"):
        perplexity(model, [""], 10)


def test_every_window_is_told_once(model):
    parts = []
    perplexity(model, ["Return the value. " * 400, "Raise."], 5, parts.append)
    assert len(parts) > 1
    assert sum(parts) == pytest.approx(1)


def test_an_encoder_has_no_perplexity(model):
    encoder = Model(random_network(replace(bert.network("smoke"), n_vocab=280)), model.tokenizer)
    with pytest.raises(BadUse, match="of kind encoder and cannot measure perplexity"):
        perplexity(encoder, TEXT, 10)


def test_without_an_end_of_text_the_first_token_is_read_only():
    tokenizer = unmarked_gpt1()
    model = Model(random_network(replace(BASE, n_vocab=tokenizer.n_vocab)), tokenizer)
    ids = tokenizer.encode(text := "the cat and the dog and the cat")
    row = perplexity(model, [text], 10)
    assert row["n_tokens"] == len(ids) - 1
    assert row["n_bytes"] == len(text) - tokenizer.byte_lengths()[ids[0]]
    assert row["nats"] == pytest.approx(sum(slow(model, ids, 10)), rel=1e-5)
