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


@pytest.mark.parametrize(("values", "value"), [([0.0] * 12, 0.0), ([50.0] * 12, 50.0), ([0.0], 0.0)])
def test_a_measure_at_its_end_has_the_width_that_a_share_would_have(values, value):
    found = bootstrap(values, lambda some: sum(some) / len(some), top=50.0)
    wanted = share(len(values) if value else 0, len(values))
    assert found == {"value": value, "low": 50 * wanted["low"], "high": 50 * wanted["high"], "n": len(values)}
    assert found["low"] < found["high"]


def test_between_its_ends_a_measure_keeps_the_bootstraps_interval():
    for values in ([0.0, 50.0, 0.0, 10.0], [10.0] * 5):
        plain = bootstrap(values, lambda some: sum(some) / len(some))
        assert bootstrap(values, lambda some: sum(some) / len(some), top=50.0) == plain


def test_the_bound_holds_what_outputs_of_that_share_come_to():
    """Of sentences of one length, a share p of which is right, BLEU is 100 p: what the bound takes it for."""
    pytest.importorskip("sacrebleu")
    from foretell.eval.overlap import bleu

    wanted = [f"a{i} b{i} c{i} d{i} e{i}" for i in range(40)]
    none = bleu(["x y z v w"] * 40, wanted)
    assert none["value"] == none["low"] == 0
    assert none["high"] == pytest.approx(100 * share(0, 40)["high"])
    some = bleu([*wanted[:4], *["x y z v w"] * 36], wanted)
    assert some["value"] == pytest.approx(10)
