"""`foretell show RECIPE[:SIZE]`: the resolved config and what it costs."""

import json

from foretell.commands.flags import parser
from foretell.commands.train_command import COMMON, configured
from foretell.config import dump
from foretell.objective.config import PolicyOptimization
from foretell.progress import time_text
from foretell.train.config import RunConfig

EXAMPLES = """  foretell show gpt3.pretrain:175B
  foretell show gpt2.pretrain:nano --model.n-layers 8"""
SHARE_OF_PEAK = 0.6  # of the measured matrix-product peak, in fp32 at large sizes (benchmarks/train_throughput.md)


def run(args: list[str]) -> None:
    """Print the config as it would run, its parameters, FLOPs, memory and time on this machine."""
    flags = parser("show", "The resolved config of a recipe and what it costs. Nothing is allocated.", EXAMPLES, COMMON)
    flags.add_argument("recipe", metavar="RECIPE[:SIZE] | config.json")
    known, rest = flags.parse_known_args(args)
    cfg = configured(known.recipe, rest, {**vars(known), "data": None, "fields": False})
    cost = costs(cfg)
    if known.json:
        print(json.dumps({"config": json.loads(dump(cfg)), **cost}))
        return
    print(dump(cfg))
    for line in lines(cfg, cost):
        print(line)


def costs(cfg: RunConfig) -> dict[str, object]:
    """Parameters by part, FLOPs, bytes, and seconds here, of a run."""
    from foretell.commands.peak import matmul_peak
    from foretell.model.count import flops_per_token, parameters, training_bytes
    from foretell.train.schedule import rows_before

    per_row = row_tokens(cfg)
    tokens = rows_before(cfg.batch, cfg.steps) * per_row
    flops = flops_per_token(cfg.model, cfg.data.length) * tokens
    memory = training_bytes(cfg.model, cfg.batch.micro or cfg.batch.rows, per_row)
    if isinstance(cfg.objective, PolicyOptimization):
        from foretell.align.memory_plan import flops_of, plan_of

        memory, flops = plan_of(cfg), flops_of(cfg)
    return {
        "parameters": parameters(cfg.model),
        "tokens": tokens,
        "flops": flops,
        "bytes": memory,
        "seconds_here": flops / (SHARE_OF_PEAK * matmul_peak()),
    }


def row_tokens(cfg: RunConfig) -> int:
    """The most tokens that a row trains on: an episode brings its rows of pretraining text along."""
    from foretell.corpus.config import PromptData, TranslationData

    data, objective = cfg.data, cfg.objective
    if isinstance(data, TranslationData):
        return data.tokens_per_bucket
    if isinstance(data, PromptData) and isinstance(objective, PolicyOptimization) and objective.ptx_weight:
        return data.length + objective.ptx_rows * (data.text_length or data.length)
    return data.length


NOTES = {
    "rankings": "a row is a ranking of 2 to 9 outputs that share their prompt: counted as one full context",
    "prompts": "FLOPs and memory count policy, reference, reward model, value network and sampling",
}


def lines(cfg: RunConfig, cost: dict) -> list[str]:
    """The costs as a person reads them."""
    n = sum(cost["parameters"].values())
    parts = ", ".join(f"{part} {count:,}" for part, count in cost["parameters"].items())
    memory = ", ".join(f"{part} {size / 2**30:.2f} GiB" for part, size in cost["bytes"].items())
    if isinstance(cfg.objective, PolicyOptimization):
        from foretell.align.memory_plan import in_words

        memory = in_words(cost["bytes"])
    inner = cfg.model.n_heads * cfg.model.d_head
    found = [
        f"parameters   {n:,}  ({parts})",
        f"training     {cost['tokens']:,} tokens in {cfg.steps:,} steps, {cost['flops']:.3g} FLOPs",
        f"memory {cfg.machine.precision}  {memory}",
        f"this machine {time_text(cost['seconds_here'])} at {SHARE_OF_PEAK:.0%} of its measured matrix-product peak",
    ]
    if cfg.data.kind in NOTES:
        found.append(f"note         {NOTES[cfg.data.kind]}")
    found += [f"note         {said}" for said in assumed(cfg)]
    if inner != cfg.model.d_model:
        found.append(f"note         n_heads x d_head = {inner} is not d_model = {cfg.model.d_model}: counted as given")
    return found


def assumed(cfg: RunConfig) -> list[str]:
    """What is said of networks whose folders are not there, and which are counted with the policy's shape."""
    if not isinstance(cfg.objective, PolicyOptimization):
        return []
    from foretell.align.memory_plan import config_of

    of = {"objective.reward": cfg.objective.reward, "objective.value": cfg.objective.value}
    absent = [f"{name}={folder}" for name, folder in of.items() if folder and config_of(folder) is None]
    return [f"{one} is not there: counted as large as the policy" for one in absent]
