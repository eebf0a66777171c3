"""Learning the merges of byte-level BPE (Radford et al. 2019, section 2.2) from text; rustbpe counts and merges.

The most frequent pair of neighbours is merged first, of equals the one whose left token is older, then the one whose
right token is; bytes are as old as their value. Counts are sums and ties have a rule, so neither the order of the texts
nor the number of threads moves a merge. tokenizers' BpeTrainer has the same rule with another order of the 256 bytes.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import rustbpe
import tiktoken

from foretell.errors import BadUse
from foretell.progress import bar
from foretell.text.byte_level import PATTERN
from foretell.text.learn import MIN_COUNT, too_few
from foretell.text.tokenizer import well_formed

PIECE = 1 << 16  # characters, up to twice as many where no space comes
BATCH = 256  # pieces that are counted at once
MOST_BYTES = (1 << 31) - 1  # rustbpe's counts have 32 bits and wrap around without a word
Merge = tuple[bytes, bytes]


def learn_merges(texts: Sequence[str], n_vocab: int, n_specials: int, *, quiet: bool) -> list[Merge]:
    """The n_vocab - n_specials - 256 merges that make a vocabulary; a BadUse where the texts give fewer.

    A pair that is seen once makes no token. Words and gaps of more than 131,072 characters are cut.
    """
    n_tokens = n_vocab - n_specials
    with bar("learning tokens", len(texts), quiet=quiet) as progress:

        def fed() -> Iterator[str]:
            n_bytes = 0
            for text in texts:
                progress.advance()
                for piece in pieces([text]):
                    n_bytes += len(piece) if piece.isascii() else len(piece.encode())
                    if n_bytes > MOST_BYTES:
                        raise BadUse(f"more than {MOST_BYTES} bytes of text to learn tokens from; give a sample of it")
                    yield piece

        trainer = rustbpe.Tokenizer()
        trainer.train_from_iterator(fed(), n_tokens, buffer_size=BATCH, pattern=PATTERN)
    tokens = [token for token, _ in trainer.get_mergeable_ranks()]
    if len(tokens) < n_tokens or not _is_pattern(texts, tokens):
        raise too_few(n_vocab, _most(texts, tokens) + n_specials)
    return splits(tokens)


def pieces(texts: Iterable[str]) -> Iterator[str]:
    """The texts, well formed, long ones cut where a space follows what is none: there the pattern cuts as well."""
    for text in map(well_formed, texts):
        at = 0
        while len(text) - at > PIECE:
            end = _border(text, at + PIECE)
            yield text[at:end]
            at = end
        yield text[at:]


def _border(text: str, least: int) -> int:
    """The first place from `least` on where a piece may end, or PIECE after it."""
    most = min(least + PIECE, len(text))
    while least < most:
        found = [place for mark in " \n" if (place := text.find(mark, least, most)) >= 0]
        if not found:
            break
        if not text[min(found) - 1].isspace():
            return min(found)
        least = min(found) + 1
    return most


def _is_pattern(texts: Sequence[str], tokens: Sequence[bytes]) -> bool:
    """Whether the last token is a byte or occurs MIN_COUNT times in the texts.

    Then so did all before it when they were made: a pair that a merge makes is no more frequent than the merged one.
    """
    if len(tokens) == 256:
        return True
    ranks = {token: rank for rank, token in enumerate(tokens)}
    encoding = tiktoken.Encoding("learning", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
    times = 0
    for piece in pieces(texts):
        if tokens[-1] in piece.encode():
            times += encoding.encode_ordinary(piece).count(len(tokens) - 1)
        if times >= MIN_COUNT:
            return True
    return False


def _most(texts: Sequence[str], tokens: Sequence[bytes]) -> int:
    """How many of the tokens the texts give, by bisection."""
    if _is_pattern(texts, tokens):
        return len(tokens)
    enough, too_many = 256, len(tokens)
    while too_many - enough > 1:
        middle = (enough + too_many) // 2
        enough, too_many = (middle, too_many) if _is_pattern(texts, tokens[:middle]) else (enough, middle)
    return enough


def splits(tokens: Sequence[bytes]) -> list[Merge]:
    """The merge that makes each token but the 256 bytes, which come first: rustbpe tells the tokens only.

    Of the ways to cut a token into two older ones, it is the one that the older merges lead to when they are applied
    to the token's bytes; there is just one.
    """
    rank = {token: i for i, token in enumerate(tokens[:256])}
    lengths = [1]  # of the tokens so far, in order: a gap of spaces can make tokens of thousands
    halves: dict[int, tuple[int, int]] = {}
    made: dict[tuple[int, int], int] = {}
    for new, token in enumerate(tokens[256:], start=256):
        n_shorter = bisect_left(lengths, len(token))
        cuts = [cut for cut in lengths[:n_shorter] if token[:cut] in rank and token[cut:] in rank]
        ways = [(rank[token[:cut]], rank[token[cut:]]) for cut in cuts]
        way = ways[0] if len(ways) == 1 else next(way for way in ways if _holds(*way, halves, made))
        halves[new], made[way], rank[token] = way, new, new
        if lengths[n_shorter:][:1] != [len(token)]:
            lengths.insert(n_shorter, len(token))
    return [(tokens[left], tokens[right]) for left, right in halves.values()]


def _holds(left: int, right: int, halves: dict[int, tuple[int, int]], made: dict[tuple[int, int], int]) -> bool:
    """Whether two tokens side by side are still those two when their bytes are merged: no merge crosses the border.

    On each side of the border a token stands that grows with time, from a byte to the whole; a token's number is the
    time when it is made. A pair that is merged before either side grows crosses. Equal pairs are merged from the left.
    """
    never = len(halves) + 256
    ends, starts = _growth(left, 1, halves), _growth(right, 0, halves)
    at_left, at_right = 0, 0
    while True:
        left_grows = ends[at_left + 1] if at_left + 1 < len(ends) else never
        right_grows = starts[at_right + 1] if at_right + 1 < len(starts) else never
        crosses = made.get((ends[at_left], starts[at_right]), never)
        if crosses < left_grows and crosses <= right_grows:
            return False
        if left_grows == right_grows == never:
            return True
        if left_grows <= right_grows:
            at_left += 1
        else:
            at_right += 1


def _growth(token: int, side: int, halves: dict[int, tuple[int, int]]) -> list[int]:
    """The tokens that stand at one end of a token, from the byte to itself: side 0 its begin, 1 its end."""
    found = [token]
    while found[-1] in halves:
        found.append(halves[found[-1]][side])
    return found[::-1]
