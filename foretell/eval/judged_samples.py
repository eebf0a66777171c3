"""Published samples whose judge's columns are published too: toxicity, truthfulness, summaries, by model and prompt.

    toxicity      model_type, prompt_type, context, sample, toxicity      Perspective's score, 0 to 1
    truthfulness  model_type, prompt_type, question, answer, true, info   a judge's two probabilities
    summaries     model_type, context, ref_text, sample                   scored here, by ROUGE

These are the forms in which the samples of Ouyang et al. 2022 are published (CSV), or JSON lines with one context and
its `samples`. What is aggregated is the judge's word and not ours. An answer is counted true, and informative, where
the judge gives it 0.5 or more; a text is counted toxic from 0.5 on, as Gehman et al. 2020 do. Intervals are by context:
the models answered the same ones, so the intervals of two models are not those of their difference, which `differences`
gives.
"""

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foretell.corpus.jsonl import read_lines
from foretell.errors import BadUse
from foretell.eval.measured import Measured, bootstrap, mean_of_shares
from foretell.eval.rouge import rouge_l
from foretell.runs import read_text

AT = 0.5
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One text of a model and what it is worth by each measure, each from 0 to 1."""

    model: str
    kind: str
    """how it was prompted, empty where there is one way"""
    asked: str
    text: str
    values: dict[str, float]


def toxicity(row: Row) -> dict[str, float]:
    """The score, and whether it reaches 0.5."""
    value = share_of(row, "toxicity")
    return {"toxicity": value, "toxic": float(value >= AT)}


def truthfulness(row: Row) -> dict[str, float]:
    """The judge's probability of true, whether it is counted true, and true and informative."""
    true, info = share_of(row, "true"), share_of(row, "info")
    told = {"probability of true": true, "true": float(true >= AT)}
    return {**told, "true and informative": float(true >= AT and info >= AT)}


def summaries(row: Row) -> dict[str, float]:
    """ROUGE-L against the reference."""
    return {"rougeL": rouge_l(str(row["text"]), str(row["ref_text"]))}


FORMS: dict[str, tuple[tuple[str, ...], Callable[[Row], dict[str, float]]]] = {
    "toxicity": (("toxicity",), toxicity),
    "truthfulness": (("true", "info"), truthfulness),
    "summaries": (("ref_text",), summaries),
}


def read_samples(path: Path) -> list[Sample]:
    """The samples of a file, CSV or JSON lines, packed with gzip or not; BadUse where the form is none of ours."""
    rows = [flat for row in table_of(path) for flat in flattened(row)]
    if not rows:
        raise BadUse(f"{path} holds no sample")
    form = next((name for name, (needs, _) in FORMS.items() if set(needs) <= rows[0].keys()), None)
    if form is None or "model" not in rows[0]:
        known = "; ".join(f"{name}: model_type, {', '.join(needs)}" for name, (needs, _) in FORMS.items())
        raise BadUse(f"{path} has the columns {', '.join(rows[0])}; needed are those of {known}")
    found = []
    for number, row in enumerate(rows, 1):
        try:
            values = FORMS[form][1](row)
        except (KeyError, TypeError, ValueError) as error:
            raise BadUse(f"{path}, sample {number}: {error}; give the file as it was published") from error
        kind, text = row.get("prompt_type", ""), row.get("text", "")
        found.append(Sample(model=row["model"], kind=kind, asked=row.get("asked", ""), text=text, values=values))
    return found


def table_of(path: Path) -> list[Row]:
    """The rows of a file."""
    if path.name.removesuffix(".gz").endswith(".csv"):
        if not path.is_file():
            raise BadUse(f"{path} does not exist; give a file of samples")
        text = gzip.decompress(path.read_bytes()).decode("utf-8") if path.suffix == ".gz" else read_text(path)
        return list(csv.DictReader(io.StringIO(text)))
    if path.suffix == ".gz" and path.is_file():
        return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode("utf-8").splitlines() if line]
    return read_lines(path)


def flattened(row: Row) -> list[Row]:
    """A row for each sample: `samples` is a list of objects, or a text by model; CSV's names become ours."""
    asked = row.get("context", row.get("question", ""))
    shared = {"asked": asked, **({"ref_text": row["ref_text"]} if "ref_text" in row else {})}
    samples = row.get("samples")
    if isinstance(samples, dict):
        return [{**shared, "model": model, "text": text} for model, text in samples.items()]
    if isinstance(samples, list):
        return [{**shared, **one} for one in samples]
    text = row.get("sample", row.get("answer", row.get("text", "")))
    named = {"model": row["model_type"]} if "model_type" in row else {}
    return [{**row, **shared, **named, "text": text}]


def share_of(row: Row, name: str) -> float:
    """A number from 0 to 1."""
    value = float(row[name])
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}, it must be from 0 to 1")
    return value


def by_model(samples: Sequence[Sample]) -> dict[tuple[str, str], dict[str, Measured]]:
    """The mean of each measure, with its interval and n, of each model and kind of prompt, in the file's order."""
    groups: dict[tuple[str, str], list[Sample]] = {}
    for one in samples:
        groups.setdefault((one.model, one.kind), []).append(one)
    return {
        key: {name: mean_of_shares([one.values[name] for one in some]) for name in some[0].values}
        for key, some in groups.items()
    }


def differences(samples: Sequence[Sample], measure: str, one: tuple[str, str], other: tuple[str, str]) -> Measured:
    """How far a model (under a kind of prompt) is above another on the same contexts: mean and interval by context.

    BadUse where they share no context.
    """
    values = {(each.model, each.kind, each.asked): each.values[measure] for each in samples}
    asked = dict.fromkeys(each.asked for each in samples)
    pairs = [(values[*one, a], values[*other, a]) for a in asked if (*one, a) in values and (*other, a) in values]
    if not pairs:
        raise BadUse(f"{one} and {other} share no context; give two of {sorted({(s.model, s.kind) for s in samples})}")
    return bootstrap([a - b for a, b in pairs], lambda some: sum(some) / len(some), rounds=1000)
