"""The story's ten claims: those that can be tested so far with metric, result, interval and verdict; the others named.

A claim is put as a gain that is above zero where the claim is true (verdicts.py).
"""

from collections.abc import Sequence
from dataclasses import replace

from foretell.report.aligned_results import Aligned, RateRow
from foretell.report.claim import Claim, unmeasured
from foretell.report.gpt4 import calibration_suffers, refuses_what_it_should
from foretell.report.measured import Measured, difference, mean, shifted
from foretell.report.read import Demo
from foretell.report.results import FewShot, Finetune, ShotsRow, ZeroShot, ZeroShotRow
from foretell.report.verdicts import HOLDS, UNCLEAR, caution, together, verdict
from foretell.report.words import points, score, share

WAITING = {
    5: ("Cleaned web text beats raw web text", "GPT-3"),
    8: ("A large run's final loss is predicted from runs with 1/10 000 of its compute", "GPT-4"),
}


def claims(demo: Demo) -> list[Claim]:
    """All ten, in order."""
    waiting = [
        Claim(number=number, statement=statement, result=f"not measured by this demo; it belongs to rung {rung}")
        for number, (statement, rung) in WAITING.items()
    ]
    tested = [pretraining(demo), both_sides(demo), zero_shot(demo), few_shot(demo), *aligned_claims(demo)]
    tested += [calibration_suffers(demo), refuses_what_it_should(demo)]
    return sorted([*tested, *waiting], key=lambda claim: claim.number)


def aligned_claims(demo: Demo) -> list[Claim]:
    """(6) and (7); (7) is told first, so that the rung's own verdict is that of (6)."""
    return [mix_recovers(demo), small_preferred(demo)]


def pretraining(demo: Demo) -> Claim:
    """(1), by the same model fine-tuned from its pretraining and from random weights."""
    gains = from_scratch_gains(demo.finetune) if demo.finetune else []
    return compared(
        Claim(
            number=1,
            statement="Pretraining then fine-tuning beats training from scratch, with a minimal change of architecture",
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
            statement="At the same size BERT beats GPT on understanding tasks",
            metric="accuracy, BERT minus GPT, mean over the tasks",
            rung="bert",
        ),
        gains,
        demo,
    )


def compared(claim: Claim, gains: Sequence[tuple[str, Measured]], demo: Demo) -> Claim:
    """A claim about the mean gain over tasks with its result, or with the command that measures it."""
    if not gains:
        return unmeasured(claim, demo)
    gain = mean([g for _, g in gains])
    alone = sum(verdict(g) == HOLDS for _, g in gains)
    said = f"{points(gain)} over {len(gains)} tasks (n = {gain.n}); taken alone, it holds on {alone} of them"
    return replace(claim, result=said, verdict=verdict(gain), caution=caution(gain.n_seeds))


def zero_shot(demo: Demo) -> Claim:
    """(3), in two parts: the largest model beats chance; it beats the smallest."""
    claim = Claim(
        number=3,
        statement="A language model does tasks zero-shot, better with size",
        metric="accuracy without any gradient step: largest model minus chance; largest minus smallest",
        rung="gpt2",
    )
    if demo.zero_shot is None or not demo.zero_shot.rows:
        return unmeasured(claim, demo)
    chance, size = above_chance(demo.zero_shot), with_size(demo.zero_shot)
    said, of_size_verdict = "the second model is not there yet", UNCLEAR
    if size is not None:
        said, of_size_verdict = f"{points(size)} with size (n = {size.n})", verdict(size)
    return replace(
        claim,
        result=f"{points(chance)} over chance (n = {chance.n}); {said}",
        verdict=together([verdict(chance), of_size_verdict]),
        caution=caution(chance.n_seeds),
    )


def few_shot(demo: Demo) -> Claim:
    """(4), in two parts: examples help the largest model; they help it more than the smallest."""
    claim = Claim(
        number=4,
        statement="Few-shot examples in the context, without any gradient step, help more the larger the model",
        metric="score with the most examples minus with none: largest model; largest minus smallest",
        rung="gpt3",
    )
    if demo.few_shot is None or not demo.few_shot.rows:
        return unmeasured(claim, demo)
    gains = [shots_gains(demo.few_shot, largest=largest) for largest in (True, False)]
    gain = mean(list(gains[0].values()))
    more = mean([difference(gains[0][task], gains[1][task]) for task in gains[0] if task in gains[1]])
    one_size = len({row.model for row in demo.few_shot.rows}) == 1
    of_size = "the second model is not there yet" if one_size else f"{points(more)} more than to the smallest model"
    return replace(
        claim,
        result=f"examples give {points(gain)} (n = {gain.n}); {of_size}",
        verdict=together([verdict(gain), UNCLEAR if one_size else verdict(more)]),
        caution=caution(gain.n_seeds),
    )


