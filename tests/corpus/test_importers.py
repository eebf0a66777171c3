import csv
import gzip
import struct
from itertools import chain, pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest

from foretell.corpus.batches import open_batches
from foretell.corpus.config import SegmentData, TextData
from foretell.corpus.documents import Document
from foretell.corpus.foreign import layout_of, open_foreign
from foretell.corpus.importers import import_tokens
from foretell.corpus.sentences import sentences
from foretell.corpus.split import split
from foretell.corpus.tokens import open_tokens, write_tokens
from foretell.corpus.verifying import verified
from foretell.errors import BadUse

NAMES = {"nanogpt": "train.bin", "megatron": "web_document.bin", "datatrove": "00000.ds", "dolma": "part-0.npy"}


@pytest.fixture(scope="module")
def tokenizer(tokenizers):
    return tokenizers["bpe"]


@pytest.fixture(scope="module")
def documents(pages, tokenizer) -> list[list[int]]:
    return [[*tokenizer.encode(page.text), tokenizer.end_of_text] for page in pages]


def write_megatron(path, documents, kind="H", code=8, modes=False):
    """Field by field as Megatron-LM's _IndexWriter does it; a document is a list of sequences."""
    sequences = [ids for one in documents for ids in one]
    pointers, firsts, begin = [], [0], 0
    for ids in sequences:
        pointers.append(begin)
        begin += len(ids) * struct.calcsize(kind)
    for one in documents:
        firsts.append(firsts[-1] + len(one))
    path.write_bytes(b"".join(struct.pack(f"<{len(ids)}{kind}", *ids) for ids in sequences))
    with path.with_suffix(".idx").open("wb") as file:
        file.write(b"MMIDIDX\x00\x00" + struct.pack("<Q", 1) + struct.pack("<B", code))
        file.write(struct.pack("<QQ", len(sequences), len(firsts)))
        file.write(struct.pack(f"<{len(sequences)}i", *map(len, sequences)))
        file.write(struct.pack(f"<{len(pointers)}q", *pointers) + struct.pack(f"<{len(firsts)}q", *firsts))
        file.write(b"\0" * len(sequences) if modes else b"")


def write_datatrove(path, documents, kind="H"):
    """As datatrove's TokenizedFile does it: tokens, then the ends of documents in tokens."""
    ends, n = [], 0
    with path.open("wb") as file:
        for ids in documents:
            file.write(struct.pack(f"<{len(ids)}{kind}", *ids))
            n += len(ids)
            ends.append(n)
    path.with_name(f"{path.name}.index").write_bytes(struct.pack(f"<{len(ends)}Q", *ends))


def write_dolma(path, documents, kind="uint16"):
    """As dolma's MemmapWriter does it: a memory map of raw tokens, and a row of each document."""
    flat = np.memmap(path, kind, mode="w+", shape=(sum(map(len, documents)),))
    with gzip.open(path.with_name(f"{path.stem}.csv.gz"), "wt", newline="") as file:
        rows, n = csv.writer(file), 0
        for i, ids in enumerate(documents):
            flat[n : n + len(ids)] = ids
            rows.writerow((n, n + len(ids), f'id "{i}", of s', "s3://bucket/a.json.gz", i + 1))
            n += len(ids)
    flat.flush()


def write(layout, folder, documents, wide=False):
    """The documents in a layout, in 2 bytes a token or 4."""
    path = folder / NAMES[layout]
    folder.mkdir(parents=True, exist_ok=True)
    if layout == "nanogpt":
        np.array([i for ids in documents for i in ids], "<u2").tofile(path)
    elif layout == "megatron":
        write_megatron(path, [[ids] for ids in documents], *(("i", 4) if wide else ("H", 8)))
    elif layout == "datatrove":
        write_datatrove(path, documents, "I" if wide else "H")
    else:
        write_dolma(path, documents, "uint32" if wide else "uint16")
    return path


def parted(documents, ids):
    """Which documents are held out, by split.py's rule over the tokens."""
    sides = split([Document(one, "x" * len(tokens), "s") for one, tokens in zip(ids, documents, strict=True)])
    held = {one.id for one in sides["val"]}
    return [
        [tokens for one, tokens in zip(ids, documents, strict=True) if (one in held) == out] for out in (False, True)
    ]


