import json
from collections import Counter
from pydoc_data.topics import topics

import pytest

from foretell.corpus.documents import Document, text_folder
from foretell.corpus.examples import check_rows, task_card
from foretell.corpus.installed import gather_documentation
from foretell.errors import BadUse
from foretell.tasks import documentation as made
from foretell.tasks.entries import plain_sentences
from tests.prose import write_prose

TASKS = {
    "topic": made.topic,
    "describes": made.describes,
    "same_text": made.same_text,
    "which_description": made.which_description,
}


@pytest.fixture(scope="module")
def documented() -> list[Document]:
    """A part of this machine's documentation: the standard library, and a little of every package."""
    return gather_documentation(4_000_000, True).documents


@pytest.fixture(scope="module")
def prose() -> list[Document]:
    """Help pages: text without signatures."""
    return [Document(name, topics[name], "python") for name in sorted(topics)]


@pytest.fixture(scope="module")
def of_documentation(documented, tmp_path_factory):
    """All tasks, made of documentation once."""
    return made_of(documented, tmp_path_factory.mktemp("documented"))


@pytest.fixture(scope="module")
def of_prose(prose, tmp_path_factory):
    """All tasks, made of other text once."""
    return made_of(prose, tmp_path_factory.mktemp("prose"))


def made_of(documents, where):
    return {name: make(documents, where / name) for name, make in (*TASKS.items(), ("pairs", made.signature_pairs))}


@pytest.fixture(params=["of_documentation", "of_prose"])
def folders(request):
    """The folders of each."""
    return request.getfixturevalue(request.param)


def rows(folder, name):
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().split("\n") if line]


def texts(row):
    return [text for key in ("a", "b") for text in [row.get(key)] if text] + row.get("choices", [])


@pytest.mark.parametrize("task", TASKS)
def test_labels_are_exactly_balanced_and_the_majority_is_on_the_card(folders, task):
    card = task_card(folders[task])
    n_labels = len(card["classes"]) or 4
    for name in ("train", "val"):
        count = Counter(row["label"] for row in rows(folders[task], name))
        assert sorted(count) == list(range(n_labels))
        assert len(set(count.values())) == 1
        assert sum(count.values()) == card["n_examples"][name] >= made.LEAST[name]
        check_rows(rows(folders[task], name), card, folders[task] / f"{name}.jsonl")
    assert card["majority"] == pytest.approx(1 / n_labels)
    assert json.loads((folders[task] / "card.json").read_text())["n_outputs"] == card["n_outputs"]


@pytest.mark.parametrize("task", TASKS)
def test_no_text_to_train_on_is_asked_about(folders, task):
    train, val = ({text for row in rows(folders[task], name) for text in texts(row)} for name in ("train", "val"))
    assert len(train & val) <= 0.02 * len(val)  # second sentences and topics may repeat; headings and firsts never do
    if task in ("describes", "which_description"):
        assert not train & val


def test_several_hundred_held_out_examples_come_of_a_part_of_the_documentation(of_documentation):
    """Of `topic` fewer: its rarest package of six decides, and a part has little of each."""
    for name in TASKS:
        assert task_card(of_documentation[name])["n_examples"]["val"] >= (24 if name == "topic" else 300)


def test_names_of_packages_are_taken_out_of_the_topic(of_documentation):
    folder = of_documentation["topic"]
    classes = task_card(folder)["classes"]
    assert 2 <= len(classes) <= 6
    for row in rows(folder, "train"):
        assert not any(name.lower() in row["a"].lower() for name in classes)


def test_words_of_a_sentence_alone_tell_nothing(folders):
    """In what is asked, a sentence is the right one as often as chance has it."""
    right, shown = Counter(), Counter()
    for row in rows(folders["which_description"], "train"):
        right[row["choices"][row["label"]]] += 1
        shown.update(row["choices"])
    whole = [text for text, n in shown.items() if n == 4]
    assert all(right[text] == 1 for text in whole)
    assert len(whole) > 10 or sum(shown.values()) < 400
    twice = [n for n in Counter(row["b"] for row in rows(folders["describes"], "train")).values() if n > 1]
    assert not twice


