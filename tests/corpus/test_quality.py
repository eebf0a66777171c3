"""The gate: scores against a plain twin, pass rates against numpy's own Pareto draws, and files that are damaged."""

import json
import math
import re
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from foretell.corpus.hashing_tf import N_BUCKETS
from foretell.corpus.quality import SETTINGS, WEIGHTS, Classifier, keep, load, pass_rate, save, score, uniform
from foretell.errors import BadUse, Failed

WHITE = re.compile("[ \t\n\x0b\x0c\r]+")
ODD = ["", None, " \n\t", "one", " One ONE\none", "a\u00a0b c", "\u00c4\u00d6 \u00e4\u00f6", "x" * 5000, "\x1c \x85"]
IDS = [f"{i * 0x9E3779B97F4A7C15 % 2**64:016x}" for i in range(40_000)]


@pytest.fixture(scope="module")
def classifier():
    weights = np.random.default_rng(0).normal(0, 3, N_BUCKETS).astype(np.float32)
    return Classifier(weights=weights, bias=-0.3, n_positive=20, n_negative=30, inverse_penalty=1.0, seed=4)


def some_texts(n, seed=1):
    rng = np.random.default_rng(seed)
    words = np.array([f"w{i}" if i % 3 else f"W\u00dc{i}" for i in range(3000)])
    blanks = np.array([" ", "\n", "\t ", "  "])
    sizes = rng.integers(0, 300, n)
    return [
        "".join(word + blank for word, blank in zip(rng.choice(words, size), rng.choice(blanks, size), strict=True))
        for size in sizes
    ]


def plain_score(classifier, text):
    from sklearn.utils import murmurhash3_32

    words = [word for word in WHITE.split(text.lower()) if word] if text else []
    if not words:
        return 0.0
    total = sum(float(classifier.weights[murmurhash3_32(word.encode(), seed=42) % 2**18]) for word in words)
    return 1 / (1 + math.exp(-(classifier.bias + total / len(words))))


def test_scores_are_those_of_the_plain_twin(classifier):
    texts = [*some_texts(200), *ODD]
    expected = [plain_score(classifier, text) for text in texts]
    assert score(classifier, texts) == pytest.approx(expected, abs=1e-9)


def test_scores_are_those_of_scikit_learn(classifier):
    from scipy.sparse import csr_array
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import normalize
    from sklearn.utils import murmurhash3_32

    texts = [text for text in some_texts(50) if text.strip()]
    rows, columns = [], []
    for i, text in enumerate(texts):
        found = [murmurhash3_32(word.encode(), seed=42) % 2**18 for word in text.lower().split()]
        rows += [i] * len(found)
        columns += found
    counts = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(texts), N_BUCKETS))
    model = LogisticRegression()
    model.classes_, model.intercept_ = np.array([0, 1]), np.array([classifier.bias])
    model.coef_ = classifier.weights[None].astype(np.float64)
    theirs = model.predict_proba(normalize(counts, norm="l1"))[:, 1]
    assert np.abs(score(classifier, texts) - theirs).max() < 1e-9


def test_a_score_does_not_depend_on_the_texts_beside_it(classifier):
    texts = [*some_texts(100), *ODD]
    whole = score(classifier, pa.array(texts))
    for cut in (1, 7, 64):
        pieces = [score(classifier, pa.array(texts[i : i + cut], pa.string())) for i in range(0, len(texts), cut)]
        assert (np.concatenate(pieces) == whole).all()
    assert (score(classifier, pa.array(texts).slice(50)) == whole[50:]).all()
    assert (score(classifier, pa.chunked_array([texts[:9], [], texts[9:]])) == whole).all()
    assert (score(classifier, pa.array(texts, pa.large_string())) == whole).all()
    assert (score(classifier, texts[::-1]) == whole[::-1]).all()


def test_no_texts_have_no_scores(classifier):
    for none in ([], pa.array([], pa.string()), pa.chunked_array([], pa.string())):
        assert score(classifier, none).shape == (0,)
        assert score(classifier, none).dtype == np.float64


def test_a_text_without_words_has_score_zero(classifier):
    assert score(classifier, ["", None, " \t\n\x0b\x0c\r"]).tolist() == [0, 0, 0]
    assert score(classifier, pa.nulls(2, pa.string())).tolist() == [0, 0]
    assert score(classifier, pa.nulls(2)).tolist() == [0, 0]


def test_columns_of_other_string_types_are_scored_alike(classifier):
    texts = some_texts(20)
    whole = score(classifier, texts)
    for column in (pa.array(texts).dictionary_encode(), pa.array(texts, pa.string_view())):
        assert (score(classifier, column) == whole).all()


def test_length_alone_changes_no_score(classifier):
    text = some_texts(3)[2]
    assert score(classifier, [text, text * 40]) == pytest.approx([plain_score(classifier, text)] * 2)


def test_extreme_logits_are_zero_and_one_without_a_warning(classifier):
    for bias, expected in ((-1e6, 0.0), (1e6, 1.0)):
        extreme = Classifier(
            weights=classifier.weights, bias=bias, n_positive=1, n_negative=1, inverse_penalty=1.0, seed=0
        )
        assert score(extreme, ["a word"]).tolist() == [expected]


@pytest.mark.parametrize(
    ("value", "rate"),
    [(0, 0.0020), (0.25, 0.0065), (0.5, 0.026), (0.75, 0.134), (0.9, 0.424), (0.95, 0.645), (0.99, 0.914), (1, 1)],
)
def test_documents_pass_at_the_rates_of_the_formula(value, rate):
    assert pass_rate(np.array([value]), 9)[0] == pytest.approx(rate, rel=0.03)
    passed = keep(np.full(len(IDS), value), IDS, alpha=9, seed=1)
    exact = (2 - value) ** -9
    assert abs(passed.mean() - exact) <= 4 * math.sqrt(exact * (1 - exact) / len(IDS))


