"""What is told about a prompt: its language, its use case, and what is masked in it.

The ten use cases are those of the InstructGPT paper's table 1, where labellers told them; the rules here are our own
first guess for prompts that nobody has looked at, on the words that ask for something.
"""

import re
from collections import Counter
from dataclasses import replace

from foretell.align.records import Conversation, Prompt, Turn, as_turns, prompt_id
from foretell.corpus.pii import masked

USE_CASES = (
    *("generation", "open qa", "brainstorming", "chat", "rewrite"),
    *("summarization", "classification", "other", "closed qa", "extract"),
)
QUESTION = re.compile(r"\A\W*(who|what|when|where|which|why|how|is|are|was|were|do|does|did|can|could|should)\b", re.I)
SPEAKERS = re.compile(r"^(human|user|ai|assistant|bot|friend|you|me|q|a)\s*:", re.I | re.M)
RULES = tuple(
    (name, re.compile(rf"\b({words})\b", re.I))
    for name, words in (
        ("summarization", r"summary|summaries|summari[sz](e|es|ed|ing)|tl;?dr|in a nutshell|main points?"),
        (
            "classification",
            r"classif(y|ies|ication)|sentiment|category|categori(es|[sz]e)|is this (spam|positive|negative)|label the",
        ),
        ("extract", r"extract|find all|list all the \w+ (in|from)|pull out|identify the \w+ in"),
        ("rewrite", r"rewrite|rephrase|paraphrase|translate|proofread|correct the|simplify|convert (this|the)"),
        ("brainstorming", r"brainstorm|ideas?|suggest(ions)?|give me (a list|some)|list (of )?(\d+|five|ten|some)"),
        ("generation", r"write|generate|compose|create|draft|make up|story|poem|essay|continue|code"),
    )
)
ASKED_IN = 300  # characters at each end in which a prompt says what it wants; what lies between is its material
LONG = 400  # characters above which a question comes with the text that answers it


def use_case_of(prompt: Conversation) -> str:
    """The use case of a prompt, one of the ten."""
    turns = as_turns(prompt)
    text = turns[-1].content.strip()
    if len([turn for turn in turns if turn.role != "system"]) > 1 or len(SPEAKERS.findall(text)) > 1:
        return "chat"
    asked = text if len(text) <= 2 * ASKED_IN else f"{text[:ASKED_IN]}\n{text[-ASKED_IN:]}"
    if QUESTION.search(text) or text.endswith("?"):
        return "closed qa" if len(text) > LONG else "open qa"
    return next((name for name, rule in RULES if rule.search(asked)), "other")


def language_of(text: str) -> str:
    """The language of a text as ISO 639-1; '' where the detectors of foretell[corpus] are not installed."""
    try:
        from foretell.corpus.language import identify

        return identify([text])[0][0]
    except ModuleNotFoundError:
        return ""


def masked_prompt(prompt: Prompt) -> tuple[Prompt, Counter[str]]:
    """The prompt with addresses, card and phone numbers masked, and how many were, by kind.

    An id that is the hash of its text becomes that of the masked text: nothing tells what was masked.
    """
    found: Counter[str] = Counter()
    if isinstance(prompt.text, str):
        text: Conversation
        text, found = masked(prompt.text)
    else:
        turns = []
        for turn in prompt.text:
            said, more = masked(turn.content)
            turns.append(Turn(role=turn.role, content=said))
            found += more
        text = tuple(turns)
    if not found:
        return prompt, found
    old = prompt_id(prompt.text)
    name = "" if prompt.prompt_id == old else prompt.prompt_id
    group = "" if prompt.group_id == old else prompt.group_id
    made = replace(prompt, prompt_id=name, text=text, group_id=group)
    return (made if made.group_id else replace(made, group_id=made.prompt_id)), found
