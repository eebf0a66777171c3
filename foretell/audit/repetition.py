"""How text repeats itself as it grows longer, against what people wrote in its place, and what helps.

Brown et al. 2020, section 6: samples "repeat themselves semantically at the document level ... over sufficiently long
passages". Prompts are beginnings of held-out documents; each way of choosing tokens goes on from them as long as the
document does.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import numpy as np

from foretell import progress
from foretell.audit.asked import Asked, Results, one_of
from foretell.audit.repetition_measures import (
    HUMAN,
    PARTS,
    PUBLISHED,
    distinct,
    longest_repeat,
    parts,
    repeated_by_part,
    repetition,
    self_bleu,
    seq_rep,
    zlib_ratio,
)
from foretell.audit.seen_text import held_out_of, several, spaced, starts_of
from foretell.errors import BadUse
from foretell.eval.measured import Measured, bootstrap
from foretell.eval.records import append_records, digest, read_records
from foretell.eval.results import fingerprint
from foretell.generate.config import Contrastive, Sampling
from foretell.generate.contrastive import contrastive_search
from foretell.generate.engine import generate
from foretell.generate.model import Model
from foretell.runs import open_text

N = 4
SAMPLES, PROMPT, LENGTH, LEAST = 32, 16, 256, 24  # samples of a way; tokens of a prompt, and of what follows
BLOCK = 16  # samples between two writes
PEOPLE = "people"
FILE = "175b_samples.jsonl"
Way = Sampling | Contrastive
WAYS: dict[str, Way] = {
    "drawn": Sampling(max_new_tokens=1, top_p=0.85),
    "greedy": Sampling(max_new_tokens=1, temperature=0),
    "penalty": Sampling(max_new_tokens=1, temperature=0, repetition_penalty=1.2),
    "no 4-gram twice": Sampling(max_new_tokens=1, temperature=0, no_repeat_ngram=4),
    "contrastive": Contrastive(max_new_tokens=1),
}
"""top-p 0.85 at temperature 1 is how the published samples were drawn"""


def audit(asked: Asked) -> Results:
    """seq-rep-4 of each way of choosing tokens and of people, whole and by tenths of the text, and four more measures.

    Options: `ways` (names of WAYS; all), `length` (tokens that follow a prompt), `text` (folders of text that people
    wrote; of a run its held-out text). BadUse where no document is long enough.
    """
    ways = [one_of("way", name, list(WAYS)) for name in several(asked.option("ways", list(WAYS)))]
    model = asked.loaded()
    model.check("continue a text", "decoder")
    prompts, human = begun(model, asked)
    texts = {PEOPLE: [model.words.decode(ids.tolist()) for ids in human]}
    with progress.bar("repetition", len(ways) * len(prompts), quiet=asked.quiet) as shown:
        for name in ways:
            how = replace(WAYS[name], max_new_tokens=len(human[0]))
            texts[name] = continued(model, name, how, prompts, asked, shown.advance)
    if (path := asked.find(FILE)) is not None:
        texts["published"] = published_samples(str(path))
    rows = [row for name, some in texts.items() for row in rows_of(name, some, model.tokenizer.encode)]
    return {
        "figures": figures_of(texts, model.tokenizer.encode),
        "rows": rows,
        "published": PUBLISHED,
        "said": said(texts, len(human[0]), rows),
    }


def begun(model: Model, asked: Asked) -> tuple[list[list[int]], list[np.ndarray]]:
    """The beginnings of held-out documents, and what people wrote after each: as long as the context lets it be."""
    ids, n_ctx = held_out_of(asked, model), model.network.cfg.n_ctx
    end = model.tokenizer.end_of_text if model.tokenizer.has_end else -1
    prompt = min(PROMPT, n_ctx // 4)
    length = min(int(asked.option("length", LENGTH)), n_ctx - prompt)
    wanted = asked.samples or SAMPLES
    while True:
        places = spaced(starts_of(ids, prompt + length, end), wanted, prompt + length, asked.seed)
        if len(places) >= min(wanted, 8) or length // 2 < LEAST:
            break
        length //= 2
    if len(places) < 2:
        raise BadUse(f"no two held-out documents have {prompt + length} tokens; give longer ones: --set text=FOLDER")
    rows = [ids[at : at + prompt + length].astype(np.int64) for at in places]
    return [row[:prompt].tolist() for row in rows], [row[prompt:] for row in rows]


def continued(
    model: Model, name: str, how: Way, prompts: Sequence[list[int]], asked: Asked, advance: Callable[[int], None]
) -> list[str]:
    """What the model writes after each prompt; blocks that the file of samples holds are not written again."""
    path, texts = asked.samples_file("repetition"), list[str]()
    known, whose = read_records(path), fingerprint(model)
    for start in range(0, len(prompts), BLOCK):
        some = prompts[start : start + BLOCK]
        key = f"{name} {start} " + digest(whose, repr((how, asked.seed, some)))
        record = known.get(key)
        if record is None:
            seed = int(digest(repr((asked.seed, start))), 16) % 2**32
            record = {"key": key, "texts": written(model, how, some, seed)}
            append_records(path, [record])
        texts += record["texts"]
        advance(len(some))
    return texts


def written(model: Model, how: Way, prompts: Sequence[list[int]], seed: int) -> list[str]:
    """The completions of a block."""
    if isinstance(how, Contrastive):
        found = contrastive_search(model.network, model.words, prompts, how)
    else:
        found = generate(model.network, model.words, prompts, replace(how, seed=seed))
    return [one.text for one in found]


def published_samples(path: str) -> list[str]:
    """The texts of a file of JSON strings, one a line."""
    import json
    from pathlib import Path

    with open_text(Path(path)) as file:
        found = [json.loads(line) for line in file if line.strip()]
    if not all(isinstance(one, str) for one in found):
        raise BadUse(f"{path} is not the file of published samples: a text on each line, as JSON")
    return found


def figures_of(texts: dict[str, list[str]], encode: Callable[[str], list[int]]) -> dict[str, Measured]:
    """The mean seq-rep-4 of each way, of words and of tokens."""
    found: dict[str, Measured] = {}
    units: dict[str, Callable[[str], Sequence[Hashable]]] = {"words": str.split, "tokens": encode}
    for what, cut in units.items():
        for name, some in texts.items():
            values = [x for text in some if (x := repetition(cut(text), N)) is not None]
            if values:
                found[f"seq-rep-{N} of {what}, {name}"] = bootstrap(values, fmean)
    return found


def rows_of(name: str, texts: Sequence[str], encode: Callable[[str], list[int]]) -> list[dict[str, Any]]:
    """The row of whole texts, and one for each part of them. Tokens tell of loops without a space, as words do not."""
    reps = [seq_rep(text, N) for text in texts]
    whole = row(name, "all", reps, texts)
    whole["seq_rep_tokens"] = mean([repetition(encode(text), N) for text in texts])
    whole |= {"longest_repeat": fmean(map(longest_repeat, texts)), "zlib": mean([zlib_ratio(text) for text in texts])}
    by_part = [repeated_by_part(text, N) for text in texts]
    pieces = [parts(text) for text in texts]
    return [
        whole,
        *(row(name, str(i + 1), [one[i] for one in by_part], [one[i] for one in pieces]) for i in range(PARTS)),
    ]


def row(name: str, part: str, reps: Sequence[float | None], texts: Sequence[str]) -> dict[str, Any]:
    """The measures of texts, or of one part of them."""
    known = [one for one in reps if one is not None]
    found: dict[str, Any] = {"way": name, "part": part, "n": len(known), "seq_rep": None, "low": None, "high": None}
    if known:
        measured = bootstrap(known, fmean)
        found |= {"seq_rep": measured["value"], "low": measured["low"], "high": measured["high"]}
        found |= {"above_0.2": fmean(one > 0.2 for one in known)}
    else:
        found |= {"above_0.2": None}
    found |= {"seq_rep_tokens": None, "distinct_2": distinct(texts, 2), "self_bleu": self_bleu(texts)}
    return found | {"longest_repeat": None, "zlib": mean([zlib_ratio(text) for text in texts])}


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of what is known."""
    known = [one for one in values if one is not None]
    return fmean(known) if known else None


def said(texts: dict[str, list[str]], length: int, rows: Sequence[dict[str, Any]]) -> list[str]:
    """What must be read with the figures."""
    lines = [
        f"{len(texts[PEOPLE])} prompts; each text has at most {length} tokens, and repetition grows with length.",
        f"The 485 published samples of Brown et al. 2020: seq-rep-4 {PUBLISHED['mean']} on average, "
        f"{100 * PUBLISHED['above 0.2']:.1f} % above 0.2; film reviews of 1000 words {HUMAN['mean']}.",
    ]
    if all(one["self_bleu"] is None for one in rows):
        lines.append("Self-BLEU is left out: it needs sacrebleu, pip install 'foretell[eval]'.")
    return lines
