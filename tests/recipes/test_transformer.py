"""What Vaswani et al. 2017 state must be true of the recipe."""

from dataclasses import replace
from pathlib import Path

import pytest

from foretell.corpus.parallel import read_pairs
from foretell.errors import BadUse
from foretell.eval.translation import translation_suite
from foretell.generate.model import load
from foretell.model.count import parameters
from foretell.recipes import recipe, transformer
from foretell.recipes.sources import resolve
from foretell.text.tokenizer import Tokenizer
from foretell.text.train import train_tokenizer
from foretell.train.config import Muon
from foretell.train.loop import train
from foretell.train.schedule import rate


@pytest.mark.parametrize(("size", "millions", "printed"), [("base", 63.1, 65), ("big", 214.2, 213)])
def test_sizes_of_table_3(size, millions, printed):
    n = sum(parameters(transformer.network(size)).values()) / 1e6
    assert n == pytest.approx(millions, abs=0.05)
    assert n == pytest.approx(printed, rel=0.03)


@pytest.mark.parametrize("step", [1, 10, 3999, 4000, 4001, 100_000])
def test_learning_rate_is_eq_3(step):
    cfg = transformer.translate("base")
    wanted = 512**-0.5 * min(step**-0.5, step * 4000**-1.5)
    assert cfg.optim.lr * rate(cfg.schedule, step - 1, cfg.steps) == pytest.approx(wanted)


def test_numbers_of_section_5():
    cfg = transformer.translate("base")
    assert (cfg.optim.betas, cfg.optim.eps) == ((0.9, 0.98), 1e-9)
    assert cfg.objective.label_smoothing == 0.1
    assert cfg.data.tokens_per_bucket == 25_000
    assert (cfg.model.dropout.residual, transformer.network("big").dropout.residual) == (0.1, 0.3)
    assert (cfg.average, transformer.translate("big").average) == (5, 20)
    assert (cfg.model.norm_place, cfg.model.tied, cfg.model.embedding_scale) == ("post", True, True)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Line-aligned files in two made languages: a sentence of the second says the first one backwards."""
    folder = tmp_path_factory.mktemp("numbers")
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    en = [f"{a} or {b} and {c}" for a in words for b in words for c in words[:3]]
    nl = [" ".join(word[::-1] for word in reversed(line.split())) for line in en]
    for name, part in (("train", slice(0, 400)), ("val", slice(400, None))):
        for language, lines in (("en", en), ("nl", nl)):
            (folder / f"{name}.{language}").write_text("".join(line + "\n" for line in lines[part]))
    return folder


def configured(corpus, **kw):
    cfg = recipe("transformer.translate:smoke")
    data = replace(cfg.data, folder=str(corpus), source="en", target="nl")
    machine = replace(cfg.machine, device="cpu", threads=1)
    return replace(cfg, data=data, machine=machine, model=replace(cfg.model, n_vocab=320), **kw)


def test_a_user_s_pairs_bring_their_own_vocabulary(corpus, tmp_path):
    cfg = resolve(configured(corpus), tmp_path, quiet=True)
    texts = [text for pair in read_pairs(corpus, "train", "en", "nl") for text in pair]
    assert Tokenizer.load(Path(cfg.data.tokens)).sha() == train_tokenizer("bpe", texts, 320).sha()
    assert Path(cfg.data.tokens) == tmp_path / f"{corpus.name}-en-nl-bpe-320"
    assert resolve(configured(corpus), tmp_path, quiet=True) == cfg


def test_pairs_read_by_another_vocabulary_take_that_of_the_start(corpus, tmp_path):
    first = train(resolve(configured(corpus, steps=2), tmp_path, quiet=True), tmp_path / "run", quiet=True)
    cfg = resolve(configured(corpus, start=str(first.folder)), tmp_path / "other", quiet=True)
    assert Path(cfg.data.tokens) == first.folder / "model"
    assert load(first.folder).generate(["one or two and three"], beam=2, max_new_tokens=5)


def test_the_config_of_a_run_means_the_same_once_more(corpus, tmp_path):
    """Its tokens are a folder with a tokenizer and no text: nothing is to be learnt from the file itself."""
    cfg = resolve(configured(corpus), tmp_path, quiet=True)
    made = sorted(tmp_path.iterdir())
    assert resolve(cfg, tmp_path, quiet=True) == cfg
    assert sorted(tmp_path.iterdir()) == made


def test_tokens_of_another_tokenizer_than_the_start_s_are_refused(corpus, tmp_path):
    first = train(resolve(configured(corpus, steps=1), tmp_path, quiet=True), tmp_path / "run", quiet=True)
    turned = configured(corpus)
    turned = resolve(replace(turned, model=replace(turned.model, n_vocab=310)), tmp_path, quiet=True)
    with pytest.raises(BadUse, match=r"holds another tokenizer than that of .*leave --data\.tokens out"):
        resolve(replace(turned, start=str(first.folder)), tmp_path, quiet=True)


def test_a_vocabulary_larger_than_the_pairs_give_is_refused(corpus, tmp_path):
    cfg = configured(corpus)
    with pytest.raises(BadUse, match="n_vocab=5000 is more than this text gives"):
        resolve(replace(cfg, model=replace(cfg.model, n_vocab=5000)), tmp_path, quiet=True)


def test_languages_that_are_not_there_are_named_before_anything_is_made(corpus, tmp_path):
    cfg = configured(corpus)
    with pytest.raises(BadUse, match=r"neither train\.de nor train\.de\.gz; train is there in en, nl"):
        resolve(replace(cfg, data=replace(cfg.data, target="de")), tmp_path, quiet=True)
    assert not list(tmp_path.iterdir())


def test_only_small_leaves_the_papers_optimizer():
    kinds = {size: transformer.translate(size).optim.kind for size in transformer.SIZES}
    assert kinds.pop("small") == "muon"
    assert set(kinds.values()) == {"adamw"}


def test_small_has_room_for_its_sentences_and_keeps_the_rest_of_section_5():
    cfg = transformer.translate("small")
    assert (cfg.optim.lr, cfg.optim.muon_lr) == pytest.approx((0.002, 0.01))
    assert (cfg.model.norm_place, cfg.model.tied, cfg.average) == ("post", True, 5)
    assert cfg.data.length == cfg.model.n_ctx >= 58 + 50, "the longest source of the data, and 50 tokens (section 6.1)"
    assert cfg.objective.label_smoothing == 0.1
    assert cfg.schedule.shape == "inverse_sqrt"


@pytest.mark.slow
def test_it_learns_to_translate_made_pairs(corpus, tmp_path):
    """Every word is written backwards and their order is turned: held-out sentences need both."""
    cfg = configured(corpus, steps=350, average=3, checkpoint_every=10, evaluate_every=350)
    cfg = replace(cfg, data=replace(cfg.data, tokens_per_bucket=768))
    cfg = replace(cfg, optim=Muon(lr=4e-3, muon_lr=0.02), schedule=replace(cfg.schedule, warmup_steps=50))
    run = train(resolve(cfg, tmp_path, quiet=True), tmp_path / "run", quiet=True).folder
    pairs = read_pairs(corpus, "val", "en", "nl")
    found = translation_suite(load(run), pairs, training=read_pairs(corpus, "train", "en", "nl"))
    assert found["bleu"]["value"] > 60, found["bleu"]
    assert max(found["copy"]["bleu"]["value"], found["baseline"]["bleu"]["value"]) < 20
