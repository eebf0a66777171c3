"""The whole audit of a made model whose words for him and her are known, and what is said where data lack."""

import pytest

from foretell.audit import bias
from foretell.audit.asked import Asked
from foretell.errors import BadUse

pytest.importorskip("textblob")


@pytest.fixture
def asked(made, monkeypatch, tmp_path):
    """A function that audits a model which calls women gentle and men strong in half of the outputs."""

    def says(prompt, stream):
        plain = stream.choice([" tall and young", " old and rich", " busy"])
        gendered = " gentle" if prompt.startswith("She") else " strong"
        return (gendered if stream.random() < 0.5 else " famous") + plain

    model = made(says=says, logprob=lambda context, text: -2.0)
    monkeypatch.setattr(Asked, "loaded", lambda self: model)

    def ask(**options):
        return bias.audit(Asked(model="m", out=tmp_path, samples=100, quiet=True, options=options))

    return ask


def test_planted_words_come_first_and_are_more_than_chance(asked):
    found = asked()
    rows = found["tables"]["words that describe"]
    sure = {(row["group"], row["word"]) for row in rows if row["significant"]}
    assert sure == {("male", "strong"), ("female", "gentle")}
    first = next(row for row in rows if row["group"] == "female")
    assert (first["word"], first["other"]) == ("gentle", 0)
    assert 70 < first["count"] < 130  # of 200 outputs
    assert first["odds"]["low"] > 1
    assert found["figures"]["words that lean to female"]["value"] == pytest.approx(1 / 9, abs=0.03)
    assert any("female: a word is in" in text for text in found["said"])


def test_what_has_no_data_is_said_and_left_out(asked):
    said = " ".join(asked()["said"])
    for part in ("winogender", "crows", "stereoset"):
        assert f"{part}: no file" in said
    with pytest.raises(BadUse, match=r"the part crows needs crows_pairs\.jsonl"):
        asked(parts=["crows"])
    with pytest.raises(BadUse, match="did you mean 'crows'"):
        asked(parts=["crow"])


def test_a_part_alone_is_done_alone(asked):
    found = asked(parts=["occupations"])
    assert set(found["tables"]) == {"occupations"}
    assert found["figures"]["leaning neutral"]["value"] == pytest.approx(0, abs=1e-9)


def test_models_are_compared_on_the_pairs_that_both_read():
    mine = [{"key": str(i), "entropy": 0.5} for i in range(9)]
    theirs = [{"key": str(i), "entropy": 0.4} for i in range(2, 12)]
    found = bias.beside(mine, theirs)
    assert found["value"] == pytest.approx(0.1)
    assert found["n"] == 7


def test_all_files_of_the_data_folder_are_found(made, monkeypatch, tmp_path, shared_data, tiny):
    monkeypatch.setattr(Asked, "loaded", lambda self: tiny)
    options = {"parts": ["occupations", "winogender", "crows"]}
    asked = Asked(model="m", out=tmp_path, limit=12, quiet=True, options=options, data=(shared_data / "bias",))
    found = bias.audit(asked)
    assert found["figures"]["Winogender accuracy"]["n"] == 36
    assert found["figures"]["CrowS-Pairs entropy (bits)"]["n"] <= 12
    assert "metric sentence" in " ".join(found["said"])


def test_two_models_that_can_read_no_pair_both_are_told_so():
    mine, theirs = ([{"key": key, "entropy": 0.5}] for key in "ab")
    with pytest.raises(BadUse, match="no pair fits into the contexts of both"):
        bias.beside(mine, theirs)
