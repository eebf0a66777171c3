"""The commands as a stranger types them, rightly and wrongly: one line, the right exit code, nothing lost."""

import json

import pytest

from foretell.cli import COMMANDS, main
from foretell.model.count import training_bytes
from foretell.recipes import recipe

LETTERS = "The quick brown fox jumps over the lazy dog and returns the value of the key in the table. "


@pytest.fixture(scope="module", autouse=True)
def _elsewhere(tmp_path_factory):
    """All commands of this file run in one empty folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("here"))
        yield


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A folder of text."""
    folder = tmp_path_factory.mktemp("letters")
    for i in range(12):
        body = "\n".join(f"{LETTERS} Part {i}, line {j}: {(i * 7919 + j * 104729) % 99991} apples." for j in range(60))
        (folder / f"{i}.txt").write_text(body)
    return folder


@pytest.fixture(scope="module")
def trained(text, tmp_path_factory):
    """A finished smoke run on that text."""
    out = tmp_path_factory.mktemp("runs") / "gpt2"
    assert train(text, out) == 0
    return out


def train(text, out, *more):
    where = ["--data", str(text), "--out", str(out), "--quiet", "--threads", "1"]
    return main(["train", "gpt2.pretrain:smoke", *where, *more])


@pytest.mark.parametrize("command", [[], ["--help"], *[[name, "--help"] for name in COMMANDS]])
def test_help_is_there_with_examples(command, capsys):
    try:
        code = main(command)
    except SystemExit as end:
        code = end.code
    assert code in (0, None)
    assert "foretell" in capsys.readouterr().out


