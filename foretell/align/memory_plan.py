"""What a run of reinforcement learning takes, memory by part and operations, before anything is allocated.

    policy      weights, gradients, Adam's two moments in fp32        reference   weights
    value       the same                                              reward      weights
    average     weights; once more where guards keep the best
    sampling    keys and values, a copy of the policy in bf16
    update      what a forward pass keeps, probabilities of the responses' tokens, copies of gradients for their norms

bf16 keeps the matrices of reference and reward in two bytes; weights that are trained stay in fp32.
"""

from foretell.align.guards import guarded
from foretell.align.logprobs import KEPT_BYTES
from foretell.config import load
from foretell.corpus.config import PromptData
from foretell.errors import BadUse
from foretell.exchange.folder import OWN_CONFIG
from foretell.exchange.source import find_folder
from foretell.model.config import NetworkConfig
from foretell.model.count import FP32, OPTIMIZER_COPIES, flops_per_token, parameters, training_bytes
from foretell.objective.config import PolicyOptimization
from foretell.runs import read_text
from foretell.train.config import RunConfig

ROWS_AT_ONCE, CACHE_BYTES = 64, 2**29  # generate/prompts.py: the most of a batch of sampling


def memory_plan(
    cfg: RunConfig, reward: NetworkConfig | None = None, value: NetworkConfig | None = None
) -> dict[str, float]:
    """Bytes by part. `reward` and `value` are the networks of those folders; None takes the policy's shape."""
    ppo, data = cfg.objective, cfg.data
    assert isinstance(ppo, PolicyOptimization), "a plan is made for objective=ppo"
    assert isinstance(data, PromptData), "objective=ppo reads prompts"
    n, n_reward, n_value = (sum(parameters(one or cfg.model).values()) for one in (cfg.model, reward, value))
    half = cfg.machine.precision == "bf16"
    frozen, rows = (FP32 / 2 if half else FP32), cfg.batch.micro or cfg.batch.rows // ppo.minibatches
    with_text = bool(ppo.ptx_weight and data.text)
    length = max(data.length, data.text_length if with_text else 0)
    plan = {
        "policy": float(OPTIMIZER_COPIES * FP32 * n),
        "reference": frozen * n,
        "reward": frozen * n_reward if ppo.reward else 0.0,
        "value": float(OPTIMIZER_COPIES * FP32 * n_value) if ppo.advantages == "gae" else 0.0,
        "average": float(FP32 * n * (bool(ppo.average) + guarded(ppo))),
        "sampling": cache_bytes(cfg.model, min(cfg.batch.rows, ROWS_AT_ONCE), data.length) + (2 * n if half else 0),
        "update": training_bytes(cfg.model, rows, length)["activations"]
        + min(KEPT_BYTES, FP32 * rows * data.response * cfg.model.n_vocab)
        + (2.0 * FP32 * n if with_text else 0),
    }
    return {part: size for part, size in plan.items() if size}


def flops_of(cfg: RunConfig) -> float:
    """The floating-point operations of a run whose four networks have the policy's shape.

    A token of an episode goes forward through all four and the value network once more, and two of them learn from it:
    10 forward passes, where training is 3. A token of pretraining text is trained on by the policy.
    """
    ppo, data = cfg.objective, cfg.data
    assert isinstance(ppo, PolicyOptimization), "a plan is made for objective=ppo"
    assert isinstance(data, PromptData), "objective=ppo reads prompts"
    n = cfg.steps * cfg.batch.rows
    episodes = 10 / 3 * n * data.length * flops_per_token(cfg.model, data.length)
    if not (ppo.ptx_weight and data.text):
        return episodes
    length = data.text_length or data.length
    return episodes + n * ppo.epochs * ppo.ptx_rows * length * flops_per_token(cfg.model, length)


def cache_bytes(cfg: NetworkConfig, rows: int, room: int) -> float:
    """Keys and values of a batch of sampling, which is cut where they would be above a bound."""
    return float(min(2 * cfg.n_layers * cfg.n_heads * cfg.d_head * FP32 * rows * room, CACHE_BYTES))


def plan_of(cfg: RunConfig) -> dict[str, float]:
    """The plan with the shapes of the reward model and the value network where their folders are there."""
    ppo = cfg.objective
    assert isinstance(ppo, PolicyOptimization), "a plan is made for objective=ppo"
    return memory_plan(cfg, config_of(ppo.reward), config_of(ppo.value or ppo.reward))


def config_of(folder: str) -> NetworkConfig | None:
    """The config of the network in a folder that foretell wrote, or None."""
    if not folder:
        return None
    try:
        path = find_folder(folder) / OWN_CONFIG
    except BadUse:
        return None
    return load(NetworkConfig, read_text(path), str(path)) if path.exists() else None


def in_words(plan: dict[str, float]) -> str:
    """The plan as a person reads it."""
    parts = ", ".join(f"{part} {in_units(size)}" for part, size in plan.items())
    return f"{in_units(sum(plan.values()))}  ({parts})"


def in_units(n_bytes: float) -> str:
    """Bytes in MiB or GiB."""
    return f"{n_bytes / 2**30:.2f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.1f} MiB"
