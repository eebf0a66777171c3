"""The page in other languages: every sentence that the report can say, as a template beside its translation.

chinese.json maps an English template to a Chinese one, {names} standing for numbers and words that are filled in:

    "n = {n} {what}; bars and brackets are 95 % intervals; {seeds}."  ->  ...

A name of one letter is a number.

What is shown is looked up whole, then by template, then sentence by sentence; so is what stands for a name. What is in
no template (a model's words, a task's name, a number) stays as it is. tests/report/test_language.py asks that no
sentence of a whole page is left.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "zh": "\u4e2d\u6587"}
FILES = {"zh": Path(__file__).with_name("chinese.json")}
SENTENCE = re.compile(r"(?<=[.!?])(?<!et al\.) +(?=[A-Z0-9`])")
LISTS = ("list", "runs", "text", "parts")
CLAUSE = re.compile(r"(?<=;) +")
Say = Callable[[str], str]
Template = tuple[re.Pattern[str], str]


def translator(language: str) -> Say:
    """What turns an English text of the page into the language's."""
    if language == "en":
        return str
    return lambda text: translated(str(text), language)


@cache
def messages(language: str) -> dict[str, str]:
    """The language's templates by the English ones."""
    found: dict[str, str] = json.loads(FILES[language].read_text(encoding="utf-8"))
    return found


@cache
def templates(language: str) -> Sequence[Template]:
    """Those with names in them as patterns, the ones with the most letters of their own first."""
    found = [(english, other) for english, other in messages(language).items() if "{" in english]
    found.sort(key=lambda pair: -len(re.sub(r"\{\w+\}", "", pair[0])))
    return [(re.compile(pattern(english), re.DOTALL), other) for english, other in found]


def pattern(english: str) -> str:
    """The regular expression of a template: a name of one letter stands for a number, one of LISTS for anything."""
    parts = re.split(r"\{(\w+)\}", english)
    return "".join(f"(?P<{part}>{stands_for(part)})" if i % 2 else re.escape(part) for i, part in enumerate(parts))


def stands_for(name: str) -> str:
    """What a name in a template may be."""
    if len(name) == 1:
        return r"[-+]?\d[\w.,+-]*"
    return ".+?" if name in LISTS else "[^;]+?"


@cache
def translated(text: str, language: str) -> str:
    """A text in the language, as far as there are templates of it: whole, by sentence, or by clause."""
    if not re.search("[A-Za-z]", text):
        return text
    if text in messages(language):
        return messages(language)[text]
    sentences = SENTENCE.split(text)
    if len(sentences) > 1:
        found = [translated(one, language) for one in sentences]
        return text if found == sentences else joined(found)
    whole = by_template(text, language)
    if whole is not None:
        return whole
    if text.endswith("."):  # a clause that stands alone elsewhere
        bare = translated(text[:-1], language)
        return text if bare == text[:-1] else f"{bare}\u3002"
    clauses = [one.removesuffix(";") for one in CLAUSE.split(text)]
    if len(clauses) == 1:
        return text
    found = [translated(one, language) for one in clauses]
    return text if any(map(str.__eq__, found, clauses)) else "\uff1b".join(found)


def by_template(text: str, language: str) -> str | None:
    """A sentence that one template covers, or None."""
    for matches, other in templates(language):
        found = matches.fullmatch(text)
        if found:
            return filled(other, {name: translated(value, language) for name, value in found.groupdict().items()})
    return None


def filled(template: str, words: Mapping[str, str]) -> str:
    """A template with words in the place of its names."""
    return re.sub(r"\{(\w+)\}", lambda name: words[name[1]], template)


def joined(sentences: Sequence[str]) -> str:
    """Sentences in a row: between two of Chinese there is no space."""
    text = sentences[0]
    for one in sentences[1:]:
        text += one if ord(text[-1]) > 0x2FFF else f" {one}"
    return text


def texts_of_svg(svg: str, say: Say) -> str:
    """A figure with its words translated; each is an element of its own."""
    return re.sub(r"(<text[^>]*>)([^<]+)(</text>)", lambda found: found[1] + say(found[2]) + found[3], svg)
