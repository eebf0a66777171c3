"""Questions by letter that are answered after an explanation (OpenAI 2023, appendix A).

    question, options, `Explanation:`  ->  the model's own at temperature 0.3, up to `\\nThe answer is therefore`
                                       ->  the likeliest letter after that

An explanation that does not end by itself is cut, and the letter is asked for all the same. A stop text ends it at the
sentence that the demonstrations have taught.
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from foretell.eval.exams import Section
from foretell.eval.prompts import prompt
from foretell.eval.records import Record, append_records, digest, read_records
from foretell.eval.scoring import OptionScore, likeliest, option_score
from foretell.generate.engine import Completion
from foretell.generate.model import Model
from foretell.tasks.exam_questions import EXPLANATION, THEREFORE, Question, as_choice, asked, explained, letters
from foretell.tasks.exams import exam_task
from foretell.tasks.item import Choice

TEMPERATURE = 0.3
AT_ONCE = 64  # questions between two writes; a started group is done again, so that a stop changes no draw
Asked = tuple[Question, str]
"""a question and its prompt"""


def explain(
    model: Model,
    section: Section,
    questions: Sequence[Question],
    path: Path,
    shots: int,
    longest: int,
    seed: int,
    advance: Callable[[int], None],
) -> list[Record] | None:
    """The records of the questions that fit, in order; None if nobody has explained a question of the section."""
    pool = [one for one in section.examples or section.questions if one.explanation]
    if not pool or not shots:
        return None
    longest = min(longest, model.network.cfg.n_ctx // 2)
    prompts = [(one, prompted(model, section, one, pool, shots, longest, seed)) for one in questions]
    fitting = [(one, text) for one, text in prompts if text is not None]
    known, found = read_records(path), []
    for start in range(0, len(fitting), AT_ONCE):
        group = fitting[start : start + AT_ONCE]
        keys = [digest(text, str(longest), str(seed), str(start)) for _, text in group]
        records = [known.get(one.id) for one, _ in group]
        if not all(r is not None and r["prompt"] == key for r, key in zip(records, keys, strict=True)):
            records = [
                {**one, "prompt": key} for one, key in zip(reasoned(model, group, longest, seed), keys, strict=True)
            ]
            append_records(path, [record for record in records if record is not None])
        found += [record for record in records if record is not None]
        advance(len(group))
    return found


def prompted(
    model: Model, section: Section, question: Question, pool: Sequence[Question], shots: int, longest: int, seed: int
) -> str | None:
    """The prompt that ends where the explanation begins, with as many demonstrations as fit; None where none does."""
    others = [one for one in pool if one.id != question.id]
    drawn = others[:shots] if section.examples else random.Random(f"{seed} {section.name}").sample(pool, len(pool))
    shown = [explained(one) for one in drawn if one.id != question.id][:shots]

    def count(text: str) -> int:
        return len(model.tokenizer.encode(text))

    item = Choice(id=question.id, context=asked(question, EXPLANATION), options=as_choice(question).options, gold=0)
    task = exam_task(section.name, "", section.topic, lambda source: ([], [], ""))
    made = prompt(task, item, shown, count, model.network.cfg.n_ctx - longest - count(THEREFORE) - 1)
    return None if made is None else made.texts[0]


def reasoned(model: Model, group: Sequence[Asked], longest: int, seed: int) -> list[Record]:
    """The records of some questions: what was written, why it ended, the letters' scores."""
    texts = [text for _, text in group]
    written = model.generate(texts, max_new_tokens=longest, temperature=TEMPERATURE, stop=(THEREFORE,), seed=seed)
    pairs = [
        (text + one.text.rstrip() + THEREFORE, letter)
        for (question, text), one in zip(group, written, strict=True)
        for letter in letters(len(question.options))
    ]
    scores = iter(model.score(pairs))
    return [
        record(question, one, [option_score(next(scores), letter) for letter in letters(len(question.options))])
        for (question, _), one in zip(group, written, strict=True)
    ]


def record(question: Question, written: Completion, scores: Sequence[OptionScore]) -> Record:
    """The record of a question."""
    place = likeliest(scores, "none")
    told: Record = {"key": question.id, "explanation": written.text, "finish": written.finish}
    told["scores"] = [list(one) for one in scores]
    return told | {"chosen": {"none": place}, "gold": question.gold, "value": float(place == question.gold)}
