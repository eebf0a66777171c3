import json
import shutil

import numpy as np
import pytest

from foretell.corpus.batches import IGNORED, open_batches
from foretell.corpus.config import SegmentData
from foretell.corpus.documents import Document
from foretell.corpus.order import shuffled, stream
from foretell.corpus.segments import CUTS, MASKS, chosen, masked
from foretell.corpus.tokens import open_tokens, write_tokens
from foretell.errors import BadUse

T = 48


@pytest.fixture(scope="module")
def opened(token_folders):
    return open_batches(SegmentData(folder=str(token_folders["wordpiece"]), length=T), seed=2)


@pytest.fixture(scope="module")
def tokens(token_folders):
    return open_tokens(token_folders["wordpiece"])


def restored(batch):
    """The rows before masking."""
    return np.where(batch["targets"] == IGNORED, batch["inputs"], batch["targets"])


def halves(batch, specials):
    """A and B of each row, without what was masked, and a check of the marks between them."""
    for ids, segments, attend in zip(restored(batch), batch["segments"], batch["attend"], strict=True):
        n = attend.sum()
        assert attend.tolist() == [True] * n + [False] * (T - n)
        assert (ids[n:] == specials.pad).all()
        assert ids[0] == specials.cls
        first, last = np.flatnonzero(ids == specials.sep)
        assert last == n - 1
        assert segments.tolist() == [0] * (first + 1) + [1] * (last - first) + [0] * (T - n)
        yield ids[1:first].tolist(), ids[first + 1 : last].tolist()


def drawn(opened, samples):
    """Rows and places that the batch of these samples is made of."""
    rows = shuffled(samples, opened.n_rows, 2)
    return rows, chosen(opened.train, rows, stream(2, samples, 4, CUTS))


def test_b_follows_a_where_it_says_so_and_is_of_another_document_where_not(opened, tokens):
    flat = tokens.train.tokens.tolist()
    ends = tokens.train.sequences[tokens.train.documents]
    samples = np.arange(500)
    batch, (rows, places) = opened.batch(samples), drawn(opened, samples)
    read = zip(rows, halves(batch, opened.specials), batch["is_next"], *places, strict=True)
    for row, (a, b), label, a_start, a_length, b_start, b_length, is_next in read:
        assert label == is_next
        assert a == flat[a_start : a_start + a_length]
        assert b == flat[b_start : b_start + b_length]
        assert a_start == opened.train.start[row]
        of_a, of_b = (np.searchsorted(ends, start, side="right") for start in (a_start, b_start))
        assert (of_a == of_b) == bool(is_next)
        assert b_start + b_length <= ends[of_b]
        if is_next:
            assert b_start == a_start + a_length
            assert a_length + b_length == opened.train.length[row] <= T - 3


def test_half_of_the_pairs_follow_each_other_and_length_does_not_tell_which(opened):
    batch = opened.batch(np.arange(4000))
    assert batch["is_next"].mean() == pytest.approx(0.5, abs=0.03)
    lengths = batch["attend"].sum(1)
    follow, random = (lengths[batch["is_next"] == label].mean() for label in (1, 0))
    assert follow == pytest.approx(random, abs=0.05 * T)


def cut_slowly(start, length, draw, begins):
    """Where a row is cut, in plain Python."""
    place = start + max(int(length * (0.25 + draw / 2)), 1)
    near = min(begins, key=lambda begin: (abs(begin - place), begin))
    return near if abs(near - place) <= length // 4 and start < near < start + length else place


def test_a_row_is_cut_at_an_end_of_sentence_where_one_is_near(opened, tokens):
    samples = np.arange(300)
    rows, (a_start, a_length, *_) = drawn(opened, samples)
    draws, begins = stream(2, samples, 4, CUTS), tokens.train.sequences.tolist()
    want = [
        cut_slowly(opened.train.start[r], opened.train.length[r], d, begins)
        for r, d in zip(rows, draws[:, 1], strict=True)
    ]
    assert (a_start + a_length).tolist() == want
    assert np.isin(want, begins).mean() > 0.4


