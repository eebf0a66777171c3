"""Reward curves of PPO on a toy with a known answer: 4 times the share of even tokens, less 2, on a random 0.5 M model.

$ python -m benchmarks.ppo_toy            five seeds; writes benchmarks/ppo_toy.md and its JSON
$ python -m benchmarks.ppo_toy --small    one seed of a few iterations, nothing written

The policy knows nothing, so that half of its tokens are even and the reward is 0 with a standard deviation of 0.5 for
a response of 16. It passes if the mean reward rises by more than two of these while the KL stays below 10 nats.
"""

import argparse
import datetime
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from foretell.align.iterations import Iterations
from foretell.align.judged import Critics, by_function, with_zero_head
from foretell.align.rollouts import engine
from foretell.corpus.config import PromptData
from foretell.model.config import NetworkConfig
from foretell.model.init import build
from foretell.objective.config import PolicyOptimization
from foretell.runs import processor
from foretell.train.config import AdamW, BatchSize, Machine, RunConfig, Schedule

HERE = Path(__file__).parent
PROMPT, RESPONSE, N_VOCAB, STEPS = 8, 16, 1024, 48
CURVES = ("reward", "kl", "entropy", "response_length", "value_loss", "explained_variance")
LAST = 5  # iterations that the end is the mean of
MOST_KL, SIGMAS = 10.0, 2.0


def even_share(prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> list[float]:
    """4 times the share of even tokens, less 2."""
    return [4 * sum(token % 2 == 0 for token in answer) / len(answer) - 2 for answer in answers]


def work_of(seed: int, steps: int = STEPS, **objective: object) -> Iterations:
    """The run: 64 episodes in 4 minibatches, beta 0.08, both rates 1e-3; prompts are of tokens from 2 on.

    Token 1 ends an answer: an odd one, for with an even one the best answer is to end at once.
    """
    cfg = NetworkConfig(
        kind="decoder", norm_place="pre", n_vocab=N_VOCAB, n_ctx=64, n_layers=2, d_model=128, n_heads=4, d_head=32,
        d_ff=512,
    )  # fmt: skip
    settings = {"minibatches": 4, "average": 0.9, "beta": 0.08, "value_lr": 1e-3, "missing_end": "subtract"}
    ppo = PolicyOptimization(**{"reward": "made", "missing_end_amount": 0.0, **settings, **objective})
    run = RunConfig(
        recipe="toy", model=cfg, data=PromptData(folder="", length=PROMPT + RESPONSE, response=RESPONSE),
        objective=ppo, optim=AdamW(lr=1e-3, betas=(0.9, 0.95)), schedule=Schedule(shape="constant", warmup_steps=3),
        batch=BatchSize(rows=64), steps=steps, clip=1.0, start="made", seed=seed,
        machine=Machine(device="cpu", threads=1),
    )  # fmt: skip
    policy = build(cfg, seed).eval()
    prompts = np.random.default_rng(seed).integers(2, N_VOCAB, (512, PROMPT)).tolist()
    value = with_zero_head(policy) if ppo.advantages == "gae" else None
    return Iterations(
        cfg=run, ppo=ppo, policy=policy, critics=Critics(by_function(even_share), value), prompts=(prompts, []),
        text=None, sampler=engine(1, RESPONSE, 1.0), foreign=False, end=1, room=RESPONSE, device="cpu",
    )  # fmt: skip


def learnt(seed: int, steps: int = STEPS, **objective: object) -> dict[str, list[float]]:
    """The curves of a seed; `sigma` is the standard deviation of the first responses' rewards."""
    work, begun = work_of(seed, steps, **objective), time.process_time()
    first = work.critics.scores(work.answered(work.prompts[0], 0))
    curves: dict[str, list[float]] = {name: [] for name in CURVES}
    for step in range(steps):
        values = work.step(step)
        for name, curve in curves.items():
            if name in values:
                curve.append(round(values[name], 4))
    return curves | {"sigma": [first.std().item()], "cpu_seconds": [round(time.process_time() - begun, 1)]}


def rise(curves: dict[str, list[float]]) -> float:
    """The rise of the mean reward in standard deviations of the first responses."""
    return (statistics.mean(curves["reward"][-LAST:]) - curves["reward"][0]) / curves["sigma"][0]


def passed(curves: dict[str, list[float]]) -> bool:
    """Whether the reward has risen by more than two standard deviations with the KL below 10 nats throughout."""
    return rise(curves) > SIGMAS and max(curves["kl"]) < MOST_KL


def table(found: dict[int, dict[str, list[float]]]) -> str:
    """The curves' bands over the seeds, and each seed's end, as Markdown."""
    head = (
        f"PPO on the toy of benchmarks/ppo_toy.py: {STEPS} iterations of 64 episodes, {processor()}, a thread, torch\n"
        f"{torch.__version__}. Lowest, mean and highest of {len(found)} seeds at iterations of the run:\n\n"
    )
    at = sorted({0, STEPS // 4 - 1, STEPS // 2 - 1, 3 * STEPS // 4 - 1, STEPS - 1})
    head += "| measure | " + " | ".join(f"iteration {step + 1}" for step in at) + " |\n"
    head += "| --- |" + " --- |" * len(at) + "\n"
    for name in CURVES:
        cells = []
        for step in at:
            values = [curves[name][step] for curves in found.values()]
            cells.append(f"{min(values):.2f}, {statistics.mean(values):.2f}, {max(values):.2f}")
        head += f"| {name.replace('_', ' ')} | " + " | ".join(cells) + " |\n"
    head += (
        f"\nThe rise is of the mean reward of the last {LAST} iterations over the first, in standard deviations of\n"
    )
    head += "the first responses' rewards.\n\n| seed | rise | highest KL (nats) | CPU-seconds | passed |\n"
    head += "| --- | --- | --- | --- | --- |\n"
    for seed, curves in found.items():
        cells = f"{rise(curves):.1f} | {max(curves['kl']):.1f} | {curves['cpu_seconds'][0]:.0f}"
        head += f"| {seed} | {cells} | {'yes' if passed(curves) else 'no'} |\n"
    return head


def main() -> None:
    """Run the seeds and write the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--seeds", type=int, default=5)
    flags.add_argument("--small", action="store_true", help="one seed, four iterations, nothing written")
    given = flags.parse_args()
    torch.set_num_threads(1)
    if given.small:
        print(learnt(0, 4))
        return
    found = {}
    for seed in range(given.seeds):
        found[seed] = learnt(seed)
        print(f"seed {seed}: rise {rise(found[seed]):.2f}, highest KL {max(found[seed]['kl']):.1f}", flush=True)
    month = datetime.date.today().strftime("%Y-%m")
    (HERE / f"ppo_toy_{month}.json").write_text(json.dumps(found, indent=1) + "\n")
    (HERE / "ppo_toy.md").write_text(table(found))
    print(table(found))


if __name__ == "__main__":
    main()
