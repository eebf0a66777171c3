"""Answers to prompts that begin alike: the shared beginning read once, read by each, and Hugging Face's generate().

$ python -m benchmarks.generate_prefix             writes benchmarks/generate_prefix.md
$ python -m benchmarks.generate_prefix --small     a tiny network, two rounds: whether it works; writes nothing

64 prompts of one 500-token beginning (demonstrations) and 8 to 24 tokens of their own, 8 new tokens each, greedy, fp32,
one thread. Sides take turns in one process; figures are CPU-seconds. transformers pads on the left, as it must. All
sides have to say the same.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.generate_speed import NoEnd
from benchmarks.train_throughput import Shape, network_config
from foretell.exchange.card import Card
from foretell.exchange.folder import save_model
from foretell.generate.beam import beam_search
from foretell.generate.config import Beam, Sampling
from foretell.generate.engine import generate
from foretell.model.init import build
from foretell.runs import processor

HERE = Path(__file__).parent
ROWS, PREFIX, OWN, NEW = 64, 500, (8, 24), 8
SHAPES = (
    Shape(name="1.3M", n_layers=4, d_model=128, n_heads=4, n_ctx=640, n_vocab=4096, rows=1),
    Shape(name="10M", n_layers=6, d_model=384, n_heads=6, n_ctx=640, n_vocab=4096, rows=1),
)
Said = list[list[int]]


def prompts_of(n_vocab: int, rows: int) -> Said:
    """Prompts with one beginning."""
    draw = random.Random(0)
    beginning = [draw.randrange(1, n_vocab) for _ in range(PREFIX)]
    return [[*beginning, *(draw.randrange(1, n_vocab) for _ in range(draw.randint(*OWN)))] for _ in range(rows)]


def sides(shape: Shape, rows: int) -> dict[str, dict[str, Callable[[], Said]]]:
    """What is compared, greedy and searched, on one random network."""
    from transformers import GPT2LMHeadModel

    network = build(network_config(shape)).eval()
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder) / "model", network, None, Card(recipe="generate_prefix"))
        theirs = GPT2LMHeadModel.from_pretrained(Path(folder) / "model").eval()
    prompts = prompts_of(shape.n_vocab, rows)
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    limits = {"max_new_tokens": NEW, "min_new_tokens": NEW, "pad_token_id": 0, "eos_token_id": None}

    def hugging_face(width: int) -> Said:
        found = theirs.generate(ids, attention_mask=mask, do_sample=False, num_beams=width, **limits)
        return found[:, longest:].tolist()

    greedy, beam = Sampling(max_new_tokens=NEW, temperature=0.0), Beam(max_new_tokens=NEW, width=4)
    words = NoEnd()
    return {
        "greedy": {
            "shared": lambda: [c.ids for c in generate(network, words, prompts, greedy)],
            "not shared": lambda: [c.ids for c in generate(network, words, prompts, greedy, share=False)],
            "transformers": lambda: hugging_face(1),
        },
        "beam 4": {
            "shared": lambda: [c.ids for c in beam_search(network, words, prompts, beam)],
            "not shared": lambda: [c.ids for c in beam_search(network, words, prompts, beam, share=False)],
            "transformers": lambda: hugging_face(4),
        },
    }


def compare(how: str, shape: Shape, both: dict[str, Callable[[], Said]], rounds: int) -> str:
    """A line of the table."""
    times: list[dict[str, float]] = []
    for _ in range(rounds + 1):  # the first warms up
        one, said = {}, []
        for name, side in both.items():
            begun = time.process_time()
            said.append(side())
            one[name] = time.process_time() - begun
        times.append(one)
        same = min(sum(a == b for a, b in zip(said[0], other, strict=True)) for other in said[1:])
    cells = [f"{statistics.median(one[name] for one in times[1:]):.2f}" for name in both]
    for name in list(both)[1:]:
        ratios = [one[name] / one["shared"] for one in times[1:]]
        cells.append(f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")
    return f"| {shape.name} | {how} | {' | '.join(cells)} | {same} of {len(said[0])} |"


def main() -> None:
    """Run all shapes and write the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--shapes", nargs="+", choices=[s.name for s in SHAPES], default=[s.name for s in SHAPES])
    flags.add_argument("--small", action="store_true", help="seconds, to see that it runs")
    given = flags.parse_args()
    torch.set_num_threads(1)
    lines = []
    for shape in SHAPES[:1] if given.small else [shape for shape in SHAPES if shape.name in given.shapes]:
        for how, both in sides(shape, 8 if given.small else ROWS).items():
            lines.append(compare(how, shape, both, 2 if given.small else given.rounds))
            print(lines[-1], flush=True)
    if not given.small:
        (HERE / "generate_prefix.md").write_text(table(lines))


def table(lines: list[str]) -> str:
    """The figures as Markdown."""
    head = f"CPU-seconds for {ROWS} prompts of one {PREFIX}-token beginning and {OWN[0]} to {OWN[1]} tokens of their\n"
    head += f"own, {NEW} new tokens each, fp32, one thread of {processor()}, torch {torch.__version__}; made by\n"
    head += "benchmarks/generate_prefix.py: sides in turn, medians; a ratio is to `shared`, the median of the rounds'\n"
    head += (
        "ratios with the lowest and the highest. The last column counts prompts on which all sides say the same.\n\n"
    )
    head += "| shape | choice | shared | not shared | transformers | ratio, not shared | ratio, transformers | same |\n"
    head += "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
    return head + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
