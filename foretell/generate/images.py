"""Asking a model that sees: images and text in, text out.

    answers(model, [("What colour is the circle?", ["a.png"])])         one question each, in the chat's format
    pictured(model, [ids], [[image, ...]])                              any prompts, for the sampling engine

A prompt's ids hold one <|image|> for each image. For the engine that becomes the ids of its patches, which are rows of
what is seen, counted on from the last word of the vocabulary: an image that two prompts share has the same ids in both.

N images   S pixels of a side   P patches of an image   M patches of all images   D d_model
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from foretell.corpus.pixels import normalised, pixels_of
from foretell.errors import BadUse
from foretell.generate.config import Sampling
from foretell.generate.engine import Completion, generate
from foretell.generate.stops import Ending
from foretell.model.config import VisionConfig
from foretell.text.chat import Turn, answer_end, has_chat, marked, prompt_ids
from foretell.text.specials import IMAGE, IMAGE_MARK

if TYPE_CHECKING:
    from foretell.generate.model import Model

AT_ONCE = 64  # images of one pass
DATA_URL = "data:image/"


class Pictured(NamedTuple):
    """Prompts as the engine reads them, and what they see."""

    prompts: list[list[int]]
    seen: Tensor | None  # (M, D)


def sight(model: "Model") -> VisionConfig:
    """How a model sees; BadUse where it does not."""
    vision = model.network.cfg.vision
    if vision is None or IMAGE not in model.tokenizer.specials:
        raise BadUse("this model does not see; give one that was trained with images")
    return vision


def pixels(model: "Model", images: Sequence[Any]) -> np.ndarray:  # -> (N, S, S, 3)
    """Images as the model sees them, in bytes: paths, contents of files, Pillow images or arrays of bytes."""
    size = sight(model).image_size
    named = [pixels_of(image, size, f"image {number}") for number, image in enumerate(images, 1)]
    return np.stack(named) if named else np.zeros((0, size, size, 3), np.uint8)


def seen(model: "Model", images: Sequence[Any]) -> Tensor:  # -> (M, D)
    """What the model's decoder reads of images, patch by patch."""
    found, device = pixels(model, images), model.network.embed.token.weight.device
    with torch.inference_mode():
        parts = [
            model.network.look(torch.from_numpy(normalised(found[i : i + AT_ONCE])).to(device))
            for i in range(0, len(found), AT_ONCE)
        ]
    return torch.cat(parts) if parts else model.network.embed.token.weight[:0]


def pictured(model: "Model", prompts: Sequence[Sequence[int]], images: Sequence[Sequence[Any]]) -> Pictured:
    """Prompts whose placeholders are their images' patches. Without any image the prompts are as they were.

    BadUse where a prompt has more or fewer places than images, and where the model does not see.
    """
    if not any(images):
        return Pictured([list(prompt) for prompt in prompts], None)
    given, found = placed(model, prompts, images)
    return Pictured(given, seen(model, found))


def placed(
    model: "Model", prompts: Sequence[Sequence[int]], images: Sequence[Sequence[Any]]
) -> tuple[list[list[int]], list[Any]]:
    """The prompts with the ids of patches in the places of their images, and the images that these count, each once."""
    vision, place = sight(model), model.tokenizer.special(IMAGE)
    n_vocab, given = model.network.cfg.n_vocab, []
    known: dict[Any, int] = {}
    found: list[Any] = []
    for prompt, some in zip(prompts, images, strict=True):
        n = list(prompt).count(place)
        if n != len(some):
            raise BadUse(f"a prompt has {n} places for images and is given {len(some)} images; give one for each place")
        for image in some:
            if known.setdefault(same(image), len(found)) == len(found):
                found.append(image)
        firsts = iter([n_vocab + known[same(image)] * vision.n_tokens for image in some])
        apart = [range(first := next(firsts), first + vision.n_tokens) if i == place else (i,) for i in prompt]
        given.append([i for some_ids in apart for i in some_ids])
    return given, found


def same(image: Any) -> Any:
    """What two equal images have in common: the file, its content, or the object itself."""
    return image if isinstance(image, str | bytes | Path) else id(image)


def answers(
    model: "Model",
    questions: Sequence[tuple[str, Sequence[Any]]],
    *,
    max_new_tokens: int = 16,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[Completion]:
    """The answer to each question about its images; `<image>` in it is an image's place, else they come first."""
    model.check("answer", "decoder")
    turns = [(Turn("user", marked(text, len(images))),) for text, images in questions]
    prompts, looked = pictured(
        model, [prompt_ids(model.tokenizer, one) for one in turns], [images for _, images in questions]
    )
    end = answer_end(model.tokenizer) if has_chat(model.tokenizer) or model.tokenizer.has_end else -1
    words = Ending(end, model.tokenizer.decode, model.tokenizer.n_vocab)
    sampling = Sampling(max_new_tokens=max_new_tokens, temperature=temperature, seed=seed)
    return generate(model.network, words, prompts, sampling, seen=looked)


def said_with_images(content: str | Sequence[Mapping[str, Any]]) -> tuple[str, list[bytes]]:
    """What a message says, marks in the places of its images, and the images, from OpenAI's parts of a message.

        "text", or a list of {"type": "text", "text": ...} and {"type": "image_url", "image_url": {"url": "data:..."}}

    BadUse for an address on the network, which is never fetched, for what is no base64, and for parts of other types.
    """
    if isinstance(content, str):
        return content.replace(IMAGE_MARK, " "), []
    said, images = "", []
    for part in content:
        match part.get("type"):
            case "text":
                said += str(part.get("text", "")).replace(IMAGE_MARK, " ")
            case "image_url":
                link = part.get("image_url")
                images.append(data_of(str(link.get("url", "")) if isinstance(link, Mapping) else str(link)))
                said += IMAGE_MARK
            case other:
                raise BadUse(f"a part of a message is of type {other!r}; text and image_url are read")
    return said, images


def data_of(url: str) -> bytes:
    """The image of a data URL."""
    head, comma, data = url.partition(",")
    if not head.startswith(DATA_URL) or not head.endswith(";base64") or not comma:
        raise BadUse(f"an image's url is {url[:40]!r}; send the image itself, as data:image/png;base64,...")
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise BadUse(f"an image's url holds no base64 ({error}); encode the file again") from error
