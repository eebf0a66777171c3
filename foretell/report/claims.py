"""The story's ten claims: those that can be tested so far, each with metric, result, interval and verdict; the others named.

A claim is put as a gain that is above zero where the claim is true (verdicts.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from foretell.report.measured import Measured, difference, mean, shifted
from foretell.report.read import Demo
from foretell.report.results import Finetune, Translation, ZeroShot, ZeroShotRow
from foretell.report.verdicts import HOLDS, UNCLEAR, caution, together, verdict
from foretell.report.words import points, score

NOT_YET = "not yet"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A row of the table of claims."""

    number: int
    statement: str
    metric: str = ""
    result: str = ""
    verdict: str = NOT_YET
    rung: str = ""
    """the part of the page that shows it"""


WAITING = {
    4: ("few-shot examples in the context, without any gradient step, help more the larger the model", "GPT-3"),
    5: ("cleaned web text beats raw web text", "GPT-3"),
    6: ("a small model aligned with human feedback is preferred to a much larger one that is not", "InstructGPT"),
    7: ("pretraining gradients mixed into PPO remove its loss on public tasks", "InstructGPT"),
    8: ("a large run's final loss is predicted from runs with 1/10 000 of its compute", "GPT-4"),
    9: ("RLHF hurts calibration", "GPT-4"),
    10: ("a safety reward reduces answers to disallowed requests without refusing what is fine", "GPT-4"),
}


def claims(demo: Demo) -> list[Claim]:
    """All ten, in order."""
    waiting = [
        Claim(number=number, statement=statement, result=f"not yet: needs rung {rung}")
        for number, (statement, rung) in WAITING.items()
    ]
    return [pretraining(demo), both_sides(demo), zero_shot(demo), *waiting]


def pretraining(demo: Demo) -> Claim:
    """(1), by the same model fine-tuned from its pretraining and from random weights."""
    gains = from_scratch_gains(demo.finetune) if demo.finetune else []
    return compared(
        Claim(
            number=1,
            statement="pretraining then fine-tuning beats training from scratch, with a minimal change of architecture",
            metric="accuracy, pretrained minus from scratch, mean over the tasks",
            rung="gpt1",
        ),
        gains,
        demo,
    )


def both_sides(demo: Demo) -> Claim:
    """(2), by BERT and GPT, both pretrained, on the same tasks."""
    gains = bert_gains(demo.finetune) if demo.finetune else []
    return compared(
        Claim(
            number=2,
            statement="at the same size BERT beats GPT on understanding tasks",
            metric="accuracy, BERT minus GPT, mean over the tasks",
            rung="bert",
        ),
        gains,
        demo,
    )


def compared(claim: Claim, gains: Sequence[tuple[str, Measured]], demo: Demo) -> Claim:
    """A claim about the mean gain over tasks with its result, or with the command that measures it."""
    if not gains:
        return replace(claim, result=f"not yet: {demo.command} measures it", verdict=NOT_YET)
    gain = mean([g for _, g in gains])
    alone = sum(verdict(g) == HOLDS for _, g in gains)
    said = f"{points(gain)} over {len(gains)} tasks (n = {gain.n}); by itself on {alone} of them"
    return replace(claim, result=joined(said, gain), verdict=verdict(gain))


def zero_shot(demo: Demo) -> Claim:
    """(3), in two parts: the largest model beats chance; it beats the smallest."""
    claim = Claim(
        number=3,
        statement="a language model does tasks zero-shot, better with size",
        metric="accuracy without any gradient step: largest model minus chance; largest minus smallest",
        rung="gpt2",
    )
    if demo.zero_shot is None or not demo.zero_shot.rows:
        return replace(claim, result=f"not yet: {demo.command} measures it", verdict=NOT_YET)
    chance, size = above_chance(demo.zero_shot), with_size(demo.zero_shot)
    said = f"{points(chance)} over chance (n = {chance.n})"
    if size is None:
        return replace(
            claim,
            result=joined(f"{said}; size: needs a second model", chance),
            verdict=together([verdict(chance), UNCLEAR]),
        )
    said = f"{said}; {points(size)} with size (n = {size.n})"
    return replace(claim, result=joined(said, size), verdict=together([verdict(chance), verdict(size)]))


def translates(translation: Translation) -> tuple[str, str]:
    """The verdict and the result of the Transformer's own row: BLEU above the best score that needs no model."""
    baselines: list[tuple[str, Measured]] = [(translation.baseline.what, translation.baseline)]
    if translation.copy is not None:
        baselines.append(("the source itself", translation.copy))
    what, best = max(baselines, key=lambda pair: pair[1].value)
    gain = difference(translation.bleu, best)
    said = f"BLEU {score(translation.bleu)} against {score(best)} of the best baseline ({what}), n = {gain.n}"
    return verdict(gain), joined(said, gain)


def from_scratch_gains(found: Finetune) -> list[tuple[str, Measured]]:
    """Pretrained minus from scratch for every task and model that has both."""
    rows = {(row.model, row.task, row.start): row.accuracy for row in found.rows}
    return [
        (f"{model}, {task}", difference(accuracy, rows[model, task, "scratch"]))
        for (model, task, start), accuracy in rows.items()
        if start == "pretrained" and (model, task, "scratch") in rows
    ]


def bert_gains(found: Finetune) -> list[tuple[str, Measured]]:
    """BERT minus GPT, both pretrained, for every task that has both."""
    rows = {(row.model, row.task): row.accuracy for row in found.rows if row.start == "pretrained"}
    tasks = dict.fromkeys(task for _, task in rows)
    return [
        (task, difference(rows["BERT", task], rows["GPT-1", task]))
        for task in tasks
        if ("BERT", task) in rows and ("GPT-1", task) in rows
    ]


def above_chance(found: ZeroShot) -> Measured:
    """The largest model's accuracy minus chance, the mean over its tasks."""
    return mean([shifted(row.accuracy, row.chance) for row in of_size(found, largest=True)])


def with_size(found: ZeroShot) -> Measured | None:
    """The largest model's accuracy minus the smallest's, the mean over the tasks; None where there is one model."""
    small = {row.task: row for row in of_size(found, largest=False)}
    large = {row.task: row for row in of_size(found, largest=True)}
    pairs = [(large[task], small[task]) for task in large if task in small]
    pairs = [(a, b) for a, b in pairs if a.model != b.model]
    return mean([difference(a.accuracy, b.accuracy) for a, b in pairs]) if pairs else None


def of_size(found: ZeroShot, *, largest: bool) -> list[ZeroShotRow]:
    """The rows of the largest or of the smallest model."""
    n = (max if largest else min)(row.parameters for row in found.rows)
    return [row for row in found.rows if row.parameters == n]


def joined(said: str, gain: Measured) -> str:
    """The result with the caution that few seeds demand."""
    return "; ".join(filter(None, (said, caution(gain.n_seeds))))