@pytest.mark.parametrize(
    ("layout", "wide"), [*((layout, False) for layout in NAMES), *((layout, True) for layout in list(NAMES)[1:])]
)
def test_every_layout_comes_in_token_for_token_with_its_documents(layout, wide, documents, tokenizer, pages, tmp_path):
    path = write(layout, tmp_path / "in", documents, wide)
    assert layout_of(path) == layout
    card = import_tokens({"web": [path]}, tmp_path / "t", tokenizer, quiet=True)
    tokens = open_tokens(tmp_path / "t")
    ids = [f'id "{i}", of s' if layout == "dolma" else f"{path.name}:{i}" for i in range(len(documents))]
    for file, want in zip((tokens.train, tokens.val), parted(documents, ids), strict=True):
        assert want
        assert file.tokens.tolist() == [i for one in want for i in one]
        assert file.tokens.dtype == np.dtype("<u2")
        assert np.diff(file.sequences[file.documents]).tolist() == [len(one) for one in want]
    assert sum(card["n_bytes"].values()) == sum(len(page.text.encode()) for page in pages)
    assert card["sources"]["web"]["train"]["ends_added"] == 0
    assert card["n_documents"] == len(documents)
    assert not verified(tmp_path / "t").problems
    rows = pq.read_table(tmp_path / "t" / "documents.parquet").to_pylist()
    assert {row["id"] for row in rows} == set(ids)
    lengths = {name: len(page.text.encode()) for name, page in zip(ids, pages, strict=True)}
    for row in rows:
        held = getattr(tokens, row["split"]).tokens[row["offset"] : row["offset"] + row["n_tokens"]]
        assert held.tolist() == documents[ids.index(row["id"])]
        assert row["n_bytes"] == lengths[row["id"]]


@pytest.mark.parametrize("layout", ["megatron", "datatrove", "dolma"])
def test_documents_without_an_end_of_text_get_one(layout, documents, tokenizer, tmp_path):
    bare = [ids[:-1] if i % 3 else ids for i, ids in enumerate(documents)]
    path = write(layout, tmp_path, bare)
    card = import_tokens({"web": [path]}, tmp_path / "t", tokenizer, quiet=True)
    added = sum(side["ends_added"] for side in card["sources"]["web"].values())
    assert added == sum(ids != one for ids, one in zip(bare, documents, strict=True))
    tokens = open_tokens(tmp_path / "t")
    found = []
    for file in (tokens.train, tokens.val):
        ends = file.sequences[file.documents]
        found += [file.tokens[a:b].tolist() for a, b in pairwise(ends)]
    assert sorted(found) == sorted(documents)


def test_copying_part_by_part_changes_nothing(documents, tokenizer, tmp_path, monkeypatch):
    path = write("datatrove", tmp_path, [ids[:-1] if i % 4 == 0 else ids for i, ids in enumerate(documents)])
    whole = import_tokens({"web": [path]}, tmp_path / "whole", tokenizer, quiet=True)
    monkeypatch.setattr("foretell.corpus.importers.AT_ONCE", 97)
    monkeypatch.setattr("foretell.corpus.foreign.PART", 53)
    assert import_tokens({"web": [path]}, tmp_path / "parts", tokenizer, quiet=True) == whole


def test_files_of_several_sources_make_a_mixture(documents, tokenizer, tmp_path):
    files = {"web": [write("datatrove", tmp_path / str(i), documents[i * 20 : i * 20 + 20]) for i in range(2)]}
    files["books"] = [write("nanogpt", tmp_path / "b", documents[40:])]
    card = import_tokens(files, tmp_path / "t", tokenizer, weights={"books": 0.7}, quiet=True)
    assert card["mixture"] == [{"first": 0, "weights": pytest.approx({"web": 0.3, "books": 0.7})}]
    tokens = open_tokens(tmp_path / "t")
    first, end = tokens.source_ends("train")["books"]
    assert end == len(tokens.train.tokens)
    assert set(tokens.train.tokens[first:end].tolist()) <= {i for ids in documents[40:] for i in ids}
    rows = open_batches(TextData(folder=str(tmp_path / "t"), length=32), seed=0)
    assert rows.epochs(1000)["books"] == pytest.approx(700 / rows.order.sizes[1])


def test_held_out_files_are_held_out(documents, tokenizer, tmp_path):
    train, val = write("nanogpt", tmp_path / "a", documents[:50]), write("nanogpt", tmp_path / "b", documents[50:])
    import_tokens({"web": [train]}, tmp_path / "t", tokenizer, val={"web": [val]}, quiet=True)
    tokens = open_tokens(tmp_path / "t")
    for file, want in ((tokens.train, documents[:50]), (tokens.val, documents[50:])):
        assert file.tokens.tolist() == [i for one in want for i in one]


