from collections import Counter
from pydoc_data.topics import topics

import pytest

from foretell.corpus.documents import Document
from foretell.tasks.entries import entries, is_plain

MODULE = """pkg.mod

What it is for.

pkg.mod.first(a, b=3)
Return the first of many things.

It says more about it here.

>>> first(1, 2) is code

class pkg.mod.Thing(size)
A thing that has a size.

pkg.mod.Thing.turn(angle)
[code] and nothing else that is plain

pkg.mod.again(a)
Return the first of many things.

pkg.mod.code(a)
>>> code(a)

This sentence is not what comes first.
"""


@pytest.fixture
def modules() -> list[Document]:
    return [Document("pkg/mod.py", MODULE, "pkg")] + [
        Document(f"pkg/m{i}.py", f"pkg.m{i}\n\npkg.m{i}.f(x)\nReturn thing number {'x' * (i + 1)}.\n", "pkg")
        for i in range(120)
    ]


def test_signatures_come_with_the_sentences_that_say_them(modules):
    found = entries(modules)[:2]
    assert [(e.heading, e.said) for e in found] == [
        ("pkg.mod.first(a, b=3)", ("Return the first of many things.", "It says more about it here.")),
        ("class pkg.mod.Thing(size)", ("A thing that has a size.",)),
    ]
    assert {(e.group, e.document) for e in found} == {("pkg", "pkg/mod.py")}


def test_no_heading_and_no_description_is_there_twice(modules):
    found = entries([*modules, *modules])
    assert len({e.heading for e in found}) == len({e.said[0] for e in found}) == len(found)


def prose(start: int, n: int) -> str:
    names = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    return " ".join(
        f"Here goes the story of {names[i % 10]}, {names[i // 10 % 10]} and {names[i // 100]} again."
        for i in range(start, start + n)
    )


@pytest.mark.parametrize(
    ("files", "groups"),
    [
        ({"a/x.txt": 0, "b/y.txt": 200}, {"a", "b"}),
        ({"x.txt": 0, "y.txt": 200}, {"x.txt", "y.txt"}),
        ({"x.txt": 0}, {"part 1", "part 2", "part 3", "part 4"}),
    ],
)
def test_other_text_is_read_in_passages_grouped_by_folder_file_or_part(files, groups):
    found = entries([Document(name, prose(start, 160), "s") for name, start in files.items()])
    assert {e.group for e in found} == groups
    assert all(len(e.said) == 3 and e.whole == " ".join((e.heading, *e.said)) for e in found)
    assert len(found) == 40 * len(files)
    assert found[0].heading == "Here goes the story of one, one and one again."


@pytest.mark.parametrize(
    ("sentence", "want"),
    [
        ("This is how people write.", True),
        ("\u0422\u0430\u043a \u0431\u044b\u043b\u043e " * 3 + "\u0432\u0441\u0435\u0433\u0434\u0430.", True),
        ("Short.", False),
        ("A heading without its stop", False),
        (">>> this_is(code) and not text.", False),
        ("A link to https://example.org is here.", False),
        ("It is 1, 2, 3, 4, 5, 6, 7 and 8, 9.", False),
        ("- an item of a list is not a sentence.", False),
        ("long " * 60 + "end.", False),
    ],
)  # fmt: skip
def test_only_sentences_of_words_are_taken(sentence, want):
    assert is_plain(sentence) is want


def test_help_pages_are_prose_and_not_signatures():
    found = entries([Document(name, topics[name], "python") for name in sorted(topics)])
    assert len(found) > 100
    assert {e.group for e in found} == {f"part {i}" for i in (1, 2, 3, 4)}


def test_many_short_files_make_parts_of_the_whole_text():
    found = entries([Document(f"{i:02}.txt", prose(20 * i, 20), "s") for i in range(40)])
    assert Counter(e.group for e in found) == {f"part {i}": 50 for i in (1, 2, 3, 4)}
