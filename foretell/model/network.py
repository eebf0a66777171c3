"""The network, once: encoder (BERT), decoder (GPT) and encoder-decoder (Transformer) with their heads.

    hidden = model.hidden(ids)          (B, T) -> (B, T, D)
    logits = model(ids)                 (B, T) -> (B, T, V)

Ids from n_vocab on are no words: id n_vocab + i is row i of `seen`, the patches of images as the decoder reads them.

B batch   T positions   S source positions   D d_model   V n_vocab   C outputs   N images   P patches   M seen
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foretell.errors import BadUse
from foretell.model.cache import Cache
from foretell.model.config import NetworkConfig
from foretell.model.embed import Embedding
from foretell.model.heads import LanguageHead, Pooler, TaskHead
from foretell.model.sparse import Branches
from foretell.model.stack import Stack
from foretell.model.vision import Vision, numbered, written


class Network(nn.Module):
    """One network of any rung. It knows no optimizer and no mesh, and can be built on the meta device."""

    def __init__(self, cfg: NetworkConfig) -> None:
        super().__init__()
        self.cfg, heads = cfg, cfg.heads
        self.embed = Embedding(cfg)
        self.encoder = Stack(cfg, causal=False) if cfg.kind in ("encoder", "seq2seq") else None
        self.decoder = Stack(cfg, causal=True, cross=cfg.kind == "seq2seq") if cfg.kind != "encoder" else None
        self.lm_head = LanguageHead(cfg) if heads.lm else None
        self.pooler = Pooler(cfg) if heads.next_sentence or heads.task_pooler else None
        self.next_sentence = nn.Linear(cfg.d_model, 2) if heads.next_sentence else None
        self.task_head = TaskHead(cfg) if heads.n_outputs else None
        self.vision = Vision(cfg.vision, cfg) if cfg.vision is not None else None

    def forward(self, ids: Tensor, **given: Tensor) -> Tensor:  # (B, T) -> (B, T, V)
        """Token logits; for a seq2seq `source` (and `source_attend`) are given and `ids` is the target.

        With `images (N, 3, S, S)` the placeholders among `ids` are their patches, in the order of reading.
        """
        if self.cfg.kind == "seq2seq":
            memory = self.encode(given["source"], given.get("source_attend"))
            return self.logits(self.hidden(ids, memory=memory, memory_attend=given.get("source_attend")))
        images = given.get("images")
        if images is not None:
            ids, seen = self.placed(ids, images)
            return self.logits(self.hidden(ids, attend=given.get("attend"), seen=seen))
        return self.logits(self.hidden(ids, given.get("segments"), given.get("attend")))

    def hidden(
        self,
        ids: Tensor,
        segments: Tensor | None = None,
        attend: Tensor | None = None,
        memory: Tensor | None = None,
        memory_attend: Tensor | None = None,
        cache: Cache | None = None,
        branches: Branches | None = None,
        seen: Tensor | None = None,
    ) -> Tensor:  # (B, T), (B, T), (B, T), (B, S, D), (B, S) -> (B, T, D)
        """The last hidden states. `attend` is True at real tokens (a causal model padded at the end needs none).

        With `branches` every row is a tree's tokens, which replaces causality; `attend` is then not looked at. With
        `seen (M, D)` ids from n_vocab on are its rows.
        """
        positions, equal = places(ids, cache)
        if branches is not None:
            positions = branches.positions.expand_as(ids)
        words = ids if seen is None else ids.clamp(max=self.cfg.n_vocab - 1)  # (B, T)
        x = self.embed(words, positions, segments)  # (B, T, D)
        if seen is not None:
            x = written(x, ids - self.cfg.n_vocab, seen)
        stack = self.encoder if self.decoder is None else self.decoder
        assert stack is not None, "a network has an encoder or a decoder"
        return stack(x, positions, attend, memory, memory_attend, cache, equal, branches)

    def encode(self, source: Tensor, attend: Tensor | None = None) -> Tensor:  # (B, S), (B, S) -> (B, S, D)
        """The memory that a seq2seq's decoder attends to."""
        assert self.encoder is not None, "only an encoder encodes"
        positions, _ = places(source, None)
        return self.encoder(self.embed(source, positions), positions, attend)

    def look(self, images: Tensor) -> Tensor:  # (N, 3, Y, X) -> (M, D)
        """What the decoder reads of images, patch by patch; BadUse where the network does not see."""
        if self.vision is None:
            raise BadUse("this model does not see; give one that was trained with images")
        return self.vision(images).flatten(0, 1)

    def placed(self, ids: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:  # (B, T), (N, 3, Y, X) -> (B, T), (M, D)
        """The ids with the placeholders numbered as rows of what is seen, and what is seen.

        BadUse where there are more or fewer placeholders than patches.
        """
        seen = self.look(images)
        assert self.cfg.vision is not None, "look() refuses a network that does not see"
        return numbered(ids, self.cfg.vision, self.cfg.n_vocab, len(images)), seen

    def logits(self, hidden: Tensor) -> Tensor:  # (..., D) -> (..., V)
        """Token logits of hidden states, in the precision of the hidden states."""
        assert self.lm_head is not None, "this network has no language-model head"
        return F.linear(self.lm_head.transform(hidden), self.output_weight, self.lm_head.bias)

    @property
    def output_weight(self) -> Tensor:
        """The output matrix (V, D): the token embeddings where they are tied."""
        head = self.lm_head
        return self.embed.token.weight if head is None or head.weight is None else head.weight

    def next_sentence_logits(self, hidden: Tensor) -> Tensor:  # (B, T, D) -> (B, 2)
        """Two logits: A is followed by something else, A is followed by B."""
        assert self.pooler is not None, "this network has no pooler"
        assert self.next_sentence is not None, "this network has no next-sentence head"
        return self.next_sentence(self.pooler(hidden[:, 0]))

    def task_outputs(self, hidden: Tensor) -> Tensor:  # (..., D) -> (..., C)
        """A task's logits or scores from the hidden states of the positions that are to be read."""
        assert self.task_head is not None, "this network has no task head"
        return self.task_head(hidden if self.pooler is None else self.pooler(hidden))


def places(ids: Tensor, cache: Cache | None) -> tuple[Tensor, bool]:  # (B, T) -> (B, T)
    """The position of each token, and whether all rows stand equally far."""
    new = ids.shape[1]
    if cache is not None:
        return cache.advance(new, ids.device)
    return torch.arange(new, device=ids.device).expand(ids.shape[0], new), True
