import gzip
import json

import pytest

from foretell.errors import BadUse
from foretell.tasks.languages import TASKS
from foretell.tasks.source import NoData, Source
from tests.tasks.prompts import few_shot, zero_shot

BY_NAME = {task.name: task for task in TASKS}
SIDES = {"en": ["A dog runs.", "Two men sit."], "de": ["Ein Hund läuft.", "Zwei Männer sitzen."]}


def multi30k(folder, split="val", packed=False, **sides):
    folder.mkdir(exist_ok=True)
    for language, lines in (SIDES | sides).items():
        text = "".join(f"{line}\n" for line in lines)
        if packed:
            with gzip.open(folder / f"{split}.{language}.gz", "wt", encoding="utf-8") as file:
                file.write(text)
        else:
            (folder / f"{split}.{language}").write_text(text, encoding="utf-8")
    return folder


def test_the_prompts_are_the_papers(tmp_path):
    multi30k(tmp_path)
    task = BY_NAME["multi30k_de_en"]
    one, two = task.load(Source(folders=(tmp_path,))).items
    assert few_shot(task, [one], two) == "Ein Hund läuft. = A dog runs.\n\nZwei Männer sitzen. ="
    assert zero_shot(task, two) == "Q: What is the English translation of Zwei Männer sitzen. A:"
    assert (two.answers, two.source) == ((" Two men sit.",), "Zwei Männer sitzen.")
    assert (task.shots, task.metric, task.stop) == (64, "bleu", ("\n",))


def test_both_directions_and_both_papers_data_are_there():
    pairs = {("en", "de"), ("de", "en"), ("en", "fr"), ("fr", "en")}
    assert {name for name in BY_NAME if name.startswith("multi30k")} == {f"multi30k_{a}_{b}" for a, b in pairs}
    wmt = {"wmt14_en_fr", "wmt14_fr_en", "wmt16_en_de", "wmt16_de_en", "wmt16_en_ro", "wmt16_ro_en"}
    assert {name for name in BY_NAME if name.startswith("wmt")} == wmt


@pytest.mark.parametrize("packed", [True, False])
def test_demonstrations_are_of_the_training_split_and_the_test_split_goes_first(tmp_path, packed):
    folder = multi30k(tmp_path / "multi30k", packed=packed)
    multi30k(folder, "train", packed, en=["Shown."], de=["Gezeigt."])
    load = BY_NAME["multi30k_en_de"].load
    found = load(Source(folders=(tmp_path,)))
    assert [item.context for item in found.pool] == ["Shown. ="]
    assert (len(found.items), found.origin) == (2, "val.en, val.de")
    multi30k(folder, "test", packed, en=["Asked."], de=["Gefragt."])
    found = load(Source(folders=(tmp_path,)))
    assert [item.context for item in found.items] == ["Asked. ="]
    assert found.items[0].id == "multi30k-en-de-test-0"


def test_a_pair_with_an_empty_side_is_left_out_and_ids_stay(tmp_path):
    multi30k(tmp_path, de=["", "Zwei Männer sitzen."])
    (item,) = BY_NAME["multi30k_en_de"].load(Source(folders=(tmp_path,))).items
    assert item.id == "multi30k-en-de-val-1"


def test_files_of_different_length_and_missing_files_are_named(tmp_path):
    with pytest.raises(NoData, match=r"no folder has val.en and val.fr"):
        BY_NAME["multi30k_en_fr"].load(Source(folders=(multi30k(tmp_path / "a"),)))
    with pytest.raises(BadUse, match=r"val.en in .* has 2 lines and val.de 1"):
        BY_NAME["multi30k_en_de"].load(Source(folders=(multi30k(tmp_path / "b", de=["Ein Hund läuft."]),)))
    with pytest.raises(BadUse, match="is no folder"):
        BY_NAME["multi30k_en_de"].load(Source(folders=(tmp_path / "c",)))


def test_wmt_is_read_from_a_file_or_the_hub(tmp_path, monkeypatch):
    row = {"translation": {"en": "A dog.", "ro": "Un câine."}}
    asked = []
    for where in ("source", "splits"):
        monkeypatch.setattr(f"foretell.tasks.{where}.from_hub", lambda hub: asked.append(str(hub)) or [row])
    task = BY_NAME["wmt16_ro_en"]
    found = task.load(Source(folders=(tmp_path,), online=True))
    assert asked == ["hf:wmt/wmt16/ro-en (test)", "hf:wmt/wmt16/ro-en (validation)"]
    assert (found.items[0].context, found.items[0].answers) == ("Un câine. =", (" A dog.",))
    assert zero_shot(task, found.items[0]) == "Q: What is the English translation of Un câine. A:"
    (tmp_path / "wmt16_ro_en.jsonl").write_text(json.dumps({"source": "Da.", "target": "Yes."}) + "\n")
    assert task.load(Source(folders=(tmp_path,))).items[0].answers == (" Yes.",)


@pytest.mark.parametrize("name", ["multi30k_en_de", "multi30k_fr_en"])
def test_the_real_pairs_are_aligned(shared_data, name):
    found = BY_NAME[name].load(Source(folders=(shared_data,)))
    back = BY_NAME["_".join([*name.split("_")[:1], *reversed(name.split("_")[1:])])].load(
        Source(folders=(shared_data,))
    )
    assert (len(found.items), len(found.pool)) == (1014, 29000)
    assert [item.source for item in found.items] == [item.answers[0].strip() for item in back.items]
