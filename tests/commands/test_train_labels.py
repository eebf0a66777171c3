"""`foretell train ... --labels labels.db`: from a store to a run, in a folder of its own."""

import json

import pytest

from foretell.cli import main
from foretell.commands.train_command import configured
from tests.prose import write_prose

WORDS = [
    "Where",
    "is",
    "the",
    "list?",
    "It",
    "is",
    "kept",
    "in",
    "the",
    "table",
    "of",
    "the",
    "record",
    "which",
    "the",
    "caller",
    "has",
    "given",
    "to",
    "the",
    "list.",
]


@pytest.fixture(scope="module", autouse=True)
def _here(tmp_path_factory):
    """A small pretrained run and a store with demonstrations."""
    here = tmp_path_factory.mktemp("here")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        write_prose(here / "text")
        common = ["--steps", "2", "--threads", "1", "--quiet"]
        assert main(["train", "gpt2.pretrain:smoke", "--data", "text", "--out", "base", *common]) == 0
        rows = [
            {
                "prompt_id": "",
                "group_id": f"g{i}",
                "split": "valid" if i % 4 == 0 else "train",
                "prompt": f"{i} {WORDS[i % 20]}?",
                "completion": " ".join(WORDS[i % 7 : i % 7 + 3]),
                "labeller": "ana",
            }
            for i in range(32)
        ]
        from foretell.align.records import prompt_id

        rows = [{**row, "prompt_id": prompt_id(row["prompt"])} for row in rows]
        (here / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert main(["label", "import", "d.jsonl", "--format", "jsonl", "--db", "labels.db"]) == 0
        yield


def test_a_store_trains(capsys, tmp_path):
    args = ["train", "instructgpt.sft:smoke", "--start", "base", "--labels", "labels.db", "--steps", "3"]
    assert main([*args, "--threads", "1", "--out", str(tmp_path / "run"), "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["val_loss"] > 0
    cfg = json.loads((tmp_path / "run" / "config.json").read_text())
    assert cfg["data"]["folder"].startswith("corpora/labels-")
    assert main([*args, "--threads", "1", "--out", str(tmp_path / "run"), "--json", "--quiet"]) == 0  # found finished


@pytest.mark.parametrize(
    ("recipe", "more", "said"),
    [
        ("instructgpt.reward:smoke", [], "labels.db holds no rankings to train on"),
        ("gpt2.pretrain:smoke", [], "--labels with data=text: it reads no labels"),
        ("instructgpt.sft:smoke", ["--data", "text"], "--labels labels.db and --data text are both given"),
    ],
)
def test_a_store_that_does_not_fit_is_one_line(capsys, recipe, more, said):
    assert main(["train", recipe, "--start", "base", "--labels", "labels.db", *more]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line


@pytest.mark.parametrize("stage", ["sft", "start", "reward", "ppo"])
def test_every_stage_is_shown(capsys, stage):
    assert main(["show", f"instructgpt.{stage}:nano", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tokens"] > 0
    assert found["config"] == json.loads(json.dumps(found["config"]))
    assert configured(f"instructgpt.{stage}:nano", [], {}).recipe == f"instructgpt.{stage}:nano"
