"""What documentation can be asked, and what it answers: the use cases of InstructGPT's table 1 as functions.

    use case         documentation                                any other text
    generation       write the signature; the documentation       go on after this sentence
    open qa          what does f do? what is C?                   which text says this?
    brainstorming    name some functions of a module              name some long words
    chat             what is f(x) for? - ... - its arguments?     how does the text begin? - ... - and then?
    rewrite          as a full sentence                           in capitals
    summarization    a text in one sentence                       the same
    classification   which package is it from?                    which part is it from?
    other            complete the sentence                        the same
    closed qa        what does it return, by this text?           what follows this sentence in the text?
    extract          the arguments of a signature                 the last word of a sentence

Answers are the text's own words; what a form cannot ask of an entry it leaves to the others.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from foretell.corpus.sentences import STOPS
from foretell.corpus.split import place
from foretell.tasks.entries import Entry

Said = dict[str, str]
SIGNATURE = re.compile(r"(class )?([\w.]+)\.(\w+)(?:\((.*)\))?")
FEWEST_NAMED, MOST_NAMED = 2, 4  # names or words of a brainstorm
LONG_WORD = re.compile(r"[^\W\d_]{7,}")
RETURNS = re.compile(r"Returns?:? (?=\w)")
VERBS = (
    *("Add", "Apply", "Build", "Calculate", "Call", "Check", "Clear", "Close", "Compute", "Convert", "Copy", "Create"),
    *("Decode", "Delete", "Determine", "Display", "Encode", "Execute", "Extract", "Find", "Format", "Generate", "Get"),
    *("Handle", "Insert", "List", "Load", "Log", "Make", "Open", "Parse", "Perform", "Print", "Process", "Produce"),
    *("Query", "Read", "Register", "Remove", "Render", "Replace", "Retrieve", "Return", "Run", "Select", "Send", "Set"),
    *("Split", "Start", "Stop", "Test", "Transform", "Update", "Use", "Wrap", "Write", "Yield"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt, what it is for, and the answer."""

    use_case: str
    prompt: str | list[Said]
    completion: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """A heading of documentation, in parts."""

    owner: str
    """the module or class that it belongs to"""
    name: str
    arguments: tuple[str, ...] | None
    """their names; None where the heading shows none"""
    is_class: bool

    @property
    def path(self) -> str:
        return f"{self.owner}.{self.name}"

    @property
    def listed(self) -> str:
        """The arguments as a person says them."""
        return ", ".join(self.arguments or ()) or "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Around:
    """What an entry is compared with."""

    names: Sequence[str]
    """of its owner's entries, its own among them"""
    other: str
    """another group than its own; empty where there is one alone"""
    several: bool = True
    """whether the text is of several documents"""


Form = Callable[[Entry, Signature | None, Around], tuple[str | list[Said], str] | None]


def signature_of(heading: str) -> Signature | None:
    """The parts of a heading; None where it is a sentence."""
    found = None if heading[-1] in STOPS else SIGNATURE.fullmatch(heading)
    if not found:
        return None
    return Signature(
        owner=found[2],
        name=found[3],
        arguments=None if found[4] is None else argument_names(found[4]),
        is_class=bool(found[1]),
    )


def argument_names(given: str) -> tuple[str, ...]:
    """The names in the parentheses of a signature: commas within brackets or quotes part nothing."""
    outside = re.sub(r"'[^']*'|\"[^\"]*\"", "", given)
    while (flat := re.sub(r"[(\[{][^()\[\]{}]*[)\]}]", "", outside)) != outside:
        outside = flat
    names = (part.partition("=")[0].strip().lstrip("*") for part in outside.split(","))
    return tuple(name for name in names if name.isidentifier())


def write_signature(entry: Entry, about: Signature | None, around: Around) -> tuple[str, str] | None:
    """The signature from the description."""
    if about is None or about.arguments is None or about.is_class:
        return None
    return f"Write the signature of a function: {entry.said[0]}", entry.heading.removeprefix(f"{about.owner}.")


def write_documentation(entry: Entry, about: Signature | None, around: Around) -> tuple[str, str] | None:
    """The description from the signature."""
    return (f"Write the documentation of {entry.heading}", entry.said[0]) if about else None


def go_on(entry: Entry, about: Signature | None, around: Around) -> tuple[str, str] | None:
    """The next sentence."""
    return None if about else (f"Continue: {entry.heading}", entry.said[0])


def what_is(entry: Entry, about: Signature | None, around: Around) -> tuple[str, str] | None:
    """What a function does or a class is, or which text says something."""
    if about is None:
        return (f"Which text says: {entry.heading}", entry.document) if around.several else None
    return (f"What is {about.path}?" if about.is_class else f"What does {about.path} do?"), entry.said[0]


def name_some(entry: Entry, about: Signature | None, around: Around) -> tuple[str, str] | None:
    """Names of the same module or class; long words of a sentence."""
    found = around.names if about else tuple(dict.fromkeys(LONG_WORD.findall(entry.heading)))
    some = found[:MOST_NAMED]
    if len(some) < FEWEST_NAMED:
        return None
    asked = f"names from {about.owner}." if about else f"long words of: {entry.heading}"
    return f"List {len(some)} {asked}", ", ".join(some)


