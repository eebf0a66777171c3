"""Translating a whole test set: by length, so that little is padding; kept sentence by sentence, so that it goes on.

OUT/beam-4.jsonl     {"key", "index", "source", "target", "output", "logprob", "finish", "n_source"}, short ones first
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from foretell.corpus.parallel import TextPair
from foretell.eval.records import Record, append_records, digest, read_records
from foretell.eval.results import fingerprint
from foretell.generate.model import Model
from foretell.progress import bar
from foretell.runs import write_whole
from foretell.text.tokenizer import Tokenizer

AT_ONCE = 64  # sentences after which what was found is on disk


def translate(
    model: Model,
    pairs: Sequence[TextPair],
    *,
    width: int,
    length_penalty: float,
    extra: int,
    kept: Path | None = None,
    quiet: bool = True,
) -> list[Record]:
    """The translation of each source by beam search, in the order of the pairs.

    A translation has at most `extra` tokens more than its source (Vaswani et al. 2017, section 6.1), and no more than
    the context holds. Sources longer than the context are cut, as in training; their `cut` is true. Rows in `kept` of
    the same weights, source and settings are not made again. Width 1 is greedy.
    """
    mark, n_ctx = fingerprint(model), model.network.cfg.n_ctx
    rows = [row_of(model.tokenizer, pair, i, n_ctx) for i, pair in enumerate(pairs)]
    for row in rows:
        row["key"] = digest(mark, row["source"], str((width, length_penalty, extra)))
    order = sorted(rows, key=lambda row: (row["n_source"], row["index"]))
    known = {} if kept is None else read_records(kept)
    found = {row["key"]: known[row["key"]] for row in order if row["key"] in known}
    write_rows(kept, found.values())
    with bar(f"translating, beam {width}", len(rows), quiet=quiet) as progress:
        for n_source, group in in_groups([row for row in order if row["key"] not in found]):
            limit = min(n_source + extra, n_ctx)
            texts = [row.pop("read") for row in group]
            made = model.generate(texts, max_new_tokens=limit, beam=width, length_penalty=length_penalty)
            for row, one in zip(group, made, strict=True):
                row |= {"output": one.text.strip(), "logprob": sum(one.logprobs), "finish": one.finish}
                found[row["key"]] = row
            if kept is not None:
                append_records(kept, group)
            progress.advance(len(group))
    answers = [{**found[row["key"]], "index": row["index"], "target": row["target"]} for row in order]
    write_rows(kept, answers)
    return sorted(answers, key=lambda row: row["index"])


def row_of(tokenizer: Tokenizer, pair: TextPair, index: int, n_ctx: int) -> Record:
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


def in_groups(rows: Sequence[Record]) -> Iterator[tuple[int, list[Record]]]:
    """Rows with sources of the same length, at most AT_ONCE together; each text once."""
    for n_source, same in groupby(rows, key=lambda row: int(row["n_source"])):
        every = list({row["key"]: row for row in same}.values())
        for first in range(0, len(every), AT_ONCE):
            yield n_source, every[first : first + AT_ONCE]


def write_rows(path: Path | None, rows: Iterable[Record]) -> None:
    """The file with these rows alone."""
    if path is not None:
        write_whole(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
