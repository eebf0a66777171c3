"""One question of a task, in the three ways that GPT-3 was asked (Brown et al. 2020, section 2.4, appendix G).

    Choice     one context, several completions        which completion is likeliest?
    Partial    several contexts, one completion        after which context is the completion likeliest?
    Free       one context, any text                   what does the model write?

A context ends without a space; what follows it begins with one (or with a line break), as tokenizers of byte-level BPE
expect. A demonstration is the context with what follows it when it is answered rightly.
"""

from dataclasses import dataclass

from foretell.errors import BadUse


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A context and completions of it, one of which is right."""

    id: str
    """stable: the same question has it in every call and on every machine"""
    context: str
    options: tuple[str, ...]
    gold: int
    group: str = ""
    """questions of a group are right together or not at all, where the task's metric asks so (MultiRC)"""
    kin: str = ""
    """the text that questions share; none of them is shown for another"""
    zero_context: str | None = None
    """what stands there without demonstrations, where the paper asks otherwise then"""

    def __post_init__(self) -> None:
        check_options(self.id, self.options, self.gold)


@dataclass(frozen=True, kw_only=True, slots=True)
class Partial:
    """A text whose beginning differs, and the common end that is scored (Trinh and Le 2018; figures G.13, G.14)."""

    id: str
    contexts: tuple[str, ...]
    completion: str
    gold: int
    group: str = ""
    kin: str = ""

    def __post_init__(self) -> None:
        check_options(self.id, self.contexts, self.gold)
        if not self.completion.strip():
            raise BadUse(f"question {self.id} has nothing after its contexts; give the text that all of them share")


@dataclass(frozen=True, kw_only=True, slots=True)
class Free:
    """A context, and the answers that are accepted; a demonstration shows the first."""

    id: str
    context: str
    answers: tuple[str, ...]
    group: str = ""
    kin: str = ""
    zero_context: str | None = None
    """what stands there without demonstrations, where the paper asks otherwise then"""
    source: str = ""
    """what a model that copies would answer, where that is a baseline: the scrambled word, the sentence"""

    def __post_init__(self) -> None:
        if not self.answers or not any(answer.strip() for answer in self.answers):
            raise BadUse(f"question {self.id} accepts no answer; give at least one")


Item = Choice | Partial | Free


def check_options(name: str, options: tuple[str, ...], gold: int) -> None:
    """BadUse unless there are two options or more, none is empty, and the right one is among them."""
    if len(options) < 2:
        raise BadUse(f"question {name} has {len(options)} option; a choice needs 2 or more")
    empty = next((i for i, option in enumerate(options) if not option.strip()), None)
    if empty is not None:
        raise BadUse(f"option {empty} of question {name} is empty; leave the question out, or give the option a text")
    if not 0 <= gold < len(options):
        raise BadUse(f"question {name} says that option {gold} is right and has options 0 to {len(options) - 1}")


def shown(item: Item, gold: int | None = None) -> str:
    """The question with its right answer, as a demonstration shows it; or with another option, for shuffled labels."""
    match item:
        case Choice():
            return item.context + item.options[item.gold if gold is None else gold]
        case Partial():
            return item.contexts[item.gold if gold is None else gold] + item.completion
        case Free():
            return item.context + item.answers[0]