def test_one_long_document_is_cut_for_the_held_out_text(documents, tokenizer, tmp_path):
    flat = [i for ids in documents[:5] for i in ids[:-1]]
    path = write("nanogpt", tmp_path, [flat])
    import_tokens({"book": [path]}, tmp_path / "t", tokenizer, quiet=True)
    tokens, cut = open_tokens(tmp_path / "t"), round(len(flat) * 0.95)
    assert tokens.card["n_documents"] == 1, "it is in both splits and counts once"
    assert tokens.train.tokens.tolist() == [*flat[:cut], tokenizer.end_of_text]
    assert tokens.val.tokens.tolist() == [*flat[cut:], tokenizer.end_of_text]


def test_the_header_of_llm_c_is_no_text(documents, tokenizer, tmp_path):
    flat = np.array([i for ids in documents for i in ids], "<u2")
    header = np.zeros(256, "<i4")
    header[:3] = 20240520, 1, len(flat)
    (tmp_path / "x.bin").write_bytes(header.tobytes() + flat.tobytes())
    assert open_foreign(tmp_path / "x.bin", tokenizer).tokens.tolist() == flat.tolist()
    (tmp_path / "x.bin").write_bytes(header.tobytes() + flat[:-3].tobytes())
    with pytest.raises(BadUse, match=r"x.bin has \d+ tokens, its header says \d+"):
        open_foreign(tmp_path / "x.bin", tokenizer)


def test_sentences_of_megatron_stay_sequences(pages, tokenizers, tmp_path):
    tokenizer = tokenizers["wordpiece"]
    made = [[ids for s in sentences(page.text) if (ids := tokenizer.encode(s))] for page in pages]
    write_megatron(tmp_path / "x.bin", made)
    import_tokens({"web": [tmp_path / "x.bin"]}, tmp_path / "t", tokenizer, quiet=True)
    tokens = open_tokens(tmp_path / "t")
    lengths = [
        len(ids)
        for side in parted([list(chain(*one)) for one in made], [f"x.bin:{i}" for i in range(60)])
        for ids in side
    ]
    found = [np.diff(file.sequences[file.documents]).tolist() for file in (tokens.train, tokens.val)]
    assert found[0] + found[1] == lengths
    n_sequences = len(tokens.train.sequences) + len(tokens.val.sequences) - 2
    assert n_sequences == sum(map(len, made))
    assert open_batches(SegmentData(folder=str(tmp_path / "t"), length=48), seed=0).batch(np.arange(3))["inputs"].any()


def test_our_own_folder_comes_back_from_its_own_files(pages, tokenizer, tmp_path):
    """Our files are Megatron's."""
    write_tokens(pages, tokenizer, tmp_path / "t", quiet=True)
    given = {"train": {"x": [tmp_path / "t" / "train.bin"]}, "val": {"x": [tmp_path / "t" / "val.idx"]}}
    import_tokens(given["train"], tmp_path / "again", tokenizer, val=given["val"], quiet=True)
    for name in ("train.bin", "train.idx", "val.bin", "val.idx"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "t" / name).read_bytes()


def test_modes_at_the_end_of_a_megatron_index_and_other_widths_are_read(documents, tokenizer, tmp_path):
    few = [ids[:50] for ids in documents[:4]]
    for kind, code in (("h", 3), ("q", 5)):
        write_megatron(tmp_path / "x.bin", [[ids] for ids in few], kind, code, modes=True)
        assert open_foreign(tmp_path / "x.bin", tokenizer).tokens.tolist() == list(chain(*few))


def test_empty_documents_are_left_out(documents, tokenizer, tmp_path):
    path = write("datatrove", tmp_path, [[], *documents[:30], [], [], *documents[30:], []])
    card = import_tokens({"web": [path]}, tmp_path / "t", tokenizer, quiet=True)
    assert card["n_documents"] == len(documents)
    assert (np.diff(open_tokens(tmp_path / "t").train.sequences) > 0).all()


def cut(name, n=1):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-n])


