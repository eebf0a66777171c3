"""What a network is, as data. A rung of the lineage is one such row; the code below it is written once.

                  kind      norm_place  positions  activation  paper
Transformer       seq2seq   post        sinusoid   relu        Vaswani et al. 2017, section 3
GPT-1             decoder   post        learned    gelu_tanh   Radford et al. 2018, section 4.1
BERT              encoder   post        learned    gelu        Devlin et al. 2018, section 3
GPT-2, GPT-3      decoder   pre         learned    gelu_tanh   Radford et al. 2019, section 2.3
GPT-4 (ours)      decoder   pre         rotary     silu, gated Touvron et al. 2023, section 2.2; with a vision part
"""

from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

Pattern = Literal["dense", "banded", "strided"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dropout:
    """The three places of dropout: after the embeddings, on the attention weights, on each sub-layer's output."""

    embedding: float = 0.0
    attention: float = 0.0
    residual: float = 0.0

    def __post_init__(self) -> None:
        for name in ("embedding", "attention", "residual"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"dropout.{name}={getattr(self, name)} is not in [0, 1); 0 switches it off")


@dataclass(frozen=True, kw_only=True, slots=True)
class Init:
    """How weights begin. normal: N(0, std) everywhere. xavier: Glorot uniform, embeddings N(0, d_model^-0.5)."""

    kind: Literal["normal", "xavier"] = "normal"
    std: float = 0.02
    position_std: float = 0.02
    scale_residual: bool = False
    """GPT-2: the projections into the residual stream are scaled by 1/sqrt(number of residual layers)"""
    zero_residual: bool = False
    """those projections begin at zero, so that every block begins as the identity"""

    def __post_init__(self) -> None:
        for name in ("std", "position_std"):
            if not (isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ValueError(
                    f"init.{name}={getattr(self, name)} is not a number of at least 0; most papers use 0.02"
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class Heads:
    """What is read off the last hidden states."""

    lm: bool = True
    """logits of each position's token: next-token or, with lm_transform, masked-token prediction"""
    lm_transform: bool = False
    """BERT: dense, activation and norm before the tied output, and an output bias"""
    next_sentence: bool = False
    """BERT: two logits from the first position, through a tanh pooler"""
    n_outputs: int = 0
    """a task's linear layer: classes, 1 for a score (a choice's, a reward's, a value's); 0 means none"""
    task_pooler: bool = False
    """the task's layer reads the tanh pooler (BERT) instead of the hidden state itself (GPT-1)"""
    task_dropout: float = 0.0
    task_bias: bool = False
    """a bias on the hidden state's linear layer, whose weights then begin at N(0, 1/(d_model + 1)): a reward's"""

    def __post_init__(self) -> None:
        if self.task_bias and (self.task_pooler or self.n_outputs != 1):
            said = f"n_outputs={self.n_outputs}, task_pooler={self.task_pooler}"
            raise ValueError(f"task_bias=True is of one score read off the hidden state, not of {said}; leave it out")
        if self.n_outputs < 0:
            raise ValueError(f"n_outputs={self.n_outputs} is negative; 0 means no task head")
        if not 0 <= self.task_dropout < 1:
            raise ValueError(f"task_dropout={self.task_dropout} is not in [0, 1); 0 switches it off")


@dataclass(frozen=True, kw_only=True, slots=True)
class VisionConfig:
    """How a decoder sees: an image's patches through a transformer of their own, then into the places of tokens.

    The transformer is that of Dosovitskiy et al. 2020 without a class token, pre-norm and bidirectional; the projector
    is LLaVA-1.5's, two layers with a GELU between (Liu et al. 2023, "Improved Baselines with Visual Instruction
    Tuning", section 3.2).
    """

    placeholder: int
    """the id of the token that stands for a patch; the network's last id in our recipes"""
    image_size: int
    """pixels of a side: images are made square"""
    patch_size: int
    n_layers: int
    d_model: int
    n_heads: int
    d_ff: int
    activation: Literal["relu", "gelu", "gelu_tanh"] = "gelu_tanh"
    norm_eps: float = 1e-6

    def __post_init__(self) -> None:
        for name in ("image_size", "patch_size", "n_layers", "d_model", "n_heads", "d_ff"):
            if getattr(self, name) < 1:
                raise ValueError(f"vision.{name}={getattr(self, name)} is not positive; give at least 1")
        if self.placeholder < 0:
            raise ValueError(f"vision.placeholder={self.placeholder} is no token id; give that of <|image|>")
        if self.image_size % self.patch_size:
            raise ValueError(
                f"vision.image_size={self.image_size} is not a multiple of patch_size={self.patch_size}; change one"
            )
        if self.d_model % self.n_heads:
            raise ValueError(f"vision.d_model={self.d_model} is not a multiple of n_heads={self.n_heads}; change one")

    @property
    def n_tokens(self) -> int:
        """The places that an image takes among the tokens: its patches."""
        return (self.image_size // self.patch_size) ** 2


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkConfig:
    """One network of any rung. d_head is independent of d_model and n_heads (GPT-3 XL and 13B need that)."""

    kind: Literal["decoder", "encoder", "seq2seq"]
    n_vocab: int
    n_ctx: int
    n_layers: int
    d_model: int
    n_heads: int
    d_head: int
    d_ff: int
    norm_place: Literal["post", "pre"]
    norm: Literal["layer", "rms", "rms_gain"] = "layer"
    """rms has no gain; rms_gain is Llama's (Zhang and Sennrich 2019)"""
    norm_eps: float = 1e-5
    activation: Literal["relu", "gelu", "gelu_tanh", "relu2", "silu"] = "gelu_tanh"
    gated: bool = False
    """the feed-forward net multiplies its activation by a second projection (Shazeer 2020); with silu: SwiGLU"""
    positions: Literal["sinusoid", "learned", "rotary"] = "learned"
    rotary_base: float = 10_000.0
    attention: tuple[Pattern, ...] = ("dense",)
    """the layers' patterns in turn: layer i uses the one at i modulo their number"""
    window: int = 128
    """banded: the last `window` positions; strided: those, and every `window`-th before"""
    bias: bool = True
    qkv_bias: bool = True
    tied: bool = True
    n_segments: int = 0
    embedding_norm: bool = False
    embedding_scale: bool = False
    """token embeddings times sqrt(d_model) (Transformer, section 3.4)"""
    qk_norm: bool = False
    dropout: Dropout = field(default_factory=Dropout)
    init: Init = field(default_factory=Init)
    heads: Heads = field(default_factory=Heads)
    vision: VisionConfig | None = None
    """how a decoder sees images; None where it does not"""

    def __post_init__(self) -> None:
        for name in ("n_vocab", "n_ctx", "n_layers", "d_model", "n_heads", "d_head", "d_ff", "window"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is not positive; give at least 1")
        if self.n_segments < 0:
            raise ValueError(f"n_segments={self.n_segments} is negative; 0 means no segment embeddings")
        for part in ("norm_eps", "rotary_base"):
            if not (isfinite(getattr(self, part)) and getattr(self, part) > 0):
                raise ValueError(f"{part}={getattr(self, part)} is not a positive number; leave it at its default")
        if self.positions == "rotary" and self.d_head % 2:
            raise ValueError(f"d_head={self.d_head} is odd; rotary positions turn pairs: give an even d_head")
        if not self.attention:
            raise ValueError("attention is empty; name at least one pattern, such as dense")
        if self.kind != "decoder" and set(self.attention) != {"dense"}:
            raise ValueError(f"attention={self.attention} needs kind=decoder; an encoder or seq2seq is dense")
        if self.vision is not None and self.kind != "decoder":
            raise ValueError(f"vision needs kind=decoder, not {self.kind}; leave it out")
        if self.vision is not None and self.vision.placeholder >= self.n_vocab:
            raise ValueError(
                f"vision.placeholder={self.vision.placeholder} is not among n_vocab={self.n_vocab} ids; raise n_vocab"
            )

    def pattern(self, layer: int) -> Pattern:
        """The attention pattern of a layer."""
        return self.attention[layer % len(self.attention)]
