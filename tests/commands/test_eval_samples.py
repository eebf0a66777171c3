"""`foretell eval samples`: a table of published samples, and a file of another form refused in one line."""

import json

from foretell.cli import main

HEAD = "model_type,prompt_type,context,sample,toxicity\n"


def test_a_row_a_model_and_prompt_with_its_interval(tmp_path, capsys):
    path = tmp_path / "tox.csv"
    path.write_text(HEAD + "gpt,basic,c1,x,0.2\ngpt,basic,c2,y,0.6\nsft,basic,c1,z,0.1\n")
    assert main(["eval", "samples", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["model", "prompt", "toxicity", "toxic", "n"]
    assert lines[2].startswith("gpt    basic   0.400 [0.200, 0.600]  0.500")
    assert main(["eval", "samples", str(path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["model"], row["toxic"]["value"], row["toxicity"]["n"]) for row in rows] == [
        ("gpt", 0.5, 2),
        ("sft", 0, 1),
    ]


def test_a_file_of_another_form_is_one_line(tmp_path, capsys):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    assert main(["eval", "samples", str(path)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "has the columns a, b" in line
