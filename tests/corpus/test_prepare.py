import pytest

from foretell.corpus.config import EMBEDDED
from foretell.corpus.documents import Document, Gathered
from foretell.corpus.prepare import prepare_tokens, sample
from foretell.corpus.split import split
from foretell.corpus.tokens import open_tokens
from foretell.errors import BadUse


@pytest.fixture
def letters(tmp_path, pages):
    folder = tmp_path / "letters"
    folder.mkdir()
    for i, page in enumerate(pages[:30]):
        (folder / f"{i:02}.txt").write_text(page.text)
    return folder


def test_a_folder_of_text_becomes_tokens_once(letters, tmp_path, monkeypatch):
    made = prepare_tokens(str(letters), "bpe", 500, tmp_path / "corpora", quiet=True)
    assert made == tmp_path / "corpora" / "letters-bpe-500"
    assert open_tokens(made).card["n_vocab"] == 500
    monkeypatch.setattr("foretell.corpus.prepare.write_tokens", None)  # a second making would fail
    assert prepare_tokens(str(letters), "bpe", 500, tmp_path / "corpora", quiet=True) == made


def test_other_text_of_the_same_name_leaves_the_old_tokens_alone(letters, tmp_path):
    made = prepare_tokens(str(letters), "bpe", 500, tmp_path / "corpora", quiet=True)
    before = (made / "train.bin").read_bytes()
    (letters / "new.txt").write_text("Something more to read. " * 50)
    other = prepare_tokens(str(letters), "bpe", 500, tmp_path / "corpora", quiet=True)
    assert other != made
    assert other.name.startswith("letters-bpe-500-")
    assert (made / "train.bin").read_bytes() == before
    assert prepare_tokens(str(letters), "bpe", 500, tmp_path / "corpora", quiet=True) == other


def test_tokens_are_taken_as_they_are(token_folders, tmp_path):
    assert prepare_tokens(str(token_folders["gpt1"]), "gpt1", 7, tmp_path, quiet=True) == token_folders["gpt1"]
    with pytest.raises(BadUse, match="holds gpt1 tokens, not bpe"):
        prepare_tokens(str(token_folders["gpt1"]), "bpe", 7, tmp_path, quiet=True)


def test_a_given_tokenizer_is_used_and_asked_for_again(letters, tmp_path, tokenizers):
    given = prepare_tokens(str(letters), "bpe", 600, tmp_path / "c", tokenizer=tokenizers["bpe"], quiet=True)
    assert open_tokens(given).tokenizer().sha() == tokenizers["bpe"].sha()
    assert prepare_tokens(str(letters), "bpe", 600, tmp_path / "c", tokenizer=tokenizers["bpe"], quiet=True) == given
    other = tokenizers["bpe"].with_specials(["<x>"])
    assert prepare_tokens(str(letters), "bpe", 600, tmp_path / "c", tokenizer=other, quiet=True) != given


def test_embedded_is_made_from_the_documentation(pages, tmp_path, monkeypatch):
    monkeypatch.setattr("foretell.corpus.prepare.gather_documentation", lambda *_: Gathered(pages, {"duplicate": 3}))
    made = prepare_tokens(EMBEDDED, "wordpiece", 600, tmp_path, quiet=True)
    assert made == tmp_path / "embedded-wordpiece-600"
    assert open_tokens(made).card["dropped"] == {"duplicate": 3}


@pytest.mark.parametrize(
    ("text", "n_vocab", "said"),
    [("Too little. " * 20, 5000, "n_vocab=5000"), ("\0binary", 500, "holds no text")],
)
def test_text_that_will_not_do_is_refused_and_leaves_nothing(tmp_path, text, n_vocab, said):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(text)
    with pytest.raises(BadUse, match=said):
        prepare_tokens(str(tmp_path / "in"), "bpe", n_vocab, tmp_path / "out", quiet=True)
    assert not (tmp_path / "out").exists()


def test_what_was_left_out_is_said(letters, tmp_path, capsys):
    (letters / "picture.png").write_bytes(b"\0\1\2")
    prepare_tokens(str(letters), "bpe", 500, tmp_path / "corpora")
    assert "1 file binary, or not in UTF-8" in capsys.readouterr().err


def test_a_tokenizer_learns_from_training_text_up_to_a_limit(pages):
    learnt = sample(pages)
    assert sorted(learnt) == sorted(one.text for one in split(pages)["train"])
    assert sum(map(len, sample(pages, 10_000))) == 10_000
    assert sample([Document("a", "x" * 100, "s")]) == ["x" * 95]
