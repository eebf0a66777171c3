"""The config of a corpus: roles, ranks, what it refuses, and that JSON holds all of it."""

import pytest

from foretell.config import dump, load, override
from foretell.corpus.corpus_config import (
    CorpusConfig,
    LanguageConfig,
    LinkConfig,
    QualityConfig,
    SourceConfig,
)
from foretell.recipes.corpora import RECIPES


def source(name: str, role="raw", **more) -> SourceConfig:
    return SourceConfig(name=name, paths=("x",), role=role, **more)


MANY = [source("c"), source("r", "curated"), source("p", "positive"), source("l", "links"), source("n", "negative")]


def names(sources) -> str:
    return "".join(one.name for one in sources)


def test_the_best_sources_come_first_and_examples_do_not_enter():
    cfg = CorpusConfig(recipe="x", sources=(*MANY, source("d"), source("s", "curated")))
    assert names(cfg.kept) == "rscd"
    assert names(cfg.of("links", "raw")) == "cld", "in their own order"


def test_examples_teach_where_there_are_some_else_the_corpus_does():
    cfg = CorpusConfig(recipe="x", sources=tuple(MANY))
    assert names(cfg.teachers("positive")) == "p"
    assert names(cfg.teachers("negative")) == "n"
    own = CorpusConfig(recipe="x", sources=tuple(MANY[:2]))
    assert names(own.teachers("positive")) == "r"
    assert names(own.teachers("negative")) == "c"
    assert CorpusConfig(recipe="x").teachers("positive") == ()


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_config_is_its_json(recipe):
    cfg = RECIPES[recipe]()
    assert load(CorpusConfig, dump(cfg)) == cfg
    whole = CorpusConfig(recipe="x", sources=(*MANY, source("w", weight=0.25)), evaluation=("a", "b"))
    assert load(CorpusConfig, dump(whole)) == whole


def test_every_part_is_a_field_of_the_command_line():
    cfg = override(CorpusConfig(recipe="x"), ["--quality.alpha", "2", "--language.keep", "de", "en", "--no-exact-text"])
    assert (cfg.quality.alpha, cfg.language.keep, cfg.exact_text) == (2.0, ("de", "en"), False)


@pytest.mark.parametrize("name", ["", "a/b", "a\\b", "a=b", "a\0b", "a\nb", "\udcff"])
def test_a_name_that_no_flag_could_give_is_refused(name):
    with pytest.raises(ValueError, match=r"is empty or holds / .* = or what cannot be printed; give NAME=PATH"):
        source(name)


@pytest.mark.parametrize(
    "given",
    [
        {"weight": -0.1},
        {"epochs": -1.0},
        {"weight": 0.1, "epochs": 1.0},
        {"weight": float("nan")},
        {"epochs": float("inf")},
    ],
)
def test_a_share_that_is_none_is_refused(given):
    with pytest.raises(ValueError, match="give one of them, above 0"):
        source("a", **given)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SourceConfig(name="a", paths=()), "source 'a' has no path, or an empty one; give NAME=PATH"),
        (lambda: SourceConfig(name="a", paths=("x", "")), "or an empty one"),
        (lambda: LanguageConfig(keep=("en", "English")), "language 'English' is no code such as en, de, fr"),
        (lambda: LanguageConfig(keep=("EN",)), "language 'EN' is no code"),
        (lambda: LanguageConfig(threshold=1.1), r"threshold=1.1 is not in \[0, 1\]"),
        (lambda: LanguageConfig(threshold=float("nan")), "threshold=nan"),
        (lambda: LinkConfig(drop_domains=("https://x.org/",)), "domain 'https://x.org/' is none such as wikipedia.org"),
        (lambda: LinkConfig(drop_domains=("www.x.org",)), "no www"),
        (lambda: LinkConfig(drop_domains=("X.org",)), "small letters"),
        (lambda: LinkConfig(drop_domains=("",)), "domain '' is none"),
        (lambda: QualityConfig(alpha=-1.0), "alpha=-1.0 is no number from 0 on; GPT-3's is 9, 0 keeps all"),
        (lambda: QualityConfig(alpha=float("nan")), "alpha=nan is no number"),
        (lambda: QualityConfig(most_examples=9), "most_examples=9 is too few"),
        (lambda: CorpusConfig(recipe="x", raw_share=0.0), "raw_share=0.0 is not between 0 and 1"),
        (lambda: CorpusConfig(recipe="x", budget=-1), "budget=-1 is negative"),
        (lambda: CorpusConfig(recipe="x", sources=(source("a"), source("a"))), "two sources are called 'a'"),
        (
            lambda: CorpusConfig(recipe="x", sources=(source("a", weight=0.7), source("b", weight=0.3), source("c"))),
            "the weights sum to 1 and leave nothing for 'c'; lower them, or give each source one",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_rule(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_weights_of_all_sources_may_sum_to_anything():
    CorpusConfig(recipe="x", sources=(source("a", weight=0.7), source("b", weight=0.5)))
    CorpusConfig(recipe="x", sources=(source("a", weight=2.0), source("b", epochs=1.0), source("p", "positive")))
