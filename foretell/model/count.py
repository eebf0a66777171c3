"""What a network costs: parameters, floating-point operations, memory. Shapes only, nothing is allocated.

    FLOPs per token = 6 N + 12 n_layers n_heads d_head S    forward and backward; N the parameters in matrix products,
                                                            S the positions attended to, on average

(Kaplan et al. 2020, section 2.1; attention is counted for the positions that its pattern allows.)
"""

from foretell.model.config import NetworkConfig, Pattern
from foretell.model.init import build_meta

FP32 = 4  # bytes
OPTIMIZER_COPIES = 4  # weights, gradients and Adam's two moments


def parameters(cfg: NetworkConfig) -> dict[str, int]:
    """The number of parameters of each part: embeddings, encoder, decoder, heads, vision."""
    found: dict[str, int] = {}
    for name, p in build_meta(cfg).named_parameters():
        part = name.split(".")[0]
        part = {"embed": "embeddings", "encoder": "encoder", "decoder": "decoder", "vision": "vision"}.get(
            part, "heads"
        )
        found[part] = found.get(part, 0) + p.numel()
    return found


def attended(pattern: Pattern, window: int, length: int) -> float:
    """The positions that one of `length` causal positions attends to, on average."""
    if pattern == "dense":
        return (length + 1) / 2
    near = min(window, length)
    band = (near * (near + 1) / 2 + (length - near) * near) / length
    if pattern == "banded":
        return band
    return band + sum(i // window for i in range(length)) / length  # window, 2 window, ... back as far as there is text


def matrix_parameters(cfg: NetworkConfig) -> int:
    """The parameters that a token is multiplied by: blocks and output layer, not the embeddings that it looks up.

    The count that gives the cleanest laws of scale at small sizes, where embeddings are most of a network.
    """
    model = build_meta(cfg)
    looked_up = ("embed.", "vision.")  # a patch is multiplied by vision's, a word is not
    matrices = sum(p.numel() for name, p in model.named_parameters() if p.ndim == 2 and not name.startswith(looked_up))
    output = cfg.n_vocab * cfg.d_model if model.lm_head is not None and model.lm_head.weight is None else 0
    return matrices + output


def flops_per_token(cfg: NetworkConfig, length: int) -> float:
    """The floating-point operations of training on one token of a row of `length`."""
    inner = cfg.n_heads * cfg.d_head
    if cfg.kind == "decoder":
        reach = sum(attended(cfg.pattern(i), cfg.window, length) for i in range(cfg.n_layers))
    else:
        stacks = 1 if cfg.kind == "encoder" else 3  # a seq2seq attends in the encoder, the decoder and between them
        reach = float(stacks * cfg.n_layers * length)
    return 6 * matrix_parameters(cfg) + 12 * inner * reach


def flops_per_image(cfg: NetworkConfig) -> float:
    """The floating-point operations of training on one image before its patches are read as tokens; 0 without sight."""
    if cfg.vision is None:
        return 0.0
    seeing = cfg.vision
    named = build_meta(cfg).named_parameters()
    matrices = sum(
        p.numel() for name, p in named if p.ndim == 2 and name.startswith("vision.") and "position" not in name
    )
    return seeing.n_tokens * (6.0 * matrices + 12 * seeing.n_layers * seeing.d_model * seeing.n_tokens)


def training_bytes(cfg: NetworkConfig, rows: int, length: int) -> dict[str, float]:
    """The memory of training in fp32: weights, gradients, moments; and what a forward pass keeps for the backward."""
    n = sum(parameters(cfg).values())
    inner = cfg.n_heads * cfg.d_head
    blocks = cfg.n_layers * (2 if cfg.kind == "seq2seq" else 1)
    kept = blocks * (6 * cfg.d_model + 4 * inner + 2 * cfg.d_ff)
    return {
        "weights and optimizer": float(OPTIMIZER_COPIES * FP32 * n),
        "activations": float(FP32 * rows * length * kept),
    }
