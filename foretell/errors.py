"""The two errors that are the user's to read: one line with the value, the rule and the remedy.

The command line prints them without a traceback (`--debug` shows it) and ends with their exit code.
"""

from difflib import get_close_matches


class BadUse(Exception):
    """What was asked for cannot be: a wrong name, value or folder. Exit code 2."""

    exit_code = 2


class Failed(Exception):
    """What was asked for is right, but the work failed: a full disk, a broken file, a loss of nan. Exit code 1."""

    exit_code = 1


def nearest(name: str, known: list[str]) -> str:
    """`; did you mean 'gpt2'?` where one of the known names is near, else the list of them: the end of an error."""
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"


def first_line(error: BaseException) -> str:
    """The first line of what an exception says, or its kind where it says nothing: a reason within an error of ours."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
