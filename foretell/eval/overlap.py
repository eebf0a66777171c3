"""How far translations overlap with what people wrote: BLEU and chrF as sacrebleu counts them, each with an interval.

    BLEU   Papineni et al. 2002, as one program that cuts words the same way for everybody (Post 2018)
    chrF   F-score of character n-grams (Popovic 2015), which gives credit for a right stem with a wrong ending

N sentences
"""

from collections import Counter
from collections.abc import Sequence
from types import ModuleType

import numpy as np

from foretell.errors import BadUse
from foretell.eval.measured import Measured, bootstrap

ROUNDS = 1000  # of the bootstrap: a round adds up counts that were made once
TOP = 100.0  # of both scores
ORDERS, BETA = 6, 2  # chrF's longest n-gram, and how much recall weighs


def bleu(outputs: Sequence[str], wanted: Sequence[str]) -> Measured:
    """Corpus BLEU, 0 to 100, with a bootstrap interval over sentences (Koehn 2004)."""
    return bootstrap(counts(outputs, wanted), bleu_of, ROUNDS, top=TOP)


def bleu_difference(ours: Sequence[str], theirs: Sequence[str], wanted: Sequence[str]) -> Measured:
    """BLEU of the first translations minus that of the second, with an interval over the same drawn sentences."""
    both = list(zip(counts(ours, wanted), counts(theirs, wanted), strict=True))
    return bootstrap(both, lambda drawn: bleu_of([a for a, _ in drawn]) - bleu_of([b for _, b in drawn]), ROUNDS)


def counts(outputs: Sequence[str], wanted: Sequence[str]) -> list[np.ndarray]:  # -> N of (10,)
    """What BLEU needs of each sentence: n-grams that match (4), n-grams (4), and both lengths; they add up."""
    if len(outputs) != len(wanted) or not wanted:
        raise BadUse(
            f"{len(outputs)} translations of {len(wanted)} sentences; BLEU needs one of each, and at least one"
        )
    metric = sacrebleu().BLEU(effective_order=True)  # the order is effective in a sentence's score, not in its counts
    scores = (metric.sentence_score(output, [one]) for output, one in zip(outputs, wanted, strict=True))
    return [np.array([*score.counts, *score.totals, score.sys_len, score.ref_len]) for score in scores]


def check_sizes(outputs: Sequence[str], wanted: Sequence[str]) -> None:
    """BadUse unless there is a translation of each sentence."""
    if len(outputs) != len(wanted) or not wanted:
        said = f"{len(outputs)} translations of {len(wanted)} sentences"
        raise BadUse(f"{said}; a score needs one of each, and at least one")


def bleu_of(rows: Sequence[np.ndarray]) -> float:
    """Corpus BLEU of counts()."""
    total = np.sum(rows, axis=0).tolist()  # (10,)
    score = sacrebleu().BLEU.compute_bleu(total[:4], total[4:8], total[8], total[9], smooth_method="exp")
    return float(score.score)


def bleu_signature() -> str:
    """How bleu() counts, in sacrebleu's words, so that others can count the same."""
    return signature("BLEU")


def chrf(outputs: Sequence[str], wanted: Sequence[str]) -> Measured:
    """chrF2, 0 to 100, with a bootstrap interval over sentences."""
    check_sizes(outputs, wanted)
    return bootstrap([letters(a, b) for a, b in zip(outputs, wanted, strict=True)], chrf_of, ROUNDS, top=TOP)


def letters(output: str, wanted: str) -> np.ndarray:  # -> (3, 6)
    """What chrF needs of a sentence, for each order: n-grams of the output, of the reference, and in both.

    Spaces do not count, and an output has no n-grams of an order that its reference has none of, as in sacrebleu,
    whose own bootstrap breaks off where numpy's floats meet Python's.
    """
    sides = ["".join(text.split()) for text in (output, wanted)]
    found = np.zeros((3, ORDERS), np.int64)
    for n in range(1, ORDERS + 1):
        said, asked = (Counter(text[i : i + n] for i in range(len(text) - n + 1)) for text in sides)
        found[:, n - 1] = said.total() if asked else 0, asked.total(), (said & asked).total()
    return found


def chrf_of(rows: Sequence[np.ndarray]) -> float:
    """Corpus chrF of letters(): the F-score of the means over the orders, in which recall weighs BETA times as much."""
    said, asked, both = np.sum(rows, axis=0)  # (6,) each
    known = (said > 0) & (asked > 0)
    if not both[known].any():
        return 0.0
    precision, recall = (float(np.mean(both[known] / one[known])) for one in (said, asked))
    return 100 * (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)


def chrf_signature() -> str:
    """How chrf() counts, in sacrebleu's words."""
    return signature("CHRF")


def signature(name: str) -> str:
    """The signature of a metric of sacrebleu with one reference; it knows their number once it has counted."""
    metric = getattr(sacrebleu(), name)()
    metric.corpus_score(["a"], [["a"]])
    return str(metric.get_signature())


def sacrebleu() -> ModuleType:
    """The package's metrics; BadUse where it is not installed."""
    try:
        from sacrebleu import metrics
    except ImportError as error:
        raise BadUse("BLEU needs the package sacrebleu; pip install 'foretell[eval]'") from error
    return metrics
