"""`foretell corpus SOURCE... --recipe webtext|gpt3|plain --out DIR`, `foretell corpus inspect`, `import`, `verify`."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from foretell.commands.flags import count, parser
from foretell.errors import BadUse, nearest

if TYPE_CHECKING:
    from foretell.corpus.corpus_config import CorpusConfig, SourceConfig

EXAMPLES = """  foretell corpus notes/ --recipe plain --out corpora/notes
  foretell corpus RS_2016-01.zst pages.warc.gz --recipe webtext --out corpora/webtext
  foretell corpus crawl=crawl.warc.gz --curated books=novels.parquet --recipe gpt3 --out corpora/mine
  foretell corpus crawl.jsonl --curated wiki/ --evaluation exam.jsonl --recipe gpt3 --weight wiki=0.2 --out mix
  foretell corpus inspect corpora/mine            the funnel, what each step dropped, lengths, languages
  foretell corpus import theirs.bin --tokenizer models/gpt2 --out corpora/theirs      tokens of another tool
  foretell corpus verify corpora/mine             every file against the hashes in card.json
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
    if args[:1] == ["verify"]:
        from foretell.commands import corpus_verify

        corpus_verify.run(args[1:])
        return
    flags = parser("corpus", "Raw text to a corpus and its tokens.", EXAMPLES, ("out", "seed", "json", "quiet"))
    given, rest = add_flags(flags).parse_known_args(args)
    check_order(args, given.sources, rest)
    from foretell.recipes.corpora import corpus_recipe, printed_table

    cfg = corpus_recipe(given.recipe)
    cfg = configured(cfg, given, rest)
    from foretell.corpus.engine import EngineConfig
    from foretell.corpus.pipeline import Making, make_corpus, tokens_of

    engine = EngineConfig(runner=given.runner, workers=given.threads, address=given.address)
    making = Making(out=Path(given.out), engine=engine, quiet=given.quiet)
    tell_links(cfg)
    card = make_corpus(cfg, making)
    try:
        tokens = tokens_of(cfg, making) if cfg.tokens.n_vocab else {}
    except BadUse as error:
        remedy = "--tokens.n-vocab 0 writes no tokens"
        said = str(error).replace("--model.n-vocab", "--tokens.n-vocab")
        raise BadUse(f"{making.out} is made, its tokens are not: {said}; {remedy}") from error
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
    seed = [] if given.seed is None else ["--seed", str(given.seed)]
    cfg = override(cfg, [*seed, *rest], prog=prog)
    sources = named_sources(given.sources, "raw")
    for role in ROLES:
        sources += named_sources(getattr(given, role), role)
    if not sources:
        raise BadUse("no source is named; give a folder, a file or hf:DATASET (foretell corpus --help)")
    if not all(given.evaluation):
        raise BadUse("--evaluation is given an empty path; give a file or a folder of a set")
    if not given.out:
        raise BadUse("no folder is named to write to; add --out corpora/NAME")
    sources = mixed(sources, given.weight, "weight")
    sources = mixed(sources, given.epochs, "epochs")
    return replace(cfg, sources=tuple(sources), evaluation=(*cfg.evaluation, *given.evaluation))


def check_order(args: list[str], sources: list[str], rest: list[str]) -> None:
    """BadUse where sources stand apart, or after a field: a field's value would then be taken for one."""
    remedy = "all sources come first: foretell corpus SOURCE... --recipe NAME --field value"
    before = args[args.index(sources[0]) - 1] if sources and args[0] != sources[0] else ""
    if before in rest and before.startswith("--"):
        raise BadUse(f"{sources[0]} may be a source or the value of {before}; {remedy}")
    if rest and not rest[0].startswith("-"):
        raise BadUse(f"{rest[0]} stands apart from the other sources; {remedy}")


def named_sources(words: list[str], role: str) -> "list[SourceConfig]":
    """Sources as they are named on the command line, in order. Words with one name are one source.

    Unnamed files of one folder are one source with the folder's name; a path alone gives its own, which BadUse refuses
    where another path's is the same.
    """
    from foretell.corpus.corpus_config import SourceConfig

    named = [split_name(word) for word in words]
    roles = ["links" if role == "raw" and holds_posts(path) else role for _, path in named]
    found: dict[tuple[str, str], list[str]] = {}
    for said, own, (_, path) in zip(names_of(named, roles), roles, named, strict=True):
        found.setdefault((said, own), []).append(path)
    return [SourceConfig(name=name, paths=tuple(paths), role=own) for (name, own), paths in found.items()]  # type: ignore[arg-type]


