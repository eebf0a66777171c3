"""What a fine-tuned run answers on its held-out examples, by the task's own metrics, beside what one answer scores.

accuracy                       share of right answers          Wilson's interval
matthews  f1  pearson  spearman  rmse    (agreement.py)        bootstrap over examples
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean, mode
from typing import Any

import torch

from foretell.config import load
from foretell.corpus.batches import Arrays, open_batches
from foretell.corpus.config import TaskData
from foretell.corpus.examples import task_card
from foretell.corpus.jsonl import read_lines
from foretell.errors import BadUse
from foretell.eval import agreement
from foretell.eval.measured import Measured, bootstrap, share
from foretell.exchange.folder import load_model
from foretell.model.device import choose_device
from foretell.model.network import Network
from foretell.objective.task import flat, n_outputs, padding, task_outputs
from foretell.runs import read_text
from foretell.train.config import RunConfig

METRICS: dict[str, Callable[[Sequence[Any], Sequence[Any]], float]] = {
    "accuracy": agreement.accuracy,
    "matthews": agreement.matthews,
    "f1": agreement.f1,
    "pearson": agreement.pearson,
    "spearman": agreement.spearman,
    "rmse": agreement.rmse,
}
BATCH = 32


def predictions(run: Path, limit: int = 0) -> list[dict[str, float]]:
    """Label and prediction of each held-out example of a finished fine-tuning run, in their order.

    A class, the number of a choice, or a number. With `limit` as many examples, evenly spread over all. BadUse if the
    folder is no such run.
    """
    cfg = load(RunConfig, read_text(run / "config.json"), str(run / "config.json"))
    if not isinstance(cfg.data, TaskData):
        raise BadUse(f"{run} was trained on {cfg.data.kind} and answers no task; give a run of a finetune recipe")
    device = choose_device(cfg.machine.device)
    network = load_model(run).network.to(device)
    found = []
    for batch in open_batches(cfg.data, cfg.seed).evaluation(BATCH, limit):
        answers = answered(network, batch, device)
        pairs = zip(batch["label"].tolist(), answers, strict=True)
        found += [{"label": label, "prediction": answer} for label, answer in pairs]
    return found


def answered(network: Network, arrays: Arrays, device: str) -> list[float]:
    """The network's answer to each example of a batch."""
    batch = {name: torch.from_numpy(value).to(device) for name, value in arrays.items()}
    number, n_sequences = batch["label"].is_floating_point(), batch["extract"].shape[1]
    with torch.inference_mode():
        hidden = network.hidden(flat(batch["inputs"]), flat(batch["segments"]), padding(network, batch))
        choices = not number and n_sequences > 1 and n_outputs(network) == 1
        outputs = task_outputs(network, hidden, batch["extract"], choices=choices).float()  # (B, C)
    return outputs[:, 0].tolist() if number else outputs.argmax(-1).tolist()


def measured(metric: str, labels: Sequence[float], answers: Sequence[float]) -> Measured:
    """A metric with its 95 % interval over examples and their number."""
    if metric == "accuracy":
        return share(sum(label == answer for label, answer in zip(labels, answers, strict=True)), len(labels))
    pairs = list(zip(labels, answers, strict=True))
    return bootstrap(pairs, lambda drawn: METRICS[metric]([a for a, _ in drawn], [b for _, b in drawn]))


def metrics_of(folder: Path) -> list[str]:
    """The metrics of a task folder, the chief one first: its card's, else accuracy, or the correlations of a number."""
    card = task_card(folder)
    number = not card["classes"] and card["shape"] != "multiple_choice"
    return list(card.get("metrics") or (["pearson", "spearman", "rmse"] if number else ["accuracy"]))


def one_answer(folder: Path) -> float:
    """The one answer that is best to give always: the commonest class to train on, or the mean of the numbers."""
    card = task_card(folder)
    labels = [row["label"] for row in read_lines(folder / "train.jsonl")]
    return mode(labels) if card["classes"] or card["shape"] == "multiple_choice" else fmean(labels)


def baseline(folder: Path, labels: Sequence[float]) -> dict[str, float]:
    """What each metric of a task gives to one_answer() on these held-out labels: 0 where it is a correlation."""
    answers = [one_answer(folder)] * len(labels)
    return dict(scores(metrics_of(folder), labels, answers))


def scores(metrics: Sequence[str], labels: Sequence[float], answers: Sequence[float]) -> Iterator[tuple[str, float]]:
    """Each metric by name, without an interval."""
    for metric in metrics:
        yield metric, METRICS[metric](labels, answers)
