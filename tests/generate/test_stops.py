"""The texts that end a completion, found at the token that completes them."""

import random

import pytest

from foretell.generate.stops import before_stop, stops_of
from foretell.text.train import train_tokenizer

PIECES = ("a", "b", "ab", "\n", "\nb", "a\n\n", "", "ba")


class Pieces:
    end_of_text = 99

    def decode(self, ids):
        return "".join(PIECES[i] for i in ids)


@pytest.mark.parametrize("stop", [("\n",), ("ab\nb",), ("aa", "bb\n"), ("\n\n", "bbb")], ids=repr)
def test_says_at_every_token_what_the_whole_text_says(stop):
    stops, draw, n_found = stops_of(Pieces(), stop), random.Random(0), 0
    for _ in range(200):
        ids = []
        while len(ids) < 30:
            ids.append(draw.randrange(len(PIECES)))
            expected = before_stop(Pieces().decode(ids), stop)
            assert stops(ids) == expected
            if expected is not None:
                n_found += 1
                break
    assert n_found > 50


@pytest.mark.parametrize("stop", [("\u00e9",), ("\u2603\n",), ("\u2603",)])
def test_characters_of_several_tokens_are_found(stop):
    tokenizer = train_tokenizer("bpe", ["plain words " * 20], 270, quiet=True)
    ids = tokenizer.encode("plain \u00e9 \u2603\n and")
    stops = stops_of(tokenizer, stop)
    found = [stops(ids[:n]) for n in range(1, len(ids) + 1)]
    at = next(i for i, text in enumerate(found) if text is not None)
    assert found[at] == "plain \u00e9 \u2603\n".split(stop[0])[0]
    assert stop[0] in tokenizer.decode(ids[: at + 1])
    assert stop[0] not in tokenizer.decode(ids[:at])


def test_only_tokens_that_could_complete_a_stop_are_decoded_twice():
    asked = []

    class Counting(Pieces):
        def decode(self, ids):
            asked.append(list(ids))
            return super().decode(ids)

    stops = stops_of(Counting(), ("\n",))
    for n in range(1, 50):
        stops([0] * n)
    assert asked == [[0, 0]]


def test_without_stops_nothing_is_decoded():
    assert stops_of(None, ())([1, 2, 3]) is None
