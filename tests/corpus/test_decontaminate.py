"""What is cut out of documents, against a plain twin of the paper's rule and against known faults of other tools."""

import dataclasses
import re
import unicodedata
from string import ascii_lowercase

import numpy as np
import pyarrow as pa
import pytest

from foretell.corpus import evaluation_index, ngrams
from foretell.corpus.decontaminate import (
    Cleaned,
    DecontaminateConfig,
    Hit,
    build,
    clean,
    document_counts,
    load,
    save,
    scan,
    too_short,
    without,
)
from foretell.corpus.evaluation_text import Item
from foretell.errors import BadUse, Failed

GPT3 = DecontaminateConfig()
NEVER = "no piece of 200 characters is left"


def prose(words, seed):
    """Words that occur nowhere else."""
    rng = np.random.default_rng(seed)
    return " ".join("".join(rng.choice(list(ascii_lowercase), 7)) for _ in range(words))


def cleaned(texts, items, cfg=GPT3):
    """The documents d0, d1, ... after both passes."""
    index = build(items, cfg)
    return clean(index, document_counts(index, texts), [f"d{i}" for i in range(len(texts))], texts, cfg)


def plain_words(text):
    """Words with the characters from which and to which they go, by marking what is between them."""
    marked = "".join(" " if c.isspace() or unicodedata.category(c)[0] in "PS" else c for c in text)
    for token in re.finditer("[^ ]+", marked):
        word = "".join(c for c in token.group().lower() if unicodedata.category(c) not in ("Cc", "Cf"))
        if any(c.isalnum() for c in word):
            yield unicodedata.normalize("NFC", word), token.start(), token.end()


def plain_grams(text, n):
    """Every n-gram with the characters from which and to which it goes."""
    made = list(plain_words(text))
    for i in range(len(made) - n + 1):
        yield tuple(word for word, _, _ in made[i : i + n]), made[i][1], made[i + n - 1][2]


def plain_cleaned(texts, items, cfg):
    """The rule of the paper, character by character."""
    first = {}
    for item in items:
        for gram, _, _ in plain_grams(item.text, cfg.n):
            named = first.setdefault(gram, [])
            named += [] if (item.set, item.item) in named else [(item.set, item.item)]
    counts = dict.fromkeys(first, 0)
    for text in texts:
        for gram in {gram for gram, _, _ in plain_grams(text, cfg.n)} & set(first):
            counts[gram] += 1
    made = []
    for i, text in enumerate(texts):
        hits, gone = [], [False] * len(text)
        for gram, begin, end in plain_grams(text, cfg.n):
            if gram in first:
                ignored = counts[gram] > cfg.most_documents
                for j, (of, one) in enumerate(first[gram]):
                    if not ignored or of not in [earlier for earlier, _ in first[gram][:j]]:
                        hits.append(Hit(f"d{i}", of, one, begin, text[begin:end], ignored))
                for at in range(max(0, begin - cfg.window), min(len(text), end + cfg.window)):
                    gone[at] |= not ignored
        pieces = [""]
        for c, is_gone in zip(text, gone, strict=True):
            if is_gone:
                pieces += [""] if pieces[-1] else []
            else:
                pieces[-1] += c
        pieces = [piece for piece in pieces if piece]
        long = [piece for piece in pieces if len(piece) >= cfg.shortest_piece]
        if not any(gone):
            made.append(Cleaned(f"d{i}", [text], "", hits))
        elif len(pieces) > cfg.most_pieces:
            made.append(Cleaned(f"d{i}", [], f"more than {cfg.most_pieces} pieces", hits))
        else:
            made.append(
                Cleaned(f"d{i}", long, "" if long else f"no piece of {cfg.shortest_piece} characters is left", hits)
            )
    return made, counts


def random_case(seed):
    """Items and documents of a few words, with signs and spaces of all kinds, so that hits are many."""
    rng = np.random.default_rng(seed)
    vocabulary = ["a", "B", "caf\u00e9", "cafe\u0301", "\U0001f600", "it's", "-", "\u2014", "\u200b"][
        : rng.integers(2, 10)
    ]
    spaces = [" ", " ", " ", "\n", "\r\n", "\u00a0", " \u2003 ", "... "]

    def text(most):
        size = rng.integers(0, most)
        tokens = [
            vocabulary[i] if rng.random() > 0.1 else prose(1, rng.integers(2**31))
            for i in rng.integers(0, len(vocabulary), size)
        ]
        return "".join(token + spaces[rng.integers(0, len(spaces))] for token in tokens)

    items = [Item(f"set{i % 3}", str(i), text(40)) for i in range(rng.integers(1, 8))]
    texts = [text(150) for _ in range(rng.integers(1, 25))]
    texts += [text(40) + items[rng.integers(0, len(items))].text + text(40) for _ in range(10)]
    named = {name: int(rng.integers(1, 5)) for name in ("most_pieces", "most_documents")}
    cfg = DecontaminateConfig(n=8, window=int(rng.integers(0, 9)), shortest_piece=int(rng.integers(1, 9)), **named)
    return items, texts, cfg


