import re
from itertools import pairwise

import pytest

from foretell.corpus.sentences import sentences, spans


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("One is here. Two is there.", ["One is here.", "Two is there."]),
        ("See os.path for that, e.g. its join. Then go.", ["See os.path for that, e.g. its join.", "Then go."]),
        ("A title\n\nand what it says", ["A title", "and what it says"]),
        ("Wrapped\nline. Next\none!  `x` is it?", ["Wrapped\nline.", "Next\none!", "`x` is it?"]),
        ('He said "go." Then he went.', ['He said "go."', "Then he went."]),
        ("Version 2.5 is out.", ["Version 2.5 is out."]),
        ("\u0414\u0430. \u041d\u0435, \u0442. \u0435.", ["\u0414\u0430.", "\u041d\u0435, \u0442. \u0435."]),
        ("\u4f60\u597d\u3002\u518d\u89c1\u3002", ["\u4f60\u597d\u3002", "\u518d\u89c1\u3002"]),
        ("  \n ", []),
        ("", []),
    ],
)  # fmt: skip
def test_text_is_cut_at_the_ends_of_sentences(text, want):
    assert sentences(text) == want


def test_no_word_is_lost_between_sentences(pages):
    for page in pages:
        found = list(spans(page.text))
        assert re.sub(r"\s", "", "".join(page.text[a:b] for a, b in found)) == re.sub(r"\s", "", page.text)
        assert all(a < b for a, b in found)
        assert all(before[1] <= after[0] for before, after in pairwise(found))


def test_wordpiece_reads_sentences_as_it_reads_the_whole(pages, tokenizers):
    for page in pages[:20]:
        parts = [tokenizers["wordpiece"].encode(sentence) for sentence in sentences(page.text)]
        assert [i for part in parts for i in part] == tokenizers["wordpiece"].encode(page.text)
