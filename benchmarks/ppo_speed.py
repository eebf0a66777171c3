"""An iteration of PPO beside that of trl 1.12.0, the last release with one: the same shapes, prompts and settings.

$ pip download --no-deps trl==1.12.0 && unzip trl-1.12.0-py3-none-any.whl -d FOLDER
$ python -m benchmarks.ppo_speed --trl FOLDER     writes benchmarks/ppo_speed.md and its JSON

Four networks of one shape with random weights: policy, reference (the policy's weights), reward, value (the reward's).
64 prompts of 32 tokens, responses of 32, no end token, one epoch. trl takes one optimizer step for each network
pair and iteration, whatever num_mini_batches says; ours takes 8 for the policy and 8 for the value network.
"""

import argparse
import datetime
import io
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from foretell.align.average import frozen, halved
from foretell.align.iterations import Iterations
from foretell.align.judged import Critics, by_network
from foretell.align.rollouts import engine
from foretell.corpus.config import PromptData
from foretell.model.config import Heads, NetworkConfig
from foretell.model.init import build
from foretell.objective.config import PolicyOptimization
from foretell.runs import processor
from foretell.train.config import AdamW, BatchSize, Machine, RunConfig, Schedule

HERE = Path(__file__).parent
PROMPT = RESPONSE = 32
N_PROMPTS = 4096
LR = 1e-5
BASE = "trl 1.12.0 fp32, 1 minibatch"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A network and the episodes of an iteration."""

    n_layers: int
    d_model: int
    n_heads: int
    n_vocab: int
    n_ctx: int = PROMPT + RESPONSE
    rows: int = 64
    words: str


SHAPES = {
    "A": Shape(n_layers=2, d_model=128, n_heads=4, n_vocab=1024, words="A: 2 x 128, 1,024 tokens (0.5 M)"),
    "B": Shape(n_layers=4, d_model=256, n_heads=4, n_vocab=4096, words="B: 4 x 256, 4,096 tokens (4.2 M)"),
    "C": Shape(
        n_layers=12, d_model=768, n_heads=12, n_vocab=50257, n_ctx=1024, rows=8, words="C: GPT-2 124M, 8 episodes"
    ),
}


def network(shape: Shape) -> NetworkConfig:
    """GPT-2 of this shape, without dropout."""
    d = shape.d_model
    return NetworkConfig(
        kind="decoder", norm_place="pre", n_vocab=shape.n_vocab, n_ctx=shape.n_ctx, n_layers=shape.n_layers,
        d_model=d, n_heads=shape.n_heads, d_head=d // shape.n_heads, d_ff=4 * d,
    )  # fmt: skip


def prompts_of(shape: Shape) -> list[list[int]]:
    """Random prompts of tokens from 2 on: 0 pads and 1 ends, on the other side."""
    return np.random.default_rng(0).integers(2, shape.n_vocab, (N_PROMPTS, PROMPT)).tolist()


@dataclass(kw_only=True)
class Side:
    """One side: a function that does an iteration, and the optimizer steps of the policy that it took."""

    iterate: Callable[[int], list[float]]
    """CPU-seconds of each of so many iterations"""
    steps: list[int]
    """optimizer steps an iteration"""


def ours(shape: Shape, minibatches: int, precision: str) -> Side:
    """foretell: the work of a run, without its files."""
    cfg = network(shape)
    ppo = PolicyOptimization(reward="made", minibatches=minibatches, average=0.0, value_lr=LR)
    run = RunConfig(
        recipe="speed", model=cfg, data=PromptData(folder="", length=PROMPT + RESPONSE, response=RESPONSE),
        objective=ppo, optim=AdamW(lr=LR), schedule=Schedule(shape="constant"), batch=BatchSize(rows=shape.rows),
        steps=1000, start="made", machine=Machine(device="cpu", threads=1, precision=precision),
    )  # fmt: skip
    value = build(replace(cfg, heads=Heads(lm=False, n_outputs=1)), 1).eval()
    reward = halved(value) if precision == "bf16" else frozen(value)
    work = Iterations(
        cfg=run, ppo=ppo, policy=build(cfg).eval(), critics=Critics(by_network(reward, precision), value, reward),
        prompts=(prompts_of(shape), []), text=None, sampler=engine(-1, RESPONSE, 1.0), foreign=False, end=-1,
        room=RESPONSE, device="cpu",
    )  # fmt: skip
    taken = [0]
    work.policy_learner.optimizers[0].register_step_post_hook(lambda *_: taken.__setitem__(0, taken[0] + 1))
    side = Side(iterate=lambda n: [], steps=[])
    done = [0]

    def iterate(n: int) -> list[float]:
        times = []
        for _ in range(n):
            taken[0], begun = 0, time.process_time()
            work.step(done[0])
            times.append(time.process_time() - begun)
            done[0] += 1
            side.steps.append(taken[0])
        return times

    side.iterate = iterate
    return side


def theirs(shape: Shape, minibatches: int, precision: str) -> Side:
    """trl 1.12.0. An iteration lasts from one call of batch_generation to the next."""
    from datasets import Dataset
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        DataCollatorWithPadding,
        GPT2Config,
        GPT2ForSequenceClassification,
        GPT2LMHeadModel,
        PreTrainedTokenizerFast,
    )
    from trl.experimental import ppo as trl_ppo
    from trl.experimental.ppo import ppo_trainer

    names = {"[PAD]": 0, "<eos>": 1, **{f"w{i}": i for i in range(2, shape.n_vocab)}}
    inner = Tokenizer(models.WordLevel(names, unk_token="[PAD]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", eos_token="<eos>", padding_side="left"
    )
    config = GPT2Config(
        vocab_size=shape.n_vocab, n_positions=shape.n_ctx, n_embd=shape.d_model, n_layer=shape.n_layers,
        n_head=shape.n_heads, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, pad_token_id=0, eos_token_id=1,
        bos_token_id=1, num_labels=1,
    )  # fmt: skip
    torch.manual_seed(0)
    policy, reference = GPT2LMHeadModel(config), GPT2LMHeadModel(config)
    reference.load_state_dict(policy.state_dict())
    reward, value = GPT2ForSequenceClassification(config), GPT2ForSequenceClassification(config)
    value.load_state_dict(reward.state_dict())
    args = trl_ppo.PPOConfig(
        output_dir=tempfile.mkdtemp(), use_cpu=True, bf16=precision == "bf16", report_to=[],
        learning_rate=LR, num_ppo_epochs=1,
        per_device_train_batch_size=shape.rows // minibatches, gradient_accumulation_steps=minibatches,
        num_mini_batches=minibatches, total_episodes=shape.rows * 3, response_length=RESPONSE, temperature=1.0,
        kl_coef=0.02, cliprange=0.2, cliprange_value=0.2, gamma=1.0, lam=0.95, num_sample_generations=0,
        local_rollout_forward_batch_size=shape.rows, save_strategy="no", logging_steps=10_000, disable_tqdm=True,
        missing_eos_penalty=None, stop_token=None, whiten_rewards=False, gradient_checkpointing=False,
    )  # fmt: skip
    rows = Dataset.from_dict({"input_ids": prompts_of(shape)})
    trainer = trl_ppo.PPOTrainer(
        args=args, processing_class=tokenizer, model=policy, ref_model=reference, reward_model=reward,
        value_model=value, train_dataset=rows, eval_dataset=rows.select(range(8)),
        data_collator=DataCollatorWithPadding(tokenizer),
    )  # fmt: skip
    marks: list[float] = []
    taken = [0]
    real = ppo_trainer.batch_generation

    def marked(*given: object, **more: object) -> object:
        marks.append(time.process_time())
        return real(*given, **more)

    ppo_trainer.batch_generation = marked
    optimizer = getattr(trainer.optimizer, "optimizer", trainer.optimizer)
    optimizer.register_step_post_hook(lambda *_: taken.__setitem__(0, taken[0] + 1))
    side = Side(iterate=lambda n: [], steps=[])

    def iterate(n: int) -> list[float]:
        args.num_total_batches = n + 1  # the last one's end is not marked
        args.total_episodes = shape.rows * (n + 1)
        marks.clear()
        taken[0] = 0
        with redirect_stdout(io.StringIO()):
            trainer.train()
        side.steps.append(taken[0] // (n + 1))
        return [after - before for before, after in pairwise(marks)]

    side.iterate = iterate
    return side


def compare(name: str, trl: bool, rounds: int, each: int) -> list[dict[str, object]]:
    """CPU-seconds of an iteration of every side, in turn over the rounds."""
    shape = SHAPES[name]
    sides = {
        "foretell fp32, 8 minibatches": ours(shape, 8, "fp32"),
        "foretell bf16, 8 minibatches": ours(shape, 8, "bf16"),
        "foretell bf16, 1 minibatch": ours(shape, 1, "bf16"),
    }
    if trl:
        sides["trl 1.12.0 bf16, 1 minibatch"] = theirs(shape, 1, "bf16")
        sides[BASE] = theirs(shape, 1, "fp32")
    for side in sides.values():
        side.iterate(1)  # the first is slower on every side
        side.steps.clear()
    times: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side, made in sides.items():
            times[side].append(statistics.median(made.iterate(each)))
    base = times.get(BASE, [])
    found = []
    for side, seconds in times.items():
        ratios = [theirs / one for theirs, one in zip(base, seconds, strict=True)] if base else []
        found.append(
            {
                "shape": shape.words, "side": side, "cpu_seconds": statistics.median(seconds),
                "episodes_per_cpu_second": shape.rows / statistics.median(seconds),
                "steps": statistics.median(sides[side].steps),
                "ratio": statistics.median(ratios) if ratios else None,
                "low": min(ratios) if ratios else None, "high": max(ratios) if ratios else None,
            }
        )  # fmt: skip
        print(found[-1], flush=True)
    return found


def table(found: list[dict], rounds: int) -> str:
    """The figures as Markdown."""
    head = (
        f"One iteration of PPO, one thread of {processor()}, torch {torch.__version__}; 32 + 32 tokens, 64 episodes\n"
        "(C: 8), one epoch; made by benchmarks/ppo_speed.py: sides in turn, CPU-seconds of the process, medians over\n"
        f"{rounds} rounds; the ratio is the median of the rounds' ratios, in episodes per CPU-second. Steps are those\n"
        "of the policy's optimizer, counted by a hook. Like with like is fp32 with fp32; bf16 keeps weights and\n"
        "optimizer in fp32, and trl gains nothing by its own bf16 setting here. Other work ran on the machine.\n\n"
        "| networks | side | CPU-s | episodes per CPU-s | optimizer steps | times trl fp32 (range) |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
    )
    lines = []
    for one in found:
        ratio = f"{one['ratio']:.2f} ({one['low']:.2f} to {one['high']:.2f})" if one["ratio"] else "not measured"
        figures = f"{one['cpu_seconds']:.2f} | {one['episodes_per_cpu_second']:.1f} | {one['steps']:.0f}"
        lines.append(f"| {one['shape']} | {one['side']} | {figures} | {ratio} |")
    return head + "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--trl", help="the folder with trl 1.12.0 unpacked; without it our side alone is measured")
    flags.add_argument("--rounds", type=int, default=5)
    flags.add_argument("--each", type=int, default=2, help="iterations of a round")
    flags.add_argument(
        "--large", action="store_true", help="the 124M shape too: all sides at once, some 30 GiB and many minutes"
    )
    flags.add_argument("--small", action="store_true", help="shape A alone, nothing written")
    given = flags.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if given.trl:
        sys.path.insert(0, given.trl)
    names = ["A"] if given.small else ["A", "B", *(["C"] if given.large else [])]
    found = [one for name in names for one in compare(name, bool(given.trl), given.rounds, given.each)]
    written = table(found, given.rounds)
    print(written)
    if not given.small:
        month = datetime.date.today().strftime("%Y-%m")
        (HERE / f"ppo_speed_{month}.json").write_text(json.dumps(found, indent=1) + "\n")
        (HERE / "ppo_speed.md").write_text(written)


if __name__ == "__main__":
    main()
