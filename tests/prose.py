"""Text that is made here, the same on every machine, with words enough for a small vocabulary."""

import random
from pathlib import Path

PROSE = "The {0} of a {1} is kept in the {2}, so that a {0} can be found again. It returns the {2} of the {1}. "
SOUNDS = [first + vowel for first in "bdfgklmnprst" for vowel in "aeiou"]
WORDS = [a + b + c for a in SOUNDS[::5] for b in SOUNDS[1::7] for c in SOUNDS[2::11]]


def write_prose(folder: Path, files: int = 30, lines: int = 60) -> Path:
    """The folder, with files of lines about made-up words."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(0)
    for i in range(files):
        said = [PROSE.format(*draw.sample(WORDS, 3)) + f"Page {i}.\n" for _ in range(lines)]
        (folder / f"part{i}.txt").write_text("".join(said))
    return folder
