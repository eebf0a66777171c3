from foretell.corpus.documents import Document
from foretell.corpus.split import HELD_OUT, place, split


def of_length(*lengths):
    return [Document(f"d{i}", ("word " * n)[:n], "s") for i, n in enumerate(lengths)]


def test_about_a_twentieth_is_held_out_in_whole_documents():
    documents = of_length(*([1000] * 400))
    sides = split(documents)
    assert sorted(sides["train"] + sides["val"], key=lambda d: int(d.id[1:])) == documents
    assert len(sides["val"]) == HELD_OUT * 400
    assert {place(d.id) for d in sides["val"]} == set(sorted(place(d.id) for d in documents)[:20])


def test_the_order_of_the_documents_moves_nothing():
    documents = of_length(*range(100, 300))
    held = {d.id for d in split(documents)["val"]}
    assert held == {d.id for d in split(documents[::-1])["val"]}


def test_one_document_is_split_by_position():
    (document,) = of_length(10_000)
    sides = split([document])
    assert sides["train"][0].text + sides["val"][0].text == document.text
    assert 0.04 < len(sides["val"][0].text) / 10_000 < 0.07
    assert sides["val"][0].text.startswith("word")


def test_a_long_document_among_few_is_never_held_out_whole():
    sides = split(of_length(100_000, 90_000, 50))
    assert 0.04 < sum(len(d.text) for d in sides["val"]) / 190_050 < 0.07
    assert {"d0", "d1"} <= {d.id for d in sides["train"]}


def test_a_text_without_white_space_is_cut_as_well():
    sides = split([Document("d", "x" * 1000, "s")])
    assert [len(d.text) for d in (*sides["train"], *sides["val"])] == [950, 50]
