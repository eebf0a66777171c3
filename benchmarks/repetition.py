"""What helps against repetition, on one trained model: how tokens are chosen, and fine-tuning with unlikelihood.

$ python -m benchmarks.repetition runs/gpt2.pretrain-nano     three seeds of both fine-tunings, 40 steps each
$ python -m benchmarks.repetition --small                     a model of gpt2.pretrain:smoke, one seed: seconds

Every row goes on from the same beginnings of held-out documents. The model as it is: greedy, and greedy with each
measure that choosing tokens can take. The model after more training on its own text, once with alpha = 1 of Welleck et
al. (2019, equations 4 and 5: the token level) and once without, as the control; both are then greedy. Perplexity is of
windows of held-out text, and shows what fine-tuning costs; how tokens are chosen does not change it.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from math import exp
from pathlib import Path
from statistics import fmean

import torch

from benchmarks.audit_time import trained as made_model
from foretell.audit.asked import Asked
from foretell.audit.repetition import WAYS, begun, written
from foretell.audit.repetition_measures import repetition
from foretell.audit.seen_text import held_out_of, spaced, starts_of
from foretell.config import load as load_config
from foretell.eval.measured import Measured, bootstrap
from foretell.generate.model import Model, load
from foretell.generate.score import score
from foretell.objective.config import LanguageModel
from foretell.runs import processor, read_text
from foretell.train.config import RunConfig
from foretell.train.loop import train

STEPS, SEEDS, PROMPTS, WINDOWS = 40, 3, 32, 64
COOLER = 4  # the learning rate is that of pretraining, divided by this
ALPHAS = {"trained on, alpha 0": 0.0, "unlikelihood, alpha 1": 1.0}
DECODED = ("greedy", "penalty", "no 4-gram twice", "contrastive", "drawn")
Texts = Sequence[Sequence[int]]  # the tokens of each text


def main() -> None:
    """Measure every row and print a table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("model", nargs="?", help="a run folder; else one is trained")
    flags.add_argument("--seeds", type=int, default=SEEDS)
    flags.add_argument("--small", action="store_true")
    given = flags.parse_args()
    torch.set_num_threads(1)
    steps, seeds, prompts = (2, 1, 8) if given.small else (STEPS, given.seeds, PROMPTS)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(given.model or made_model(Path(folder) / "run", "smoke" if given.small else "nano"))
        asked = Asked(model=run, out=Path(folder), samples=prompts, quiet=True)
        model = load(run)
        beginnings, people = begun(model, asked)
        rows = {"people": [[ids.tolist() for ids in people]]}
        losses = {"as it is": [window_losses(model, asked)]}
        for way in DECODED:
            rows[way] = [continued(model, way, beginnings, len(people[0]))]
        begin = time.process_time()
        for name, alpha in ALPHAS.items():
            tuned = [
                load(fine_tuned(run, Path(folder) / f"{alpha}-{seed}", alpha, steps, seed)) for seed in range(seeds)
            ]
            rows[name] = [continued(one, "greedy", beginnings, len(people[0])) for one in tuned]
            losses[name] = [window_losses(one, asked) for one in tuned]
        took = time.process_time() - begin
    print(
        f"{len(beginnings)} beginnings, {len(people[0])} tokens after each; {steps} steps of fine-tuning, {seeds} seeds"
    )
    print(
        f"({took:.0f} CPU s with what they write); {processor()}. 95 % intervals over texts, of all seeds together.\n"
    )
    print(table(rows, losses))


def fine_tuned(run: Path, out: Path, alpha: float, steps: int, seed: int) -> Path:
    """The folder of a run that went on from another one's weights with unlikelihood of this weight."""
    cfg = load_config(RunConfig, read_text(run / "config.json"), str(run))
    cfg = replace(
        cfg,
        start=str(run),
        seed=seed,
        steps=steps,
        objective=LanguageModel(unlikelihood=alpha),
        optim=replace(cfg.optim, lr=cfg.optim.lr / COOLER),
        schedule=replace(cfg.schedule, warmup_steps=min(5, steps - 1)),
        evaluate_every=steps,
        checkpoint_every=steps,
    )
    return train(cfg, out, quiet=True).folder


def continued(model: Model, way: str, beginnings: Texts, length: int) -> Texts:
    """The tokens that a model writes after each beginning."""
    texts = written(model, replace(WAYS[way], max_new_tokens=length), beginnings, seed=0)  # type: ignore[arg-type]
    return [model.tokenizer.encode(text) for text in texts]


def window_losses(model: Model, asked: Asked) -> list[float]:
    """Nats per token of windows of held-out text, of each window."""
    ids, n = held_out_of(asked, model), model.network.cfg.n_ctx
    places = spaced(starts_of(ids, n, -1), WINDOWS, n, seed=0)
    windows = [ids[at : at + n].tolist() for at in places]
    return [-one.logprob / one.n for one in score(model.network, [(row[:1], row[1:]) for row in windows])]


def table(rows: dict[str, list[Texts]], losses: dict[str, list[list[float]]]) -> str:
    """A row for each way: repeated 4-grams and different 2-grams of tokens, and the perplexity of its model."""
    lines = ["| text | seq-rep-4 | distinct-2 | texts | seeds' seq-rep-4 | perplexity | windows |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for name, seeds in rows.items():
        four, two = repeated(seeds, 4), repeated(seeds, 2)
        each = ", ".join(f"{fmean(values):.3f}" for values in four) if len(seeds) > 1 else ""
        fours = [x for values in four for x in values]
        twos = [1 - x for values in two for x in values]
        known = losses.get(name) or (losses["as it is"] if name != "people" else [])
        nats = [x for values in known for x in values]
        cost = [shown(perplexity(nats), 1), str(len(nats))] if nats else ["", ""]
        cells = [
            name,
            shown(bootstrap(fours, fmean), 3),
            shown(bootstrap(twos, fmean), 3),
            str(len(fours)),
            each,
            *cost,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def repeated(seeds: list[Texts], n: int) -> list[list[float]]:
    """seq-rep-n of each text that has so many tokens, for each seed."""
    return [[x for ids in texts if (x := repetition(ids, n)) is not None] for texts in seeds]


def perplexity(nats: Sequence[float]) -> Measured:
    """exp of the mean loss."""
    return bootstrap(nats, lambda some: exp(fmean(some)))


def shown(measured: Measured, digits: int) -> str:
    """A value with its interval."""
    value, low, high = (f"{measured[name]:.{digits}f}" for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


if __name__ == "__main__":
    main()
