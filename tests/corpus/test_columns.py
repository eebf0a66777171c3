"""Columns by their buffers, beside pyarrow's own conversions; and that they leave pandas alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from foretell.corpus.columns import column, numbers, strings

KINDS = ["uint64", "uint32", "uint16", "int64", "int8", "float32", "float64"]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_come_and_go_as_pyarrow_has_them(kind):
    values = np.random.default_rng(0).integers(0, 100, 37).astype(kind)
    whole = pa.array(values)
    assert column(values).equals(whole)
    assert column(values[::3]).equals(pa.array(values[::3]))
    assert column(values[:0]).equals(whole[:0])
    for some in (whole, whole[3:20], whole[:0], pa.chunked_array([whole[:5], whole[9:]]), pa.chunked_array([], kind)):
        found = numbers(some)
        assert found.dtype == values.dtype
        assert np.array_equal(found, some.to_numpy())


def test_null_is_nan_where_there_is_one_and_otherwise_refused():
    made = pa.array([1.5, None, 2.5, None, 4.0] * 3, pa.float32())
    for some in (made, made[1:9], pa.chunked_array([made, made[2:]])):
        assert (
            np.array_equal(numbers(some), some.to_numpy(zero_copy_only=False), equal_nan=True)
            if isinstance(some, pa.Array)
            else np.array_equal(numbers(some), some.to_numpy(), equal_nan=True)
        )
    with pytest.raises(ValueError, match="1 of 2 are null"):
        numbers(pa.array([1, None], pa.uint64()))


def test_what_is_not_valid_is_null():
    values, valid = np.arange(19, dtype=np.uint64), np.random.default_rng(0).random(19) < 0.5
    assert column(values, valid).equals(pa.array(values, mask=~valid))
    assert column(valid).equals(pa.array(valid))


def test_strings_are_pyarrows():
    for some in ([], [""], ["a", "", "\u00e9\u4e2d", "kept"]):
        assert strings(some).equals(pa.array(some, pa.string()))


def test_hashing_documents_imports_no_pandas(tmp_path):
    code = """
import sys
from foretell.corpus.columns import strings
from foretell.corpus.minhash import hashes
assert len(hashes(strings(["a b c", "\\u00e9", ""]), 2, 2, 2, 1).bands) == 3
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
