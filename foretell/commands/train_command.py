"""`foretell train RECIPE[:SIZE] | RUN/config.json [--field value ...]`."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from foretell import recipes
from foretell.commands.flags import count, parser
from foretell.config import load, override
from foretell.errors import BadUse
from foretell.ranks import from_environment
from foretell.runs import read_text
from foretell.train.config import RunConfig

EXAMPLES = """  foretell train gpt2.pretrain:nano                           on the documentation text of this machine
  foretell train gpt2.pretrain:nano --data FOLDER             on the text, or the tokens, in a folder
  foretell train gpt1.finetune:nano --data describes --start runs/gpt1.pretrain-nano
  foretell train bert.pretrain:nano --optim.lr 1e-3 --model.n-layers 2 --out runs/small
  foretell train instructgpt.sft:nano --start runs/gpt2.pretrain-nano --labels labels.db
  foretell train instructgpt.sft:nano --select-by runs/instructgpt.reward-nano
  foretell train instructgpt.reward:nano --labels labels.db --folds 5     without each fifth of the labellers in turn
  foretell train runs/small/config.json --out runs/again      the same run once more
  foretell train gpt2.pretrain:nano --restarts 5 --guard.window 128        goes on by itself after crashes and spikes
  foretell train gpt2.pretrain:nano --fields                  every field that can be given"""

SHORT = {"seed": "--seed", "steps": "--steps", "device": "--machine.device", "threads": "--machine.threads"}


def run(args: list[str]) -> None:
    """Train, or continue, or find finished; print where the run lies and how good it is."""
    flags = parser("train", "Train any stage of any rung. A run that was stopped continues.", EXAMPLES, COMMON)
    flags.add_argument("recipe", metavar="RECIPE[:SIZE] | config.json", nargs="?")
    flags.add_argument("--data", metavar="DIR", help="text, tokens, pairs or a task: what the recipe reads")
    flags.add_argument("--labels", metavar="DB", help="a store of labels: its demonstrations, rankings or prompts")
    flags.add_argument("--select-by", metavar="RUN", help="a reward model: its favourite checkpoint becomes the model")
    flags.add_argument("--folds", metavar="N", help="a reward model without each group of labellers: N, or groups")
    flags.add_argument("--seeds", metavar="N", type=count, default=3, help="runs of each fold")
    flags.add_argument(
        "--prediction", metavar="CARD", help="a card that foretells this run, registered before it begins"
    )
    flags.add_argument(
        "--restarts", metavar="N", type=count, help="start again what died or hung, N times without a new checkpoint"
    )
    flags.add_argument("--fields", action="store_true", help="show every field of the recipe's config and its value")
    flags.add_argument("--list", action="store_true", help="list the recipes")
    known, rest = flags.parse_known_args(args)
    if known.list or known.recipe is None:
        print("\n".join(recipes.every()))
        if known.list:
            return
        raise BadUse("no recipe is named; give one of the above, such as gpt2.pretrain:nano")
    if rest and args[0] != known.recipe:
        raise BadUse("the recipe comes first: foretell train RECIPE[:SIZE] --field value ...")
    ranks = from_environment()
    try:
        cfg = configured(known.recipe, rest, vars(known))
        if ranks.world > 1 and (known.folds or known.restarts is not None):
            flag = "--folds trains many small runs" if known.folds else "--restarts watches one process"
            raise BadUse(f"{flag}; start it without torchrun, whose own --max-restarts begins again")
        if known.folds and known.restarts is not None:
            raise BadUse("--restarts watches one run and --folds makes several; run them again with the same command")
    except (BadUse, ValueError):
        if ranks.first:
            raise
        raise SystemExit(2) from None  # the first of the processes tells it
    if known.restarts is not None:
        from foretell.commands.train_restarts import supervised

        raise SystemExit(supervised(cfg, args, known.out, known.restarts, quiet=known.quiet))
    from foretell.api import default_folder, train
    from foretell.train.run import Stopped
    from foretell.train.together import first_does, together

    if known.select_by:
        if known.folds:
            raise BadUse("--folds trains reward models, --select-by chooses a checkpoint of another; leave one out")
        from foretell.align.reward import load_reward

        load_reward(known.select_by)  # what is wrong with it is told before hours of training
    try:
        if known.folds:
            from foretell.commands.train_folds import run_folds

            out = Path(known.out or f"{default_folder(cfg)}-folds")
            run_folds(cfg, out, known.folds, known.seeds, quiet=known.quiet, json=known.json)
            return
        with together(ranks):
            if known.prediction:
                cfg = first_does(lambda: foretold(cfg, Path(known.prediction), known.out, known.quiet))
            result = train(cfg, known.out, quiet=known.quiet)
    except Stopped as stopped:
        print(f"foretell: {stopped}", file=sys.stderr)
        raise SystemExit(130) from None
    if not ranks.first:
        return
    if known.select_by:
        print(selected(result.folder, known.select_by, known.quiet, known.json))
    elif known.json:
        print(json.dumps({"run": str(result.folder), **result.metrics}))
    else:
        measured = "  ".join(f"{name} {value:.4f}" for name, value in result.metrics.items())
        print(f"{result.folder}: {measured or 'done; nothing is held out to measure it on'}")


def selected(run: Path, reward: str, quiet: bool, as_json: bool) -> str:
    """What each checkpoint of a run scores by a reward model, and which one is its model now."""
    from dataclasses import asdict

    from foretell.align.selection import select

    found = select(run, reward, quiet=quiet)
    if as_json:
        return json.dumps({"run": str(run), **asdict(found)})
    lines = [
        f"step {one.step}: reward {one.value:.4f} [{one.low:.4f}, {one.high:.4f}] over {one.n} held-out prompts"
        for one in found.scores
    ]
    return "\n".join([*lines, f"{run}: the model is that of step {found.step}"])


def foretold(cfg: RunConfig, card: Path, out: str | None, quiet: bool) -> RunConfig:
    """The config with its data there, of a run that its card allows to begin; BadUse otherwise."""
    from foretell.api import default_folder
    from foretell.recipes.sources import resolve
    from foretell.scaling.cards import admit

    cfg = resolve(cfg, quiet=quiet)
    admit(card, cfg, Path(out) if out else default_folder(cfg))
    return cfg


COMMON = ("out", "seed", "steps", "device", "threads", "json", "quiet")


def configured(name: str, rest: list[str], given: dict[str, object]) -> RunConfig:
    """The config of a recipe or a config.json with the command line's edits."""
    if name.endswith(".json"):
        if not Path(name).exists():
            raise BadUse(f"{name} does not exist; give RUN/config.json or a recipe such as gpt2.pretrain:nano")
        cfg = load(RunConfig, read_text(Path(name)), name)
    else:
        cfg = recipes.recipe(name)
    edits = [part for flag, field in SHORT.items() if given.get(flag) is not None for part in (field, str(given[flag]))]
    if given.get("fields"):
        rest = [*rest, "--help"]
    cfg = override(cfg, [*edits, *rest], prog=f"foretell train {name}")
    if given.get("data"):
        cfg = replace(cfg, data=replace(cfg.data, folder=str(given["data"])))
    return with_labels(cfg, str(given["labels"])) if given.get("labels") else cfg


def with_labels(cfg: RunConfig, db: str) -> RunConfig:
    """The config that reads a store's labels, which are exported; BadUse if other data are given as well."""
    from foretell.corpus.config import EMBEDDED
    from foretell.recipes.label_files import exported
    from foretell.recipes.sources import CORPORA

    if cfg.data.folder != EMBEDDED:
        raise BadUse(f"--labels {db} and --data {cfg.data.folder} are both given; the run reads one of them")
    return replace(cfg, data=replace(cfg.data, folder=str(exported(db, cfg.data, CORPORA))))
