"""The quality classifier: scoring beside scikit-learn's HashingVectorizer, training, and features at different lengths.

$ python -m benchmarks.corpus_quality             about four minutes
$ python -m benchmarks.corpus_quality --small     seconds: to see that it runs

Real text is read from ../shared/data where it is there (novels and encyclopaedia articles as the curated class, the
text of whole web pages as the raw one); without it the texts are generated, and the table of features is left out.

    scoring     texts of 1,500 characters; both sides in turn, CPU seconds of the process; scikit-learn cuts the words
                with str.split, its fastest way; both have the same weights, and for the difference of scores one layout
    training    train(), which fits once for each penalty and once more, beside one fit of SGDClassifier
    features    the area under the ROC curve, and how many curated and raw texts pass at alpha = 9, on pieces of unseen
                documents cut to a length, by classifiers of plain counts and of shares, taught by whole documents and
                by pieces; means of some halvings of the documents
"""

import argparse
import gzip
import json
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foretell.corpus.hashing_tf import N_BUCKETS, buckets, parts, totals, words_of
from foretell.corpus.quality import Classifier, pass_rate, score
from foretell.corpus.quality_report import auc
from foretell.corpus.quality_train import SCALE, balanced, features_of, train
from foretell.runs import processor

DATA = Path(__file__).parents[2] / "shared" / "data"
CHUNK = 1500
LENGTHS = (300, 1500, 6000, 50_000)
PIECES = 10  # of a document at most are judged, in the table of features


def real_text() -> tuple[list[str], list[str]]:
    """Curated and raw documents."""
    import zstandard
    from resiliparse.extract.html2text import extract_plain_text

    good = [
        text for file in sorted((DATA / "novels").glob("*.parquet")) for text in pq.read_table(file)["text"].to_pylist()
    ]
    with gzip.open(DATA / "wiki-articles" / "wiki_articles.jsonl.gz", "rt", encoding="utf-8") as file:
        good += [json.loads(line)["text"] for line in file]
    with zstandard.open(DATA / "webpages" / "webpages.jsonl.zst", "rt", encoding="utf-8") as file:
        bad = [extract_plain_text(json.loads(line)["html"], main_content=False) for line in file]
    return good, bad


def generated_text(n: int) -> tuple[list[str], list[str]]:
    """Documents of the words of Python's help pages; raw ones have a fiftieth of their words from a short list."""
    words = np.array(re.findall(r"\S+", " ".join(topics.values())))
    rng = np.random.default_rng(0)
    made: tuple[list[str], list[str]] = ([], [])
    for i in range(2 * n):
        text = rng.choice(words, int(rng.integers(100, 900)))
        if i % 2:
            text = np.where(rng.random(len(text)) < 0.02, rng.choice(words[:30], len(text)), text)
        made[i % 2].append(" ".join(text))
    return made


