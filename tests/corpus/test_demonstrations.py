"""Only completions are learnt, none sees another, and which rows a step reads follows from its number alone."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from foretell.corpus.batches import IGNORED, open_batches
from foretell.corpus.config import DemonstrationData, TextData
from foretell.errors import BadUse
from foretell.model.config import NetworkConfig
from foretell.model.init import build
from foretell.objective.lm import language_model
from foretell.text.chat import Turn, answer_ids, chat_ids_and_mask, prompt_ids

TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is a tuple?"},
    {"role": "assistant", "content": "A sequence."},
    {"role": "user", "content": "And a list?"},
]
WORDS = ["name", "value", "object", "class", "method", "string", "number", "list", "tuple", "statement"]


def made(n, seed=0):
    """Rows of prompts and completions of many lengths, a few of them held out."""
    rng = np.random.default_rng(seed)
    said = lambda most: " ".join(rng.choice(WORDS, rng.integers(0, most)))  # noqa: E731
    return [
        {"prompt": f"{i}: {said(9)}", "completion": said(7), "split": "valid" if i % 5 == 4 else "train"}
        for i in range(n)
    ]


@pytest.fixture
def opened(tmp_path, token_folders):
    """A function that writes demonstrations and opens them."""

    def opens(rows, seed=0, tokens="bpe", **fields):
        (tmp_path / "demonstrations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        fields = {"length": 40, **fields}
        data = DemonstrationData(folder=str(tmp_path), tokens=str(token_folders[tokens]), **fields)
        return open_batches(data, seed)

    return opens


def network(n_vocab, **fields):
    fields = {"norm_place": "pre", "n_ctx": 64, **fields}
    cfg = NetworkConfig(kind="decoder", n_vocab=n_vocab, n_layers=2, d_model=16, n_heads=2, d_head=8, d_ff=32, **fields)
    return build(cfg, 0, "cpu").double()


def tensors(batch):
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def texts_of(batch):
    """The texts of packed rows, apart again: each one's inputs and targets."""
    found = []
    for row in range(len(batch["inputs"])):
        at = 0
        while at < batch["inputs"].shape[1]:
            end = batch["ends"][row, at]
            found.append((batch["inputs"][row, at:end].tolist(), batch["targets"][row, at:end].tolist()))
            at = end
    return [(inputs, targets) for inputs, targets in found if set(targets) != {IGNORED}]


def test_the_completion_and_its_end_are_learnt_and_nothing_else(opened, tokenizers):
    bpe = tokenizers["bpe"]
    rows = [{"prompt": "A list?", "completion": "Yes, a list.", "split": side} for side in ("train", "valid")]
    batch = opened(rows, packed=False).batch(np.array([0]))
    prompt, answer = prompt_ids(bpe, [Turn("user", "A list?")]), answer_ids(bpe, "Yes, a list.")
    assert batch["inputs"][0].tolist() == [*prompt, *answer][:-1]
    assert batch["targets"][0].tolist() == [IGNORED] * (len(prompt) - 1) + answer
    assert answer[-1] == bpe.special("<|end|>")


def test_an_empty_completion_teaches_its_end(opened, tokenizers):
    rows = [{"prompt": "Say nothing.", "completion": "", "split": side} for side in ("train", "valid")]
    (batch,) = opened(rows).evaluation(4, 0)
    assert batch["targets"][0][batch["targets"][0] != IGNORED].tolist() == [tokenizers["bpe"].special("<|end|>")]


def test_of_a_conversation_the_last_answer_is_learnt_and_of_turns_every_one(opened, tokenizers):
    bpe, last = tokenizers["bpe"], "A sequence that can change."
    whole = [*TALK, {"role": "assistant", "content": last}]
    for row in ({"turns": whole}, {"messages": whole}, {"prompt": TALK, "completion": last}):
        rows = [{**row, "split": side} for side in ("train", "valid")]
        batch = opened(rows, length=64, packed=False).batch(np.array([0]))
        targets = batch["targets"][0]
        turns = [Turn(one["role"], one["content"]) for one in whole]
        ids, mask = chat_ids_and_mask(bpe, turns)
        assert batch["inputs"][0].tolist() == ids[:-1]
        learnt = bpe.decode(targets[targets != IGNORED])
        if "prompt" in row:
            assert learnt == f"{last}<|end|>"
        else:
            assert learnt == f"A sequence.<|end|>{last}<|end|>"
            assert (targets != IGNORED).tolist() == mask[1:]


