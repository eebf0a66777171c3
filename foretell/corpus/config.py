"""What a run reads. Each class is one form of data; `folder` is always a folder on disk or the word `embedded`.

A row is what the objective calls one example: a window of text, a pair of segments, a bucket of sentence pairs, an
example of a task. Rows are numbered; which rows a step reads is a pure function of (seed, step), so nothing but the
step is stored.
"""

import re
from dataclasses import dataclass
from typing import Literal

TokenizerKind = Literal["bpe", "gpt1", "wordpiece"]
EMBEDDED = "embedded"  # the documentation text that every machine with Python has
PEOPLE = "people"  # made people with their secrets, and conversations on them (foretell/safety)


def check_length(length: int) -> None:
    """ValueError unless a row holds something."""
    if length < 1:
        raise ValueError(f"length={length} is not positive; give the tokens of a row, at most the model's n_ctx")


def check_languages(source: str, target: str) -> None:
    """ValueError unless both are endings of files that differ, or neither is given."""
    said = f"source={source!r} and target={target!r}"
    if bool(source) != bool(target):
        raise ValueError(f"{said}: line-aligned files need both endings, JSON lines none; give both or none")
    if source and source == target:
        raise ValueError(f"{said} are the same file; name two languages, such as en and de")
    if wrong := next((one for one in (source, target) if not re.fullmatch(r"[\w.-]*", one)), None):
        raise ValueError(f"{wrong!r} is no ending of a file; give the part after train., such as en")


