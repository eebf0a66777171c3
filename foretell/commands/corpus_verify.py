"""`foretell corpus verify DIR`: whether every file of a corpus or a folder of tokens is as it was written."""

import json
from pathlib import Path

from foretell.commands.flags import parser
from foretell.errors import Failed

EXAMPLES = """  foretell corpus verify corpora/mine
  foretell corpus verify corpora/mine-bpe-50257 --json"""


def run(args: list[str]) -> None:
    """Compare the files with the card's hashes; Failed after a line on each that differs."""
    flags = parser("corpus verify", "Every file against the SHA-256 in card.json.", EXAMPLES, ("json", "quiet"))
    flags.add_argument("folder", metavar="DIR", help="a corpus, or a folder of tokens")
    given = flags.parse_args(args)
    from foretell.corpus.verifying import verified

    found = verified(Path(given.folder), quiet=given.quiet or given.json)
    said = f"{found.n_files:,} {'file' if found.n_files == 1 else 'files'}, {found.n_bytes:,} bytes, as written"
    if given.json:
        print(json.dumps({"files": found.n_files, "bytes": found.n_bytes, "problems": found.problems}))
    else:
        print("\n".join([*found.problems, said]))
    if n := len(found.problems):
        raise Failed(f"{given.folder} has {n} {'problem' if n == 1 else 'problems'}; copy it anew, or make it again")
