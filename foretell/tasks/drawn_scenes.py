"""Pictures that a seed draws, and handwritten digits, with questions and answers: what a model that sees is asked.

    colour   What colour is the circle?                 count     How many shapes are there?
    shape    What shape is red?                         exists    Is there a blue square?
    chart    Which bar is the tallest?                  digit     Which digit is this?
    same     First: <image> Second: <image> Do both have the same colour?

A scene is what is in a picture without the jitter of its places. Every scene is of one side, by a hash, so that the
held-out side has no scene of the training side; the digits are scikit-learn's 1,797, each on one side. Answers are
drawn evenly, so that no question tells its own.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from foretell.runs import whole_folder

SIZE, CELL = 48, 16
SHAPES = ("circle", "square", "triangle", "cross")
COLOURS = {"red": (220, 50, 50), "green": (40, 160, 60), "blue": (50, 80, 220), "yellow": (235, 200, 40)}
NUMBERS = ("one", "two", "three", "four")
GROUND, FRAME = (255, 255, 255), (90, 90, 90)
HELD_OUT_SHARE = 0.15
AMOUNTS = {"train": 6000, "valid": 700}
DIGITS_AT = 5  # pixels of a digit's pixel
LEVELS, WIDE = 7, 10  # heights of a bar, and its pixels across

Row = dict[str, Any]
Picture = Any  # of Pillow, which is imported when it is needed


class Thing(NamedTuple):
    """A shape in a cell of the grid of nine."""

    cell: int
    shape: str
    colour: str


class Drawer(NamedTuple):
    """What makes questions of one side."""

    draw: np.random.Generator
    side: str
    digits: Sequence[tuple[np.ndarray, int]]


def drawn_questions(folder: Path, seed: int = 0, amounts: dict[str, int] | None = None) -> Path:
    """The folder with images.parquet of questions about drawn pictures, as pictures.py reads it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [row for side, n in (amounts or AMOUNTS).items() for row in questions(side, n, seed)]
    with whole_folder(folder) as aside:
        pq.write_table(pa.Table.from_pylist(rows), aside / "images.parquet")
    return folder


def questions(side: str, n: int, seed: int = 0) -> list[Row]:
    """n questions of a side (train or valid), of all kinds in turn: kind, prompt, completion, images, split, scene."""
    drawer = Drawer(np.random.default_rng([seed, len(side)]), side, digits(side))
    kinds = KINDS if drawer.digits else {name: make for name, make in KINDS.items() if name != "digit"}
    return [
        {"kind": name, **make(drawer), "split": side}
        for i, (name, make) in ((i, list(kinds.items())[i % len(kinds)]) for i in range(n))
    ]


def side_of(scene: str) -> str:
    """The side that a scene belongs to."""
    share = int.from_bytes(hashlib.sha256(scene.encode()).digest()[:8]) / 2**64
    return "valid" if share < HELD_OUT_SHARE else "train"


def of_side(drawer: Drawer, make: Callable[[np.random.Generator], list[Thing]]) -> list[Thing]:
    """What make() draws, again and again until the scene is of the side."""
    while True:
        things = make(drawer.draw)
        if side_of(scene_of(things)) == drawer.side:
            return things


def scene_of(things: Sequence[Thing]) -> str:
    """A scene's name: its things by cell."""
    return " ".join(f"{one.cell}{one.shape}{one.colour}" for one in sorted(things))


def some_things(draw: np.random.Generator, n: int) -> list[Thing]:
    """n things in different cells."""
    cells = draw.permutation(9)[:n]
    shapes, colours = draw.choice(SHAPES, n), draw.choice(list(COLOURS), n)
    return [Thing(int(c), str(s), str(k)) for c, s, k in zip(cells, shapes, colours, strict=True)]


def different(draw: np.random.Generator, n: int) -> list[Thing]:
    """n things of different shapes and colours."""
    cells, shapes = draw.permutation(9)[:n], draw.permutation(SHAPES)[:n]
    colours = draw.permutation(list(COLOURS))[:n]
    return [Thing(int(c), str(s), str(k)) for c, s, k in zip(cells, shapes, colours, strict=True)]


def row(prompt: str, completion: str, scenes: Sequence[str], pictures: Sequence[Picture]) -> Row:
    """A question."""
    return {
        "prompt": prompt,
        "completion": completion,
        "images": [png(one) for one in pictures],
        "scene": "|".join(scenes),
    }


def about_things(drawer: Drawer, things: list[Thing], prompt: str, completion: str) -> Row:
    """A question about one picture of things."""
    return row(prompt, completion, [scene_of(things)], [picture(things, drawer.draw)])


def colour(drawer: Drawer) -> Row:
    """The colour of the one thing of a shape."""
    n = int(drawer.draw.integers(1, 4))
    things = of_side(drawer, lambda draw: different(draw, n))
    return about_things(drawer, things, f"What colour is the {things[0].shape}?", things[0].colour)


def shape(drawer: Drawer) -> Row:
    """The shape of the one thing of a colour."""
    n = int(drawer.draw.integers(1, 4))
    things = of_side(drawer, lambda draw: different(draw, n))
    return about_things(drawer, things, f"What shape is {things[0].colour}?", things[0].shape)


