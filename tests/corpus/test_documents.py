import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretell.corpus.documents import (
    Document,
    Gathered,
    gather_folder,
    is_prose,
    load_documents,
    save_documents,
    source_hash,
    text_folder,
)
from foretell.errors import BadUse, Failed


def test_a_folder_gives_its_text_files_by_name(tmp_path):
    for name, text in {"b.txt": "Bee.", "a/z.md": "# Zed\r\nline", "a/y.rst": "\ufeffWhy", ".git/x.txt": "no"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, newline="")
    assert [(d.id, d.text) for d in text_folder(tmp_path)] == [
        ("a/y.rst", "Why"),
        ("a/z.md", "# Zed\nline"),
        ("b.txt", "Bee."),
    ]
    assert {d.source for d in text_folder(tmp_path)} == {tmp_path.name}


def test_bytes_that_are_no_utf_8_are_replaced_and_counted(tmp_path):
    (tmp_path / "latin.txt").write_bytes("Ein sch\u00f6ner Tag in der Stadt, und niemand sieht es.".encode("latin-1"))
    (tmp_path / "good.txt").write_text("A \ufffd that was there before.")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    (tmp_path / "packed").write_bytes(bytes(range(1, 256)) * 10)
    (tmp_path / "empty.txt").write_text(" \n")
    found = gather_folder(tmp_path)
    assert [d.id for d in found.documents] == ["good.txt", "latin.txt"]
    assert found.documents[1].text.startswith("Ein sch\ufffdner Tag")
    assert found.dropped == {"binary, or not in UTF-8": 2, "empty": 1, "with bytes that are no UTF-8, replaced": 1}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: None, "does not exist; give a folder"),
        (lambda p: p.write_text("text"), "is a file; give a folder"),
        (lambda p: p.mkdir(), r"holds no text \(no files\)"),
        (lambda p: (p.mkdir(), (p / "a.bin").write_bytes(b"\0" * 9)), r"holds no text \(1 binary, or not in UTF-8\)"),
    ],
)
def test_a_folder_without_text_is_refused_with_the_reason(tmp_path, make, said):
    make(tmp_path / "data")
    with pytest.raises(BadUse, match=said) as error:
        text_folder(tmp_path / "data")
    assert "\n" not in str(error.value)


def test_a_corpus_is_read_back_as_it_was_written(tmp_path, pages):
    save_documents(Gathered(pages, {"empty": 2}), tmp_path / "corpus")
    assert load_documents(tmp_path / "corpus") == pages
    assert text_folder(tmp_path / "corpus") == pages
    card = json.loads((tmp_path / "corpus" / "card.json").read_text())
    assert card["n_documents"] == 60
    assert card["n_bytes"] == sum(len(page.text.encode()) for page in pages)
    assert card["dropped"] == {"empty": 2}
    assert card["source"] == source_hash(pages)


def test_the_same_documents_give_the_same_bytes(tmp_path, pages):
    for name in ("one", "two"):
        save_documents(Gathered(pages, {}), tmp_path / name)
    for name in ("documents.parquet", "card.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_corpus_that_is_cut_off_is_refused(tmp_path, pages):
    save_documents(Gathered(pages, {}), tmp_path / "corpus")
    file = tmp_path / "corpus" / "documents.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(BadUse, match=r"documents.parquet is no Parquet file"):
        text_folder(tmp_path / "corpus")


def test_a_corpus_without_text_is_refused(tmp_path):

    pq.write_table(pa.table({"id": ["a"], "body": ["b"]}), tmp_path / "documents.parquet")
    with pytest.raises(BadUse, match="no column 'text'"):
        load_documents(tmp_path)


def test_a_folder_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path, pages):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Failed, match="cannot write"):
        save_documents(Gathered(pages, {}), tmp_path / "file" / "corpus")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("This is a sentence as people write them.\n", True),
        ("0.113, 0.224, 0.335, 0.446\n" * 5, False),
        ("words " * 400, False),
        ("some \x07 bell and words", False),
        ("broken \ufffd text with words", False),
        ("\u0414\u043e\u0431\u0440\u044b\u0439 \u0434\u0435\u043d\u044c", True),
    ],
)
def test_tables_and_junk_are_no_prose(text, want):
    assert is_prose(text) is want


def test_the_hash_names_ids_texts_and_sources():
    parts = [("a", "bc", "s"), ("ab", "c", "s"), ("a", "bc", "t"), ("a", "b", "s")]
    assert len({source_hash([Document(*one)]) for one in parts}) == 4


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"id": ["a", "b"], "text": ["x", None]}, "row 2: text is None, it must be text"),
        ({"id": [7, 8], "text": ["x", "y"]}, "row 1: id is 7, it must be text"),
        ({"id": ["a"], "text": ["x"], "source": pa.array([None], pa.string())}, "row 1: source is None"),
    ],
)
def test_a_column_of_a_corpus_that_is_no_text_is_named(tmp_path, columns, words):
    pq.write_table(pa.table(columns), tmp_path / "documents.parquet")
    with pytest.raises(BadUse, match=f"documents.parquet, {words}"):
        load_documents(tmp_path)


def test_a_file_name_that_is_no_utf_8_becomes_an_id_that_can_be_saved(tmp_path):
    folder = tmp_path / "text"
    folder.mkdir()
    try:
        (folder / os.fsdecode(b"caf\xe9.txt")).write_text("A text.")
    except OSError:
        pytest.skip("this file system takes no such name")
    save_documents(gather_folder(folder), tmp_path / "corpus")
    assert [one.id for one in load_documents(tmp_path / "corpus")] == ["caf\ufffd.txt"]


def test_a_reader_that_gives_no_reason_is_told_by_its_kind(tmp_path, monkeypatch):
    def without_a_word(*_, **__):
        raise OSError

    (tmp_path / "documents.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr("pyarrow.parquet.ParquetFile", without_a_word)
    monkeypatch.setattr("pyarrow.parquet.read_table", without_a_word)
    with pytest.raises(BadUse, match=r"is no Parquet file \(OSError\); it was cut off"):
        load_documents(tmp_path)
