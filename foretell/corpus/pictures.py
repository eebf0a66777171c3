"""Questions about images, read from open formats and prepared once for training.

    images.jsonl     {"prompt": "What is this?", "completion": "a cat", "images": ["cat.png"], "split": "train"}
    *.parquet        the same columns; an image is its file's content, or a struct of `bytes`
    CLASS/x.png      a folder of a class's images: "What is this?" and the folder's name

`image` names a single one. `<image>` in a prompt is the place of an image; without it they come first. `question` and
`sentence` are read as prompts, `answer`, `caption` and `label` as completions. A row that says no `split` goes by a
hash of its first image: no image is then on both sides.

Prepared, a folder holds pixels.npy (each distinct image once, in bytes), rows.jsonl and card.json.

N images   S pixels of a side
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foretell import progress
from foretell.corpus.jsonl import read_lines, write_lines
from foretell.corpus.pixels import pixels_of, read
from foretell.errors import BadUse
from foretell.runs import read_json, sha256, whole_folder, write_whole
from foretell.text.chat import marked
from foretell.text.specials import IMAGE_PLACE

PIXELS, ROWS, CARD = "pixels.npy", "rows.jsonl", "card.json"
PROMPTS, COMPLETIONS, IMAGES = (
    ("prompt", "question", "sentence"),
    ("completion", "answer", "caption", "label"),
    ("images", "image"),
)
ASKED = "What is this?"
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
HELD_OUT_SHARE = 0.1
MOST_IMAGES = 8  # of a row
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pictures:
    """A prepared folder: all images, and the rows that ask about them by number."""

    pixels: np.ndarray
    """(N, S, S, 3), memory-mapped"""
    rows: list[Row]
    """prompt (an image's place is U+FFFC), completion, images, split, kind"""
    card: Row


def source_rows(source: Path) -> Iterator[tuple[str, Row, Path]]:
    """Each row of a source with where it stands and the folder that its files are in."""
    if source.is_file():
        yield from _file_rows(source)
    elif (source / "images.jsonl").exists():
        yield from _file_rows(source / "images.jsonl")
    elif files := sorted(source.glob("*.parquet")):
        for file in files:
            yield from _file_rows(file)
    elif source.is_dir() and (found := sorted(path for path in source.glob("*/*") if path.suffix.lower() in ENDINGS)):
        for path in found:
            yield str(path), {"completion": path.parent.name, "image": path.relative_to(source).as_posix()}, source
    else:
        rule = "give a folder with images.jsonl, with .parquet files, or with a folder of images for each class"
        raise BadUse(f"{source} holds no questions about images; {rule}")


def _file_rows(path: Path) -> Iterator[tuple[str, Row, Path]]:
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(path) as file:
                number = 0
                for batch in file.iter_batches(256):
                    for row in batch.to_pylist():
                        number += 1
                        yield f"{path}, row {number}", row, path.parent
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise BadUse(f"{path} is no Parquet file that can be read ({' '.join(str(error).split())})") from error
        return
    for number, row in enumerate(read_lines(path), 1):
        yield f"{path}, row {number}", row, path.parent


def asked(row: Row, where: str) -> tuple[str, str, list[Any]]:
    """Prompt with its marks, completion and images of a row; BadUse that says what is wrong with it."""
    completion = _first(row, COMPLETIONS)
    if completion is None:
        raise BadUse(f"{where} has none of {', '.join(COMPLETIONS)}; give the answer that is to be learnt")
    prompt = _first(row, PROMPTS)
    images = _first(row, IMAGES)
    images = [] if images is None else images if isinstance(images, list) else [images]
    if len(images) > MOST_IMAGES:
        raise BadUse(f"{where} has {len(images)} images; at most {MOST_IMAGES} go into a row")
    text = str(ASKED if prompt is None else prompt)
    if not images and IMAGE_PLACE in text:
        raise BadUse(f"{where} has a place {IMAGE_PLACE} and no image; give one image for each place")
    try:
        return marked(text, len(images)), in_words(completion), images
    except BadUse as error:
        raise BadUse(f"{where}: {error}") from error


def in_words(completion: object) -> str:
    """An answer as text; a truth value as true or false."""
    return str(completion).lower() if isinstance(completion, bool) else str(completion)


def _first(row: Row, names: Iterable[str]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def content(image: Any, folder: Path, where: str) -> bytes:
    """The content of an image's file as a row holds it: bytes, a struct of bytes, or a name inside the folder."""
    if isinstance(image, dict):
        image = image.get("bytes") if image.get("bytes") is not None else image.get("path")
    if isinstance(image, bytes):
        return image
    if not isinstance(image, str):
        raise BadUse(f"{where}: an image is a {type(image).__name__}; give a file's name or its content")
    path = (folder / image).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise BadUse(f"{where} names {image}, which lies outside {folder}; put the image inside it")
    return read(path)


def side(row: Row, first: bytes, where: str) -> str:
    """train or valid: as the row says, else by a hash of its first image."""
    said = str(row.get("split") or "")
    if said in ("train", "valid", "val", "validation"):
        return "train" if said == "train" else "valid"
    if said:
        raise BadUse(f"{where}: split is {said!r}; it must be train or valid")
    share = int.from_bytes(hashlib.sha256(first).digest()[:8]) / 2**64
    return "valid" if share < HELD_OUT_SHARE else "train"


def prepare_images(source: str, image_size: int, into: Path, *, quiet: bool = False) -> Path:
    """The prepared folder of a source, found or made in `into`; a prepared folder of this size as it is.

    BadUse that names the row for an image that is broken, too large, outside the folder, or of an unknown format.
    """
    path = Path(source)
    if not path.exists():
        raise BadUse(f"{source} does not exist; give a folder of images, a .jsonl or a .parquet file")
    if (path / PIXELS).exists():
        card = read_json(path / CARD)
        if card.get("image_size") != image_size:
            raise BadUse(
                f"{path} holds images of {card.get('image_size')} pixels, the model sees {image_size}; give the source"
            )
        return path
    mark = source_mark(path)
    folder = into / f"{path.resolve().stem}-pixels-{image_size}-{mark[:8]}"
    if (folder / CARD).exists():
        return folder
    rows, distinct = _read_all(path, image_size, quiet=quiet)
    with whole_folder(folder) as aside:
        np.save(aside / PIXELS, np.stack(distinct) if distinct else np.zeros((0, image_size, image_size, 3), np.uint8))
        write_lines(aside / ROWS, rows)
        sides = {name: sum(row["split"] == name for row in rows) for name in ("train", "valid")}
        card = {"kind": "images", "source": mark, "image_size": image_size, "n_images": len(distinct), **sides}
        write_whole(aside / CARD, json.dumps(card, indent=1))
    return folder


def _read_all(path: Path, image_size: int, *, quiet: bool) -> tuple[list[Row], list[np.ndarray]]:
    """The rows of a source with their images by number, and each distinct image."""
    known: dict[bytes, int] = {}
    rows: list[Row] = []
    distinct: list[np.ndarray] = []
    found = list(source_rows(path))
    with progress.bar("reading images", len(found), quiet=quiet) as shown:
        for where, row, folder in found:
            prompt, completion, images = asked(row, where)
            contents = [content(image, folder, where) for image in images]
            numbers = []
            for one in contents:
                digest = hashlib.sha256(one).digest()
                if digest not in known:
                    known[digest] = len(distinct)
                    distinct.append(pixels_of(one, image_size, where))
                numbers.append(known[digest])
            first = contents[0] if contents else prompt.encode()
            told = {"prompt": prompt, "completion": completion, "images": numbers, "split": side(row, first, where)}
            rows.append({**told, "kind": str(row.get("kind") or "")})
            shown.advance()
    return rows, distinct


def source_mark(path: Path) -> str:
    """A hash of what a source holds: its files' contents where rows are in files, names and sizes where images are."""
    if path.is_file():
        return sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    told = [
        f"{file.relative_to(path)} {sha256(file) if file.suffix in ('.jsonl', '.parquet') else file.stat().st_size}"
        for file in files
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def open_pictures(folder: Path) -> Pictures:
    """A prepared folder; BadUse where it is damaged."""
    card = read_json(folder / CARD) if (folder / CARD).exists() else {}
    if card.get("kind") != "images":
        raise BadUse(f"{folder} holds no prepared images; give the images themselves, and foretell train prepares them")
    try:
        pixels = np.load(folder / PIXELS, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadUse(f"{folder / PIXELS} cannot be read ({' '.join(str(error).split())}); remove {folder}") from error
    size = card["image_size"]
    if pixels.dtype != np.uint8 or pixels.shape != (card["n_images"], size, size, 3):
        raise BadUse(f"{folder / PIXELS} has {pixels.dtype} {pixels.shape}, not what card.json says; remove {folder}")
    rows = read_lines(folder / ROWS)
    if wrong := next((row for row in rows if any(not 0 <= i < len(pixels) for i in row["images"])), None):
        raise BadUse(f"{folder / ROWS} names image {max(wrong['images'])} of {len(pixels)}; remove {folder}")
    return Pictures(pixels=pixels, rows=rows, card=card)
