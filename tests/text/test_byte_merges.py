"""Learnt merges: those of Hugging Face's trainer, whatever the threads and the order of the texts."""

import itertools
import random
import subprocess
import sys

import pytest
import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from foretell.errors import BadUse
from foretell.text import byte_merges
from foretell.text.bpe import train_bpe
from foretell.text.byte_merges import learn_merges, pieces, splits
from foretell.text.specials import BPE

SPLIT = pre_tokenizers.ByteLevel(add_prefix_space=False)
LETTERS = ["a", "ab", "ab ", "aA1 .", "abc\u00e9\u00e8\u4e2d", "ab \n"]


def words_of(text):
    """GPT-2's parts of a text, by Hugging Face."""
    return [text[a:b] for _, (a, b) in SPLIT.pre_tokenize_str(text)]


def learnt(texts, n_merges):
    return learn_merges(texts, 256 + n_merges, 0, quiet=True)


def hugging_face_merges(texts, n_merges):
    """The merges of BpeTrainer where each byte is a letter whose place in Unicode is that of the byte."""
    alphabet = [chr(256 + byte) for byte in range(256)]
    inner = tokenizers.Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + n_merges, min_frequency=2, initial_alphabet=alphabet, show_progress=False
    )
    words = (" ".join("".join(alphabet[byte] for byte in word.encode()) for word in words_of(text)) for text in texts)
    inner.train_from_iterator(words, trainer)
    pieces = sorted(inner.get_vocab().items(), key=lambda item: item[1])[256:]
    return [bytes(ord(c) - 256 for c in piece) for piece, _ in pieces]


def test_the_tokens_are_those_of_hugging_faces_trainer(prose):
    ours = learnt(prose, 6000)
    assert [left + right for left, right in ours] == hugging_face_merges(prose, 6000)


@pytest.mark.parametrize("letters", LETTERS[1:])
def test_few_letters_give_the_tokens_of_hugging_faces_trainer(letters):
    rng = random.Random(letters)
    texts = ["".join(rng.choices(letters, k=rng.randrange(1, 80))) for _ in range(600)]
    assert [left + right for left, right in learnt(texts, 90)] == hugging_face_merges(texts, 90)


def merged(token, made, before):
    """The slow twin: the parts of a token after the merges that were made before, in their order."""
    parts = [token[i : i + 1] for i in range(len(token))]
    for pair in made[:before]:
        at = 0
        while at < len(parts) - 1:
            if tuple(parts[at : at + 2]) == pair:
                parts[at : at + 2] = [b"".join(pair)]
            at += 1
    return tuple(parts)


@pytest.mark.parametrize("letters", LETTERS)
def test_each_token_is_split_as_the_merges_before_it_leave_it(letters):
    rng = random.Random(letters)
    texts = ["".join(rng.choices(letters, k=rng.randrange(1, 120))) for _ in range(400)]
    for n_merges in (5, 40, 90) if len(letters) > 1 else (4,):
        made = learnt(texts, n_merges)
        assert len(made) == n_merges
        assert [merged(left + right, made, i) for i, (left, right) in enumerate(made)] == made


def test_of_all_ways_to_split_a_token_one_is_what_the_merges_give():
    """Every vocabulary of four tokens over two letters that merges can make, reachable by a text or not."""
    tried = 0
    for made in itertools.product(itertools.product([b"a", b"b", b"aa", b"ab", b"ba"], repeat=2), repeat=4):
        tokens = [left + right for left, right in made]
        known = [{b"a", b"b", *tokens[:i]} for i in range(4)]
        if len({*tokens, b"a", b"b"}) < 6 or any(not {*pair} <= known[i] for i, pair in enumerate(made)):
            continue
        if all(merged(token, made, i) == made[i] for i, token in enumerate(tokens)):
            assert splits([*(bytes([byte]) for byte in range(256)), *tokens]) == [*made]
            tried += 1
    assert tried > 500


def test_neither_the_order_of_texts_nor_how_they_are_batched_moves_a_merge(prose, monkeypatch):
    before = learnt(prose, 1000)
    assert learnt(prose[::-1], 1000) == before
    for piece, batch in [(1 << 12, 3), (1 << 20, 1000)]:
        monkeypatch.setattr(byte_merges, "PIECE", piece)
        monkeypatch.setattr(byte_merges, "BATCH", batch)
        assert learnt(prose, 1000) == before


def test_neither_threads_nor_hash_seeds_move_a_merge():
    program = (
        "from pydoc_data.topics import topics; from foretell.text.bpe import train_bpe; "
        "print(train_bpe(sorted(topics.values()), 3000).sha())"
    )
    shas = set()
    for threads, seed in [("1", "1"), ("2", "2"), ("5", "3")]:
        environment = {"RAYON_NUM_THREADS": threads, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
        shas.add(done.stdout)
    assert len(shas) == 1


def test_pieces_are_cut_where_the_pattern_cuts(prose, odd_texts, monkeypatch):
    texts = [*prose[:100], " ".join(odd_texts), " \n" * 40 + "x" + "\n" * 60 + "y z " * 90]
    for text, piece in itertools.product(texts, [200, 1000]):
        monkeypatch.setattr(byte_merges, "PIECE", piece)
        cut = list(pieces([text]))
        assert "".join(cut) == text
        assert max(map(len, cut)) <= 2 * piece
        assert [word for one in cut for word in words_of(one)] == words_of(text)


@pytest.mark.parametrize("wide", ["a", " ", "\n", "a\x1c", "\u4e2d"])
def test_what_has_no_space_is_cut_all_the_same(wide, monkeypatch):
    monkeypatch.setattr(byte_merges, "PIECE", 10)
    cut = list(pieces([wide * 95 + "x y" + wide * 7]))
    assert "".join(cut) == wide * 95 + "x y" + wide * 7
    assert max(map(len, cut)) <= 20


@pytest.mark.slow
def test_a_gap_that_is_too_wide_for_the_trainer_is_learnt():
    tokenizer = train_bpe(["x" + " " * 1_200_000 + "x", "the cat " * 9], 285)
    assert max(map(len, tokenizer._bytes[256:-5])) >= 1024
    assert tokenizer._fast is not None


def test_no_text_is_a_text_of_no_batch():
    assert list(pieces([])) == []
    assert list(pieces(["", "a"])) == ["", "a"]
    assert learnt([], 0) == []


def test_the_most_that_a_text_gives_is_its_tokens_that_occur_twice():
    rng = random.Random(1)
    for _ in range(20):
        texts = [" ".join("".join(rng.choices("abcd", k=rng.randrange(2, 7))) for _ in range(30))]
        with pytest.raises(BadUse, match=r"take n_vocab=\d+ or less") as caught:
            train_bpe(texts, 1000)
        most = int(str(caught.value).split("gives (")[1].split(")")[0])
        assert train_bpe(texts, most).n_vocab == most
        assert len(hugging_face_merges(texts, 1000)) == most - 256 - len(BPE)
        with pytest.raises(BadUse, match=rf"n_vocab={most + 1} is more than this text gives \({most}\)"):
            train_bpe(texts, most + 1)


def test_more_text_than_the_trainer_can_count_is_refused(prose, monkeypatch):
    monkeypatch.setattr(byte_merges, "MOST_BYTES", 10_000)
    with pytest.raises(BadUse, match=r"more than 10000 bytes of text to learn tokens from; give a sample of it"):
        learnt(prose, 10)
