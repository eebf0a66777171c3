"""Run folders, trained in a second on tokens made here or only written, as a ladder leaves them."""

import json
from dataclasses import replace

import numpy as np

from foretell.config import dump
from foretell.corpus.config import TextData
from foretell.model.count import flops_per_token, matrix_parameters
from foretell.recipes.ladder import Ladder, rung
from foretell.runs import write_whole
from foretell.train import folder

RULE = Ladder(widths=(4, 8, 12, 16), folder="nowhere", n_vocab=16, n_ctx=8, rows=4, tokens_per_parameter=2.0)


def config(width=8, share=1.0, **changes):
    """A run of the small ladder; any field can be replaced."""
    return replace(rung(RULE, width, share), **changes)


def law(flops):
    """The loss that written runs end at."""
    return 1.0 + 40 * flops**-0.2


def written(path, cfg, *, loss=None, ended=True, begun="2026-01-02T00:00:00+00:00"):
    """A run folder without weights, as if it had been trained."""
    n = cfg.steps * cfg.batch.rows * cfg.data.length
    flops = n * flops_per_token(cfg.model, cfg.data.length)
    noise = 0.001 * np.random.default_rng(matrix_parameters(cfg.model)).normal()
    value = law(flops) * np.exp(noise) if loss is None else loss
    write_whole(path / folder.CONFIG, dump(cfg))
    lineage = {"recipe": cfg.recipe, "begun": begun}
    if ended:
        lineage |= {"finished": begun, "result": {"val_loss": 3.0, "val_bits_per_byte": float(value)}}
    folder.write_lineage(path, lineage)
    steps = range(cfg.steps + 1 if ended else cfg.steps // 2 + 1)
    write_whole(path / folder.METRICS, "".join(json.dumps({"step": step}) + "\n" for step in steps))
    return path


def ladder(here, widths=(4, 8, 12, 16), shares=(1.0,), **changes):
    """The folders of a written ladder."""
    return [
        written(here / f"{width}-{share:g}", config(width, share, **changes)) for width in widths for share in shares
    ]


def text(**changes):
    """Data of the small ladder."""
    return TextData(folder="nowhere", length=8, **changes)
