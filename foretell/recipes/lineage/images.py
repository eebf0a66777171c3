"""GPT-4's sight in a climb: a small model learns to answer questions about drawn pictures, and is asked new ones."""

from pathlib import Path
from typing import Any

from foretell.recipes.lineage.plan import Climb, measured, model_of, recipe, run, weights
from foretell.runs import read_json

NAME = "gpt4.pretrain"
AT_MOST = {"smoke": 14, "nano": 350, "mini": 700}  # held-out questions, each asked three times
SHOWN = 2  # questions of a kind, with what was answered


def measure_images(plan: Climb) -> None:
    """Train the model that sees; results/images.json: its accuracy beside every control, and samples."""
    run(plan, recipe(plan, NAME), NAME)
    asked = Path(read_json(plan.out / NAME / "config.json")["data"]["folder"])
    measured(plan, "images", weights(plan, NAME), lambda: questions(plan, asked))


def questions(plan: Climb, folder: Path) -> dict[str, Any]:
    """What the suite finds of the model."""
    from foretell.corpus.pictures import open_pictures
    from foretell.eval.images import images_suite

    model = model_of(plan, NAME)
    found = images_suite(model, open_pictures(folder), limit=AT_MOST[plan.scale], quiet=plan.quiet)
    n = sum(p.numel() for p in model.network.parameters())
    seed = read_json(plan.out / NAME / "config.json")["seed"]
    return {"model": NAME, "parameters": n, "seed": seed, "rows": found["rows"], "samples": samples(found["answers"])}


def samples(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first questions of each kind."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for one in answers:
        some = shown.setdefault(one["kind"], [])
        if len(some) < SHOWN:
            some.append({name: one[name] for name in ("kind", "prompt", "completion", "seeing", "shuffled", "blind")})
    return [one for some in shown.values() for one in some]
