"""The models of a server by name, each with its own batch."""

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from foretell.errors import BadUse
from foretell.generate.model import Model
from foretell.serve.prefix import Prefixes
from foretell.serve.refusals import Refused
from foretell.serve.scheduler import Scheduler
from foretell.serve.settings import Limits
from foretell.serve.spelling import Spelling
from foretell.text.specials import CHAT, IMAGE

SLUG = re.compile(r"[a-z0-9._-]{1,64}")


class Served:
    """A model under a name. Names are all that a request can give, never a path."""

    def __init__(self, name: str, model: Model, limits: Limits) -> None:
        self.name, self.model, self.created = name, model, int(time.time())
        self.network, self.tokenizer = model.network, model.tokenizer
        self.n_ctx = model.network.cfg.n_ctx
        self.spelling = Spelling(self.tokenizer, model.network.cfg.n_vocab)
        longest = max(map(len, self.spelling.bytes))
        self.most_characters = self.n_ctx * (longest if self.spelling.by_bytes else max(64, longest))
        self.kept = Prefixes(limits.prefix_bytes)
        self.scheduler = Scheduler(
            self.network, self.spelling, rows=limits.rows, max_waiting=limits.max_waiting, kept=self.kept
        )
        self.sees = self.network.cfg.vision is not None and IMAGE in self.tokenizer.specials
        self.chats = self.tokenizer.specials.keys() >= set(CHAT)

    def check_writes(self) -> None:
        """Refused if the model makes no text."""
        kind = self.network.cfg.kind
        if kind == "encoder" or self.network.lm_head is None:
            raise Refused(400, f"the model {self.name} is of kind {kind} and makes no text; ask another", param="model")

    def encode(self, text: str) -> list[int]:
        """The ids of a prompt, which must not be empty where nothing can stand before a text.

        A text that cannot fit, however it is cut, is refused before it is: that would hold up everybody else.
        """
        self.check_characters(text)
        ids = self.tokenizer.encode(text)
        if not ids and not self.tokenizer.has_end:
            raise Refused(400, "the prompt is empty, and this model's vocabulary has nothing to begin with; give text")
        return ids

    def check_characters(self, text: str) -> None:
        """Refused if the context cannot hold so long a text."""
        if len(text) > self.most_characters:
            said = f"the model's context holds {self.n_ctx} tokens; a text has {len(text)} characters"
            raise Refused(400, f"{said}, more than they can spell; shorten it", code="context_length_exceeded")


def found(models: Mapping[str, Served], name: str) -> Served:
    """The model of a name; Refused where there is none."""
    if name not in models:
        known = ", ".join(sorted(models))
        raise Refused(404, f"no model is called {name!r}; known: {known}", param="model", code="model_not_found")
    return models[name]


def named(sources: Sequence[str]) -> dict[str, str]:
    """The source of each model by its name: that of NAME=SOURCE, else of the folder. BadUse where two have one name."""
    names: dict[str, str] = {}
    for source in sources:
        given, sign, rest = source.partition("=")
        if sign and SLUG.fullmatch(given):
            name, where = given, rest
        else:
            where = source
            bare = re.sub(r"[^a-z0-9._-]+", "-", Path(source.removeprefix("hf:")).resolve().name.lower())
            name = bare.strip("-")[:64] or "model"
        if name in names:
            raise BadUse(f"two models are called {name!r}; name one of them: OTHER={where}")
        names[name] = where
    return names
