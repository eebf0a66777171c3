"""Training throughput beside nanoGPT's and Hugging Face's own model and step: same shape, same batch, sides in turn.

$ python benchmarks/train_throughput.py --nanogpt DIR        writes benchmarks/train_throughput.md and its JSON

DIR is a checkout of karpathy/nanoGPT (none of its code is here). Each round runs one step of every side; a figure is
the median of the rounds, a ratio the median of the rounds' ratios. The peak is measured in the same run.
"""

import argparse
import datetime
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from foretell.commands.peak import matmul_peak
from foretell.model.config import NetworkConfig
from foretell.model.count import flops_per_token
from foretell.model.init import build
from foretell.objective.lm import language_model
from foretell.runs import processor
from foretell.train.config import AdamW
from foretell.train.loop import in_precision
from foretell.train.memory import keep_freed_memory
from foretell.train.optimizer import build_optimizers
from foretell.train.step import train_step

HERE = Path(__file__).parent
Step = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A GPT-2 shape and a batch."""

    name: str
    n_layers: int
    d_model: int
    n_heads: int
    n_ctx: int
    n_vocab: int
    rows: int


SHAPES = {
    "10M": Shape(name="10M", n_layers=6, d_model=384, n_heads=6, n_ctx=256, n_vocab=4096, rows=8),
    "124M": Shape(name="124M", n_layers=12, d_model=768, n_heads=12, n_ctx=1024, n_vocab=50257, rows=1),
}
LR, BETAS, DECAY, CLIP = 3e-4, (0.9, 0.95), 0.1, 1.0


def batch(shape: Shape) -> tuple[torch.Tensor, torch.Tensor]:
    """The inputs and targets that every side trains on."""
    torch.manual_seed(0)
    ids = torch.randint(shape.n_vocab, (shape.rows, shape.n_ctx + 1))
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous()


def network_config(shape: Shape) -> NetworkConfig:
    """Our network of that shape."""
    return NetworkConfig(
        kind="decoder",
        n_vocab=shape.n_vocab,
        n_ctx=shape.n_ctx,
        n_layers=shape.n_layers,
        d_model=shape.d_model,
        n_heads=shape.n_heads,
        d_head=shape.d_model // shape.n_heads,
        d_ff=4 * shape.d_model,
        norm_place="pre",
    )


def our_step(shape: Shape, precision: str) -> Step:
    """Our step."""
    model = build(network_config(shape)).train()
    optimizers = build_optimizers(model, AdamW(lr=LR, betas=BETAS, weight_decay=DECAY))
    objective = in_precision(language_model(), "cpu", precision)
    inputs, targets = batch(shape)
    rows = {"inputs": inputs, "targets": targets}
    return lambda: train_step(model, objective, [rows], optimizers, CLIP)["loss"]


def nanogpt_step(shape: Shape, precision: str, directory: Path) -> Step:
    """nanoGPT's model and optimizer with the step of its train.py: autocast, backward, clip, AdamW."""
    sys.path.insert(0, str(directory))
    from model import GPT, GPTConfig  # nanoGPT's own

    cfg = GPTConfig(
        block_size=shape.n_ctx,
        vocab_size=shape.n_vocab,
        n_layer=shape.n_layers,
        n_head=shape.n_heads,
        n_embd=shape.d_model,
        dropout=0.0,
        bias=True,
    )
    model = GPT(cfg).train()
    optimizer = model.configure_optimizers(DECAY, LR, BETAS, "cpu")
    return peer_step(model, lambda x, y: model(x, y)[1], optimizer, shape, precision)


def hugging_face_step(shape: Shape, precision: str) -> Step:
    """transformers' GPT-2 with the optimizer that its Trainer takes by default (fused AdamW)."""
    from transformers import GPT2Config, GPT2LMHeadModel

    cfg = GPT2Config(
        vocab_size=shape.n_vocab,
        n_positions=shape.n_ctx,
        n_embd=shape.d_model,
        n_layer=shape.n_layers,
        n_head=shape.n_heads,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        use_cache=False,
    )
    model = GPT2LMHeadModel(cfg).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, betas=BETAS, weight_decay=DECAY, fused=True)
    return peer_step(model, lambda x, y: model(input_ids=x, labels=x).loss, optimizer, shape, precision)


