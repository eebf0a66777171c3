"""GPT-4: OpenAI 2023, "GPT-4 Technical Report": image and text in, text out.

$ foretell train gpt4.pretrain:nano                      questions about drawn pictures and digits
$ foretell train gpt4.pretrain:nano --data FOLDER        about your own images (corpus/pictures.py says in what form)
$ foretell eval runs/gpt4.pretrain-nano --suite images
$ foretell chat runs/gpt4.pretrain-nano --image FILE

The report tells neither sizes nor architecture (its section 2). Ours is the simplest that others have shown to work:
LLaVA's (Liu et al. 2023), patches through a vision transformer and a projector into the places of tokens, on a decoder
of Llama's shape (Touvron et al. 2023), so that transformers' LlavaForConditionalGeneration loads the model.

Result of nano after 60 CPU-seconds: 57 % of the held-out questions are right, the best control without the picture has
32 % (docs/lineage/09-gpt4-images.md).
"""

from dataclasses import dataclass
from typing import Literal

from foretell.corpus.config import ImageData
from foretell.model.config import Init, NetworkConfig, VisionConfig
from foretell.objective.config import LanguageModel
from foretell.train.config import BatchSize, Muon, RunConfig, Schedule

Size = Literal["mini", "nano", "smoke"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Decoder, and after `v_` the vision transformer. n_vocab is that of the text and one more, <|image|>."""

    n_layers: int
    d_model: int
    n_heads: int
    d_ff: int
    n_ctx: int
    n_vocab: int
    image_size: int
    patch_size: int
    v_layers: int
    v_model: int
    rows: int
    steps: int
    lr: float = 0.01
    muon_lr: float = 0.01


SIZES = {
    "mini": Row(
        n_layers=6, d_model=256, n_heads=4, d_ff=704, n_ctx=512, n_vocab=8193, image_size=96, patch_size=8,
        v_layers=6, v_model=192, rows=16, steps=4000,
    ),
    "nano": Row(
        n_layers=3, d_model=128, n_heads=4, d_ff=344, n_ctx=256, n_vocab=4097, image_size=48, patch_size=16,
        v_layers=3, v_model=96, rows=5, steps=300,
    ),
    "smoke": Row(
        n_layers=2, d_model=32, n_heads=2, d_ff=64, n_ctx=192, n_vocab=513, image_size=48, patch_size=12,
        v_layers=1, v_model=32, rows=4, steps=8,
    ),
}  # fmt: skip


def network(size: Size) -> NetworkConfig:
    """Llama's decoder: RMSNorm, SwiGLU, rotary positions, no biases; ours ties its embeddings, for few parameters."""
    row = SIZES[size]
    return NetworkConfig(
        kind="decoder",
        n_vocab=row.n_vocab,
        n_ctx=row.n_ctx,
        n_layers=row.n_layers,
        d_model=row.d_model,
        n_heads=row.n_heads,
        d_head=row.d_model // row.n_heads,
        d_ff=row.d_ff,
        norm_place="pre",
        norm="rms_gain",
        norm_eps=1e-6,
        activation="silu",
        gated=True,
        positions="rotary",
        bias=False,
        init=Init(std=0.02, scale_residual=True),
        vision=VisionConfig(
            placeholder=row.n_vocab - 1,
            image_size=row.image_size,
            patch_size=row.patch_size,
            n_layers=row.v_layers,
            d_model=row.v_model,
            n_heads=max(row.v_model // 32, 1),
            d_ff=4 * row.v_model,
        ),
    )


def pretrain(size: Size = "mini") -> RunConfig:
    """Everything is trained at once, on the answers alone. --start takes a text decoder of this shape instead."""
    row, model = SIZES[size], network(size)
    assert model.vision is not None, "this rung sees"
    return RunConfig(
        recipe=f"gpt4.pretrain:{size}",
        model=model,
        data=ImageData(length=row.n_ctx, image_size=row.image_size, image_tokens=model.vision.n_tokens),
        objective=LanguageModel(),
        optim=Muon(lr=row.lr, muon_lr=row.muon_lr),
        schedule=Schedule(shape="linear", warmup_steps=max(row.steps // 20, 1), decay_from=0.4),
        batch=BatchSize(rows=row.rows),
        steps=row.steps,
        clip=1.0,
        evaluate_every=max(row.steps // 10, 1),
        evaluate_rows=256,
        checkpoint_every=max(row.steps // 5, 1),
    )
