"""BLEU and chrF beside slow twins and beside sacrebleu's own command."""

import json
import subprocess
import sys
from collections import Counter
from math import exp, log

import pytest

from foretell.errors import BadUse
from foretell.eval.overlap import bleu, bleu_difference, bleu_of, bleu_signature, chrf, chrf_signature, counts

WANTED = [
    "Ein Mann in einem blauen Hemd steht auf einer Leiter .",
    "Zwei Hunde laufen durch den Park .",
    "Eine Frau liest ein Buch .",
    "Kinder spielen am Strand mit einem Ball .",
    "Ein Mann schl\u00e4ft auf einer gr\u00fcnen Bank .",
]
OUTPUTS = [
    "Ein Mann in einem blauen Hemd steht auf der Leiter .",
    "Zwei Hunde rennen im Park .",
    "Eine Frau liest ein Buch .",
    "Die Kinder spielen mit einem Ball am Strand .",
    "Ein Mann schl\u00e4ft",
]
WORSE = ["Ein Mann steht .", "Hunde laufen .", "Eine Frau", "Kinder spielen", ""]


def slow_bleu(outputs, wanted):
    """Papineni et al. 2002 on words between spaces, one reference, unsmoothed: every order must match."""
    logs, n_out, n_ref = 0.0, sum(len(o.split()) for o in outputs), sum(len(w.split()) for w in wanted)
    for n in (1, 2, 3, 4):
        right = total = 0
        for output, one in zip(outputs, wanted, strict=True):
            a, b = (Counter(tuple(t[i : i + n]) for i in range(len(t) - n + 1)) for t in (output.split(), one.split()))
            right += sum(min(times, b[gram]) for gram, times in a.items())
            total += sum(a.values())
        logs += log(right / total) / 4
    return 100 * exp(logs) * (exp(1 - n_ref / n_out) if n_out < n_ref else 1.0)


def slow_chrf(outputs, wanted):
    """Popovic 2015 with beta 2: the mean precision and recall over orders 1 to 6 of characters without spaces."""
    scores = []
    for n in range(1, 7):
        right = said = asked = 0
        for output, one in zip(outputs, wanted, strict=True):
            a, b = (
                Counter(t[i : i + n] for i in range(len(t) - n + 1))
                for t in (output.replace(" ", ""), one.replace(" ", ""))
            )
            right, said, asked = right + (a & b).total(), said + a.total(), asked + b.total()
        scores.append((right / said, right / asked))
    p, r = (sum(x) / 6 for x in zip(*scores, strict=True))
    return 100 * 5 * p * r / (4 * p + r)


def test_bleu_is_the_papers_formula_where_words_stand_apart():
    assert bleu(OUTPUTS, WANTED)["value"] == pytest.approx(slow_bleu(OUTPUTS, WANTED))
    assert bleu(OUTPUTS[:3], WANTED[:3])["value"] == pytest.approx(slow_bleu(OUTPUTS[:3], WANTED[:3]))


def test_chrf_is_the_papers_formula():
    assert chrf(OUTPUTS, WANTED)["value"] == pytest.approx(slow_chrf(OUTPUTS, WANTED))


def test_the_same_text_scores_100_and_nothing_scores_0():
    assert bleu(WANTED, WANTED) == pytest.approx({"value": 100, "low": 100, "high": 100, "n": 5})
    assert bleu([""] * 5, WANTED)["value"] == 0
    assert chrf(WANTED, WANTED)["value"] == pytest.approx(100)


def test_counts_add_up_to_the_score_of_all():
    import sacrebleu

    for outputs in (OUTPUTS, WORSE, [*OUTPUTS[:2], *WORSE[2:]]):
        assert bleu_of(counts(outputs, WANTED)) == pytest.approx(
            sacrebleu.corpus_bleu(outputs, [WANTED], force=True).score
        )


def test_intervals_hold_the_value_and_the_count():
    for found in (bleu(OUTPUTS, WANTED), chrf(OUTPUTS, WANTED)):
        assert found["low"] < found["value"] < found["high"]
        assert found["n"] == 5


def test_a_difference_is_drawn_from_the_same_sentences():
    found = bleu_difference(OUTPUTS, WORSE, WANTED)
    assert found["value"] == pytest.approx(bleu(OUTPUTS, WANTED)["value"] - bleu(WORSE, WANTED)["value"])
    assert found["low"] > 0
    same = bleu_difference(OUTPUTS, OUTPUTS, WANTED)
    assert (same["value"], same["low"], same["high"]) == (0, 0, 0)


def test_another_number_of_translations_is_refused():
    with pytest.raises(BadUse, match="4 translations of 5 sentences"):
        bleu(OUTPUTS[:4], WANTED)
    with pytest.raises(BadUse, match="at least one"):
        bleu([], [])


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_sacrebleu_s_own_command_says_the_same(tmp_path, metric):
    """Sentences with marks that its tokenizer cuts off, an empty output, and quotes."""
    outputs = [line.replace(" .", ".") + " \u201eJa\u201c, 3,5 m." for line in OUTPUTS[:4]] + [""]
    wanted = [line.replace(" .", ".") + " \u201eJa\u201c, 3.5 m!" for line in WANTED]
    for name, lines in (("out", outputs), ("ref", wanted)):
        (tmp_path / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", "ref", "-i", "out", "-m", metric, "-w", "6"]
    said = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, text=True).stdout)
    ours, how = (bleu, bleu_signature) if metric == "bleu" else (chrf, chrf_signature)
    assert ours(outputs, wanted)["value"] == pytest.approx(said["score"], abs=1e-5)
    assert how() == said["signature"]
