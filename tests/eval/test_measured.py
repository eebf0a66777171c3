import pytest

from foretell.eval.measured import bootstrap, mean_of_shares, share


@pytest.mark.parametrize("values", [[0.0], [1.0] * 5, [0.0] * 20, [1.0, 0.0, 0.0]])
def test_values_that_are_0_or_1_have_the_interval_of_a_share(values):
    found = mean_of_shares(values)
    assert found == share(sum(values), len(values))
    assert found["low"] < found["high"]


def test_other_values_have_the_interval_of_the_bootstrap():
    values = [0.0, 0.25, 1.0, 1.0]
    assert mean_of_shares(values) == bootstrap(values, lambda some: sum(some) / len(some))
