import json
import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from foretell.corpus.batches import IGNORED, open_batches
from foretell.corpus.config import TextData
from foretell.corpus.order import shuffled
from foretell.corpus.tokens import open_tokens
from foretell.corpus.windows import piece_rows, windowed
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
    assert windowed(tokens, 10).shape == (990, 11)
    assert windowed(tokens, 10)[7].tolist() == list(range(7, 18))
    assert windowed(tokens, 999).shape == (1, 1000)
    assert windowed(tokens, 1000).shape == (0, 1001)
    with pytest.raises(ValueError, match="read-only"):
        windowed(tokens, 10)[0, 0] = 1


def test_tokens_with_nothing_between_documents_are_no_running_text(token_folders):
    data = TextData(folder=str(token_folders["wordpiece"]), tokenizer="wordpiece", length=T)
    with pytest.raises(BadUse, match=r"wordpiece puts nothing between documents.*set --data.tokenizer bpe or gpt1"):
        open_batches(data, seed=0)


def source_of(tokens, place):
    """The source that a token of the training text is of."""
    (name,) = [name for name, (first, end) in tokens.source_ends("train").items() if first <= place < end]
    return name


def test_a_packed_row_lies_within_one_source(three_sources):
    rows, tokens = open_batches(TextData(folder=str(three_sources), length=T), seed=3), open_tokens(three_sources)
    flat = tokens.train.tokens.tolist()
    starts = [
        first + i * T for first, end in tokens.source_ends("train").values() for i in range((end - first - 1) // T)
    ]
    assert rows.n_rows == len(starts)
    samples = np.arange(700, 760)
    batch = rows.batch(samples)
    for i, row in enumerate(rows.order.rows(samples)):
        first = starts[row]
        assert source_of(tokens, first) == source_of(tokens, first + T)
        assert batch["inputs"][i].tolist() == flat[first : first + T]
        assert batch["targets"][i].tolist() == flat[first + 1 : first + T + 1]
    assert batch["inputs"].dtype == batch["targets"].dtype == np.int64


def test_sources_are_read_by_weight_and_held_out_text_is_all_of_it(three_sources):
    rows, tokens = open_batches(TextData(folder=str(three_sources), length=T), seed=3), open_tokens(three_sources)
    ends = np.cumsum(rows.order.sizes)
    read = np.bincount(np.searchsorted(ends, rows.order.rows(np.arange(1000)), side="right"))
    assert read.tolist() == [200, 500, 300]
    held = [(end - first - 1) // T for first, end in tokens.source_ends("val").values()]
    assert sum(len(batch["inputs"]) for batch in rows.evaluation(4, 0)) == sum(held)


def test_a_source_of_the_whole_folder_gives_the_rows_of_a_folder_of_one(token_folders, tmp_path):
    folder = shutil.copytree(token_folders["bpe"], tmp_path / "tokens")
    card = json.loads((folder / "card.json").read_text())
    place = {name: {"first": 0, "n_tokens": n} for name, n in card["n_tokens"].items()}
    card |= {"sources": {"all": place}, "mixture": [{"first": 0, "weights": {"all": 1}}]}
    (folder / "card.json").write_text(json.dumps(card))
    one, other = (open_batches(TextData(folder=str(f), length=T), seed=3) for f in (folder, token_folders["bpe"]))
    every = np.arange(one.n_rows)
    assert (one.train.arrays(every)["targets"] == other.train.arrays(every)["targets"]).all()


@pytest.fixture(params=["one source", "three sources"])
def by_document(request, token_folders, three_sources):
    folder = three_sources if request.param == "three sources" else token_folders["bpe"]
    return open_batches(TextData(folder=str(folder), length=T, rows="documents"), seed=3), open_tokens(folder)


def pieces_slowly(tokens):
    """Inputs and targets of every row of documents, one document at a time."""
    end, ends = tokens.tokenizer().end_of_text, tokens.train.sequences[tokens.train.documents]
    for first, last in pairwise(ends.tolist()):
        ids = tokens.train.tokens[first:last].tolist()
        for begin in range(0, len(ids), T):
            targets = ids[begin : begin + T]
            inputs = [ids[begin - 1] if begin else end, *targets[:-1]]
            short = T - len(targets)
            yield inputs + [end] * short, targets + [IGNORED] * short


def test_a_row_of_documents_is_a_piece_of_one(by_document):
    rows, tokens = by_document
    want = list(pieces_slowly(tokens))
    assert rows.n_rows == len(want)
    found = rows.train.arrays(np.arange(rows.n_rows))
    assert found["inputs"].tolist() == [inputs for inputs, _ in want]
    assert found["targets"].tolist() == [targets for _, targets in want]
    samples = np.arange(40, 60)
    assert (rows.batch(samples)["inputs"] == found["inputs"][rows.order.rows(samples)]).all()
    assert found["inputs"].dtype == found["targets"].dtype == np.int64


def test_rows_of_documents_predict_every_token_once(by_document):
    rows, tokens = by_document
    targets = rows.train.arrays(np.arange(rows.n_rows))["targets"]
    assert targets[targets != IGNORED].tolist() == tokens.train.tokens.tolist()
    held = sum((batch["targets"] != IGNORED).sum() for batch in rows.evaluation(4, 0))
    assert held == len(tokens.val.tokens)


def test_the_bytes_of_held_out_documents_are_all_of_them(by_document):
    rows, tokens = by_document
    lengths = tokens.tokenizer().byte_lengths()
    assert sum(batch["n_bytes"].sum() for batch in rows.evaluation(4, 0)) == lengths[tokens.val.tokens].sum()


def test_pieces_of_sources_are_told_apart(three_sources):
    rows = open_batches(TextData(folder=str(three_sources), length=T, rows="documents"), seed=3)
    tokens, first = open_tokens(three_sources), 0
    for size, name in zip(rows.order.sizes, tokens.source_ends("train"), strict=True):
        starts = rows.train.start[first : first + size]
        assert {source_of(tokens, start) for start in (starts[0], starts[-1])} == {name}
        first += size
    assert first == rows.n_rows


def test_an_empty_document_is_no_row(three_sources):
    tokens = open_tokens(three_sources)
    documents = np.insert(tokens.train.documents, 3, tokens.train.documents[3])
    emptied = replace(tokens, train=tokens.train._replace(documents=documents))
    for one, other in zip(piece_rows(tokens, "train", T), piece_rows(emptied, "train", T), strict=True):
        if isinstance(one, dict):
            assert one == other
        else:
            every = np.arange(len(one))
            assert (one.arrays(every)["targets"] == other.arrays(every)["targets"]).all()


def test_no_held_out_row_in_any_source_is_refused(three_sources):
    tokens = open_tokens(three_sources)
    longest = max(end - first for first, end in tokens.source_ends("val").values())
    with pytest.raises(BadUse, match=r"no source of .* has held-out text for a row of \d+; lower --data.length"):
        open_batches(TextData(folder=str(three_sources), length=longest), seed=3)
