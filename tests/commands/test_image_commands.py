"""`foretell chat --image`, `generate --image` and `eval --suite images`, with a tiny model that sees."""

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from foretell.cli import main
from tests.generate.test_images import image, model_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("model")
    model_of().save(out / "sees")
    model_of(vision=False).save(out / "blind")
    for i in range(4):
        Image.fromarray(image(i)).save(out / f"{i}.png")
    (out / "broken.png").write_bytes((out / "0.png").read_bytes()[:60])
    return out


def piped(monkeypatch, folder, text, *more, model="sees"):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    monkeypatch.chdir(folder)
    how = ("--max-new-tokens", "6", "--temperature", "0", "--json", "--quiet")
    return main(["chat", model, *how, *more])


def said(capsys):
    return [json.loads(line)["answer"] for line in capsys.readouterr().out.splitlines()]


def test_an_image_is_shown_with_the_first_message_and_remembered(monkeypatch, folder, capsys):
    answers = {}
    for shown in ("0.png", "1.png"):
        assert piped(monkeypatch, folder, "What is it?\nAnd now?\n", "--image", shown) == 0
        answers[shown] = said(capsys)
    assert answers["0.png"][0] != answers["1.png"][0]
    assert answers["0.png"][1] != answers["1.png"][1]
    assert piped(monkeypatch, folder, "What is it?\n") == 0
    assert said(capsys)[0] not in (answers["0.png"][0], answers["1.png"][0])


def test_a_command_shows_an_image_and_undo_takes_it_back(monkeypatch, folder, capsys):
    assert piped(monkeypatch, folder, "What is it?\n", "--image", "1.png") == 0
    want = said(capsys)
    assert piped(monkeypatch, folder, "/image 0.png\nWhat?\n/undo\n/image 1.png\nWhat is it?\n") == 0
    assert said(capsys)[1:] == want
    assert piped(monkeypatch, folder, "Is <image> it?\n/reset\nWhat is it?\n", "--image", "1.png") == 0
    assert len(said(capsys)) == 2


def test_a_long_conversation_loses_its_first_image_with_its_first_turn(monkeypatch, folder, capsys):
    lines = "".join(f"/image {i % 4}.png\nWhat colour is the circle?\n" for i in range(6))
    assert piped(monkeypatch, folder, lines) == 0
    left_out = [json.loads(line)["left_out"] for line in capsys.readouterr().out.splitlines()]
    assert left_out[0] == 0 < left_out[-1]


@pytest.mark.parametrize(
    ("model", "shown", "text", "told"),
    [
        ("sees", "none.png", "what?\n", "none.png cannot be read"),
        ("sees", "broken.png", "what?\n", "broken.png is broken"),
        ("sees", "sees/config.json", "what?\n", "config.json is no PNG"),
        ("blind", "0.png", "what?\n", "does not see"),
        ("sees", "0.png", "<image> <image>\n", "2 places <image> for 1 images"),
    ],
)
def test_what_cannot_be_shown_is_told_in_one_line(monkeypatch, folder, capsys, model, shown, text, told):
    assert piped(monkeypatch, folder, text, "--image", shown, model=model) == 2
    err = capsys.readouterr().err.strip()
    assert told in err
    assert "\n" not in err


def test_generate_reads_an_image_at_its_place(monkeypatch, folder, capsys):
    monkeypatch.chdir(folder)
    found = []
    for shown in ("0.png", "1.png"):
        more = ["--image", shown, "--temperature", "0", "--max-new-tokens", "5", "--json"]
        assert main(["generate", "sees", "The <image> is", *more]) == 0
        found.append(json.loads(capsys.readouterr().out)["ids"])
    assert found[0] != found[1]


def test_questions_about_a_folder_are_scored(monkeypatch, folder, capsys):
    monkeypatch.chdir(folder)
    draw = np.random.default_rng(0)
    rows = [
        {"prompt": "What is it?", "completion": "red", "image": f"{i}.png", "split": "valid" if i > 1 else "train"}
        for i in draw.permutation(4).tolist()
    ]
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ["eval", "sees", "--suite", "images", "--data", "questions.jsonl", "--quiet", "--blind", "sees"]
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"][-1]["n"] == 2
    assert main(asked) == 0
    out = capsys.readouterr().out
    assert "seeing % [95 %]" in out
    assert "trained blind" in out


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["blind", "--suite", "images", "--data", "x"], "does not see"),
        (["sees", "--suite", "images", "--data", "nowhere"], "nowhere does not exist"),
        (["sees", "--suite", "images", "--data", "a", "--data", "b"], "takes one folder or file"),
        (["sees", "--suite", "gpt3", "--blind", "sees"], "--blind is of images"),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused(monkeypatch, folder, capsys, more, told):
    monkeypatch.chdir(folder)
    assert main(["eval", *more, "--quiet"]) == 2
    assert told in capsys.readouterr().err
