"""Translating a whole test set: by length, so that little is padding; kept sentence by sentence, so that it goes on.

OUT/beam-4.jsonl     {"key", "index", "source", "target", "output", "logprob", "finish", "n_source"}, short ones first
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

from foretell.corpus.parallel import TextPair
from foretell.generate.model import Model
from foretell.progress import bar
from foretell.runs import write_whole
from foretell.text.tokenizer import Tokenizer

AT_ONCE = 64  # sentences after which what was found is on disk
Row = dict[str, Any]


def translate(
    model: Model,
    pairs: Sequence[TextPair],
    *,
    width: int,
    length_penalty: float,
    extra: int,
    kept: Path | None = None,
    quiet: bool = True,
) -> list[Row]:
    """The translation of each source by beam search, in the order of the pairs.

    A translation has at most `extra` tokens more than its source (Vaswani et al. 2017, section 6.1), and no more than
    the context holds. Sources longer than the context are cut, as in training; their `cut` is true. Rows in `kept` of
    the same weights, source and settings are not made again. Width 1 is greedy.
    """
    mark, n_ctx = fingerprint(model), model.network.cfg.n_ctx
    rows = [row_of(model.tokenizer, pair, i, n_ctx) for i, pair in enumerate(pairs)]
    for row in rows:
        how = [mark, row["source"], width, length_penalty, extra]
        row["key"] = hashlib.sha256(json.dumps(how).encode()).hexdigest()[:16]
    order = sorted(rows, key=lambda row: (row["n_source"], row["index"]))
    found = {row["key"]: row for row in read_kept(kept) if row["key"] in {row["key"] for row in rows}}
    write_rows(kept, found.values())
    with bar(f"translating, beam {width}", len(rows), quiet=quiet) as progress:
        for n_source, group in in_groups([row for row in order if row["key"] not in found]):
            limit = min(n_source + extra, n_ctx)
            texts = [row.pop("read") for row in group]
            made = model.generate(texts, max_new_tokens=limit, beam=width, length_penalty=length_penalty)
            for row, one in zip(group, made, strict=True):
                row |= {"output": one.text.strip(), "logprob": sum(one.logprobs), "finish": one.finish}
                found[row["key"]] = row
            append_rows(kept, group)
            progress.advance(len(group))
    answers = [{**found[row["key"]], "index": row["index"], "target": row["target"]} for row in order]
    write_rows(kept, answers)
    return sorted(answers, key=lambda row: row["index"])


def row_of(tokenizer: Tokenizer, pair: TextPair, index: int, n_ctx: int) -> Row:
    """What is known of a pair before it is translated; `read` is the part of the source that the encoder reads."""
    source, target = pair
    read, ids, room = source, tokenizer.encode(source), n_ctx
    while len(ids) > n_ctx:  # a text that is cut may have more tokens than it was cut to
        read = tokenizer.decode(ids[:room])
        ids, room = tokenizer.encode(read), room - 1
    return {
        "index": index,
        "source": source,
        "target": target,
        "n_source": len(ids),
        "cut": read != source,
        "read": read,
    }


def in_groups(rows: Sequence[Row]) -> Iterator[tuple[int, list[Row]]]:
    """Rows with sources of the same length, at most AT_ONCE together; each text once."""
    for n_source, same in groupby(rows, key=lambda row: int(row["n_source"])):
        every = list({row["key"]: row for row in same}.values())
        for first in range(0, len(every), AT_ONCE):
            yield n_source, every[first : first + AT_ONCE]


def fingerprint(model: Model) -> str:
    """The SHA-256 of a model's tokenizer, shapes and weights."""
    whole = hashlib.sha256(f"{model.tokenizer.sha()} {model.network.cfg}".encode())
    for name, value in model.network.state_dict().items():
        whole.update(name.encode())
        whole.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return whole.hexdigest()


def read_kept(path: Path | None) -> Iterator[Row]:
    """The rows of an earlier evaluation; a line that a kill cut short ends them."""
    if path is None or not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            return
        if isinstance(row, dict) and {"key", "output", "logprob", "finish"} <= row.keys():
            yield row


def write_rows(path: Path | None, rows: Any) -> None:
    """The file with these rows alone."""
    if path is not None:
        write_whole(path, "".join(line_of(row) for row in rows))


def append_rows(path: Path | None, rows: Sequence[Row]) -> None:
    """Rows at the end of the file."""
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(line_of(row) for row in rows))


def line_of(row: Row) -> str:
    """A row as a line of the file."""
    return json.dumps(row) + "\n"
