"""tinyshakespeare as characters, cut as nanoGPT's data/shakespeare_char cuts it: 90 % train, 10 % held out."""

import gzip
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "../shared/data/tinyshakespeare/input.txt.gz"


def characters(path: Path = DATA) -> tuple[np.ndarray, np.ndarray, int]:
    """Training ids, held-out ids, and the number of different characters; sorted characters are the vocabulary."""
    if not path.exists():
        raise SystemExit(f"{path} does not exist; give --text FILE, the 1.1 MB tinyshakespeare input.txt(.gz)")
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = raw.decode()
    vocabulary = {c: i for i, c in enumerate(sorted(set(text)))}
    ids = np.array([vocabulary[c] for c in text], dtype=np.int64)
    cut = int(len(ids) * 0.9)
    return ids[:cut], ids[cut:], len(vocabulary)
