"""`foretell corpus SOURCE... --recipe webtext|gpt3|plain --out DIR`, `foretell corpus inspect`, `... import`."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from foretell.commands.flags import parser
from foretell.errors import BadUse, nearest

if TYPE_CHECKING:
    from foretell.corpus.corpus_config import CorpusConfig, SourceConfig

EXAMPLES = """  foretell corpus notes/ --recipe plain --out corpora/notes
  foretell corpus RS_2016-01.zst pages.warc.gz --recipe webtext --out corpora/webtext
  foretell corpus crawl=crawl.warc.gz --curated books=novels.parquet --recipe gpt3 --out corpora/mine
  foretell corpus crawl.jsonl.zst --curated wiki/ --evaluation exam.jsonl --recipe gpt3 --weight wiki=0.2
  foretell corpus inspect corpora/mine            the funnel, what each step dropped, lengths, languages
  foretell corpus import theirs.bin --tokenizer models/gpt2 --out corpora/theirs      tokens of another tool
  foretell corpus --recipe gpt3 --fields          every field that can be given

A SOURCE is a folder of text, Markdown or HTML; a file of JSON lines (.jsonl, .gz, .zst, .xz), Parquet, WARC or WET;
Reddit submissions (RS_*, links with enough karma); or hf:DATASET. NAME=SOURCE names it. Unnamed files of one folder
are one source. A run that was stopped continues."""
INSPECT = """  foretell corpus inspect corpora/mine
  foretell corpus inspect corpora/mine --step quality --limit 10
  foretell corpus inspect corpora/mine --json"""
ROLES = {
    "curated": "text that is known to be good: no gate, no rules",
    "positive": "good examples for the classifier alone; else the curated sources are",
    "negative": "examples of unfiltered text for the classifier alone; else the raw sources are",
}


def run(args: list[str]) -> None:
    """Make a corpus, go on making it, or find it made; print its funnel and its mixture."""
    if args[:1] == ["inspect"]:
        inspect(args[1:])
        return
    if args[:1] == ["import"]:
        from foretell.commands import corpus_import

        corpus_import.run(args[1:])
        return
    flags = parser("corpus", "Raw text to a corpus and its tokens.", EXAMPLES, ("out", "seed", "json", "quiet"))
    given, rest = add_flags(flags).parse_known_args(args)
    from foretell.recipes.corpora import corpus_recipe, printed_table

    cfg = corpus_recipe(given.recipe)
    cfg = configured(cfg, given, rest)
    from foretell.corpus.engine import EngineConfig
    from foretell.corpus.pipeline import Making, make_corpus, tokens_of

    engine = EngineConfig(runner=given.runner, workers=given.threads, address=given.address)
    making = Making(out=Path(given.out), engine=engine, quiet=given.quiet)
    card = make_corpus(cfg, making)
    tokens = tokens_of(cfg, making) if cfg.tokens.n_vocab else {}
    if given.json:
        print(json.dumps({**card, "tokens": tokens}))
        return
    from foretell.corpus.card import told

    print("\n".join(told(card, tokens)))
    if cfg.recipe == "gpt3":
        print(
            "\n".join(
                ["", "GPT-3's own sets over 300 billion tokens (Brown et al. 2020, table 2.2):", *printed_table()]
            )
        )
    print(f"\nthe corpus is {making.out.resolve()}")
    if tokens:
        print(f"its tokens are {making.out.resolve().with_name(tokens['folder'])}")


def add_flags(flags: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser with the flags of this command."""
    flags.add_argument("sources", metavar="SOURCE", nargs="*", help="[NAME=]PATH: text that is filtered, or links")
    for role, words in ROLES.items():
        flags.add_argument(f"--{role}", metavar="[NAME=]PATH", action="append", default=[], help=words)
    flags.add_argument(
        "--evaluation", metavar="PATH", action="append", default=[], help="a set to keep out of the text"
    )
    flags.add_argument("--weight", metavar="NAME=W", action="append", default=[], help="a source's share of the mix")
    flags.add_argument("--epochs", metavar="NAME=E", action="append", default=[], help="how often a source is read")
    flags.add_argument("--recipe", default="plain", help="webtext, gpt3 or plain (default)")
    flags.add_argument("--runner", default="native", choices=("native", "ray"), help="this process, or a Ray cluster")
    flags.add_argument("--address", default="", help="the address of a running Ray cluster; none starts one here")
    flags.add_argument("--threads", type=int, default=0, help="processor threads; 0 takes all")
    flags.add_argument("--fields", action="store_true", help="show every field of the recipe and its value")
    return flags


