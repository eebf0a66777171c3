"""The Python face: load a model, ask it, train one.

import foretell
from foretell import recipes

m = foretell.load("runs/gpt2.pretrain-nano")          # or a Hugging Face folder, or "hf:gpt2"
m.logits(ids)                                         # (B, T) -> (B, T, V)
m.score([("The capital of France is", " Paris")])
m.generate(["Return the"], max_new_tokens=40, temperature=0.8)
foretell.train(recipes.gpt2.pretrain("nano"))
"""

from pathlib import Path

from foretell.generate.model import Model, load
from foretell.ranks import from_environment
from foretell.recipes.sources import resolve
from foretell.recipes.trainers import trainer
from foretell.train.config import RunConfig
from foretell.train.folder import default_folder
from foretell.train.loop import Result
from foretell.train.parallel import check_layout
from foretell.train.together import first_does, together

__all__ = ["Model", "Result", "default_folder", "load", "train"]


def train(cfg: RunConfig, out: str | Path | None = None, *, quiet: bool = False) -> Result:
    """The finished run of a config, in `out` or in runs/<recipe>: begun, continued, or found finished.

    Under torchrun its processes train together; the first one prepares what the run reads.
    """
    folder = Path(out) if out is not None else default_folder(cfg)
    ranks = from_environment()
    quiet = quiet or not ranks.first
    with together(ranks):
        check_layout(cfg, ranks.world)
        cfg = first_does(lambda: resolve(cfg, quiet=quiet))
        return trainer(cfg.objective.kind)(cfg, folder, quiet)
