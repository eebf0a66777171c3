import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretell.corpus import tokenizing
from foretell.corpus.batches import open_batches
from foretell.corpus.config import TextData
from foretell.corpus.documents import Document, load_documents
from foretell.corpus.engine import EngineConfig
from foretell.corpus.mixing import Asked, Mixing, asked, mixed_tokens, sample_texts, source_of
from foretell.corpus.prepare import prepare_tokens, sample
from foretell.corpus.schema import DOCUMENTS
from foretell.corpus.split import place, split
from foretell.corpus.tokenizing import read_rows
from foretell.corpus.tokens import open_tokens, write_tokens
from foretell.corpus.verifying import verified
from foretell.errors import BadUse

PART = "documents-00000.parquet"
WEIGHTS = {"web": 0.5, "books": 0.3}


@pytest.fixture(scope="module")
def sources(pages) -> dict[str, list[Document]]:
    """Two sources of many documents, and one whose two documents are too few to hold one out."""
    web = [replace(page, source="web") for page in pages[:35]]
    books = [replace(page, source="books") for page in pages[35:58]]
    return {"web": web, "books": books, "letters": [Document(f"l{i}", "My dear, " * 300, "letters") for i in range(2)]}


def write_documents(folder, files, card=None):
    """A corpus as foretell corpus writes it; documents may be of any source in any file."""
    folder.mkdir(parents=True)
    for i, documents in enumerate(files):
        columns = {name: [getattr(one, name) for one in documents] for name in ("id", "text", "source")}
        n = len(documents)
        columns |= {"url": [f"https://x.org/{one.id}" for one in documents], "language": ["en"] * n}
        columns |= {"language_score": [1.0] * n, "quality": [place(one.id) for one in documents], "cluster": [""] * n}
        pq.write_table(pa.table(columns, schema=DOCUMENTS), folder / f"documents-{i:05}.parquet")
    if card is not None:
        (folder / "card.json").write_text(json.dumps({"kind": "corpus", **card}))
    return folder


@pytest.fixture(scope="module")
def corpus(sources, tmp_path_factory):
    """Five files, the last of which holds all sources in turn."""
    web, books, letters = sources.values()
    last = [one for pair in zip(web[30:], books[18:], strict=True) for one in pair]
    files = [web[:16], web[16:30], books[:18], letters[:1], [*last, letters[1]]]
    return write_documents(tmp_path_factory.mktemp("mixed") / "corpus", files, {"weights": WEIGHTS})


@pytest.fixture(scope="module")
def made(corpus, tokenizers):
    folder = corpus.parent / "tokens"
    mixed_tokens(corpus, folder, tokenizers["bpe"], quiet=True)
    return folder


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_sources_lie_one_after_the_other_split_each_by_itself(made, sources, tokenizers):
    tokens, tokenizer = open_tokens(made), tokenizers["bpe"]
    assert list(tokens.source_ends("train")) == ["web", "books", "letters"]
    for side in ("train", "val"):
        file, place_of = getattr(tokens, side), tokens.source_ends(side)
        every = []
        for name, documents in sources.items():
            want = [[*tokenizer.encode(one.text), tokenizer.end_of_text] for one in split(documents)[side]]
            first, end = place_of[name]
            assert file.tokens[first:end].tolist() == [i for ids in want for i in ids]
            assert tokens.card["sources"][name][side]["n_documents"] == len(want)
            every += [len(ids) for ids in want]
        assert np.diff(file.sequences[file.documents]).tolist() == every


def test_the_sidecar_traces_every_document_with_what_the_corpus_knows_of_it(made, sources, tokenizers):
    tokens, by_id = open_tokens(made), {one.id: one for documents in sources.values() for one in documents}
    rows = pq.read_table(made / "documents.parquet").to_pylist()
    assert list(rows[0]) == [
        *("id", "source", "split", "offset", "n_tokens", "n_bytes"),
        *("url", "language", "quality", "cluster"),
    ]
    assert {row["id"] for row in rows} == set(by_id)
    offset = {"train": 0, "val": 0}
    for row in rows:
        assert row["offset"] == offset[row["split"]]
        offset[row["split"]] += row["n_tokens"]
        ids = getattr(tokens, row["split"]).tokens[row["offset"] : offset[row["split"]]]
        text = tokenizers["bpe"].decode(ids).removesuffix("<|endoftext|>")
        whole = by_id[row["id"]].text
        assert text == whole or (row["source"] == "letters" and text in whole)
        assert row["n_bytes"] == len(text.encode())
        assert row["source"] == by_id[row["id"]].source
        assert row["url"] == f"https://x.org/{row['id']}"
        assert row["quality"] == pytest.approx(place(row["id"]), abs=1e-6)
    assert offset == tokens.card["n_tokens"]