def configured(cfg: "CorpusConfig", given: argparse.Namespace, rest: list[str]) -> "CorpusConfig":
    """The recipe with the sources and the edits of the command line; BadUse where something is missing."""
    from foretell.config import override

    prog = f"foretell corpus --recipe {given.recipe}"
    if given.fields:
        override(cfg, ["--help"], prog=prog)
    wrong = [word for word in given.sources if word.startswith("-")]
    if wrong:
        raise BadUse(f"no flag is called {wrong[0]}; foretell corpus --help tells more")
    seed = [] if given.seed is None else ["--seed", str(given.seed)]
    cfg = override(cfg, [*seed, *rest], prog=prog)
    sources = named_sources(given.sources, "raw")
    for role in ROLES:
        sources += named_sources(getattr(given, role), role)
    if not sources:
        raise BadUse("no source is named; give a folder, a file or hf:DATASET (foretell corpus --help)")
    if not given.out:
        raise BadUse("no folder is named to write to; add --out corpora/NAME")
    sources = mixed(sources, given.weight, "weight")
    sources = mixed(sources, given.epochs, "epochs")
    return replace(cfg, sources=tuple(sources), evaluation=(*cfg.evaluation, *given.evaluation))


def named_sources(words: list[str], role: str) -> "list[SourceConfig]":
    """Sources as they are named on the command line, in order. Words with one name are one source.

    Unnamed files of one folder are one source with the folder's name; a path alone gives its own.
    """
    from foretell.corpus.corpus_config import SourceConfig
    from foretell.corpus.reading import kind_of

    named = [split_name(word) for word in words]
    beside = [Path(path).parent for name, path in named if not name and not Path(path).is_dir() and ":" not in path]
    found: dict[tuple[str, str], list[str]] = {}
    for name, path in named:
        own = "links" if role == "raw" and kind_of(path) == "reddit" else role
        where = Path(path)
        many = not name and own != "links" and beside.count(where.parent) > 1 and not where.is_dir()
        said = name or (where.parent.resolve().name if many else short_name(path))
        found.setdefault((said, own), []).append(path)
    return [SourceConfig(name=name, paths=tuple(paths), role=own) for (name, own), paths in found.items()]  # type: ignore[arg-type]


def split_name(word: str) -> tuple[str, str]:
    """NAME=PATH in its two parts; a path that exists, or has no name, gives an empty name."""
    name, equals, path = word.partition("=")
    if not equals or Path(word).exists() or not name.replace("-", "").replace("_", "").isalnum():
        return "", word
    return name, path


def short_name(path: str) -> str:
    """What a path is called where the user gives no name: its last part up to the first point."""
    return Path(path.rpartition(":")[2]).resolve().name.partition(".")[0] or path


def mixed(sources: "list[SourceConfig]", words: list[str], field: str) -> "list[SourceConfig]":
    """The sources with a field set by words such as wiki=0.2; BadUse for another name or no number."""
    from foretell.commands.corpus_import import numbers

    values, names = numbers(field, words), [source.name for source in sources]
    for name in values:
        if name not in names:
            raise BadUse(f"--{field} {name}: no source is called {name!r}{nearest(name, names)}")
    return [replace(s, **{field: values[s.name]}) if s.name in values else s for s in sources]  # type: ignore[arg-type]


def inspect(args: list[str]) -> None:
    """Print what a corpus is made of and what each step dropped."""
    flags = parser("corpus inspect", "What a corpus holds, and what each step dropped and why.", INSPECT, ("json",))
    flags.add_argument("folder", metavar="DIR", help="a corpus that foretell corpus wrote")
    flags.add_argument("--limit", type=int, default=2, metavar="N", help="examples of each reason (default 2)")
    flags.add_argument("--step", default="", help="only the examples of one step")
    given = flags.parse_args(args)
    from foretell.corpus.inspection import inspected, lines

    found = inspected(Path(given.folder), given.limit, given.step)
    print(json.dumps(found) if given.json else "\n".join(lines(found)))