@pytest.mark.parametrize("seed", range(60))
def test_random_documents_are_cleaned_as_by_the_plain_rule(seed):
    items, texts, cfg = random_case(seed)
    wanted, counts = plain_cleaned(texts, items, cfg)
    if not counts:
        with pytest.raises(BadUse, match="none of"):
            build(items, cfg)
        return
    index = build(items, cfg)
    assert len(index.hashes) == len(counts)
    words = index.vocabulary.to_pylist()
    named = [tuple(words[c] for c in index.codes[place : place + cfg.n]) for place in index.places]
    found = document_counts(index, texts)
    assert dict(zip(named, found.tolist(), strict=True)) == counts
    assert clean(index, found, [f"d{i}" for i in range(len(texts))], texts, cfg) == wanted


def test_random_documents_see_every_way_in_which_one_can_end():
    ends = set()
    for seed in range(60):
        items, texts, cfg = random_case(seed)
        for one in plain_cleaned(texts, items, cfg)[0]:
            ignored = {hit.ignored for hit in one.hits}
            ends.add((one.reason.split()[0] if one.reason else "", min(len(one.pieces), 2), len(ignored)))
    assert ends >= {("", 1, 0), ("", 1, 1), ("", 1, 2), ("", 2, 1), ("", 2, 2), ("more", 0, 1), ("no", 0, 1)}


@pytest.mark.parametrize("seed", [5, 6, 7, 11, 12, 14])
def test_batches_chunks_and_order_change_nothing(seed, monkeypatch):
    items, texts, cfg = random_case(seed)
    index = build(items, cfg)
    ids = [f"d{i}" for i in range(len(texts))]
    counts = document_counts(index, texts)
    whole = clean(index, counts, ids, texts, cfg)
    monkeypatch.setattr(ngrams, "CHUNK", 300)
    assert (document_counts(index, pa.array(texts)) == counts).all()
    assert (sum(document_counts(index, [text]) for text in texts) == counts).all()
    assert clean(index, counts, ids, pa.chunked_array([texts[:3], texts[3:]]), cfg) == whole
    first = scan(index, texts)
    assert (first.counts == counts).all()
    assert first.dirty.tolist() == [bool(one.hits) for one in whole]
    assert clean(index, counts, ids, texts, cfg, dirty=first.dirty) == whole
    order = np.random.default_rng(seed).permutation(len(texts)).tolist()
    shuffled = clean(index, counts, [ids[i] for i in order], [texts[i] for i in order], cfg)
    assert shuffled == [whole[i] for i in order]
    again = build(items, cfg)
    assert (again.hashes == index.hashes).all()
    assert (again.places == index.places).all()


def test_a_copied_sentence_is_cut_with_200_characters_on_each_side():
    shared = "Which of the following is the best reason, in your opinion, to cut text out of documents?"
    before, after = prose(60, 1), prose(60, 2)
    text = f"{before} {shared} {after}"
    (one,) = cleaned([text], [Item("quiz", "7", shared)])
    begin, end = len(before) + 1, len(before) + len(shared)  # the last word ends before its question mark
    assert one.pieces == [text[: begin - 200], text[end + 200 :]]
    assert one.reason == ""
    assert {(hit.document, hit.evaluation_set, hit.item, hit.ignored) for hit in one.hits} == {
        ("d0", "quiz", "7", False)
    }
    assert all(text[hit.start :].startswith(hit.snippet) for hit in one.hits)
    assert one.hits[0].start == begin
    assert one.hits[0].snippet.startswith("Which of the following")


def test_twelve_words_are_no_hit_and_thirteen_are():
    shared = prose(13, 1).split()
    items = [Item("s", "1", " ".join(shared))]
    (short,) = cleaned([f"{prose(80, 2)} {' '.join(shared[:12])} {prose(80, 3)}"], items)
    (long,) = cleaned([f"{prose(80, 2)} {' '.join(shared)} {prose(80, 3)}"], items)
    assert short.hits == []
    assert len(short.pieces) == 1
    assert len(long.hits) == 1
    assert len(long.pieces) == 2


