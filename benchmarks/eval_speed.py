"""Our evaluator beside lm-evaluation-harness with its `hf` model: same weights, prompts, threads, process; in turn.

$ HF_HUB_OFFLINE=1 python -m benchmarks.eval_speed           writes benchmarks/eval_speed.md and its JSON
$ HF_HUB_OFFLINE=1 python -m benchmarks.eval_speed --small   a minute, to see that it runs; writes nothing

    choose    four options of 2 to 4 words after a question, as ARC is asked; K = 32
    unmix     four words after a scrambled one; K = 100
    write     the word written, greedily, 8 tokens; K = 100

Demonstrations are drawn for each question anew, or once for all. Ours is the whole of `foretell eval` but for loading:
prompts, tokens, scores by five normalisations (with the options alone, which the peer does not score), records on disk.
Of the peer only what its model does with ready prompts is counted, at the best of several batch sizes, which is found
on a part of the questions beforehand. `adapter` is our model in the peer's runner, counted likewise.
"""

import argparse
import contextlib
import datetime
import json
import logging
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import torch

from benchmarks.train_throughput import Shape, network_config
from foretell.eval.asking import Asking, ask
from foretell.eval.harness_tasks import export_tasks
from foretell.eval.prompts import Draw
from foretell.generate.model import Model
from foretell.model.init import build
from foretell.runs import processor
from foretell.tasks.item import Choice, Free, Item
from foretell.tasks.source import Source
from foretell.tasks.task import Questions, Task
from foretell.text.train import train_tokenizer

HERE = Path(__file__).parent
SMALL = Shape(name="4 x 256", n_layers=4, d_model=256, n_heads=4, n_ctx=2048, n_vocab=4096, rows=1)
WORDY = Shape(name="4 x 256, 50257", n_layers=4, d_model=256, n_heads=4, n_ctx=2048, n_vocab=50257, rows=1)
LARGER = Shape(name="8 x 512", n_layers=8, d_model=512, n_heads=8, n_ctx=2048, n_vocab=4096, rows=1)
N_TOKENS = 4096  # of the tokenizer; a larger vocabulary of the network is there to be computed
BATCHES, FEW = (1, 4, 8, 16), 4
SPECIAL = re.compile(r"<\|\w+\|>")
TEXT = " ".join(topics.values())
WORDS = sorted({word for word in TEXT.lower().split() if word.isalpha() and len(word) > 4})


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is asked."""

    task: str
    shots: int
    draw: Draw
    n: int


KINDS = (("choose", 32, 12), ("unmix", 100, 24), ("write", 100, 96))
DRAWS: tuple[Draw, ...] = ("each", "once")
CASES = [Case(task=task, shots=k, draw=draw, n=n) for task, k, n in KINDS for draw in DRAWS]
FEWER = [replace(case, n=4) for case in CASES if case.task == "choose"]


def item(kind: str, place: int) -> Item:
    """A question."""
    drawn = random.Random(f"{kind} {place}")
    word = drawn.choice(WORDS)
    scrambled = "".join(drawn.sample(word, len(word)))
    if kind == "write":
        return Free(id=str(place), context=f"{scrambled} =", answers=(f" {word}",))
    if kind == "unmix":
        options = (word, *drawn.sample(WORDS, 3))
        return Choice(id=str(place), context=f"{scrambled} =", options=tuple(f" {one}" for one in options), gold=0)
    asked = " ".join(drawn.sample(WORDS, drawn.randint(8, 14)))
    options = tuple(" " + " ".join(drawn.sample(WORDS, drawn.randint(2, 4))) for _ in range(4))
    return Choice(id=str(place), context=f"Question: {asked}?\nAnswer:", options=options, gold=place % 4)


def task_of(case: Case, n: int) -> Task:
    """A task of n questions and a pool of 200."""
    items = [item(case.task, place) for place in range(n + 200)]
    return Task(
        name=case.task,
        family="made",
        about="",
        load=lambda source: Questions(items=items[:n], pool=items[n:], origin="made"),
        shots=case.shots,
        instruction=""
        if case.task == "choose"
        else "Please unscramble the letters into a word, and write that word:\n",
        separator="\n\n" if case.task == "choose" else "\n",
        metric="exact_answer" if case.task == "write" else "accuracy",
        max_new_tokens=8,
        beam=1,
    )


class Timed:
    """The CPU seconds that a model of the peer spends in its answers."""

    def __init__(self, model: Any) -> None:
        self.seconds = 0.0
        for name in ("loglikelihood", "generate_until"):
            setattr(model, name, self.counted(getattr(model, name)))

    def counted(self, answer: Callable[..., Any]) -> Callable[..., Any]:
        """The method, its time added up."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            begun = time.process_time()
            try:
                return answer(*args, **kwargs)
            finally:
                self.seconds += time.process_time() - begun

        return timed


