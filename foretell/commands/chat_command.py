"""`foretell chat MODEL`: a conversation with a model, in the terminal or by lines of the input."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from foretell.commands.flags import parser
from foretell.errors import BadUse, nearest

if TYPE_CHECKING:
    from foretell.generate.chat import Chat
    from foretell.generate.config import Sampling
    from foretell.generate.model import Model

EXAMPLES = """  foretell chat runs/instructgpt.ppo-nano
  foretell chat runs/instructgpt.sft-nano --system "Answer in one sentence." --temperature 0
  foretell chat runs/gpt4.pretrain-nano --image chart.png
  printf 'What does shutil.copytree do?\\n' | foretell chat runs/instructgpt.sft-nano --json

In the conversation: /reset forgets it, /system TEXT sets the system message (without TEXT there is none), /undo takes
the last message and its answer back, /image FILE shows an image with the next message, /quit ends. Ctrl-C cuts an
answer short. From a pipe each line is a message."""
COMMON = ("seed", "device", "threads", "json", "quiet")
COMMANDS = ("/reset", "/system", "/image", "/undo", "/quit", "/help")
HELP = "/reset  /system TEXT  /image FILE  /undo  /quit"


def run(args: list[str]) -> None:
    """Answer messages until the input ends."""
    flags = parser("chat", "Talk with a model.", EXAMPLES, COMMON)
    flags.add_argument("model", metavar="MODEL", help="a run folder, a Hugging Face folder, or hf:NAME")
    flags.add_argument("--system", default="", metavar="TEXT", help="what the model is told before the conversation")
    flags.add_argument(
        "--image", action="append", default=[], metavar="FILE", help="shown with the first message; may be repeated"
    )
    flags.add_argument("--max-new-tokens", type=int, metavar="N", help="of an answer; else 256, or half of the context")
    flags.add_argument("--temperature", type=float, default=0.7, help="0 takes the likeliest token")
    flags.add_argument("--top-k", type=int, default=0, metavar="K", help="only the K likeliest tokens; 0 all")
    flags.add_argument("--top-p", type=float, default=1.0, metavar="P", help="only the likeliest tokens of mass P")
    given = flags.parse_args(args)
    import torch

    from foretell.align.answering import style_of
    from foretell.generate.chat import Chat, with_system
    from foretell.generate.model import load
    from foretell.model.device import choose_device

    torch.set_num_threads(given.threads or 1)
    model = load(given.model)
    model.check("chat", "decoder")
    model.network.to(choose_device(given.device or "cpu"))
    shown = opened_images(model, given.image)
    sampling = settings(model, given)
    if style_of(given.model) == "plain" and not given.quiet:
        print(f"({given.model} was trained on text alone and was not taught to answer)", file=sys.stderr)
    converse(model, with_system(Chat(), given.system), sampling, given, shown)


def settings(model: "Model", given: Any) -> "Sampling":
    """How answers are sampled."""
    from foretell.generate.chat import room_for_answers, stops_of_chat
    from foretell.generate.config import Sampling

    return Sampling(
        max_new_tokens=room_for_answers(model, given.max_new_tokens),
        temperature=given.temperature,
        top_k=given.top_k,
        top_p=given.top_p,
        stop=stops_of_chat(model),
        seed=given.seed or 0,
    )


def opened_images(model: "Model", paths: list[str]) -> list[Any]:
    """Images as the model sees them; BadUse, before anything is asked, for one that cannot be shown."""
    from foretell.generate.images import pixels

    return list(pixels(model, paths)) if paths else []


def converse(model: "Model", chat: "Chat", sampling: "Sampling", given: Any, shown: list[Any]) -> None:
    """Every line of the input is a message or a command; a person is told of mistakes, a pipe is stopped by them."""
    person = sys.stdin.isatty()
    if person and not given.quiet:
        print(f"{given.model}: {HELP}")
    told = False  # of the beginning that the context no longer holds
    for line in lines(person):
        try:
            if line.startswith("/"):
                if line.split()[0] == "/quit":
                    return
                if line.split()[0] == "/image":
                    shown += opened_images(model, [line.partition(" ")[2].strip()])
                    continue
                chat = commanded(chat, line)
                told = told and bool(chat.turns)
            elif line.strip():
                chat, left_out = reply(model, chat, line, sampling, as_json=given.json, images=shown)
                shown = []
                if left_out and not told:
                    rule = (
                        f"the context of {model.network.cfg.n_ctx} tokens no longer holds the conversation's beginning"
                    )
                    print(f"({rule}; /reset starts anew)", file=sys.stderr)
                    told = True
        except BadUse as error:
            if not person:
                raise
            print(f"({error})", file=sys.stderr)


def lines(person: bool) -> Iterator[str]:
    """The lines of the input, asked for where a person writes them; Ctrl-C at the prompt ends as Ctrl-D does."""
    while True:
        try:
            if person:
                yield input("> ")
                continue
            line = sys.stdin.readline()
            if not line:
                return
            yield line.rstrip("\r\n")
        except (EOFError, KeyboardInterrupt):
            print()
            return


def commanded(chat: "Chat", line: str) -> "Chat":
    """The conversation after a command; BadUse for one that is not known."""
    from foretell.generate.chat import reset, undone, with_system

    name, _, rest = line.partition(" ")
    match name:
        case "/reset":
            return reset(chat)
        case "/undo":
            return undone(chat)
        case "/system":
            return with_system(reset(chat), rest)
        case "/help":
            print(HELP, file=sys.stderr)
            return chat
        case _:
            raise BadUse(f"no command is called {name}{nearest(name, list(COMMANDS))}; known: {HELP}")


def reply(
    model: "Model", chat: "Chat", text: str, sampling: "Sampling", *, as_json: bool, images: Sequence[Any] = ()
) -> tuple["Chat", int]:
    """The conversation with a message, its images and its answer, and how many turns no longer fit; the answer is
    printed."""
    from foretell.generate.chat import answer, answered, asked, kept, tidied

    chat = asked(chat, text, images)
    prompt = kept(model, chat, sampling.max_new_tokens)
    said, done = "", None
    try:
        for piece in answer(model, prompt.ids, sampling, number=len(chat.turns) // 2, images=prompt.images):
            shown = piece.text if said else piece.text.lstrip()
            said, done = said + shown, piece.completion
            if not as_json:
                print(shown, end="", flush=True)
    except KeyboardInterrupt:
        pass  # what was said so far is the answer
    if as_json:
        finish = done.finish if done else "stopped"
        told = {"message": text, "answer": said, "finish": finish, "left_out": prompt.left_out}
        print(json.dumps(told, ensure_ascii=False), flush=True)
    else:
        print(flush=True)
    return answered(chat, tidied(model, said)), prompt.left_out
