"""`foretell demo [--text FOLDER] [--scale nano|mini]`: the whole lineage, then the report."""

import shlex
import sys
from pathlib import Path

from foretell.commands.flags import parser

EXAMPLES = """  foretell demo                                   on the documentation text of this machine, minutes
  foretell demo --text FOLDER --out runs/mine     on your own text
  foretell demo --scale mini                      larger models, hours"""


def run(args: list[str]) -> None:
    """Climb, or go on climbing; print the report's path."""
    flags = parser(
        "demo", "Climb the whole lineage on this machine, then write the report.", EXAMPLES, ("out", "quiet")
    )
    flags.add_argument(
        "--text", metavar="FOLDER", default="embedded", help="your own text instead of the documentation"
    )
    flags.add_argument("--scale", default="nano", help="nano (default), mini, or smoke (seconds; learns nothing)")
    given = flags.parse_args(args)
    from foretell.recipes.lineage import OUT, Climb, climb
    from foretell.recipes.lineage.aligned import of_size
    from foretell.recipes.lineage.plan import size
    from foretell.train.run import Stopped

    plan = Climb(out=Path(given.out or OUT), text=given.text, scale=given.scale, quiet=given.quiet)
    try:
        report = climb(plan)
    except Stopped as stopped:
        print(f"foretell: {stopped}", file=sys.stderr)
        raise SystemExit(130) from None
    print(f"the report is {report.resolve()}")
    model = shlex.quote((plan.out / of_size(plan, "ptx", size(plan))).as_posix())
    print(f"foretell chat {model} is a conversation with its last model; foretell serve {model} the same in a browser")