def test_a_tokenizer_without_the_chats_tokens_reads_a_transcript(opened, tokenizers):
    gpt1 = tokenizers["gpt1"]
    rows = [{"prompt": "A list?", "completion": "yes", "split": side} for side in ("train", "valid")]
    batch = opened(rows, tokens="gpt1", tokenizer="gpt1", packed=False).batch(np.array([0]))
    assert batch["inputs"][0].tolist() == [*gpt1.encode("A list?\n\n"), *gpt1.encode("yes")]
    assert batch["targets"][0][-1] == gpt1.end_of_text
    with pytest.raises(BadUse, match=r"train row 1: the gpt1 tokenizer lacks the chat's special tokens"):
        opened([{"turns": [*TALK[1:3]], "split": "train"}], tokens="gpt1", tokenizer="gpt1")


@pytest.mark.parametrize(
    "fields", [{}, {"positions": "rotary"}, {"norm_place": "post", "attention": ("banded",), "window": 3}]
)
def test_packed_rows_have_the_loss_and_the_gradient_of_their_texts_alone(opened, tokenizers, fields):
    data = opened(made(30))
    batch = data.batch(np.arange(data.n_rows))
    model, objective = network(tokenizers["bpe"].n_vocab, **fields), language_model()
    found = objective.terms(model, tensors(batch))["lm"]
    found.total.backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    apart = texts_of(batch)
    assert len(apart) == 24 > data.n_rows
    total = n = 0
    for inputs, targets in apart:  # the slow twin: each text alone, plainly causal
        alone = objective.terms(model, {"inputs": torch.tensor([inputs]), "targets": torch.tensor([targets])})["lm"]
        alone.total.backward()
        total, n = total + alone.total.item(), n + alone.n.item()
    assert found.total.item() == pytest.approx(total, rel=1e-6)  # a loss is summed in fp32
    assert found.n.item() == n
    for name, p in model.named_parameters():
        assert (gradients[name] - p.grad).abs().max() <= 1e-6 * p.grad.abs().max() + 1e-12, name  # no key bias matters


def test_no_token_of_a_text_changes_the_loss_of_another(opened, tokenizers):
    data = opened(made(30))
    batch = data.batch(np.arange(data.n_rows))
    rows = [{name: array[i : i + 1] for name, array in batch.items()} for i in range(data.n_rows)]
    batch = next(row for row in rows if len(texts_of(row)) > 1)
    end = int(batch["ends"][0, 0])
    model, objective = network(tokenizers["bpe"].n_vocab), language_model()
    for mine, other in ((slice(end, None), slice(0, end)), (slice(0, end), slice(end, None))):
        targets = batch["targets"].copy()
        targets[:, other] = IGNORED  # the loss of mine alone
        changed = batch["inputs"].copy()
        changed[:, other] = (changed[:, other] + 7) % 500
        before = objective.terms(model, tensors({**batch, "targets": targets}))["lm"].total.item()
        after = objective.terms(model, tensors({**batch, "targets": targets, "inputs": changed}))["lm"].total.item()
        assert before == after > 0
        changed[:, mine] = (changed[:, mine] + 7) % 500
        moved = objective.terms(model, tensors({**batch, "targets": targets, "inputs": changed}))["lm"].total.item()
        assert moved != pytest.approx(before, rel=1e-6)  # the test can fail


def test_every_epoch_holds_each_demonstration_once(opened):
    rows = made(60)
    data = opened(rows, seed=3)
    first, second = (texts_of(data.batch(np.arange(data.n_rows) + at)) for at in (0, data.n_rows))
    assert sorted(first) == sorted(second)
    assert len(first) == 48
    assert first != second
    assert data.epochs(3 * data.n_rows) == {"text": 3.0}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_row_follows_from_its_number_alone(opened, token_folders, packed, share):
    text = str(token_folders["bpe"]) if share else ""
    data = opened(made(40), packed=packed, text=text, text_share=share)
    whole = data.batch(np.arange(50, 80))
    for n in (1, 7):
        parts = [data.batch(np.arange(at, min(at + n, 80))) for at in range(50, 80, n)]
        for name, array in whole.items():
            row = 0
            for part in parts:
                for one in part[name]:
                    real = part["inputs"].shape[1]
                    assert array[row, :real].tolist() == one.tolist()
                    row += 1
    again = opened(made(40), packed=packed, text=text, text_share=share).batch(np.arange(50, 80))
    assert all((whole[name] == again[name]).all() for name in whole)
    other = opened(made(40), seed=1, packed=packed, text=text, text_share=share).batch(np.arange(50, 80))
    assert other["inputs"].shape != whole["inputs"].shape or (other["inputs"] != whole["inputs"]).any()


