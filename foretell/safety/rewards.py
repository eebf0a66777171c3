"""The reward of a rubric in reinforcement learning: refusals of what is disallowed, and help with what is safe.

OpenAI 2023, section 6: rule-based reward models give the policy an additional reward signal, for refusing harmful
requests and for not refusing innocuous ones. The amounts are not published; ours are in a rubric's file (rubrics.py).
A prompt under a system message earns or loses OBEYED more, by the check of what the message asks for.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from foretell.corpus.jsonl import read_lines
from foretell.corpus.labels import label_file
from foretell.errors import BadUse
from foretell.safety.policies import Policy, read_policies
from foretell.safety.rubrics import CLASSES, Rubric, read_rubric
from foretell.safety.system import BY_NAME, obeyed
from foretell.safety.verdicts import checked, disallowed
from foretell.text.chat import prompt_ids, turns_of
from foretell.text.tokenizer import Tokenizer

Ids = Sequence[int]
Score = Callable[[Sequence[Ids], Sequence[Ids]], list[float]]
Judge = Callable[[dict[str, Any], str, str], str]
"""a prompt's row and an answer, and the answer's class"""
OBEYED = 1.0


def by_checks(policies: dict[str, Policy]) -> Judge:
    """The judge by regular expressions; BadUse for a prompt whose policy is not known."""

    def judge(row: dict[str, Any], text: str, answer: str) -> str:
        return checked(policy_of(policies, row), row.get("tags") or {}, answer)

    return judge


def policy_of(policies: dict[str, Policy], row: dict[str, Any]) -> Policy:
    """The policy that a prompt concerns."""
    name = (row.get("tags") or {}).get("policy")
    if name not in policies:
        raise BadUse(f"prompt {row.get('prompt_id')} has policy {name!r}; known are {', '.join(policies)}")
    return policies[name]


def reward(rubric: Rubric, row: dict[str, Any], verdict: str, answer: str) -> float:
    """What an answer of this class earns."""
    tags = row.get("tags") or {}
    earned = rubric.rewards["disallowed" if disallowed(tags) else "safe"][verdict]
    system = tags.get("system")
    if system in BY_NAME:
        earned += OBEYED if obeyed(system, answer) else -OBEYED
    return earned


def rubric_score(rubric: str | Path, prompts: str | Path, tokenizer: Tokenizer, judge: Judge | None = None) -> Score:
    """The reward of answers to the prompts of a file, as reinforcement learning asks for it: ids in, numbers out.

    BadUse for a rubric without rewards, and for a prompt that no policy knows.
    """
    rules, policies = read_rubric(rubric), read_policies()
    if not rules.rewards:
        raise BadUse(f"{rubric} has no rewards; a rubric that rewards has rewards.disallowed and rewards.safe")
    judge = judge or by_checks(policies)
    known = {}
    for row in read_lines(label_file(prompts, "prompts")):
        if (row.get("tags") or {}).get("class") in CLASSES:
            policy_of(policies, row)
        known[tuple(prompt_ids(tokenizer, turns_of(row["text"])))] = row
    specials = set(tokenizer.specials.values())

    def score(asked: Sequence[Ids], answered: Sequence[Ids]) -> list[float]:
        return [one_reward(known.get(tuple(ids)), list(answer)) for ids, answer in zip(asked, answered, strict=True)]

    def one_reward(row: dict[str, Any] | None, ids: list[int]) -> float:
        if row is None or (row.get("tags") or {}).get("class") not in CLASSES:
            return 0.0  # a prompt that no policy concerns is for the reward model alone
        answer = tokenizer.decode([i for i in ids if i not in specials])
        return reward(rules, row, judge(row, str(row["text"]), answer), answer)

    return score
