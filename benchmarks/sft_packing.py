"""Demonstrations packed into rows, none of which sees another, beside the same ones padded: forward and backward.

$ python -m benchmarks.sft_packing            writes benchmarks/sft_packing.md
$ python -m benchmarks.sft_packing --small    one setting and two rounds, printed only

    padded     one demonstration in a row, batches padded to their longest: what trainers do by default
    packed     by first fit into rows of the context, with positions and ends (foretell/corpus/packing.py)

Both sides read the same demonstrations with the same network and come to the same loss, which is checked.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from foretell.corpus.batches import IGNORED, Arrays
from foretell.corpus.packing import Text, first_fit, packed_rows, padded_rows
from foretell.model.config import NetworkConfig
from foretell.model.init import build
from foretell.model.network import Network
from foretell.objective.lm import language_model
from foretell.runs import processor

HERE = Path(__file__).parent
SHAPES = {"0.9M": (4, 128, 1024), "4.2M": (4, 256, 4096), "13M": (6, 384, 8192)}
ROWS = 32  # demonstrations of a padded batch


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A network, its context, and the demonstrations: their lengths have the mean and a long tail."""

    shape: str
    n_ctx: int
    mean: int
    n: int


def network(setting: Setting) -> Network:
    """A decoder of GPT-2's kind."""
    n_layers, d_model, n_vocab = SHAPES[setting.shape]
    sizes = {"n_layers": n_layers, "d_model": d_model, "n_vocab": n_vocab, "d_ff": 4 * d_model, "n_ctx": setting.n_ctx}
    return build(NetworkConfig(kind="decoder", norm_place="pre", n_heads=d_model // 64, d_head=64, **sizes))


def drawn(setting: Setting) -> list[Text]:
    """Texts of random ids whose last quarter is learnt; a standard deviation as large as the mean, as in table 9."""
    draw = np.random.default_rng(0)
    found = []
    for length in np.clip(draw.exponential(setting.mean, setting.n).astype(int), 8, setting.n_ctx):
        ids = draw.integers(1, SHAPES[setting.shape][2], length + 1)
        found.append((ids[:-1], np.where(np.arange(length) < length * 3 // 4, IGNORED, ids[1:])))
    return found


def sides(setting: Setting, texts: Sequence[Text]) -> dict[str, list[Arrays]]:
    """The batches of each side: as many tokens in each of the packed ones as in a mean padded one."""
    padded = [padded_rows(texts[at : at + ROWS]) for at in range(0, len(texts), ROWS)]
    rows = [[texts[i] for i in row] for row in first_fit(np.array([len(ids) for ids, _ in texts]), setting.n_ctx)]
    at_once = max(sum(batch["inputs"].size for batch in padded) // len(padded) // setting.n_ctx, 1)
    return {"padded": padded, "packed": [packed_rows(rows[at : at + at_once]) for at in range(0, len(rows), at_once)]}


def passed(model: Network, batches: Sequence[Arrays]) -> Callable[[], float]:
    """A function that takes the gradient of all batches and gives their summed loss."""
    tensors = [{name: torch.from_numpy(array) for name, array in batch.items()} for batch in batches]

    def run() -> float:
        total = 0.0
        for batch in tensors:
            loss = language_model().terms(model, batch)["lm"].total
            loss.backward()
            total += loss.item()
        model.zero_grad(set_to_none=True)
        return total

    return run


def compare(setting: Setting, rounds: int) -> dict[str, object]:
    """CPU-seconds of each side and the ratio of each round."""
    model, both = network(setting), sides(setting, drawn(setting))
    runs = {name: passed(model, batches) for name, batches in both.items()}
    times: list[dict[str, float]] = []
    losses: dict[str, float] = {}
    for _ in range(rounds + 1):
        one = {}
        for name, run in runs.items():
            begun = time.process_time()
            losses[name] = run()
            one[name] = time.process_time() - begun
        times.append(one)
    times = times[1:]  # the first allocates
    assert abs(losses["padded"] - losses["packed"]) < 1e-4 * losses["padded"], losses
    ratios = [one["padded"] / one["packed"] for one in times]
    return {
        "setting": setting,
        "seconds": {name: statistics.median(one[name] for one in times) for name in runs},
        "tokens": {name: sum(batch["inputs"].size for batch in batches) for name, batches in both.items()},
        "ratio": statistics.median(ratios),
        "low": min(ratios),
        "high": max(ratios),
    }


def table(found: Sequence[dict]) -> str:
    """The figures as Markdown."""
    lines = [
        f"CPU-seconds for the gradient of the same demonstrations, fp32, one thread, {processor()}, torch "
        f"{torch.__version__};\nmade by benchmarks/sft_packing.py: sides in turn, medians; the ratio is the median of "
        "the rounds' ratios.\n",
        "| network | context | demonstrations, mean tokens | padded: tokens | packed: tokens | padded: s | packed: s | ratio (lowest to highest round) |",  # noqa: E501
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in found:
        setting, tokens, seconds = one["setting"], one["tokens"], one["seconds"]
        cells = f"{setting.n}, {setting.mean} | {tokens['padded']:,} | {tokens['packed']:,}"
        cells += f" | {seconds['padded']:.2f} | {seconds['packed']:.2f}"
        ratio = f"{one['ratio']:.2f} ({one['low']:.2f} to {one['high']:.2f})"
        lines.append(f"| {setting.shape} | {setting.n_ctx} | {cells} | {ratio} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the settings and write the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--rounds", type=int, default=5)
    flags.add_argument("--small", action="store_true")
    given = flags.parse_args()
    torch.set_num_threads(1)
    settings = [
        Setting(shape="0.9M", n_ctx=128, mean=40, n=256),
        Setting(shape="4.2M", n_ctx=128, mean=40, n=256),
        Setting(shape="4.2M", n_ctx=512, mean=100, n=128),
        Setting(shape="13M", n_ctx=512, mean=100, n=64),
    ]
    found = [compare(setting, 2 if given.small else given.rounds) for setting in settings[: 1 if given.small else None]]
    print(table(found))
    if not given.small:
        (HERE / "sft_packing.md").write_text(table(found))


if __name__ == "__main__":
    main()
