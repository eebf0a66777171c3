"""The speed that estimates of time are made from: a number above 0 on the slowest machine too."""

from foretell.commands.peak import matmul_peak


def test_one_product_is_timed_where_there_is_no_time_at_all():
    assert matmul_peak(seconds=0.0) > 0


def test_the_best_of_several_is_a_plausible_number():
    assert 1e7 < matmul_peak(seconds=0.05) < 1e15
