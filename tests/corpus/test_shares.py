import numpy as np
import pytest

from foretell.corpus.shares import budget_of, disagreement, shares, shares_of, short, table_lines, weights_of
from foretell.errors import BadUse

TOKENS = {"Common Crawl": 410e9, "WebText2": 19e9, "Books1": 12e9, "Books2": 55e9, "Wikipedia": 3e9}
PRINTED = {
    "Common Crawl": (0.60, 0.44),
    "WebText2": (0.22, 2.9),
    "Books1": (0.08, 1.9),
    "Books2": (0.08, 0.43),
    "Wikipedia": (0.03, 3.4),
}
BUDGET = 300e9


def test_the_epochs_of_gpt3s_table_follow_from_its_weights_but_for_two():
    """Brown et al. 2020, table 2.2: what it prints beside what its own weights come to over 300 billion tokens."""
    rows = shares(TOKENS, {name: weight for name, (weight, _) in PRINTED.items()}, BUDGET)
    assert [round(row.epochs, 2) for row in rows] == [0.44, 3.47, 2.0, 0.44, 3.0]
    said = disagreement(rows, PRINTED)
    assert "sum to 1.01" in said
    assert "WebText2 3.47 against 2.9" in said
    assert "Wikipedia 3.00 against 3.4" in said
    assert not any(name in said for name in ("Common Crawl", "Books2"))


def test_gpt3s_printed_epochs_given_in_place_of_weights_come_back():
    weights = weights_of(TOKENS, epochs={name: epochs for name, (_, epochs) in PRINTED.items()}, budget=BUDGET)
    assert sum(weights.values()) == pytest.approx(1)
    rows = shares(TOKENS, weights, BUDGET)
    ratio = [row.epochs / PRINTED[row.source][1] for row in rows]
    assert max(ratio) == pytest.approx(min(ratio))  # taken in proportion: they sum to a little less than the budget
    assert max(ratio) == pytest.approx(1, abs=0.05)


def test_weights_of_some_leave_the_rest_to_the_others_by_size():
    found = weights_of({"a": 10, "b": 30, "c": 60}, weights={"a": 0.55})
    assert found == pytest.approx({"a": 0.55, "b": 0.15, "c": 0.30})
    assert weights_of({"a": 10, "b": 30}) == {"a": 0.25, "b": 0.75}


def test_weights_and_epochs_mix_over_a_budget():
    found = weights_of({"a": 10, "b": 30, "c": 60}, weights={"a": 0.5}, epochs={"b": 2}, budget=200)
    assert found == pytest.approx({"a": 0.5, "b": 0.3, "c": 0.2})
    rows = {row.source: row.epochs for row in shares({"a": 10, "b": 30, "c": 60}, found, 200)}
    assert rows == pytest.approx({"a": 10, "b": 2, "c": 2 / 3})


def test_epochs_of_every_source_are_given_as_asked_without_a_budget():
    rows = shares_of({"a": 100, "b": 300, "empty": 0}, epochs={"a": 2, "b": 1, "empty": 0})
    assert {row.source: row.epochs for row in rows} == pytest.approx({"a": 2, "b": 1, "empty": 0})
    assert {row.source: row.weight for row in rows} == pytest.approx({"a": 0.4, "b": 0.6, "empty": 0})


def test_weights_of_some_and_epochs_of_all_others_are_given_as_asked_without_a_budget():
    rows = {row.source: row for row in shares_of({"a": 100, "b": 300}, weights={"a": 0.6}, epochs={"b": 2})}
    assert rows["a"].weight == pytest.approx(0.6)
    assert rows["b"].epochs == pytest.approx(2)
    assert rows["a"].epochs == pytest.approx(0.6 * 1500 / 100)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_asked_of_every_source_is_what_the_table_shows(seed):
    draw = np.random.default_rng(seed)
    tokens = {f"s{i}": int(n) for i, n in enumerate(draw.integers(1, 10**6, 5))}
    epochs = {name: float(draw.uniform(0.1, 9)) for name in list(tokens)[: draw.integers(1, 6)]}
    weights = {name: float(draw.uniform(0.01, 0.19)) for name in tokens if name not in epochs}
    rows = {row.source: row for row in shares_of(tokens, weights=weights, epochs=epochs)}
    assert {name: rows[name].epochs for name in epochs} == pytest.approx(epochs)
    assert {name: rows[name].weight for name in weights} == pytest.approx(weights)
    assert sum(row.weight for row in rows.values()) == pytest.approx(1)


