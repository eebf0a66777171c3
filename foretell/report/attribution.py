"""Which words, layers and heads made a model expect a word: inline SVG, written by hand, with colours of the page.

What is drawn is a sentence of the audit `attribution` (foretell/audit/attribution.py): a line of tokens for each
method, the guess of each layer, and a square for each head. Model text is untrusted: everything is escaped.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from foretell.report.drawing import Drawing
from foretell.report.parts import Picture, data
from foretell.report.words import label, three_digits, visible

METHODS = {"integrated": "integrated gradients", "left out": "without the token", "rollout": "attention rollout"}
WIDE, NARROW = 740, 330  # pixels of a page's column and a phone's
LETTER, LINE, GAP = 7.2, 20, 4  # of 12-pixel letters of one width
LONGEST = 18  # characters of a token
SQUARE = 16


def attribution_picture(sentence: Mapping[str, Any], command: str) -> Picture:
    """A sentence's picture for the page, with its numbers as data."""
    drawing = Drawing(wide=attribution_svg(sentence, WIDE), narrow=attribution_svg(sentence, NARROW))
    rows = list(zip(sentence["tokens"], *(sentence[name] for name in METHODS), strict=True))
    said = (
        f"log P({visible(sentence['word'])!r}) = {three_digits(sentence['logprob'])} nats, of a context of mean tokens "
        f"{three_digits(sentence['baseline logprob'])}; n = 1 sentence, so no interval; completeness within "
        f"{100 * sentence['completeness error']:.1g} %. Blue makes the word likelier, orange less likely."
    )
    kept = data("attribution", ["token", *METHODS.values()], rows)
    title = f"Which words made {label(sentence['word'], LONGEST)!r} likely"
    return Picture(title=title, drawing=drawing, said=said, command=command, data=kept)


def attribution_svg(sentence: Mapping[str, Any], width: int = WIDE) -> str:
    """The picture of a sentence as one SVG element of a width in pixels."""
    shapes: list[str] = []
    y = 0.0
    for name, title in METHODS.items():
        shapes.append(text(0, y + 13, title, bold=True))
        drawn, y = tokens(sentence["tokens"], sentence[name], width, y + LINE)
        shapes += drawn
        y += 10
    drawn, y = layers(sentence["lens"], sentence["word"], width, y)
    shapes += drawn
    drawn, y = heads(sentence["heads"], width, y + 10)
    body = "".join([*shapes, *drawn])
    style = "font-family:ui-monospace,monospace;font-size:12px"
    return f'<svg aria-hidden="true" viewBox="0 0 {width} {y:.0f}" style="{style}" fill="currentColor">{body}</svg>'


def tokens(words: Sequence[str], values: Sequence[float], width: int, y: float) -> tuple[list[str], float]:
    """The tokens in lines, each on the colour of its value, and where they end. The strongest is full."""
    most = max((abs(value) for value in values), default=0.0) or 1.0
    x, shapes = 0.0, []
    for word, value in zip(words, values, strict=True):
        shown = label(word, LONGEST)
        wide = LETTER * len(shown) + 6
        if x and x + wide > width:
            x, y = 0.0, y + LINE + 2
        told = f"<title>{escape(visible(word))}: {value:.4g}</title>"
        shapes.append(f"<g>{told}{box(x, y, wide, LINE, value / most)}{text(x + 3, y + 14, shown)}</g>")
        x += wide + GAP
    return shapes, y + LINE + 2


def layers(lens: Sequence[Mapping[str, Any]], word: str, width: int, y: float) -> tuple[list[str], float]:
    """What each layer would say, and how likely it finds the right word's first token."""
    shapes = [text(0, y + 13, "layer by layer (logit lens)", bold=True)]
    y += LINE
    for one in lens:
        guess = label(one["token"], LONGEST if width > NARROW else LONGEST // 2)
        said = f"{one['layer']:>2} {guess!r} {100 * one['probability']:.0f} %; right {100 * one['right']:.2g} %"
        said += f", rank {one['rank']}"
        shapes += [box(0, y + 2, one["right"] * width, LINE - 4, 0.5), text(3, y + 14, said)]
        y += LINE
    return shapes, y


def heads(effects: Sequence[Sequence[float]], width: int, y: float) -> tuple[list[str], float]:
    """A square for each head, a line for each layer: blue where the word is less likely without it."""
    shapes = [text(0, y + 13, "heads of each layer: nats that each gives", bold=True)]
    y += LINE
    most = max((abs(value) for row in effects for value in row), default=0.0) or 1.0
    side = min(SQUARE, (width - 30) / max(len(effects[0]), 1))
    for layer, row in enumerate(effects, 1):
        shapes.append(text(0, y + 12, f"{layer:>2}"))
        for head, value in enumerate(row):
            told = f"<title>layer {layer}, head {head + 1}: {value:.4g}</title>"
            shapes.append(f"<g>{told}{box(24 + head * side, y, side - 2, side - 2, value / most)}</g>")
        y += side
    return shapes, y + 4


def box(x: float, y: float, width: float, height: float, shade: float) -> str:
    """A rectangle, blue above 0 and orange below, as strong as the shade is far from 0 of at most 1."""
    colour = "blue" if shade >= 0 else "orange"
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="3"'
    return f'<rect {place} fill="var(--{colour})" fill-opacity="{0.75 * min(abs(shade), 1):.3f}"/>'


def text(x: float, y: float, words: str, *, bold: bool = False) -> str:
    """A line of text that keeps its spaces."""
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" xml:space="preserve"{weight}>{escape(words)}</text>'
