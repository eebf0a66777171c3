"""How the papers made their text: every number of a recipe beside the paper's, typed here once more."""

import dataclasses
import re

import pytest

from foretell.config import override
from foretell.corpus.corpus_config import CorpusConfig
from foretell.corpus.quality import pass_rate
from foretell.corpus.urls import domain, is_within
from foretell.errors import BadUse
from foretell.recipes.corpora import BUDGET, RECIPES, TABLE, corpus_recipe, printed_table

PRINTED = """
Common Crawl (filtered)   410 billion   60%   0.44
WebText2                   19 billion   22%   2.9
Books1                     12 billion    8%   1.9
Books2                     55 billion    8%   0.43
Wikipedia                   3 billion    3%   3.4
"""  # Brown et al. 2020, table 2.2: quantity in tokens, weight in the mix, epochs over 300 billion tokens


def printed() -> dict[str, tuple[float, float, float]]:
    rows = re.findall(r"(?m)^(.+?)  +(\d+) billion +(\d+)% +([\d.]+)$", PRINTED)
    return {name: (int(n) * 1e9, int(share) / 100, float(epochs)) for name, n, share, epochs in rows}


def test_table_2_2_is_the_papers():
    assert len(printed()) == 5
    assert {name: tuple(row) for name, row in TABLE.items()} == printed()
    assert list(TABLE) == list(printed())
    assert BUDGET == 300e9


def test_the_table_stands_beside_what_its_own_weights_come_to():
    head, *lines, last = printed_table()
    assert head.split() == ["source", "tokens", "weight", "epochs", "printed", "epochs"]
    total = sum(weight for _, weight, _ in printed().values())
    for line, (name, (tokens, weight, epochs)) in zip(lines, printed().items(), strict=True):
        assert line.startswith(f"{name}  ")
        cells = line.removeprefix(name).split()
        share = weight / total
        computed = [f"{tokens / 1e9:g}", "B", f"{share:.1%}", f"{300e9 * share / tokens:.2f}"]
        assert cells == [*computed, f"{weight:.0%}", f"{epochs:.2f}"]
    assert last == (
        "The printed weights sum to 1.01; epochs that do not follow from them: "
        "WebText2 3.44 against 2.9, Wikipedia 2.97 against 3.4."
    )


def test_webtext_is_that_of_gpt2():
    """Radford et al. 2019, section 2.1: at least 3 karma, all of Wikipedia out; section 3.7: English."""
    cfg = corpus_recipe("webtext")
    assert cfg.links.min_karma == 3
    assert cfg.language.keep == ("en",)
    for url in ("https://en.wikipedia.org/wiki/Text", "http://wikipedia.org", "https://de.m.wikipedia.org/x"):
        assert is_within(domain(url), cfg.links.drop_domains)
    assert not is_within(domain("https://wikipedia.org.example/x"), cfg.links.drop_domains)
    assert (cfg.use_rules, cfg.near_duplicates, cfg.quality.alpha) == (True, True, 0)


def test_gpt3_is_that_of_its_appendices():
    """Brown et al. 2020: appendix A, pareto(9) > 1 - score; section 2.2, 60 % of the mix; appendix C, 13-grams."""
    cfg = corpus_recipe("gpt3")
    assert cfg.quality.alpha == 9
    scores = (0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
    assert pass_rate(scores, cfg.quality.alpha) == pytest.approx([(2 - s) ** -9 for s in scores])
    assert cfg.raw_share == printed()["Common Crawl (filtered)"][1] == 0.6
    cut = cfg.decontaminate
    assert (cut.n, cut.window, cut.shortest_piece, cut.most_pieces, cut.most_documents) == (13, 200, 200, 10, 10)
    assert (cfg.near_duplicates, cfg.use_rules, cfg.language.keep) == (True, False, ())


def test_the_papers_own_hashes_can_be_asked_for_and_are_why_ours_differ():
    cfg = corpus_recipe("gpt3")
    words = "--dedup.bands 10 --dedup.rows 1 --dedup.ngram 1 --dedup.verify 0.7"
    theirs = override(cfg, words.split()).dedup
    assert (theirs.bands, theirs.rows, theirs.ngram) == (10, 1, 1)
    ours = cfg.dedup
    assert (ours.bands, ours.rows) == (14, 8)
    likely = {one: 1 - (1 - 0.075**one.rows) ** one.bands for one in (ours, theirs)}  # of pages with 7.5 % in common
    assert 0.5 < likely[theirs] < 0.6
    assert likely[ours] < 1e-7


def test_plain_judges_nothing():
    cfg = corpus_recipe("plain")
    assert (cfg.use_rules, cfg.near_duplicates, cfg.quality.alpha, cfg.language.keep, cfg.mask_pii) == (
        False,
        False,
        0,
        (),
        False,
    )
    assert not cfg.links.drop_domains
    assert dataclasses.replace(cfg, near_duplicates=True) == CorpusConfig(recipe="plain")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_made_anew_under_its_name_and_without_sources(name):
    cfg = corpus_recipe(name)
    assert cfg == RECIPES[name]()
    assert (cfg.recipe, cfg.sources, cfg.evaluation) == (name, (), ())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gtp3", "no corpus recipe is called 'gtp3'; did you mean 'gpt3'?"),
        ("webtxt", "did you mean 'webtext'?"),
        ("", "no corpus recipe is called ''; known: gpt3, plain, webtext"),
        ("c4", "known: gpt3, plain, webtext"),
    ],
)
def test_another_name_is_refused_with_the_nearest(name, said):
    with pytest.raises(BadUse) as told:
        corpus_recipe(name)
    assert said in str(told.value)
