"""Generation beside Hugging Face's generate(): the same weights, prompts and lengths, sides in turn.

$ python -m benchmarks.generate_speed        writes benchmarks/generate_speed.md and its JSON
"""

import argparse
import datetime
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import torch

from benchmarks.train_throughput import SHAPES, Shape, network_config
from foretell.exchange.card import Card
from foretell.exchange.folder import save_model
from foretell.generate.config import Sampling
from foretell.generate.engine import generate
from foretell.model.init import build
from foretell.runs import processor

HERE = Path(__file__).parent
PROMPT, NEW = 48, 64
NANO = Shape(name="1.3M", n_layers=4, d_model=128, n_heads=4, n_ctx=128, n_vocab=4096, rows=1)


class NoEnd:
    """Words that never end a text, so that both sides make the same number of tokens."""

    end_of_text = -1

    def decode(self, ids: list[int]) -> str:
        """Nothing: text is not measured."""
        return ""


def sides(shape: Shape, rows: int, sampled: bool) -> dict[str, Callable[[], object]]:
    """Both sides on one random network."""
    from transformers import GPT2LMHeadModel

    network = build(network_config(shape)).eval()
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder) / "model", network, None, Card(recipe="generate_speed"))
        theirs = GPT2LMHeadModel.from_pretrained(Path(folder) / "model").eval()
    ids = torch.randint(1, shape.n_vocab, (rows, PROMPT))
    settings = {"temperature": 0.8, "top_k": 40} if sampled else {"temperature": 0.0}
    how = Sampling(max_new_tokens=NEW, **settings)
    kind = {"do_sample": True, "temperature": 0.8, "top_k": 40} if sampled else {"do_sample": False}
    limits = {"max_new_tokens": NEW, "min_new_tokens": NEW, "pad_token_id": 0, "eos_token_id": None}
    mask = torch.ones_like(ids)
    return {
        "foretell": lambda: generate(network, NoEnd(), ids.tolist(), how),
        "transformers": lambda: theirs.generate(ids, attention_mask=mask, **limits, **kind),
    }


def compare(shape: Shape, rows: int, sampled: bool, threads: int, rounds: int) -> dict[str, object]:
    """Tokens per second of both, and the ratio of each round."""
    torch.set_num_threads(threads)
    both = sides(shape, rows, sampled)
    times: list[dict[str, float]] = []
    for _ in range(rounds + 1):
        one = {}
        for name, side in both.items():
            begun = time.perf_counter()
            side()
            one[name] = time.perf_counter() - begun
        times.append(one)
    times = times[1:]
    ratios = [one["transformers"] / one["foretell"] for one in times]
    speed = {name: rows * NEW / statistics.median(one[name] for one in times) for name in both}
    found = {"shape": shape.name, "rows": rows, "sampled": sampled, "threads": threads, "tokens_per_second": speed}
    return {**found, "ratio": statistics.median(ratios), "ratio_low": min(ratios), "ratio_high": max(ratios)}


def main() -> None:
    """Run all settings and write the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--rounds", type=int, default=5)
    given = flags.parse_args()
    found = []
    for shape, threads, rows, sampled in product((NANO, SHAPES["10M"]), (1, 2), (1, 16), (False, True)):
        found.append(compare(shape, rows, sampled, threads, given.rounds))
        print(found[-1], flush=True)
    month = datetime.date.today().strftime("%Y-%m")
    (HERE / f"generate_speed_{month}.json").write_text(json.dumps(found, indent=1) + "\n")
    (HERE / "generate_speed.md").write_text(table(found))


def table(found: list[dict]) -> str:
    """The figures as Markdown."""
    head = (
        f"Generated tokens per second of GPT-2 shapes (1.3M: 4 layers x 128; 10M: 6 x 384), fp32, {PROMPT} prompt and\n"
    )
    head += f"{NEW} new tokens, {processor()}, torch {torch.__version__}; made by benchmarks/generate_speed.py:\n"
    head += "sides in turn, medians; the ratio is the median of the rounds' ratios.\n\n"
    head += "| shape | batch | choice | threads | foretell | transformers | ratio (lowest to highest round) |\n"
    head += "| --- | --- | --- | --- | --- | --- | --- |\n"
    lines = []
    for one in found:
        speed, choice = one["tokens_per_second"], "top-k 40" if one["sampled"] else "greedy"
        ratio = f"{one['ratio']:.1f} ({one['ratio_low']:.1f} to {one['ratio_high']:.1f})"
        cells = f"{speed['foretell']:.0f} | {speed['transformers']:.0f} | {ratio}"
        lines.append(f"| {one['shape']} | {one['rows']} | {choice} | {one['threads']} | {cells} |")
    return head + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
