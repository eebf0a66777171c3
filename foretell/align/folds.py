"""Does a reward model know what people want, or what its labellers want? Trained without a group, and asked both.

For each group of labellers in turn, and each seed, a reward model is trained on the others' rankings. It is then asked
about held-out rankings of the labellers it has learnt from (`seen`) and about those of the group it has not
(`held_out`), none of whose prompts it was trained on. Ouyang et al. 2022, section 4.1: 72.4 +- 0.4 % and 69.6 +- 0.9 %
with five groups and three seeds.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from foretell import progress
from foretell.align.by_prompt import ratio
from foretell.align.records import content_id
from foretell.align.reward import load_reward
from foretell.align.reward_report import Pair, compared, half
from foretell.align.reward_training import train_reward
from foretell.corpus.config import RankingData
from foretell.corpus.labels import Row, label_rows
from foretell.corpus.rankings import sides_of
from foretell.errors import BadUse
from foretell.eval.over_seeds import over_seeds
from foretell.runs import write_whole
from foretell.train.config import RunConfig

SIDES = ("seen", "held_out")
RESULTS, LABELS = "folds.json", "labels"


def reward_folds(cfg: RunConfig, out: Path, folds: int = 0, seeds: int = 3, quiet: bool = False) -> dict[str, Any]:
    """Accuracy on both sides: of all groups and seeds with its interval by prompt, over seeds, and of each group.

    With `folds` labellers are dealt into so many groups, as equal in labels as they come; 0 takes the groups that the
    labels have. Runs lie in `out`, which also gets folds.json; those that are there are not trained again. BadUse for
    fewer than two groups or a ranking without a labeller.
    """
    assert isinstance(cfg.data, RankingData), "rankings have groups of labellers"
    data = replace(cfg.data, folder=str(dealt(cfg.data, out / LABELS, folds)))
    cfg, groups = replace(cfg, data=data), groups_of(data)
    found: dict[tuple[str, int], dict[str, list[Pair]]] = {}
    for group in groups:
        for seed in range(seeds):
            progress.say(f"without {group}, seed {seed}", quiet=quiet)
            found[group, seed] = fold(cfg, out / f"without-{group}-seed-{seed}", group, seed, quiet)
    results = {"groups": groups, "seeds": seeds, **{side: figures(found, groups, seeds, side) for side in SIDES}}
    write_whole(out / RESULTS, json.dumps(results, indent=1) + "\n")
    return results


def fold(cfg: RunConfig, out: Path, group: str, seed: int, quiet: bool) -> dict[str, list[Pair]]:
    """The compared pairs of both sides of a reward model that is trained without the group."""
    assert isinstance(cfg.data, RankingData), "rankings have groups of labellers"
    data = replace(cfg.data, without_group=group)
    sides = asked_of(data)
    if not all(sides):
        which = "of the others" if sides[1] else f"of {group}"
        raise BadUse(f"without {group}, no held-out ranking {which} is left to be asked about; take fewer folds")
    train_reward(replace(cfg, data=data, seed=seed), out, quiet)
    reward = load_reward(out)
    return {side: compared(reward, rows)[0] for side, rows in zip(SIDES, sides, strict=True)}


def asked_of(data: RankingData) -> tuple[list[Row], list[Row]]:
    """The rankings that a model without the group is asked about: of those it has learnt from, and of the group.

    No prompt that was trained on is among them.
    """
    trained, held_out = sides_of(data)
    _, valid = label_rows(data.folder, "rankings")
    known = {repr(row["prompt"]) for row in trained}
    others = [row for row in valid if row.get("labeller_group") != data.without_group]
    return [row for row in others if repr(row["prompt"]) not in known], held_out


def dealt(data: RankingData, folder: Path, folds: int) -> Path:
    """The labels with labellers dealt into groups fold-1, fold-2, ...; the folder itself where they stay as they are.

    Those with most labels are dealt first, each to the group with the fewest so far. A hash of what was dealt ends the
    folder's name.
    """
    if not folds:
        return Path(data.folder)
    sides = label_rows(data.folder, "rankings")
    counts = Counter(str(row.get("labeller") or "") for rows in sides for row in rows)
    if "" in counts:
        raise BadUse(
            f"{counts['']} rankings name no labeller, so that nobody can deal them into folds; import them again"
        )
    if not 2 <= folds <= len(counts):
        raise BadUse(f"{folds} folds of {len(counts)} labellers; give 2 to {len(counts)}")
    sizes, group = [0] * folds, {}
    for name, n in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        least = sizes.index(min(sizes))
        group[name], sizes[least] = f"fold-{least + 1}", sizes[least] + n
    rows = [
        {**row, "split": side, "labeller_group": group[str(row["labeller"])]}
        for side, some in zip(("train", "valid"), sides, strict=True)
        for row in some
    ]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    folder = folder.with_name(f"{folder.name}-{content_id(text)[:8]}")  # runs of another deal are not taken for these
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "rankings.jsonl", text)
    demonstrations = Path(data.folder) / "demonstrations.jsonl"
    if demonstrations.exists():
        write_whole(folder / demonstrations.name, demonstrations.read_bytes())
    return folder


def groups_of(data: RankingData) -> list[str]:
    """The groups of labellers; BadUse for fewer than two."""
    rows = [row for side in label_rows(data.folder, "rankings") for row in side]
    groups = sorted({str(row.get("labeller_group") or "") for row in rows} - {""})
    if len(groups) < 2:
        raise BadUse(f"{data.folder} has {len(groups)} groups of labellers; give --folds N to deal them into some")
    return groups


def figures(
    found: dict[tuple[str, int], dict[str, list[Pair]]], groups: Sequence[str], seeds: int, side: str
) -> dict[str, Any]:
    """A side's accuracy: all pairs with an interval by prompt, over seeds with Student's, and each group's."""
    of_seed = [[pair for group in groups for pair in found[group, seed][side]] for seed in range(seeds)]
    return {
        "accuracy": accuracy([pair for pairs in of_seed for pair in pairs]),
        "over_seeds": over_seeds([accuracy(pairs)["value"] for pairs in of_seed]),
        "by_group": {
            group: accuracy([pair for seed in range(seeds) for pair in found[group, seed][side]]) for group in groups
        },
    }


def accuracy(pairs: Sequence[Pair]) -> dict[str, float]:
    """The share of pairs that the model has right, with its interval by prompt."""
    told = ratio([one.prompt for one in pairs], [half(one.margin) for one in pairs], [1.0] * len(pairs))
    assert told is not None, "there are pairs"
    return told
