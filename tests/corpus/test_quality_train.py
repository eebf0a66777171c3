"""Training on texts whose words tell the classes apart; the report against plain twins and scikit-learn."""

import json
from collections import Counter

import numpy as np
import pytest

from foretell.corpus.hashing_tf import N_BUCKETS
from foretell.corpus.quality import load, pass_rate, save, score
from foretell.corpus.quality_report import auc, ranks
from foretell.corpus.quality_train import LEAST, PIECE, SCALE, balanced, features_of, fitted, train
from foretell.errors import BadUse

COMMON = [f"word{i}" for i in range(150)]


def texts_of(own, n, seed, share=0.1, longest=150):
    """Texts of common words, about a tenth of them from a class's own."""
    rng = np.random.default_rng(seed)
    made = []
    for size in rng.integers(10, longest, n):
        made.append(" ".join(rng.choice(own) if rng.random() < share else rng.choice(COMMON) for _ in range(size)))
    return made


GOOD = [f"good{i}" for i in range(10)]
BAD = [f"bad{i}" for i in range(10)]


@pytest.fixture(scope="module")
def classes():
    return texts_of(GOOD, 60, 0), texts_of(BAD, 90, 1)


@pytest.fixture(scope="module")
def trained(classes):
    return train(*classes, seed=1)


def plain_auc(good, bad):
    """The share of pairs in order, and the interval by DeLong's components, each from all comparisons."""
    psi = [[1.0 if a > b else 0.5 if a == b else 0.0 for b in bad] for a in good]
    v10 = [sum(row) / len(bad) for row in psi]
    v01 = [sum(row[j] for row in psi) / len(good) for j in range(len(bad))]
    value = sum(v10) / len(good)
    s10 = sum((v - value) ** 2 for v in v10) / (len(good) - 1)
    s01 = sum((v - value) ** 2 for v in v01) / (len(bad) - 1)
    spread = 1.959964 * (s10 / len(good) + s01 / len(bad)) ** 0.5
    return value, (max(value - spread, 0), min(value + spread, 1))


def test_unseen_texts_of_both_classes_are_told_apart(trained):
    good, bad = (score(trained.classifier, texts_of(own, 200, 9)) for own in (GOOD, BAD))
    assert auc(good, bad)[0] > 0.97
    assert good.mean() > 0.8
    assert bad.mean() < 0.2


def test_the_classifier_follows_from_the_texts_and_the_seed_alone(classes, trained):
    good, bad = classes
    order = np.random.default_rng(0).permutation(len(bad))
    again = train(iter(good[::-1] + good[:5]), [bad[i] for i in order], seed=1)
    assert (again.classifier.weights == trained.classifier.weights).all()
    assert again.classifier.bias == trained.classifier.bias
    assert again.report == trained.report
    other = train(good, bad, seed=2)
    assert (other.classifier.weights != trained.classifier.weights).any()


def test_the_number_of_threads_changes_no_bit():
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(0)
    made = [" ".join(f"w{i}" for i in rng.zipf(1.2, 300) % (60_000 + 20 * (n % 2))) for n in range(200)]
    found = []
    for n in (1, 2):
        with threadpool_limits(n):
            found.append(train(made[::2], made[1::2], seed=0).classifier)
    assert (found[0].weights == found[1].weights).all()
    assert found[0].bias == found[1].bias


def test_at_most_so_many_documents_are_used_whatever_their_order(classes):
    good, bad = classes
    few, again = train(good, bad, seed=1, most=20), train(good[::-1], bad[::-1], seed=1, most=20)
    assert few.report == again.report
    for name in ("positive", "negative"):
        assert few.report["trained_on"][name] + few.report["held_out"][name] == 20


def test_a_fifth_is_held_out_and_the_others_are_trained_on(classes, trained):
    assert trained.report["held_out"] == {"positive": 12, "negative": 18}
    assert trained.report["trained_on"] == {"positive": 48, "negative": 72}
    assert trained.classifier.n_positive == 48
    assert trained.classifier.n_negative == 72


def test_no_held_out_text_teaches(classes):
    """Texts with a word of their own each: what the classifier weighs are not the words of held-out texts."""
    good, bad = (
        [f"{text} {name}{i}" for i, text in enumerate(texts)] for name, texts in zip("pn", classes, strict=True)
    )
    made = train(good, bad, seed=1)
    from foretell.corpus.hashing_tf import buckets

    weighed = [made.classifier.weights[buckets([f"p{i}"])[0]] != 0 for i in range(len(good))]
    assert sum(weighed) == pytest.approx(48, abs=2)  # a word may share its bucket with another


def test_the_report_can_be_held_by_json(trained):
    assert json.loads(json.dumps(trained.report)) == trained.report


