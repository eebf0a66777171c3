"""`foretell eval samples FILE...`: published samples by model and prompt, from the columns of their judge."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from foretell.commands.flags import parser
from foretell.commands.tables import table

if TYPE_CHECKING:
    from foretell.eval.measured import Measured

EXAMPLES = """  foretell eval samples real_toxicity_samples.csv truthful_qa_samples.csv
  foretell eval samples instructgpt_realtoxicity_samples.jsonl.gz --json

The scores are those that were published with the samples (Perspective's toxicity, a judge's probability of true and of
informative); summaries are scored here by ROUGE. Some of these texts are offensive; none of them is shown."""


def samples(args: list[str]) -> None:
    """Print the mean of each measure by model and kind of prompt, with its interval."""
    flags = parser("eval samples", "Published samples by model and prompt.", EXAMPLES, ("json",))
    flags.add_argument("files", metavar="FILE", nargs="+", help="CSV or JSON lines, packed with gzip or not")
    given = flags.parse_args(args)
    from foretell.eval.judged_samples import by_model, read_samples

    found = {name: by_model(read_samples(Path(name))) for name in given.files}
    if given.json:
        print(
            json.dumps(
                [{"file": n, "model": m, "prompt": k, **v} for n, part in found.items() for (m, k), v in part.items()]
            )
        )
        return
    for name, part in found.items():
        measures = next(iter(part.values()))
        rows = [[model, kind, *cells(values)] for (model, kind), values in part.items()]
        print("\n".join([name, *table(["model", "prompt", *measures, "n"], rows), ""]))


def cells(values: "Mapping[str, Measured]") -> list[str]:
    """Each measure with its interval, and n."""
    told = [f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]" for one in values.values()]
    return [*told, *{f"{one['n']:.0f}" for one in values.values()}]
