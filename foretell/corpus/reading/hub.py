"""Data sets of the Hugging Face hub, streamed: hf:OWNER/NAME, hf:OWNER/NAME/CONFIG, with :SPLIT at the end."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from foretell.corpus.reading.jsonlines import record
from foretell.corpus.reading.records import Broken, Limits, Raw
from foretell.errors import BadUse, Failed


def hub_name(spec: str) -> tuple[str, str | None, str]:
    """The data set's name, its config and its split, from OWNER/NAME[/CONFIG][:SPLIT]."""
    path, _, split = spec.partition(":")
    words = path.split("/")
    if not 1 <= len(words) <= 3 or not all(words):
        raise BadUse(f"hf:{spec} names no data set; give hf:OWNER/NAME, hf:OWNER/NAME/CONFIG or hf:OWNER/NAME:SPLIT")
    return "/".join(words[:2]), words[2] if len(words) == 3 else None, split or "train"


def read_hub(spec: str, limits: Limits) -> Iterator[Raw | Broken]:
    """The records of a data set in its own order; BadUse without the package datasets, Failed without the network."""
    name, config, split = hub_name(spec)
    for number, row in enumerate(_stream(name, config, split), 1):
        yield record(str(number), row, limits)


def _stream(name: str, config: str | None, split: str) -> Iterator[dict[str, Any]]:
    try:
        load_dataset = import_module("datasets").load_dataset
    except ImportError as error:
        raise BadUse(f"hf:{name} needs the package datasets; pip install datasets") from error
    try:
        yield from load_dataset(name, config, split=split, streaming=True)
    except Exception as error:  # the library raises whatever its own libraries raise
        said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        remedy = "check the name and the network, or give a folder or a file"
        raise Failed(f"hf:{name}, split {split}: cannot be read ({said}); {remedy}") from error
