"""Evaluation questions, training text with and without them, and the two published rules written plainly."""

import random
import re

from foretell.audit.contamination_examples import Example

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("", "n", "r", "st")]


def prose(draw, n):
    """n words with some capitals and punctuation."""
    ends = [" ", " ", " ", ", ", ". ", " - ", "\n"]
    return "".join(word + draw.choice(ends) for word in draw.choices(WORDS, k=n)).strip()


def questions(n, seed=0, words=(20, 40), name="quiz"):
    draw = random.Random(seed)
    texts = [prose(draw, draw.randint(*words)) for _ in range(n)]
    return [Example(name, f"{name}{i}", text, text) for i, text in enumerate(texts)]


def documents(n, seed=1, words=400):
    draw = random.Random(seed)
    return [prose(draw, words) for _ in range(n)]


def planted(texts, snippets, seed=2):
    """Each snippet inside one text."""
    draw, made = random.Random(seed), list(texts)
    for snippet, place in zip(snippets, draw.sample(range(len(texts)), len(snippets)), strict=True):
        at = made[place].find(" ", draw.randrange(len(made[place]) // 2))
        made[place] = f"{made[place][:at]} {snippet} {made[place][at:]}"
    return made


def words_of(text):
    return re.findall(r"[^\W_]+", text.lower())


def grams_of(words, n):
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)} if words else set()


def slowly_dirty_by_runs(examples, sizes, texts, most=10):
    """The rule of Brown et al. 2020, appendix C, a document and an example at a time."""
    documents = [words_of(text) for text in texts]
    dirty = []
    for example, n in zip(examples, sizes, strict=True):
        grams = grams_of(words_of(example.text), int(n))
        counts = {gram: sum(gram in grams_of(words, int(n)) for words in documents) for gram in grams}
        dirty.append(any(0 < count <= most for count in counts.values()))
    return dirty


def letters(text):
    return "".join(c for c in text if c.isalnum())
