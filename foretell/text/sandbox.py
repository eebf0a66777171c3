"""Chat templates of other people's models: programs in Jinja that somebody else wrote, so they are run as such.

    render_chat()  --JSON-->  another process: Jinja's immutable sandbox, 1 GiB, 2 s of processor time  --JSON-->  text

The sandbox keeps a template from Python's objects; that it can neither hang nor fill the memory is the other process'
task, because the sandbox allows `{{ 'a' * 10**9 }}` and loops in loops. This is the only place that runs a template.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from foretell.errors import BadUse

if TYPE_CHECKING:  # the other process needs no tokenizer
    from foretell.text.chat import Turn

MAX_TEMPLATE = 64 * 1024  # bytes
MAX_ADDED = 64 * 1024  # characters that a template may add to twice the text of the conversation
MAX_MEMORY = 1 << 30  # bytes
MAX_SECONDS = 2


def render_chat(template: str, turns: "Sequence[Turn]", *, answer: bool, names: Mapping[str, str]) -> str:
    """The conversation as the template writes it; `names` are its bos_token and eos_token. BadUse if it misbehaves.

    The result is a string in which a text may pose as a special token: encode() it only where that does not matter.
    """
    size = len(template.encode(errors="replace"))
    if size > MAX_TEMPLATE:
        raise BadUse(
            f"the chat template has {size} bytes; at most {MAX_TEMPLATE} are read, use the model's own template"
        )
    request = {
        "template": template,
        "variables": {
            **names,
            "messages": [{"role": turn.role, "content": turn.text} for turn in turns],
            "add_generation_prompt": answer,
        },
        "max_output": 2 * sum(len(turn.text) for turn in turns) + MAX_ADDED,
    }
    reply = _in_another_process(request)
    if "text" not in reply:
        raise BadUse(f"the chat template was refused: {reply['error']}; use another template for this model")
    return reply["text"]


def _in_another_process(request: dict[str, Any]) -> dict[str, str]:
    command = [sys.executable, "-P", "-m", __name__]  # -P: never import from the working folder
    try:
        done = subprocess.run(
            command, input=json.dumps(request).encode(), capture_output=True, timeout=10 * MAX_SECONDS
        )
    except subprocess.TimeoutExpired:
        return {"error": f"it did not end within {10 * MAX_SECONDS} s"}
    if done.returncode:
        return {"error": f"it took more than {MAX_SECONDS} s or {MAX_MEMORY >> 20} MiB"}
    return json.loads(done.stdout)


def _render(request: dict[str, Any]) -> str:
    """Runs in the other process. Same settings as transformers: trimmed blocks, break and continue, plain JSON."""
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    sandbox = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _generation()]
    )
    sandbox.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
    sandbox.globals["raise_exception"] = _raise
    parts, length = [], 0
    for part in sandbox.from_string(request["template"]).generate(request["variables"]):
        length += len(part)
        if length > request["max_output"]:
            raise ValueError(f"it writes more than {request['max_output']} characters")
        parts.append(part)
    return "".join(parts)


def _generation() -> type:
    """The tag {% generation %}, with which some templates mark the assistant's words: it changes nothing."""
    from jinja2 import nodes
    from jinja2.ext import Extension
    from jinja2.parser import Parser

    class Generation(Extension):
        tags = {"generation"}

        def parse(self, parser: Parser) -> nodes.Node:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    return Generation


def _raise(message: str) -> None:
    raise ValueError(f"it says: {message}")


def _limit_this_process() -> None:
    import resource

    with contextlib.suppress(ValueError, OSError):  # not every system has the limit; the time limit holds there
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))


def _serve_one_request() -> None:
    """The other process: a request from the standard input, a reply to the standard output."""
    _limit_this_process()
    request = json.load(sys.stdin)
    try:
        reply = {"text": _render(request)}
    except MemoryError:
        reply = {"error": f"it took more than {MAX_MEMORY >> 20} MiB"}
    except Exception as error:  # whatever a stranger's program raises
        reply = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
    sys.stdout.write(json.dumps(reply))


if __name__ == "__main__":
    _serve_one_request()