def test_a_budget_that_the_epochs_of_all_sources_come_to_is_no_contradiction():
    tokens, epochs = {"a": 100, "b": 300}, {"a": 2, "b": 1}
    assert shares_of(tokens, epochs=epochs, budget=500) == shares_of(tokens, epochs=epochs)
    assert budget_of(tokens, epochs=epochs) == 500
    assert budget_of(tokens, epochs={"a": 2}) == 400
    assert budget_of(tokens, epochs=epochs, budget=7) == 7


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"epochs": {"a": 2, "b": 1}, "budget": 1000},
            "read 500 tokens, but the budget is 1,000; leave the budget out",
        ),
        (
            {"weights": {"a": 0.6}, "epochs": {"b": 1}, "budget": 1000},
            "read 300 tokens, but the budget is 1,000, of which the weights given leave 400; leave",
        ),
        ({"weights": {"a": 2}, "epochs": {"b": 1}}, "but the weights given sum to 2 and leave nothing for them; lower"),
        ({"weights": {"a": 1}, "budget": -4}, "a budget of -4 is no number of tokens from 0 on"),
        ({"weights": {"a": 1}, "budget": float("nan")}, "a budget of nan is no number"),
    ],
)
def test_a_budget_that_contradicts_the_epochs_is_refused_with_the_numbers(given, said):
    with pytest.raises(BadUse, match=said):
        weights_of({"a": 100, "b": 300}, **given)


def test_a_source_without_text_takes_no_part():
    assert weights_of({"a": 10, "empty": 0}, weights={"a": 0.5}) == {"a": 1.0, "empty": 0.0}


def test_a_source_can_be_left_out_by_a_weight_of_0():
    assert weights_of({"a": 10, "b": 0, "c": 10}, weights={"b": 0, "a": 0}) == {"a": 0.0, "b": 0.0, "c": 1.0}
    assert shares({"b": 0}, {"b": 0.0})[0].epochs == 0.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"weights": {"x": 1}}, "names 'x', which is no source"),
        ({"weights": {"a": -0.5}}, "weight -0.5 of 'a'"),
        ({"epochs": {"a": float("inf")}}, "epochs inf of 'a'"),
        ({"weights": {"a": 0.5}, "epochs": {"a": 2}}, "'a' is given a weight and epochs"),
        ({"weights": {"empty": 0.5}}, "'empty' has no tokens to train on"),
        ({"epochs": {"empty": 1}}, "'empty' has no tokens to train on"),
        ({"weights": {"a": 1.1}}, "sum to 1.1 and leave nothing for 'b'; lower them"),
        ({"weights": {"a": 0, "b": 0}}, "every weight is 0"),
    ],
)
def test_weights_that_cannot_be_are_refused(given, said):
    with pytest.raises(BadUse, match=said):
        weights_of({"a": 10, "b": 10, "empty": 0}, **given)


def test_the_table_shows_computed_beside_printed():
    lines = table_lines(shares(TOKENS, {name: weight for name, (weight, _) in PRINTED.items()}, BUDGET), PRINTED)
    assert len(lines) == 7
    assert lines[1].split() == ["Common", "Crawl", "410", "B", "60.0%", "0.44", "60%", "0.44"]
    assert table_lines(shares({"a": 5}, {"a": 1.0})) == [
        "source    tokens   weight   epochs",
        "a              5   100.0%     1.00",
    ]


def test_nothing_to_say_where_printed_numbers_follow():
    rows = shares({"a": 100.0}, {"a": 1.0}, 200)
    assert disagreement(rows, {"a": (1.0, 2.0)}).endswith("do not follow from them: none.")


def test_numbers_of_tokens_are_short():
    assert [short(n) for n in (7, 1500, 3.2e6, 410e9, 1.5e12)] == ["7", "1.5 k", "3.2 M", "410 B", "1.5 T"]
