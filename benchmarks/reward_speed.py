"""The reward model's loss over K outputs, in rows that branch, beside the same loss over expanded pairs.

$ python -m benchmarks.reward_speed            writes benchmarks/reward_speed.md
$ python -m benchmarks.reward_speed --small    one shape and two rounds, printed only

Three layouts of the same rankings, with the same network and the same loss, forward and backward:

    pairs      both outputs of each of the C(K, 2) pairs in rows of their own, padded: what libraries for pairs do
    outputs    each output once, in a row of its own with its prompt, padded
    foretell   each output once behind its prompt, which stands in the row once; rankings share rows
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from foretell.corpus.rankings import Encoded, rows_of
from foretell.model.config import Heads, NetworkConfig
from foretell.model.init import build
from foretell.model.network import Network
from foretell.objective.mean import Batch
from foretell.objective.ranking import ranking, ranking_loss
from foretell.runs import processor

HERE = Path(__file__).parent
MIX = (4, 9, 2)
SHAPES = {"0.9M": (4, 128, 1024), "4.2M": (4, 256, 4096)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A network, and the rankings of a step: tokens of prompts and outputs are drawn about these means."""

    shape: str
    prompt: int
    output: int
    copies: int
    """how often the mix of K stands in the batch"""


def network(shape: str) -> Network:
    """A decoder of GPT-2's kind with a scalar head."""
    n_layers, d_model, n_vocab = SHAPES[shape]
    heads = Heads(lm=False, n_outputs=1, task_bias=True)
    sizes = {"n_layers": n_layers, "d_model": d_model, "n_vocab": n_vocab, "d_ff": 4 * d_model, "n_ctx": 512}
    return build(
        NetworkConfig(kind="decoder", norm_place="pre", n_heads=d_model // 64, d_head=64, heads=heads, **sizes)
    )


def drawn(setting: Setting, n_vocab: int) -> list[Encoded]:
    """Rankings without ties; lengths are uniform from half the mean to one and a half times it."""
    draw = np.random.default_rng(0)

    def text(mean: int) -> np.ndarray:
        return draw.integers(1, n_vocab, draw.integers(mean // 2, mean + mean // 2 + 1))

    return [
        Encoded(prompt=text(setting.prompt), outputs=tuple(text(setting.output) for _ in range(k)), ranks=ranks)
        for k in MIX * setting.copies
        for ranks in [tuple((draw.permutation(k) + 1).tolist())]
    ]


def padded(rows: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Rows of ids padded at the right, and where each row's last token is."""
    ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
    for row, own in zip(ids, rows, strict=True):
        row[: len(own)] = own
    return torch.from_numpy(ids), torch.tensor([len(row) - 1 for row in rows])


def rewards(model: Network, ids: Tensor, last: Tensor) -> Tensor:  # (B, T), (B,) -> (B,)
    """The reward at each row's last token, without branches."""
    return model.task_outputs(model.hidden(ids)[torch.arange(len(ids)), last])[:, 0]


def sides(model: Network, rankings: list[Encoded]) -> dict[str, tuple[Callable[[], Tensor], int]]:
    """The loss of each layout, and the tokens that it reads, filling included."""
    batch: Batch = {name: torch.from_numpy(value) for name, value in rows_of(rankings).items()}
    each = padded([np.concatenate([one.prompt, output]) for one in rankings for output in one.outputs])
    rows, weights = [], []
    for one in rankings:
        pairs = [sorted(pair, key=lambda i: one.ranks[i]) for pair in combinations(range(len(one.ranks)), 2)]
        rows += [np.concatenate([one.prompt, one.outputs[i]]) for pair in pairs for i in pair]
        weights += [1 / len(pairs)] * len(pairs)
    expanded, weight = padded(rows), torch.tensor(weights)

    def of_pairs() -> Tensor:
        better, worse = rewards(model, *expanded).unflatten(0, (-1, 2)).unbind(1)
        return -F.logsigmoid(better - worse) @ weight

    return {
        "pairs": (of_pairs, expanded[0].numel()),
        "outputs": (
            lambda: ranking_loss(rewards(model, *each), batch["ranks"], batch["prompts"]).total,
            each[0].numel(),
        ),
        "foretell": (lambda: ranking().terms(model, batch)["ranking"].total, batch["inputs"].numel()),
    }


def compare(setting: Setting, rounds: int) -> dict[str, object]:
    """CPU-seconds of each layout, forward and backward, and the ratio of each round."""
    model = network(setting.shape)
    every = sides(model, drawn(setting, SHAPES[setting.shape][2]))
    times: list[dict[str, float]] = []
    losses: dict[str, float] = {}
    for _ in range(rounds + 1):
        one = {}
        for name, (loss, _) in every.items():
            model.zero_grad(set_to_none=True)
            begun = time.process_time()
            value = loss()
            value.backward()
            one[name], losses[name] = time.process_time() - begun, value.item()
        times.append(one)
    times = times[1:]  # the first allocates
    assert max(losses.values()) - min(losses.values()) < 1e-4 * max(losses.values()), losses
    ratios = [one["pairs"] / one["foretell"] for one in times]
    return {
        "setting": setting,
        "seconds": {name: statistics.median(one[name] for one in times) for name in every},
        "tokens": {name: tokens for name, (_, tokens) in every.items()},
        "ratio": statistics.median(ratios),
        "low": min(ratios),
        "high": max(ratios),
    }


def main() -> None:
    """Run the settings and write the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--small", action="store_true")
    given = flags.parse_args()
    torch.set_num_threads(1)
    settings = [
        Setting(shape="0.9M", prompt=64, output=32, copies=1),
        Setting(shape="4.2M", prompt=64, output=32, copies=1),
        Setting(shape="4.2M", prompt=16, output=32, copies=1),
        Setting(shape="4.2M", prompt=128, output=16, copies=1),
    ]
    if given.small:
        settings, given.rounds = settings[:1], 2
    found = []
    for setting in settings:
        found.append(compare(setting, given.rounds))
        print(found[-1], flush=True)
    text = table(found)
    print(text)
    if not given.small:
        (HERE / "reward_speed.md").write_text(text)


def table(found: list[dict]) -> str:
    """The figures as Markdown."""
    head = (
        f"CPU-seconds of the reward model's loss, forward and backward, of rankings with K in {MIX}; fp32, one\n"
        f"thread, {processor()}, torch {torch.__version__}; made by benchmarks/reward_speed.py. All layouts give the\n"
        "same loss. Sides in turn in one process, medians; the ratio is pairs / foretell, the median of all rounds.\n\n"
    )
    head += "| network | prompt, output | rankings | pairs: tokens, CPU-s | each output once | foretell |"
    head += " ratio (lowest to highest round) |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    lines = []
    for one in found:
        setting = one["setting"]
        cells = [f"{one['tokens'][name]:,}, {one['seconds'][name]:.3f}" for name in ("pairs", "outputs", "foretell")]
        ratio = f"{one['ratio']:.1f} ({one['low']:.1f} to {one['high']:.1f})"
        lengths = f"about {setting.prompt}, {setting.output}"
        lines.append(f"| {setting.shape} | {lengths} | {len(MIX) * setting.copies} | {' | '.join(cells)} | {ratio} |")
    return head + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