def test_an_overlap_of_22_words_is_ten_hits_but_one_cut():
    shared = prose(22, 1)
    (one,) = cleaned([f"{prose(60, 2)} {shared} {prose(60, 3)}"], [Item("s", "1", shared)])
    assert len(one.hits) == 10
    assert len(one.pieces) == 2
    assert one.reason == ""


def test_a_copied_page_of_a_thousand_hits_is_one_cut():
    shared = prose(1012, 1)
    (one,) = cleaned([f"{prose(60, 2)} {shared} {prose(60, 3)}"], [Item("s", "1", shared)])
    assert len(one.hits) == 1000
    assert len(one.pieces) == 2


@pytest.mark.parametrize(("cuts", "pieces", "reason"), [(9, 10, ""), (10, 0, "more than 10 pieces")])
def test_a_document_goes_when_it_falls_into_more_than_ten_pieces(cuts, pieces, reason):
    shared = [prose(13, i) for i in range(cuts)]
    text = prose(60, 100) + " ".join(f" {one} {prose(80, 200 + i)}" for i, one in enumerate(shared))
    (one,) = cleaned([text], [Item("s", str(i), other) for i, other in enumerate(shared)])
    assert (len(one.pieces), one.reason) == (pieces, reason)
    assert len(one.hits) == cuts


def test_pieces_are_counted_before_the_short_ones_go():
    shared = [prose(13, i) for i in range(10)]
    gap = " ".join([prose(51, 300)])  # 407 characters: 200 on each side go, 9 with the blanks are left
    text = prose(60, 100) + " " + f" {gap} ".join(shared) + " " + prose(60, 101)
    (one,) = cleaned([text], [Item("s", str(i), other) for i, other in enumerate(shared)])
    assert one.reason == "more than 10 pieces"
    loose = dataclasses.replace(GPT3, most_pieces=11)
    (one,) = cleaned([text], [Item("s", str(i), other) for i, other in enumerate(shared)], loose)
    assert len(one.pieces) == 2


def test_windows_that_overlap_are_one_cut():
    a, b = prose(13, 1), prose(13, 2)
    text = f"{prose(60, 3)} {a} {prose(40, 4)} {b} {prose(60, 5)}"
    (one,) = cleaned([text], [Item("s", "a", a), Item("s", "b", b)])
    assert [hit.item for hit in one.hits] == ["a", "b"]
    assert len(one.pieces) == 2


@pytest.mark.parametrize(("length", "pieces"), [(199, 0), (200, 1)])
def test_a_piece_of_200_characters_stays_and_a_shorter_one_goes(length, pieces):
    shared = prose(13, 1)
    text = f"{shared} {prose(200, 2)}"[: len(shared) + 200 + length]
    (one,) = cleaned([text], [Item("s", "1", shared)])
    assert [len(piece) for piece in one.pieces] == [200] * pieces
    assert one.reason == ("" if pieces else NEVER)


def test_an_untouched_document_stays_as_it_is_even_a_short_or_an_empty_one():
    texts = ["short", "", "  \r\n\u00a0", prose(500, 2)]
    assert cleaned(texts, [Item("s", "1", prose(20, 1))]) == [
        Cleaned(f"d{i}", [t], "", []) for i, t in enumerate(texts)
    ]


@pytest.mark.parametrize(("copies", "is_cut"), [(10, True), (11, False)])
def test_an_ngram_of_more_than_ten_documents_is_told_but_cuts_nothing(copies, is_cut):
    shared = "All rights reserved. This material may not be published, broadcast, rewritten or redistributed."
    texts = [f"{prose(60, i)} {shared} {prose(60, 100 + i)}" for i in range(copies)]
    for text, one in zip(texts, cleaned(texts, [Item("news", "3", shared)]), strict=True):
        assert len(one.hits) == 1
        assert one.hits[0].ignored == (not is_cut)
        assert one.pieces == [text] if not is_cut else len(one.pieces) == 2


def test_a_document_counts_once_however_often_it_repeats_an_ngram():
    shared = prose(13, 1)
    texts = [" ".join([shared] * 50)]
    index = build([Item("s", "1", shared)], GPT3)
    assert document_counts(index, texts).tolist() == [1]
    assert document_counts(index, texts * 3).tolist() == [3]
    (one,) = cleaned(texts, [Item("s", "1", shared)])
    assert not one.hits[0].ignored
    assert one.reason == NEVER


