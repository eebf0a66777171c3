"""The one tokenizer that all code sees, whichever of three kinds it is; its artifact is Hugging Face's tokenizer.json.

    kind        text it keeps                              pieces
    bpe         every byte of it                           byte-level BPE (GPT-2): a space belongs to the word after it
    gpt1        lower case, no accents, single spaces      BPE, a word's last piece ends in </w> (GPT-1)
    wordpiece   lower case, no accents, single spaces      a word's later pieces begin with ## (BERT)

V n_vocab
"""

import hashlib
import json
import re
import string
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers

from foretell.errors import BadUse, nearest
from foretell.runs import write_whole
from foretell.text.byte_level import fast_encoding, token_bytes
from foretell.text.specials import (
    CHAT,
    CHAT_TEMPLATE,
    CHAT_TEMPLATE_IMAGES,
    END_OF_TEXT,
    IMAGE,
    IN_TRANSFORMERS,
    KINDS,
    Kind,
)

FILE = "tokenizer.json"
GAP = 100_000  # tiktoken's regular expressions run out of stack at a million spaces in a row
WIDE_GAP, HINT = re.compile(rf"\s{{{GAP}}}"), re.compile(r"\s{8}")


class Tokenizer:
    """Text to ids and back. Special tokens never come from text, whatever the text holds; ask for them by name."""

    def __init__(self, inner: tokenizers.Tokenizer) -> None:
        self._inner = inner
        inner.no_truncation()  # a foreign file may ask for both
        inner.no_padding()
        inner.encode_special_tokens = True  # a special token's name in a text is text
        content = json.loads(inner.to_str())
        self.kind: Kind = _kind(content)
        self.n_vocab: int = _n_vocab(inner)
        self.specials: dict[str, int] = {t["content"]: t["id"] for t in content["added_tokens"] if t["special"]}
        self.dtype = np.dtype(np.uint16 if self.n_vocab <= 1 << 16 else np.int32)
        self._bytes = token_bytes(content) if self.kind == "bpe" else None
        self._fast = fast_encoding(content) if self.kind == "bpe" else None

    def __repr__(self) -> str:
        return f"Tokenizer({self.kind}, n_vocab={self.n_vocab})"

    def encode(self, text: str) -> list[int]:
        """The ids of a text, with no special token before, in or after it.

        bpe gives the text back, byte for byte. What Unicode cannot hold, half of a surrogate pair, becomes U+FFFD.
        gpt1 and wordpiece put <unk> or [UNK] for a character that they have not learnt, the only special token here.
        """
        text = well_formed(text)
        if self._fast is not None and not _wide_gap(text):
            return self._fast.encode_ordinary(text)
        return self._inner.encode(text, add_special_tokens=False).ids

    def encode_batch(self, texts: Sequence[str]) -> list[np.ndarray]:
        """encode() of each text, as arrays of `dtype`: uint16 where the vocabulary fits, else int32."""
        if self._fast is None:
            found = self._inner.encode_batch_fast([well_formed(text) for text in texts], add_special_tokens=False)
            return [np.array(one.ids, dtype=self.dtype) for one in found]
        return [self._encode_array(well_formed(text)) for text in texts]

    def _encode_array(self, text: str) -> np.ndarray:
        if self._fast is None or _wide_gap(text):
            return np.array(self.encode(text), dtype=self.dtype)
        return self._fast.encode_to_numpy(text, disallowed_special=()).astype(self.dtype)

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """The text of ids; a special token shows as its name, bytes that are no UTF-8 as U+FFFD."""
        known = [int(i) for i in ids]
        if wrong := [i for i in known if not 0 <= i < self.n_vocab]:
            rule = f"the ids of this {self.kind} tokenizer are 0 to {self.n_vocab - 1}"
            raise BadUse(f"token id {wrong[0]}: {rule}; decode with the tokenizer that encoded the text")
        if self._bytes is not None:
            return b"".join([self._bytes[i] for i in known]).decode("utf-8", "replace")
        return self._inner.decode(known, skip_special_tokens=False)

    def special(self, name: str) -> int:
        """The id of a special token, e.g. `<|user|>` or `[MASK]`."""
        if name not in self.specials:
            raise BadUse(
                f"this {self.kind} tokenizer has no special token {name!r}{nearest(name, list(self.specials))}"
            )
        return self.specials[name]

    @property
    def has_end(self) -> bool:
        """Whether there is a token that ends a text; the vocabulary that GPT-1 was published with has none."""
        return self.kind == "wordpiece" or END_OF_TEXT in self.specials

    @property
    def end_of_text(self) -> int:
        """The id of what stands between documents: <|endoftext|>, in wordpiece [SEP]."""
        return self.special("[SEP]" if self.kind == "wordpiece" else END_OF_TEXT)

    @property
    def pad(self) -> int:
        """The id that fills rows: [PAD] in wordpiece, else <|endoftext|>."""
        return self.special("[PAD]" if self.kind == "wordpiece" else END_OF_TEXT)

    def with_specials(self, names: Sequence[str]) -> "Tokenizer":
        """This tokenizer with more special tokens, after all other ids: chat for GPT-2, delimiters for GPT-1."""
        more = tokenizers.Tokenizer.from_str(self._inner.to_str())
        more.add_special_tokens(list(names))
        return Tokenizer(more)

    def byte_lengths(self) -> np.ndarray:  # -> (V,)
        """Bytes of text that each id stands for, 0 for special tokens: the divisor of bits per byte.

        bpe: exact; the sum over encode(text) is len(text.encode()). gpt1 and wordpiece: of the text as the tokenizer
        keeps it, lower case without accents. A word counts the one space that bounds it, at the piece that carries
        `</w>`, or lacks `##`; a mark of punctuation and an ideograph stand without one. So "it, too" and "(x)" come out
        right up to the space of the first word, "x.y" one too long, and a run of spaces counts as one.
        """
        lengths = np.zeros(self.n_vocab, dtype=np.int64)  # (V,)
        names = set(self.specials.values())
        for token, i in self._inner.get_vocab(with_added_tokens=True).items():
            if i not in names:
                lengths[i] = len(self._bytes[i]) if self._bytes is not None else _piece_length(token, self.kind)
        return lengths

    def to_json(self) -> str:
        """The content of tokenizer.json."""
        return self._inner.to_str(pretty=True)

    def sha(self) -> str:
        """The SHA-256 of the tokenizer.json that save() writes: a tokenizer's name in a lineage."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def save(self, folder: Path, model_max_length: int) -> None:
        """Write tokenizer.json, tokenizer_config.json and, where it can chat, chat_template.jinja for transformers."""
        inputs = ["input_ids", *(["token_type_ids"] if self.kind == "wordpiece" else []), "attention_mask"]
        config: dict[str, Any] = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": model_max_length,
            "model_input_names": inputs,
            "clean_up_tokenization_spaces": False,
        }
        config |= {role: name for role, name in IN_TRANSFORMERS[self.kind].items() if name in self.specials}
        if self.specials.keys() >= set(CHAT):
            template = CHAT_TEMPLATE_IMAGES if IMAGE in self.specials else CHAT_TEMPLATE
            config["chat_template"] = template  # older tools read it here
            write_whole(folder / "chat_template.jinja", template)
        write_whole(folder / FILE, self.to_json())
        write_whole(folder / "tokenizer_config.json", json.dumps(config, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "Tokenizer":
        """The tokenizer of a folder; its kind is told by the content of tokenizer.json."""
        path = folder / FILE
        if not path.is_file():
            raise BadUse(f"{path} does not exist; give a folder that holds a tokenizer.json")
        try:
            return cls(tokenizers.Tokenizer.from_str(path.read_text(encoding="utf-8")))
        except BadUse as error:
            raise BadUse(f"{path}: {error}") from error
        except Exception as error:  # the library raises bare Exceptions
            reason = " ".join(str(error).split())
            raise BadUse(f"{path} is no tokenizer.json ({reason}); copy it again from its source") from error


def _kind(content: dict[str, Any]) -> Kind:
    """Told by the model and by how words are cut; the Bert way of cutting keeps special names from being words."""
    model, pre = content["model"], content["pre_tokenizer"] or {}
    words, suffix = pre.get("type"), model.get("end_of_word_suffix")
    if model["type"] == "WordPiece" and words == "BertPreTokenizer":
        return "wordpiece"
    if model["type"] == "BPE" and words == "BertPreTokenizer" and suffix == "</w>":
        return "gpt1"
    if model["type"] == "BPE" and "ByteLevel" in {words, *(part["type"] for part in pre.get("pretokenizers", []))}:
        return "bpe"
    raise BadUse(f"a {model['type']} tokenizer on {words} words is none of {', '.join(KINDS)}; convert or retrain it")


def _n_vocab(inner: tokenizers.Tokenizer) -> int:
    ids = set(inner.get_vocab(with_added_tokens=True).values())
    if ids != set(range(len(ids))):
        raise BadUse(
            f"{len(ids)} tokens have ids up to {max(ids)}; ids must be 0 to {len(ids) - 1}, retrain or renumber"
        )
    return len(ids)


def well_formed(text: str) -> str:
    """The text with surrogate pairs joined and lone ones replaced; nearly always the text itself."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _wide_gap(text: str) -> bool:
    """Whether GAP spaces stand in a row; of one character in so many, eight in a row are then spaces, a quick look."""
    return len(text) >= GAP and HINT.search(text[:: GAP // 8]) is not None and WIDE_GAP.search(text) is not None


def _piece_length(token: str, kind: Kind) -> int:
    """Bytes of a piece of a word, and one more where the word's space is counted."""
    bounded = token.endswith("</w>") if kind == "gpt1" else not token.startswith("##")
    bare = token.removesuffix("</w>") if kind == "gpt1" else token.removeprefix("##")
    return len(bare.encode()) + (bounded and not _stands_close(bare))


def _stands_close(word: str) -> bool:
    """Whether a word is a mark of punctuation or an ideograph, cut off where the text has no space."""
    if len(word) != 1:
        return False
    ideograph = unicodedata.name(word, "").startswith("CJK")
    return word in string.punctuation or unicodedata.category(word).startswith("P") or ideograph