def test_the_card_tells_the_mixture_and_hashes_every_file(made, sources):
    card = open_tokens(made).card
    assert card["mixture"] == [{"first": 0, "weights": pytest.approx({"web": 0.5, "books": 0.3, "letters": 0.2})}]
    total = card["n_tokens"]["train"]
    for row in card["shares"]:
        assert row["tokens"] == card["sources"][row["source"]]["train"]["n_tokens"]
        assert row["epochs"] == pytest.approx(row["weight"] * total / row["tokens"])
    assert card["n_documents"] == sum(map(len, sources.values()))
    assert card["largest_id"] == {side: getattr(open_tokens(made), side).tokens.max() for side in ("train", "val")}
    assert not verified(made).problems
    assert card["sha256"].keys() == {path.name for path in made.iterdir()} - {"card.json"}
    assert not made.with_name(".tokens.work").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a pipe of Daft's own
def test_several_workers_write_the_same_bytes_as_this_process(corpus, made, tokenizers, tmp_path):
    mixed_tokens(corpus, tmp_path / "t", tokenizers["bpe"], engine=EngineConfig(workers=2), quiet=True)
    assert content(tmp_path / "t") == content(made)


def test_files_cut_elsewhere_give_the_same_tokens(sources, made, tokenizers, tmp_path):
    every = [one for documents in sources.values() for one in documents]
    other = write_documents(tmp_path / "corpus", [every], {"weights": WEIGHTS})
    mixed_tokens(other, tmp_path / "t", tokenizers["bpe"], quiet=True)
    for name in ("train.bin", "val.bin", "train.idx", "val.idx"):
        assert (tmp_path / "t" / name).read_bytes() == (made / name).read_bytes()


