"""`foretell label sample MODEL... --db labels.db --k 4..9`: outputs for labellers to rank."""

import argparse
import json
import re
from dataclasses import asdict

from foretell.commands.flags import count, parser

SAMPLE = """  foretell label sample runs/instructgpt.sft-nano --db labels.db --k 4..9
  foretell label sample runs/instructgpt.sft-nano runs/instructgpt.ppo-nano --db labels.db --k 4 --split train
  foretell label simulate --db labels.db                    then simulated labellers rank them

Prompts that have outputs are passed over: the same command goes on where it was stopped."""


def k_range(text: str) -> tuple[int, int]:
    """The fewest and the most of `4..9`, or of `4`, as argparse wants it told."""
    found = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of outputs such as 4, or a range such as 4..9")
    return int(found[1]), int(found[2] or found[1])


def sample(args: list[str]) -> None:
    """Sample K outputs of each prompt and keep them in the store."""
    from foretell.commands.label_command import with_db

    common = ("seed", "device", "threads", "json", "quiet")
    flags = with_db(parser("label sample", "Outputs of models for labellers to rank.", SAMPLE, common))
    flags.add_argument("models", metavar="MODEL", nargs="+", help="a run folder, a Hugging Face folder, or hf:NAME")
    flags.add_argument("--k", type=k_range, default=(4, 9), metavar="4..9", help="outputs of a prompt, mixed by prompt")
    flags.add_argument("--limit", type=count, default=0, metavar="N", help="prompts at most; 0 takes all")
    flags.add_argument("--temperature", type=float, default=1.0, help="of the sampling")
    flags.add_argument("--max-new-tokens", type=int, default=64, metavar="N", help="of an output")
    flags.add_argument("--split", choices=("train", "valid"), help="prompts of one side; else both")
    given = flags.parse_args(args)
    import torch

    from foretell.align import sampling
    from foretell.align.answering import Answering
    from foretell.align.store import close, open_store

    torch.set_num_threads(given.threads or 1)
    how = Answering(max_new_tokens=given.max_new_tokens, temperature=given.temperature, seed=given.seed or 0)
    store = open_store(given.db)
    try:
        fewest, most = given.k
        told = asdict(
            sampling.sample(
                store,
                given.models,
                how,
                fewest=fewest,
                most=most,
                split=given.split,
                limit=given.limit,
                device=given.device or "cpu",
                quiet=given.quiet or given.json,
            )
        )
    finally:
        close(store)
    said = f"{told['outputs']} outputs of {told['prompts']} prompts added to {given.db}"
    passed = {"had outputs": told["had_outputs"], "are too long": told["too_long"]}
    said += "".join(f"; {n} prompts {why}" for why, n in passed.items() if n)
    print(json.dumps(told) if given.json else said)
