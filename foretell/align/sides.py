"""One side of a comparison: a model that is asked now, its best of n, or a file of answers.

    OUT/answers/<key>.jsonl    {"prompt_id", "answer"} a line, by a hash of all that an answer follows from

Answers are kept as they come, so that what was stopped goes on; another model, setting or text has another key.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretell import progress
from foretell.align.answering import Answering, answers, fits
from foretell.align.best_of_n import best_of
from foretell.align.judges import Asked, Score
from foretell.align.records import content_id
from foretell.align.simulated import Record
from foretell.corpus.jsonl import read_lines
from foretell.errors import BadUse
from foretell.eval.results import fingerprint
from foretell.runs import write_whole

if TYPE_CHECKING:
    from foretell.generate.model import Model

AT_ONCE = 128  # prompts between two writes
FIELDS = ("answer", "completion", "text", "output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Who answers: a run folder, a Hugging Face folder, hf:NAME, or a file of answers; best_of asks so many times."""

    name: str
    source: str
    how: Answering = field(default_factory=Answering)
    best_of: int = 1

    @property
    def is_file(self) -> bool:
        """Whether the answers are read and nobody is asked."""
        return self.source.endswith((".jsonl", ".jsonl.gz")) or Path(self.source).is_file()


def opened(side: Side, device: str = "cpu") -> "Model | None":
    """The side's model; None of a file."""
    from foretell.generate.model import load
    from foretell.model.device import choose_device

    if side.is_file:
        return None
    model = load(side.source)
    model.check("answer", "decoder")
    model.network.to(choose_device(device))
    return model


def fitting(prompts: Sequence[Record], sides: Sequence[tuple[Side, "Model | None"]]) -> list[Record]:
    """The prompts that every side can be asked; BadUse where there are none."""
    kept = [one for one in prompts if all(model is None or fits(model, one, side.how) for side, model in sides)]
    if not kept:
        rule = "lower --max-new-tokens, or give shorter prompts"
        raise BadUse(f"none of the {len(prompts)} prompts leaves room for an answer in the models' contexts; {rule}")
    return kept


def side_answers(
    side: Side,
    model: "Model | None",
    prompts: Sequence[Record],
    out: Path,
    score: Score | None = None,
    *,
    score_name: str = "",
    quiet: bool = False,
) -> dict[str, str]:
    """The answer to each prompt by its id; `score`, with a name that tells other rewards apart, is for a best of n."""
    if model is None:
        return from_file(Path(side.source), prompts)
    if side.best_of > 1 and score is None:
        raise BadUse(f"{side.name}: the best of {side.best_of} is chosen by a reward; give --reward RUN")
    told = {"model": fingerprint(model), **asdict(side.how), "best_of": side.best_of}
    told |= {"score": score_name} if side.best_of > 1 else {}
    path = out / "answers" / f"{content_id(told)}.jsonl"
    rows = read_lines(path) if path.exists() else []
    found = {(row["prompt_id"], row["prompt"]): row for row in rows}
    waiting = [one for one in prompts if (one["prompt_id"], content_id(one["text"])) not in found]
    with progress.bar(f"answers of {side.name}", len(waiting), quiet=quiet or not waiting) as shown:
        for start in range(0, len(waiting), AT_ONCE):
            some = waiting[start : start + AT_ONCE]
            texts = answered(side, model, some, score)
            for prompt, text in zip(some, texts, strict=True):
                key = (prompt["prompt_id"], content_id(prompt["text"]))
                found[key] = {"prompt_id": key[0], "prompt": key[1], "answer": text}
            write_whole(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found.values()))
            shown.advance(len(some))
    return {one["prompt_id"]: found[one["prompt_id"], content_id(one["text"])]["answer"] for one in prompts}


def answered(side: Side, model: "Model", prompts: Sequence[Record], score: Score | None) -> list[str]:
    """An answer of a model to each prompt, the best of several where a score is given."""
    found = answers(model, prompts, side.how, [side.best_of] * len(prompts))
    if side.best_of == 1:
        return [some[0] for some in found]
    assert score is not None, "a best of n has a score"
    return best_of(prompts, found, score)


def from_file(path: Path, prompts: Sequence[Record]) -> dict[str, str]:
    """The answers of a file of lines with prompt_id and answer (or completion, text, output) to these prompts."""
    found: dict[str, str] = {}
    for number, row in enumerate(read_lines(path), 1):
        text = next((row[name] for name in FIELDS if isinstance(row.get(name), str)), None)
        if text is None or not isinstance(row.get("prompt_id"), str):
            raise BadUse(f"{path}, line {number}: an answer has prompt_id and {', '.join(FIELDS[:-1])} or {FIELDS[-1]}")
        if found.setdefault(row["prompt_id"], text) != text:
            raise BadUse(f"{path}, line {number}: another answer to prompt {row['prompt_id']}; give one for each")
    lacking = [one["prompt_id"] for one in prompts if one["prompt_id"] not in found]
    if lacking:
        rule = "give the prompts that it answers, or a whole file"
        raise BadUse(f"{path} has no answer to {len(lacking)} of {len(prompts)} prompts, such as {lacking[0]}; {rule}")
    return {one["prompt_id"]: found[one["prompt_id"]] for one in prompts}


def reward_score(folder: str | Path) -> Score:
    """The score of answers by the reward model of a run."""
    from foretell.text.chat import answer_ids, prompt_ids, turns_of

    made = import_module("foretell.align.reward")
    reward = made.load_reward(folder)

    def score(asked: Sequence[Asked]) -> Sequence[float]:
        words: Any = reward.tokenizer
        return made.scores(
            reward, [(prompt_ids(words, turns_of(one["text"])), answer_ids(words, text)) for one, text in asked]
        )

    return score
