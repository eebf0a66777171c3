"""`foretell corpus verify`: what was changed since it was written is told, a line each."""

import json
import shutil

import pytest

from foretell.cli import main
from foretell.commands.corpus_verify import EXAMPLES
from foretell.corpus.documents import Document, Gathered, save_documents
from foretell.corpus.tokens import write_tokens
from foretell.runs import sha256
from foretell.text.train import train_tokenizer
from tests.corpus.made_documents import HELP


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A corpus, which has a file in a folder as well, and a folder of its tokens."""
    root = tmp_path_factory.mktemp("written")
    documents = [Document(f"d{i}", text, "help") for i, text in enumerate(HELP[:12])]
    save_documents(Gathered(documents, {}), root / "corpus")
    (root / "corpus" / "quality").mkdir()
    (root / "corpus" / "quality" / "told.json").write_text("{}")
    card = json.loads((root / "corpus" / "card.json").read_text())
    card["sha256"]["quality/told.json"] = sha256(root / "corpus" / "quality" / "told.json")
    (root / "corpus" / "card.json").write_text(json.dumps(card))
    tokenizer = train_tokenizer("bpe", [one.text for one in documents], 300, quiet=True)
    write_tokens(documents, tokenizer, root / "tokens", quiet=True)
    return root


@pytest.fixture(params=["corpus", "tokens"])
def folder(request, written, tmp_path, monkeypatch):
    shutil.copytree(written / request.param, tmp_path / request.param)
    monkeypatch.chdir(tmp_path)
    return tmp_path / request.param


def typed(capsys, *words, code=0):
    """The lines that verify prints, and what it says where it fails."""
    assert main(["corpus", "verify", *words]) == code
    found = capsys.readouterr()
    return found.out.splitlines(), found.err.splitlines()


def test_what_is_as_written_is_counted(folder, capsys):
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "card.json"]
    size = sum(path.stat().st_size for path in files)
    said = f"{len(files)} files, {size:,} bytes, as written"
    assert typed(capsys, folder.name) == ([said], [])
    assert json.loads(typed(capsys, folder.name, "--json")[0][0]) == {
        "files": len(files),
        "bytes": size,
        "problems": [],
    }


def test_every_file_that_differs_or_is_gone_has_a_line_and_the_exit_code_is_1(folder, capsys):
    names = sorted(json.loads((folder / "card.json").read_text())["sha256"])
    content = bytearray((folder / names[0]).read_bytes())
    content[-1] ^= 1
    (folder / names[0]).write_bytes(content)
    (folder / names[1]).unlink()
    lines, error = typed(capsys, folder.name, code=1)
    assert lines[0].startswith(f"{folder.name}/{names[0]} has SHA-256 ")
    assert f"names {names[1]!r}, which is not there" in lines[1]
    left = len(names) - 2
    assert lines[2].startswith(f"{left} files, ")
    assert len(lines) == 3
    assert error == [f"foretell: {folder.name} has 2 problems; copy it anew, or make it again"]


def test_problems_are_in_the_json_as_well(folder, capsys):
    name = min(json.loads((folder / "card.json").read_text())["sha256"])
    (folder / name).write_bytes(b"")
    lines, _ = typed(capsys, folder.name, "--json", code=1)
    (problem,) = json.loads(lines[0])["problems"]
    assert name in problem


def test_documents_that_no_card_knows_and_a_card_that_does_not_fit_are_told(written, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(shutil.copytree(written, tmp_path / "x"))
    card = json.loads((tmp_path / "x" / "tokens" / "card.json").read_text())
    (tmp_path / "x" / "tokens" / "card.json").write_text(json.dumps({**card, "n_vocab": 7}))
    assert "but its card has n_vocab=7" in typed(capsys, "tokens", code=1)[0][0]
    (tmp_path / "x" / "corpus" / "documents.parquet").rename(tmp_path / "x" / "corpus" / "documents-00000.parquet")
    card = json.loads((tmp_path / "x" / "corpus" / "card.json").read_text())
    hashes = {"documents-00000.parquet": card["sha256"]["documents.parquet"]}
    (tmp_path / "x" / "corpus" / "card.json").write_text(json.dumps({**card, "sha256": hashes}))
    assert typed(capsys, "corpus")[1] == []
    shutil.copyfile("corpus/documents-00000.parquet", "corpus/documents-00001.parquet")
    assert "documents-00001.parquet would be read and is not in card.json" in typed(capsys, "corpus", code=1)[0][0]


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (None, "x/card.json does not exist"),
        ("{", "x/card.json is not JSON"),
        ("[]", "x is neither a corpus nor a folder of tokens"),
        (json.dumps({"kind": "task"}), "x is neither a corpus nor a folder of tokens"),
        (json.dumps({"kind": "corpus"}), "x/card.json has no hashes to check its files by"),
    ],
)
def test_a_folder_without_hashes_is_refused(card, said, tmp_path, monkeypatch, capsys):
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path)
    if card is not None:
        (tmp_path / "x" / "card.json").write_text(card)
    lines, (error,) = typed(capsys, "x", code=2)
    assert lines == []
    assert said in error


def test_the_help_shows_how_it_is_called(capsys):
    with pytest.raises(SystemExit):
        main(["corpus", "verify", "--help"])
    assert EXAMPLES in capsys.readouterr().out
