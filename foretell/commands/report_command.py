"""`foretell report DEMO_FOLDER [--out FILE]`: the page of figures and tables of a demo's runs."""

import json
from pathlib import Path

from foretell.commands.flags import parser

EXAMPLES = """  foretell report runs/demo                       writes runs/demo/report.html
  foretell report runs/mine --out page.html"""


def run(args: list[str]) -> None:
    """Write the page of what the folder holds so far; print its path."""
    flags = parser("report", "Write the page of figures and tables of a demo's runs.", EXAMPLES, ("json",))
    flags.add_argument("folder", metavar="DEMO_FOLDER", help="what foretell demo wrote, such as runs/demo")
    flags.add_argument("--out", metavar="FILE", help="the page; report.html in the folder if not given")
    given = flags.parse_args(args)
    from foretell.report.page import write_report

    out = Path(given.out) if given.out else Path(given.folder) / "report.html"
    write_report(Path(given.folder), out)
    print(json.dumps({"report": str(out)}) if given.json else f"the report is {out.resolve()}")
