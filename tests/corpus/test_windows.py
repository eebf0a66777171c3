import numpy as np
import pytest

from foretell.corpus.batches import open_batches
from foretell.corpus.config import TextData
from foretell.corpus.order import shuffled
from foretell.corpus.tokens import open_tokens
from foretell.corpus.windows import windowed
from foretell.errors import BadUse

T = 32


@pytest.fixture(params=["bpe", "gpt1"])
def opened(request, token_folders):
    folder = token_folders[request.param]
    return open_batches(TextData(folder=str(folder), tokenizer=request.param, length=T), seed=3), open_tokens(folder)


def test_a_row_is_its_stretch_of_the_stream(opened):
    rows, tokens = opened
    flat = tokens.train.tokens.tolist()
    assert rows.n_rows == (len(flat) - 1) // T
    samples = np.arange(5, 12)
    batch = rows.batch(samples)
    for i, row in enumerate(shuffled(samples, rows.n_rows, 3)):
        assert batch["inputs"][i].tolist() == flat[row * T : row * T + T]
        assert batch["targets"][i].tolist() == flat[row * T + 1 : row * T + T + 1]
    assert batch["inputs"].dtype == batch["targets"].dtype == np.int64
    assert batch["inputs"].flags.c_contiguous


def test_an_epoch_predicts_every_token_once(opened):
    rows, tokens = opened
    batch = rows.batch(np.arange(rows.n_rows))
    n = rows.n_rows * T
    assert np.bincount(batch["targets"].ravel()).tolist() == np.bincount(tokens.train.tokens[1 : n + 1]).tolist()


def test_rows_do_not_depend_on_how_a_batch_is_cut(opened):
    rows, _ = opened
    whole = rows.batch(np.arange(100, 116))["inputs"]
    cut = [rows.batch(np.arange(100 + i, 100 + i + n))["inputs"] for i, n in ((0, 1), (1, 5), (6, 10))]
    assert (np.concatenate(cut) == whole).all()


def test_held_out_rows_are_in_order_and_count_their_bytes(opened):
    rows, tokens = opened
    tokenizer = tokens.tokenizer()
    batches = list(rows.evaluation(4, 0))
    targets = np.concatenate([batch["targets"] for batch in batches])
    flat = tokens.val.tokens
    assert targets.ravel().tolist() == flat[1 : len(targets) * T + 1].tolist()
    assert len(flat) - 1 - T < targets.size <= len(flat) - 1
    lengths = tokenizer.byte_lengths()
    assert [b for batch in batches for b in batch["n_bytes"]] == [sum(lengths[i] for i in row) for row in targets]


def test_bytes_of_bpe_rows_are_those_of_the_text(token_folders):
    rows = open_batches(TextData(folder=str(token_folders["bpe"]), length=T), seed=0)
    tokenizer = open_tokens(token_folders["bpe"]).tokenizer()
    (batch, *_) = rows.evaluation(2, 0)
    parts = [[i for i in row if i != tokenizer.end_of_text] for row in batch["targets"]]
    whole = "".join(tokenizer.decode(ids) for ids in parts)
    if "\ufffd" not in whole:
        assert batch["n_bytes"].sum() == len(whole.encode())


def test_a_limit_takes_rows_from_all_over_the_held_out_text(opened):
    rows, _ = opened
    n = sum(len(batch["inputs"]) for batch in rows.evaluation(3, 0))
    some = np.concatenate([batch["inputs"] for batch in rows.evaluation(3, 4)])
    everything = np.concatenate([batch["inputs"] for batch in rows.evaluation(3, 0)])
    assert (some == everything[[0, n // 4, n // 2, 3 * n // 4]]).all()
    assert sum(len(batch["inputs"]) for batch in rows.evaluation(3, 10**9)) == n


def test_too_long_rows_are_refused(token_folders):
    with pytest.raises(BadUse, match=r"val.bin has \d+ tokens \(a twentieth of the text is held out\), a row needs"):
        open_batches(TextData(folder=str(token_folders["bpe"]), length=60_000), seed=0)


def test_a_token_folder_of_another_kind_is_refused(token_folders):
    with pytest.raises(BadUse, match="holds gpt1 tokens, not bpe"):
        open_batches(TextData(folder=str(token_folders["gpt1"]), length=T), seed=0)


def test_rows_are_a_view_until_they_are_asked_for():
    tokens = np.arange(1000, dtype=np.uint16)
    assert np.shares_memory(windowed(tokens, 10), tokens)
    assert windowed(tokens, 10).shape == (99, 11)
    assert windowed(tokens, 999).shape == (1, 1000)
    with pytest.raises(ValueError, match="read-only"):
        windowed(tokens, 10)[0, 0] = 1


def test_tokens_with_nothing_between_documents_are_no_running_text(token_folders):
    data = TextData(folder=str(token_folders["wordpiece"]), tokenizer="wordpiece", length=T)
    with pytest.raises(BadUse, match=r"wordpiece puts nothing between documents.*set --data.tokenizer bpe or gpt1"):
        open_batches(data, seed=0)
