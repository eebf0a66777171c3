"""From a matplotlib figure to SVG inside a page: the same bytes for the same data, no date, no address, light and dark.

Ink is `currentColor` and the palette (Okabe and Ito 2008, safe for the colour-blind) are CSS variables, so that the
page decides between light and dark. Each figure is drawn twice, for a page and for a phone, in letters of one size.
"""

import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.figure import Figure

WIDE, NARROW = 8.6, 3.7  # inches: a page's column and a phone's
INK, FAINT = "#010203", "#040506"  # stand for the page's own colours
PALETTE = {"blue": "#0072b2", "orange": "#d55e00", "green": "#009e73", "purple": "#cc79a7", "grey": "#7f7f7f"}
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "foretell",
    "svg.fonttype": "none",
    "text.parse_math": False,  # a token may hold dollar signs
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """One figure as two SVG texts."""

    wide: str
    narrow: str


def drawing(name: str, draw: Callable[[float], Figure]) -> Drawing:
    """Both sizes of a figure; `name` keeps the ids inside apart from other figures'."""
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the browser has its own fonts
        return Drawing(wide=svg(draw(WIDE), f"{name}-wide"), narrow=svg(draw(NARROW), f"{name}-narrow"))


def svg(figure: Figure, name: str) -> str:
    """A figure as an SVG element that a page can hold."""
    figure.draw_without_rendering()  # lays it out, once
    figure.set_layout_engine("none")
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(r"^.*?<svg ", "<svg ", text, count=1, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r'(<svg [^>]*?)width="[^"]*" height="[^"]*"|height="[^"]*" width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"| version="1.1"', "", re.sub(r"xlink:href", "href", text))
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), text)
    for colour, variable in ((INK, "currentColor"), (FAINT, "var(--faint)")):
        text = text.replace(colour, variable)
    for word, colour in PALETTE.items():
        text = text.replace(colour, f"var(--{word})")
    return text.replace("<svg ", '<svg aria-hidden="true" ', 1).strip()