def test_the_report_counts_every_held_out_document_in_one_tenth(trained):
    rows = trained.report["deciles"]
    assert [row["from"] for row in rows] == [i / 10 for i in range(10)]
    for name in ("positive", "negative"):
        assert sum(row[name] for row in rows) == trained.report["held_out"][name]
    for row in rows:
        shown = Counter(example["class"] for example in row["examples"])
        assert all(shown[name] == min(row[name], 3) for name in ("positive", "negative"))
        assert all(row["from"] <= example["score"] <= row["to"] for example in row["examples"])
        assert all(len(example["excerpt"]) <= 200 for example in row["examples"])


def test_examples_are_held_out_texts_with_their_scores(classes, trained):
    both = {"positive": classes[0], "negative": classes[1]}
    for row in trained.report["deciles"]:
        for example in row["examples"]:
            own = [text for text in both[example["class"]] if text.startswith(example["excerpt"])]
            assert score(trained.classifier, own)[0] == pytest.approx(example["score"], abs=1e-6)


def test_the_words_told_are_those_of_the_classes(trained):
    words = trained.report["words"]
    assert {word for word, _ in words["positive"][:8]} <= set(GOOD)
    assert {word for word, _ in words["negative"][:8]} <= set(BAD)
    assert [weight for _, weight in words["positive"]] == sorted((w for _, w in words["positive"]), reverse=True)
    assert all(weight < 0 for _, weight in words["negative"])


def test_the_pass_rates_told_are_those_of_the_formula(classes, trained):
    assert 0.002 <= trained.report["keep_rate"] < trained.report["keep_rate_positive"] <= 1
    everything = pass_rate(score(trained.classifier, classes[1]), 9).mean()
    assert trained.report["keep_rate"] == pytest.approx(everything, abs=0.05)


def test_the_penalty_with_the_least_loss_is_chosen(trained):
    losses = trained.report["losses"]
    assert str(trained.classifier.inverse_penalty) == min(losses, key=losses.get)


def test_classes_that_do_not_differ_are_not_told_apart():
    made = train(texts_of(COMMON, 80, 3), texts_of(COMMON, 80, 4), seed=0)
    low, high = made.report["auc_interval"]
    assert low <= 0.5 <= high


def test_the_larger_class_does_not_win():
    made = train(texts_of(COMMON, 20, 0), texts_of(COMMON, 300, 1), seed=0)
    assert 0.3 < score(made.classifier, texts_of(COMMON, 200, 5)).mean() < 0.7


@pytest.mark.parametrize(
    ("n_good", "n_bad", "named"), [(LEAST - 1, 50, "9 positive"), (50, 3, "3 negative"), (0, 50, "0 ")]
)
def test_a_class_with_too_few_documents_is_named(n_good, n_bad, named):
    with pytest.raises(BadUse, match=named) as error:
        train(texts_of(GOOD, n_good, 0), texts_of(BAD, n_bad, 1), seed=0)
    assert "quality.alpha" in str(error.value)


def test_the_least_documents_are_enough():
    made = train(texts_of(GOOD, LEAST, 0), texts_of(BAD, LEAST, 1), seed=0)
    assert made.report["held_out"] == {"positive": 2, "negative": 2}


def test_texts_without_words_and_copies_are_no_examples(classes):
    good, bad = classes
    copies = ["", " \n", *[good[0]] * 50]
    with pytest.raises(BadUse, match="1 positive"):
        train(copies, bad, seed=0)


def test_classes_of_the_same_texts_are_bad_use(classes):
    with pytest.raises(BadUse, match="0 positive documents that are not in both classes as 60 are"):
        train(classes[0], classes[0], seed=0)


@pytest.mark.parametrize("penalty", [0.01, 1.0])
def test_a_fit_is_scikit_learns_with_balanced_classes_over_plain_features(classes, penalty):
    from sklearn.linear_model import LogisticRegression
    from sklearn.utils import murmurhash3_32

    texts, labels = [*classes[0], *classes[1]], np.repeat([True, False], [60, 90])
    made = fitted(*features_of(texts), labels, penalty, seed=0)
    plain = np.zeros((len(texts), N_BUCKETS), dtype=np.float32)
    for row, text in zip(plain, texts, strict=True):
        for word in text.split():
            row[murmurhash3_32(word.encode(), seed=42) % N_BUCKETS] += SCALE / len(text.split())
    used = np.flatnonzero(plain.any(axis=0))
    model = LogisticRegression(C=penalty, class_weight="balanced", tol=1e-8, max_iter=2000).fit(plain[:, used], labels)
    assert made.weights[used] == pytest.approx(
        model.coef_[0] * SCALE, abs=float(0.02 * np.abs(model.coef_).max() * SCALE)
    )
    assert made.weights.any()
    assert np.count_nonzero(made.weights) <= len(used)
    theirs = model.predict_proba(plain[:, used])[:, 1]
    assert score(made, texts) == pytest.approx(theirs, abs=0.01)


def test_texts_that_are_in_both_classes_teach_neither(classes, trained):
    good, bad = classes
    same = texts_of(COMMON, 7, 8)
    made = train(good + same, bad + same, seed=1)
    assert made.report["in_both"] == 7
    assert (made.classifier.weights == trained.classifier.weights).all()


