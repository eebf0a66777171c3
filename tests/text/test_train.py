"""Training, for every kind: the same file every time, the size asked for, or a line that says why not."""

import pytest

from foretell.errors import BadUse
from foretell.text.specials import KINDS
from foretell.text.train import train_tokenizer


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_texts_give_the_same_file(kind, prose):
    many_scripts = [
        *prose[:20],
        *("\u03b1\u03b2\u03b3 \u05d0\u05d1\u05d2 \u0430\u0431\u0432 \u0e01\u0e02\u0e03 " * 9).split(),
    ]
    made = {train_tokenizer(kind, many_scripts, 600, quiet=True).to_json() for _ in range(4)}
    assert len(made) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_vocab", [300, 1000, 2000])
def test_the_vocabulary_has_the_size_asked_for(kind, n_vocab, prose):
    tokenizer = train_tokenizer(kind, prose, n_vocab, quiet=True)
    assert (tokenizer.kind, tokenizer.n_vocab) == (kind, n_vocab)


@pytest.mark.parametrize("kind", KINDS)
def test_a_vocabulary_larger_than_the_text_names_the_most_it_gives(kind):
    texts = ["the cat sat on the mat and the dog sat on the cat " * 3] * 3
    with pytest.raises(
        BadUse, match=r"^n_vocab=5000 is more than this text gives \(\d+\); take n_vocab=\d+ or less"
    ) as caught:
        train_tokenizer(kind, texts, 5000, quiet=True)
    most = int(str(caught.value).split("take n_vocab=")[1].split()[0])
    if most >= 300:  # below, the rule of the least size comes first
        assert train_tokenizer(kind, texts, most, quiet=True).n_vocab == most


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_surrogate_pair_trains_as_the_replacement_character(kind, prose):
    made = {train_tokenizer(kind, [*prose, bad * 9], 600, quiet=True).sha() for bad in ("\ud800 ", "\ufffd ")}
    assert len(made) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("texts", [[], [""], ["x"]])
def test_hardly_any_text_is_told(kind, texts):
    with pytest.raises(BadUse, match=r"n_vocab=1000 is more than this text gives"):
        train_tokenizer(kind, texts, 1000, quiet=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_vocab", [-1, 0, 260])
def test_a_vocabulary_smaller_than_the_bytes_is_refused(kind, n_vocab, prose):
    with pytest.raises(BadUse, match=rf"n_vocab={n_vocab} is too small: at least 261"):
        train_tokenizer(kind, prose, n_vocab, quiet=True)


def test_an_unknown_kind_is_named(prose):
    with pytest.raises(BadUse, match=r"no tokenizer of the kind 'wordpeace'; did you mean 'wordpiece'"):
        train_tokenizer("wordpeace", prose, 1000)