def put(name, content):
    return lambda folder: (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("layout", "damage", "said"),
    [
        ("nanogpt", cut("train.bin"), r"train.bin has \d+ bytes, no whole number of 2-byte tokens"),
        ("nanogpt", lambda f: (f / "train.bin").unlink(), "train.bin does not exist"),
        ("nanogpt", put("train.bin", b""), "have no tokens"),
        ("megatron", cut("web_document.bin", 2), r"web_document.bin has \d+ tokens and its .idx speaks of \d+"),
        ("megatron", cut("web_document.bin"), "no whole number of 2-byte tokens"),
        ("megatron", cut("web_document.idx"), r"web_document.idx has \d+ bytes, not those of 60 sequences"),
        ("megatron", put("web_document.idx", b""), "web_document.idx is no MMIDIDX file"),
        ("megatron", put("web_document.idx", b"MMIDIDX\0\0" + struct.pack("<QBQQ", 1, 7, 0, 1)), "token type 7"),
        ("datatrove", cut("00000.ds", 2), r"00000.ds has \d+ bytes for \d+ tokens, which is neither 2 nor 4 bytes"),
        ("datatrove", cut("00000.ds.index", 8), r"00000.ds has \d+ bytes for \d+ tokens"),
        ("datatrove", cut("00000.ds.index", 3), r"00000.ds.index has \d+ bytes, no whole number of 8-byte"),
        ("datatrove", lambda f: (f / "00000.ds.index").unlink(), "00000.ds.index does not exist"),
        ("datatrove", put("00000.ds.index", struct.pack("<2Q", 9, 4)), "ends of documents that do not rise"),
        ("dolma", cut("part-0.npy", 2), r"part-0.npy has \d+ bytes for \d+ tokens"),
        ("dolma", cut("part-0.csv.gz", 9), r"part-0.csv.gz has no lines start,end,id"),
        ("dolma", put("part-0.csv.gz", gzip.compress(b"0,5,a,s,1\n6,9,b,s,2\n")), "line 2: 6 to 9 does not follow 5"),
        ("dolma", put("part-0.csv.gz", gzip.compress(b"id,src\n")), "has no lines start,end,id"),
        ("dolma", put("part-0.csv.gz", gzip.compress(b"")[:10] + b"\xff" * 9), "no lines start,end,id .*Error -3"),
        ("dolma", put("part-0.csv.gz", gzip.compress(b"0,5," + b"a" * 200_000)), "no lines .*field larger than"),
        ("dolma", put("part-0.npy", b"\x93NUMPY\x01\0"), "is an array as numpy saves it"),
    ],
)
def test_a_damaged_file_is_refused_and_named(layout, damage, said, documents, tokenizer, tmp_path):
    path = write(layout, tmp_path / "in", documents)
    damage(tmp_path / "in")
    with pytest.raises(BadUse, match=said) as error:
        import_tokens({"web": [path]}, tmp_path / "t", tokenizer, quiet=True)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "t").exists()


def test_sequences_that_do_not_lie_end_to_end_are_refused(documents, tokenizer, tmp_path):
    path = write("megatron", tmp_path, documents)
    index = bytearray(path.with_suffix(".idx").read_bytes())
    struct.pack_into("<q", index, 34 + 4 * 60 + 8, 7)
    path.with_suffix(".idx").write_bytes(index)
    with pytest.raises(BadUse, match="sequences that do not lie end to end"):
        open_foreign(path, tokenizer)
    write_megatron(path, [[ids] for ids in documents])
    index = bytearray(path.with_suffix(".idx").read_bytes())
    struct.pack_into("<q", index, len(index) - 8, 59)
    path.with_suffix(".idx").write_bytes(index)
    with pytest.raises(BadUse, match="documents that do not hold every sequence"):
        open_foreign(path, tokenizer)


@pytest.mark.parametrize(("kind", "code", "ids", "said"), [("H", 8, [5, 600], 600), ("i", 4, [5, -1], -1)])
def test_ids_that_the_tokenizer_lacks_are_refused(kind, code, ids, said, tokenizer, tmp_path):
    write_megatron(tmp_path / "x.bin", [[ids * 40]] * 3, kind, code)
    with pytest.raises(BadUse, match=rf"x.bin holds token id {said}, but this bpe tokenizer has ids 0 to 599"):
        import_tokens({"web": [tmp_path / "x.bin"]}, tmp_path / "t", tokenizer, quiet=True)


def test_a_name_that_tells_no_layout_is_refused(tmp_path, tokenizer):
    with pytest.raises(BadUse, match=r"is of no known layout; give a .bin, a .ds or a .npy"):
        open_foreign(tmp_path / "x.tokens", tokenizer)