def in_harness(lm: Any, folder: Path, name: str, **settings: Any) -> tuple[float, list[Any]]:
    """The CPU seconds within the model, and its answers."""
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    timed = Timed(lm)
    searched = TaskManager(include_path=str(folder), include_defaults=False)
    found = simple_evaluate(model=lm, tasks=[name], task_manager=searched, bootstrap_iters=0, **settings)
    samples = sorted(found["samples"][name], key=lambda one: one["doc_id"])
    return timed.seconds, [answer[0] for one in samples for answer in one["resps"]]


def ours(model: Model, task: Task, asking: Asking) -> tuple[float, list[Any]]:
    """The CPU seconds of our whole runner, and its answers."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.process_time()
        questions = task.load(Source())
        records, _ = ask(model, task, questions, asking, Path(folder) / "answers.jsonl", lambda n: None)
        seconds = time.process_time() - begun
    assert not any(record["dropped"] for record in records), "the demonstrations must fit"
    return seconds, [answer for record in records for answer in record.get("scores", [record.get("output")])]


def best_batch(folder: Path, model: Path, name: str) -> int:
    """The peer's fastest batch size, on some of the questions."""
    from lm_eval.models.huggingface import HFLM

    taken = {size: in_harness(HFLM(pretrained=str(model), device="cpu", batch_size=size), folder, name, limit=FEW)[0]
             for size in BATCHES}  # fmt: skip
    return min(taken, key=taken.__getitem__)


def compare(shape: Shape, model: Model, at: Path, case: Case, rounds: int) -> dict[str, Any]:
    """CPU seconds of the sides, in turn, and how far their answers lie apart."""
    from lm_eval.models.huggingface import HFLM

    from foretell.eval.harness_model import Foretell

    task, asking = task_of(case, case.n), Asking(shots=case.shots, draw=case.draw)
    name = f"foretell_{task.name}_{case.shots}shot"
    with tempfile.TemporaryDirectory() as folder, quiet():
        tasks = Path(folder) / "tasks"
        export_tasks([task], Source(), tasks, [asking], model)
        batch = best_batch(tasks, at, name)
        ours(model, task, replace(asking, limit=2))
        times, said = [], {}
        for _ in range(rounds):
            sides = {
                "foretell": ours(model, task, asking),
                "adapter": in_harness(Foretell(model), tasks, name),
                "lm-eval hf": in_harness(HFLM(pretrained=str(at), device="cpu", batch_size=batch), tasks, name),
            }
            times.append({side: seconds for side, (seconds, _) in sides.items()})
            said = {side: answers for side, (_, answers) in sides.items()}
    ratios = {side: [one["lm-eval hf"] / one[side] for one in times] for side in ("foretell", "adapter")}
    return {
        "shape": shape.name,
        "task": case.task,
        "shots": case.shots,
        "draw": case.draw,
        "questions": case.n,
        "batch": batch,
        "seconds": {side: statistics.median(one[side] for one in times) for side in times[0]},
        "ratio": {side: [statistics.median(of), min(of), max(of)] for side, of in ratios.items()},
        "differ": {side: apart(said[side], said["lm-eval hf"]) for side in ratios},
    }