def test_what_is_done_is_not_done_again_after_a_stop(corpus, made, tokenizers, tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    making = partial(mixed_tokens, corpus, tmp_path / "t", tokenizers["bpe"], quiet=True)
    monkeypatch.setattr("foretell.corpus.mixing.put_together", stopped)
    with pytest.raises(KeyboardInterrupt):
        making()
    monkeypatch.undo()
    monkeypatch.setattr("foretell.corpus.tokenizing.appended", stopped)
    monkeypatch.setattr("foretell.corpus.tokenizing.read_rows", stopped)
    making()
    assert content(tmp_path / "t") == content(made)


KILLED = """
import os, signal, sys
from pathlib import Path
from foretell.corpus import tokenizing
from foretell.corpus.mixing import mixed_tokens
from foretell.text.tokenizer import Tokenizer
left, whole = int(sys.argv[4]), tokenizing.appended
def appended(*given):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*given)
tokenizing.appended = appended
mixed_tokens(Path(sys.argv[1]), Path(sys.argv[2]), Tokenizer.load(Path(sys.argv[3])), quiet=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 6])
def test_a_kill_leaves_what_a_second_call_finishes(corpus, made, tokenizers, tmp_path, after):
    given = [str(corpus), str(tmp_path / "t"), str(made), str(after)]
    assert subprocess.run([sys.executable, "-c", KILLED, *given]).returncode == -signal.SIGKILL
    assert not (tmp_path / "t").exists()
    mixed_tokens(corpus, tmp_path / "t", tokenizers["bpe"], quiet=True)
    assert content(tmp_path / "t") == content(made)
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_sentences_of_several_sources_are_kept_as_sequences(corpus, sources, tokenizers, tmp_path):
    mixed_tokens(corpus, tmp_path / "t", tokenizers["wordpiece"], quiet=True)
    tokens = open_tokens(tmp_path / "t")
    assert len(tokens.train.documents) - 1 == sum(len(split(one)["train"]) for one in sources.values())
    first = split(sources["web"])["train"][0]
    ids = tokens.train.tokens[: tokens.train.sequences[tokens.train.documents[1]]]
    assert ids.tolist() == tokenizers["wordpiece"].encode(first.text)
    assert tokens.train.documents[1] > 1


def test_epochs_and_a_budget_are_asked_for_in_the_card_or_given(corpus, made, tokenizers, tmp_path):
    wanted = Asked(epochs={"letters": 2}, budget=10_000)
    card = mixed_tokens(corpus, tmp_path / "t", tokenizers["bpe"], mixture=wanted, quiet=True)
    (letters,) = [row for row in card["shares"] if row["source"] == "letters"]
    assert letters["epochs"] == pytest.approx(2)
    assert (tmp_path / "t" / "train.bin").read_bytes() == (made / "train.bin").read_bytes()
    assert card["source"] != open_tokens(made).card["source"]


def test_the_epochs_of_every_source_are_those_of_the_tokens_that_are_made(corpus, tokenizers, tmp_path):
    wanted = {"web": 1, "books": 2, "letters": 3}
    card = mixed_tokens(corpus, tmp_path / "t", tokenizers["bpe"], mixture=Asked(epochs=wanted), quiet=True)
    assert {row["source"]: row["epochs"] for row in card["shares"]} == pytest.approx(wanted)


def test_a_corpus_without_wishes_is_weighted_by_its_tokens(corpus, tokenizers, tmp_path):
    plain = shutil.copytree(corpus, tmp_path / "corpus")
    (plain / "card.json").unlink()
    assert asked(plain) is None
    card = mixed_tokens(plain, tmp_path / "t", tokenizers["bpe"], quiet=True)
    assert all(row["epochs"] == pytest.approx(1) for row in card["shares"])


def test_documents_that_name_no_source_are_of_the_folder(tokenizers, pages, tmp_path):
    (tmp_path / "books").mkdir()
    table = pa.table({"id": [page.id for page in pages], "text": [page.text for page in pages]})
    pq.write_table(table, tmp_path / "books" / "documents.parquet")
    card = mixed_tokens(tmp_path / "books", tmp_path / "t", tokenizers["bpe"], quiet=True)
    assert list(card["sources"]) == ["books"]
    assert pq.read_schema(tmp_path / "t" / "documents.parquet").names[-1] == "n_bytes"


def test_a_tokenizers_sample_is_training_text_in_the_order_of_a_hash(corpus, sources, tmp_path):
    mixing = Mixing(corpus=corpus, folder=tmp_path / "t", quiet=True)
    train = [one for documents in sources.values() for one in split(documents)["train"]]
    in_turn = [one.text for one in sorted(train, key=lambda one: place(f"sample {one.id}"))]
    assert sample_texts(mixing, 10**9) == in_turn
    some = sample_texts(mixing, 20_000)
    assert "".join(some) == "".join(in_turn)[:20_000]


def test_a_sample_of_one_source_is_that_of_its_documents(sources, tmp_path):
    corpus = write_documents(tmp_path / "corpus", [sources["web"][:9], sources["web"][9:]])
    assert sample_texts(Mixing(corpus=corpus, folder=tmp_path / "t", quiet=True), 9000) == sample(sources["web"], 9000)


def test_train_takes_the_mixture_of_a_corpus_without_more_flags(corpus, tmp_path):
    folder = prepare_tokens(str(corpus), "bpe", 500, tmp_path / "corpora", quiet=True)
    assert folder == tmp_path / "corpora" / "corpus-bpe-500"
    rows = open_batches(TextData(folder=str(folder), length=32), seed=1)
    read = {name: n * size for (name, n), size in zip(rows.epochs(1000).items(), rows.order.sizes, strict=True)}
    assert read == pytest.approx({"web": 500, "books": 300, "letters": 200})
    assert rows.batch(np.arange(8))["inputs"].shape == (8, 32)
    before = content(folder)
    assert prepare_tokens(str(corpus), "bpe", 500, tmp_path / "corpora", quiet=True) == folder
    assert content(folder) == before


def test_a_corpus_of_one_source_that_asks_for_nothing_is_made_file_by_file_and_gone_on_with(
    sources, tokenizers, tmp_path, monkeypatch
):
    web = sources["web"]
    corpus = write_documents(tmp_path / "own", [web[:20], web[20:]], {"n_documents": len(web)})
    for whole in ("gather_folder", "write_tokens"):
        monkeypatch.setattr(f"foretell.corpus.prepare.{whole}", None)
    encode, calls = tokenizing.encode, []

    def stopped(inputs, folder, *, name):
        calls.append(inputs[0])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return encode(inputs, folder, name=name)

    monkeypatch.setattr("foretell.corpus.mixing.encode", stopped)
    making = partial(prepare_tokens, str(corpus), "bpe", 600, tmp_path / "c", tokenizer=tokenizers["bpe"], quiet=True)
    with pytest.raises(KeyboardInterrupt):
        making()
    tokens = open_tokens(making())
    assert [Path(call).name[-9] for call in calls] == ["0", "1", "1"], "the first file is not encoded again"
    assert list(tokens.source_ends("train")) == ["web"]
    write_tokens(web, tokenizers["bpe"], tmp_path / "plain", quiet=True)
    for name in ("train.bin", "train.idx", "val.bin", "val.idx"):
        assert (tokens.folder / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()


def test_the_engine_encodes_a_corpus_that_asks_for_nothing(sources, tokenizers, tmp_path, monkeypatch):
    corpus = write_documents(tmp_path / "own", [sources["web"]], {})
    given = []

    def mixed(corpus, folder, tokenizer, *, engine, **_):
        given.append(engine)

    monkeypatch.setattr("foretell.corpus.mixing.mixed_tokens", mixed)
    engine = EngineConfig(workers=3)
    prepare_tokens(str(corpus), "bpe", 600, tmp_path / "c", tokenizer=tokenizers["bpe"], engine=engine, quiet=True)
    assert given == [engine]


def test_another_mixture_or_tokenizer_is_another_folder(corpus, tokenizers, tmp_path):
    into, own = tmp_path / "corpora", shutil.copytree(corpus, tmp_path / "corpus")
    first = prepare_tokens(str(own), "bpe", 500, into, quiet=True)
    known = prepare_tokens(str(own), "bpe", 600, into, tokenizer=tokenizers["bpe"], quiet=True)
    assert open_tokens(known).tokenizer().sha() == tokenizers["bpe"].sha()
    (own / "card.json").write_text(json.dumps({"epochs": {"books": 2}}))
    other = prepare_tokens(str(own), "bpe", 500, into, quiet=True)
    assert len({first, known, other}) == 3
    assert [p.name for p in into.glob(".*")] == []


def test_a_hash_in_the_card_is_trusted_only_where_the_file_is_no_younger(corpus, tmp_path):
    own = shutil.copytree(corpus, tmp_path / "corpus")
    plain = source_of(own, Asked())
    name = "documents-00000.parquet"
    (own / "card.json").write_text(json.dumps({"sha256": {name: "told"}}))
    told = source_of(own, Asked())
    assert told != plain
    shutil.copyfile(own / "documents-00001.parquet", own / name)
    assert source_of(own, Asked()) not in (plain, told)


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ({"weights": [1]}, r"weights is \[1\], it must be NAME: number"),
        ({"weights": {"web": "x"}}, "it must be NAME: number"),
        ({"epochs": {}, "budget": "much"}, "budget is 'much', it must be a number of tokens"),
        ({"weights": {"wbe": 0.5}}, "names 'wbe', which is no source; did you mean 'web'"),
        ({"epochs": {"web": -1}}, "epochs -1 of 'web'"),
        ({"weights": {"web": 0.7, "books": 0.5}}, "leave nothing for 'letters'"),
    ],
)
def test_wishes_that_cannot_be_are_refused_and_leave_no_folder(corpus, tokenizers, tmp_path, card, said):
    own = shutil.copytree(corpus, tmp_path / "corpus")
    (own / "card.json").write_text(json.dumps(card))
    with pytest.raises(BadUse, match=said) as error:
        mixed_tokens(own, tmp_path / "t", tokenizers["bpe"], quiet=True)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": ["a"], "source": ["s"]}, "has no column 'text'"),
        ({"id": ["a", "b"], "text": ["x", None]}, "row 2: text is None, it must be text"),
        ({"id": [7], "text": ["x"]}, "row 1: id is 7"),
        ({"id": pa.array([], pa.string()), "text": pa.array([], pa.string())}, "has not one document"),
    ],
)
def test_a_corpus_that_is_none_is_refused(tokenizers, tmp_path, columns, said):
    (tmp_path / "c").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "c" / "documents-00000.parquet")
    with pytest.raises(BadUse, match=said):
        mixed_tokens(tmp_path / "c", tmp_path / "t", tokenizers["bpe"], quiet=True)


def test_a_folder_without_documents_and_a_broken_file_are_told(tokenizers, tmp_path):
    (tmp_path / "c").mkdir()
    with pytest.raises(BadUse, match=r"holds no documents.parquet"):
        mixed_tokens(tmp_path / "c", tmp_path / "t", tokenizers["bpe"], quiet=True)
    (tmp_path / "c" / "documents-00000.parquet").write_text("not Parquet")
    with pytest.raises(BadUse, match="is no Parquet file"):
        mixed_tokens(tmp_path / "c", tmp_path / "t", tokenizers["bpe"], quiet=True)


@pytest.mark.parametrize("how", [load_documents, lambda corpus: list(read_rows(str(corpus / PART), "c"))])
def test_a_file_that_is_damaged_in_its_middle_is_told_in_one_line(sources, tmp_path, how):
    corpus = write_documents(tmp_path / "c", [sources["web"]])
    content = bytearray((corpus / PART).read_bytes())
    content[40 : len(content) // 2] = bytes(len(content) // 2 - 40)
    (corpus / PART).write_bytes(content)
    with pytest.raises(BadUse, match=r"documents-00000.parquet is no Parquet file \(.*\); it was cut off") as error:
        how(corpus)
    assert "\n" not in str(error.value)


def test_the_card_of_a_corpus_is_parsed_once_for_all_its_files(corpus, monkeypatch):
    read = []
    monkeypatch.setattr("foretell.corpus.mixing.read_json", lambda path: read.append(path) or {"sha256": {}})
    source_of(corpus, Asked())
    assert read == [corpus / "card.json"]
