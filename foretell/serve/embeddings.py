"""`/v1/embeddings`: a text as the mean of its last hidden states, of unit length, so that a dot product is a cosine.

The papers of these models give no sentence embedding; the mean over tokens is the plainest that reads all of the text.

T positions   D d_model
"""

import base64
from collections.abc import Sequence

import torch

from foretell.serve.answers import Embedding, EmbeddingAnswer, EmbeddingUsage
from foretell.serve.asking import Asking, aside
from foretell.serve.completions import characters, checked
from foretell.serve.refusals import Refused
from foretell.serve.scheduler import Wanted
from foretell.serve.served import Served
from foretell.serve.wire import EmbeddingRequest

ENDS = ("[CLS]", "[SEP]")  # what an encoder has learnt to see around a text


async def embed(asking: Asking, asked: EmbeddingRequest) -> EmbeddingAnswer:
    """The vectors of the inputs, in their order."""
    served = asking.served
    d_model = served.network.cfg.d_model
    if asked.dimensions not in (None, d_model):
        raise Refused(400, f"the vectors of this model have {d_model} numbers; leave it out", param="dimensions")
    rows = await aside(characters(asked.input), lambda: inputs_of(served, asked))
    calls = [Wanted(call=lambda ids=ids: vector(served, ids)) for ids in rows]  # type: ignore[misc]
    asking.submit(calls)
    await asking.wait()
    found = [written(one.answer, asked.encoding_format) for one in calls]
    n = sum(map(len, rows))
    return EmbeddingAnswer(
        data=[Embedding(index=index, embedding=one) for index, one in enumerate(found)],
        model=served.name,
        usage=EmbeddingUsage(prompt_tokens=n, total_tokens=n),
    )


def inputs_of(served: Served, asked: EmbeddingRequest) -> list[list[int]]:
    """The inputs as ids, each of at least one token and at most as many as the model reads."""
    given = asked.input
    if isinstance(given, str):
        given = [given]
    elif isinstance(given[0], int):
        given = [[i for i in given if isinstance(i, int)]]
    rows = []
    for one in given:
        ids = around(served, served.encode(one)) if isinstance(one, str) else checked(served, one)
        ids = ids or [served.tokenizer.end_of_text]
        if len(ids) > served.n_ctx:
            said = f"an input has {len(ids)} tokens, the model reads {served.n_ctx}; send it in parts"
            raise Refused(400, said, param="input", code="context_length_exceeded")
        rows.append(ids)
    return rows


def around(served: Served, ids: list[int]) -> list[int]:
    """A text's ids with what an encoder has learnt to see before and after them."""
    if served.network.cfg.kind != "encoder" or not served.tokenizer.specials.keys() >= set(ENDS):
        return ids
    begin, end = (served.tokenizer.special(name) for name in ENDS)
    return [begin, *ids, end]


def vector(served: Served, ids: Sequence[int]) -> list[float]:
    """The mean of the last hidden states, scaled to length 1."""
    network = served.network
    given = torch.tensor([list(ids)], device=network.embed.token.weight.device)  # (1, T)
    hidden = network.encode(given) if network.cfg.kind == "seq2seq" else network.hidden(given)  # (1, T, D)
    return torch.nn.functional.normalize(hidden[0].float().mean(0), dim=0).tolist()


def written(numbers: list[float], how: str | None) -> list[float] | str:
    """A vector as numbers, or as the base64 of float32, the lower byte first."""
    if how != "base64":
        return numbers
    return base64.b64encode(torch.tensor(numbers).numpy().astype("<f4").tobytes()).decode()