def apart(one: list[Any], other: list[Any]) -> float:
    """The greatest difference of two sides' log-probabilities; of texts, the share that is not the same."""
    if isinstance(one[0], str):  # a random network writes special tokens; the peer does not show them
        one = [SPECIAL.sub("", text) for text in one]
        return sum(a != b for a, b in zip(one, other, strict=True)) / len(one)
    return max(abs(float(a[0]) - float(b[0])) for a, b in zip(one, other, strict=True))


@contextlib.contextmanager
def quiet() -> Any:
    """Without the peer's bars and log lines."""
    logging.disable(logging.WARNING)
    with (
        Path("/dev/null").open("w") as nowhere,
        contextlib.redirect_stderr(nowhere),
        contextlib.redirect_stdout(nowhere),
    ):
        yield
    logging.disable(logging.NOTSET)


def made(shape: Shape, folder: Path) -> Model:
    """A random network with a tokenizer of its size, written to the folder."""
    tokenizer = train_tokenizer("bpe", [TEXT], N_TOKENS, quiet=True)
    model = Model(build(network_config(shape)), tokenizer)
    model.save(folder)
    return model


def table(found: list[dict[str, Any]], threads: int) -> str:
    """The figures as Markdown."""
    import lm_eval
    import transformers

    head = "CPU seconds of evaluating random GPT-2 shapes, n_ctx 2048, vocabulary 4096 but where it is named, fp32,\n"
    head += (
        f"{threads} thread of {processor()}, torch {torch.__version__}, lm-eval {lm_eval.__version__}, transformers\n"
    )
    head += f"{transformers.__version__}; made by benchmarks/eval_speed.py, whose head says what is counted: sides in\n"
    head += "turn, medians; ratios are to `hf`, medians of the rounds' (lowest to highest). The last column is the\n"
    head += (
        "greatest difference of a log-probability from hf's; for `write` the share of texts that are not the same.\n\n"
    )
    head += "| shape | task | K | drawn | questions | foretell | adapter | hf (batch) | hf / foretell | hf / adapter |"
    head += " differ |\n" + "| --- " * 11 + "|\n"
    lines = []
    for one in found:
        seconds = one["seconds"]
        cells = [one["shape"], one["task"], one["shots"], one["draw"], one["questions"]]
        cells += [
            f"{seconds['foretell']:.2f}",
            f"{seconds['adapter']:.2f}",
            f"{seconds['lm-eval hf']:.2f} ({one['batch']})",
        ]
        cells += ["{:.1f} ({:.1f} to {:.1f})".format(*one["ratio"][side]) for side in ("foretell", "adapter")]
        lines.append("| " + " | ".join(map(str, [*cells, f"{max(one['differ'].values()):.0e}"])) + " |")
    return head + "\n".join(lines) + "\n" + REMARK


REMARK = """
Where each question draws its own demonstrations, four options share one context and no more: the ratio comes from a
quarter of the tokens, and from logits, which the peer computes at every position and for the whole vocabulary; of a
written answer nothing is shared. Where they are drawn once, the ratio grows with the number of questions. Of the peer's
batches 1, 4, 8 and 16 the smallest was the fastest here; `auto` takes the largest that memory holds.
"""


def main() -> None:
    """Run all cases and write the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--threads", type=int, default=1)
    flags.add_argument("--small", action="store_true", help="a minute, to see that it runs; writes nothing")
    given = flags.parse_args()
    torch.set_num_threads(given.threads)
    found = []
    small = [replace(case, n=3) for case in CASES]
    for shape, cases in ((SMALL, small),) if given.small else ((SMALL, CASES), (WORDY, FEWER), (LARGER, FEWER)):
        with tempfile.TemporaryDirectory() as folder:
            model = made(shape, Path(folder) / "model")
            for case in cases:
                rounds = 1 if given.small else given.rounds
                found.append(compare(shape, model, Path(folder) / "model", case, rounds))
                print(found[-1], flush=True)
    print(table(found, given.threads))
    if not given.small:
        month = datetime.date.today().strftime("%Y-%m")
        (HERE / f"eval_speed_{month}.json").write_text(json.dumps(found, indent=1) + "\n")
        (HERE / "eval_speed.md").write_text(table(found, given.threads))


if __name__ == "__main__":
    main()
