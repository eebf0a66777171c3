"""How often a client may ask, what is counted, and where the limits cannot be."""

import pytest

from foretell.errors import BadUse
from foretell.serve.limits import MOST_CLIENTS, Rates
from foretell.serve.metrics import Metric, by_model, exposition
from foretell.serve.served import named
from foretell.serve.settings import Limits


def test_a_minutes_requests_come_back_evenly():
    now = [0.0]
    rates = Rates(6, lambda: now[0])
    assert [rates.take("a") for _ in range(6)] == [0.0] * 6
    assert rates.take("a") == pytest.approx(10)
    assert rates.take("b") == 0
    now[0] = 10.5
    assert [rates.take("a") == 0, rates.take("a") > 9] == [True, True]
    now[0] = 1000.0
    assert [rates.take("a") for _ in range(7)][5:] == [0.0, pytest.approx(10)]


def test_no_rate_is_no_limit_and_clients_are_forgotten():
    assert {Rates(0).take("a") for _ in range(99)} == {0.0}
    rates = Rates(1, lambda: 0.0)
    for client in range(MOST_CLIENTS + 5):
        rates.take(str(client))
    assert len(rates.buckets) == MOST_CLIENTS


def test_the_page_of_counts_is_as_prometheus_reads_it():
    page = exposition([by_model("x_total", "counter", "things", [('a"b', 2)]), Metric("y", "gauge", "one", {(): 0.5})])
    lines = ["# HELP x_total things", "# TYPE x_total counter", r'x_total{model="a\"b"} 2']
    assert page.splitlines() == [*lines, "# HELP y one", "# TYPE y gauge", "y 0.5"]


@pytest.mark.parametrize("field", ["max_waiting", "body_bytes", "body_seconds", "seconds"])
def test_a_limit_that_refuses_everything_is_refused(field):
    with pytest.raises(ValueError, match=field):
        Limits(**{field: 0})


def test_a_model_is_called_by_its_folder_or_as_it_is_named():
    assert named(["runs/GPT 2.nano", "hf:openai/gpt2", "a=b/c", "b/c=d"]) == {
        "gpt-2.nano": "runs/GPT 2.nano",
        "gpt2": "hf:openai/gpt2",
        "a": "b/c",
        "c-d": "b/c=d",
    }
    with pytest.raises(BadUse, match="OTHER=y/a"):
        named(["x/a", "y/a"])
