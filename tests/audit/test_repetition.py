"""The audit of repetition: against people, by position, resumed, and with bad input."""

import json
import random

import numpy as np
import pytest

from foretell.audit import repetition
from foretell.audit.asked import Asked
from foretell.audit.repetition import PEOPLE, WAYS, audit
from foretell.audit.seen_text import Sides, sides_of, spaced, starts_of
from foretell.corpus.documents import Document
from foretell.corpus.tokens import open_tokens, write_tokens
from foretell.errors import BadUse
from foretell.text.train import train_tokenizer
from tests.audit.made_text import documents


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    for i, one in enumerate(documents(12, seed=4, words=90)):
        (folder / f"{i}.txt").write_text(one)
    return folder


@pytest.fixture
def given_model(monkeypatch, tiny):
    monkeypatch.setattr(Asked, "loaded", lambda asked: tiny)
    return tiny


def asked(out, folder, **options):
    return Asked(model="none", out=out, samples=3, quiet=True, options={"text": str(folder), **options})


@pytest.mark.usefixtures("given_model")
def test_every_way_and_people_are_measured_whole_and_by_tenths(tmp_path, text):
    found = audit(asked(tmp_path, text))
    assert set(found["figures"]) == {
        f"seq-rep-4 of {what}, {name}" for what in ("words", "tokens") for name in (PEOPLE, *WAYS)
    }
    for one in found["figures"].values():
        assert 1 <= one["n"] <= 3  # a text that ended at once has no 4-gram
        assert one["low"] - 1e-9 <= one["value"] <= one["high"] + 1e-9
    assert found["figures"]["seq-rep-4 of words, people"]["n"] == 3
    assert len(found["rows"]) == 11 * (1 + len(WAYS))
    assert len({tuple(row) for row in found["rows"]}) == 1
    json.dumps(found)


@pytest.mark.usefixtures("given_model")
def test_what_may_not_repeat_does_not_and_what_always_says_the_same_does(tmp_path, text, monkeypatch):
    monkeypatch.setattr(
        repetition, "written", lambda model, how, prompts, seed: ["so it goes on and on " * 30] * len(prompts)
    )
    rows = audit(asked(tmp_path, text, ways="greedy"))["rows"]
    by = {(row["way"], row["part"]): row["seq_rep"] for row in rows}
    assert by["greedy", "all"] > 0.9
    assert by["greedy", "10"] == 1
    assert by["people", "all"] < 0.1


@pytest.mark.usefixtures("given_model")
def test_samples_are_drawn_once(tmp_path, text, monkeypatch):
    before = audit(asked(tmp_path, text, ways=["drawn", "contrastive"]))
    monkeypatch.setattr(repetition, "written", None)
    assert audit(asked(tmp_path, text, ways=["drawn", "contrastive"])) == before


def test_draws_are_of_the_seed(tmp_path, text, given_model):
    seeds = (0, 1, 0)
    found = [
        audit(
            Asked(
                model="m",
                out=tmp_path / str(i),
                samples=3,
                quiet=True,
                seed=seed,
                options={"text": str(text), "ways": "drawn"},
            )
        )
        for i, seed in enumerate(seeds)
    ]
    assert found[0] == found[2]
    assert found[0]["figures"] != found[1]["figures"] or found[0]["rows"] != found[1]["rows"]


@pytest.mark.usefixtures("given_model")
def test_published_samples_are_measured_where_they_are(tmp_path, text):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / repetition.FILE).write_text(
        "\n".join(json.dumps(one) for one in ["a b c d " * 20, "one two three four"])
    )
    given = Asked(
        model="m",
        out=tmp_path,
        samples=3,
        quiet=True,
        data=(tmp_path / "data",),
        options={"text": str(text), "ways": "greedy"},
    )
    assert audit(given)["figures"]["seq-rep-4 of words, published"]["n"] == 2


@pytest.mark.usefixtures("given_model")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ways": "gredy"}, "did you mean 'greedy'"),
        ({"text": "nowhere"}, "nowhere"),
        ({"text": "short"}, "no two held-out"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, text, options, words):
    (tmp_path / "short").mkdir()
    (tmp_path / "short" / "a.txt").write_text("too short")
    options = {name: str(tmp_path / value) if value == "short" else value for name, value in options.items()}
    with pytest.raises(BadUse, match=words) as error:
        audit(asked(tmp_path, text, **options))
    assert "\n" not in str(error.value)


def test_windows_lie_within_one_document():
    draw = random.Random(0)
    ids = np.array([draw.choice([0, 1, 2, 3, 4, 5, 6, 7]) for _ in range(300)])
    for length in (1, 3, 9):
        wanted = [i for i in range(len(ids) - length + 1) if 0 not in ids[i : i + length]]
        assert starts_of(ids, length, 0).tolist() == wanted
    assert starts_of(ids[:4], 9, 0).tolist() == []
    assert len(starts_of(ids, 5, -1)) == 296


def test_places_are_apart_and_follow_from_the_seed():
    starts = np.array([i for i in range(1000) if i % 7])
    found = spaced(starts, 20, 30, 1)
    assert len(found) == 20
    assert (np.diff(found) >= 30).all()
    assert set(found) <= set(starts.tolist())
    assert found.tolist() == spaced(starts, 20, 30, 1).tolist() != spaced(starts, 20, 30, 2).tolist()
    assert len(spaced(starts[:0], 20, 30, 1)) == 0


def test_the_sides_of_a_token_folder_are_its_splits_and_another_tokenizer_is_refused(tmp_path, tiny):
    made = [Document(f"d{i}", one, "made") for i, one in enumerate(documents(30, words=40))]
    folder = write_tokens(made, tiny.tokenizer, tmp_path / "mine", quiet=True)
    given = Asked(model="m", out=tmp_path, options={"training": str(folder)})
    found, tokens = sides_of(given, tiny), open_tokens(folder)
    assert isinstance(found, Sides)
    assert np.array_equal(found.train, tokens.train.tokens)
    assert np.array_equal(found.held_out, tokens.val.tokens)
    other = write_tokens(
        made, train_tokenizer("bpe", [one.text for one in made], 300, quiet=True), tmp_path / "other", quiet=True
    )
    with pytest.raises(BadUse, match="another tokenizer"):
        sides_of(Asked(model="m", out=tmp_path, options={"training": str(other)}), tiny)
    with pytest.raises(BadUse, match="several folders"):
        sides_of(Asked(model="m", out=tmp_path, options={"training": ["a", "b"]}), tiny)
