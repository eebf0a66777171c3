"""Pairs of sentences as they come: JSON lines, and files whose lines belong together."""

import gzip
import json

import pytest

from foretell.corpus.batches import open_batches
from foretell.corpus.config import TranslationData
from foretell.corpus.parallel import languages, read_pairs, shared_tokenizer, split_named, splits
from foretell.errors import BadUse
from foretell.runs import read_json
from foretell.text.tokenizer import Tokenizer
from foretell.text.train import train_tokenizer

EN = ["A dog runs.", "Two men talk in a park.", "A girl in a blue dress plays."]
DE = ["Ein Hund rennt.", "Zwei M\u00e4nner reden in einem Park.", "Ein M\u00e4dchen in einem blauen Kleid spielt."]


def write(folder, packed=False, end="\n", **sides):
    """Files `train_en` -> train.en; the lines end as told."""
    folder.mkdir(exist_ok=True)
    for name, lines in sides.items():
        content = "".join(line + end for line in lines).encode()
        path = folder / name.replace("_", ".")
        if packed:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content))
        else:
            path.write_bytes(content)
    return folder


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_n_of_one_file_goes_with_line_n_of_the_other(tmp_path, packed, end):
    folder = write(tmp_path, packed, end, train_en=EN, train_de=DE)
    assert read_pairs(folder, "train", "en", "de") == list(zip(EN, DE, strict=True))
    assert read_pairs(folder, "train", "de", "en") == list(zip(DE, EN, strict=True))


