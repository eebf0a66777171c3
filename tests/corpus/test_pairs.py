import json

import numpy as np
import pytest

from foretell.corpus.batches import IGNORED, open_batches
from foretell.corpus.config import TranslationData
from foretell.corpus.order import shuffled
from foretell.corpus.pairs import buckets
from foretell.errors import BadUse


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pages):
    """Titles of help pages and their first words."""
    where = tmp_path_factory.mktemp("pairs")
    pairs = [
        {"source": p.text[i : i + 20 + i % 50], "target": p.text[i + 50 : i + 90 + i % 70]} for i, p in enumerate(pages)
    ]
    (where / "train.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs[:50]))
    (where / "val.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs[50:]))
    return where


@pytest.fixture(scope="module")
def data(folder, token_folders):
    return TranslationData(folder=str(folder), tokens=str(token_folders["bpe"]), length=40, tokens_per_bucket=200)


@pytest.fixture
def opened(data):
    return open_batches(data, seed=1)


def unpadded(batch, end):
    """The pairs of a bucket as text ids, with a check of everything around them."""
    for i in range(len(batch["source"])):
        n_source, n_target = batch["source_attend"][i].sum(), (batch["targets"][i] != IGNORED).sum()
        assert batch["source_attend"][i].tolist() == [True] * n_source + [False] * (batch["source"].shape[1] - n_source)
        assert batch["inputs"][i, 0] == end
        assert batch["targets"][i, n_target - 1] == end
        assert (batch["inputs"][i, 1:n_target] == batch["targets"][i, : n_target - 1]).all()
        assert (batch["targets"][i, n_target:] == IGNORED).all()
        yield batch["source"][i, :n_source].tolist(), batch["targets"][i, : n_target - 1].tolist()


def test_an_epoch_holds_every_pair_once(opened, folder, tokenizers):
    tokenizer = tokenizers["bpe"]
    lines = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    want = [(tokenizer.encode(p["source"])[:40], tokenizer.encode(p["target"])[:39]) for p in lines]
    found = [
        pair
        for sample in range(opened.n_rows)
        for pair in unpadded(opened.batch(np.array([sample])), tokenizer.end_of_text)
    ]
    assert sorted(found) == sorted(want)


def test_buckets_keep_to_the_limit_with_their_padding(opened):
    for bucket in (*opened.train, *opened.val):
        assert len(bucket) * max(len(s) for s, _ in bucket) <= 200
        assert len(bucket) * max(len(t) + 1 for _, t in bucket) <= 200
    assert opened.n_rows < 50


def test_one_pair_more_would_not_have_fitted(opened):
    whole = [pair for bucket in opened.train for pair in bucket]
    assert [len(s) for s, _ in whole] == sorted(len(s) for s, _ in whole)
    for bucket, after in zip(opened.train, opened.train[1:], strict=False):
        grown = [*bucket, after[0]]
        assert max(len(grown) * max(max(len(s), len(t) + 1) for s, t in grown), 0) > 200


def test_a_bucket_of_one_holds_what_fits_nowhere():
    pair = (np.zeros(300), np.zeros(5))
    assert [len(b) for b in buckets([pair, pair], 200)] == [1, 1]
    assert buckets([], 200) == []


def test_the_order_of_buckets_is_new_in_every_epoch_and_follows_the_seed(opened, data):
    n = opened.n_rows
    for epoch in (0, 1):
        row = shuffled(np.array([epoch * n]), n, 1)[0]
        assert len(opened.batch(np.array([epoch * n]))["source"]) == len(opened.train[row])
    other = open_batches(data, seed=2)
    mine, theirs = ([one.batch(np.array([i]))["source"].shape for i in range(n)] for one in (opened, other))
    assert mine != theirs
    assert sorted(mine) == sorted(theirs)


def test_held_out_buckets_hold_every_pair(opened, folder):
    lines = [json.loads(line) for line in (folder / "val.jsonl").read_text().splitlines()]
    batches = list(opened.evaluation(1, 0))
    assert sum(len(batch["source"]) for batch in batches) == len(lines)
    assert len(list(opened.evaluation(1, 1))) == 1


def test_more_than_one_bucket_in_a_pass_is_refused_with_the_remedy(opened):
    with pytest.raises(BadUse, match=r"2 rows in a forward pass.*set --batch.micro 1"):
        opened.batch(np.arange(2))


@pytest.mark.parametrize(
    ("train", "said"),
    [
        (None, "train.jsonl does not exist"),
        ("", "train.jsonl holds no example"),
        ('{"source": "a"}\n', r"train.jsonl, example 1: 'target' is None, it must be text"),
        ('{"source": "a", "target": "b"}\n{"source"\n', "train.jsonl, line 2: no JSON"),
        ("[1]\n", "train.jsonl, line 1: .* is no object"),
        ('{"source": "", "target": "b"}\n', "holds no pair with a source and a target"),
        (b"\xff\xfe", "train.jsonl is no UTF-8 text"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, token_folders, train, said):
    (tmp_path / "val.jsonl").write_text('{"source": "a", "target": "b"}\n')
    if train is not None:
        (tmp_path / "train.jsonl").write_bytes(train if isinstance(train, bytes) else train.encode())
    data = TranslationData(folder=str(tmp_path), tokens=str(token_folders["bpe"]), length=8, tokens_per_bucket=64)
    with pytest.raises(BadUse, match=said):
        open_batches(data, seed=0)


def test_a_bucket_smaller_than_a_sentence_is_refused(folder, token_folders):
    with pytest.raises(ValueError, match="tokens_per_bucket=39 is below length=40"):
        TranslationData(folder=str(folder), tokens=str(token_folders["bpe"]), length=40, tokens_per_bucket=39)