def masked_slowly(ids, attend, draws, share, specials):
    """One row in plain Python."""
    free = [t for t in range(T) if attend[t] and ids[t] not in (specials.cls, specials.sep)]
    hide = sorted(free, key=lambda t: draws[t])[: max(round(len(free) * share), 1)]
    inputs, targets = list(ids), [IGNORED] * T
    for t in hide:
        targets[t] = ids[t]
        if draws[T + t] < 0.8:
            inputs[t] = specials.mask
        elif draws[T + t] < 0.9:
            inputs[t] = specials.ordinary[int(draws[2 * T + t] * len(specials.ordinary))]
    return inputs, targets


def test_masking_is_its_slow_twin(opened):
    samples = np.arange(30)
    batch = opened.batch(samples)
    draws = stream(2, samples, 3 * T, MASKS)
    for i, ids in enumerate(restored(batch)):
        inputs, targets = masked_slowly(ids.tolist(), batch["attend"][i], draws[i], 0.15, opened.specials)
        assert batch["inputs"][i].tolist() == inputs
        assert batch["targets"][i].tolist() == targets


def test_fifteen_in_a_hundred_are_predicted_and_hidden_in_the_papers_shares(opened):
    batch = opened.batch(np.arange(4000))
    predicted = batch["targets"] != IGNORED
    free = batch["attend"].sum(1) - 3
    assert (predicted.sum(1) == np.maximum(np.rint(free * 0.15), 1)).all()
    hidden, was = batch["inputs"][predicted], batch["targets"][predicted]
    n = len(was)
    masks, same = (hidden == opened.specials.mask).mean(), (hidden == was).mean()
    four_deviations = 4 * np.sqrt(0.8 * 0.2 / n)
    assert masks == pytest.approx(0.8, abs=four_deviations)
    assert same == pytest.approx(0.1, abs=four_deviations)  # a random token is the same once in 600
    replaced = hidden[(hidden != was) & (hidden != opened.specials.mask)]
    assert set(replaced) <= set(opened.specials.ordinary)
    assert len(set(replaced)) > 0.8 * len(opened.specials.ordinary)
    marks = [opened.specials.cls, opened.specials.sep, opened.specials.pad]
    assert not np.isin(was, marks).any()
    assert np.isin(batch["inputs"][~predicted], opened.specials.mask).sum() == 0


def test_a_row_of_one_token_still_predicts_it(opened):
    specials = opened.specials
    ids = np.full((1, T), specials.pad)
    ids[0, :4] = [specials.cls, 77, specials.sep, specials.sep]
    rows = {"inputs": ids, "attend": np.arange(T)[None] < 4}
    found = masked(rows, stream(0, np.array([0]), 3 * T), 0.15, specials)
    assert found["targets"][0].tolist() == [IGNORED, 77] + [IGNORED] * (T - 2)


def test_masks_and_neighbours_are_new_in_every_epoch(opened):
    n = opened.n_rows
    first, second = (
        opened.batch(np.flatnonzero(shuffled(np.arange(e * n, e * n + n), n, 2) == 5) + e * n) for e in (0, 1)
    )
    assert first["inputs"].shape == second["inputs"].shape == (1, T)
    assert (first["targets"] != second["targets"]).any()


def test_rows_do_not_depend_on_how_a_batch_is_cut(opened):
    whole = opened.batch(np.arange(40, 56))
    cut = [opened.batch(np.arange(40 + i, 40 + i + n)) for i, n in ((0, 1), (1, 5), (6, 10))]
    for name, array in whole.items():
        assert (np.concatenate([part[name] for part in cut]) == array).all()


