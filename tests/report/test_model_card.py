"""A model card is read by the hub's own client, has the nine sections, and holds no number that its folders lack."""

import hashlib
import json
import re
from dataclasses import replace

import pytest

from foretell.cli import main
from foretell.errors import BadUse
from foretell.exchange.folder import load_model
from foretell.generate.model import Model
from foretell.model.count import parameters
from foretell.recipes import gpt2
from foretell.report.model_card import model_card, scalar, short, slug, without_folders, yaml
from foretell.report.model_facts import facts_of, figures_in
from foretell.text.train import train_tokenizer
from tests.audit.conftest import TEXT
from tests.generate.conftest import random_network

SECTIONS = [  # Mitchell et al. 2019, section 4
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
]
CORPUS = {"n_documents": 7013, "n_tokens": {"train": 60029, "val": 5039}, "dropped": {"too short": 43}}
CONFIG = {"recipe": "a.recipe", "steps": 101, "batch": {"rows": 17}, "data": {"length": 96}, "seed": 19}
CONFIG |= {"evaluate_rows": 53}
ROW = {"task": "sums", "metric": "exact_match", "k": 2, "value": 0.3125, "low": 0.1403, "high": 0.5591, "n": 16}
ROW |= {"random": 0.0625, "norms": {"token": 0.777}, "majority": 0.888}
BIAS = {
    "audit": "bias",
    "figures": {
        "leaning | all": {"value": -0.731, "low": -0.913, "high": None, "n": 211},
        "unknown": {"value": None, "low": None, "high": None, "n": 3},
    },
    "rows": [],
    "tables": {"words": [{"group": "he", "word": "tall"}, {"group": "she", "word": "tall"}]},
    "said": ["read from /data/of/me/list.txt and http://site.example/a/b.txt"],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A run with its corpus, and results of it and of another model."""
    from foretell.eval.results import fingerprint

    here = tmp_path_factory.mktemp("home")
    tokenizer = train_tokenizer("bpe", TEXT, 300, quiet=True)
    cfg = replace(gpt2.network("smoke"), n_vocab=300, n_ctx=96)
    model = Model(random_network(cfg, 0), tokenizer)
    model.save(here / "run" / "model")
    corpus = here / "corpus" / "card.json"
    write(corpus, CORPUS)
    write(here / "run" / "config.json", {**CONFIG, "data": {**CONFIG["data"], "folder": str(corpus.parent)}})
    sha = hashlib.sha256(corpus.read_bytes()).hexdigest()
    lineage = {"recipe": "a.recipe", "foretell": "0.1.0", "commit": "c0ffee", "parents": {"data": sha}}
    lineage |= {"begun": "2026-01-02", "finished": "2026-01-03", "result": {"val_loss": 4.321987}}
    write(here / "run" / "lineage.json", lineage)
    whose = fingerprint(model)
    write(here / "evals" / "sums" / "evaluation.json", {"model": whose, "suite": "few-shot tasks", "labels": "right"})
    write(here / "evals" / "sums" / "results.json", {"rows": [ROW], "missing": {}})
    write(here / "evals" / "other" / "evaluation.json", {"model": "another", "suite": "few-shot tasks"})
    write(here / "evals" / "other" / "results.json", {"rows": [{**ROW, "value": 0.999}], "missing": {}})
    write(here / "audits" / "run" / "evaluation.json", {"model": whose, "suite": "audits"})
    write(here / "audits" / "run" / "bias.json", BIAS)
    return here


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def card(home, *folders, **told):
    loaded = load_model(home / "run")
    facts = facts_of(str(home / "run"), loaded, [home / name for name in folders])
    return model_card(facts, loaded.network.cfg, ("GPT2LMHeadModel", ""), **told)


def test_the_hubs_client_reads_the_head_and_every_result(home):
    hub = pytest.importorskip("huggingface_hub")
    data = hub.ModelCard(card(home, "evals", "audits", licence="mit", languages=["en"])).data
    assert (data.license, data.language, data.library_name) == ("mit", ["en"], "transformers")
    assert (data.pipeline_tag, data.model_name) == ("text-generation", "run")
    sums, bias = data.eval_results
    assert (sums.dataset_name, sums.metric_name) == ("sums", "exact match, 2 examples in the prompt")
    assert (sums.metric_value, sums.metric_args) == (0.3125, {"n": 16, "low": 0.1403, "high": 0.5591})
    assert (bias.dataset_name, bias.dataset_type, bias.metric_args) == (
        "bias",
        "foretell-audit",
        {"n": 211, "low": -0.913},
    )


def test_what_the_hubs_client_writes_of_what_it_read_is_the_same(home):
    hub = pytest.importorskip("huggingface_hub")
    once = hub.ModelCard(card(home, "evals", "audits"))
    assert hub.ModelCard(str(once)).data.to_dict() == once.data.to_dict()


def test_the_sections_are_those_of_the_paper_in_its_order(home):
    for folders in ([], ["evals", "audits"]):
        assert re.findall(r"^## (.*)$", card(home, *folders), re.M) == SECTIONS


def numbers(text):
    """The numbers in a text, without those that are part of a name."""
    return set(re.findall(r"(?<![\w.-])-?\d+(?:,\d{3})*(?:\.\d+)?(?![\w.]*\d)", text))


def test_every_number_is_one_of_the_folders(home):
    loaded = load_model(home / "run")
    cfg = loaded.network.cfg
    given = [*CONFIG.values(), 17, 96, 7013, 60029, 5039, 43, 4.321987, sum(parameters(cfg).values())]
    given += [
        cfg.n_layers,
        cfg.d_model,
        cfg.n_ctx,
        *(ROW[name] for name in ("value", "low", "high", "n", "k", "random")),
    ]
    given += [-0.731, -0.913, 211]
    known = {form for x in given if isinstance(x, int | float) for form in (str(x), f"{x:,}", short(x))}
    known |= {"95", "0.1.0", "2026-01-02", "2026-01-03"}  # the level of the intervals; the version; the dates
    text = re.sub(r"`[^`]*`|0\.1\.0|2026-01-0[23]", "", card(home, "evals", "audits"))  # hashes and commands
    assert numbers(text) <= known
    assert {"0.3125", "0.1403", "0.5591", "16", "-0.731", "-0.913", "211", "7,013", "60,029", "43", "4.322"} <= numbers(
        text
    )


def test_another_number_in_a_folder_is_another_number_in_the_card(home):
    before = card(home, "evals")
    path = home / "evals" / "sums" / "results.json"
    kept = path.read_text()
    path.write_text(kept.replace("0.3125", "0.4375"))
    after = card(home, "evals")
    path.write_text(kept)
    assert before.replace("0.3125", "0.4375") == after != before


def test_every_measured_value_has_its_interval_and_n(home):
    text = card(home, "evals", "audits")
    assert "| sums | exact match, 2 examples in the prompt | 0.3125 | 0.1403 to 0.5591 | 16 | 0.0625 |" in text
    assert "| bias | leaning \\| all | -0.731 | -0.913 to no bound | 211 |" in text
    assert "n = 53 held-out rows, one seed, so no interval" in text


def test_what_was_not_measured_is_said(home):
    text = card(home)
    assert "foretell audit MODEL bias sentiment memorisation" in text
    assert "Nothing was measured but the loss" in text
    assert "No task was asked" in text
    assert "Licence: not stated" in text
    assert 'license: "unknown"' in text
    assert "model-index" not in text
    assert "audit MODEL sentiment memorisation" in card(home, "audits")


def test_groups_are_factors_and_folders_of_the_machine_are_not_told(home):
    text = card(home, "audits")
    assert "Groups that the audits tell apart: he, she." in text
    assert "read from list.txt and http://site.example/a/b.txt" in text


def test_results_of_another_model_are_not_told(home):
    assert "0.999" not in card(home, "evals")
    with pytest.raises(BadUse, match="no results of this model"):
        card(home, "evals/other")
    with pytest.raises(BadUse, match="is no folder"):
        card(home, "nowhere")


def test_a_corpus_that_has_changed_is_not_told(home):
    path = home / "corpus" / "card.json"
    kept = path.read_text()
    path.write_text(kept.replace("7013", "7014"))
    text = card(home)
    path.write_text(kept)
    assert "The card of its corpus is not here." in text
    assert "7,014" not in text


def test_measured_values_are_found_wherever_they_lie():
    found = {"rows": [{"text": "a", "perplexity": {"value": 9.0, "low": 8, "high": 10, "n": 4}, "other": [1, "x"]}]}
    found |= {"differences": [{"task": "b", "mean": 1, "low": 0, "high": 2, "n": 5, "seeds": [1, 2]}], "none": None}
    one, two = figures_in(found, "suite", "")
    assert (one.of, one.what, one.value, one.n) == ("a", "perplexity", 9.0, 4)
    assert (two.of, two.what, two.value, two.n) == ("b", "differences", 1.0, 5)


@pytest.mark.parametrize("value", [1e-05, -3e20, 0.1, 7, True, None, "a: b", "#1", "é", "\x7f", [], {}])
def test_scalars_are_what_yaml_reads(value):
    loads = pytest.importorskip("yaml").safe_load
    read = loads(scalar(value))
    assert read == ("\\x7f" if value == "\x7f" else value)
    assert type(read) is type(value)


def test_yaml_reads_what_was_written():
    loads = pytest.importorskip("yaml").safe_load
    given = {"a": [{"b": 1, "c": {"d": [1, 2]}}, {"b": 2}], "e": "f", "g": [[1], [2, 3]]}
    assert loads("\n".join(yaml(given))) == given


def test_names_become_identifiers():
    assert slug("Exact match, 2 examples") == "exact-match-2-examples"
    assert slug("%") == "value"
    assert without_folders("see '/a/b/c.txt', 3/4 and a/b") == "see 'c.txt', 3/4 and a/b"


def test_an_exported_folder_has_its_card(home, tmp_path, capsys):
    out = tmp_path / "m"
    words = ["--to", "hf", "--out", str(out), "--results", str(home / "evals"), "--license", "mit", "--language", "en"]
    assert main(["export", str(home / "run"), *words]) == 0
    text = (out / "README.md").read_text()
    assert "# run\n" in text
    assert '"mit"' in text
    assert "0.3125" in text
    assert load_model(out).network.cfg == load_model(home / "run").network.cfg
    capsys.readouterr()
    assert main(["export", str(home / "run"), "--to", "lm-eval", "--license", "mit"]) == 2
    assert "--license is of models" in capsys.readouterr().err
