"""Texts that grow: what is told early is never taken back, and adds up to the whole."""

import pytest
from hypothesis import given, settings, strategies

from foretell.generate.stops import before_stop
from foretell.serve.spelling import Flow, Spelling, held
from foretell.text.train import train_tokenizer
from tests.corpus.made_documents import HELP

SPELLINGS = {
    kind: Spelling(train_tokenizer(kind, HELP[:4], 300, quiet=True), 310) for kind in ("bpe", "gpt1", "wordpiece")
}


@pytest.mark.parametrize("kind", SPELLINGS)
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    ids=strategies.lists(strategies.integers(0, 309), max_size=30),
    stop=strategies.lists(strategies.sampled_from(["e", "the", " a", "\u20ac", "xyz"]), max_size=2),
    cuts=strategies.lists(strategies.integers(1, 5), min_size=1),
)
def test_pieces_add_up_to_the_text_before_the_stop(kind, ids, stop, cuts):
    spelling = SPELLINGS[kind]
    ids = [i for i in ids if i != spelling.end_of_text]
    flow, told, place, turn = Flow(spelling, stop, frozenset()), "", 0, 0
    whole = spelling.decode(ids)
    cut = before_stop(whole, stop)
    while place < len(ids):
        place, turn = place + cuts[turn % len(cuts)], turn + 1
        told += flow.more(ids[:place])
        assert whole.startswith(told)
        assert cut is None or len(told) <= len(cut)
    told += flow.last(whole if cut is None else cut)
    assert told == (whole if cut is None else cut)


def test_half_of_a_character_is_held_back():
    spelling = SPELLINGS["bpe"]
    ids = spelling.tokenizer.encode("\u20ac!")
    flow = Flow(spelling, (), frozenset())
    assert [flow.more(ids[: n + 1]) for n in range(len(ids))] == ["", "", "\u20ac", "!"]


def test_what_may_be_a_stop_text_is_held_back():
    assert held("ab", ["bcd"]) == 1
    assert held("abc", ["bcd"]) == 2
    assert held("abx", ["bcd"]) == 0
    assert held("", ["bcd"]) == held("ab", []) == held("b", ["b"]) == 0


def test_an_end_is_not_told_though_it_is_there_for_a_moment():
    spelling = SPELLINGS["bpe"]
    ids = spelling.tokenizer.encode("The key")
    flow = Flow(spelling, (), frozenset({296}))
    assert flow.more([*ids, 296]) == "The key"
    assert Flow(spelling, (), frozenset()).more([*ids, spelling.end_of_text]) == "The key"


def test_no_two_parts_of_characters_look_the_same():
    spelling = SPELLINGS["bpe"]
    names = [spelling.name(i) for i in range(spelling.tokenizer.n_vocab)]
    assert len(set(names)) == len(names)
    assert spelling.name(305) == "\ufffd"


@pytest.mark.parametrize("kind", SPELLINGS)
def test_a_stop_text_of_several_tokens_is_never_told_in_part(kind):
    spelling = SPELLINGS[kind]
    ids = spelling.tokenizer.encode("return the key of the thing")
    whole = spelling.decode(ids)
    stop = "the thing"
    flow, told = Flow(spelling, [stop], frozenset()), ""
    for n in range(len(ids)):
        told += flow.more(ids[: n + 1])
        assert len(told) <= whole.index(stop)
    assert flow.over
    assert told == whole[: whole.index(stop)]
