"""The checker of shape comments finds a lie and leaves alone what is no shape."""

import sys
import textwrap

import pytest

from tests.shapes import Checker, claims

TRUE = """
import torch
from torch import Tensor

def twice(x: Tensor, y: Tensor) -> Tensor:  # (B, T), (T,) -> (B, 2*T)
    both = x + y  # (B, T): a sum
    n = 3  # (one process)
    return torch.cat([both, both], -1)
"""


def call(source, tmp_path, run):
    path = tmp_path / "sample.py"
    path.write_text(textwrap.dedent(source))
    names = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    checker = Checker(str(tmp_path))
    before = sys.gettrace()
    sys.settrace(checker)
    try:
        run(names)
    finally:
        sys.settrace(before)
    return checker, str(path)


def doubled(names):
    torch = names["torch"]
    return names["twice"](torch.zeros(2, 5), torch.zeros(5))


def test_true_comments_hold_and_are_counted(tmp_path):
    checker, path = call(TRUE, tmp_path, doubled)
    assert {line for _, line in checker.checked} == {5, 6}
    assert len(claims(path)) == 2


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("-> (B, 2*T)", "-> (B, T)"), ("# (B, T): a sum", "# (T, B): a sum"), ("(B, T), (T,)", "(B, T), (B,)")],
)
def test_a_lie_is_named_with_its_line(tmp_path, right, wrong):
    with pytest.raises(AssertionError, match=r"sample\.py:[56]: .* is \("):
        call(TRUE.replace(right, wrong), tmp_path, doubled)
