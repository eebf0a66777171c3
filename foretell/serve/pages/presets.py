"""Prompts to begin with: one of each kind of few-shot task that Brown et al. 2020 tried, in words of our own."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """A prompt, and the settings that suit it."""

    name: str
    prompt: str
    max_tokens: int = 32
    temperature: float = 0.0
    stop: tuple[str, ...] = ()


PRESETS = (
    Preset(name="Continue a text", prompt="Return the", max_tokens=60, temperature=0.8),
    Preset(
        name="Question and answer",
        prompt="Q: What is the capital of France?\nA: Paris\n\nQ: How many legs has a spider?\nA: Eight\n\n"
        "Q: Which metal is liquid at room temperature?\nA:",
        stop=("\n",),
    ),
    Preset(
        name="Translate",
        prompt="English: good morning\nFrench: bonjour\n\nEnglish: thank you\nFrench: merci\n\n"
        "English: good night\nFrench:",
        stop=("\n",),
    ),
    Preset(
        name="Add",
        prompt="Q: What is 48 plus 76?\nA: 124\n\nQ: What is 13 plus 29?\nA: 42\n\nQ: What is 31 plus 57?\nA:",
        max_tokens=4,
        stop=("\n",),
    ),
    Preset(
        name="Unscramble a word",
        prompt="asinoc = casino\nrgeen = green\npalpe =",
        max_tokens=8,
        stop=("\n",),
    ),
    Preset(
        name="Use a new word",
        prompt='A "plomb" is a small boat with a round bottom. An example of a sentence that uses the word plomb is:\n'
        "We crossed the lake in an old plomb.\n\n"
        'To "frindle" means to walk quickly on the tips of the toes. An example of a sentence that uses the word '
        "frindle is:\n",
        max_tokens=40,
        temperature=0.7,
        stop=("\n\n",),
    ),
    Preset(
        name="Correct the grammar",
        prompt="Poor English input: I eated the apple.\nGood English output: I ate the apple.\n\n"
        "Poor English input: She no went to the market.\nGood English output:",
        stop=("\n",),
    ),
)
