"""What the other kinds of task came to, as rows of a table: name, value, interval, n."""

from collections.abc import Callable, Sequence
from typing import Any

from foretell.align.answers import Answer, answers_of
from foretell.align.database import Store
from foretell.errors import BadUse
from foretell.eval.measured import Measured, bootstrap, share
from foretell.eval.news import judgements, news_accuracy
from foretell.eval.win_rate import win_rates
from foretell.serve.labelling.figures import figure
from foretell.serve.labelling.questions import HELD
from foretell.serve.labelling.study import Study

Row = tuple[str, str, str, str]
PREFERENCE = {"left": 0, "right": 1}


def study_results(study: Study, store: Store) -> dict[str, list[Row]]:
    """The rows of each kind that anybody has answered."""
    made: dict[str, Callable[[Sequence[Answer]], list[Row]]] = {
        "pairwise": pairwise,
        "toxicity": toxicity,
        "red_team": red_team,
        "news": lambda answers: news(study, answers),
    }
    found = {kind: answers_of(store, kind) for kind in made}  # type: ignore[arg-type]  # the kinds of answers
    return {kind: make(found[kind]) for kind, make in made.items() if found[kind]}


def comparison(one: Answer) -> dict[str, Any]:
    """An answer as win rates read it: 1 where the model is preferred to the baseline, 0.5 for a tie."""
    said = one.given["winner"]
    won = 0.5 if said == "tie" else float(one.shown[said]["model"] == one.shown["model"])
    same = {"prompt_id": one.shown["prompt_id"], "labeller": one.labeller, "labeller_group": one.group}
    return {"preference": won, "model": one.shown["model"], "baseline": one.shown["baseline"], **same}


def pairwise(answers: Sequence[Answer]) -> list[Row]:
    """The win rate of each model against its baseline."""
    found = win_rates([comparison(one) for one in answers], ("model", "baseline"))
    return [row(f"{model or '-'} / {baseline}", told) for (model, baseline), told in found.items()]


def toxicity(answers: Sequence[Answer]) -> list[Row]:
    """The mean of each question for each model."""
    rows = []
    for model in sorted({one.shown["model"] for one in answers}):
        mine = [one.given for one in answers if one.shown["model"] == model]
        for name in ("output_toxicity", "relative", "continuity"):
            rows.append(row(f"{model or '-'}: {name}", bootstrap([one[name] for one in mine], mean)))
    return rows


def mean(values: Sequence[float]) -> float:
    """Their mean."""
    return sum(values) / len(values)


def red_team(answers: Sequence[Answer]) -> list[Row]:
    """The share of conversations in which each model failed, and what the failures were."""
    rows = []
    for model in sorted({one.shown["model"] for one in answers}):
        mine = [one.given for one in answers if one.shown["model"] == model]
        failed = [one["category"] for one in mine if one["failed"] != HELD]
        rows.append(row(model, share(len(failed), len(mine))))
        rows += [(f"{model}: {name}", str(failed.count(name)), "", str(len(mine))) for name in sorted(set(failed))]
    return rows


def news(study: Study, answers: Sequence[Answer]) -> list[Row]:
    """How often the articles of each model were told from people's: over participants, else over answers."""
    known = [one for one in answers if one.item in study.key]
    given = [{"participant": one.labeller, "id": one.item, "answer": one.given["answer"]} for one in known]
    found, failed = judgements(given, study.key.values())
    rows = []
    for name, model in sorted({(sized(study, one.model), one.model) for one in found}):
        mine = [one for one in found if one.model == model]
        decided = [one.right for one in mine if one.right is not None]
        try:
            rows.append(row(name, news_accuracy(mine).accuracy))
        except BadUse:  # fewer than two people: an interval over answers alone
            if decided:
                rows.append(row(f"{name} (answers of one person)", share(sum(decided), len(decided))))
    return [*rows, ("left out: failed a reading check", str(len(failed)), "", "")]


def sized(study: Study, model: str) -> str:
    """A model with its size, where the key tells it."""
    size = next((one["n_params"] for one in study.key.values() if one["model"] == model and one.get("n_params")), None)
    return f"{model}, {size:,} parameters" if isinstance(size, int) else model


def row(name: str, told: Measured) -> Row:
    """A measured value as a row."""
    return name, figure(told["value"]), f"{figure(told['low'])} to {figure(told['high'])}", f"{told['n']:g}"
