"""A folder of small sources in which the commands are typed, and what they say where they go wrong."""

import json

import pytest

from foretell.cli import main
from tests.corpus.made_documents import HELP, write_rows

POST = {"score": 5, "subreddit": "a", "is_self": False, "over_18": False}


@pytest.fixture(scope="module", autouse=True)
def _here(tmp_path_factory):
    """All commands of a file run in one folder with these sources."""
    here = tmp_path_factory.mktemp("here")
    for name, (first, end) in {"crawl": (0, 8), "more": (8, 12), "books": (12, 20)}.items():
        write_rows(here / f"{name}.jsonl", HELP[first:end])
    write_rows(here / "exam.jsonl", [" ".join(HELP[12].split()[100:140])])
    (here / "RS_2016-01").write_text(json.dumps({**POST, "url": "http://site.example/a"}) + "\n")
    for folder in ("notes", "other"):
        (here / folder).mkdir()
        for i in range(3):
            (here / folder / f"{i}.txt").write_text(HELP[20 + i] + folder)
    for folder in ("wiki.en", "wiki.de", "far/notes"):
        (here / folder).mkdir(parents=True)
        (here / folder / "0.txt").write_text(HELP[23])
    (here / "odd=name.txt").write_text(HELP[30])
    (here / "table.csv").write_text("a,b\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        yield


@pytest.fixture
def error(capsys):
    """A function that types a wrong command and gives the one line that is printed."""

    def typed(*words, code=2):
        assert main(["corpus", *words]) == code
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith("foretell: ")
        return line

    return typed
