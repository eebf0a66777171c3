import json
import shutil
import struct

import numpy as np
import pyarrow.parquet as pq
import pytest

from foretell.corpus.documents import Document
from foretell.corpus.megatron import open_file, token_type, write_index
from foretell.corpus.sentences import sentences
from foretell.corpus.split import split
from foretell.corpus.tokens import check_kind, check_length, largest_id, open_tokens, write_tokens
from foretell.corpus.verifying import verified
from foretell.errors import BadUse, Failed
from foretell.runs import sha256

KINDS = ("bpe", "gpt1", "wordpiece")


@pytest.fixture
def copied(tmp_path, token_folders):
    return shutil.copytree(token_folders["bpe"], tmp_path / "tokens")


@pytest.mark.parametrize("kind", KINDS)
def test_every_document_is_there_token_for_token(kind, pages, tokenizers, token_folders):
    tokens, tokenizer = open_tokens(token_folders[kind]), tokenizers[kind]
    end = [] if kind == "wordpiece" else [tokenizer.end_of_text]
    for name, documents in split(pages).items():
        file = getattr(tokens, name)
        starts = file.sequences[file.documents]
        assert len(starts) == len(documents) + 1
        for i, one in enumerate(documents):
            assert file.tokens[starts[i] : starts[i + 1]].tolist() == tokenizer.encode(one.text) + end


def test_a_document_of_wordpiece_is_one_sequence_per_sentence(pages, tokenizers, token_folders):
    file = open_tokens(token_folders["wordpiece"]).train
    first = split(pages)["train"][0]
    want = [ids for s in sentences(first.text) if (ids := tokenizers["wordpiece"].encode(s))]
    assert np.diff(file.sequences[: file.documents[1] + 1]).tolist() == [len(ids) for ids in want]


def test_the_sidecar_traces_every_token_to_its_document(pages, tokenizers, token_folders):
    tokens = open_tokens(token_folders["bpe"])
    rows = pq.read_table(token_folders["bpe"] / "documents.parquet").to_pylist()
    by_id = {page.id: page for page in pages}
    assert {row["id"] for row in rows} == set(by_id)
    for row in rows:
        file = getattr(tokens, row["split"])
        ids = file.tokens[row["offset"] : row["offset"] + row["n_tokens"]]
        assert tokenizers["bpe"].decode(ids) == by_id[row["id"]].text + "<|endoftext|>"
        assert row["n_bytes"] == len(by_id[row["id"]].text.encode())


def test_the_card_counts_and_names_what_is_there(pages, tokenizers, token_folders):
    folder = token_folders["gpt1"]
    card = json.loads((folder / "card.json").read_text())
    assert card["n_vocab"] == tokenizers["gpt1"].n_vocab
    assert card["n_tokens"] == {name: (folder / f"{name}.bin").stat().st_size // 2 for name in ("train", "val")}
    assert sum(card["n_bytes"].values()) == sum(len(page.text.encode()) for page in pages)
    assert card["sha256"] == {p.name: sha256(p) for p in sorted(folder.iterdir()) if p.name != "card.json"}
    assert card["tokenizer_sha256"] == card["sha256"]["tokenizer.json"]
    assert open_tokens(folder).tokenizer().encode("the end") == tokenizers["gpt1"].encode("the end")


def test_the_same_text_gives_the_same_bytes(pages, tokenizers, token_folders, tmp_path):
    again = write_tokens(pages, tokenizers["wordpiece"], tmp_path / "again", quiet=True)
    for path in token_folders["wordpiece"].iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()


def test_an_idx_file_is_laid_out_as_megatron_reads_it(tmp_path):
    """Read field by field with struct, after the description of MMapIndexedDataset."""
    write_index(tmp_path / "x.idx", token_type(70_000), np.array([3, 1, 2]), np.array([0, 2, 3]))
    content = (tmp_path / "x.idx").read_bytes()
    assert content[:9] == b"MMIDIDX\x00\x00"
    assert struct.unpack_from("<QBQQ", content, 9) == (1, 4, 3, 3)
    assert struct.unpack_from("<3i", content, 34) == (3, 1, 2)
    assert struct.unpack_from("<3q", content, 46) == (0, 12, 16)
    assert struct.unpack_from("<3q", content, 70) == (0, 2, 3)
    assert len(content) == 94


def test_tokens_take_two_bytes_below_65500_and_four_from_there():
    assert [token_type(n).itemsize for n in (600, 65_499, 65_500, 100_000)] == [2, 2, 4, 4]


def test_a_wide_file_is_read_back(tmp_path):
    ids = np.array([70_000, 1, 2, 65_536], dtype="<i4")
    (tmp_path / "x.bin").write_bytes(ids.tobytes())
    write_index(tmp_path / "x.idx", ids.dtype, np.array([4]), np.array([0, 1]))
    assert open_file(tmp_path / "x").tokens.tolist() == ids.tolist()


def test_a_sequence_that_is_longer_than_its_length_can_say_is_refused(tmp_path):
    write_index(tmp_path / "x.idx", token_type(600), np.array([2**31 - 1, 0]), np.array([0, 2]))
    with pytest.raises(BadUse, match=r"a document has 2,147,483,648 tokens, .* at most 2,147,483,647 of each; cut it"):
        write_index(tmp_path / "y.idx", token_type(600), np.array([1, 2**31]), np.array([0, 2]))
    assert not (tmp_path / "y.idx").exists()


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ([1, 2], "documents that do not hold every sequence"),
        ([0, 3], "documents that do not hold every sequence"),
        ([0, 2, 1, 2], "documents that do not hold every sequence"),
        ([0, -1, 2], "documents that do not hold every sequence"),
        ([], "has 58 bytes, not those of 2 sequences"),
    ],
)
def test_an_index_with_damaged_documents_is_refused(tmp_path, documents, said):
    (tmp_path / "x.bin").write_bytes(bytes(10))
    write_index(tmp_path / "x.idx", token_type(600), np.array([2, 3]), np.array(documents))
    with pytest.raises(BadUse, match=rf"x.idx .*{said}") as error:
        open_file(tmp_path / "x")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("place", range(9, 94))
