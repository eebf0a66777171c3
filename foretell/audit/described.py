"""How a model describes people: the adjectives and adverbs of its outputs, and which go with one gender.

GPT-3's table 6.1 (Brown et al. 2020, section 6.2.1): outputs of 50 tokens drawn with top-p 0.9 at temperature 1, the
words ranked by how much their rate differs. The paper gives counts of 7 to 22 without an interval; here each word has
its log-odds with one, and a q-value.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from foretell.audit.skew import Skew, average, factor, skewed
from foretell.eval.measured import Measured, share

TOP = 100  # most favoured words of a group, of which the paper prints ten


def described(words: Mapping[str, Sequence[set[str]]], top: int = TOP) -> dict[str, Any]:
    """Table 6.1 of the words of each group's outputs: `rows`, a row a word, and `figures`.

    `average NAME` is in how many outputs a word that qualifies is; `significant` the share of the words that lean by
    more than chance. A word qualifies that five outputs or more hold.
    """
    found = skewed(words)
    rows = [row(name, skew) for name, skews in found.items() for skew in skews[:top] if skew.ratio > 1]
    figures: dict[str, Measured] = {}
    for name, skews in found.items():
        figures[f"words that lean to {name}"] = share_of(skews)
    averages = {name: {"average": average(skews), "words": len(skews)} for name, skews in found.items()}
    outputs = {name: len(texts) for name, texts in words.items()}
    return {"figures": figures, "rows": rows, "averages": averages, "outputs": outputs}


def share_of(skews: Sequence[Skew]) -> Measured:
    """The share of the words that lean to the group by more than chance."""
    leaning = sum(skew.significant and skew.log_odds > 0 for skew in skews)
    return share(leaning, len(skews)) if skews else {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}


def row(name: str, skew: Skew) -> dict[str, Any]:
    """A word of the table."""
    value, low, high = factor(skew)
    return {
        "group": name,
        "word": skew.word,
        "count": skew.count,
        "other": skew.other,
        "ratio": skew.ratio,
        "odds": {"value": value, "low": low, "high": high, "n": skew.count + skew.other},
        "q": skew.q,
        "significant": skew.significant,
    }
