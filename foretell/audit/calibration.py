"""The audit `calibration`: does the model know what it knows? Exams by letter, confidence against accuracy.

The letters' probabilities are normalised over the options (OpenAI 2023, figure 8, on a part of MMLU: the pretrained
model nearly on the diagonal, worse after reinforcement learning). Questions are those of `foretell eval --suite exams`:
the exam that is always there, and MMLU and AGIEval where a data folder has them.
"""

from pathlib import Path
from typing import Any

from foretell import progress
from foretell.audit.asked import Asked, Results
from foretell.audit.next_token import confidences, next_token
from foretell.audit.reliability import Answers, answers, diagram, figures, less
from foretell.errors import BadUse
from foretell.eval.exam_suite import Sitting, by_letter, quotas
from foretell.eval.exams import Exam, known_exams
from foretell.eval.records import Record
from foretell.eval.results import fingerprint
from foretell.generate.model import Model, load
from foretell.runs import read_text
from foretell.tasks.source import Source

Logprobs = dict[str, tuple[list[float], int]]


def audit(asked: Asked) -> Results:
    """Accuracy, ECE, MCE, Brier score, NLL and temperature with their intervals; `rows` is the reliability diagram.

    Options: `exams` (names), `shots`, `against` (another model, asked the same), `held_out` (a text file whose next
    tokens are foretold too). BadUse for an exam without data.
    """
    exams, missing = known_exams(Source(folders=asked.data, seed=asked.seed))
    exams = chosen(exams, missing, asked.option("exams", None))
    model = asked.loaded()
    mine = letters(model, exams, asked)
    given = tabled(mine, list(mine))
    found: Results = {"figures": figures(given, asked.seed), "rows": diagram(given), "tables": {}}
    against = asked.option("against", None)
    if against:
        theirs = letters(load(against), exams, asked)
        both = [key for key in mine if key in theirs]
        other = tabled(theirs, both)
        found["figures"] |= {f"{name}, of the other": one for name, one in figures(other, asked.seed).items()}
        found["figures"]["ECE less the other's"] = less(tabled(mine, both), other, asked.seed)
        found["tables"]["reliability of the other"] = diagram(other)
    text = asked.option("held_out", None)
    if text:
        told = confidences(model, read_text(Path(text)), asked.limit, quiet=asked.quiet)
        measured, found["tables"]["reliability of the next token"] = next_token(*told, asked.seed)
        found["figures"] |= measured
    found["said"] = [
        f"{len(mine)} questions by letter of {', '.join(exam.name for exam in exams)}",
        "an ECE is above 0 by chance alone, by about 1 / sqrt(n) for few questions a bin",
    ]
    return found


def chosen(exams: list[Exam], missing: dict[str, str], names: Any) -> list[Exam]:
    """The exams of these names; all that have data without names."""
    if not names:
        return exams
    for name in names:
        if name not in {exam.name for exam in exams}:
            known = ", ".join(exam.name for exam in exams)
            raise BadUse(missing.get(name, f"no exam is called {name!r}; those with data here: {known}"))
    return [exam for exam in exams if exam.name in names]


def letters(model: Model, exams: list[Exam], asked: Asked) -> Logprobs:
    """For each question the log-probability of each letter and the place of the right one, by exam and id.

    The answers are kept in the audit's folder and not asked for again.
    """
    sitting = Sitting(limit=asked.limit, seed=asked.seed, shots=asked.option("shots", Sitting().shots))
    out: Path = asked.out / "calibration" / fingerprint(model)
    parts = [
        (exam, part, n) for exam in exams for part, n in zip(exam.sections, quotas(exam, asked.limit), strict=True)
    ]
    found: Logprobs = {}
    with progress.bar("questions", sum(n for _, _, n in parts), quiet=asked.quiet) as shown:
        for exam, section, n in parts:
            records, _ = by_letter(model, exam, section, out, sitting, n, shown.advance)
            found |= {f"{exam.name} {section.name} {record['key']}": letters_of(record) for record in records}
    if not found:
        raise BadUse(f"no question fits into the context of {model.network.cfg.n_ctx} tokens; give --shots 0")
    return found


def letters_of(record: Record) -> tuple[list[float], int]:
    """The log-probability of each option of a record, and the right one."""
    return [float(score[0]) for score in record["scores"]], int(record["gold"])


def tabled(found: Logprobs, keys: list[str]) -> Answers:
    """The answers to some questions."""
    return answers([found[key][0] for key in keys], [found[key][1] for key in keys])
