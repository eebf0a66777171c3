"""Byte-level BPE as tables (Radford et al. 2019, section 2.2): from a tokenizer.json to a tiktoken encoding.

tokenizer.json lists merges, the first to be merged first; tiktoken holds ranks of byte strings, the lowest to be merged
first. Both give the same ids if every token is made by one merge, in the order of the ids, and is what its own text
encodes to; fast_encoding() checks that and returns None where it does not hold.
"""

from collections.abc import Iterable
from typing import Any

import tiktoken
from tokenizers import models

PATTERN = r"(?:'(?:[sdmt]|ll|re|ve)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+)|\s++$|\s+(?!\S)|\s"
"""GPT-2's: contractions, then letters, digits or other marks with one space before them, then spaces. The group changes
no match: all that needs no look-ahead is one automaton then, which is half as quick again in tiktoken and rustbpe."""
PRE_TOKENIZER = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}


def characters() -> tuple[str, ...]:
    """The printable character that stands for each byte in GPT-2's files: its own, or one from 256 on."""
    printable = {*range(ord("!"), 127), *range(161, 173), *range(174, 256)}
    others = [byte for byte in range(256) if byte not in printable]
    stand_in = {byte: chr(256 + n) for n, byte in enumerate(others)}
    return tuple(stand_in.get(byte, chr(byte)) for byte in range(256))


def written(tokens: Iterable[bytes]) -> list[str]:
    """Tokens in the stand-in characters of GPT-2's files."""
    table = dict(enumerate(characters()))
    return [token.decode("latin-1").translate(table) for token in tokens]


def token_bytes(content: dict[str, Any]) -> list[bytes]:
    """The bytes of every token of a tokenizer.json, by id; an added token's are its name."""
    byte_of = {ord(character): byte for byte, character in enumerate(characters())}
    table = {i: token.translate(byte_of).encode("latin-1") for token, i in _learnt(content).items()}
    table |= {added["id"]: added["content"].encode() for added in content["added_tokens"]}
    return [table[i] for i in range(len(table))]


def fast_encoding(content: dict[str, Any]) -> tiktoken.Encoding | None:
    """A tiktoken encoding with the same ids, or None for a tokenizer that tiktoken cannot be trusted to equal."""
    model, added = content["model"], content["added_tokens"]
    pre = content["pre_tokenizer"] | {"trim_offsets": None}
    gpt2_like = pre == PRE_TOKENIZER | {"trim_offsets": None} and content["normalizer"] is None
    plain = not model.get("dropout") and all(token["special"] for token in added)
    if not (gpt2_like and plain and _ranks_are_ids(content)):
        return None
    names = {token["id"]: token["content"] for token in added}
    return tiktoken.Encoding(
        "foretell",
        pat_str=PATTERN,
        mergeable_ranks={token: i for i, token in enumerate(token_bytes(content)) if i not in names},
        special_tokens={name: i for i, name in names.items()},
    )


def _ranks_are_ids(content: dict[str, Any]) -> bool:
    """Whether each token is a byte or made by one merge, in the order of ids, and is what its text encodes to."""
    learnt, merges = _learnt(content), [(left, right) for left, right in content["model"]["merges"]]
    made = [left + right for left, right in merges]
    ids = [learnt.get(token, -1) for token in made]
    if learnt.keys() != {*characters(), *made} or ids != sorted(set(ids)):
        return False
    bpe = models.BPE(learnt, merges)
    return all(bpe.tokenize(token)[0].value == token for token in made)


def _learnt(content: dict[str, Any]) -> dict[str, int]:
    """The vocabulary without the added tokens: token in stand-in characters -> id."""
    names = {token["content"] for token in content["added_tokens"]}
    return {token: i for token, i in content["model"]["vocab"].items() if token not in names}