def test_a_right_description_is_that_of_its_signature(of_documentation):
    pairs = rows(of_documentation["pairs"], "train")
    says = {pair["source"]: pair["target"] for pair in pairs}
    checked = 0
    for row in rows(of_documentation["describes"], "train"):
        if row["a"] in says:
            checked += 1
            assert (says[row["a"]] == row["b"]) == bool(row["label"])
    for row in rows(of_documentation["which_description"], "train"):
        if row["a"] in says:
            assert row["choices"].index(says[row["a"]]) == row["label"]
            assert len(set(row["choices"])) == 4
    assert checked > 500


def test_wrong_descriptions_are_of_the_same_package(of_documentation):
    pairs = of_documentation["pairs"]
    package = {
        p["target"]: p["source"].removeprefix("class ").split(".")[0] for n in ("train", "val") for p in rows(pairs, n)
    }
    outside = Counter()
    for row in rows(of_documentation["describes"], "train"):
        if not row["label"] and package[row["b"]] in ("numpy", "torch", "matplotlib", "sympy"):
            outside[row["a"].removeprefix("class ").split(".")[0] == package[row["b"]]] += 1
    assert outside[True] > 20
    assert not outside[False]


def test_pairs_have_no_target_in_both_splits(folders):
    folder = folders["pairs"]
    train, val = (rows(folder, name) for name in ("train", "val"))
    assert not {p["target"] for p in train} & {p["target"] for p in val}
    assert not {p["source"] for p in train} & {p["source"] for p in val}
    assert len(val) == json.loads((folder / "card.json").read_text())["n_examples"]["val"] >= 8
    assert all(set(pair) == {"source", "target"} for pair in train)


def test_the_pair_of_a_function_is_its_signature_and_first_sentence(of_documentation):
    folder = of_documentation["pairs"]
    both = rows(folder, "train") + rows(folder, "val")
    assert {"source": "shutil.rmtree(path, ignore_errors=False, onerror=None, *, dir_fd=None)",
            "target": "Recursively delete a directory tree."} in both  # fmt: skip


@pytest.mark.parametrize("make", [*TASKS.values(), made.signature_pairs])
def test_the_same_text_gives_the_same_bytes(make, prose, tmp_path):
    one, two = make(prose, tmp_path / "one"), make(list(prose), tmp_path / "two")
    for path in one.iterdir():
        assert (two / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("make", [*TASKS.values(), made.signature_pairs])
def test_too_little_text_is_refused_with_what_is_needed_and_leaves_nothing(make, tmp_path):
    few = [Document("a.txt", "There is one sentence here. And there is another one. " * 3, "s")]
    with pytest.raises(BadUse, match=r"the text gives 0 examples of \w+ in \w+, at least \d+ are needed: give 60 kB"):
        make(few, tmp_path / "task")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", TASKS)
def test_sixty_kilobytes_are_enough(name, prose, tmp_path):
    plain = dict.fromkeys(sentence for document in prose for sentence in plain_sentences(document.text))
    text = " ".join(plain)[:60_000]
    assert len(text) == 60_000
    TASKS[name]([Document("book.txt", text, "s")], tmp_path / name)


def test_a_stop_in_the_middle_leaves_nothing(prose, tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(made, "write_lines", stopped)
    with pytest.raises(KeyboardInterrupt):
        made.topic(prose, tmp_path / "topic")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_many_short_files_gives_every_task(tmp_path):
    write_prose(tmp_path / "text", files=120, lines=14)
    documents = text_folder(tmp_path / "text")
    for name, make in TASKS.items():
        make(documents, tmp_path / name)
        assert len(rows(tmp_path / name, "val")) >= 8