def test_as_many_pass_as_with_numpys_pareto():
    rng = np.random.default_rng(0)
    n = 400_000
    for value in (0.2, 0.6, 0.93):
        drawn = (rng.pareto(9, n) > 1 - value).mean()
        exact = float(pass_rate(np.array([value]), 9)[0])
        assert abs(drawn - exact) <= 4 * math.sqrt(exact * (1 - exact) / n)


def test_alpha_zero_keeps_all():
    assert keep(np.zeros(1000), IDS[:1000], alpha=0, seed=1).all()


def test_a_larger_alpha_keeps_a_part_of_what_a_smaller_one_keeps():
    scores = np.random.default_rng(0).random(2000)
    few, many = (keep(scores, IDS[:2000], alpha=alpha, seed=1) for alpha in (9, 3))
    assert 0 < few.sum() < many.sum() < 2000
    assert many[few].all()


def test_the_choice_depends_on_no_order_and_no_neighbour():
    scores = np.random.default_rng(0).random(500)
    whole = keep(scores, IDS[:500], alpha=9, seed=1)
    order = np.random.default_rng(1).permutation(500)
    assert (keep(scores[order], [IDS[i] for i in order], alpha=9, seed=1) == whole[order]).all()
    assert [bool(keep(scores[i : i + 1], IDS[i : i + 1], alpha=9, seed=1)[0]) for i in range(500)] == whole.tolist()


def test_another_seed_chooses_others_independently():
    scores = np.full(len(IDS), 0.9)
    a, b = (keep(scores, IDS, alpha=9, seed=seed) for seed in (1, 2))
    exact = float(pass_rate(scores[:1], 9)[0]) ** 2
    assert abs((a & b).mean() - exact) <= 4 * math.sqrt(exact * (1 - exact) / len(IDS))


def test_the_numbers_of_ids_look_uniform():
    from scipy.stats import kstest

    found = uniform(IDS, 3)
    assert found.min() >= 0
    assert found.max() < 1
    assert kstest(found, "uniform").pvalue > 1e-3


def test_the_numbers_of_ids_are_these_on_every_machine():
    assert uniform(["0123456789abcdef", "a name"], 7).tolist() == [0.48242307382581606, 0.867828189782012]


def test_no_documents_keep_none():
    assert keep(np.zeros(0), [], alpha=9, seed=1).shape == (0,)


def test_as_many_scores_as_ids_are_asked_for():
    with pytest.raises(ValueError, match="2 scores and 1 ids"):
        keep(np.zeros(2), ["a"], alpha=9, seed=1)


def test_a_classifier_comes_back_as_it_was_saved(classifier, tmp_path):
    (tmp_path / "other.txt").write_text("stays")
    save(classifier, tmp_path)
    again = load(tmp_path)
    assert (again.weights == classifier.weights).all()
    for name in ("bias", "n_positive", "n_negative", "inverse_penalty", "seed"):
        assert getattr(again, name) == getattr(classifier, name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.txt", SETTINGS, WEIGHTS]


def test_a_folder_without_a_classifier_is_bad_use(tmp_path):
    with pytest.raises(BadUse, match="does not exist"):
        load(tmp_path)


@pytest.mark.parametrize("content", ["[]", "{}", '{"format": "another"}', "no json"])
def test_other_settings_are_bad_use(classifier, tmp_path, content):
    save(classifier, tmp_path)
    (tmp_path / SETTINGS).write_text(content)
    with pytest.raises(BadUse, match=r"quality\.json"):
        load(tmp_path)


@pytest.mark.parametrize("change", [{"bias": "high"}, {"bias": float("nan")}, {"more": 1}])
def test_settings_that_were_edited_wrongly_are_bad_use(classifier, tmp_path, change):
    save(classifier, tmp_path)
    settings = json.loads((tmp_path / SETTINGS).read_text())
    (tmp_path / SETTINGS).write_text(json.dumps(settings | change))
    with pytest.raises(BadUse, match="train it again"):
        load(tmp_path)


def test_weights_that_are_absent_damaged_or_anothers_are_bad_use(classifier, tmp_path):
    from safetensors.numpy import save as packed

    save(classifier, tmp_path)
    other = packed({"weights": np.zeros(N_BUCKETS, np.float32)})
    for content in (b"", b"\x80\x04pickle", packed({"other": np.zeros(1)}), other):
        (tmp_path / WEIGHTS).write_bytes(content)
        with pytest.raises(BadUse, match=r"quality\.safetensors"):
            load(tmp_path)
    (tmp_path / WEIGHTS).unlink()
    with pytest.raises(BadUse, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize(
    "weights", [np.zeros(5, np.float32), np.zeros(N_BUCKETS), np.full(N_BUCKETS, np.nan, np.float32)]
)
def test_weights_of_another_form_are_bad_use(weights, tmp_path):
    wrong = Classifier(weights=weights, bias=0.0, n_positive=1, n_negative=1, inverse_penalty=1.0, seed=0)
    save(wrong, tmp_path)
    with pytest.raises(BadUse, match="finite float32"):
        load(tmp_path)


def test_a_folder_that_cannot_be_written_is_a_failure(classifier, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Failed, match="cannot write"):
        save(classifier, tmp_path / "file")


def test_scoring_imports_no_scikit_learn():
    code = "import sys, foretell.corpus.quality; sys.exit(not {'sklearn', 'scipy', 'torch'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