def shots_gains(found: FewShot, *, largest: bool) -> dict[str, Measured]:
    """What the most examples give over none to the largest or the smallest model, on each task."""
    n = (max if largest else min)(row.parameters for row in found.rows)
    gains = {}
    for task in dict.fromkeys(row.task for row in found.rows):
        rows = [row for row in found.rows if (row.task, row.parameters, row.labels) == (task, n, "right")]
        least, most = min(rows, key=by_shots), max(rows, key=by_shots)
        if least.k < most.k:
            gains[task] = difference(most.accuracy, least.accuracy)
    return gains


def by_shots(row: ShotsRow) -> int:
    """How many examples a row was asked with."""
    return row.k


def small_preferred(demo: Demo) -> Claim:
    """(6), by win rates against the largest SFT model: the smallest aligned model minus the largest that only reads."""
    claim = Claim(
        number=6,
        statement="A small model aligned with human feedback is preferred to a much larger one that is not",
        metric="win rate by simulated labellers against the largest SFT model: smallest PPO-ptx minus largest GPT",
        rung="instructgpt",
    )
    found = demo.aligned
    if found is None or not found.win_rates:
        return unmeasured(claim, demo)
    small, large = rate_of(found, "PPO-ptx", largest=False), rate_of(found, "GPT", largest=True)
    if small is None or large is None or small.parameters >= large.parameters:
        return replace(claim, result="the second size is not there yet", verdict=UNCLEAR)
    gain = difference(small.rate, large.rate)
    said = f"{points(gain)} with {large.parameters / small.parameters:.1f} times fewer parameters (n = {gain.n})"
    return replace(claim, result=said, verdict=verdict(gain), caution=caution(gain.n_seeds))


def rate_of(found: Aligned, role: str, *, largest: bool) -> RateRow | None:
    """The win rate of a role's largest or smallest model, by the labellers of the training data."""
    rows = [row for row in found.win_rates if (row.role, row.group) == (role, "train")]
    return (max if largest else min)(rows, key=lambda row: row.parameters, default=None)


def mix_recovers(demo: Demo) -> Claim:
    """(7), in two parts, for the largest model: at least 80 % of the rise in loss is taken back; so is the tasks'."""
    claim = Claim(
        number=7,
        statement="Pretraining gradients mixed into PPO remove its loss on public tasks",
        metric="share of PPO's rise in held-out text loss that the mix takes back, less 80 %; "
        "task scores, PPO-ptx minus PPO",
    )
    found = demo.aligned
    if found is None or not found.tax:
        return unmeasured(claim, demo)
    share_back = max(found.recovered, key=lambda row: row.parameters).recovered
    gains = task_gains(found)
    if share_back is None:
        return replace(claim, result="PPO alone raised the loss by nothing that can be told", verdict=UNCLEAR)
    verdicts = [verdict(shifted(share_back, 0.8))]
    said = f"{share(share_back)} of the rise in loss is taken back (n = {share_back.n})"
    if gains:
        gain = mean(gains)
        verdicts.append(verdict(gain))
        said += f"; {points(gain)} on {len(gains)} tasks (n = {gain.n})"
    return replace(claim, result=said, verdict=together(verdicts), caution=caution(share_back.n_seeds))


def task_gains(found: Aligned) -> list[Measured]:
    """What the mix gives the largest model on each task, over PPO alone."""
    n = max(row.parameters for row in found.tax)
    scores = {
        (row.model, one.task): Measured(value=one.value, low=one.low, high=one.high, n=one.n)
        for row in found.tax
        if row.parameters == n
        for one in row.tasks
    }
    pairs = [(scores[model, task], scores["PPO", task]) for model, task in scores if model == "PPO-ptx"]
    return [difference(mixed, alone) for mixed, alone in pairs]


def translates(demo: Demo) -> Claim:
    """The Transformer's own claim, which is none of the ten: BLEU above the best score that needs no model."""
    claim = Claim(
        number=0,
        statement="its translations score above the best answer that needs no model",
        metric="BLEU, model minus the best baseline",
        rung="transformer",
    )
    found = demo.translation
    if found is None:
        return unmeasured(claim, demo)
    baselines: list[tuple[str, Measured]] = [(found.baseline.what, found.baseline)]
    if found.copy is not None:
        baselines.append(("the source itself", found.copy))
    what, best = max(baselines, key=lambda pair: pair[1].value)
    gain = difference(found.bleu, best)
    said = f"BLEU {score(found.bleu)} against {score(best)} of the best baseline ({what}), n = {gain.n}"
    return replace(claim, result=said, verdict=verdict(gain), caution=caution(gain.n_seeds))


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
