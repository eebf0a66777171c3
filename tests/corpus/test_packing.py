import numpy as np
import pytest

from foretell.corpus.batches import IGNORED
from foretell.corpus.packing import first_fit, packed_rows, padded_rows


def slow_first_fit(lengths, room):
    """Each text into the first row with room for it."""
    rows = []
    for text, length in enumerate(lengths):
        for row in rows:
            if sum(lengths[i] for i in row) + length <= room:
                row.append(text)
                break
        else:
            rows.append([text])
    return rows


@pytest.mark.parametrize("seed", range(30))
def test_first_fit_is_what_its_name_says(seed):
    rng = np.random.default_rng(seed)
    room = int(rng.integers(1, 60))
    lengths = rng.integers(1, room + 1, rng.integers(0, 120))
    rows = first_fit(lengths, room)
    assert rows == slow_first_fit(lengths.tolist(), room)
    assert sorted(i for row in rows for i in row) == list(range(len(lengths)))


def texts(*lengths):
    return [
        (np.arange(n) + 10 * i + 10, np.where(np.arange(n) % 2, np.arange(n), IGNORED)) for i, n in enumerate(lengths)
    ]


def test_the_arrays_are_those_of_the_docstring():
    found = packed_rows([texts(3, 2), texts(4)])
    assert found["inputs"].tolist() == [[10, 11, 12, 20, 21], [10, 11, 12, 13, 0]]
    assert found["positions"].tolist() == [[0, 1, 2, 0, 1], [0, 1, 2, 3, 0]]
    assert found["ends"].tolist() == [[3, 3, 3, 5, 5], [4, 4, 4, 4, 5]]
    assert found["targets"].tolist() == [[-100, 1, -100, -100, 1], [-100, 1, -100, 3, -100]]
    assert {array.dtype for array in found.values()} == {np.dtype(np.int64)}


def test_one_text_in_a_row_is_padded_at_its_end():
    found = padded_rows(texts(3, 1))
    assert found["inputs"].tolist() == [[10, 11, 12], [20, 0, 0]]
    assert found["targets"].tolist() == [[-100, 1, -100], [-100, -100, -100]]
