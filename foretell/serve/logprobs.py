"""Log-probabilities in the two shapes that clients know: the legacy one of completions, and that of chat."""

from collections.abc import Sequence

from foretell.generate.told import Told
from foretell.serve.answers import ChatLogprobs, LegacyLogprobs, TokenLogprob, TopLogprob
from foretell.serve.spelling import Spelling

Pairs = Sequence[tuple[int, float]]


def legacy(
    spelling: Spelling, ids: Sequence[int], told: Sequence[Told | None], offsets: Sequence[int], n: int
) -> LegacyLogprobs:
    """Of each token, its own log-probability and those of the n likeliest and itself; null where nothing is before."""
    return LegacyLogprobs(
        tokens=[spelling.name(i) for i in ids],
        token_logprobs=[one.logprob if one is not None else None for one in told],
        top_logprobs=[top(spelling, i, one, n) if one is not None else None for i, one in zip(ids, told, strict=True)],
        text_offset=list(offsets),
    )


def top(spelling: Spelling, token: int, told: Told, n: int) -> dict[str, float]:
    """The n likeliest by their texts, and the token itself; of two that look the same the likelier stays."""
    found: dict[str, float] = {}
    for i, logprob in [*told.alternatives[:n], (token, told.logprob)]:
        name = spelling.name(i)
        found[name] = max(logprob, found.get(name, logprob))
    return found


def chat(spelling: Spelling, ids: Sequence[int], told: Sequence[Told], n: int) -> ChatLogprobs:
    """Of each token its text, bytes and log-probability, and those of the n likeliest."""
    content = []
    for i, one in zip(ids, told, strict=True):
        likely = [TopLogprob(**entry(spelling, j, logprob)) for j, logprob in one.alternatives[:n]]
        content.append(TokenLogprob(**entry(spelling, i, one.logprob), top_logprobs=likely))
    return ChatLogprobs(content=content)


def entry(spelling: Spelling, token: int, logprob: float) -> dict:
    """A token as chat shows it."""
    return {"token": spelling.name(token), "logprob": logprob, "bytes": list(spelling.bytes[token])}
