"""A task: its questions, where they come from, and how the paper asks and scores them. A task is data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from foretell.tasks.item import Item
from foretell.tasks.source import Source

Norm = Literal["none", "token", "char", "byte", "uncond"]
"""how an option's log-probability is made comparable: not at all, divided by its tokens, characters or bytes, or less
its log-probability after the answer context alone (Brown et al. 2020, section 2.4)"""
Metric = Literal[
    "accuracy", "group_accuracy", "f1_macro",
    "exact_answer", "exact_match", "first_word", "f1", "drop_f1", "rouge", "bleu",
]  # fmt: skip
"""of choices: the share that is right, the share of groups that are right throughout, the mean F1 of the options; of
free answers: the very text, the text but for case, articles and punctuation, the first word, the overlap of words, that
of DROP, the mean of ROUGE-1, 2 and L, BLEU"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Questions:
    """What a task loads: the questions that are scored, and those that demonstrations are drawn from."""

    items: Sequence[Item]
    pool: Sequence[Item] = ()
    """empty: the questions themselves, never the one that is asked nor its kin (GPT-3's original Winograd)"""
    origin: str
    """the file, the dataset of the hub, or `generated`"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A task as the paper has it. Every field but the first four has the commonest value of its appendix G."""

    name: str
    family: str
    """the part of the paper's table that it stands in: arithmetic, cloze, ..."""
    about: str
    """one sentence for people"""
    load: Callable[[Source], Questions]
    shots: int
    """K of the few-shot setting (table H.1)"""
    norm: Norm = "token"
    """which of the five scores decides"""
    answer_context: str = ""
    """what precedes an option where it is scored alone, for `uncond`: `Answer: `"""
    metric: Metric = "accuracy"
    instruction: str = ""
    """stands before the demonstrations"""
    zero_instruction: str | None = None
    """stands there where there are none; None means the same"""
    separator: str = "\n\n"
    """between demonstrations"""
    stop: tuple[str, ...] = ("\n",)
    """what must end a free answer; an answer that does not end is wrong"""
    max_new_tokens: int = 16
    beam: int = 4
    length_penalty: float = 0.6
    top_k: int = 0
    """an answer is drawn from so many likeliest tokens; 0 searches with the beam"""
    keep_sentences: int = 0
    """how many sentences of what is written are the answer, the first ones; 0 keeps all"""