def said(capsys):
    """What was printed as an error: one line."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["trian"], "did you mean 'train'"),
        (["train", "gpt2.pretrian:nano"], "did you mean 'gpt2.pretrain'"),
        (["train", "gpt2.pretrain:nanno"], "did you mean 'nano'"),
        (["train", "gpt2.pretrain:smoke", "--optim.lr", "nan"], "lr=nan is not a positive number"),
        (["train", "gpt2.pretrain:smoke", "--model.n-layer", "3"], "Perhaps you meant: --model.n-layers"),
        (["train", "gpt2.pretrain:smoke", "--steps", "many"], "invalid int value: 'many'"),
        (["train", "gpt2.pretrain:smoke", "--data", "nowhere"], "nowhere"),
        (["train", "gpt1.finetune:smoke"], "train it first, or give --start DIR"),
        (["train", "missing/config.json"], "missing/config.json does not exist"),
        (["show", "gpt5.pretrain"], "no recipe is called 'gpt5.pretrain'"),
        (["generate", "nowhere", "x"], "nowhere is no folder"),
        (["export", "nowhere", "--to", "hf"], "nowhere is no folder"),
        (["export", "nowhere", "--to", "onnx"], "invalid choice: 'onnx'"),
        (["import", "nowhere"], "nowhere is no folder"),
        (["demo", "--scale", "huge"], "scale 'huge' is none of"),
        (["demo", "--text", "nowhere", "--scale", "smoke", "--quiet"], "nowhere"),
        (["report", "nowhere"], "nowhere"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_code_2(command, words, capsys):
    assert main(command) == 2
    assert words in said(capsys)


def test_debug_shows_the_traceback(capsys):
    assert main(["train", "gpt2.pretrian", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_training_again_finds_the_run_finished_and_other_settings_are_refused(text, trained, capsys):
    before = (trained / "metrics.jsonl").read_bytes()
    assert train(text, trained) == 0
    assert (trained / "metrics.jsonl").read_bytes() == before
    assert train(text, trained, "--optim.lr", "1e-3") == 2
    assert "optim.lr is 0.003 there and 0.001 here" in capsys.readouterr().err
    assert (trained / "metrics.jsonl").read_bytes() == before


def test_a_saved_config_repeats_the_run(trained, tmp_path):
    again = tmp_path / "again"
    assert main(["train", str(trained / "config.json"), "--out", str(again), "--quiet", "--threads", "1"]) == 0
    lines = [(run / "metrics.jsonl").read_text().splitlines() for run in (trained, again)]
    losses = [[json.loads(line).get("loss") for line in part] for part in lines]
    assert losses[0] == losses[1]


def test_a_misspelt_field_in_a_config_is_named_with_the_right_one(trained, tmp_path, capsys):
    config = json.loads((trained / "config.json").read_text())
    config["model"]["n_layer"] = config["model"].pop("n_layers")
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert main(["train", str(tmp_path / "config.json")]) == 2
    line = said(capsys)
    assert "model.n_layer" in line
    assert "did you mean 'n_layers'" in line


def test_generate_export_import_show_and_doctor_work(trained, tmp_path, capsys):
    assert main(["generate", str(trained), "The quick", "--max-new-tokens", "5", "--seed", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["prompt"] == "The quick"
    assert main(["export", str(trained), "--to", "hf", "--out", str(tmp_path / "exported")]) == 0
    assert "GPT2LMHeadModel" in capsys.readouterr().out
    assert main(["export", str(trained), "--to", "hf", "--out", str(tmp_path / "exported")]) == 2
    assert main(["import", str(tmp_path / "exported"), "--out", str(tmp_path / "imported")]) == 0
    ours, theirs = (
        (folder / "model.safetensors").read_bytes() for folder in (trained / "model", tmp_path / "imported")
    )
    assert ours == theirs
    capsys.readouterr()
    assert main(["show", "gpt2.pretrain:124M", "--json"]) == 0
    assert sum(json.loads(capsys.readouterr().out)["parameters"].values()) == 124_439_808
    assert main(["doctor", "--json"]) == 0
    assert "torch" in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "text"),
        ({"a.bin": bytes(range(256)) * 40}, "binary"),
        ({"a.txt": b"one line that is shorter than a context"}, "vocab"),
    ],
)
def test_text_that_cannot_be_trained_on_is_refused(content, words, tmp_path, capsys):
    folder = tmp_path / "odd"
    folder.mkdir()
    for name, value in content.items():
        (folder / name).write_bytes(value)
    assert train(folder, tmp_path / "run") == 2
    assert words in said(capsys)


def test_bytes_that_are_no_utf8_are_read_with_replacements(text, tmp_path):
    folder = tmp_path / "latin"
    folder.mkdir()
    for path in text.iterdir():
        (folder / path.name).write_bytes(path.read_bytes() + b"\nna\xefve caf\xe9\n")
    assert train(folder, tmp_path / "run") == 0


def test_a_truncated_checkpoint_is_passed_over_and_a_foreign_folder_is_refused(text, trained, tmp_path, capsys):
    assert main(["generate", str(text), "x"]) == 2
    assert "holds no config.json" in said(capsys)
    weights = trained / "model" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-50])
    try:
        assert main(["generate", str(trained), "x"]) == 2
        assert "cut short" in said(capsys)
    finally:
        weights.write_bytes(whole)


def test_a_tokenizer_of_another_size_is_refused_with_the_remedy(trained, tmp_path, capsys):
    tokens = json.loads((trained / "config.json").read_text())["data"]["folder"]
    assert train(tokens, tmp_path / "run", "--model.n-vocab", "600") == 2
    assert "--model.n-vocab 512" in said(capsys)


def test_generate_takes_a_device_and_refuses_numbers_of_threads_below_0(trained, capsys):
    words = ["generate", str(trained), "The quick", "--max-new-tokens", "2"]
    assert main([*words, "--device", "cpu", "--quiet"]) == 0
    capsys.readouterr()
    assert main([*words, "--device", "tpu"]) == 2
    assert "device 'tpu' is not known; give cpu or cuda" in said(capsys)
    assert main([*words, "--threads", "-1"]) == 2
    assert "'-1' is no whole number of at least 0" in said(capsys)


def test_show_counts_a_bucket_of_pairs_as_a_row(capsys):
    assert main(["show", "transformer.translate:smoke", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    bucket = shown["config"]["data"]["tokens_per_bucket"]
    assert shown["tokens"] == shown["config"]["steps"] * bucket
    cfg = recipe("transformer.translate:smoke")
    assert shown["bytes"]["activations"] == training_bytes(cfg.model, 1, bucket)["activations"]
