"""`foretell report DEMO_FOLDER [--out FILE] [--check]`: the page of figures and tables of a demo's runs."""

import json
from argparse import Namespace
from pathlib import Path

from foretell.commands.flags import parser
from foretell.errors import Failed

EXAMPLES = """  foretell report runs/demo                       writes runs/demo/report.html
  foretell report runs/mine --out page.html
  foretell report runs/demo --check               do the claims still hold that held in the reference run?"""


def run(args: list[str]) -> None:
    """Write the page of what the folder holds so far and print its path; or check its claims, or save them."""
    flags = parser("report", "Write the page of figures and tables of a demo's runs.", EXAMPLES, ("json",))
    flags.add_argument("folder", metavar="DEMO_FOLDER", help="what foretell demo wrote, such as runs/demo")
    flags.add_argument("--out", metavar="FILE", help="the page; report.html in the folder if not given")
    flags.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where a claim of the reference run is lost"
    )
    flags.add_argument("--reference", metavar="FILE", help="the claims to check against; this version's if not given")
    flags.add_argument("--save-claims", metavar="FILE", help="write nothing but the claims of a finished run there")
    given = flags.parse_args(args)
    if given.check:
        check(given)
    elif given.save_claims:
        save(given)
    else:
        write(given)


def write(given: Namespace) -> None:
    """Write the page."""
    from foretell.report.page import write_report

    out = Path(given.out) if given.out else Path(given.folder) / "report.html"
    write_report(Path(given.folder), out)
    print(json.dumps({"report": str(out)}) if given.json else f"the report is {out.resolve()}")


def check(given: Namespace) -> None:
    """Print every claim's verdict; Failed where one that held in the reference run does not."""
    from foretell.report.check import REFERENCE, failure, lost, read_reference, told
    from foretell.report.read import read_demo

    demo, reference = read_demo(Path(given.folder)), read_reference(Path(given.reference or REFERENCE))
    found = lost(demo, reference)
    if given.json:
        gone = [kept.number for kept, _ in found]
        print(json.dumps({"lost": gone, "claims": told(demo, reference), "reference": reference.command}))
    else:
        print("\n".join(told(demo, reference)))
    if found:
        raise Failed(f"{failure(found)}; the reference run was `{reference.command}` of version {reference.version}")


def save(given: Namespace) -> None:
    """Write the claims of a finished run."""
    from foretell.report.check import reference_of, text_of
    from foretell.report.read import read_demo
    from foretell.runs import write_whole

    write_whole(Path(given.save_claims), text_of(reference_of(read_demo(Path(given.folder)))))
    print(json.dumps({"claims": given.save_claims}) if given.json else f"the claims are in {given.save_claims}")
