"""Scoring with shared prefixes beside scoring without, and beside transformers' padded batches: same weights and rows.

$ python -m benchmarks.eval_sharing            writes benchmarks/eval_sharing.md and its JSON
$ python -m benchmarks.eval_sharing --small    seconds, to see that it runs; writes nothing

    drawn   each question has a context of its own (32 demonstrations), and 4 options
    fixed   one prefix (100 demonstrations) stands before all questions, and each has 4 options
    none    short questions without demonstrations, and 4 options

transformers' way is that of its users: every option is a row, rows are sorted by length and padded, the batch is given,
logits are those of all positions. Its best batch is taken, of those whose logits hold in 1 GiB. CPU seconds of the
process; sides in turn.
"""

import argparse
import datetime
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.train_throughput import SHAPES, Shape, network_config
from foretell.exchange.card import Card
from foretell.exchange.folder import save_model
from foretell.generate.score import score
from foretell.model.init import build
from foretell.runs import processor

HERE = Path(__file__).parent
NANO = Shape(name="1.3M", n_layers=4, d_model=128, n_heads=4, n_ctx=2048, n_vocab=4096, rows=1)
MIDDLE = Shape(**{**vars(SHAPES["10M"]), "n_ctx": 2048})
LARGE = Shape(**{**vars(SHAPES["124M"]), "n_ctx": 2048})
BATCHES = (1, 4, 16)
MOST_LOGITS = 2**28  # of a batch of transformers
Pairs = list[tuple[list[int], list[int]]]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A shape of task: tokens of a demonstration and of a question are drawn from a range of 2/3 to 4/3 of these."""

    name: str
    demonstrations: int
    fixed: bool
    demonstration: int
    question: int
    option: int


TASKS = (
    Task(name="drawn", demonstrations=32, fixed=False, demonstration=30, question=24, option=5),
    Task(name="fixed", demonstrations=100, fixed=True, demonstration=16, question=16, option=4),
    Task(name="none", demonstrations=0, fixed=False, demonstration=0, question=24, option=5),
)


def pairs_of(task: Task, n_questions: int, n_vocab: int, seed: int = 0) -> Pairs:
    """The contexts and completions of 4 options of each question."""
    draw = random.Random(seed)

    def text(n: int) -> list[int]:
        return [draw.randrange(1, n_vocab) for _ in range(draw.randint(2 * n // 3, 4 * n // 3))]

    def shots() -> list[int]:
        return [token for _ in range(task.demonstrations) for token in text(task.demonstration)]

    same, pairs = shots(), []
    for _ in range(n_questions):
        context = [0, *(same if task.fixed else shots()), *text(task.question)]
        pairs += [(context, text(task.option)) for _ in range(4)]
    return pairs


def transformers_side(shape: Shape, network: torch.nn.Module) -> Callable[[Pairs, int], list[float]]:
    """The sums by GPT2LMHeadModel, padded at the end where a causal model does not look."""
    from transformers import GPT2LMHeadModel

    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder) / "model", network, None, Card(recipe="eval_sharing"))
        model = GPT2LMHeadModel.from_pretrained(Path(folder) / "model").eval()

    def side(pairs: Pairs, batch: int) -> list[float]:
        order = sorted(range(len(pairs)), key=lambda i: -sum(map(len, pairs[i])))
        sums = [0.0] * len(pairs)
        for start in range(0, len(order), batch):
            places = order[start : start + batch]
            rows = [torch.tensor([*pairs[i][0], *pairs[i][1]][:-1]) for i in places]
            padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)  # (B, T)
            logprobs = torch.log_softmax(model(padded).logits, -1)  # (B, T, V)
            for row, i in enumerate(places):
                n, end = len(pairs[i][1]), len(rows[row])
                wanted = torch.tensor(pairs[i][1])[:, None]
                sums[i] = logprobs[row, end - n : end].gather(1, wanted).double().sum().item()
        return sums

    return side


def cpu_seconds(side: Callable[[], list[float]]) -> float:
    """The CPU time of one run of a side."""
    begun = time.process_time()
    side()
    return time.process_time() - begun


def best_batch(
    theirs: Callable[[Pairs, int], list[float]], shape: Shape, pairs: Pairs, batches: tuple[int, ...]
) -> int:
    """The quickest batch on some pairs, of those whose logits are not too many."""
    longest = max(len(context) + len(completion) for context, completion in pairs)
    possible = [batch for batch in batches if batch == 1 or batch * longest * shape.n_vocab <= MOST_LOGITS]
    return min(possible, key=lambda batch: cpu_seconds(lambda: theirs(pairs, batch)))


def compare(shape: Shape, task: Task, n_questions: int, rounds: int, batches: tuple[int, ...]) -> dict[str, object]:
    """CPU seconds of the sides in turn, the ratios of each round, and the greatest difference of a score."""
    network = build(network_config(shape)).eval()
    theirs, pairs = transformers_side(shape, network), pairs_of(task, n_questions, shape.n_vocab)
    times: list[dict[str, float]] = []
    with torch.inference_mode():
        batch = best_batch(theirs, shape, pairs[: 4 * max(1, n_questions // 8)], batches)
        sides = {
            "shared": lambda: [one.logprob for one in score(network, pairs)],
            "alone": lambda: [one.logprob for one in score(network, pairs, share=False)],
            "transformers": lambda: theirs(pairs, batch),
        }
        said = {name: side() for name, side in sides.items()}
        for _ in range(rounds):
            times.append({name: cpu_seconds(side) for name, side in sides.items()})
    found: dict[str, object] = {"shape": shape.name, "task": task.name, "questions": n_questions, "batch": batch}
    found["tokens"] = sum(len(context) + len(completion) - 1 for context, completion in pairs)
    found["differ"] = max(max(one) - min(one) for one in zip(*said.values(), strict=True))
    found["seconds"] = {name: statistics.median(one[name] for one in times) for name in sides}
    for name in ("alone", "transformers"):
        ratios = [one[name] / one["shared"] for one in times]
        found[f"ratio_{name}"] = [statistics.median(ratios), min(ratios), max(ratios)]
    return found


def table(found: list[dict], threads: int) -> str:
    """The figures as Markdown."""
    head = f"CPU seconds of scoring 4 options a question, GPT-2 shapes, fp32, {threads} thread of {processor()},\n"
    head += f"torch {torch.__version__}; made by benchmarks/eval_sharing.py: sides in turn, medians of the rounds;\n"
    head += "ratios are medians of the rounds' (lowest to highest). `alone` is the same program with share=False;\n"
    head += "transformers takes the best of its batches. The last column is the greatest difference of a score.\n\n"
    head += "| shape | task | questions | tokens of all rows | shared | alone | transformers (batch) | alone / shared |"
    head += " transformers / shared | differ |\n" + "| --- " * 10 + "|\n"
    lines = []
    for one in found:
        seconds = one["seconds"]
        ratios = ["{:.1f} ({:.1f} to {:.1f})".format(*one[f"ratio_{name}"]) for name in ("alone", "transformers")]
        cells = [one["shape"], one["task"], one["questions"], one["tokens"], f"{seconds['shared']:.2f}"]
        cells += [f"{seconds['alone']:.2f}", f"{seconds['transformers']:.2f} ({one['batch']})", *ratios]
        lines.append("| " + " | ".join(map(str, [*cells, f"{one['differ']:.0e}"])) + " |")
    return head + "\n".join(lines) + "\n"


def main() -> None:
    """Run all shapes and tasks, and write the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--threads", type=int, default=1)
    flags.add_argument("--shapes", nargs="+", default=["1.3M", "10M", "124M"])
    flags.add_argument("--small", action="store_true", help="seconds, to see that it runs; writes nothing")
    given = flags.parse_args()
    torch.set_num_threads(given.threads)
    if given.small:
        found = [compare(NANO, task, 4, 2, BATCHES[:2]) for task in TASKS]
        print(table(found, given.threads))
        return
    found = []
    for shape, scale in ((NANO, 4), (MIDDLE, 2), (LARGE, 1)):
        for task in TASKS if shape.name in given.shapes else ():
            n_questions = scale * (2 if task.demonstrations else 32)
            found.append(compare(shape, task, n_questions, given.rounds, BATCHES))
            print(found[-1], flush=True)
    month = datetime.date.today().strftime("%Y-%m")
    (HERE / f"eval_sharing_{month}.json").write_text(json.dumps(found, indent=1) + "\n")
    (HERE / "eval_sharing.md").write_text(table(found, given.threads))


if __name__ == "__main__":
    main()
