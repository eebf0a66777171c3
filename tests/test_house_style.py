"""What no linter knows: recipes say how to run them, names say what is inside, start-up is light."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from foretell.recipes import NOT_RUNGS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "foretell"
FILES = sorted(PACKAGE.rglob("*.py"))
RECIPES = [path for path in sorted((PACKAGE / "recipes").glob("*.py")) if path.stem not in NOT_RUNGS | {"__init__"}]
RUNG = re.compile(r"\b(gpt1|bert|gpt2|gpt3|gpt4|instructgpt)\b", re.IGNORECASE)
FORMATS = ("recipes", "exchange", "text", "commands", "report")  # may name a rung: recipes, foreign layouts, examples


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_rung_has_its_test_and_says_how_to_run_it(path):
    assert (ROOT / "tests" / "recipes" / f"test_{path.stem}.py").exists()
    doc = ast.get_docstring(ast.parse(path.read_text()))
    assert "$ foretell" in doc
    assert "Result of nano" in doc


def test_names_say_what_is_inside():
    empty = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "base", "core"}
    assert not [path for path in [*FILES, *ROOT.joinpath("tests").rglob("*.py")] if path.stem in empty]


@pytest.mark.parametrize("folder", ["model", "objective", "train", "generate", "tasks", "eval", "audit", "align"])
def test_mechanisms_know_no_rung(folder):
    named = []
    for path in (PACKAGE / folder).rglob("*.py"):
        tree = ast.parse(path.read_text())
        documented = (ast.Module, ast.FunctionDef, ast.ClassDef)
        docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
        docs |= {node.value.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and _is_text(node.value)}
        for node in ast.walk(tree):
            words = {ast.Name: "id", ast.Attribute: "attr", ast.FunctionDef: "name", ast.arg: "arg"}.get(type(node))
            text = getattr(node, words) if words else node.value if _is_text(node) else ""
            if text not in docs and RUNG.search(text):
                named.append(f"{path.name}: {text}")
    assert not named


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("command", [["--help"], ["train", "--help"], ["trian"], ["train", "gpt2.pretrian"]])
def test_help_and_wrong_use_import_no_torch(command):
    code = f"import sys; from foretell.cli import main\ntry: main({command!r})\nexcept SystemExit: pass\n"
    heavy = "sorted({'torch', 'pyarrow', 'matplotlib'} & sys.modules.keys())"
    said = subprocess.run([sys.executable, "-c", f"{code}print('loaded', {heavy})"], capture_output=True, text=True)
    assert said.stdout.strip().endswith("loaded []"), said.stdout + said.stderr


def test_import_foretell_imports_no_torch():
    code = "import foretell, foretell.recipes, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_file_names_a_machine():
    pattern = re.compile(r"(?<![\w.])/(root|work|home/\w+)/")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    files = [ROOT / name for name in tracked if name.endswith((".py", ".md", ".toml", ".txt", "Makefile", "run"))]
    files = [path for path in files if path.exists() and path != Path(__file__)]
    assert files or not (ROOT / ".git").exists()
    assert not [path for path in files if pattern.search(path.read_text())]
