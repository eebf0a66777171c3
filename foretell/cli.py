"""The command line: finds the command's module, prints errors as one line, sets the exit code.

0 done, 1 the work failed, 2 it was asked for wrongly, 130 stopped by Ctrl-C (the same command continues).
"""

import importlib
import sys
import traceback

from foretell.errors import BadUse, Failed, nearest
from foretell.version import VERSION

COMMANDS = {
    "demo": "climb the whole lineage on this machine, then write the report",
    "corpus": "raw text or web pages to a corpus: filter, de-duplicate, mix, encode",
    "train": "train any stage of any rung",
    "show": "the resolved config of a recipe, its parameters, FLOPs and memory",
    "label": "prompts to be labelled, and what labellers gave: a store, import, export",
    "safety": "what a model may not say: policies, attacks, rubrics, system messages",
    "audit": "what a model says of people, how sure it is, which words matter, what it memorised",
    "eval": "ask a model the questions of a suite, and score its answers",
    "predict": "foretell a large run's loss from small ones, register it, check it",
    "serve": "models behind an API that OpenAI's clients can ask",
    "generate": "continue a prompt with a model",
    "chat": "talk with a model",
    "import": "bring in a Hugging Face folder or hf:NAME as a model folder",
    "export": "write a run's model for another tool",
    "report": "write the page of figures and tables of a demo's runs",
    "doctor": "what this machine has, what is missing, what would be slow",
}

USAGE = """usage: foretell COMMAND ...       (foretell COMMAND --help tells more)

From raw text to an aligned chat model, rung by rung as the papers climbed.

{commands}

examples:
  foretell demo
  foretell train gpt2.pretrain:nano --optim.lr 1e-3
  foretell generate runs/gpt2.pretrain-nano "Return the" --temperature 0.8
"""


def main(argv: list[str] | None = None) -> int:
    """The exit code of a command line."""
    args = sys.argv[1:] if argv is None else argv
    debug = "--debug" in args
    args = [arg for arg in args if arg != "--debug"]
    try:
        return dispatch(args)
    except (BadUse, Failed) as error:
        return _say(error, error.exit_code, debug)
    except ValueError as error:
        return _say(error, 2, debug)
    except KeyboardInterrupt:
        return _say(KeyboardInterrupt("stopped; the same command continues"), 130, debug)
    except BrokenPipeError:
        return 1
    except Exception as error:
        unexpected = Failed(f"{type(error).__name__}: {' '.join(str(error).split())}; --debug shows where")
        return _say(unexpected if not debug else error, 1, debug)


def dispatch(args: list[str]) -> int:
    """Run the command that the first word names."""
    if not args or args[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if args[0] in ("--version", "version"):
        print(f"foretell {VERSION}")
        return 0
    if args[0] not in COMMANDS:
        raise BadUse(f"no command is called {args[0]!r}{nearest(args[0], list(COMMANDS))}")
    module = importlib.import_module(f"foretell.commands.{args[0]}_command")
    module.run(args[1:])
    return 0


def usage() -> str:
    """The page that `foretell --help` prints."""
    return USAGE.format(commands="\n".join(f"  {name:10} {what}" for name, what in COMMANDS.items()))


def _say(error: BaseException, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    print(f"foretell: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
