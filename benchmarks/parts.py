"""Parts of modern recipes that are not in the network, as hooks on it: candidates that an ablation may admit.

    softcap            logits = c tanh(logits / c), c = 15                         (Gemma 2; modded-nanogpt)
    value embeddings   on every other layer V += gate * table[token]               (modded-nanogpt, nanochat)
    x0                 before each block x = a x + b x_0, a and b learnt, 1 and 0   (modded-nanogpt)

B batch   T positions   D d_model   V n_vocab
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foretell.model.network import Network
from foretell.objective.mean import Batch, Mean, Objective, predicted

CAP = 15.0


def soft_capped() -> Objective:
    """Language modelling on logits that tanh keeps within +-CAP."""

    def terms(model: Network, batch: Batch) -> dict[str, Mean]:
        logits = CAP * torch.tanh(model(batch["inputs"]).float() / CAP)  # (B, T, V)
        total = F.cross_entropy(logits.flatten(0, 1), batch["targets"].flatten(), reduction="sum")
        return {"lm": Mean(total, predicted(batch["targets"]))}

    return Objective({"lm": 1.0}, lambda batch: {"lm": predicted(batch["targets"])}, terms)


def add_value_embeddings(model: Network) -> None:
    """A table of token vectors added to the values of every other layer, through a learnt gate that begins at 0."""
    cfg = model.cfg
    seen: dict[str, Tensor] = {}
    model.embed.register_forward_pre_hook(lambda module, given: seen.update(ids=given[0]))
    tables, gates = nn.ModuleDict(), nn.ParameterDict()
    assert model.decoder is not None
    for name, block in model.decoder.layers.items():
        if int(name) % 2 == (cfg.n_layers - 1) % 2:
            tables[name] = nn.Embedding(cfg.n_vocab, cfg.n_heads * cfg.d_head)
            gates[name] = nn.Parameter(torch.zeros(()))
            block.attention.value.register_forward_hook(adder(tables[name], gates[name], seen))
    model.value_tables, model.value_gates = tables, gates


def adder(table: nn.Embedding, gate: Tensor, seen: dict[str, Tensor]) -> Any:
    """A hook that adds the gated vectors of the tokens last seen."""
    return lambda module, given, output: output + gate * table(seen["ids"])


def add_x0(model: Network) -> None:
    """Each block reads a learnt mixture of the stream and the embeddings."""
    assert model.decoder is not None
    n = model.cfg.n_layers
    model.stream_scale, model.x0_scale = nn.Parameter(torch.ones(n)), nn.Parameter(torch.zeros(n))
    seen: dict[str, Tensor] = {}

    def mix(layer: int) -> Any:
        def hook(module: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
            if layer == 0:
                seen["x0"] = given[0]
            mixed = model.stream_scale[layer] * given[0] + model.x0_scale[layer] * seen["x0"]
            return (mixed, *given[1:])

        return hook

    for name, block in model.decoder.layers.items():
        block.register_forward_pre_hook(mix(int(name)))
