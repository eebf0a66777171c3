"""`foretell predict ladder | fit | register | check | capability`."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from foretell.commands.flags import Parser, parser
from foretell.commands.tables import table
from foretell.errors import BadUse, nearest

EXAMPLES = """  foretell predict ladder --widths 24,28,32,40 --target 64 --out ladder     what the runs are and cost
  foretell predict ladder --widths 24,28,32,40 --target 64 --out ladder --train
  foretell predict fit ladder/runs/* --out fit.json
  foretell predict register fit.json ladder/target.json --out card.json
  foretell train ladder/target.json --prediction card.json --out runs/target
  foretell predict check card.json runs/target
  foretell predict capability passes.jsonl --flops 1e18 --buckets 3"""

WHAT = """Foretell the loss of a large run from small ones, and write that down before it begins.

  ladder      the runs of a ladder, and its target's config; --train trains them
  fit         a law of scale through finished runs
  register    a prediction card: what the fit says of a config, dated before its run begins
  check       what became of a card's prediction
  capability  the mean ln pass rate of a larger model"""


def run(args: list[str]) -> None:
    """Find the part that is asked for."""
    if not args or args[0] in ("-h", "--help"):
        parser("predict", WHAT, EXAMPLES).print_help()
        return
    if args[0] not in PARTS:
        raise BadUse(f"foretell predict has no part {args[0]!r}{nearest(args[0], list(PARTS))}")
    PARTS[args[0]](args[1:])


def part(name: str, what: str, common: Sequence[str]) -> Parser:
    """The parser of a part."""
    return parser(f"predict {name}", what, EXAMPLES, common)


def show(found: Any, lines: Sequence[str], as_json: bool) -> None:
    """Print JSON, or lines."""
    print(json.dumps(found) if as_json else "\n".join(lines))


def ladder(args: list[str]) -> None:
    """Print the ladder, write its target's config, and train it if asked."""
    from foretell.recipes.ladder import Ladder

    usual = Ladder()
    flags = part("ladder", "The runs of a ladder of sizes by one rule.", ("out", "device", "json", "quiet"))
    flags.add_argument("--widths", type=numbers, default=usual.widths, metavar="D,D,...", help="d_model of the rungs")
    flags.add_argument("--target", type=int, metavar="D", help="d_model of the target; writes OUT/target.json")
    flags.add_argument("--tokens-per-parameter", type=float, default=usual.tokens_per_parameter, metavar="R")
    flags.add_argument(
        "--seeds", type=numbers, default=usual.seeds, metavar="S,S,...", help="seeds of the smaller half of the widths"
    )
    flags.add_argument("--data", default=usual.folder, metavar="DIR", help="text or tokens; else this machine's own")
    flags.add_argument("--vocab", type=int, default=usual.n_vocab, metavar="N", help="token ids, where text is given")
    flags.add_argument("--train", action="store_true", help="train all rungs; a second time, those that are left")
    given = flags.parse_args(args)
    if given.device not in (None, "auto", "cpu", "cuda"):
        raise BadUse(f"--device {given.device} is none of auto, cpu, cuda")
    rule = Ladder(
        widths=given.widths,
        tokens_per_parameter=given.tokens_per_parameter,
        seeds=given.seeds,
        folder=given.data,
        n_vocab=given.vocab,
    )
    from foretell.commands import predict_ladder

    out = Path(given.out or "ladder")
    rows = predict_ladder.rows(rule, given.target)
    show(rows, predict_ladder.lines(rows), given.json)
    if given.train or given.target:
        rule = predict_ladder.with_data(rule, quiet=given.quiet)
    if given.target:
        predict_ladder.write_target(rule, given.target, out / "target.json", given.device)
    if given.train:
        predict_ladder.train_all(rule, out / "runs", given.device, quiet=given.quiet)


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between, as argparse wants them told."""
    import argparse

    try:
        return tuple(int(one) for one in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of whole numbers such as 24,32,40") from error


def fit(args: list[str]) -> None:
    """Fit the laws to finished runs, print them and write the fit."""
    flags = part("fit", "A law of scale through finished runs.", ("out", "json"))
    flags.add_argument("runs", metavar="RUN", nargs="+", type=Path)
    flags.add_argument("--measure", default="val_bits_per_byte", help="the held-out measure (default: %(default)s)")
    given = flags.parse_args(args)
    from foretell.scaling.fits import fit_runs, write_fit

    found = fit_runs(given.runs, given.measure)
    if given.out:
        found = write_fit(Path(given.out), found)
    show(found, fit_lines(found), given.json)


def fit_lines(found: dict[str, Any]) -> list[str]:
    """The points and the laws, the one that foretold the largest rungs best first."""
    points = [
        (p["name"], f"{p['parameters']:,.0f}", f"{p['tokens']:,.0f}", f"{p['flops']:.3g}", f"{p['loss']:.4f}")
        for p in found["points"]
    ]
    laws = [
        (
            law["law"],
            "  ".join(f"{name} {value:.4g}" for name, value in law["parameters"].items()),
            f"{law['left_out_error']:.2%}",
            f"{law['in_sample_error']:.2%}",
            str(law["points"]),
        )
        for law in found["laws"]
    ]
    dropped = [p["name"] for p in found["dropped"]]
    said = [f"left out, for the loss falls faster above them: {', '.join(dropped)}", ""] if dropped else []
    head = ["run", "parameters", "tokens", "FLOPs", found["measure"].removeprefix("val_").replace("_", " ")]
    return [
        *table(head, points),
        "",
        *said,
        *table(["law", "parameters", "missed left-out rungs by", "in sample", "points"], laws),
    ]


def register(args: list[str]) -> None:
    """Write a prediction card."""
    flags = part("register", "A prediction card, before the target begins.", ("out", "json", "quiet"))
    flags.add_argument("fit", metavar="FIT", type=Path)
    flags.add_argument("target", metavar="TARGET_CONFIG", help="a config.json, or a recipe with --field value ...")
    flags.add_argument(
        "--run", type=Path, metavar="DIR", help="where the target will be trained: it must not have begun"
    )
    given, rest = flags.parse_known_args(args)
    from foretell.api import default_folder
    from foretell.commands.train_command import configured
    from foretell.recipes.sources import resolve
    from foretell.scaling.cards import register as registered

    cfg = resolve(configured(given.target, rest, {}), quiet=given.quiet)
    beside = Path(given.target).parent if Path(given.target).name == "config.json" else default_folder(cfg)
    card = registered(given.fit, cfg, Path(given.out or "card.json"), given.run or beside)
    foretold = card["predicted"]
    show(card, [f"{given.out or 'card.json'}: {foretold_words(card['measure'], foretold)}"], given.json)


def foretold_words(measure: str, foretold: dict[str, Any]) -> str:
    """A forecast in words."""
    interval = f"{foretold['value']:.4f} [{foretold['low']:.4f}, {foretold['high']:.4f}]"
    how = f"{foretold['extrapolation']:.3g} times the largest rung's compute, {foretold['n']} runs"
    return f"{measure} {interval} by the {foretold['law']} law, {how}"


def check(args: list[str]) -> None:
    """Score a card."""
    flags = part("check", "What became of a card's prediction.", ("json",))
    flags.add_argument("card", metavar="CARD", type=Path)
    flags.add_argument("run", metavar="RUN", type=Path)
    given = flags.parse_args(args)
    from foretell.scaling.cards import score

    found = score(given.card, given.run)
    inside = "inside" if found["inside"] else "OUTSIDE"
    held = "the run kept the card" if found["held_by_the_run"] else "the run kept no card: only the clocks say so"
    lines = [
        f"{found['measure']}",
        f"predicted       {found['predicted']:.4f}  95 % [{found['low']:.4f}, {found['high']:.4f}]  n={found['n']}",
        f"final           {found['final']:.4f}  {inside} the interval",
        f"relative error  {found['relative_error']:+.2%}  z {found['z']:+.2f}",
        f"extrapolation   {found['extrapolation']:.3g} times the compute of the largest rung",
        f"registered      {found['registered']}, the run began {found['begun']} ({held})",
    ]
    show(found, lines, given.json)


def capability(args: list[str]) -> None:
    """Foretell pass rates."""
    flags = part("capability", "The mean ln pass rate of a larger model.", ("json",))
    flags.add_argument("passes", metavar="PASSES.jsonl", type=Path, help="lines of flops, problem, passes, tries")
    flags.add_argument("--flops", type=float, required=True, help="the compute of the model that is foretold")
    flags.add_argument("--buckets", type=int, default=1, help="groups of problems by difficulty, the hardest first")
    given = flags.parse_args(args)
    from foretell.scaling.capability import foretell_passes, read_passes

    if not given.flops > 0:
        raise BadUse(f"--flops {given.flops:g} is not positive; give the larger model's compute")
    passes = read_passes(given.passes)
    found = foretell_passes(passes, given.flops, given.buckets)
    rows = [
        (str(i), f"{one['value']:.3f}", f"[{one['low']:.3f}, {one['high']:.3f}]", f"{one['rate']:.1%}", str(one["n"]))
        for i, one in enumerate(found, 1)
    ]
    head = ["bucket", "mean ln pass rate", "95 %", "geometric mean rate", "problems"]
    said = f"{passes.dropped} problems left out: some model never solved them"
    show({"dropped": passes.dropped, "buckets": found}, [*table(head, rows), said], given.json)


PARTS: dict[str, Callable[[list[str]], None]] = {
    "ladder": ladder,
    "fit": fit,
    "register": register,
    "check": check,
    "capability": capability,
}