def test_a_trained_classifier_scores_alike_after_it_was_saved(trained, tmp_path):
    save(trained.classifier, tmp_path)
    texts = texts_of(GOOD, 50, 12)
    assert (score(load(tmp_path), texts) == score(trained.classifier, texts)).all()


def test_long_documents_are_cut_into_even_pieces_of_shares():
    words = np.random.default_rng(0).choice(COMMON, 2 * PIECE + 700)
    features, text_of = features_of([" ".join(words), "one two two", " ".join(words[: PIECE + 400])])
    assert text_of.tolist() == [0, 0, 0, 1, 2]
    assert features.shape == (5, N_BUCKETS)
    assert features.sum(axis=1) == pytest.approx(np.ones(5))
    assert sorted(features[[3]].toarray()[features[[3]].toarray() > 0]) == pytest.approx([1 / 3, 2 / 3])
    together = features[:3].sum(axis=0) / 3
    whole = np.bincount([int(features_of([word])[0].indices[0]) for word in set(words)], minlength=N_BUCKETS) > 0
    assert (together > 0).tolist() == whole.tolist()


def test_the_logit_of_a_document_is_the_mean_of_its_pieces():
    words = np.random.default_rng(0).choice(COMMON, 3 * PIECE)
    weights = np.random.default_rng(1).normal(size=N_BUCKETS)
    features, _ = features_of([" ".join(words)])
    singles, _ = features_of(
        [" ".join(words[:PIECE]), " ".join(words[PIECE : 2 * PIECE]), " ".join(words[2 * PIECE :])]
    )
    assert features @ weights == pytest.approx(singles @ weights)
    whole = sum((features_of([word])[0] @ weights)[0] * n for word, n in Counter(words.tolist()).items()) / len(words)
    assert (features @ weights).mean() == pytest.approx(whole)


def test_documents_of_a_class_weigh_the_same_and_so_do_the_classes():
    text_of, labels = np.array([0, 0, 0, 1, 2, 2, 3]), np.array([True, True, True, False])
    weights = balanced(text_of, labels)
    per_text = np.bincount(text_of, weights)
    assert per_text[:3] == pytest.approx(np.full(3, 2 / 3))
    assert per_text[3] == pytest.approx(2)
    assert weights.sum() == pytest.approx(4)


@pytest.mark.parametrize("seed", range(8))
def test_the_area_and_its_interval_are_the_plain_twins_and_scikit_learns(seed):
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(seed)
    m, n = rng.integers(2, 40, 2)
    good, bad = np.round(rng.normal(0.5, 1, m), 1), np.round(rng.normal(0, 1, n), 1)
    value, interval = auc(good, bad)
    expected, bounds = plain_auc(good, bad)
    assert value == pytest.approx(expected)
    assert interval == pytest.approx(bounds)
    assert value == pytest.approx(roc_auc_score(np.repeat([1, 0], [m, n]), np.concatenate([good, bad])))


def test_the_interval_covers_the_true_area_about_as_often_as_it_says():
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    true = norm.cdf(1 / 2**0.5)
    intervals = [auc(rng.normal(1, 1, 60), rng.normal(0, 1, 80))[1] for _ in range(600)]
    covered = np.mean([low <= true <= high for low, high in intervals])
    assert 0.92 <= covered <= 0.98


def test_a_perfect_ranking_of_few_documents_is_not_told_as_certain():
    assert auc(np.array([0.8, 0.9]), np.array([0.1, 0.2])) == (1.0, (0.0, 1.0))
    value, (low, high) = auc(np.linspace(0.6, 1, 60), np.linspace(0, 0.4, 100))
    assert (value, low, high) == (1.0, pytest.approx(0.95), 1.0)


def test_equal_numbers_share_the_mean_rank():
    from scipy.stats import rankdata

    x = np.random.default_rng(0).integers(0, 9, 50).astype(float)
    assert ranks(x) == pytest.approx(rankdata(x))
    assert ranks(np.zeros(0)).shape == (0,)


def test_books_are_told_from_web_pages(shared_data):
    """Novels against the pages' text without their tags: real text, whole documents of very different length."""
    import pyarrow.parquet as pq

    zstandard = pytest.importorskip("zstandard")
    extract = pytest.importorskip("resiliparse.extract.html2text").extract_plain_text
    novels = pq.read_table(shared_data / "novels" / "novels-00.parquet")["text"].to_pylist()
    with zstandard.open(shared_data / "webpages" / "webpages.jsonl.zst", "rt", encoding="utf-8") as file:
        pages = [
            extract(json.loads(line)["html"], main_content=False) for _, line in zip(range(80), file, strict=False)
        ]
    pieces = [novel[i * 3000 : i * 3000 + 3000] for novel in novels for i in range(5)]
    made = train(pieces, pages, seed=0)
    assert made.report["auc"] > 0.98
    assert made.report["keep_rate"] < 0.1