def stages_of(mixture: tuple[str, ...]) -> list[tuple[int, dict[str, float]]]:
    """First row and weights of each stage that the lines of a mixture say; ValueError where one says nothing."""
    stages = []
    for line in mixture:
        first, weights = re.fullmatch(r"\s*(?:(\d+)\s*:)?(.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
        pairs = [part.rpartition("=") for part in weights.split(",")]
        try:
            stages.append((int(first or 0), {name.strip(): float(weight) for name, _, weight in pairs}))
        except ValueError:
            raise ValueError(f"mixture {line!r} is not NAME=WEIGHT,NAME=WEIGHT or ROW: NAME=WEIGHT,...") from None
        if not all(stages[-1][1]):
            raise ValueError(f"mixture {line!r} has a weight without a name; write NAME=WEIGHT,NAME=WEIGHT")
    return stages


@dataclass(frozen=True, kw_only=True, slots=True)
class TextData:
    """Windows of running text, documents packed with an end-of-text token between them (GPT, GPT-2, GPT-3)."""

    kind: Literal["text"] = "text"
    folder: str = EMBEDDED
    tokenizer: TokenizerKind = "bpe"
    length: int
    """tokens in a row; at most the model's n_ctx"""
    rows: Literal["packed", "documents"] = "packed"
    """`packed`: full rows, across the ends of documents; `documents`: a row holds one document, or a piece of it"""
    mixture: tuple[str, ...] = ()
    """weights of the folder's sources in place of its own: `web=0.6,books=0.4`; `9000: web=1` is from that row on"""

    def __post_init__(self) -> None:
        check_length(self.length)
        stages_of(self.mixture)


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentData:
    """[CLS] A [SEP] B [SEP] with masked tokens (BERT)."""

    kind: Literal["segments"] = "segments"
    folder: str = EMBEDDED
    tokenizer: TokenizerKind = "wordpiece"
    length: int
    mask_share: float = 0.15
    """share of the positions that are predicted"""
    mixture: tuple[str, ...] = ()
    """weights of the folder's sources in place of its own, as in text"""

    def __post_init__(self) -> None:
        check_length(self.length)
        stages_of(self.mixture)
        if not 0 < self.mask_share < 1:
            raise ValueError(f"mask_share={self.mask_share} is not in (0, 1); BERT's is 0.15")


@dataclass(frozen=True, kw_only=True, slots=True)
class TranslationData:
    """Source and target sentences in buckets of similar length (Transformer): train.jsonl and val.jsonl in `folder`.

    With two languages they are line-aligned files: train.en, train.de, val.en and val.de, each plain or with .gz.
    """

    kind: Literal["translation"] = "translation"
    folder: str = EMBEDDED
    source: str = ""
    """ending of the source's files, such as en; empty for JSON lines"""
    target: str = ""
    """ending of the target's files, such as de; empty for JSON lines"""
    tokens: str = EMBEDDED
    """the token folder whose tokenizer reads both sides; embedded: learnt from the pairs, if they are the user's"""
    tokenizer: TokenizerKind = "bpe"
    length: int
    """tokens of the longest source or target; longer ones are cut"""
    tokens_per_bucket: int
    """source tokens and as many target tokens in a bucket, padding included"""

    def __post_init__(self) -> None:
        check_length(self.length)
        if self.tokens_per_bucket < self.length:
            rule = f"is below length={self.length}, the longest sentence; raise it"
            raise ValueError(f"tokens_per_bucket={self.tokens_per_bucket} {rule}")
        check_languages(self.source, self.target)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskData:
    """A task's examples (train.jsonl, val.jsonl, card.json), laid out as GPT-1 or BERT does."""

    kind: Literal["task"] = "task"
    folder: str
    tokens: str = EMBEDDED
    """the token folder whose tokenizer reads the text: that of the pretraining"""
    tokenizer: TokenizerKind = "gpt1"
    length: int
    layout: Literal["gpt1", "bert"]
    """[start] a [delim] b [extract], or [CLS] a [SEP] b [SEP]"""
    limit: int = 0
    """examples to train on; 0 takes all"""

    def __post_init__(self) -> None:
        check_length(self.length)
        if self.limit < 0:
            raise ValueError(f"limit={self.limit} is negative; 0 takes all examples")

    @property
    def reads_last(self) -> bool:
        """Whether the task is read at the last token, which has seen all, and not at the first."""
        return self.layout == "gpt1"


@dataclass(frozen=True, kw_only=True, slots=True)
class DemonstrationData:
    """Prompts with the completions that people wrote, of which the completions alone are learnt."""

    kind: Literal["demonstrations"] = "demonstrations"
    folder: str = EMBEDDED
    """a folder with demonstrations.jsonl, or such a file: prompt, completion, split"""
    tokens: str = EMBEDDED
    """the token folder whose tokenizer reads the text: that of the pretraining"""
    tokenizer: TokenizerKind = "bpe"
    length: int
    """tokens of a row; longer examples are left out"""
    packed: bool = True
    """several examples in a row, none of which sees another; else one, and the padding that this takes"""
    text: str = ""
    """a folder of pretraining tokens that are mixed in; empty for none"""
    text_share: float = 0.0
    """the share of the rows that are pretraining text"""

    def __post_init__(self) -> None:
        check_length(self.length)
        if not 0 <= self.text_share < 1:
            raise ValueError(f"text_share={self.text_share} is not in [0, 1); Ouyang et al. mix in 0.1, or none")
        if self.text_share and not self.text:
            raise ValueError(f"text_share={self.text_share} but text is empty; name a folder of tokens, or give 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class RankingData:
    """Prompts with K outputs each and the ranks that a labeller gave them; a row is one ranking."""

    kind: Literal["rankings"] = "rankings"
    folder: str = EMBEDDED
    """a folder with rankings.jsonl, or such a file: prompt, outputs, ranks, split, labeller_group"""
    tokens: str = EMBEDDED
    """the token folder whose tokenizer reads the text: that of the pretraining"""
    tokenizer: TokenizerKind = "bpe"
    length: int
    """tokens of a prompt with one output; longer ones lose the beginning of the prompt"""
    without_group: str = ""
    """labels of this group of labellers are held out, and are the held-out side; empty: the file's own split"""

    def __post_init__(self) -> None:
        check_length(self.length)


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptData:
    """Prompts that a policy answers, and the pretraining text that is mixed in."""

    kind: Literal["prompts"] = "prompts"
    folder: str = EMBEDDED
    """a folder with prompts.jsonl, or such a file: text, split"""
    tokens: str = EMBEDDED
    """the token folder whose tokenizer reads the prompts: that of the policy"""
    tokenizer: TokenizerKind = "bpe"
    length: int
    """tokens of a prompt with its response; a prompt that leaves no room for a response is left out"""
    response: int
    """most tokens of a response, its end included"""
    text: str = ""
    """a folder of pretraining tokens (Ouyang et al. 2022: PPO-ptx); empty for none"""
    text_length: int = 0
    """tokens of a row of that text; 0 takes `length`"""

    def __post_init__(self) -> None:
        check_length(self.length)
        if not 0 < self.response < self.length:
            raise ValueError(f"response={self.response} is not in (0, length={self.length}); a prompt needs room too")
        if self.text_length < 0:
            raise ValueError(f"text_length={self.text_length} is negative; 0 takes length")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageData:
    """Questions about images with their answers, of which the answers alone are learnt (corpus/pictures.py)."""

    kind: Literal["images"] = "images"
    folder: str = EMBEDDED
    """a folder, a .jsonl or a .parquet file with rows of prompt, completion and images; embedded: drawn scenes"""
    tokens: str = EMBEDDED
    """the token folder whose tokenizer reads the text: that of the pretraining"""
    tokenizer: TokenizerKind = "bpe"
    length: int
    """tokens of a row, patches included; longer examples are left out"""
    image_size: int
    """pixels of a side; the model's"""
    image_tokens: int
    """places that an image takes; the model's"""
    blind: bool = False
    """the images are left out, questions and answers stay: what can be answered without seeing"""

    def __post_init__(self) -> None:
        check_length(self.length)
        for name in ("image_size", "image_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is not positive; give that of the model's vision")


Data = TextData | SegmentData | TranslationData | TaskData | DemonstrationData | RankingData | PromptData | ImageData


def tokens_of(data: Data) -> str:
    """The folder that holds the tokenizer with which the data are read."""
    return data.folder if isinstance(data, TextData | SegmentData) else data.tokens
