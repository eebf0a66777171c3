"""Pairs with a stereotype: preferences of a made model, StereoSet's scores against a slow twin, files that are none."""

import json
import random

import pytest

from foretell.audit import stereotypes
from foretell.audit.stereotypes import crows_rows, pair_figures, preferred, stereoset, stereoset_rows
from foretell.errors import BadUse

ROWS = [
    {
        "key": str(i),
        "stereo": f"stereo {i}",
        "anti": f"anti {i}",
        "unrelated": f"unrelated {i}",
        "kind": "age" if i % 3 else "race",
    }
    for i in range(30)
]


@pytest.fixture
def likely(monkeypatch):
    """A function that gives every text the log-probability that it is told."""

    def tell(logprob):
        def found(model, pairs):
            return [None if "long" in a + b else (logprob(a), logprob(b)) for a, b in pairs]

        monkeypatch.setattr(stereotypes, "two_way", found)

    return tell


def test_a_model_without_preference_has_an_entropy_of_one_bit(likely):
    likely(lambda text: -7.0)
    figures, table = pair_figures(preferred(None, ROWS))
    assert figures["entropy (bits)"]["value"] == 1.0
    assert figures["stereotype preferred"]["value"] == 0.0  # equal is no preference
    assert {(row["kind"], row["n"]) for row in table} == {("age", 20), ("race", 10)}


def test_a_planted_preference_is_seen_in_its_kind_alone(likely):
    kinds = {row["stereo"]: row["kind"] for row in ROWS}
    likely(lambda text: -5.0 if kinds.get(text) == "race" else -6.0)
    figures, table = pair_figures(preferred(None, ROWS))
    shares = {row["kind"]: row["stereotype preferred"]["value"] for row in table}
    entropies = {row["kind"]: row["entropy"]["value"] for row in table}
    assert shares == {"race": 1.0, "age": 0.0}
    assert entropies["age"] == 1.0
    assert entropies["race"] == pytest.approx(0.8399, abs=1e-3)
    assert figures["stereotype preferred"]["value"] == pytest.approx(1 / 3)


def test_pairs_that_do_not_fit_are_left_out(likely):
    likely(lambda text: -5.0)
    rows = [*ROWS, {"key": "x", "stereo": "long", "anti": "long", "kind": "age"}]
    assert len(preferred(None, rows)) == len(ROWS)
    with pytest.raises(BadUse, match="no pair of sentences fits"):
        pair_figures(preferred(None, rows[-1:]))


def test_stereosets_scores_are_those_of_a_slow_twin(likely):
    draw = random.Random(1)
    scores = {row[what]: -10 * draw.random() for row in ROWS for what in ("stereo", "anti", "unrelated")}
    likely(scores.get)
    found = stereoset(None, ROWS)
    stereo = meaningful = 0
    for row in ROWS:
        stereo += scores[row["stereo"]] > scores[row["anti"]]
        meaningful += sum(scores[row[what]] > scores[row["unrelated"]] for what in ("stereo", "anti"))
    ss, lms = stereo / len(ROWS), meaningful / (2 * len(ROWS))
    assert found["ss"]["value"] == pytest.approx(ss)
    assert found["lms"]["value"] == pytest.approx(lms)
    assert found["icat"]["value"] == pytest.approx(lms * min(ss, 1 - ss) / 0.5)


def test_an_ideal_model_scores_one_and_a_stereotyped_one_nothing(likely):
    likely(lambda text: -9.0 if text.startswith("unrelated") else -5.0 - (hash_half(text)))
    assert stereoset(None, ROWS)["icat"]["value"] == 1.0
    likely(lambda text: {"stereo": -5.0, "anti": -6.0, "unrelated": -9.0}[text.split()[0]])
    assert stereoset(None, ROWS)["icat"]["value"] == 0.0


def hash_half(text):
    """The stereotype is likelier in every second cluster."""
    what, number = text.split()
    return float((what == "stereo") == (int(number) % 2 == 0))


def test_files_are_read_and_others_told(tmp_path):
    path = tmp_path / "pairs.jsonl"
    one = {"id": 3, "sent_more": "a", "sent_less": "b", "bias_type": "age"}
    path.write_text(json.dumps(one) + "\n" + json.dumps(one) + "\n")
    assert crows_rows(path, 1) == [{"key": "3", "stereo": "a", "anti": "b", "kind": "age"}]
    path.write_text('{"id": 3}\n')
    with pytest.raises(BadUse, match=r"line 1 of .* is no pair"):
        crows_rows(path)
    path.write_text("")
    with pytest.raises(BadUse, match="has no pairs"):
        crows_rows(path)
    sentences = [{"gold_label": what, "sentence": what} for what in ("stereotype", "anti-stereotype", "unrelated")]
    path.write_text(json.dumps({"data": {"intrasentence": [{"id": "k", "bias_type": "race", "sentences": sentences}]}}))
    (row,) = stereoset_rows(path)
    assert row == {
        "key": "k",
        "kind": "race",
        "stereo": "stereotype",
        "anti": "anti-stereotype",
        "unrelated": "unrelated",
    }
    path.write_text("{}")
    with pytest.raises(BadUse, match=r"is not StereoSet's dev\.json"):
        stereoset_rows(path)


def test_crows_pairs_of_the_data_folder_are_pairs(shared_data):
    rows = crows_rows(shared_data / "bias/crows_pairs.jsonl.gz")
    assert len(rows) == 1030
    assert all(row["stereo"] != row["anti"] for row in rows)


def test_a_sentence_that_is_not_there_is_told_before_the_model_reads(tmp_path):
    path = tmp_path / "dev.json"
    sentences = [{"gold_label": what, "sentence": what} for what in ("stereotype", "anti-stereotype")]
    path.write_text(json.dumps({"data": {"intrasentence": [{"id": "k", "bias_type": "race", "sentences": sentences}]}}))
    with pytest.raises(BadUse, match="the cluster 'k' has no sentence that is unrelated"):
        stereoset_rows(path)
    path.write_text(json.dumps({"id": 3, "sent_more": "a", "sent_less": None, "bias_type": "age"}))
    with pytest.raises(BadUse, match=r"line 1 of .* is no pair"):
        crows_rows(path)
