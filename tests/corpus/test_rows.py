import json
import re
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from foretell.corpus.batches import IGNORED, open_batches
from foretell.corpus.config import SegmentData, TextData, stages_of
from foretell.corpus.mixture import Stage, counts, drawn, mixture_of
from foretell.corpus.order import AHEAD, shuffled
from foretell.corpus.rows import Mixed, Shuffled, order_of
from foretell.corpus.tokens import open_tokens
from foretell.errors import BadUse

SIZES = (70, 9, 400)
CHANGE = 5003
STAGES = (Stage(0, {"a": 0.5, "b": 0.2, "c": 0.3}), Stage(CHANGE, {"a": 0.1, "c": 0.9}))


def mixed(stages=STAGES, seed=4) -> Mixed:
    return Mixed(mixture=mixture_of(["a", "b", "c"], stages), sizes=SIZES, seed=seed)


def by_source(rows) -> list[np.ndarray]:
    """The rows of each source, in the order in which they are read, counted from its first."""
    ends = np.cumsum([0, *SIZES])
    return [rows[(rows >= a) & (rows < b)] - a for a, b in pairwise(ends)]


def test_every_source_is_read_once_before_any_row_of_it_twice_also_across_a_change():
    n = 3 * AHEAD
    order = mixed()
    for i, rows in enumerate(by_source(order.rows(np.arange(n)))):
        assert len(rows) == counts(order.mixture, n)[i]
        whole = len(rows) // SIZES[i]
        epochs = rows[: whole * SIZES[i]].reshape(whole, SIZES[i])
        assert whole > 1
        assert (np.sort(epochs, axis=1) == np.arange(SIZES[i])).all()
        assert (epochs[0] != epochs[1]).any()
        rest = rows[whole * SIZES[i] :]
        assert len(np.unique(rest)) == len(rest)


def test_a_sample_reads_of_the_source_that_the_mixture_draws():
    rows = mixed().rows(np.arange(9000))
    sources = np.searchsorted(np.cumsum(SIZES), rows, side="right")
    assert (sources == drawn(mixed().mixture, np.arange(9000))[0]).all()


def test_batches_of_any_size_and_order_and_any_processes_read_the_same_rows():
    n = 2 * AHEAD + 500
    whole, order = mixed().rows(np.arange(n)), mixed()
    for size in (1, 7, 512):
        starts = range(AHEAD - 300, AHEAD + 300, size)
        cut = np.concatenate([order.rows(np.arange(i, i + size)) for i in starts])
        assert (cut == whole[AHEAD - 300 :][: len(cut)]).all()
    of_three = [mixed().rows(np.arange(rank, n, 3)) for rank in range(3)]
    assert all((of_three[rank] == whole[rank::3]).all() for rank in range(3))
    anyhow = np.random.default_rng(0).integers(0, n, 300)
    assert (mixed().rows(anyhow) == whole[anyhow]).all()


def test_a_run_gone_on_with_other_weights_goes_on_in_every_source():
    before, after = mixed(STAGES[:1]).rows(np.arange(9000)), mixed().rows(np.arange(9000))
    assert (before[:CHANGE] == after[:CHANGE]).all()
    assert (before[CHANGE:] != after[CHANGE:]).any()
    for one, other in zip(by_source(before), by_source(after), strict=True):
        n = min(len(one), len(other))
        assert (one[:n] == other[:n]).all()


def test_a_source_that_is_added_moves_nothing_in_the_others():
    order = Mixed(
        mixture=mixture_of(["a", "new", "b"], [Stage(0, {"a": 1, "b": 1, "new": 1})]), sizes=(70, 5, 9), seed=4
    )
    rows, old = order.rows(np.arange(600)), by_source(mixed().rows(np.arange(600)))
    a, b = rows[rows < 70], rows[rows >= 75] - 75
    assert (a[:150] == old[0][:150]).all()
    assert (b[:100] == old[1][:100]).all()


def test_another_seed_is_another_order_of_the_same_sources():
    one, other = mixed().rows(np.arange(3000)), mixed(seed=5).rows(np.arange(3000))
    assert (one != other).any()
    assert [len(rows) for rows in by_source(one)] == [len(rows) for rows in by_source(other)]


def test_rows_of_a_source_end_up_as_far_apart_as_in_a_uniform_shuffle():
    order = Mixed(mixture=mixture_of(["a", "b"], [Stage(0, {"a": 1, "b": 1})]), sizes=(20_000, 20_000), seed=0)
    rows = order.rows(np.arange(40_000))
    assert np.abs(np.diff(rows[rows < 20_000])).mean() / 20_000 == pytest.approx(1 / 3, abs=0.01)


def test_epochs_are_told_by_source():
    order = mixed(STAGES[:1])
    assert order.epochs(1000) == {"a": 500 / 70, "b": 200 / 9, "c": 300 / 400}
    assert Shuffled(n_rows=50, seed=0).epochs(75) == {"text": 1.5}


def test_a_folder_of_one_source_is_shuffled_as_ever(token_folders):
    tokens = open_tokens(token_folders["bpe"])
    order = order_of(tokens, 100, {}, (), 3)
    assert order == Shuffled(n_rows=100, seed=3)
    assert (order.rows(np.arange(250)) == shuffled(np.arange(250), 100, 3)).all()
    with pytest.raises(BadUse, match=r"holds one source, so data.mixture=.* weights nothing"):
        order_of(tokens, 100, {}, ("web=1",), 3)


