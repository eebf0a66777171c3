"""How tokens are chosen, as data."""

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """Settings of one request. temperature 0 takes the likeliest token; top_k 0 and top_p 1 leave all tokens in."""

    max_new_tokens: int
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int = 0
    alternatives: int = 0
    """how many of the likeliest tokens are told with each chosen one"""
    repetition_penalty: float = 1.0
    """divides the logits above 0 of tokens that the prompt or the completion has, and multiplies those below (Keskar et
    al. 2019, section 4.1); 1 changes nothing"""
    no_repeat_ngram: int = 0
    """no run of so many tokens comes twice in prompt and completion (Paulus et al. 2017, section 2.5); 0 allows all"""
    bias: tuple[tuple[int, float], ...] = ()
    """what is added to the logits of single tokens before one is chosen; what is told of it is without"""
    presence_penalty: float = 0.0
    """what is taken from the logits of tokens that the completion has (not its prompt), as OpenAI's API names it"""
    frequency_penalty: float = 0.0
    """what is taken from them for each time that it has them"""

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens={self.max_new_tokens} is not positive; give at least 1")
        if not (isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(
                f"temperature={self.temperature} is not a number of at least 0; 0 takes the likeliest token"
            )
        if self.top_k < 0:
            raise ValueError(f"top_k={self.top_k} is negative; 0 leaves all tokens in")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p={self.top_p} is not in (0, 1]; 1 leaves all tokens in")
        if not (isfinite(self.repetition_penalty) and self.repetition_penalty > 0):
            raise ValueError(f"repetition_penalty={self.repetition_penalty} is not above 0; 1 changes nothing")
        if self.no_repeat_ngram < 0:
            raise ValueError(f"no_repeat_ngram={self.no_repeat_ngram} is negative; 0 allows all")
        check_stop(self.stop)

    @property
    def repeats_freely(self) -> bool:
        """Whether nothing is done against repetition."""
        return self.repetition_penalty == 1 and not self.no_repeat_ngram


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrastive:
    """Contrastive search (Su et al. 2022, equation 5): the likeliest tokens, less what resembles what was said."""

    max_new_tokens: int
    k: int = 4
    """how many of the likeliest tokens are compared"""
    alpha: float = 0.6
    """how much the likeness to the context counts against a token; 0 takes the likeliest"""
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.k < 1 or self.max_new_tokens < 1:
            raise ValueError(f"k={self.k}, max_new_tokens={self.max_new_tokens}: both must be at least 1")
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha={self.alpha} is not in [0, 1]; the paper's is 0.6")
        check_stop(self.stop)


@dataclass(frozen=True, kw_only=True, slots=True)
class Beam:
    """Beam search (Vaswani et al. 2017, section 6.1: width 4, alpha 0.6)."""

    max_new_tokens: int
    width: int = 4
    length_penalty: float = 0.6
    """alpha of lp(Y) = (5 + |Y|)^alpha / 6^alpha (Wu et al. 2016, eq. 14)"""
    stop: tuple[str, ...] = ()
    """a beginning whose text holds one of these is finished, and its text is what stands before"""

    def __post_init__(self) -> None:
        if self.width < 1 or self.max_new_tokens < 1:
            raise ValueError(f"width={self.width}, max_new_tokens={self.max_new_tokens}: both must be at least 1")
        if not (isfinite(self.length_penalty) and self.length_penalty >= 0):
            raise ValueError(f"length_penalty={self.length_penalty} is not at least 0; 0 compares plain likelihoods")
        check_stop(self.stop)


def check_stop(stop: tuple[str, ...]) -> None:
    """ValueError if a stop text would stop at once."""
    if "" in stop:
        raise ValueError("a stop text is empty and would stop at once; leave it out")
