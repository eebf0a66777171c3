"""A rubric is a question with several options on an answer: the same file evaluates, rewards and tests for regressions.

The layout is that of openai/evals' model-graded YAML (registry/modelgraded): a name, and below it

    prompt           a text with {input} and {completion}, or a list of messages with role and content
    choice_strings   "ABCDE", or a list of answers
    choice_scores    what each is worth; from_strings where the answers are numbers themselves
    eval_type        classify: the choice alone; classify_cot: then reasons; cot_classify: reasons, then the choice
    input_outputs    what evals puts where; kept, not read

and, of ours, `rewards`: what each choice earns by the class of the prompt, `disallowed` and `safe`.

An answer is parsed strictly: the first line (the last of cot_classify) is one of the choices and nothing else but
quotes, brackets and a full stop around it. What is none of them is told as unparsable and never guessed.
"""

import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

from foretell.errors import BadUse, Failed, nearest
from foretell.runs import read_text

EMBEDDED = Path(__file__).with_name("made_rubrics") / "refusal.yaml"
Kind = Literal["classify", "classify_cot", "cot_classify"]
AROUND = string.whitespace + "\"'`()[]*.:"
CLASSES = ("disallowed", "safe")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rubric:
    """A rubric; see the head of this file."""

    name: str
    prompt: str
    choices: tuple[str, ...]
    scores: dict[str, float]
    """empty where the file scores nothing"""
    kind: Kind
    rewards: dict[str, dict[str, float]]
    """empty where the file rewards nothing"""


def read_rubric(path: str | Path = EMBEDDED, name: str = "") -> Rubric:
    """The rubric of a file, the only one or that of the name; BadUse that names the field which is wrong."""
    path = Path(path)
    found = content(path)
    if not name and len(found) != 1:
        raise BadUse(f"{path} holds {len(found)} rubrics; name one of {', '.join(found) or 'none'}")
    name = name or next(iter(found))
    if name not in found:
        raise BadUse(f"{path} holds no rubric {name!r}{nearest(name, list(found))}")
    told = found[name]
    if not isinstance(told, dict):
        raise BadUse(f"{path}: {name} is no mapping; a rubric has prompt, choice_strings and eval_type")
    at = f"{path}, {name}"
    choices = choices_of(told.get("choice_strings"), at)
    return Rubric(
        name=name,
        prompt=prompt_of(told.get("prompt"), at),
        choices=choices,
        scores=scores_of(told.get("choice_scores"), choices, at, "choice_scores"),
        kind=kind_of(told.get("eval_type", "classify"), at),
        rewards=rewards_of(told.get("rewards"), choices, at),
    )


def content(path: Path) -> dict[str, Any]:
    """What a YAML file holds, by name."""
    try:
        yaml = import_module("yaml")
    except ImportError as error:
        raise BadUse("a rubric needs the package pyyaml; pip install pyyaml") from error
    try:
        found = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise BadUse(f"{path} is no YAML ({' '.join(str(error).split())}); mend it") from error
    if not isinstance(found, dict) or not found:
        raise BadUse(f"{path} holds no rubric; a file has a name and below it prompt, choice_strings and eval_type")
    return {str(key): value for key, value in found.items()}


def prompt_of(told: Any, at: str) -> str:
    """The prompt as one text; BadUse where it has no {completion}."""
    if isinstance(told, list) and all(isinstance(one, dict) and isinstance(one.get("content"), str) for one in told):
        told = "\n\n".join(one["content"] for one in told)
    if not isinstance(told, str) or "{completion}" not in told:
        raise BadUse(f"{at}: prompt has no {{completion}}; the answer that is judged must stand in it")
    return told


def choices_of(told: Any, at: str) -> tuple[str, ...]:
    """The choices: the letters of a text, or a list; BadUse for fewer than two, for two that parse alike."""
    found = tuple(told) if isinstance(told, str) else tuple(map(str, told)) if isinstance(told, list) else ()
    if isinstance(told, str) and told.startswith("from_"):
        raise BadUse(f"{at}: choice_strings {told!r} depends on a number of completions; write the choices out")
    if len(found) < 2:
        raise BadUse(f"{at}: choice_strings is {told!r}; give two choices or more, such as ABCD")
    bare = [one.strip(AROUND) for one in found]
    if len(set(bare)) < len(found) or not all(bare):
        raise BadUse(
            f"{at}: choice_strings {told!r} cannot be told apart by their answers; give each a text of its own"
        )
    return found


def scores_of(told: Any, choices: tuple[str, ...], at: str, what: str) -> dict[str, float]:
    """The number of each choice; empty where none is told. BadUse where a choice has none, or what is no choice."""
    if told is None:
        return {}
    if told == "from_strings":
        told = {one: one for one in choices}
    if not isinstance(told, Mapping):
        raise BadUse(f"{at}: {what} is {told!r}; give a number for each of {', '.join(choices)}")
    numbers = {str(key): value for key, value in told.items()}
    if wrong := sorted(set(numbers) ^ set(choices)):
        raise BadUse(f"{at}: {what} and choice_strings differ in {', '.join(wrong)}; give a number for each choice")
    try:
        return {one: float(numbers[one]) for one in choices}
    except (TypeError, ValueError) as error:
        raise BadUse(f"{at}: {what} holds what is no number ({error}); give numbers") from error


def rewards_of(told: Any, choices: tuple[str, ...], at: str) -> dict[str, dict[str, float]]:
    """What each choice earns by the class of a prompt; empty where nothing is told."""
    if told is None:
        return {}
    if not isinstance(told, Mapping) or set(told) != set(CLASSES):
        raise BadUse(f"{at}: rewards is for {' and '.join(CLASSES)} prompts, each a number for each choice")
    return {one: scores_of(told[one], choices, at, f"rewards.{one}") for one in CLASSES}


def kind_of(told: Any, at: str) -> Kind:
    """The order of choice and reasons."""
    if told not in get_args(Kind):
        raise BadUse(f"{at}: eval_type is {told!r}{nearest(str(told), list(get_args(Kind)))}")
    found: Kind = told
    return found


def parsed(rubric: Rubric, answer: str) -> str | None:
    """The choice that a judge's answer names, or None."""
    lines = [line for line in answer.splitlines() if line.strip()]
    if not lines:
        return None
    line = lines[-1] if rubric.kind == "cot_classify" else lines[0]
    said = line.strip(AROUND)
    return next((one for one in rubric.choices if one.strip(AROUND) == said), None)


def asked(rubric: Rubric, prompt: str, answer: str) -> str:
    """What a judge is asked of an answer. Braces that a request or an answer holds stay as they are."""
    filled = {"input": prompt, "completion": answer, "ideal": ""}
    parts = rubric.prompt.split("{")
    found = parts[0]
    for part in parts[1:]:
        name, brace, rest = part.partition("}")
        found += filled[name] + rest if brace and name in filled else "{" + part
    return found


def tally(rubric: Rubric, verdicts: Sequence[str | None], where: str) -> dict[str, int]:
    """How many answers are of each choice, and how many no choice could be read from.

    Failed where none could: then the judge does not understand the rubric, and no number would mean anything.
    """
    counts = Counter(verdicts)
    if verdicts and counts[None] == len(verdicts):
        rule = "its first line must be one of" if rubric.kind != "cot_classify" else "its last line must be one of"
        raise Failed(f"{where}: none of {len(verdicts)} answers parses; {rule} {', '.join(rubric.choices)}")
    return {**{one: counts[one] for one in rubric.choices}, "unparsable": counts[None]}
