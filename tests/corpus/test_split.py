from collections import Counter

import numpy as np
import pytest

from foretell.corpus.documents import Document
from foretell.corpus.split import HELD_OUT, LEAST, held_out, place, split


def of_length(*lengths):
    return [Document(f"d{i}", ("word " * n)[:n], "s") for i, n in enumerate(lengths)]


def test_about_a_twentieth_is_held_out_in_whole_documents():
    documents = of_length(*([1000] * 400))
    sides = split(documents)
    assert sorted(sides["train"] + sides["val"], key=lambda d: int(d.id[1:])) == documents
    assert len(sides["val"]) == HELD_OUT * 400
    assert {place(d.id) for d in sides["val"]} == set(sorted(place(d.id) for d in documents)[:20])


def test_the_order_of_the_documents_moves_nothing():
    documents = of_length(*range(100, 300))
    held = {d.id for d in split(documents)["val"]}
    assert held == {d.id for d in split(documents[::-1])["val"]}


def test_one_document_is_split_by_position():
    (document,) = of_length(10_000)
    sides = split([document])
    assert sides["train"][0].text + sides["val"][0].text == document.text
    assert 0.04 < len(sides["val"][0].text) / 10_000 < 0.07
    assert sides["val"][0].text.startswith("word")


def test_a_long_document_among_few_is_never_held_out_whole():
    sides = split(of_length(100_000, 90_000, 50))
    assert 0.04 < sum(len(d.text) for d in sides["val"]) / 190_050 < 0.07
    assert {"d0", "d1"} <= {d.id for d in sides["train"]}


def test_a_text_without_white_space_is_cut_as_well():
    sides = split([Document("d", "x" * 1000, "s")])
    assert [len(d.text) for d in (*sides["train"], *sides["val"])] == [950, 50]


def test_documents_that_share_one_id_are_cut_each():
    sides = split([Document("same", "word " * 200, "s") for _ in range(100)])
    assert [len(sides[side]) for side in ("train", "val")] == [100, 100]
    assert 0.04 < sum(len(d.text) for d in sides["val"]) / 100_000 < 0.07


def test_an_id_that_many_share_counts_with_all_of_its_text():
    shared = [Document("same", "x" * 100, "s") for _ in range(200)]
    sides = split([*shared, *of_length(*([100] * 200))])
    held = {d.id for d in sides["val"]}
    assert sum(len(d.text) for d in sides["val"]) <= HELD_OUT * 40_000
    assert "same" not in held
    assert not held & {d.id for d in sides["train"]}


def plain_held_out(ids, lengths):
    """The rule, plainly: ids in the order of their places, each with all its text, until a twentieth is held out."""
    sizes = Counter()
    for name, n in zip(ids, lengths, strict=True):
        sizes[name] += n
    total, held, taken = sum(lengths), set(), 0
    for name in sorted(sizes, key=place):
        if taken + sizes[name] <= HELD_OUT * total:
            held.add(name)
            taken += sizes[name]
    return [name in held for name in ids] if taken >= LEAST * total else None


@pytest.mark.parametrize("seed", range(20))
def test_any_lengths_and_shared_ids_are_held_out_by_the_plain_rule(seed):
    draw = np.random.default_rng(seed)
    ids = [f"d{i}" for i in draw.integers(0, draw.integers(1, 300), 200)]
    lengths = draw.integers(0, 500, 200)
    found = held_out(np.array([place(one) for one in ids]), lengths)
    assert (None if found is None else found.tolist()) == plain_held_out(ids, lengths.tolist())