def test_frequent_ngrams_cut_nothing_while_rare_ones_of_the_same_item_do():
    frequent, rare = prose(13, 1), prose(13, 2)
    texts = [f"{prose(80, i)} {frequent} {prose(80, 50 + i)}" for i in range(11)]
    texts[4] += f" {rare} {prose(80, 99)}"
    made = cleaned(texts, [Item("s", "1", f"{frequent} {rare}")])
    assert [len(one.pieces) for one in made] == [1] * 4 + [2] + [1] * 6
    assert [hit.ignored for hit in made[4].hits] == [True, False]
    assert frequent in made[4].pieces[0]


def test_no_ngram_goes_across_two_documents_or_two_items():
    shared = prose(20, 1).split()
    items = [Item("s", "1", " ".join(shared))]
    parts = [" ".join(shared[:10]), " ".join(shared[10:])]
    assert all(not one.hits for one in cleaned(parts, items))
    halves = [Item("s", str(i), f"{prose(10, 2 + i)} {part} {prose(10, 4 + i)}") for i, part in enumerate(parts)]
    assert not cleaned([" ".join(shared)], halves)[0].hits


def test_case_signs_spaces_and_composition_make_no_difference():
    item = "The caf\u00e9 at the corner -- isn't it closed? -- opens at nine o'clock on Mondays, na\u00efve one!"
    copied = "THE CAFE\u0301\r\nat\u00a0the\tcorner isn\u2019t IT closed\u2026opens (at) nine o\u2019clock"
    copied += " \u2014 on Mondays nai\u0308ve\u2003one"
    text = f"\U0001f600 {prose(60, 1)}\n{copied} \U0001f600 {prose(60, 2)}"
    (one,) = cleaned([text], [Item("s", "1", item)])
    start, end = text.index(copied), text.index(copied) + len(copied)
    assert one.pieces == [text[: start - 200], text[end + 200 :]]
    assert one.hits[0].start == start
    assert one.hits[-1].snippet == copied[-len(one.hits[-1].snippet) :]


@pytest.mark.parametrize("turned", [False, True])
def test_an_ngram_of_several_items_is_told_of_each_and_cut_once(turned):
    shared = prose(13, 1)
    held = {("b", "5"): f"{prose(3, 3)} {shared}", ("c", "9"): shared, ("c", "10"): f"{shared} {shared}"}
    items = [Item("a", "1", prose(30, 2)), *(Item(*name, text) for name, text in held.items())]
    text = f"{prose(80, 4)} {shared} {prose(80, 5)}"
    (one,) = cleaned([text], items[::-1] if turned else items)
    assert sorted((hit.evaluation_set, hit.item) for hit in one.hits) == sorted(held)
    (alone,) = cleaned([text], [Item("b", "5", shared)])
    assert one.pieces == alone.pieces


def test_a_common_phrase_of_several_items_is_told_of_the_first_of_each_set():
    shared = prose(13, 1)
    items = [Item("b", "1", shared), Item("c", "2", shared), Item("b", "3", shared), Item("c", "4", shared)]
    made = cleaned([shared] * 11, items)
    assert [(hit.evaluation_set, hit.item, hit.ignored) for hit in made[7].hits] == [("b", "1", True), ("c", "2", True)]


def test_items_of_too_few_words_are_counted():
    items = [
        Item("a", "1", prose(12, 1)),
        Item("a", "2", prose(13, 2)),
        Item("b", "1", prose(13, 3)),
        Item("a", "3", ""),
    ]
    assert too_short(build(items, GPT3)) == {"a": 2, "b": 0}
    assert too_short(build(items, dataclasses.replace(GPT3, n=12))) == {"a": 1, "b": 0}


@pytest.mark.parametrize("items", [[], [Item("s", "1", prose(12, 1))], [Item("s", "1", " \u2014 ")]])
def test_sets_without_a_single_ngram_are_refused(items):
    with pytest.raises(BadUse, match="has 13 words"):
        build(items, GPT3)


def test_a_collision_of_hashes_cuts_nothing():
    items = [Item("s", str(i), prose(13, i)) for i in range(50)]
    index = build(items, GPT3)
    counts = np.ones(50, dtype=np.int64)
    texts = [item.text for item in items]
    assert all(one.hits for one in clean(index, counts, texts, texts, GPT3))
    collided = dataclasses.replace(index, places=np.roll(index.places, 1))
    assert not any(one.hits for one in clean(collided, counts, texts, texts, GPT3))
    assert document_counts(collided, texts).sum() == 0


