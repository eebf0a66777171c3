"""`foretell corpus import [NAME=]FILE... --tokenizer DIR --out DIR`: tokens that another tool wrote, as ours."""

import json
from pathlib import Path

from foretell.commands.flags import parser
from foretell.errors import BadUse

LAYOUTS = ("nanogpt", "megatron", "datatrove", "dolma")
EXAMPLES = """  foretell corpus import train.bin --val val.bin --tokenizer models/gpt2 --out corpora/theirs
  foretell corpus import web=web_text.idx books=books_text.idx --weight web=0.6 --tokenizer t/ --out corpora/mix
  foretell corpus import shard-0.ds shard-1.ds --tokenizer tokenizer.json --out corpora/theirs

A FILE is a .bin of nanoGPT or llm.c, a .bin or .idx of Megatron, a .ds of datatrove, or a .npy of dolma with its
.csv.gz; NAME=FILE puts it into a source of that name."""


def run(args: list[str]) -> None:
    """Import token files as a folder that training reads."""
    flags = parser(
        "corpus import", "Token files of other tools to a folder of tokens.", EXAMPLES, ("out", "json", "quiet")
    )
    flags.add_argument("files", metavar="[NAME=]FILE", nargs="+", help="token files, in order")
    flags.add_argument("--val", metavar="[NAME=]FILE", action="append", default=[], help="held-out files; else 5 %% is")
    flags.add_argument("--tokenizer", metavar="PATH", required=True, help="tokenizer.json, or a folder that holds it")
    flags.add_argument("--layout", choices=LAYOUTS, help="the files' layout, where their names do not tell it")
    flags.add_argument("--weight", metavar="NAME=W", action="append", default=[], help="a source's share of the mix")
    flags.add_argument("--epochs", metavar="NAME=E", action="append", default=[], help="how often a source is read")
    flags.add_argument("--budget", type=float, default=0, help="training tokens over which epochs are counted")
    given = flags.parse_args(args)
    if not given.out:
        raise BadUse("no folder is named to write to; add --out corpora/NAME")
    if Path(given.out).exists():
        raise BadUse(f"{given.out} is there already; give another --out, or remove it")
    from foretell.corpus.card import mixture_lines
    from foretell.corpus.importers import import_tokens
    from foretell.text.tokenizer import Tokenizer

    path = Path(given.tokenizer)
    card = import_tokens(
        by_source(given.files),
        Path(given.out),
        Tokenizer.load(path.parent if path.is_file() else path),
        val=by_source(given.val) or None,
        layout=given.layout,
        weights=numbers("weight", given.weight),
        epochs=numbers("epochs", given.epochs),
        budget=given.budget,
        quiet=given.quiet,
    )
    if given.json:
        print(json.dumps(card))
        return
    print("\n".join(mixture_lines(card)).lstrip("\n"))
    print(f"\nthe tokens are {Path(given.out).resolve()}")


def by_source(words: list[str]) -> dict[str, list[Path]]:
    """Files by the source that their words name; those without a name are one source."""
    from foretell.commands.corpus_command import split_name

    found: dict[str, list[Path]] = {}
    for word in words:
        name, path = split_name(word)
        found.setdefault(name or "tokens", []).append(Path(path))
    return found


def numbers(field: str, words: list[str]) -> dict[str, float]:
    """Numbers by name from words such as web=0.6; BadUse where one is no number."""
    found = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            found[name] = float(value)
        except ValueError as error:
            raise BadUse(f"--{field} {word}: {value!r} is no number; give NAME=0.2") from error
    return found
