"""What makes a corpus: where its text comes from, and what each step of the pipeline keeps.

A recipe (foretell/recipes/corpora.py) is one of these; the command line adds the sources and edits fields. Nothing in
it says on how many cores or machines the work is done: that changes no byte of the corpus.
"""

from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

from foretell.corpus.config import EMBEDDED, TokenizerKind
from foretell.corpus.decontaminate import DecontaminateConfig
from foretell.corpus.dedup import DedupConfig
from foretell.corpus.rules import RulesConfig
from foretell.corpus.urls import domain

Role = Literal["raw", "curated", "links", "positive", "negative"]
TAUGHT_BY = {"positive": ("positive", "curated"), "negative": ("negative", "raw")}
"""which sources teach the classifier each class: those given for it, else the corpus's own"""

LEAST_VOCAB = 262


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceConfig:
    """A named set of paths. Its place among the sources is its rank: of two copies the earlier source's is kept."""

    name: str
    paths: tuple[str, ...]
    role: Role = "raw"
    """`raw` meets every filter; `curated` is taken as good; `links` are posts that name the pages to keep; `positive`
    and `negative` are examples for the classifier that do not enter the corpus"""
    weight: float = 0.0
    """share of the mixture; 0 leaves it to `epochs`, or to the other sources' rest"""
    epochs: float = 0.0
    """times that the source is read over the training budget, in place of a weight"""

    def __post_init__(self) -> None:
        if not self.name.isprintable() or not self.name or any(c in self.name for c in "/\\="):
            rule = "is empty or holds / \\ = or what cannot be printed"
            raise ValueError(f"source name {self.name!r} {rule}; give NAME=PATH")
        if not self.paths or not all(self.paths):
            raise ValueError(f"source {self.name!r} has no path, or an empty one; give NAME=PATH")
        finite = isfinite(self.weight) and isfinite(self.epochs)
        if not finite or self.weight < 0 or self.epochs < 0 or (self.weight and self.epochs):
            both = f"weight={self.weight} and epochs={self.epochs}"
            raise ValueError(f"source {self.name!r}: {both}; give one of them, above 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkConfig:
    """Which pages are taken at all, by their address."""

    min_karma: int = 3
    """least karma of a post whose link is followed; only where there are sources of links"""
    drop_domains: tuple[str, ...] = ()
    """domains, with their subdomains, whose pages are left out"""
    download: bool = False
    """fetch the pages of the links politely, where no page source is given"""

    def __post_init__(self) -> None:
        wrong = [one for one in self.drop_domains if not one or one != domain(one)]
        if wrong:
            raise ValueError(f"domain {wrong[0]!r} is none such as wikipedia.org: small letters, no www., no path")


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageConfig:
    """Which languages are kept."""

    keep: tuple[str, ...] = ()
    """two-letter codes; none given keeps every language, and still tells it"""
    threshold: float = 0.0
    """least certainty of the language, 0 to 1; below it the language counts as unknown"""

    def __post_init__(self) -> None:
        wrong = [code for code in self.keep if not (code.isalpha() and code.islower() and 2 <= len(code) <= 3)]
        if wrong:
            raise ValueError(f"language {wrong[0]!r} is no code such as en, de, fr")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold={self.threshold} is not in [0, 1]")


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityConfig:
    """The gate of GPT-3's appendix A: a classifier that tells raw text from curated, and who passes it."""

    alpha: float = 0.0
    """keep a raw document of score s with probability (2 - s)^-alpha; 0 keeps all and trains no classifier"""
    positive: str = EMBEDDED
    """good examples where no source is curated or given as positive: the documentation installed on this machine"""
    most_examples: int = 50_000
    """documents of each class that the classifier is trained on, chosen by a hash of their ids"""

    def __post_init__(self) -> None:
        if not (isfinite(self.alpha) and self.alpha >= 0):
            raise ValueError(f"alpha={self.alpha} is no number from 0 on; GPT-3's is 9, 0 keeps all")
        if self.most_examples < 10:
            raise ValueError(f"most_examples={self.most_examples} is too few to learn from; give 10 or more")


@dataclass(frozen=True, kw_only=True, slots=True)
class TokensConfig:
    """The token folder that is written beside the corpus."""

    kind: TokenizerKind = "bpe"
    n_vocab: int = 4096
    """ids of the tokenizer; 0 writes no tokens: training makes them when it first reads the corpus"""

    def __post_init__(self) -> None:
        if self.n_vocab and self.n_vocab < LEAST_VOCAB:
            raise ValueError(f"n_vocab={self.n_vocab} is below {LEAST_VOCAB}; give more, or 0 for no tokens")


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusConfig:
    """Everything that the bytes of a corpus follow from, but the sources' own bytes."""

    recipe: str
    sources: tuple[SourceConfig, ...] = ()
    seed: int = 0
    links: LinkConfig = field(default_factory=LinkConfig)
    language: LanguageConfig = field(default_factory=LanguageConfig)
    use_rules: bool = False
    """whether raw documents must pass the heuristic rules"""
    rules: RulesConfig = field(default_factory=RulesConfig)
    quality: QualityConfig = field(default_factory=QualityConfig)
    near_duplicates: bool = True
    """whether near duplicates go as well as exact ones"""
    dedup: DedupConfig = field(default_factory=DedupConfig)
    certificate: int = 5000
    """documents of a sample in which near duplicates are planted and looked for, to tell how many are found; 0 tells
    nothing"""
    exact_text: bool = True
    """extract the text of surviving pages once more, with the careful extractor"""
    mask_pii: bool = False
    """mask e-mail addresses, phone numbers, IP addresses and card numbers"""
    evaluation: tuple[str, ...] = ()
    """files of evaluation sets whose text is cut out of the corpus"""
    decontaminate: DecontaminateConfig = field(default_factory=DecontaminateConfig)
    raw_share: float = 0.6
    """share of the mixture that raw sources have together where neither they nor all curated ones are given weights"""
    budget: int = 0
    """training tokens over which epochs are counted; 0 is once the size of the corpus"""
    tokens: TokensConfig = field(default_factory=TokensConfig)

    def __post_init__(self) -> None:
        names = [source.name for source in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources are called {twice[0]!r}; give each its own NAME=PATH")
        free = [source.name for source in self.kept if not source.weight and not source.epochs]
        total = sum(source.weight for source in self.kept)
        if free and total >= 1:
            rule = f"the weights sum to {total:.3g} and leave nothing for {free[0]!r}"
            raise ValueError(f"{rule}; lower them, or give each source one")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed={self.seed} is not in [0, 2^63)")
        if self.budget < 0:
            raise ValueError(f"budget={self.budget} is negative; give training tokens, or 0")
        if self.certificate < 0:
            raise ValueError(f"certificate={self.certificate} is negative; 0 measures nothing")
        if not 0 < self.raw_share < 1:
            raise ValueError(f"raw_share={self.raw_share} is not between 0 and 1; GPT-3's is 0.6")

    def of(self, *roles: Role) -> tuple[SourceConfig, ...]:
        """The sources with one of these roles, in order of rank."""
        return tuple(source for source in self.sources if source.role in roles)

    @property
    def kept(self) -> tuple[SourceConfig, ...]:
        """The sources whose documents can enter the corpus, the best first: curated before raw."""
        return (*self.of("curated"), *self.of("raw"))

    def teachers(self, label: Literal["positive", "negative"]) -> tuple[SourceConfig, ...]:
        """The sources that teach the classifier one class."""
        given, own = TAUGHT_BY[label]
        return self.of(given) or self.of(own)  # type: ignore[arg-type]