def talk(entry: Entry, about: Signature | None, around: Around) -> tuple[list[Said], str] | None:
    """A second question, after the first was answered."""
    if about is None:
        asked, answer = ("How does the text begin?", entry.heading, "And then?"), entry.said[0]
    elif about.arguments is None:
        return None
    else:
        called = entry.heading.removeprefix("class ").removeprefix(f"{about.owner}.")
        asked = f"What is {called} for?", entry.said[0], "Which arguments does it take?"
        answer = f"It takes {about.listed}."
    roles = ("user", "assistant", "user")
    return [{"role": role, "content": text} for role, text in zip(roles, asked, strict=True)], answer


def rewrite(entry: Entry, about: Signature | None, around: Around) -> tuple[str, str] | None:
    """Documentation's imperative as a full sentence; a sentence in capitals."""
    if about is None:
        return f"Write in capitals: {entry.heading}", entry.heading.upper()
    verb, _, rest = entry.said[0].partition(" ")
    if verb not in VERBS or not rest:
        return None
    return f"Rewrite as a full sentence: {entry.said[0]}", f"It {third_person(verb.lower())} {rest}"


def third_person(verb: str) -> str:
    """A regular verb as he, she or it does it."""
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if verb.endswith("y") and verb[-2] not in "aeiou" else f"{verb}s"


def summarize(entry: Entry, about: Signature | None, around: Around) -> tuple[str, str] | None:
    """The first sentence, which is a docstring's summary, of the first few."""
    first, rest = (entry.said[0], entry.said[1:]) if about else (entry.heading, entry.said)
    if not rest:
        return None
    return f"Summarize in one sentence: {first} {' '.join(rest[:2])}", first


def which_group(entry: Entry, about: Signature | None, around: Around) -> tuple[str, str] | None:
    """The package, or the part of the text, of two."""
    if not around.other:
        return None
    one, other = sorted((entry.group, around.other), key=lambda name: place(f"{name} {entry.heading}"))
    kind = "package" if about else "part"
    return f"Which {kind} is this from, {one} or {other}? {entry.said[0]}", entry.group


def complete(entry: Entry, about: Signature | None, around: Around) -> tuple[str, str] | None:
    """The second half of a sentence."""
    words = (entry.said[0] if about else entry.heading).split()
    half = len(words) // 2
    return (f"Complete the sentence: {' '.join(words[:half])}", " ".join(words[half:])) if half > 1 else None


def by_this_text(entry: Entry, about: Signature | None, around: Around) -> tuple[str, str] | None:
    """What a text says a function returns; what follows a sentence in a text."""
    if about is None:
        two = entry.said[:2]
        return (f"{entry.heading} {' '.join(two)}\nWhat follows after: {two[0]}", two[1]) if len(two) > 1 else None
    told = entry.said[:3]
    found = next((sentence for sentence in told if RETURNS.match(sentence)), "")
    answer = RETURNS.sub("", found, count=1)
    return (f"{' '.join(told)}\nWhat does it return?", answer[0].upper() + answer[1:]) if found else None


def pick_out(entry: Entry, about: Signature | None, around: Around) -> tuple[str, str] | None:
    """The arguments of a signature; the last word of a sentence."""
    if about is None:
        return f"What is the last word of: {entry.heading}", entry.heading.rstrip(STOPS).split()[-1]
    return (f"List the arguments: {entry.heading}", about.listed) if about.arguments else None


FORMS: dict[str, tuple[float, tuple[Form, ...]]] = {
    "generation": (45.6, (write_signature, write_documentation, go_on)),
    "open qa": (12.4, (what_is,)),
    "brainstorming": (11.2, (name_some,)),
    "chat": (8.4, (talk,)),
    "rewrite": (6.6, (rewrite,)),
    "summarization": (4.2, (summarize,)),
    "classification": (3.5, (which_group,)),
    "other": (3.5, (complete,)),
    "closed qa": (2.6, (by_this_text,)),
    "extract": (1.9, (pick_out,)),
}
"""Ouyang et al. 2022, table 1: the share of each use case among prompts of users, in percent; and its forms here."""


def asked_of(entry: Entry, around: Around, longest: int) -> Asked | None:
    """What an entry is asked: of the forms that fit it in `longest` characters, one drawn by the use cases' shares.

    The draw follows from the entry's words. None where nothing fits.
    """
    about = signature_of(entry.heading)
    found: list[tuple[float, Asked]] = []
    for name, (weight, forms) in FORMS.items():
        made = [one for form in forms if (one := form(entry, about, around)) and n_characters(*one) <= longest]
        found += [(weight / len(made), Asked(name, *one)) for one in made]
    drawn = place(f"form {entry.heading}\n{entry.said[0]}") * sum(weight for weight, _ in found)
    for weight, asked in found:
        drawn -= weight
        if drawn < 0:
            return asked
    return found[-1][1] if found else None


def n_characters(prompt: str | list[Said], completion: str) -> int:
    """The characters of a prompt with its answer."""
    said = prompt if isinstance(prompt, str) else "".join(turn["content"] for turn in prompt)
    return len(said) + len(completion)