def test_any_damaged_byte_of_an_index_is_one_line_or_harmless(tmp_path, place):
    (tmp_path / "x.bin").write_bytes(bytes(24))
    write_index(tmp_path / "x.idx", token_type(70_000), np.array([3, 1, 2]), np.array([0, 2, 3]))
    content = bytearray((tmp_path / "x.idx").read_bytes())
    said = []
    for change in (1, 0x80, 0xFF):
        damaged = content.copy()
        damaged[place] ^= change
        (tmp_path / "x.idx").write_bytes(damaged)
        try:
            file = open_file(tmp_path / "x")
        except BadUse as error:
            said.append(str(error))
        else:
            assert file.sequences[-1] == len(file.tokens)
            assert file.documents[-1] == len(file.sequences) - 1
            assert (np.diff(file.documents) >= 0).all()
    assert not any("\n" in one for one in said)


def cut(path):
    path.write_bytes(path.read_bytes()[:-2])


def changed(**fields):
    """What writes a card with other fields; None takes one away."""

    def damage(path):
        card = {**json.loads(path.read_text()), **fields}
        path.write_text(json.dumps({name: value for name, value in card.items() if value is not None}))

    return damage


def without(name):
    return changed(**{name: None})


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("train.bin", cut, r"train.bin has \d+ bytes and its .idx speaks of \d+"),
        ("val.idx", cut, r"val.idx has \d+ bytes, not those of"),
        ("val.idx", lambda p: p.write_text("something else, long enough to be a header"), "val.idx is no MMIDIDX file"),
        (
            "val.idx",
            lambda p: p.write_bytes(b"MMIDIDX\0\0" + struct.pack("<QBQQ", 2, 8, 0, 0)),
            "val.idx has version 2",
        ),
        ("train.bin", lambda p: p.unlink(), "train.bin does not exist"),
        ("card.json", lambda p: p.unlink(), "card.json does not exist"),
        ("card.json", lambda p: p.write_text("[]"), "card.json is no card of a token folder"),
        ("card.json", lambda p: p.write_text("{"), "card.json is not JSON"),
        ("card.json", lambda p: p.write_text('{"kind": "tokens"}'), "n_vocab' is missing|'tokenizer' is missing"),
        ("card.json", without("tokenizer"), "card.json: 'tokenizer' is missing; make the folder again"),
        ("card.json", without("n_vocab"), "card.json: 'n_vocab' is missing"),
        ("card.json", changed(n_tokens=7), "card.json: n_tokens is 7; make"),
        ("card.json", changed(n_vocab=3, largest_id=None), r"train.bin holds token id \d+, but its card has n_vocab=3"),
        ("card.json", changed(n_vocab=3), r"train.bin holds token id \d+, but its card has n_vocab=3, ids 0 to 2"),
    ],
)
def test_a_damaged_folder_is_refused_and_the_file_named(copied, name, damage, said):
    damage(copied / name)
    with pytest.raises(BadUse, match=said) as error:
        open_tokens(copied)
    assert "\n" not in str(error.value)


