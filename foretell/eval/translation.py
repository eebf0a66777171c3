"""How good translations are (Vaswani et al. 2017, section 6.1): beam search, BLEU, and what the decoder looked at.

B batch   H n_heads   T target positions   S source positions
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from foretell.errors import BadUse
from foretell.eval.measured import Measured, bootstrap
from foretell.generate.model import Model
from foretell.model.attention import attention_weights
from foretell.model.block import Block

BEAM, LENGTH_PENALTY = 4, 0.6  # section 6.1
Pair = dict[str, str]


def measure_translation(
    model: Model, pairs: Sequence[Pair], training: Sequence[Pair], max_new_tokens: int
) -> dict[str, Any]:
    """BLEU of the beam's translations, of two baselines, and the translations themselves."""
    sources = [pair["source"] for pair in pairs]
    found = model.generate(sources, max_new_tokens=max_new_tokens, beam=BEAM, length_penalty=LENGTH_PENALTY)
    outputs = [completion.text.strip() for completion in found]
    wanted = [pair["target"] for pair in pairs]
    common = Counter(pair["target"] for pair in training).most_common(1)[0][0]
    return {
        "bleu": bleu(outputs, wanted),
        "copy": bleu(sources, wanted),
        "baseline": {**bleu([common] * len(wanted), wanted), "what": f"always {common!r}, the commonest target"},
        "examples": [{"source": s, "target": t, "output": o} for s, t, o in zip(sources, wanted, outputs, strict=True)],
    }


def bleu(outputs: Sequence[str], wanted: Sequence[str]) -> Measured:
    """Corpus BLEU as sacrebleu defines it (Post 2018), 0 to 100, with a bootstrap interval over sentences."""
    try:
        import sacrebleu
    except ImportError as error:
        raise BadUse("BLEU needs the package sacrebleu; pip install 'foretell[eval]'") from error

    def score(items: Sequence[tuple[str, str]]) -> float:
        return float(sacrebleu.corpus_bleu([o for o, _ in items], [[w for _, w in items]], force=True).score)

    return bootstrap(list(zip(outputs, wanted, strict=True)), score)


def attention_map(model: Model, source: str, target: str) -> dict[str, Any]:
    """What each target token of the last decoder layer attends to in the source, the mean over heads."""
    tokenizer, network = model.tokenizer, model.network
    source_ids, target_ids = tokenizer.encode(source), tokenizer.encode(target)
    assert network.decoder is not None, "a map between source and target needs a seq2seq"
    block = list(network.decoder.layers.values())[-1]
    assert isinstance(block, Block), "a stack is made of blocks"
    cross = block.cross
    assert cross is not None, "the decoder of a seq2seq has cross-attention"
    seen: dict[str, Tensor] = {}
    hooks = [keep_output(getattr(cross, name), name, seen) for name in ("query", "key")]
    with torch.no_grad():
        network(torch.tensor([[tokenizer.end_of_text, *target_ids[:-1]]]), source=torch.tensor([source_ids]))
    for hook in hooks:
        hook.remove()
    q, k = (cross.split_heads(seen[name]) for name in ("query", "key"))  # (B, H, T, K), (B, H, S, K)
    weights = attention_weights(q, k, None).mean(1)[0]  # (T, S)
    return {
        "source_tokens": [tokenizer.decode([i]) for i in source_ids],
        "target_tokens": [tokenizer.decode([i]) for i in target_ids],
        "weights": [[round(w, 4) for w in row] for row in weights.tolist()],
    }


def keep_output(layer: nn.Module, name: str, into: dict[str, Tensor]) -> Any:
    """A hook that keeps a layer's output under a name."""

    def keep(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        into[name] = output

    return layer.register_forward_hook(keep)
