"""Text cut into words becomes running text again, and nothing but spaces and @ marks changes."""

import gzip
import re

import pytest

from foretell.eval.detokenize import detokenized


@pytest.mark.parametrize(
    ("cut", "written"),
    [
        ("It weighs 1 @,@ 000 @.@ 5 kg .", "It weighs 1,000.5 kg."),
        ("a role @-@ playing game", "a role-playing game"),
        (" = = Life cycle = = \n", "== Life cycle ==\n"),
        (" = A = B = \n", "= A = B =\n"),
        (
            'He said " do n\'t ! " , and left ( late ) .',
            'He said "do n\'t!", and left (late).'.replace("do n't", "don't"),
        ),
        ("the dogs ' bones ; the cat 's [ own ] : 5 %", "the dogs' bones; the cat's [own]: 5%"),
        ("for $ 5 million , 10 \u2013 8 and 2 / 4th", "for $5 million, 10\u20138 and 2/4th"),
        ("we 're sure I 'll see ' one thing ' now", "we're sure I'll see 'one thing' now"),
        ("wait . . . what", "wait... what"),
        ("plain text stays", "plain text stays"),
    ],
)
def test_marks_stand_at_their_words(cut, written):
    assert detokenized(cut) == written


def test_only_spaces_and_at_marks_go(shared_data):
    text = gzip.decompress((shared_data / "wikitext2" / "valid.txt.gz").read_bytes()).decode()[:200_000]
    kept = re.sub(r" @([-,.])@ ", r"\1", text)
    assert re.sub(" ", "", detokenized(text)) == re.sub(" ", "", kept)
    assert detokenized(text).count("\n") == text.count("\n")
    assert len(detokenized(text).split()) < 0.9 * len(text.split())
