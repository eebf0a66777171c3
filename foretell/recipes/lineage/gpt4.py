"""GPT-4's chapter of a climb: a model that sees, a run that survives, an assistant that keeps secrets."""

from foretell.recipes.lineage import images, safety
from foretell.recipes.lineage.hindsight import measure_hindsight
from foretell.recipes.lineage.plan import SCALES, Climb, Stage, result, trains
from foretell.recipes.lineage.survival import survived


def stages(plan: Climb) -> tuple[Stage, ...]:
    """What the chapter trains and measures; nothing else waits for it."""
    return (
        Stage(
            name=images.NAME, chapter="GPT-4: images", weight=60, do=images.measure_images, needs=("tasks",),
            makes=(*trains(images.NAME), *result("images")),
        ),
        Stage(
            name="survival", chapter="GPT-4: a run that survives", weight=25, do=survived, needs=("bpe tokens",),
            makes=result("survival"),
        ),
        Stage(
            name="gpt4_chat", chapter="GPT-4: safety", weight=100, do=safety.safety, needs=("tasks",),
            makes=(
                *(made for stage in safety.STAGES for made in trains(f"gpt4_chat.{stage}")),
                *(made for name in ("safety", "system", "calibration") for made in result(name)),
            ),
        ),
        Stage(
            name="hindsight", chapter="GPT-4: inverse scaling", weight=8, do=measure_hindsight,
            needs=tuple(f"gpt2.pretrain-{each}" for each in SCALES[plan.scale]), makes=result("hindsight"),
        ),
    )  # fmt: skip
