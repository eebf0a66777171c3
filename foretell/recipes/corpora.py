"""How the papers made their text: WebText (GPT-2), the filtered web with known good sets (GPT-3), and neither.

$ foretell corpus submissions.zst pages.warc.gz --recipe webtext --out corpora/webtext
$ foretell corpus crawl.warc.gz --curated books=novels/ --recipe gpt3 --out corpora/mine
$ foretell corpus my-texts/ --recipe plain --out corpora/mine

A recipe says what each step keeps; the sources are the user's.
"""

from typing import NamedTuple

from foretell.corpus.corpus_config import CorpusConfig, LanguageConfig, LinkConfig, QualityConfig
from foretell.corpus.shares import Share, shares, table_lines
from foretell.errors import BadUse, nearest


class Printed(NamedTuple):
    """A row of table 2.2 as the paper prints it."""

    tokens: float
    weight: float
    """share of the training mix"""
    epochs: float
    """times read over 300 billion tokens"""


TABLE = {
    "Common Crawl (filtered)": Printed(410e9, 0.60, 0.44),
    "WebText2": Printed(19e9, 0.22, 2.9),
    "Books1": Printed(12e9, 0.08, 1.9),
    "Books2": Printed(55e9, 0.08, 0.43),
    "Wikipedia": Printed(3e9, 0.03, 3.4),
}
"""Brown et al. 2020, table 2.2. The weights sum to 1.01 and do not give the epochs: 300e9 * 0.22 / 19e9 is 3.47."""
BUDGET = 300e9  # tokens; section 2.2


def webtext() -> CorpusConfig:
    """Radford et al. 2019, section 2.1: pages that posts of 3 karma or more link to, without Wikipedia.

    Text extraction, then de-duplication and "heuristic based cleaning", which the paper leaves open: ours are the
    rules of C4 and Gopher. Section 3.7: pages that are not in English were left out on purpose.
    """
    return CorpusConfig(
        recipe="webtext",
        links=LinkConfig(min_karma=3, drop_domains=("wikipedia.org",)),
        language=LanguageConfig(keep=("en",)),
        use_rules=True,
    )


def gpt3() -> CorpusConfig:
    """Brown et al. 2020, section 2.2 and appendices A and C: gate, fuzzy de-duplication, known good sets, weights.

    Appendix A: keep if pareto(9) > 1 - score, which is a probability of (2 - score)^-9. Section 2.2: 60 % of the mix is
    the filtered crawl; known good sets share the rest. The paper filters by no language: its classifier does, and 7 %
    of the words stay in other languages.

    Deviation: MinHash with 10 hashes, each a table of its own, calls half of all pairs candidates; ours are 14 bands of
    8 hashes, which find the same near duplicates (the paper's: --dedup.bands 10
    --dedup.rows 1 --dedup.ngram 1 with --dedup.verify).
    """
    return CorpusConfig(recipe="gpt3", quality=QualityConfig(alpha=9.0), raw_share=0.6)


def plain() -> CorpusConfig:
    """Text as it is: extracted, exact copies removed, nothing judged."""
    return CorpusConfig(recipe="plain", near_duplicates=False)


RECIPES = {"webtext": webtext, "gpt3": gpt3, "plain": plain}


def corpus_recipe(name: str) -> CorpusConfig:
    """The config that a name means; BadUse with the nearest name."""
    if name not in RECIPES:
        raise BadUse(f"no corpus recipe is called {name!r}{nearest(name, list(RECIPES))}")
    return RECIPES[name]()


def printed_shares() -> list[Share]:
    """Table 2.2 as it follows from its tokens and weights, which are made to sum to 1, over 300 billion tokens."""
    tokens = {name: row.tokens for name, row in TABLE.items()}
    total = sum(row.weight for row in TABLE.values())
    return shares(tokens, {name: row.weight / total for name, row in TABLE.items()}, BUDGET)


def printed_table() -> list[str]:
    """Table 2.2 as lines: what follows from its tokens and weights, beside what the paper prints."""
    return table_lines(printed_shares(), {name: (row.weight, row.epochs) for name, row in TABLE.items()})
