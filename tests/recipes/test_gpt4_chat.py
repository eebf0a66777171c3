"""The stages fit together, and a smoke run of each goes through."""

from dataclasses import replace
from typing import get_args

import pytest

from foretell.corpus.jsonl import read_lines
from foretell.objective.config import PolicyOptimization
from foretell.recipes import gpt4_chat
from foretell.recipes.sources import resolve
from foretell.recipes.trainers import trainer

STAGES = ("pretrain", "sft", "ppo")


@pytest.mark.parametrize("size", get_args(gpt4_chat.Size))
def test_each_stage_starts_from_the_one_before_with_the_same_network(size):
    pretrain, sft, ppo = (getattr(gpt4_chat, stage)(size) for stage in STAGES)
    assert pretrain.model == sft.model == ppo.model
    assert sft.start == gpt4_chat.folder("pretrain", size)
    assert ppo.start == gpt4_chat.folder("sft", size)
    assert isinstance(ppo.objective, PolicyOptimization)
    assert ppo.objective.rubric
    assert not ppo.objective.reward


@pytest.mark.slow
def test_the_smallest_size_goes_through_all_stages(tmp_path):
    start = ""
    for stage in STAGES:
        cfg = getattr(gpt4_chat, stage)("smoke")
        cfg = replace(cfg, start=start, machine=replace(cfg.machine, device="cpu", threads=1))
        cfg = resolve(cfg, tmp_path / "corpora", quiet=True)
        start = str(trainer(cfg.objective.kind)(cfg, tmp_path / stage, True).folder)
    lines = read_lines(tmp_path / "ppo" / "metrics.jsonl")
    assert all(-2.5 <= line["reward"] <= 2.5 for line in lines if "reward" in line)
    assert (tmp_path / "corpora" / "people" / "prompts.jsonl").exists()
