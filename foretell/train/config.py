"""A run as data: the network, what it reads, what it minimises, and how. A recipe is a function that returns one.

This is what `foretell train --help` shows and what config.json holds.
"""

from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

from foretell.corpus.config import Data, ImageData, TaskData
from foretell.model.config import NetworkConfig
from foretell.objective.config import (
    MaskedLanguageModel,
    ObjectiveConfig,
    PolicyOptimization,
    Preference,
    Ranking,
    Task,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AdamW:
    """Adam with decoupled weight decay on all weights but biases and gains (GPT-1's "modified L2")."""

    kind: Literal["adamw"] = "adamw"
    lr: float
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check_rates(self.lr, self.weight_decay)
        _check_means(self.betas, self.eps)


@dataclass(frozen=True, kw_only=True, slots=True)
class Muon:
    """Muon on the blocks' matrices (Jordan et al. 2024), AdamW on embeddings, heads, biases and gains."""

    kind: Literal["muon"] = "muon"
    lr: float
    """AdamW's"""
    muon_lr: float
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = 1e-10
    weight_decay: float = 0.0
    momentum: float = 0.95
    muon_weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check_rates(self.lr, self.weight_decay)
        _check_rates(self.muon_lr, self.muon_weight_decay)
        _check_means((*self.betas, self.momentum), self.eps)


def _check_rates(lr: float, weight_decay: float) -> None:
    if not (isfinite(lr) and lr > 0):
        raise ValueError(f"lr={lr} is not a positive number; the papers use 1e-5 to 1e-2")
    if not (isfinite(weight_decay) and weight_decay >= 0):
        raise ValueError(f"weight_decay={weight_decay} is not a number of at least 0; 0 switches it off")


def _check_means(decays: tuple[float, ...], eps: float) -> None:
    for decay in decays:
        if not 0 <= decay < 1:
            raise ValueError(f"betas or momentum={decay} is not in [0, 1); the papers use 0.9 to 0.999")
    if not (isfinite(eps) and eps > 0):
        raise ValueError(f"eps={eps} is not a positive number; the papers use 1e-9 to 1e-6")


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """The learning rate as a share of its peak: linear warm-up, then a shape.

    `linear` and `cosine` fall from the share `decay_from` of the steps to `decay_to`, down to `floor`: linear with
    decay_from=0.5 is warmup-stable-decay. `inverse_sqrt` falls as sqrt(warmup/step) (Transformer, eq. 3).
    """

    shape: Literal["constant", "linear", "cosine", "inverse_sqrt"]
    warmup_steps: int = 0
    decay_from: float = 0.0
    decay_to: float = 1.0
    floor: float = 0.0

    def __post_init__(self) -> None:
        if self.warmup_steps < 0:
            raise ValueError(f"warmup_steps={self.warmup_steps} is negative; 0 means no warm-up")
        if self.shape == "inverse_sqrt" and self.warmup_steps == 0:
            raise ValueError("warmup_steps=0 with shape=inverse_sqrt has no peak; the Transformer used 4000")
        if not 0 <= self.decay_from < self.decay_to <= 1:
            raise ValueError(f"decay_from={self.decay_from} and decay_to={self.decay_to} are not 0 <= from < to <= 1")
        if not 0 <= self.floor <= 1:
            raise ValueError(f"floor={self.floor} is not in [0, 1]; it is a share of the peak rate")


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchSize:
    """Rows of a step, over all processes, and how many of them a forward pass takes (the rest is accumulated)."""

    rows: int
    micro: int = 0
    """rows of a forward pass; 0 takes a step's rows at once"""
    ramp_from: int = 0
    """rows of the first step; 0 means no ramp"""
    ramp_rows: int = 0
    """rows over which the batch grows linearly to full size (GPT-3: its first 4 to 12 billion tokens)"""

    def __post_init__(self) -> None:
        if self.rows < 1 or self.micro < 0:
            raise ValueError(f"rows={self.rows}, micro={self.micro}: rows must be at least 1 and micro at least 0")
        if not 0 <= self.ramp_from <= self.rows or self.ramp_rows < 0:
            raise ValueError(f"ramp_from={self.ramp_from} is not in [0, rows={self.rows}], or ramp_rows is negative")
        if (self.ramp_from == 0) != (self.ramp_rows == 0):
            raise ValueError(
                f"ramp_from={self.ramp_from} and ramp_rows={self.ramp_rows}: a ramp needs both; 0 and 0 mean none"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Where and how the numbers are computed. Nothing here changes what is computed beyond rounding."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = 0
    """processor threads; 0 measures one against all and takes the quicker"""
    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16: matrix products in bfloat16, weights and optimizer in fp32"""
    compile: bool = False
    """torch.compile of each block; off, because compiling takes minutes and nobody has measured here that it pays"""
    hang_after: float = 0.0
    """seconds: a step that takes longer, and 20 times as long as usual, ends the process; 0 does not watch"""

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise ValueError(f"threads={self.threads} is negative; 0 measures, 1 is best for tiny models")
        if not (isfinite(self.hang_after) and self.hang_after >= 0):
            raise ValueError(f"hang_after={self.hang_after} is not a number of seconds; 0 does not watch, 300 does")


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """What a spike of the loss or of the gradient's norm is; a run goes back before it and moves past its rows.

    Off by default: a recipe's numbers are the paper's, whose programs had no guard.
    """

    window: int = 0
    """steps whose median and spread (MAD) are the measure; 0 switches the guard off, 128 is usual"""
    threshold: float = 6.0
    """spreads above the median from which a loss is a spike; four times as many for the log of a gradient's norm"""
    tries: int = 8
    """rollbacks at one place, each moving past twice as many batches as the one before, until the run is given up"""

    def __post_init__(self) -> None:
        if self.window and self.window < 16:
            raise ValueError(f"window={self.window} is too few for a median; give at least 16, or 0 for no guard")
        if not (isfinite(self.threshold) and self.threshold >= 3):
            raise ValueError(f"threshold={self.threshold} is below 3: noise alone would reach it; 6 is usual")
        if not 1 <= self.tries <= 16:
            raise ValueError(f"tries={self.tries} is not in [1, 16]; the last one moves past 2^(tries - 1) batches")


@dataclass(frozen=True, kw_only=True, slots=True)
class Parallel:
    """How a run lies over its processes: shard x tensor x replicate is their number. Only rounding depends on it.

    $ torchrun --nproc-per-node 4 -m foretell train RECIPE --parallel.shard 2 --parallel.tensor 2
    """

    shard: int = 0
    """processes over which weights, gradients and optimizer are cut (FSDP2), each with rows of its own; 0: all"""
    tensor: int = 1
    """processes over which the heads and the feed-forward layer of every block are cut; they read the same rows"""
    replicate: int = 1
    """times that the cut weights are held, each with rows of its own"""
    checkpoint_activations: bool = False
    """keep a block's input alone and compute the block again for its gradient: a third more work, far less memory"""

    def __post_init__(self) -> None:
        if self.shard < 0 or self.tensor < 1 or self.replicate < 1:
            given = f"shard={self.shard}, tensor={self.tensor}, replicate={self.replicate}"
            raise ValueError(f"{given}: they are at least 1; shard 0 takes all processes that are left")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfig:
    """Everything that decides a run's numbers, and where they are computed."""

    recipe: str
    """the recipe that made this config, for people; nothing is decided by it"""
    model: NetworkConfig
    data: Data
    objective: ObjectiveConfig
    optim: AdamW | Muon
    schedule: Schedule
    batch: BatchSize
    steps: int
    clip: float = 0.0
    """largest gradient norm; 0 does not clip"""
    seed: int = 0
    start: str = ""
    """a run or model folder whose weights the run starts from; empty means the paper's random weights"""
    evaluate_every: int = 100
    evaluate_rows: int = 64
    """held-out rows of an evaluation; 0 takes all"""
    checkpoint_every: int = 100
    average: int = 1
    """the model is the mean of the last so many checkpoints (Transformer: 5)"""
    keep: int = 0
    """checkpoints that stay, to select the model among; 0: those that an average or a damaged last one needs"""
    tensorboard: bool = False
    guard: Guard = field(default_factory=Guard)
    machine: Machine = field(default_factory=Machine)
    parallel: Parallel = field(default_factory=Parallel)

    def __post_init__(self) -> None:
        for name in ("steps", "evaluate_every", "checkpoint_every", "average"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is not positive; give at least 1")
        if not (isfinite(self.clip) and self.clip >= 0):
            raise ValueError(f"clip={self.clip} is not at least 0; 0 does not clip")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed={self.seed} is not in [0, 2^32); give a small whole number")
        if self.keep < 0:
            raise ValueError(f"keep={self.keep} is negative; 0 keeps what is needed")
        if self.evaluate_rows < 0:
            raise ValueError(f"evaluate_rows={self.evaluate_rows} is negative; 0 takes all")
        if self.data.length > self.model.n_ctx:
            raise ValueError(f"data.length={self.data.length} is above model.n_ctx={self.model.n_ctx}; lower it")
        if isinstance(self.data, TaskData) and not self.model.heads.n_outputs:
            raise ValueError("data is a task but model.heads.n_outputs=0; give the number of classes, or 1 for a score")
        _check_fit(self)


FITS = {
    "lm": (("text", "demonstrations", "images"), "decoder"),
    "mlm": (("segments",), "encoder"),
    "translation": (("translation",), "seq2seq"),
    "ranking": (("rankings",), "decoder"),
    "preference": (("rankings",), "decoder"),
    "ppo": (("prompts",), "decoder"),
}


def _check_fit(cfg: RunConfig) -> None:
    """What the objective reads and needs must be there: another network would learn nothing, or see the answer."""
    heads, objective, kind = cfg.model.heads, cfg.objective, cfg.model.kind
    read, network = FITS.get(objective.kind, (("task",), "decoder" if kind != "encoder" else kind))
    if cfg.data.kind not in read:
        rule = f"it reads data={' or '.join(read)}"
        raise ValueError(f"objective={objective.kind} does not read data={cfg.data.kind}; {rule}")
    if kind != network:
        raise ValueError(f"objective={objective.kind} needs model.kind={network}, not {kind}")
    _check_sight(cfg)
    if isinstance(objective, Task) and objective.lm_weight and kind != "decoder":
        raise ValueError(f"objective.lm_weight={objective.lm_weight} needs model.kind=decoder; set it to 0")
    if isinstance(cfg.data, TaskData) and not cfg.data.reads_last and kind != "encoder":
        rule = f"is read at its first token, before which a {kind} sees nothing"
        raise ValueError(f"data.layout={cfg.data.layout} {rule}; take the other layout, or model.kind=encoder")
    if isinstance(objective, Ranking):
        if heads.n_outputs != 1:
            raise ValueError(f"objective=ranking gives one score, model.heads.n_outputs={heads.n_outputs}; give 1")
        return
    if isinstance(objective, Preference | PolicyOptimization) and not cfg.start:
        raise ValueError(f"objective={objective.kind} is measured against the model that it starts from; give --start")
    if not heads.lm and not (isinstance(objective, Task) and not objective.lm_weight):
        raise ValueError(f"objective={objective.kind} predicts tokens but model.heads.lm=False; set it to True")
    if isinstance(objective, MaskedLanguageModel) and objective.next_sentence and not heads.next_sentence:
        raise ValueError("objective.next_sentence=True but model.heads.next_sentence=False; set both or none")


def _check_sight(cfg: RunConfig) -> None:
    """Images are cut into as many patches as the data leave places for."""
    data, vision = cfg.data, cfg.model.vision
    if not isinstance(data, ImageData):
        return
    if vision is None:
        raise ValueError("data is images but model.vision is None; give the model a vision part")
    if (data.image_size, data.image_tokens) != (vision.image_size, vision.n_tokens):
        there = f"data.image_size={data.image_size}, image_tokens={data.image_tokens}"
        raise ValueError(f"{there}, but the model's are {vision.image_size} and {vision.n_tokens}; make them equal")
