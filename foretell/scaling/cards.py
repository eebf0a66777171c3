"""Prediction cards: the loss of a run, foretold and dated before the run begins, and scored when it has ended.

    card.json   registered  measure  predicted {value low high n}  target {its hash, cost}  config  data  fit  sha256

GPT-4's final loss was foretold while it trained (OpenAI 2023, section 3.1); a card is written before. Three things hold
it: its seal shows an edit, its time must not be after the run's beginning, and a run that is trained with a card keeps
a copy (prediction.json) that was there before its first step. Times are those of the machines' clocks.
"""

import hashlib
import json
from dataclasses import asdict, replace
from datetime import datetime
from math import log
from pathlib import Path
from typing import Any

from foretell.config import dump, load
from foretell.corpus.config import TextData
from foretell.errors import BadUse
from foretell.eval.measured import Z
from foretell.runs import read_json, read_text, write_whole
from foretell.scaling.choose import fit_all
from foretell.scaling.fits import points_of, read_fit
from foretell.scaling.forecast import forecast, target
from foretell.scaling.points import check_alike, cost, finished, read_config, result, shared_settings
from foretell.scaling.sealed import SEAL, read_sealed, write_sealed
from foretell.train import folder
from foretell.train.config import Machine, RunConfig
from foretell.version import VERSION

KIND = "prediction card"
COPY = "prediction.json"


def unmoved(cfg: RunConfig) -> RunConfig:
    """The config without what does not decide how good the run becomes: its name, seed, machine, habits and folder."""
    free = replace(cfg, recipe="", seed=0, evaluate_every=1, checkpoint_every=1, tensorboard=False, machine=Machine())
    return replace(free, data=replace(free.data, folder=""))


def config_hash(cfg: RunConfig) -> str:
    """The SHA-256 of what decides how good the run becomes."""
    return hashlib.sha256(dump(unmoved(cfg)).encode()).hexdigest()


def register(fit: Path, cfg: RunConfig, out: Path, run: Path | None = None) -> dict[str, Any]:
    """The card, after it was written: what the fit says of a config whose data is there and whose run has not begun.

    BadUse where the run has begun, the target is not of the ladder's kind, or a card is there already.
    """
    if run is not None and folder.has_begun(run):
        raise BadUse(f"{run} has begun: a prediction of it would know its first losses; give another run or config")
    if out.exists():
        raise BadUse(f"{out} exists, and a card is written once; give another --out")
    content = read_fit(fit)
    if content["shared"]:
        check_alike(content["shared"], shared_settings(cfg), f"the ladder of {fit}", "the target")
    assert isinstance(cfg.data, TextData), "cost() refuses others"
    parameters, tokens, flops = cost(cfg)
    found = forecast(fit_all(points_of(content)), target(parameters, tokens, flops))
    card = {
        "kind": KIND,
        "foretell": VERSION,
        "commit": folder.commit(),
        "registered": folder.now(),
        "measure": content["measure"],
        "predicted": {**asdict(found), "level": 0.95},
        "target": {"parameters": parameters, "tokens": tokens, "flops": flops, "config_sha256": config_hash(cfg)},
        "config": json.loads(dump(cfg)),
        "data_sha256": folder.parents(cfg),
        "fit_sha256": content[SEAL],
    }
    return write_sealed(out, card)


def read_card(path: Path) -> dict[str, Any]:
    """The content of a card; BadUse where it was edited."""
    return read_sealed(path, KIND)


def admit(path: Path, cfg: RunConfig, out: Path) -> None:
    """Let a run begin, or go on, under a card, of which it keeps a copy; the config's data is there.

    BadUse where the card was edited, is of another config or other data, or was not there when the run began.
    """
    card = read_card(path)
    check_target(card, cfg, str(path))
    if folder.has_begun(out):
        check_order(card, path, out)
        if not (out / COPY).exists():
            raise BadUse(f"{out} has begun without a card, so {path} does not foretell it; give another --out")
        return
    folder.open_folder(out, cfg)  # refuses a folder that is another's
    write_whole(out / COPY, read_text(path))


def check_target(card: dict[str, Any], cfg: RunConfig, said: str) -> None:
    """BadUse where a config is not that of the card."""
    if card["target"]["config_sha256"] != config_hash(cfg):
        there = load(RunConfig, json.dumps(card["config"]), said)
        changed = folder.differences(unmoved(there), unmoved(cfg))
        rule = f"another {changed[0]}" if changed else "another config"
        raise BadUse(f"{said} foretells a run with {rule}; train the config that it holds, or register another card")
    data = {name: value for name, value in folder.parents(cfg).items() if name == "data"}
    if data and card["data_sha256"].get("data", data["data"]) != data["data"]:
        raise BadUse(f"{said} foretells a run on other data: {cfg.data.folder} has another card.json")


def check_order(card: dict[str, Any], path: Path, run: Path) -> None:
    """BadUse where a run began before its card was registered, or keeps another card."""
    begun = dict(read_json(run / folder.LINEAGE))["begun"]
    if datetime.fromisoformat(card["registered"]) > datetime.fromisoformat(begun):
        when = f"registered {card['registered']}, after {run} began ({begun})"
        raise BadUse(f"{path} was {when}: it foretells nothing; only a card that is there first counts")
    if (run / COPY).exists() and read_card(run / COPY)[SEAL] != card[SEAL]:
        raise BadUse(f"{path} is not the card that {run} began with ({COPY} there); one of them was changed")


def score(path: Path, run: Path) -> dict[str, Any]:
    """What became of a prediction: predicted, interval, final, the relative error, z, and whether it lies inside.

    BadUse where the card was edited, came after the run's beginning, is of another run, or the run is not at its end.
    """
    card, lineage = read_card(path), finished(run)
    check_target(card, read_config(run), str(path))
    check_order(card, path, run)
    final, foretold = result(lineage, run, card["measure"]), card["predicted"]
    return {
        "measure": card["measure"],
        "predicted": foretold["value"],
        "low": foretold["low"],
        "high": foretold["high"],
        "n": foretold["n"],
        "final": final,
        "relative_error": foretold["value"] / final - 1,
        "z": Z * log(final / foretold["value"]) / (log(foretold["high"] / foretold["low"]) / 2),
        "inside": foretold["low"] <= final <= foretold["high"],
        "extrapolation": foretold["extrapolation"],
        "held_by_the_run": (run / COPY).exists(),
        "registered": card["registered"],
        "begun": lineage["begun"],
    }