def test_json_lines_say_the_same_pairs(tmp_path):
    rows = [{"source": a, "target": b} for a, b in zip(EN, DE, strict=True)]
    (tmp_path / "val.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_pairs(tmp_path, "val") == read_pairs(write(tmp_path, val_en=EN, val_de=DE), "val", "en", "de")


def test_one_side_may_be_packed_and_the_last_newline_absent(tmp_path):
    write(tmp_path, True, train_en=EN)
    (tmp_path / "train.de").write_text("\ufeff" + "\n".join(DE), encoding="utf-8")
    assert read_pairs(tmp_path, "train", "en", "de") == list(zip(EN, DE, strict=True))


def test_only_a_newline_ends_a_line(tmp_path):
    """Python's splitlines() would cut the first text in three, and every later pair would be wrong."""
    odd = ["A dog\u2028runs\x0bfast.", *EN[1:]]
    folder = write(tmp_path, train_en=odd, train_de=DE)
    assert [source for source, _ in read_pairs(folder, "train", "en", "de")] == odd


def test_an_empty_line_keeps_its_place(tmp_path):
    folder = write(tmp_path, train_en=[EN[0], "", EN[2]], train_de=DE)
    assert read_pairs(folder, "train", "en", "de")[2] == (EN[2], DE[2])


def test_what_a_folder_holds_is_told(tmp_path):
    folder = write(tmp_path, train_en=EN, train_de=DE, test_en=EN)
    write(folder, True, train_fr=DE)
    (folder / "train.jsonl").write_text("{}")
    assert languages(folder, "train") == ["de", "en", "fr"]
    assert splits(folder, "en") == ["test", "train"]


@pytest.mark.parametrize(
    ("split", "source", "target", "said"),
    [
        ("train", "en", "it", r"holds neither train\.it nor train\.it\.gz; train is there in de, en"),
        ("trian", "en", "de", r"neither trian\.en .*; en is there for short, train, wide .perhaps|mean.*train"),
        ("dev", "it", "de", r"put dev\.it there, one sentence a line"),
        ("train", "", "", r"train\.jsonl does not exist, but train is there in de, en; add --data\.source de"),
        ("short", "", "", r"short is there in en; its other language is missing"),
        ("short", "en", "de", r"neither short\.de .*short is there in en"),
        ("wide", "en", "de", r"wide\.en has 3 lines and wide\.de has 2; line n of one must be"),
        ("none", "en", "de", r"none\.en holds no line"),
        ("bytes", "en", "de", r"bytes\.en is no UTF-8 text"),
        ("cut", "en", "de", r"cut\.en\.gz cannot be read"),
        ("plain", "en", "de", r"plain\.en\.gz cannot be read .*copy it again"),
        ("val", "", "", r"val\.jsonl does not exist; the folder needs"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, split, source, target, said):
    write(tmp_path, train_en=EN, train_de=DE, wide_en=EN, wide_de=DE[:2], short_en=EN)
    for name in ("bytes", "cut", "plain"):
        if split == name:
            write(tmp_path, **{f"{name}_de": DE})
    if split == "none":
        write(tmp_path, none_en=[], none_de=[])
    if split == "bytes":
        (tmp_path / "bytes.en").write_bytes(b"\xff\xfe\n" * 3)
    if split == "cut":
        (tmp_path / "cut.en.gz").write_bytes(gzip.compress("\n".join(EN).encode())[:-9])
    if split == "plain":
        (tmp_path / "plain.en.gz").write_text("no gzip")
    with pytest.raises(BadUse, match=said) as caught:
        read_pairs(tmp_path, split, source, target)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_none_is_named(tmp_path):
    with pytest.raises(BadUse, match="nowhere is no folder"):
        read_pairs(tmp_path / "nowhere", "train", "en", "de")


@pytest.mark.parametrize(
    ("names", "wanted"),
    [(["test"], "test"), (["test_2016"], "test_2016"), (["test", "test_2016"], "test"), (["newstest14"], "newstest14")],
)
def test_the_test_split_is_found_by_its_name(tmp_path, names, wanted):
    write(tmp_path, train_en=EN, train_de=DE, **{f"{name.replace('_', '-')}_en": EN for name in names})
    for path in tmp_path.glob("*-*"):
        path.rename(tmp_path / path.name.replace("-", "_"))
    assert split_named(tmp_path, "en") == wanted
    assert split_named(tmp_path, "en", "train") == "train"


def test_two_test_splits_need_a_choice(tmp_path):
    write(tmp_path, test1_en=EN, test2_en=EN)
    with pytest.raises(BadUse, match="more than one test split: test1, test2; name one"):
        split_named(tmp_path, "en")
    write(tmp_path / "other", train_en=EN)
    with pytest.raises(BadUse, match="no test split in en; it holds train"):
        split_named(tmp_path / "other", "en")


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [("en", "", "give both or none"), ("", "de", "give both or none"), ("en", "en", "same file"),
     ("../en", "de", r"'\.\./en' is no ending"), ("en", "d e", "'d e' is no ending")],
)  # fmt: skip
def test_languages_that_name_no_two_files_are_refused(source, target, said):
    with pytest.raises(ValueError, match=said):
        TranslationData(length=8, tokens_per_bucket=64, source=source, target=target)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A folder with made pairs, enough of them to learn tokens from."""
    nouns, verbs = ["dog", "girl", "man", "boat"], ["runs", "talks", "plays", "waits"]
    en = [f"A {noun} {verb} in park {n}." for n in range(6) for noun in nouns for verb in verbs]
    de = [f"{noun.upper()} {verb}en stra\u00dfe {n}!" for n in range(6) for noun in nouns for verb in verbs]
    return write(tmp_path_factory.mktemp("many"), train_en=en, train_de=de, val_en=en[:9], val_de=de[:9])


def test_the_shared_tokenizer_is_that_of_both_sides(many, tmp_path):
    pairs = read_pairs(many, "train", "en", "de")
    folder = shared_tokenizer(pairs, "many", "bpe", 320, tmp_path, quiet=True)
    assert folder == tmp_path / "many-bpe-320"
    found, card = Tokenizer.load(folder), read_json(folder / "card.json")
    assert found.sha() == train_tokenizer("bpe", [text for pair in pairs for text in pair], 320).sha()
    assert (card["n_vocab"], card["n_pairs"]) == (320, len(pairs))
    english = train_tokenizer("bpe", [source for source, _ in pairs], 290)
    target = pairs[0][1]
    assert len(found.encode(target)) < len(english.encode(target))


def test_the_shared_tokenizer_is_made_once_and_other_pairs_get_their_own(many, tmp_path):
    pairs = read_pairs(many, "train", "en", "de")
    first = shared_tokenizer(pairs, "many", "bpe", 320, tmp_path, quiet=True)
    made = (first / "tokenizer.json").stat().st_mtime_ns
    assert shared_tokenizer(pairs, "many", "bpe", 320, tmp_path, quiet=True) == first
    assert (first / "tokenizer.json").stat().st_mtime_ns == made
    other = shared_tokenizer(pairs[:80], "many", "bpe", 320, tmp_path, quiet=True)
    assert other.name.startswith("many-bpe-320-")
    assert (first / "tokenizer.json").stat().st_mtime_ns == made


def test_line_aligned_files_are_buckets_of_a_run(many, tmp_path):
    tokens = shared_tokenizer(read_pairs(many, "train", "en", "de"), "many", "bpe", 320, tmp_path, quiet=True)
    given = {"folder": str(many), "tokens": str(tokens), "length": 40, "tokens_per_bucket": 200}
    opened = open_batches(TranslationData(source="en", target="de", **given), seed=1)
    turned = open_batches(TranslationData(source="de", target="en", **given), seed=1)
    assert sum(len(bucket) for bucket in opened.train) == sum(len(bucket) for bucket in turned.train) == 96
    sides = [
        sorted(tuple(pair[side].tolist()) for b in one.train for pair in b) for one, side in ((opened, 0), (turned, 1))
    ]
    assert sides[0] == sides[1]
