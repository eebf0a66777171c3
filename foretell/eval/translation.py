"""How good translations are (Vaswani et al. 2017, section 6.1): beam search, BLEU, and what the decoder looked at.

B batch   H n_heads   T target positions   S source positions
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from foretell.corpus.parallel import TextPair
from foretell.errors import BadUse
from foretell.eval.measured import Measured
from foretell.eval.overlap import bleu as bleu
from foretell.eval.overlap import bleu_difference, bleu_signature, chrf, chrf_signature
from foretell.eval.translating import translate
from foretell.generate.model import Model
from foretell.model.attention import attention_weights
from foretell.model.block import Block

BEAM, LENGTH_PENALTY, EXTRA = 4, 0.6, 50  # section 6.1
Pair = dict[str, str]


def translation_suite(
    model: Model,
    pairs: Sequence[TextPair],
    *,
    training: Sequence[TextPair] = (),
    out: Path | None = None,
    width: int = BEAM,
    length_penalty: float = LENGTH_PENALTY,
    extra: int = EXTRA,
    n_examples: int = 12,
    quiet: bool = True,
) -> dict[str, Any]:
    """BLEU and chrF of the beam's translations and of greedy ones, of two baselines, and examples.

    `training` are the pairs that the model has seen: the commonest target among them is the baseline, of the test's
    own targets where they are not given. With `out` each translation is kept there as it is made, and an interrupted
    evaluation continues. BadUse without pairs, and for a model that is no seq2seq.
    """
    model.check("translate", "seq2seq")
    if not pairs:
        raise BadUse("no pair is given to translate; give a test set with at least one")
    wanted, outputs, rows = [target for _, target in pairs], {}, []
    for name, one in {"greedy": 1, "beam": width}.items():
        kept = None if out is None else out / f"{name if one == 1 else f'beam-{one}'}.jsonl"
        rows = translate(model, pairs, width=one, length_penalty=length_penalty, extra=extra, kept=kept, quiet=quiet)
        outputs[name] = [row["output"] for row in rows]
    common = Counter(target for _, target in training or pairs).most_common(1)[0][0]
    what = f"always {common!r}, the commonest target{'' if training else ' of the test set itself'}"
    step = max(len(rows) // max(n_examples, 1), 1)
    return {
        "n": len(pairs),
        "search": {"width": width, "length_penalty": length_penalty, "max_new_tokens": f"source + {extra}"},
        **figures(outputs["beam"], wanted),
        "greedy": figures(outputs["greedy"], wanted),
        "beam_minus_greedy": bleu_difference(outputs["beam"], outputs["greedy"], wanted),
        "copy": figures([source for source, _ in pairs], wanted),
        "baseline": {**figures([common] * len(wanted), wanted), "what": what},
        "signatures": {"bleu": bleu_signature(), "chrf": chrf_signature()},
        "unfinished": sum(row["finish"] != "end" for row in rows),
        "cut": sum(row["cut"] for row in rows),
        "examples": [{name: row[name] for name in ("source", "target", "output")} for row in rows[::step][:n_examples]],
    }


def figures(outputs: Sequence[str], wanted: Sequence[str]) -> dict[str, Measured]:
    """Both measures of translations."""
    return {"bleu": bleu(outputs, wanted), "chrf": chrf(outputs, wanted)}


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