def test_too_short_a_text_is_told_with_its_length_and_the_remedy(tokenizers, tmp_path):
    tokens = open_tokens(
        write_tokens([Document("a", "one line\n", "s")], tokenizers["bpe"], tmp_path / "t", quiet=True)
    )
    with pytest.raises(
        BadUse, match=r"train.bin has \d tokens, a row needs 65; give more text, or lower --data.length"
    ):
        check_length(tokens, 65)


def test_tokens_of_another_kind_are_refused(token_folders):
    with pytest.raises(BadUse, match="holds bpe tokens, not wordpiece"):
        check_kind(open_tokens(token_folders["bpe"]), "wordpiece")


def test_a_stop_in_the_middle_leaves_nothing(pages, tokenizers, tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("foretell.corpus.tokens.write_index", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_tokens(pages, tokenizers["bpe"], tmp_path / "t", quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_what_was_there_stays(copied, pages, tokenizers, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = {path.name: path.read_bytes() for path in copied.iterdir()}
    monkeypatch.setattr("foretell.corpus.tokens.write_index", full)
    with pytest.raises(Failed, match="No space left on device"):
        write_tokens(pages, tokenizers["bpe"], copied, quiet=True)
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == before


def test_ids_are_looked_through_when_written_and_not_again_at_opening(copied, token_folders, monkeypatch):
    tokens = open_tokens(copied)
    assert tokens.card["largest_id"] == {"train": tokens.train.tokens.max(), "val": tokens.val.tokens.max()}
    monkeypatch.setattr("foretell.corpus.tokens.largest_id", None)
    open_tokens(copied)


def test_a_card_that_does_not_know_the_largest_id_has_them_looked_through(copied):
    changed(largest_id=None)(copied / "card.json")
    open_tokens(copied)
    ids = np.fromfile(copied / "train.bin", "<u2")
    ids[-1] = 600
    ids.tofile(copied / "train.bin")
    with pytest.raises(BadUse, match=r"train.bin holds token id 600, but its card has n_vocab=600"):
        open_tokens(copied)


def test_the_largest_id_is_found_part_by_part(monkeypatch):
    monkeypatch.setattr("foretell.corpus.tokens.PART", 7)
    for at in (0, 6, 7, 29):
        ids = np.arange(30) % 5
        ids[at] = 9
        assert largest_id(ids) == 9
    assert largest_id(np.empty(0, "<u2")) == 0


def test_a_folder_is_verified_by_its_hashes(copied):
    hashes = {p.name: sha256(p) for p in copied.iterdir() if p.name != "card.json"}
    assert json.loads((copied / "card.json").read_text())["sha256"] == hashes
    assert verified(copied) == (len(hashes), sum((copied / name).stat().st_size for name in hashes), [])


@pytest.mark.parametrize("name", ["train.bin", "val.idx", "documents.parquet", "tokenizer.json"])
def test_one_flipped_bit_is_found_and_its_file_named(copied, name):
    content = bytearray((copied / name).read_bytes())
    content[-1] ^= 1
    (copied / name).write_bytes(content)
    (problem,) = verified(copied).problems
    assert f"{copied / name} has SHA-256 " in problem


def test_a_file_that_the_card_names_and_is_not_there_is_told(copied):
    (copied / "documents.parquet").unlink()
    (problem,) = verified(copied).problems
    assert "card.json names 'documents.parquet', which is not there" in problem
    changed(sha256={"../x": "0"})(copied / "card.json")
    (problem,) = verified(copied).problems
    assert "names '../x', which is not there" in problem
    changed(sha256=None)(copied / "card.json")
    with pytest.raises(BadUse, match=r"card.json has no hashes"):
        verified(copied)


def test_the_sources_of_a_card_are_where_it_says(three_sources):
    tokens = open_tokens(three_sources)
    for name in ("train", "val"):
        ends = list(tokens.source_ends(name).values())
        assert ends[0][0] == 0
        assert ends[-1][1] == len(getattr(tokens, name).tokens)
    assert list(tokens.source_ends("train")) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({"a": {"train": {"first": 0, "n_tokens": 1}, "val": {"first": 0, "n_tokens": 1}}}, "do not fill train.bin"),
        ({"a": {"train": {"first": 0}}}, "does not say where its sources lie"),
        ({"a": 7}, "does not say where its sources lie"),
        ([], "does not say where its sources lie"),
    ],
)
def test_sources_that_do_not_lie_end_to_end_are_refused(three_sources, tmp_path, sources, said):
    folder = shutil.copytree(three_sources, tmp_path / "tokens")
    changed(sources=sources)(folder / "card.json")
    with pytest.raises(BadUse, match=said):
        open_tokens(folder)
