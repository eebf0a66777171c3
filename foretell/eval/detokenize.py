"""Running text from text that was cut into words for an older model: what spaces the cutting put in is taken out.

WikiText and Penn Treebank are published in words between spaces: `do n't`, `1 @,@ 000`, `( see )`, `= = Title = =`.
A model of bytes finds that text strange (Radford et al. 2019, section 3.1: 2.5 to 5 perplexity better without). Nothing
but spaces and the @ marks is changed, so that the words can be counted in the published text and their probability
taken from this one. The rules are ours.
"""

import re

QUOTED = re.compile(r'" ([^"\n]*?) "')
HEADING = re.compile(r"^ *(=(?: =)*) ([^=\n].*?) (=(?: =)*) *$", re.MULTILINE)
RULES = [
    (re.compile(r" @([-,.])@ "), r"\1"),  # a hyphen, comma or point within a word
    (QUOTED, r'"\1"'),
    (re.compile(r" (n't|'(?:s|t|re|ve|ll|d|m))(?![\w'])", re.IGNORECASE), r"\1"),
    (re.compile(r"(?<=[^s] )' ([^'\n]+?) '(?=\s)"), r"'\1'"),
    (re.compile(r"(?<=s) '(?= )"), "'"),  # the genitive of plurals
    (re.compile(r" +([.,:;!?%)\]}])"), r"\1"),
    (re.compile(r"([(\[{]) +|(?<= )([$\u00a3\u20ac#]) +(?=\d)"), r"\1\2"),
    (re.compile(r" (/) |(?<=\d) (\u2013) (?=\d)"), r"\1\2"),
    (re.compile(r"^ +| +$", re.MULTILINE), ""),
]


def detokenized(text: str) -> str:
    """The text as it is written: marks at their words, headings as `== Title ==`, no space at the ends of lines."""
    text = HEADING.sub(lambda found: f"{marks(found[1])} {found[2]} {marks(found[3])}", text)
    for pattern, written in RULES:
        text = pattern.sub(written, text)
    return text


def marks(cut: str) -> str:
    """The marks of a heading side by side."""
    return cut.replace(" ", "")
