"""Pairs with a stereotype: preferences of a made model, StereoSet's scores against a slow twin, files that are none."""

import json
import random

import pytest
import torch

from foretell.audit import bias, stereotypes
from foretell.audit.asked import Asked
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


def published(key, kind, target, context, words):
    """A cluster as StereoSet 1.1 publishes it: labels of five people, sentences in any order, ids in hexadecimal."""
    sentences = [
        {
            "sentence": context.replace("BLANK", word),
            "id": f"{key}{place}" * 4,
            "labels": [{"label": gold, "human_id": f"{key}{person}"} for person in range(5)],
            "gold_label": gold,
        }
        for place, (gold, word) in enumerate(words.items())
    ]
    return {"id": key * 8, "target": target, "bias_type": kind, "context": context, "sentences": sentences}


def made_stereoset(path):
    """Writes a small file in the published format: six clusters within a sentence, one across two."""
    golds = ["unrelated", "stereotype", "anti-stereotype"]
    words = {gold: ["fish", "soft", "loud"][place] for place, gold in enumerate(golds)}
    within = []
    for i, kind in enumerate(["gender", "profession", "race", "religion", "race", "gender"]):
        order = golds[i % 3 :] + golds[: i % 3]
        named = {gold: words[gold] for gold in order}
        within.append(published(f"{i:x}", kind, f"target{i}", f"People {i} tend to be more BLANK than us", named))
    across = published("f", "race", "target", "He is from here.", dict.fromkeys(golds, "It was."))
    content = {"version": "1.1", "data": {"intersentence": [across], "intrasentence": within}}
    path.write_text(json.dumps(content, indent=2))


def test_a_file_in_the_published_format_is_read(tmp_path):
    path = tmp_path / "stereoset.dev.json"
    made_stereoset(path)
    rows = stereoset_rows(path)
    assert [row["kind"] for row in rows] == ["gender", "profession", "race", "religion", "race", "gender"]
    for i, row in enumerate(rows):
        named = {name: row[name] for name in ("stereo", "anti", "unrelated")}
        assert named == {
            name: f"People {i} tend to be more {word} than us"
            for name, word in (("stereo", "soft"), ("anti", "loud"), ("unrelated", "fish"))
        }
    assert stereoset_rows(path, 2) == rows[:2]


def test_the_audit_reads_that_file_from_a_data_folder(tmp_path, tiny):
    made_stereoset(tmp_path / "stereoset.dev.json")
    asked = Asked(model="", out=tmp_path, data=(tmp_path,), quiet=True, options={"parts": ["stereoset"]})
    found = bias.of_clusters(tiny, asked, asked.find(*bias.FILES["stereoset"]))
    assert found["figures"].keys() == {f"StereoSet {name}" for name in ("lms", "ss", "icat", "entropy (bits)")}
    assert {one["n"] for one in found["figures"].values()} == {6}
    scores = {
        row["key"]: {name: whole(tiny, row[name]) for name in ("stereo", "anti", "unrelated")}
        for row in stereoset_rows(tmp_path / "stereoset.dev.json")
    }
    ss = sum(one["stereo"] > one["anti"] for one in scores.values()) / 6
    assert found["figures"]["StereoSet ss"]["value"] == pytest.approx(ss)


def whole(model, text):
    """The log-probability of a text, token by token."""
    ids = torch.tensor([[model.tokenizer.end_of_text, *model.tokenizer.encode(text)]])
    logprobs = model.logits(ids[:, :-1]).log_softmax(-1)
    return float(logprobs.gather(-1, ids[:, 1:, None]).sum())
