from itertools import product

import pytest

from foretell.report.measured import Measured
from foretell.report.verdicts import FAILS, HOLDS, UNCLEAR, caution, together, verdict


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.01, 0.2, HOLDS),
        (-0.01, 0.2, UNCLEAR),
        (0.0, 0.2, UNCLEAR),
        (-0.2, 0.0, UNCLEAR),
        (-0.2, -0.01, FAILS),
        (0.0, 0.0, UNCLEAR),
    ],
)
def test_a_verdict_is_where_zero_lies(low, high, wanted):
    assert verdict(Measured(value=(low + high) / 2, low=low, high=high, n=9)) == wanted


@pytest.mark.parametrize("parts", [p for n in (1, 2, 3) for p in product((HOLDS, FAILS, UNCLEAR), repeat=n)])
def test_a_claim_of_several_parts_is_as_strong_as_its_weakest(parts):
    slow = UNCLEAR
    if all(part == HOLDS for part in parts):
        slow = HOLDS
    if any(part == FAILS for part in parts):
        slow = FAILS
    assert together(parts) == slow


def test_fewer_than_three_seeds_are_said():
    assert caution(1).startswith("1 seed:")
    assert caution(2).startswith("2 seeds:")
    assert caution(3) == ""
