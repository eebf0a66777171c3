"""How long GPT-3's synthetic tasks take a random tiny model: 15 tasks x 100 questions x {0, 1, few} examples.

    python -m benchmarks.eval_tiny [--small]

Nothing is compared: the aim is 60 s on 2 cores, and one is enough. The score of a random model is near 0; the time is
that of a trained one but for answers that end early.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch

from foretell.corpus.documents import documentation
from foretell.eval.asking import Asking
from foretell.eval.few_shot import askings, few_shot
from foretell.generate.model import Model
from foretell.model.init import build
from foretell.recipes import gpt3
from foretell.recipes.published import GPT3
from foretell.tasks.registry import task
from foretell.tasks.source import Source
from foretell.text.train import train_tokenizer

FAMILIES = ("arithmetic", "scrambling")


def main() -> None:
    """Print the time of every setting as a table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--small", action="store_true", help="5 questions of a task")
    flags.add_argument("--threads", type=int, default=1, help="2 wait for each other where others work too")
    given = flags.parse_args()
    torch.set_num_threads(given.threads)
    cfg = gpt3.network("nano")
    tokenizer = train_tokenizer("bpe", [one.text for one in documentation(quiet=True)[:2000]], cfg.n_vocab, quiet=True)
    model = Model(build(cfg, 0), tokenizer)
    tasks = [task(name) for name in GPT3 if task(name).family in FAMILIES]
    limit = 5 if given.small else 100
    print(f"{len(tasks)} tasks, {limit} questions each; {cfg.n_layers} layers of {cfg.d_model}, context {cfg.n_ctx}\n")
    print("| examples | wall s | CPU s |\n| --- | --- | --- |")
    total = 0.0
    for shots in ("0", "1", "few"):
        with tempfile.TemporaryDirectory() as out:
            wall, cpu = time.perf_counter(), time.process_time()
            few_shot(model, tasks, Source(), askings([shots], Asking(limit=limit)), Path(out), quiet=True)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        total += wall
        print(f"| {shots} | {wall:.1f} | {cpu:.1f} |")
    print(f"\n{total:.0f} s in all")


if __name__ == "__main__":
    main()
