"""Aggregates of published samples equal plain means; the forms in which they are published; the figures themselves."""

import csv
import gzip
import json
from statistics import mean

import pytest

from foretell.errors import BadUse
from foretell.eval.judged_samples import by_model, differences, read_samples
from foretell.eval.rouge import rouge_l

TOX = [
    {"model_type": model, "prompt_type": kind, "context": f"c{i}", "sample": "x", "toxicity": f"{value / 10}"}
    for i in range(6)
    for model, kind, value in (("gpt", "basic", i), ("gpt", "biased", 9 - i), ("ppo", "basic", 5))
]


def csv_of(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_toxicity_is_the_mean_and_the_share_from_a_half_on(tmp_path):
    found = by_model(read_samples(csv_of(tmp_path / "tox.csv", TOX)))
    assert list(found) == [("gpt", "basic"), ("gpt", "biased"), ("ppo", "basic")]
    assert found["gpt", "basic"]["toxicity"]["value"] == pytest.approx(0.25)
    assert found["gpt", "basic"]["toxic"]["value"] == 1 / 6
    assert found["ppo", "basic"]["toxic"]["value"] == 1.0
    assert all(
        one["n"] == 6 and one["low"] <= one["value"] <= one["high"] for m in found.values() for one in m.values()
    )


def test_a_difference_is_of_the_same_contexts(tmp_path):
    samples = read_samples(csv_of(tmp_path / "tox.csv", TOX))
    found = differences(samples, "toxicity", ("gpt", "biased"), ("gpt", "basic"))
    assert found["value"] == pytest.approx(mean((9 - 2 * i) / 10 for i in range(6)))
    assert found["low"] < found["value"] < found["high"]
    with pytest.raises(BadUse, match="share no context"):
        differences(samples, "toxicity", ("gpt", "biased"), ("bert", "basic"))


def test_truth_and_information_are_counted_from_a_half_on(tmp_path):
    rows = [
        {"model_type": "gpt", "prompt_type": "QA", "question": f"q{i}", "answer": "a", "true": true, "info": info}
        for i, (true, info) in enumerate([(0.9, 0.9), (0.9, 0.1), (0.5, 0.5), (0.2, 1.0)])
    ]
    found = by_model(read_samples(csv_of(tmp_path / "true.csv", rows)))["gpt", "QA"]
    assert {name: one["value"] for name, one in found.items()} == {
        "probability of true": pytest.approx(0.625),
        "true": 0.75,
        "true and informative": 0.5,
    }


def test_summaries_are_scored_against_the_reference(tmp_path):
    rows = [{"context": "c", "ref_text": "a cat sat", "samples": {"gpt": "a cat", "sft": "dogs"}}]
    (tmp_path / "tldr.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = by_model(read_samples(tmp_path / "tldr.jsonl"))
    assert found["gpt", ""]["rougeL"]["value"] == rouge_l("a cat", "a cat sat") == pytest.approx(0.8)
    assert found["sft", ""]["rougeL"]["value"] == 0.0


def test_a_packed_file_of_objects_is_the_same_as_a_table(tmp_path):
    lines = []
    for i in range(6):
        some = [row for row in TOX if row["context"] == f"c{i}"]
        samples = [
            {"model": r["model_type"], "prompt_type": r["prompt_type"], "text": "x", "toxicity": float(r["toxicity"])}
            for r in some
        ]
        lines.append(json.dumps({"context": f"c{i}", "samples": samples}))
    (tmp_path / "tox.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    table = read_samples(csv_of(tmp_path / "tox.csv", TOX))
    assert read_samples(tmp_path / "tox.jsonl.gz") == table
    (tmp_path / "tox.csv.gz").write_bytes(gzip.compress((tmp_path / "tox.csv").read_bytes()))
    assert read_samples(tmp_path / "tox.csv.gz") == table


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"model_type": "gpt", "toxicity": "1.5", "context": "c"}], "sample 1: toxicity is 1.5"),
        ([{"model_type": "gpt", "toxicity": "", "context": "c"}], "could not convert"),
        ([{"model_type": "gpt", "text": "x"}], "has the columns model_type, text"),
        ([{"toxicity": "0.5"}], "has the columns"),
    ],
)
def test_a_file_of_another_form_is_one_line(tmp_path, rows, words):
    with pytest.raises(BadUse, match=words):
        read_samples(csv_of(tmp_path / "x.csv", rows))
    with pytest.raises(BadUse, match="does not exist"):
        read_samples(tmp_path / "missing.csv")


def test_the_published_toxicity_samples_say_what_the_paper_found(shared_data):
    """74 of the 100 contexts are there; of all 100 the 175B means are .199 .195 .244, PPO-ptx .195 .173 .329."""
    path = shared_data / "safety" / "instructgpt_realtoxicity_samples.jsonl.gz"
    samples = read_samples(path)
    found = by_model(samples)
    assert len(found) == 36
    with gzip.open(path, "rt") as file:
        rows = [json.loads(line) for line in file]
    for (model, kind), measures in found.items():
        plain = [
            s["toxicity"] for row in rows for s in row["samples"] if (s["model"], s["prompt_type"]) == (model, kind)
        ]
        assert measures["toxicity"]["value"] == pytest.approx(mean(plain))
        assert measures["toxicity"]["n"] == len(plain) == 74
    means = {key: round(one["toxicity"]["value"], 3) for key, one in found.items()}
    assert [means["gpt-175b", f"{kind} prompt"] for kind in ("basic", "respectful", "biased")] == [0.178, 0.190, 0.263]
    assert [means["ppo-ptx-175b", f"{kind} prompt"] for kind in ("basic", "respectful", "biased")] == [
        0.170,
        0.163,
        0.323,
    ]
    ptx = ("ppo-ptx-175b", "biased prompt")
    assert differences(samples, "toxicity", ptx, ("ppo-ptx-175b", "respectful prompt"))["low"] > 0
    assert (
        differences(samples, "toxicity", ("ppo-noptx-175b", "biased prompt"), ("gpt-175b", "biased prompt"))["low"] > 0
    )


def test_the_published_summaries_are_scored(shared_data):
    found = by_model(read_samples(shared_data / "prefs" / "instructgpt_tldr_samples.jsonl.gz"))
    assert len(found) == 12
    assert {one["rougeL"]["n"] for one in found.values()} == {84}
    assert all(0.05 < one["rougeL"]["value"] < 0.5 for one in found.values())
