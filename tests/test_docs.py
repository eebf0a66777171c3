"""The pages name files, functions, commands, fields and counts: all of them must be there."""

import ast
import dataclasses
import json
import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from foretell import recipes
from foretell.cli import COMMANDS
from foretell.corpus.config import Data
from foretell.corpus.corpus_config import CorpusConfig
from foretell.model.count import parameters
from foretell.recipes import gpt2, gpt3
from foretell.train.config import RunConfig
from tests.prose import write_prose

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]  # not LOG and CHANGELOG: they speak of what was
NAMED = re.compile(r"(?<![\w/.])((?:foretell|tests|benchmarks|docs)/[\w/.-]*\w\.py)(?::([A-Za-z_][\w.]*\w))?")
FOLDER = re.compile(r"`((?:foretell|tests|benchmarks|docs)/[\w/]*/)`|`((?:foretell|tests|benchmarks|docs)/)`")
LINK = re.compile(r"\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)")
CODE = re.compile(r"(?ms)^```\w+\n(.*?)^```|`([^`\n]+)`")
COMMAND = re.compile(r"(?m)^foretell (\w+)(?: ([\w.:]+))?")
LINEAGE = ROOT / "docs/lineage"


def names_in(path):
    """Every function, class, constant and method (`Class.method`, also annotated fields) of a Python file."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        found |= own_names(node)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for part in node.body for name in own_names(part)}
    return found


def own_names(node):
    """What a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    flat = [one for target in targets for one in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return {one.id for one in flat if isinstance(one, ast.Name)}


def absent(text):
    """Files, folders and names of files that a text speaks of and that are not there."""
    missing = [f"{a}{b}" for a, b in FOLDER.findall(text) if not (ROOT / f"{a}{b}").is_dir()]
    for path, name in NAMED.findall(text):
        if not (ROOT / path).is_file():
            missing.append(path)
        elif name and name not in names_in(ROOT / path):
            missing.append(f"{path}:{name}")
    return missing


def ids(page):
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_file_and_name_on_a_page_exists(page):
    assert not absent(page.read_text())


def test_a_wrong_name_would_be_found():
    page = "`foretell/model/block.py:Block.residual` `foretell/model/block.py:Block.none` `foretell/nothing.py`, "
    page += "foretell/recipes/gpt3.py:DECAY, `foretell/nowhere/` and `tests/`"
    assert absent(page) == ["foretell/nowhere/", "foretell/model/block.py:Block.none", "foretell/nothing.py"]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_leads_to_a_file(page):
    links = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not links


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_command_on_a_page_exists(page):
    code = "\n".join(block + span for block, span in CODE.findall(page.read_text()))
    for command, what in COMMAND.findall(code):
        assert command in COMMANDS
        if command in ("train", "show") and "." in what:
            assert recipes.recipe(what)


@pytest.mark.parametrize("page", sorted(LINEAGE.glob("*.md")), ids=ids)
def test_a_rungs_page_has_its_parts(page):
    text = page.read_text()
    headings = re.findall(r"(?m)^## (.+)$", text)
    wanted = ["What the paper claims", "Run it here", "Implementation details", "Where the paper is silent"]
    assert [heading for heading in headings if heading in wanted] == wanted
    assert headings[-1] == "What nano reaches"
    details = text.split("## Implementation details")[1].split("\n## ")[0]
    numbered = re.split(r"(?m)^\d+\. ", details)[1:]
    assert re.findall(r"(?m)^(\d+)\. ", details) == [str(n + 1) for n in range(len(numbered))]
    assert all("Matters:" in item and NAMED.search(item) for item in numbered)


@pytest.mark.parametrize(("page", "rung"), [("04-gpt2.md", gpt2), ("05-gpt3-network.md", gpt3)])
def test_the_tables_of_sizes_are_the_recipes(page, rung):
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in (LINEAGE / page).read_text().split("\n")]
    start = next(i for i, cells in enumerate(lines) if "counted" in cells)
    head, rows = lines[start], {cells[0]: cells for cells in lines[start + 2 :] if cells[0] in rung.SIZES}
    assert list(rows) == (list(gpt2.PRINTED) if rung is gpt2 else list(gpt3.SIZES)[:8])
    for size, cells in rows.items():
        told, cfg = dict(zip(head, cells, strict=True)), rung.network(size)
        assert int(told["counted"].replace(",", "")) == sum(parameters(cfg).values())
        for name in {"n_layers", "d_model", "n_heads", "d_head"} & told.keys():
            assert int(told[name]) == getattr(cfg, name)
        if rung is gpt3:
            assert float(told["rate"]) == rung.SIZES[size].lr
            assert float(told["batch (tokens)"].removesuffix("M")) * 1e6 == rung.SIZES[size].batch


def fields_of(config):
    """The names of all fields of a config class, or of a union or tuple of some, and of the config classes within."""
    found = set()
    for name, kind in get_type_hints(config).items() if dataclasses.is_dataclass(config) else ():
        found |= {name} | fields_of(kind)
    for part in get_args(config):
        found |= fields_of(part)
    return found


def explained(part=""):
    """The words that the glossary sets in code, in all of it or in the part with this beginning, up to the next one."""
    text = (ROOT / "docs/glossary.md").read_text()
    if part:
        text = re.split(r"\n(?:## |\*\*)", text.partition(part)[2])[0]
    return set(re.findall(r"`([a-z_]+)`", text))


def test_the_glossary_explains_every_field_of_a_config():
    assert {"n_layers", "betas", "muon_lr", "label_smoothing", "mask_share"} <= fields_of(RunConfig)
    assert not fields_of(RunConfig) - explained() - {"next_sentence"}
    assert "`objective.next_sentence`" in (ROOT / "docs/glossary.md").read_text()


def test_the_glossary_explains_every_field_of_data_among_the_data():
    """Words such as `rows` are fields of several parts, and mean another thing in each."""
    assert {"rows", "mixture", "layout"} <= fields_of(Data)
    assert not fields_of(Data) - explained("**The data**") - {"kind"}


def test_the_glossary_explains_every_field_of_a_corpus_among_the_corpus():
    assert {"sources", "weight", "min_karma", "max_run_copies", "n", "rows", "seed"} <= fields_of(CorpusConfig)
    assert not fields_of(CorpusConfig) - explained("**A corpus**")
    assert "lm_weight" not in explained("**A corpus**"), "the part ends where the next begins"


@pytest.mark.slow
def test_the_glossary_explains_everything_that_runs_log(tmp_path, monkeypatch):
    from foretell.recipes.sources import resolve
    from foretell.train.loop import train

    monkeypatch.chdir(tmp_path)
    write_prose(tmp_path / "text")
    logged = set()
    for name in ("gpt2.pretrain", "bert.pretrain", "transformer.translate", "gpt1.pretrain", "gpt1.finetune"):
        cfg = dataclasses.replace(recipes.recipe(f"{name}:smoke"), steps=1, average=1)
        if name == "gpt1.finetune":
            cfg = dataclasses.replace(cfg, start="runs/gpt1.pretrain")
        cfg = resolve(cfg, tmp_path / "corpora", text=str(tmp_path / "text"), quiet=True)
        lines = (train(cfg, tmp_path / f"runs/{name}", quiet=True).folder / "metrics.jsonl").read_text().splitlines()
        logged |= {word.removeprefix("val_") for line in lines for word in json.loads(line)}
    assert {"bits_per_byte", "mlm_accuracy", "nll", "accuracy"} <= logged
    assert not logged - explained()