def cut(text: str, length: int, most: int | None = None) -> list[str]:
    """A text in pieces of so many characters, evenly chosen where there are more than `most`."""
    starts = range(0, max(len(text) - length // 2, 1), length)
    if most and len(starts) > most:
        starts = [starts[int(i)] for i in np.linspace(0, len(starts) - 1, most)]
    return [text[start : start + length] for start in starts]


def scikit_learn_side(weights: np.ndarray, bias: float) -> Callable[[list[str]], np.ndarray]:
    """HashingVectorizer and LogisticRegression with these weights, by the vectorizer's own buckets."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = HashingVectorizer(
        n_features=N_BUCKETS, alternate_sign=False, norm="l1", tokenizer=str.split, token_pattern=None
    )
    model = LogisticRegression()
    model.classes_, model.coef_, model.intercept_ = np.array([0, 1]), weights[None].astype(np.float64), np.array([bias])
    return lambda texts: model.predict_proba(vectorizer.transform(texts))[:, 1]


def its_buckets(words: pa.Array) -> np.ndarray:
    """The buckets of scikit-learn: seed 0, and the absolute value of the signed hash."""
    from sklearn.utils import murmurhash3_32

    return np.abs([murmurhash3_32(word.lower().encode(), seed=0) for word in words.to_pylist()]) % N_BUCKETS


def scoring(texts: list[str], rounds: int) -> None:
    """Print how fast each side scores, and how far their scores are apart."""
    weights = np.random.default_rng(0).normal(0, 5, N_BUCKETS).astype(np.float32)
    classifier = Classifier(weights=weights, bias=0.1, n_positive=0, n_negative=0, inverse_penalty=1.0, seed=0)
    array, theirs = pa.array(texts), scikit_learn_side(weights, 0.1)
    sides: dict[str, Callable[[], Any]] = {
        "foretell": lambda: score(classifier, array),
        "scikit-learn": lambda: theirs(texts),
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            seconds[name].append(cpu_seconds(side))
    sums, n = totals(array, weights, its_buckets)
    apart = np.abs(1 / (1 + np.exp(-(0.1 + sums / np.maximum(n, 1)))) - theirs(texts))[n > 0].max()
    ratios = [b / a for a, b in zip(*seconds.values(), strict=True)]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    print(f"\nScoring {len(texts)} texts, {megabytes:.1f} MB; scores in one layout differ by at most {apart:.1e}\n")
    print("| side | MB per CPU-second | texts per CPU-second | ratio (lowest to highest round) |")
    print("| --- | --- | --- | --- |")
    for name, all_rounds in seconds.items():
        middle = statistics.median(all_rounds)
        ratio = (
            f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})" if name == "foretell" else ""
        )
        print(f"| {name} | {megabytes / middle:.1f} | {len(texts) / middle:.0f} | {ratio} |", flush=True)


def cpu_seconds(run: Callable[[], Any]) -> float:
    """The CPU time of this process while something runs."""
    begun = time.process_time()
    run()
    return time.process_time() - begun


def training(good: list[str], bad: list[str], name: str) -> None:
    """Print how long training takes and what comes of it, beside one fit by stochastic gradient descent."""
    begun = time.process_time()
    told = train(good, bad, seed=0).report
    seconds = time.process_time() - begun
    low, high = told["auc_interval"]
    n = {side: told["trained_on"][side] + told["held_out"][side] for side in ("positive", "negative")}
    ours = f"{told['auc']:.4f} ({low:.4f} to {high:.4f}) | {told['accuracy']:.3f} | {told['keep_rate']:.2%}"
    print(f"| {name} | {n['positive']} + {n['negative']} | logistic regression | {seconds:.1f} | {ours} |")
    begun = time.process_time()
    made, held = by_gradient_descent(good, bad)
    seconds = time.process_time() - begun
    scores = [score(made, part) for part in held]
    rate = pass_rate(scores[1], 9).mean()
    right = ((scores[0] > 0.5).mean() + (scores[1] <= 0.5).mean()) / 2
    value, (low, high) = auc(*scores)
    print(f"| | | SGD | {seconds:.1f} | {value:.4f} ({low:.4f} to {high:.4f}) | {right:.3f} | {rate:.2%} |", flush=True)


def by_gradient_descent(good: list[str], bad: list[str]) -> tuple[Classifier, tuple[list[str], list[str]]]:
    """SGDClassifier with its own settings over the same features of four fifths, and the fifth that is held out."""
    from sklearn.linear_model import SGDClassifier

    held, taught = (good[::5], bad[::5]), [[t for i, t in enumerate(part) if i % 5] for part in (good, bad)]
    labels = np.repeat([True, False], [len(part) for part in taught])
    features, text_of = features_of(taught[0] + taught[1])
    model = SGDClassifier(loss="log_loss", random_state=0)
    model.fit(features * SCALE, labels[text_of], sample_weight=balanced(text_of, labels))
    return _classifier(model, SCALE), held


def _classifier(model: Any, scale: float) -> Classifier:
    weights = (model.coef_[0] * scale).astype(np.float32)
    bias = float(model.intercept_[0])
    return Classifier(weights=weights, bias=bias, n_positive=0, n_negative=0, inverse_penalty=1.0, seed=0)


def features_table(good: list[str], bad: list[str], halvings: int) -> None:
    """Print what plain counts and shares make of unseen texts of different lengths."""
    lengths = [*(str(length) for length in LENGTHS), "all together"]
    print("\nAUC, curated texts that pass, raw texts that pass, by the length of texts in characters\n")
    print(f"| features | taught by | {' | '.join(lengths)} |\n| --- | --- |{' --- |' * len(lengths)}")
    for kind in ("plain counts", "shares"):
        for taught_by in LENGTHS[:1:-1]:
            tried = [halving(good, bad, kind == "shares", taught_by, seed) for seed in range(halvings)]
            cells = [f"{a:.3f}, {b:.0%}, {c:.1%}" for a, b, c in np.mean(tried, axis=0)]
            print(f"| {kind} | {taught_by} characters | {' | '.join(cells)} |", flush=True)


def halving(good: list[str], bad: list[str], shares: bool, taught_by: int, seed: int) -> list[tuple[float, ...]]:
    """For each length, what a classifier taught by one half of the documents makes of the other half."""
    from scipy.sparse import diags_array
    from sklearn.linear_model import LogisticRegression

    order = [np.random.default_rng(seed).permutation(len(part)) for part in (good, bad)]
    halves = [
        [[part[i][: LENGTHS[-1]] for i in own[k::2]] for part, own in zip((good, bad), order, strict=True)]
        for k in (0, 1)
    ]
    pieces = [[cut(text, taught_by) for text in part] for part in halves[0]]
    matrix, sizes = counts_of([p for part in pieces for own in part for p in own])
    matrix = diags_array(SCALE / sizes) @ matrix if shares else matrix
    text_of = np.repeat(np.arange(sum(map(len, pieces))), [len(own) for part in pieces for own in part])
    labels = np.repeat([True, False], [len(part) for part in pieces])
    model = LogisticRegression(max_iter=500).fit(matrix, labels[text_of], sample_weight=balanced(text_of, labels))
    made = _classifier(model, SCALE if shares else 1.0)
    tests = [[[p for text in part for p in cut(text, n, PIECES)] for part in halves[1]] for n in LENGTHS]
    tests.append([[text for test in tests for text in test[k]] for k in (0, 1)])
    return [judged(made, test, shares) for test in tests]


def counts_of(texts: list[str]) -> tuple[Any, np.ndarray]:  # (N, 2^18), (N,)
    """The counts of each text's words, and the number of its words."""
    from scipy.sparse import csr_array

    words = [words_of(part) for part in parts(pa.array(texts, pa.large_string()))]
    before = np.cumsum([0, *(len(one.n) for one in words)])
    rows = np.concatenate([one.text + begin for one, begin in zip(words, before[:-1], strict=True)]).astype(np.int32)
    columns = np.concatenate([buckets(one.spelled)[one.each] for one in words]).astype(np.int32)
    counts = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(texts), N_BUCKETS))
    return counts, np.maximum(np.concatenate([one.n for one in words]), 1)