@pytest.mark.parametrize("form", ["packed", "documents", "segments"])
@pytest.mark.parametrize("mixture", [(), ("long=1,short=3", "7000: long=0.9,short=0.1")])
def test_the_weights_are_shares_of_the_tokens_predicted_whatever_the_lengths(long_and_short, form, mixture):
    n, change = 14_000, 7000
    if form == "segments":
        data = SegmentData(folder=str(long_and_short["wordpiece"]), length=96, mixture=mixture)
    else:
        data = TextData(folder=str(long_and_short["bpe"]), length=96, rows=form, mixture=mixture)
    opened = open_batches(data, seed=5)
    first_short, found = opened.order.sizes[0], np.zeros((2, 2))
    read = np.zeros(2, np.int64)
    for stage, first in enumerate((0, change)):
        samples = np.arange(first, first + change)
        predicted = (opened.batch(samples)["targets"] != IGNORED).sum(1)
        short = opened.order.rows(samples) >= first_short
        found[stage] = predicted[~short].sum(), predicted[short].sum()
        read += (~short).sum(), short.sum()
    shares = found[:, 1] / found.sum(1)
    assert shares == pytest.approx([0.75, 0.1] if mixture else [0.5, 0.5], abs=0.01)
    sizes = dict(zip(("long", "short"), opened.order.sizes, strict=True))
    assert opened.epochs(n) == pytest.approx({name: k / sizes[name] for name, k in zip(sizes, read, strict=True)})
    if form == "documents":
        of = {name: end - first for name, (first, end) in open_tokens(Path(data.folder)).source_ends("train").items()}
        epochs = {name: k / of[name] for name, k in zip(sizes, found.sum(0), strict=True)}
        assert opened.epochs(n) == pytest.approx(epochs, rel=0.02)


def test_a_folder_is_mixed_by_its_card_or_as_given(three_sources):
    rows = open_batches(TextData(folder=str(three_sources), length=16), seed=1)
    assert rows.epochs(1000) == pytest.approx(
        {
            name: n / size
            for (name, n), size in zip({"a": 200, "b": 500, "c": 300}.items(), rows.order.sizes, strict=True)
        }
    )
    given = TextData(folder=str(three_sources), length=16, mixture=("a=1,b=1", "500: c=1"))
    assert open_batches(given, seed=1).epochs(600)["c"] == 100 / rows.order.sizes[2]


@pytest.mark.parametrize(
    ("mixture", "said"),
    [
        (("a=1,x=1",), "names 'x', which is no source"),
        (("a=0",), "all 0"),
        (("7: a=1",), r"begin at samples \[7\]"),
        (("a=nan",), "weight nan of 'a'"),
    ],
)
def test_a_mixture_that_does_not_fit_the_folder_is_refused(three_sources, mixture, said):
    with pytest.raises(BadUse, match=said):
        open_batches(TextData(folder=str(three_sources), length=16, mixture=mixture), seed=1)


def test_a_source_without_a_whole_row_is_refused_unless_it_is_not_read(three_sources):
    tokens = open_tokens(three_sources)
    size = min(end - first for first, end in tokens.source_ends("train").values())
    data = TextData(folder=str(three_sources), length=size + 1)
    with pytest.raises(
        BadUse, match=r"has not one row of source 'c'.*lower --data.length, or set --data.mixture with c=0"
    ):
        order_of(tokens, 9, {"a": 5, "b": 4, "c": 0}, data.mixture, 0)
    order_of(tokens, 9, {"a": 5, "b": 4, "c": 0}, ("a=1,b=1,c=0",), 0)


@pytest.mark.parametrize("weight", ["0.5", None, True, [1]])
def test_a_weight_of_a_card_that_is_no_number_is_refused(three_sources, tmp_path, weight):
    folder = shutil.copytree(three_sources, tmp_path / "tokens")
    card = json.loads((folder / "card.json").read_text())
    card["mixture"][0]["weights"]["a"] = weight
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(BadUse, match=rf"weight {re.escape(repr(weight))} of 'a' is no number from 0 on"):
        open_batches(TextData(folder=str(folder), length=16), seed=1)


@pytest.mark.parametrize(
    "mixture", [None, [], 7, [{"first": 0}], [{"first": "x", "weights": {}}], [{"first": 0, "weights": 3}]]
)
def test_a_card_without_a_mixture_says_so(three_sources, tmp_path, mixture):
    folder = shutil.copytree(three_sources, tmp_path / "tokens")
    card = json.loads((folder / "card.json").read_text())
    del card["mixture"]
    (folder / "card.json").write_text(json.dumps(card if mixture is None else card | {"mixture": mixture}))
    with pytest.raises(BadUse, match=r"has no mixture that can be read|begin at samples \[\]"):
        open_batches(TextData(folder=str(folder), length=16), seed=1)


def test_stages_are_read_from_lines():
    assert stages_of(("web=0.6, books = 0.4", "9000: web=1")) == [(0, {"web": 0.6, "books": 0.4}), (9000, {"web": 1.0})]
    assert stages_of(("a=b=2",)) == [(0, {"a=b": 2.0})]
    assert stages_of(()) == []


@pytest.mark.parametrize("line", ["web", "web=x", "=1", "web=1,", "", "x: web=1,=2", "1:2: web=0.5=1,"])
def test_a_line_that_is_no_stage_is_refused(line):
    with pytest.raises(ValueError, match="mixture"):
        TextData(folder="x", length=8, mixture=(line,))
    with pytest.raises(ValueError, match="mixture"):
        SegmentData(folder="x", length=8, mixture=(line,))