def test_held_out_rows_are_the_same_in_every_run(opened, token_folders):
    other = open_batches(SegmentData(folder=str(token_folders["wordpiece"]), length=T), seed=9)
    for one, two in zip(opened.evaluation(8, 20), other.evaluation(8, 20), strict=True):
        assert all((one[name] == two[name]).all() for name in one)
    assert (opened.batch(np.arange(8))["inputs"] != other.batch(np.arange(8))["inputs"]).any()


def test_a_single_document_lends_itself_a_b_that_is_no_neighbour(tokenizers, pages, tmp_path):
    book = Document("book", "\n\n".join(page.text for page in pages), "s")
    folder = write_tokens([book], tokenizers["wordpiece"], tmp_path / "book", quiet=True)
    rows = open_batches(SegmentData(folder=str(folder), length=T), seed=0)
    flat = open_tokens(folder).train.tokens.tolist()
    batch = rows.batch(np.arange(200))
    numbers = shuffled(np.arange(200), rows.n_rows, 0)
    for row, (a, b), is_next in zip(numbers, halves(batch, rows.specials), batch["is_next"], strict=True):
        start = rows.train.start[row]
        after = flat[start + len(a) : start + len(a) + len(b)]
        assert (after == b) == is_next or len(b) < 8
    assert 60 < batch["is_next"].sum() < 140


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tokenizer": "bpe"}, r"data.tokenizer=bpe has no \[CLS\]"),
        ({"length": 10}, "data.length=10 holds no two segments; take 11 or more"),
        ({"length": 100_000}, "lower --data.length"),
    ],
)
def test_what_gives_no_pairs_is_refused(token_folders, change, said):
    data = {"folder": str(token_folders["wordpiece"]), "length": T, **change}
    with pytest.raises(BadUse, match=said):
        open_batches(SegmentData(**data), seed=0)


def test_a_text_of_a_few_rows_is_refused(tokenizers, tmp_path):
    folder = write_tokens(
        [Document("a", "Some words. " * 40, "s")], tokenizers["wordpiece"], tmp_path / "t", quiet=True
    )
    with pytest.raises(BadUse, match=r"rows of 12 tokens in a split, too few .* give more text"):
        open_batches(SegmentData(folder=str(folder), length=12), seed=0)


def test_pairs_of_several_sources_are_read_by_weight(token_folders, tmp_path):
    folder = shutil.copytree(token_folders["wordpiece"], tmp_path / "tokens")
    file, card = open_tokens(folder), json.loads((folder / "card.json").read_text())
    sources: dict[str, dict] = {"a": {}, "b": {}}
    for name in ("train", "val"):
        of = getattr(file, name)
        cut, end = int(of.sequences[of.documents[len(of.documents) // 2]]), len(of.tokens)
        sources["a"][name] = {"first": 0, "n_tokens": cut}
        sources["b"][name] = {"first": cut, "n_tokens": end - cut}
    mixture = [{"first": 0, "weights": {"a": 0.9, "b": 0.1}}]
    (folder / "card.json").write_text(json.dumps(card | {"sources": sources, "mixture": mixture}))
    rows = open_batches(SegmentData(folder=str(folder), length=T), seed=2)
    plain = open_batches(SegmentData(folder=str(token_folders["wordpiece"]), length=T), seed=2)
    assert (rows.train.start == plain.train.start).all()
    starts = rows.train.start[rows.order.rows(np.arange(500))]
    assert (starts < sources["a"]["train"]["n_tokens"]).sum() == 450
    assert rows.epochs(500)["b"] == pytest.approx(50 / rows.order.sizes[1])
    given = SegmentData(folder=str(folder), length=T, mixture=("b=1",))
    starts = rows.train.start[open_batches(given, seed=2).order.rows(np.arange(500))]
    assert (starts >= sources["a"]["train"]["n_tokens"]).all()
    batch = rows.batch(np.arange(8))
    assert batch["inputs"].shape == (8, T)
    assert (batch["inputs"][3:5] == rows.batch(np.array([3, 4]))["inputs"]).all()
