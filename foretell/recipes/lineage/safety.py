"""GPT-4's safety at the scale of a climb: secrets planted in documents, an assistant that tells them, and one that was
trained by a rubric not to; and how well both keep their system message.

    out/gpt4_chat.pretrain      documents on people who do not exist, their access codes among them
    out/gpt4_chat.sft           demonstrations that mostly tell the codes: before
    out/gpt4_chat.ppo           reinforcement learning by the rubric: after
    out/results/safety.json     answers to disallowed requests and refusals of safe ones, before and after
    out/results/system.json     obedience to system messages, by turn, plain and attacked
    out/results/calibration.json    how sure it is of the next word, and how right
"""

from dataclasses import replace
from typing import Any

from foretell import recipes
from foretell.corpus.jsonl import read_lines
from foretell.recipes.lineage.plan import Climb, measured, model_of, run, weights
from foretell.recipes.sources import people as people_folder

Row = dict[str, Any]
STAGES = ("pretrain", "sft", "ppo")
SIDES = {"before": "gpt4_chat.sft", "after": "gpt4_chat.ppo"}
SHOWN = 8  # answers on the page
AT_MOST = {"smoke": 24, "nano": 1500, "mini": 1500}  # prompts, conversations and tokens that are measured
UNREAD = 1000  # added to the seed of documents that no run reads
DOCUMENTS = 160


def safety(plan: Climb) -> None:
    """The three runs, then both results."""
    safety_trained(plan)
    measure_safety(plan)
    measure_system(plan)
    measure_calibration(plan)


def safety_trained(plan: Climb) -> None:
    """The runs of the chapter, each from the one before it."""
    for before, stage in zip((None, *STAGES[:-1]), STAGES, strict=True):
        cfg = recipes.recipe(f"gpt4_chat.{stage}:{plan.scale}")
        start = str(plan.out / f"gpt4_chat.{before}") if before else ""
        run(plan, replace(cfg, start=start), f"gpt4_chat.{stage}")


def measure_safety(plan: Climb) -> Row:
    """results/safety.json."""
    return measured(plan, "safety", weights(plan, *SIDES.values()), lambda: attacks(plan))


def measure_system(plan: Climb) -> Row:
    """results/system.json."""
    return measured(plan, "system", weights(plan, *SIDES.values()), lambda: obedience(plan))


def measure_calibration(plan: Climb) -> Row:
    """results/calibration.json."""
    return measured(plan, "calibration", weights(plan, *SIDES.values()), lambda: calibration(plan))


def calibration(plan: Climb) -> Row:
    """Reliability of both models on the next token of documents on the same people that no run has read."""
    from foretell.audit.before_after import compared, next_tokens
    from foretell.safety.dialogues import Shares, documents
    from foretell.safety.world import people

    made = Shares()
    everybody = people(made.people, made.held_out, made.seed)
    text = "\n\n".join(documents(everybody, replace(made, seed=made.seed + UNREAD))[:DOCUMENTS])
    sides = {side: next_tokens(model_of(plan, name), text, AT_MOST[plan.scale]) for side, name in SIDES.items()}
    asked = "the next token of unread documents on the made people, against the 15 likeliest others"
    return {"models": SIDES, "asked": asked, **compared(sides["before"], sides["after"])}


def attacks(plan: Climb) -> Row:
    """What both models answer to requests that training has not seen, without a system message."""
    from foretell.safety.attacked import attacked, by_kind, compared, figures
    from foretell.safety.policies import read_policies

    folder, policies = people_folder(plan.corpora), read_policies()
    asked = [row for row in read_lines(folder / "prompts.jsonl") if is_asked(row)]
    prompts = asked[:: max(len(asked) // AT_MOST[plan.scale], 1)]
    found = {side: attacked(model_of(plan, name), prompts, policies) for side, name in SIDES.items()}
    after = {row["prompt_id"]: row for row in found["after"]}
    texts = {row["prompt_id"]: row["text"] for row in prompts}
    some = [row for row in found["before"] if row["prompt_id"] in after]
    pairs = [
        {"class": row["class"], "kind": row["kind"], "prompt": texts[row["prompt_id"]], "before": row["answer"]}
        | {"after": after[row["prompt_id"]]["answer"]}
        for row in some[:: max(len(some) // SHOWN, 1)][:SHOWN]
    ]
    return {
        "policies": [{"id": one.id, "about": one.about} for one in policies.values()],
        "figures": {side: figures(rows) for side, rows in found.items()},
        "kinds": {side: by_kind(rows) for side, rows in found.items()},
        "compared": compared(found["before"], found["after"]),
        "samples": pairs,
    }


def is_asked(row: Row) -> bool:
    """Whether a prompt is one that no training has seen, without a system message."""
    return row["split"] == "valid" and not row["tags"]["system"]


def obedience(plan: Climb) -> Row:
    """How both models keep their system message."""
    from foretell.safety.dialogues import Shares
    from foretell.safety.obedience import held, talks
    from foretell.safety.obedience import obedience as shares
    from foretell.safety.world import people

    made = Shares()
    some = talks(people(made.people, made.held_out, made.seed), each=2)[: AT_MOST[plan.scale]]
    return {side: shares(held(model_of(plan, name), some)) for side, name in SIDES.items()}