def test_items_whose_hashes_collide_are_told_apart_by_another_salt(monkeypatch):
    items, texts, cfg = random_case(5)
    wanted = cleaned(texts, items, cfg)
    spread = evaluation_index.spread
    monkeypatch.setattr(
        evaluation_index, "spread", lambda x, salt: spread(x % 1, salt) if salt < 2 else spread(x, salt)
    )
    assert build(items, cfg).salt == 2
    assert cleaned(texts, items, cfg) == wanted
    monkeypatch.setattr(evaluation_index, "spread", lambda x, salt: spread(x % 1, salt))
    with pytest.raises(Failed, match="share hashes"):
        build(items, cfg)


def test_an_index_comes_back_from_its_folder_as_it_was(tmp_path):
    items, texts, cfg = random_case(5)
    index = build(items, cfg)
    save(index, tmp_path / "index")
    again = load(tmp_path / "index")
    counts = document_counts(index, texts)
    assert (document_counts(again, texts) == counts).all()
    assert clean(again, counts, texts, texts, cfg) == clean(index, counts, texts, texts, cfg)
    assert too_short(again) == too_short(index)
    assert {file.suffix for file in (tmp_path / "index").iterdir()} == {".npy", ".parquet", ".json"}
    for name in ("hashes", "places", "codes", "table", "holders", "bounds", "first_holders", "first_bounds"):
        assert (getattr(again, name) == getattr(index, name)).all()


@pytest.mark.parametrize(
    "name", ["words.parquet", "items.parquet", "codes.npy", "hashes.npy", "places.npy", "holders.npy", "bounds.npy"]
)
def test_a_damaged_index_is_told(name, tmp_path):
    save(build([Item("s", "1", prose(20, 1))], GPT3), tmp_path / "index")
    (tmp_path / "index" / name).write_bytes(b"damaged")
    with pytest.raises(Failed, match="damaged index"):
        load(tmp_path / "index")
    (tmp_path / "index" / name).unlink()
    with pytest.raises(Failed, match="damaged index"):
        load(tmp_path / "index")


def test_files_of_two_indexes_are_told(tmp_path):
    save(build([Item("s", "1", prose(20, 1))], GPT3), tmp_path / "index")
    np.save(tmp_path / "index" / "hashes.npy", np.zeros(3, dtype=np.uint64))
    with pytest.raises(Failed, match="not of one index"):
        load(tmp_path / "index")


def test_a_folder_that_is_no_index_is_told(tmp_path):
    with pytest.raises(BadUse, match="does not exist"):
        load(tmp_path)
    (tmp_path / "index.json").write_text('{"format": 0}')
    with pytest.raises(BadUse, match="build it again"):
        load(tmp_path)


def test_counts_and_settings_of_another_index_are_refused():
    index = build([Item("s", "1", prose(20, 1))], GPT3)
    with pytest.raises(ValueError, match="do not fit"):
        clean(index, np.zeros(3, dtype=np.int64), ["a"], ["b"], GPT3)
    with pytest.raises(ValueError, match="do not fit"):
        clean(index, np.zeros(8, dtype=np.int64), ["a"], ["b"], dataclasses.replace(GPT3, n=9))
    with pytest.raises(ValueError, match="never counted"):
        clean(index, np.zeros(8, dtype=np.int64), ["a"], [prose(20, 1)], GPT3)
    with pytest.raises(ValueError, match="zip"):
        clean(index, np.zeros(8, dtype=np.int64), ["a", "b"], ["b"], GPT3)


@pytest.mark.parametrize(
    "wrong",
    [{"n": 7}, {"n": 14}, {"window": -1}, {"shortest_piece": 0}, {"most_pieces": 0}, {"most_documents": 0}],
)
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DecontaminateConfig(**wrong)


def test_what_is_left_without_spans_is_every_other_character():
    rng = np.random.default_rng(9)
    for _ in range(300):
        text = "".join(rng.choice(list(ascii_lowercase), rng.integers(1, 60)))
        starts = np.sort(rng.integers(0, len(text), rng.integers(0, 6))).tolist()
        spans = [(start, min(len(text), start + int(rng.integers(1, 9)))) for start in starts]
        window = int(rng.integers(0, 6))
        marked = list(text)
        for begin, end in spans:
            for at in range(max(0, begin - window), min(len(text), end + window)):
                marked[at] = " "
        assert without(text, spans, window) == "".join(marked).split()


def test_null_and_missing_documents_are_no_documents():
    index = build([Item("s", "1", prose(20, 1))], GPT3)
    counts = document_counts(index, [])
    assert counts.tolist() == [0] * 8
    assert clean(index, counts, [], [], GPT3) == []
    assert clean(index, counts, ["a"], pa.array([None], pa.string()), GPT3) == [Cleaned("a", [""], "", [])]