def judged(classifier: Classifier, test: list[list[str]], shares: bool) -> tuple[float, ...]:
    """The area under the curve, and the share of each class's texts that passes."""
    scores = []
    for texts in test:
        sums, n = totals(texts, classifier.weights)
        logits = classifier.bias + (sums / np.maximum(n, 1) if shares else sums)
        scores.append(np.exp(-np.logaddexp(0, -logits)))
    return auc(*scores)[0], *(float(pass_rate(one, 9).mean()) for one in scores)


def main() -> None:
    """Measure everything, or as little as shows that it runs."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--small", action="store_true", help="seconds, to see that it runs")
    flags.add_argument("--rounds", type=int, default=7)
    given = flags.parse_args()
    real = (DATA / "novels").is_dir()
    made = generated_text(200 if given.small else 20_000)
    good, bad = real_text() if real else made
    every = re.sub(r"[^\S \t\n]", " ", "".join(good))  # str.split knows more white space than Spark
    texts = cut(every, CHUNK)[: 2000 if given.small else None]
    print(f"{processor()}, {'real' if real else 'generated'} text, made by benchmarks/corpus_quality.py")
    scoring(texts, 2 if given.small else given.rounds)
    print("\n| texts | documents | fit | CPU-seconds | AUC (95 %) | accuracy | raw kept at alpha 9 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    if real:
        training(good, bad, "books and articles, web pages")
        training([p for text in good for p in cut(text, 6000, 10)], bad, "the same, books cut to 6000 characters")
    training(*made, "generated")
    if real and not given.small:
        features_table(good, bad, halvings=4)


if __name__ == "__main__":
    main()
