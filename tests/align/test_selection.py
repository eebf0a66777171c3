"""The checkpoint whose answers score highest is the model: by a slow twin, and never silently by something else."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from foretell.align.answering import Answering, answers
from foretell.align.reward import load_reward, scores
from foretell.align.selection import select
from foretell.cli import main
from foretell.corpus.config import DemonstrationData
from foretell.errors import BadUse, Failed
from foretell.exchange.folder import load_model
from foretell.generate.model import Model
from foretell.model.config import Heads
from foretell.model.init import build
from foretell.objective.config import LanguageModel
from foretell.text.chat import Turn, answer_ids, prompt_ids
from foretell.train.loop import train
from tests.align import reward_folders as made

WORDS = made.tokenizer()
STEPS = (4, 8, 12)


def sft(root, **changes):
    """A short run on demonstrations that keeps three checkpoints."""
    rows = [{**row, "split": "valid" if i % 3 == 0 else "train"} for i, row in enumerate(made.demonstrations(30))]
    folder = made.labels(root / "labels", demonstrations=rows)
    base = made.config(folder, WORDS, steps=12)
    data = DemonstrationData(folder=str(folder), tokens=str(folder / "tokens"), length=64)
    changes = {"checkpoint_every": 4, "evaluate_every": 4, "keep": 3, **changes}
    return replace(base, model=made.network(Heads()), data=data, objective=LanguageModel(), **changes)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("selection")
    cfg = sft(root)
    train(cfg, root / "run", quiet=True)
    made.reward_folder(root / "reward", WORDS)
    return root


def weights_at(root, step):
    return load_file(root / "run" / "checkpoints" / f"step-{step:08d}" / "model.safetensors")


def slow_mean(root, step):
    """Each prompt asked alone, and its answer scored alone."""
    network = build(sft(root).model)
    network.load_state_dict(weights_at(root, step))
    model, reward = Model(network, WORDS), load_reward(root / "reward")
    found = []
    for place, i in enumerate(range(0, 30, 3)):
        prompt = {"prompt_id": f"held out {place}", "text": f"How is number {i}?"}
        ((text,),) = answers(model, [prompt], Answering(max_new_tokens=32))
        pair = prompt_ids(WORDS, [Turn("user", prompt["text"])]), answer_ids(WORDS, text)
        found += scores(reward, [pair], share=False)
    return sum(found) / len(found)


def test_the_best_checkpoint_becomes_the_model(root):
    found = select(root / "run", root / "reward", quiet=True)
    assert [one.step for one in found.scores] == list(STEPS)
    for one in found.scores:
        assert one.value == pytest.approx(slow_mean(root, one.step), abs=1e-5)
        assert one.low <= one.value <= one.high
        assert one.n == 10
    assert found.step == max(found.scores, key=lambda one: one.value).step
    now = load_model(root / "run").network.state_dict()
    assert all(torch.equal(now[name], value) for name, value in weights_at(root, found.step).items())
    lineage = json.loads((root / "run" / "lineage.json").read_text())
    assert lineage["selection"]["step"] == found.step
    assert "finished" in lineage


def test_the_same_reward_again_changes_nothing_and_another_selects_anew(root):
    first = select(root / "run", root / "reward", quiet=True)
    written = (root / "run" / "model" / "model.safetensors").stat().st_mtime_ns
    assert select(root / "run", root / "reward", quiet=True) == first
    assert (root / "run" / "model" / "model.safetensors").stat().st_mtime_ns == written
    made.reward_folder(root / "turned", WORDS)  # the same, with its sign turned: what was worst is best
    path = root / "turned" / "model.safetensors"
    tensors = load_file(path)
    head = [name for name in tensors if "score" in name or "task_head" in name]
    assert head
    save_file({name: -value if name in head else value for name, value in tensors.items()}, path, {"format": "pt"})
    turned = select(root / "run", root / "turned", quiet=True)
    assert turned.step == min(first.scores, key=lambda one: one.value).step


def test_the_command_trains_if_need_be_and_selects(root, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config, out = str(root / "run" / "config.json"), str(root / "run")
    assert main(["train", config, "--out", out, "--select-by", str(root / "reward"), "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "over 10 held-out prompts" in lines[0]
    assert "the model is that of step" in lines[3]
    args = ["train", config, "--out", out, "--select-by", str(root / "reward"), "--quiet", "--json"]
    assert main(args) == 0
    assert json.loads(capsys.readouterr().out)["step"] in STEPS


def test_what_cannot_be_selected_among_is_told(root, tmp_path):
    made.reward_folder(tmp_path / "other", made.tokenizer(390), n_layers=1)
    with pytest.raises(BadUse, match="the reward model has another tokenizer than"):
        select(root / "run", tmp_path / "other", quiet=True)
    with pytest.raises(BadUse, match="is of kind decoder with 0 outputs; a reward model"):
        select(root / "run", root / "run", quiet=True)
    assert main(["train", "instructgpt.sft:smoke", "--select-by", str(tmp_path / "none"), "--quiet"]) == 2
    folder = made.labels(tmp_path / "labels", rankings=made.rankings(20), demonstrations=made.demonstrations(4))
    train(made.config(folder, WORDS, steps=1), tmp_path / "ranked", quiet=True)
    with pytest.raises(BadUse, match="is a run on data=rankings"):
        select(tmp_path / "ranked", root / "reward", quiet=True)


def test_a_damaged_checkpoint_and_a_run_that_keeps_none_are_refused(root, tmp_path):
    train(sft(tmp_path), tmp_path / "run", quiet=True)
    path = tmp_path / "run" / "checkpoints" / "step-00000008" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Failed, match=r"step-00000008: model.safetensors is not what was written; remove it to select"):
        select(tmp_path / "run", root / "reward", quiet=True)
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    with pytest.raises(BadUse, match="keeps no checkpoint to select among; train it again with --keep 8"):
        select(tmp_path / "run", root / "reward", quiet=True)
