"""An image file as numbers, safely: what is decoded is known and bounded before any pixel is.

    decoded(content)  ->  squared(image, S)  (S, S, 3) bytes  ->  normalised(pixels)  (N, 3, S, S) in [-1, 1]

Resizing and normalising are SigLIP's (transformers' SiglipImageProcessor): bicubic, to a square whatever the shape,
each channel minus 1/2 over 1/2.

N images   S pixels of a side
"""

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foretell.errors import BadUse

if TYPE_CHECKING:
    from PIL.Image import Image

Given = "bytes | str | Path | Image | np.ndarray"
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # decoders that are widely used, of pictures that people have
MOST_BYTES = 10 * 2**20
MOST_PIXELS = 20_000_000
WHITE = (255, 255, 255, 255)
ORIENTATION, UPRIGHT = 0x0112, 1  # of a camera, in EXIF


def pixels_of(given: Any, size: int, name: str = "the image") -> np.ndarray:  # -> (S, S, 3)
    """An image as bytes of red, green and blue: of a file's path or content, of a Pillow image, or of an array.

    BadUse, one line with `name`, for what is broken, too large, or of a format that is not decoded here.
    """
    if isinstance(given, str | Path):
        name, given = str(given), read(Path(given))
    if isinstance(given, bytes | bytearray | memoryview):
        return squared(decoded(bytes(given), name), size)
    if isinstance(given, np.ndarray):
        return squared(of_array(given, name), size)
    if not hasattr(given, "getbands"):
        raise BadUse(
            f"{name} is a {type(given).__name__}; give a file, its content, a Pillow image or an array of bytes"
        )
    check_size(given.size, name)
    return squared(in_colour(given), size)


def read(path: Path) -> bytes:
    """The content of an image's file; BadUse where it cannot be read or is larger than an image may be."""
    try:
        n_bytes = path.stat().st_size
        if n_bytes > MOST_BYTES:
            raise BadUse(f"{path} has {n_bytes:,} bytes; an image may have {MOST_BYTES:,}: make it smaller")
        return path.read_bytes()
    except OSError as error:
        raise BadUse(f"{path} cannot be read ({error.strerror or error}); give an image file") from error


def decoded(content: bytes, name: str = "the image") -> "Image":
    """The image of a file's content, in red, green and blue, turned as its camera was held.

    BadUse where it is broken or cut short, of another format, or larger than MOST_BYTES or MOST_PIXELS; the size is
    read before anything is decoded, so that a small file cannot become a large image.
    """
    from PIL import Image, UnidentifiedImageError

    if len(content) > MOST_BYTES:
        raise BadUse(f"{name} has {len(content):,} bytes; an image may have {MOST_BYTES:,}: make it smaller")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata, which is not looked at
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            check_size(image.size, name)
            image.load()
            return in_colour(image)
    except BadUse:
        raise
    except UnidentifiedImageError as error:
        raise BadUse(f"{name} is no {', '.join(FORMATS)} image; convert it") from error
    except Image.DecompressionBombError as error:
        raise BadUse(
            f"{name} is larger than the {MOST_PIXELS:,} pixels that an image may have: make it smaller"
        ) from error
    except Exception as error:  # decoders raise whatever a damaged file makes them stumble over
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadUse(f"{name} is broken ({reason}); copy it again from its source") from error


def check_size(size: tuple[int, int], name: str) -> None:
    """BadUse unless an image of so many columns and rows may be decoded."""
    width, height = size
    if not 0 < width * height <= MOST_PIXELS:
        told = f"{name} has {width} x {height} pixels"
        raise BadUse(f"{told}; an image may have {MOST_PIXELS:,} in all, and at least one: make it smaller")


def in_colour(image: "Image") -> "Image":
    """An image in red, green and blue: turned as its camera was held, what shines through on white."""
    from PIL import Image, ImageOps

    if image.getexif().get(ORIENTATION, UPRIGHT) != UPRIGHT:
        image = ImageOps.exif_transpose(image)  # which copies an image that is upright
    if image.mode == "RGB":
        return image
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, WHITE), image).convert("RGB")
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")


def of_array(array: np.ndarray, name: str) -> "Image":
    """The image of an array of bytes, (H, W) or (H, W, 3)."""
    from PIL import Image

    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        told = f"{name} is an array of {array.dtype}, {array.shape}"
        raise BadUse(f"{told}; give bytes, (rows, columns) or (rows, columns, 3)")
    check_size((array.shape[1], array.shape[0]), name)
    return Image.fromarray(array).convert("RGB")


def squared(image: "Image", size: int) -> np.ndarray:  # -> (S, S, 3)
    """The image with `size` rows and columns; one of that size as it is."""
    from PIL import Image

    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(image)


def normalised(pixels: np.ndarray) -> np.ndarray:  # (N, S, S, 3) -> (N, 3, S, S)
    """Bytes as numbers from -1 to 1, channels first, for all images at once."""
    found = np.empty((len(pixels), 3, *pixels.shape[1:3]), np.float32)
    np.multiply(pixels.transpose(0, 3, 1, 2), np.float32(2 / 255), out=found)
    found -= 1
    return found
