"""From image files to the numbers that a model reads: ours beside transformers, torchvision and the plain way.

$ python -m benchmarks.image_preprocessing [--small]        writes benchmarks/image_preprocessing.md and its JSON

Every side gets the contents of the same files and gives (N, 3, S, S) in fp32: decoded, in colour, resized to a square
(bicubic), normalised with mean and deviation 1/2. That all give the same numbers is checked first, within two steps of
a byte.
"""

import argparse
import datetime
import io
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from foretell.corpus.pixels import normalised, pixels_of
from foretell.runs import processor

HERE = Path(__file__).parent
SETS = {  # kind of file, columns and rows, how many, pixels of a side that the model sees
    "photographs": ("JPEG", (640, 480), 64, 224),
    "photographs, small model": ("JPEG", (640, 480), 64, 48),
    "drawings": ("PNG", (400, 100), 256, 48),
    "thumbnails": ("PNG", (48, 48), 1024, 48),
}
CLOSE = 2 / 127.5 + 1e-6

Side = Callable[[Sequence[bytes], int], np.ndarray]


def files(kind: str, size: tuple[int, int], n: int) -> list[bytes]:
    """Files of smooth random pictures, about as large as those of photographs."""
    from PIL import Image

    draw, found = np.random.default_rng(0), []
    for _ in range(n):
        coarse = Image.fromarray(draw.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize(
            size, Image.Resampling.BICUBIC
        )
        rough = np.asarray(coarse).astype(int) + draw.integers(-8, 9, (size[1], size[0], 3))
        file = io.BytesIO()
        Image.fromarray(rough.clip(0, 255).astype(np.uint8)).save(file, kind)
        found.append(file.getvalue())
    return found


def ours(contents: Sequence[bytes], size: int) -> np.ndarray:
    """This project's way."""
    return normalised(np.stack([pixels_of(one, size) for one in contents]))


def plain(contents: Sequence[bytes], size: int) -> np.ndarray:
    """Image by image with Pillow and numpy."""
    from PIL import Image

    found = []
    for one in contents:
        image = Image.open(io.BytesIO(one)).convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
        found.append(((np.asarray(image).astype(np.float32) / 255 - 0.5) / 0.5).transpose(2, 0, 1))
    return np.stack(found)


def sides() -> dict[str, Side]:
    """All sides that are installed, ours first."""
    found: dict[str, Side] = {"foretell": ours, "Pillow and numpy": plain}
    from PIL import Image

    try:
        from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

        def theirs(contents: Sequence[bytes], size: int) -> np.ndarray:
            images = [Image.open(io.BytesIO(one)) for one in contents]
            made = SiglipImageProcessorPil(size={"height": size, "width": size})
            return np.asarray(made(images, return_tensors="np")["pixel_values"])

        found["transformers"] = theirs
    except ImportError:
        pass
    try:
        import torch
        from torchvision.io import ImageReadMode, decode_image
        from torchvision.transforms.v2 import functional

        def vision(contents: Sequence[bytes], size: int) -> np.ndarray:
            made = []
            for one in contents:
                image = decode_image(torch.frombuffer(bytearray(one), dtype=torch.uint8), ImageReadMode.RGB)
                image = functional.resize(image, [size, size], functional.InterpolationMode.BICUBIC, antialias=True)
                made.append(image)
            whole = functional.to_dtype(torch.stack(made), torch.float32, scale=True)
            return np.asarray(functional.normalize(whole, [0.5] * 3, [0.5] * 3))

        found["torchvision"] = vision
    except ImportError:
        pass
    return found


def compare(name: str, rounds: int, *, small: bool) -> dict[str, object]:
    """CPU-seconds of every side in turn, and ours against each by round."""
    kind, shape, n, size = SETS[name]
    contents, every = files(kind, shape, n // 8 if small else n), sides()
    want = ours(contents, size)
    for other, side in every.items():
        apart = float(np.abs(side(contents, size) - want).max())
        assert apart < CLOSE or other == "torchvision", f"{other} gives other numbers: {apart}"
    times: list[dict[str, float]] = []
    for _ in range(rounds):
        one = {}
        for other, side in every.items():
            begun = time.process_time()
            side(contents, size)
            one[other] = time.process_time() - begun
        times.append(one)
    seconds = {other: statistics.median(one[other] for one in times) / len(contents) for other in every}
    ratios = {other: [one[other] / one["foretell"] for one in times] for other in every if other != "foretell"}
    spread = {other: [statistics.median(some), min(some), max(some)] for other, some in ratios.items()}
    return {"set": name, "files": [kind, *shape], "n": len(contents), "size": size, "seconds": seconds, "ratio": spread}


def table(found: list[dict]) -> str:
    """The figures as Markdown."""
    names = list(found[0]["seconds"])
    head = f"CPU-milliseconds per image from a file's content to numbers, one process, {processor()}; made by\n"
    head += (
        "benchmarks/image_preprocessing.py: sides in turn, medians; in brackets how many times ours the other takes,\n"
    )
    head += (
        "and the range of that over rounds. Ours also bounds the size before decoding and turns photographs upright.\n"
    )
    if "torchvision" not in names:
        head += "torchvision was not installed and was not measured.\n"
    head += "\n| files | n | to | " + " | ".join(names) + " |\n" + "| --- " * (len(names) + 3) + "|\n"
    lines = []
    for one in found:
        cells = [f"{1000 * one['seconds'][names[0]]:.3f}"]
        for name in names[1:]:
            middle, low, high = one["ratio"][name]
            cells.append(f"{1000 * one['seconds'][name]:.3f} ({middle:.2f}; {low:.2f} to {high:.2f})")
        kind, width, height = one["files"]
        lines.append(
            f"| {one['set']}: {kind}, {width} x {height} | {one['n']} | {one['size']} | " + " | ".join(cells) + " |"
        )
    return head + "\n".join(lines) + "\n"


def main() -> None:
    """Run every set and write the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--rounds", type=int, default=7)
    flags.add_argument("--small", action="store_true", help="an eighth of the files; prints and writes nothing")
    given = flags.parse_args()
    found = [compare(name, given.rounds, small=given.small) for name in SETS]
    print(table(found))
    if not given.small:
        month = datetime.date.today().strftime("%Y-%m")
        (HERE / f"image_preprocessing_{month}.json").write_text(json.dumps(found, indent=1) + "\n")
        (HERE / "image_preprocessing.md").write_text(table(found))


if __name__ == "__main__":
    main()
