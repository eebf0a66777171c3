"""`foretell generate MODEL "prompt" ...`: continue prompts."""

import json
import sys
from dataclasses import asdict

from foretell.commands.flags import parser
from foretell.errors import BadUse

EXAMPLES = """  foretell generate runs/gpt2.pretrain-nano "Return the" --max-new-tokens 60 --temperature 0.8 --top-k 40
  foretell generate runs/transformer.translate-nano "copytree(src, dst)" --beam 4
  echo "Return the" | foretell generate runs/gpt2.pretrain-nano - --json"""

COMMON = ("seed", "device", "threads", "json", "quiet")


def run(args: list[str]) -> None:
    """Print each prompt's completion, or one JSON line each."""
    flags = parser("generate", "Continue prompts with a model.", EXAMPLES, COMMON)
    flags.add_argument("model", metavar="MODEL", help="a run folder, a Hugging Face folder, or hf:NAME")
    flags.add_argument("prompt", nargs="+", help="one or more prompts; - reads them from the input, one a line")
    flags.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="FILE",
        help="of every prompt, at its places <image>, else first",
    )
    flags.add_argument("--max-new-tokens", type=int, default=60, metavar="N")
    flags.add_argument("--temperature", type=float, default=1.0, help="0 takes the likeliest token")
    flags.add_argument("--top-k", type=int, default=0, metavar="K", help="only the K likeliest tokens; 0 all")
    flags.add_argument("--top-p", type=float, default=1.0, metavar="P", help="only the likeliest tokens of mass P")
    flags.add_argument(
        "--stop", action="append", default=[], metavar="TEXT", help="end before this text; may be repeated"
    )
    flags.add_argument("--beam", type=int, default=0, metavar="N", help="beam search of this width instead of sampling")
    flags.add_argument("--length-penalty", type=float, default=0.6, metavar="ALPHA", help="of the beam search")
    flags.add_argument(
        "--repetition-penalty", type=float, default=1.0, metavar="R", help="above 1: what was said is less likely"
    )
    flags.add_argument(
        "--no-repeat-ngram", type=int, default=0, metavar="N", help="no run of N tokens comes twice; 0 allows all"
    )
    flags.add_argument(
        "--contrastive", type=float, default=0.0, metavar="ALPHA", help="contrastive search among the --top-k likeliest"
    )
    given = flags.parse_args(args)
    prompts = read_prompts(given.prompt)
    import torch

    from foretell.generate.model import load
    from foretell.model.device import choose_device

    torch.set_num_threads(given.threads or 1)
    model = load(given.model)
    model.network.to(choose_device(given.device or "cpu"))
    found = model.generate(
        prompts,
        max_new_tokens=given.max_new_tokens,
        temperature=given.temperature,
        top_k=given.top_k,
        top_p=given.top_p,
        stop=tuple(given.stop),
        beam=given.beam,
        length_penalty=given.length_penalty,
        seed=given.seed or 0,
        repetition_penalty=given.repetition_penalty,
        no_repeat_ngram=given.no_repeat_ngram,
        contrastive=given.contrastive,
        images=[given.image] * len(prompts) if given.image else (),
    )
    for prompt, completion in zip(prompts, found, strict=True):
        if given.json:
            print(json.dumps({"prompt": prompt, **asdict(completion)}))
        else:
            print(f"{prompt}{completion.text}" if given.beam == 0 else completion.text)


def read_prompts(given: list[str]) -> list[str]:
    """The prompts as given, `-` replaced by the lines of the input."""
    prompts = [line for part in given for line in (sys.stdin.read().splitlines() if part == "-" else [part])]
    if not prompts:
        raise BadUse("no prompt was given; name one, or write one a line into the input")
    return prompts