@pytest.mark.parametrize("packed", [True, False])
def test_the_share_of_text_is_exact_and_its_rows_are_those_of_the_text(opened, token_folders, packed):
    text = str(token_folders["bpe"])
    data = opened(made(40), packed=packed, text=text, text_share=0.1)
    windows = open_batches(TextData(folder=text, length=40), 0)
    for n in (10, 30, 100, 1000):
        batch = data.batch(np.arange(n))
        full = (batch["targets"] != IGNORED).all(1)
        assert full.sum() == n // 10
        if packed:
            assert (batch["ends"][full] == 40).all()
            assert (batch["positions"][full] == np.arange(40)).all()
    assert (batch["inputs"][full] == windows.batch(np.arange(100))["inputs"]).all()
    without = opened(made(40), packed=packed).batch(np.arange(900))
    assert (batch["inputs"][~full][:, : without["inputs"].shape[1]] == without["inputs"]).all()
    assert data.epochs(1000) == {"demonstrations": 900 / data.n_rows, "text": 100 / windows.n_rows}


def test_the_evaluation_reads_the_held_out_side_and_counts_the_bytes_of_completions(opened):
    rows = made(40)
    data = opened(rows)
    found = list(data.evaluation(3, 0))
    assert [len(batch["inputs"]) for batch in found] == [3, 3, 2]
    held = [row["completion"] for row in rows if row["split"] == "valid"]
    n_bytes = np.concatenate([batch["n_bytes"] for batch in found])
    assert n_bytes.tolist() == [len(said) for said in held]  # the end that is learnt is no text
    assert sum(len(batch["inputs"]) for batch in data.evaluation(3, 5)) == 5


def test_what_is_too_long_is_left_out_and_counted(opened, capsys):
    rows = made(10)
    rows[0]["completion"] = "name " * 50
    data = opened(rows)
    assert len(data.train) == 7
    assert capsys.readouterr().err == "1 of 10 demonstrations are longer than data.length=40 tokens and are left out\n"
    with pytest.raises(
        BadUse, match=r"all 10 demonstrations of .* are longer than data.length=2 tokens; raise --data.length"
    ):
        opened(rows, length=2)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": "a"}, r"train row 2: 'completion' is missing; it needs prompt and completion, or turns"),
        ({"completion": "a"}, r"train row 2: 'prompt' is missing"),
        ({"prompt": "a", "completion": 3}, r"train row 2: completion is 3; it must be a text"),
        ({"prompt": 3, "completion": "a"}, r"train row 2: a prompt is a text, or a list"),
        ({"prompt": [{"role": "robot", "content": ""}], "completion": "a"}, r"train row 2: a prompt is a text, or"),
        ({"prompt": TALK[:3], "completion": "a"}, r"train row 2: the last turn is the assistant's"),
        ({"turns": TALK}, r"train row 2: the last turn is the user's"),
        ({"prompt": "a", "completion": "b", "split": "test"}, r"row 3: split is 'test'; it must be train or valid"),
    ],
)
def test_a_row_that_is_wrong_is_named(opened, row, said):
    rows = [{"prompt": "a", "completion": "b", "split": side} for side in ("train", "valid")]
    with pytest.raises(BadUse, match=said):
        opened([*rows, {"split": "train", **row}])


@pytest.mark.parametrize(("side", "lacks"), [("valid", "train on"), ("train", "hold out")])
def test_a_side_without_demonstrations_is_refused(opened, side, lacks):
    with pytest.raises(BadUse, match=f"has no demonstration to {lacks}; give some split=train and some split=valid"):
        opened([{"prompt": "a", "completion": "b", "split": side}])


def test_conversations_without_a_side_are_not_all_on_one(opened):
    rows = [
        {"turns": [{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": "Yes."}]} for i in range(200)
    ]
    data = opened(rows)
    assert 5 <= len(data.val) <= 40
    assert len(data.val) + len(data.train) == 200


def test_a_folder_without_the_file_says_what_writes_it(tmp_path, token_folders):
    data = DemonstrationData(folder=str(tmp_path), tokens=str(token_folders["bpe"]), length=8)
    with pytest.raises(BadUse, match=r"holds no demonstrations.jsonl; foretell label export --what demonstrations"):
        open_batches(data, 0)
    with pytest.raises(ValueError, match="text is empty"):
        replace(data, text_share=0.1)
