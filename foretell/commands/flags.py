"""The flags that mean the same in every command, and a parser whose errors are one line."""

import argparse
from collections.abc import Callable, Sequence
from typing import NoReturn

from foretell.errors import BadUse


def count(text: str) -> int:
    """A whole number of at least 0, as argparse wants it told."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 0")
    return int(text)


class Parser(argparse.ArgumentParser):
    """argparse that raises BadUse instead of printing its usage and leaving."""

    def error(self, message: str) -> NoReturn:
        """One line, exit code 2."""
        raise BadUse(f"{message}; {self.prog} --help tells more")


def parser(command: str, what: str, examples: str, flags: Sequence[str] = ()) -> Parser:
    """A parser for `foretell COMMAND` with the common flags that it understands."""
    made = Parser(
        prog=f"foretell {command}",
        description=what,
        epilog=f"examples:\n{examples}\n\n--debug shows the traceback of an error.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    kinds: dict[str, tuple[Callable[[str], object] | None, str]] = {
        "out": (str, "folder that is written"),
        "seed": (int, "seed of all that is random"),
        "steps": (int, "optimizer steps"),
        "device": (str, "cpu or cuda"),
        "threads": (count, "processor threads; 0 measures"),
        "json": (None, "print JSON for machines"),
        "quiet": (None, "no progress"),
        "yes": (None, "do not ask"),
    }
    for flag in flags:
        kind, words = kinds[flag]
        if kind is None:
            made.add_argument(f"--{flag}", action="store_true", help=words)
        else:
            made.add_argument(f"--{flag}", type=kind, metavar=flag.upper(), help=words)
    return made