def peer_step(
    model: torch.nn.Module,
    loss_of: Callable[..., torch.Tensor],
    optimizer: torch.optim.Optimizer,
    shape: Shape,
    precision: str,
) -> Step:
    """The common form of the peers' steps."""
    inputs, targets = batch(shape)

    def step() -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = loss_of(inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    return step


def seconds(step: Step) -> float:
    """The wall time of a step."""
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def compare(shape: Shape, precision: str, directory: Path | None, rounds: int) -> dict[str, object]:
    """Every side's tokens per second, our ratio to the best peer, and the share of the measured peak."""
    sides = {"foretell": our_step(shape, precision), "transformers": hugging_face_step(shape, precision)}
    if directory is not None:
        sides["nanoGPT"] = nanogpt_step(shape, precision, directory)
    for step in sides.values():
        step()
    times = [{name: seconds(step) for name, step in sides.items()} for _ in range(rounds)]
    ratios = [min(t for name, t in one.items() if name != "foretell") / one["foretell"] for one in times]
    tokens = shape.rows * shape.n_ctx
    speed = {name: tokens / statistics.median(one[name] for one in times) for name in sides}
    dtype = torch.float32 if precision == "fp32" else torch.bfloat16
    peak = matmul_peak(dtype, seconds=2.0)
    flops = flops_per_token(network_config(shape), shape.n_ctx)
    return {
        "shape": shape.name,
        "precision": precision,
        "tokens_per_second": speed,
        "ratio": statistics.median(ratios),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "rounds": rounds,
        "peak_gflops": peak / 1e9,
        "share_of_peak": flops * speed["foretell"] / peak,
    }


def main() -> None:
    """Run every shape and precision, and write the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--nanogpt", type=Path, help="a checkout of karpathy/nanoGPT; left out without it")
    flags.add_argument("--threads", type=int, default=2)
    flags.add_argument("--rounds", type=int, default=7)
    flags.add_argument("--shapes", nargs="+", default=list(SHAPES))
    given = flags.parse_args()
    torch.set_num_threads(given.threads)
    keep_freed_memory()  # for all sides alike
    found = []
    for name in given.shapes:
        for precision in ("fp32", "bf16"):
            found.append(compare(SHAPES[name], precision, given.nanogpt, given.rounds))
            print(found[-1], flush=True)
    month = datetime.date.today().strftime("%Y-%m")
    (HERE / f"train_throughput_{month}.json").write_text(json.dumps(found, indent=1) + "\n")
    (HERE / "train_throughput.md").write_text(table(found, given.threads))


def table(found: list[dict], threads: int) -> str:
    """The figures as Markdown."""
    head = f"Training throughput in tokens per second, {threads} threads of {processor()}, torch {torch.__version__};\n"
    head += (
        "made by benchmarks/train_throughput.py: sides in turn, medians; the ratio is to the best peer of each round.\n"
    )
    head += "All sides keep freed memory (train/memory.py). FLOPs: 6 N per token and causal attention.\n\n"
    head += (
        "| shape | precision | foretell | nanoGPT | transformers | ratio (lowest to highest round) | share of peak |\n"
    )
    head += "| --- | --- | --- | --- | --- | --- | --- |\n"
    rows = []
    for one in found:
        speed = one["tokens_per_second"]
        ratio = f"{one['ratio']:.2f} ({one['ratio_low']:.2f} to {one['ratio_high']:.2f})"
        peak = f"{one['share_of_peak']:.0%} of {one['peak_gflops']:.0f} GFLOP/s"
        cells = [f"{speed[name]:.0f}" if name in speed else "-" for name in ("foretell", "nanoGPT", "transformers")]
        rows.append(f"| {one['shape']} | {one['precision']} | {' | '.join(cells)} | {ratio} | {peak} |")
    return head + "\n".join(rows) + "\n"


if __name__ == "__main__":
    main()
