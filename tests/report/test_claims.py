import json
from dataclasses import replace

import pytest

from foretell.report.claim import NOT_YET
from foretell.report.claims import WAITING, bert_gains, claims, from_scratch_gains, translates
from foretell.report.measured import difference
from foretell.report.read import read_demo
from foretell.report.verdicts import FAILS, HOLDS, UNCLEAR


@pytest.fixture(scope="module")
def read(whole):
    return read_demo(whole)


def test_all_ten_are_there_and_in_order(read):
    found = claims(read)
    assert [claim.number for claim in found] == list(range(1, 11))
    assert [claim.verdict for claim in found[:4]] == [HOLDS, UNCLEAR, UNCLEAR, HOLDS]
    assert [claim.verdict for claim in found[5:7]] == [HOLDS, HOLDS]
    assert [claim.verdict for claim in found[8:]] == [HOLDS, HOLDS]
    for claim in (found[4], found[7]):
        assert claim.verdict == NOT_YET
        assert claim.result.startswith("not measured by this demo; it belongs to rung ")


def test_a_tested_claim_has_metric_interval_n_and_the_caution_of_one_seed(read):
    for claim in (claim for claim in claims(read) if claim.number not in WAITING):
        assert claim.metric
        assert "[" in claim.result
        assert "n = " in claim.result
        assert claim.caution.startswith("1 seed")


def test_gains_pair_the_same_model_and_task(read):
    rows = {(r.model, r.task, r.start): r.accuracy for r in read.finetune.rows}
    slow = []
    for task in ("topic", "describes", "same_text", "which_description"):
        slow.append(difference(rows["GPT-1", task, "pretrained"], rows["GPT-1", task, "scratch"]))
    assert [gain for _, gain in from_scratch_gains(read.finetune)] == slow
    slow = [
        difference(rows["BERT", task, "pretrained"], rows["GPT-1", task, "pretrained"])
        for task, _ in bert_gains(read.finetune)
    ]
    assert [gain for _, gain in bert_gains(read.finetune)] == slow
    assert len(slow) == 4


def accuracies(demo, **values):
    """The demo with the accuracies of the zero-shot rows, by model, moved to (value, half width)."""
    rows = []
    for row in demo.zero_shot.rows:
        value, half = values[row.model.rpartition("-")[2]]
        rows.append(replace(row, accuracy=replace(row.accuracy, value=value, low=value - half, high=value + half)))
    return replace(demo, zero_shot=replace(demo.zero_shot, rows=rows))


@pytest.mark.parametrize(
    ("pico", "nano", "wanted"),
    [
        ((0.3, 0.02), (0.5, 0.02), HOLDS),
        ((0.5, 0.02), (0.4, 0.02), FAILS),  # worse with size
        ((0.1, 0.02), (0.2, 0.02), FAILS),  # below chance
        ((0.45, 0.2), (0.5, 0.02), UNCLEAR),
    ],
)
def test_zero_shot_needs_both_chance_and_size(read, pico, nano, wanted):
    assert claims(accuracies(read, pico=pico, nano=nano))[2].verdict == wanted


def test_one_size_alone_cannot_hold(read):
    one = replace(read, zero_shot=replace(read.zero_shot, rows=read.zero_shot.rows[1:]))
    claim = claims(one)[2]
    assert claim.verdict == UNCLEAR
    assert "the second model is not there yet" in claim.result


def test_what_was_not_measured_names_its_command(read):
    bare = replace(read, finetune=None, zero_shot=None, translation=None, calibration=None, safety=None)
    for claim in [*claims(bare)[:3], *claims(bare)[8:], translates(bare)]:
        assert claim.verdict == NOT_YET
        assert claim.result == "foretell demo measures it"


def test_a_table_without_pairs_tests_nothing(read):
    alone = [row for row in read.finetune.rows if row.start == "scratch"]
    assert claims(replace(read, finetune=replace(read.finetune, rows=alone)))[0].verdict == NOT_YET


def test_translation_is_compared_with_the_better_baseline(read):
    claim = translates(read)
    assert claim.verdict == HOLDS
    assert "the source itself" in claim.result
    worse = replace(read.translation, bleu=replace(read.translation.bleu, value=0.5, low=0.3, high=0.7))
    assert translates(replace(read, translation=worse)).verdict == FAILS


def test_three_seeds_need_no_caution(demo):
    path = demo / "results" / "finetune.json"
    found = json.loads(path.read_text())
    for row in found["rows"]:
        row["accuracy"]["seeds"] = [0, 1, 2]
    path.write_text(json.dumps(found))
    assert claims(read_demo(demo))[0].caution == ""


def few_shot_of(demo, gain):
    """The demo whose largest model gains so much from the most examples."""
    rows = []
    for row in demo.few_shot.rows:
        value = 0.3 + gain * (row.k == 4) * (row.parameters > 1e6)
        rows.append(replace(row, accuracy=replace(row.accuracy, value=value, low=value - 0.02, high=value + 0.02)))
    return replace(demo, few_shot=replace(demo.few_shot, rows=rows))


@pytest.mark.parametrize(("gain", "wanted"), [(0.2, HOLDS), (0.01, UNCLEAR), (-0.2, FAILS)])
def test_examples_help_by_their_gain_and_more_with_size(read, gain, wanted):
    demo = few_shot_of(read, gain)
    claim = next(claim for claim in claims(demo) if claim.number == 4)
    assert claim.verdict == wanted
    rows = {(r.task, r.parameters > 1e6, r.k): r.accuracy.value for r in demo.few_shot.rows if r.labels == "right"}
    slow = sum(rows[task, True, 4] - rows[task, True, 0] for task in ("describes", "sums")) / 2
    assert f"{100 * slow:+.1f} points" in claim.result


def test_one_size_alone_tells_nothing_of_size(read):
    rows = [row for row in read.few_shot.rows if row.parameters > 1e6]
    demo = replace(read, few_shot=replace(read.few_shot, rows=rows))
    claim = next(claim for claim in claims(demo) if claim.number == 4)
    assert claim.verdict == UNCLEAR
    assert "the second model is not there yet" in claim.result