def count(drawer: Drawer) -> Row:
    """How many things there are."""
    n = int(drawer.draw.integers(1, 5))
    things = of_side(drawer, lambda draw: some_things(draw, n))
    return about_things(drawer, things, "How many shapes are there?", NUMBERS[n - 1])


def exists(drawer: Drawer) -> Row:
    """Whether there is a thing of a colour and a shape; one of the two is there also where the answer is no."""
    true, n = bool(drawer.draw.integers(2)), int(drawer.draw.integers(1, 4))
    things = of_side(drawer, lambda draw: different(draw, n))
    one = things[0]
    named, there = one.colour, {(thing.colour, thing.shape) for thing in things}
    if not true:
        others = [name for name in COLOURS if (name, one.shape) not in there]
        named = str(drawer.draw.choice(others))
    return about_things(drawer, things, f"Is there a {named} {one.shape}?", "yes" if true else "no")


def chart(drawer: Drawer) -> Row:
    """The tallest of three bars."""

    def bars(draw: np.random.Generator) -> list[Thing]:
        heights, colours = draw.permutation(LEVELS)[:3] + 1, draw.permutation(list(COLOURS))[:3]
        return [Thing(i, f"bar{h}", str(k)) for i, (h, k) in enumerate(zip(heights, colours, strict=True))]

    things = of_side(drawer, bars)
    tallest = max(things, key=lambda one: int(one.shape[3:]))
    return row("Which bar is the tallest?", tallest.colour, [scene_of(things)], [bar_chart(things)])


def digit(drawer: Drawer) -> Row:
    """A handwritten digit."""
    number = int(drawer.draw.integers(len(drawer.digits)))
    pixels, label = drawer.digits[number]
    return row("Which digit is this?", str(label), [f"{drawer.side} digit {number}"], [digit_picture(pixels)])


def same(drawer: Drawer) -> Row:
    """Whether the things of two pictures have the same colour, or shape."""
    true, what = bool(drawer.draw.integers(2)), str(drawer.draw.choice(["colour", "shape"]))
    first = of_side(drawer, lambda draw: different(draw, 1))
    while True:
        second = of_side(drawer, lambda draw: different(draw, 1))
        if (getattr(first[0], what) == getattr(second[0], what)) == true and first != second:
            break
    prompt = f"First: <image> Second: <image> Do both have the same {what}?"
    pictures = [picture(things, drawer.draw) for things in (first, second)]
    return row(prompt, "yes" if true else "no", [scene_of(first), scene_of(second)], pictures)


KINDS: dict[str, Callable[[Drawer], Row]] = {
    "colour": colour,
    "shape": shape,
    "count": count,
    "exists": exists,
    "chart": chart,
    "digit": digit,
    "same": same,
}


def picture(things: Sequence[Thing], draw: np.random.Generator) -> Picture:
    """A picture of things, each moved a little within its cell."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (SIZE, SIZE), GROUND)
    pen = ImageDraw.Draw(image)
    for one in things:
        y, x = divmod(one.cell, 3)
        left, top = x * CELL + int(draw.integers(1, 4)), y * CELL + int(draw.integers(1, 4))
        width = int(draw.integers(10, 13))
        outline(pen, one.shape, (left, top, left + width, top + width), COLOURS[one.colour])
    return image


def outline(pen: Any, shape: str, box: tuple[int, int, int, int], fill: tuple[int, int, int]) -> None:
    """Draw one shape, filled, in a box."""
    left, top, right, bottom = box
    third = (right - left) // 3
    match shape:
        case "circle":
            pen.ellipse(box, fill=fill)
        case "square":
            pen.rectangle(box, fill=fill)
        case "triangle":
            pen.polygon([((left + right) // 2, top), (left, bottom), (right, bottom)], fill=fill)
        case _:
            pen.rectangle((left + third, top, right - third, bottom), fill=fill)
            pen.rectangle((left, top + third, right, bottom - third), fill=fill)


def bar_chart(things: Sequence[Thing]) -> Picture:
    """Three bars on an axis."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (SIZE, SIZE), GROUND)
    pen = ImageDraw.Draw(image)
    pen.line((2, 2, 2, SIZE - 3, SIZE - 3, SIZE - 3), fill=FRAME)
    for one in things:
        left, height = 6 + one.cell * (WIDE + 3), 6 * int(one.shape[3:])
        pen.rectangle((left, SIZE - 4 - height, left + WIDE - 1, SIZE - 4), fill=COLOURS[one.colour])
    return image


def digit_picture(pixels: np.ndarray) -> Picture:
    """A digit of 8 x 8 values from 0 to 16, dark on white, in the middle."""
    from PIL import Image

    grey = (255 - np.clip(pixels, 0, 16) * 15.9).astype(np.uint8).repeat(DIGITS_AT, 0).repeat(DIGITS_AT, 1)
    whole = np.full((SIZE, SIZE), 255, np.uint8)
    start = (SIZE - len(grey)) // 2
    whole[start : start + len(grey), start : start + len(grey)] = grey
    return Image.fromarray(whole).convert("RGB")


def digits(side: str) -> list[tuple[np.ndarray, int]]:
    """scikit-learn's handwritten digits of a side with their values; none where it is not installed."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        return []
    found = load_digits()
    pairs = zip(found.images, found.target, strict=True)
    return [(pixels, int(label)) for pixels, label in pairs if side_of(pixels.tobytes().hex()) == side]


def png(image: Picture) -> bytes:
    """A picture as the content of a file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