def tell_links(cfg: "CorpusConfig") -> None:
    """Say in one line on the error stream which links to folders are not followed."""
    from foretell.corpus.reading import linked_folders

    found = [link for source in cfg.sources for path in source.paths for link in linked_folders(path)]
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        print(f"foretell: {found[0]}{more}: a link to a folder is not followed; name it as a source", file=sys.stderr)


def names_of(named: list[tuple[str, str]], roles: list[str]) -> list[str]:
    """The name of each word's source, given or of its path: as short as tells it from the others."""
    alone = [
        not name and own != "links" and Path(path).is_file() for (name, path), own in zip(named, roles, strict=True)
    ]
    folders = [Path(path).parent for (_, path), one in zip(named, alone, strict=True) if one]
    origins, short, long = [], [], []
    for (name, path), one in zip(named, alone, strict=True):
        many = one and folders.count(Path(path).parent) > 1
        folder = Path(path).resolve().parent
        origins.append(name or str(folder if many else Path(path).resolve()))
        short.append(name or (folder.name if many else short_name(path)))
        long.append(short[-1] if name or many or ":" in path else Path(path).resolve().name)
    names = [long[i] if _shared(one, short, origins) else one for i, one in enumerate(short)]
    for said, (_, path) in zip(names, named, strict=True):
        if _shared(said, names, origins):
            other = next(word for one, (_, word) in zip(names, named, strict=True) if one == said and word != path)
            raise BadUse(f"{path} and {other} would both be the source {said}; name them, as in {said}2={other}")
    return names


def _shared(name: str, names: list[str], origins: list[str]) -> bool:
    """Whether paths that do not belong together have a name."""
    return len({origin for one, origin in zip(names, origins, strict=True) if one == name}) > 1


def holds_posts(path: str) -> bool:
    """Whether a path is a file of Reddit posts, or a folder of such files alone."""
    from foretell.corpus.reading import kind_of, parts

    return all("\0" not in part and kind_of(part) == "reddit" for part in parts(path))


def split_name(word: str) -> tuple[str, str]:
    """NAME=PATH in its two parts; a path that exists, or has no name, gives an empty name."""
    name, equals, path = word.partition("=")
    if not equals or Path(word).exists() or not name.replace("-", "").replace("_", "").isalnum():
        return "", word
    return name, path


def short_name(path: str) -> str:
    """What a path is called where the user gives no name: its last part up to the first point, or the data set's."""
    if path.startswith("hf:"):
        return path.removeprefix("hf:").partition(":")[0].rpartition("/")[2]
    if ":" in path and not Path(path).exists():
        return path.rpartition(":")[2]
    return Path(path).resolve().name.partition(".")[0] or path


def mixed(sources: "list[SourceConfig]", words: list[str], field: str) -> "list[SourceConfig]":
    """The sources with a field set by words such as wiki=0.2; BadUse for another name or no number."""
    from foretell.commands.corpus_import import numbers

    values = numbers(field, words)
    names = [source.name for source in sources if source.role in ("raw", "curated")]
    for name, value in values.items():
        if name not in names:
            raise BadUse(f"--{field} {name}={value:g}: no source of text is called {name!r}{nearest(name, names)}")
        if not 0 < value < float("inf"):
            raise BadUse(f"--{field} {name}={value:g} is not above 0; give NAME=0.2, or leave the source out")
    return [replace(s, **{field: values[s.name]}) if s.name in values else s for s in sources]  # type: ignore[arg-type]


def inspect(args: list[str]) -> None:
    """Print what a corpus is made of and what each step dropped."""
    flags = parser("corpus inspect", "What a corpus holds, and what each step dropped and why.", INSPECT, ("json",))
    flags.add_argument("folder", metavar="DIR", help="a corpus that foretell corpus wrote")
    flags.add_argument("--limit", type=count, default=2, metavar="N", help="examples of each reason (default 2)")
    flags.add_argument("--step", default="", help="only the examples of one step")
    given = flags.parse_args(args)
    from foretell.corpus.inspection import inspected, lines

    found = inspected(Path(given.folder), given.limit, given.step)
    print(json.dumps(found) if given.json else "\n".join(lines(found)))
