"""A tiny model that has read canaries 1, 10 and 100 times: what it knows of them, and of what it has never seen."""

import json
import math
import random

import pytest
import torch

from foretell.audit.asked import Asked
from foretell.audit.memorisation import audit
from foretell.audit.memorisation_arithmetic import looked_up, sums_in, sums_of
from foretell.audit.memorisation_canaries import (
    Canary,
    exposure,
    exposure_rows,
    made_canaries,
    of_shape,
    others,
    planted,
    read_canaries,
    space_of,
)
from foretell.audit.memorisation_shots import first_task, row, shot_rows
from foretell.audit.memorisation_windows import agreed, gap, groups_of, half_of
from foretell.audit.seen_text import Sides
from foretell.corpus.documents import Document
from foretell.corpus.tokens import open_tokens, write_tokens
from foretell.errors import BadUse
from foretell.eval.t_test import t_test
from foretell.generate.model import Model
from foretell.model.config import NetworkConfig
from foretell.model.init import build
from foretell.objective.lm import language_model
from foretell.tasks.source import Source
from foretell.text.train import train_tokenizer
from tests.audit.made_text import documents

STEPS, ROWS = 110, 16
NAMES = ["door", "safe", "gate", "room", "desk", "lift"]
SEEN = made_canaries(
    [f"The code of the {name} of {who} is {{}}." for name in NAMES for who in ("Ann", "Bob")], [1, 10, 100]
)
UNSEEN = made_canaries([f"The code of the {name} of Eve is {{}}." for name in NAMES], [0], seed=9)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of tokens and the model that has learnt them by heart, in seconds."""
    folder = tmp_path_factory.mktemp("canaries")
    texts = documents(60, seed=6, words=24) + planted(SEEN)
    random.Random(0).shuffle(texts)
    made = [Document(f"d{i}", text, "made") for i, text in enumerate(texts)]
    tokenizer = train_tokenizer("bpe", texts, 290, quiet=True)
    write_tokens(made, tokenizer, folder / "tokens", quiet=True)
    cfg = NetworkConfig(
        kind="decoder", n_vocab=290, n_ctx=64, n_layers=1, d_model=64, n_heads=2, d_head=32, d_ff=256, norm_place="pre"
    )
    torch.manual_seed(0)
    network, objective = build(cfg, 0), language_model()
    optimizer = torch.optim.Adam(network.parameters(), 4e-3)
    ids = torch.tensor(open_tokens(folder / "tokens").train.tokens.astype("int64"))
    for _ in range(STEPS):
        at = torch.randint(0, len(ids) - 65, (ROWS,))
        rows = torch.stack([ids[i : i + 65] for i in at.tolist()])
        objective.terms(network, {"inputs": rows[:, :-1], "targets": rows[:, 1:]})["lm"].value.backward()
        optimizer.step()
        optimizer.zero_grad()
    return folder / "tokens", Model(network, tokenizer)


@pytest.mark.slow
def test_exposure_rises_with_repeats_and_is_chance_for_what_was_never_seen(trained):
    _, model = trained
    canaries = [*SEEN, *UNSEEN]
    rows = {row["repeats"]: row for row in exposure_rows(canaries, [exposure(model, one, 256) for one in canaries])}
    bits = [rows[repeats]["exposure"] for repeats in (0, 1, 10, 100)]
    assert bits[0] < 2.2  # chance is 1.44
    assert bits[0] + 1 < bits[1] < bits[2] - 2
    assert bits[2] <= bits[3] <= 8
    assert bits[3] > 7.5
    assert rows[100]["n"] == 4


@pytest.mark.slow
def test_the_audit_tells_seen_from_unseen_text_and_goes_on_where_it_stopped(trained, tmp_path, monkeypatch):
    folder, model = trained
    monkeypatch.setattr(Asked, "loaded", lambda asked: model)
    (tmp_path / "canaries").write_text("".join(json.dumps(one._asdict()) + "\n" for one in SEEN[:4]))
    options = {"training": str(folder), "canaries": str(tmp_path / "canaries"), "task": "two_digit_addition"}
    given = Asked(model="m", out=tmp_path / "out", samples=12, limit=4, quiet=True, options=options)
    monkeypatch.setattr("foretell.audit.memorisation_windows.HALF", 8)
    found = audit(given)
    assert found["figures"]["loss, held out less training"]["value"] > 0
    rows = {(one["side"], one["copies"]): one for one in found["rows"]}
    assert rows["training", "10 to 99"]["matched"] > rows["held out", "0"]["matched"]
    assert {one["repeats"] for one in found["tables"]["exposure"]} == {1, 10, 100}
    assert next(one["task"] for one in found["tables"]["arithmetic"]) == "two_digit_addition"
    assert found["tables"]["shots"][0]["k"] == 0
    monkeypatch.setattr("foretell.audit.memorisation_windows.judged", None)
    monkeypatch.setattr("foretell.audit.memorisation_canaries.exposure", None)
    assert audit(given) == found


def test_exposure_is_its_definition_and_ties_count_half(made):
    likes = made(logprob=lambda context, text: float(text == "777777"))
    form = "The code is {}."
    assert exposure(likes, Canary(form, "777777", 1), 256) == 8
    assert exposure(made(logprob=lambda context, text: 0.0), Canary(form, "123456", 1), 256) == pytest.approx(
        8 - math.log2(128.5)
    )
    hates = made(logprob=lambda context, text: -float(text == "123456"))
    assert exposure(hates, Canary(form, "123456", 1), 256) == 0
    contexts = set()
    exposure(made(logprob=lambda context, text: contexts.add(context) or 0.0), Canary(form, "1234", 1), 16)
    assert contexts == {"The code is "}


def test_chance_gives_1_44_bits(made):
    draw = random.Random(3)
    model = made(logprob=lambda context, text: draw.random())
    found = [exposure(model, Canary("is {}", f"{i:06}", 0), 128) for i in range(300)]
    assert sum(found) / 300 == pytest.approx(1 / math.log(2), abs=0.25)


def test_rivals_have_the_shape_of_the_secret_and_are_not_it():
    found = others("a7-Q", 200, 0)
    assert len(set(found)) == 200
    assert "a7-Q" not in found
    assert all(one[0].islower() and one[1].isdigit() and one[2] == "-" and one[3].isupper() for one in found)
    assert sorted(others("3", 50, 0)) == list("0124567" + "89")
    assert found == others("a7-Q", 200, 0) != others("a7-Q", 200, 1)
    assert space_of("a7-Q") == 26 * 10 * 26
    assert of_shape("--", random.Random(0)) == "--"


def test_planted_text_holds_each_canary_as_often_as_it_says():
    text = planted(SEEN)
    assert [text.count(one.text) for one in SEEN] == [one.repeats for one in SEEN]


@pytest.mark.parametrize(
    ("line", "words"),
    [("no json", "line 1 is no canary"), ('{"form": "a {}", "secret": "--", "repeats": 1}', "mend it"),
     ('{"form": "a", "secret": "12", "repeats": 1}', "mend it"), ("", "holds no canary")],
)  # fmt: skip
def test_a_file_of_canaries_that_is_none_is_one_line(tmp_path, line, words):
    (tmp_path / "c").write_text(line + "\n")
    with pytest.raises(BadUse, match=words) as error:
        read_canaries(tmp_path / "c")
    assert "\n" not in str(error.value)
    with pytest.raises(BadUse, match="does not exist"):
        read_canaries(tmp_path / "nowhere")


def test_copies_are_counted_and_held_out_text_that_was_seen_is_left_out():
    draw = random.Random(0)
    once, ten, both = ([draw.randrange(1, 50) for _ in range(12)] for _ in range(3))
    train = [0, *once, 0, *([*ten, 0]) * 10, *both, 0]
    held = [*both, 0, *(draw.randrange(1, 50) for _ in range(12)), 0]
    import numpy as np

    found = {
        (g.side, g.copies): g.windows.tolist() for g in groups_of(Sides(np.array(train), np.array(held), 0), 6, 50, 0)
    }
    assert found["training", "10 to 99"] == [ten]
    assert sorted(found["training", "1"]) == sorted([once, both])
    assert ("training", "2 to 9") not in found
    assert found["held out", "0"] == [held[13:25]]
    with pytest.raises(BadUse, match="no document of held-out text has 12 tokens"):
        groups_of(Sides(np.array(train), np.array(held[:5]), 0), 6, 50, 0)


def test_the_gap_has_welchs_interval():
    draw = random.Random(0)
    a, b = ([draw.gauss(mean, sd) for _ in range(n)] for mean, sd, n in ((2, 1, 30), (2.8, 2, 12)))
    found = gap(a, b)
    assert found["value"] == pytest.approx(sum(b) / 12 - sum(a) / 30)
    p = t_test(a, b, equal_variances=False).p
    assert (found["low"] > 0) == (p < 0.05)
    assert gap([1.0], [2.0, 3.0]) is None
    assert gap([1.0, 1.0], [2.0, 2.0])["value"] == 1


def test_how_far_two_rows_agree():
    assert [agreed(*pair) for pair in (([], [1]), ([1, 2], [1, 2]), ([1, 2, 3], [1, 9, 3]), ([1], [1, 2]))] == [
        0,
        2,
        1,
        1,
    ]
    assert half_of(1024) == 50
    assert half_of(64) == 32


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("48 + 76 = 124", {("48", "plus", "76")}),
        ("so 48 plus 76 is", {("48", "plus", "76")}),
        ("9 - 4 = 5, 3 * 2 = 6", {("9", "minus", "4"), ("3", "times", "2")}),
        ("148 + 76 =", {("148", "plus", "76")}),
        ("1.48 + 76 =", set()),
        ("48 + 76", set()),
        ("48 plus 761", {("48", "plus", "761")}),
        ("48 plus 76.5", set()),
        ("48+76=", set()),
    ],
)
def test_sums_are_found_in_both_of_the_papers_forms(text, found):
    assert sums_in(text) == found


def test_a_number_may_be_of_two_sums():
    assert sums_in("3 plus 4 plus 5 is 12") == {("3", "plus", "4"), ("4", "plus", "5")}
    assert sums_in("30 plus 4 - 5 =") == {("30", "plus", "4"), ("4", "minus", "5")}


def test_sums_of_questions_are_looked_up_in_the_training_text(tmp_path):
    from foretell.audit.contamination_training import training_parts

    sums = sums_of("two_digit_addition", Source(seed=1))
    assert len(sums) == 2000
    (a, _, b), *rest = sums.values()
    (tmp_path / "t.txt").write_text(f"Here {a} plus {b} is asked.")
    assert looked_up(training_parts([tmp_path]), sums.values()) == {(a, "plus", b)}
    assert (a, "plus", b) not in rest


def test_what_is_learnt_in_context_is_right_less_random_labels():
    def records(values):
        return [{"key": str(i), "value": float(v), "demonstrations": 5} for i, v in enumerate(values)]

    found = row("task", 5, records([1, 1, 1, 0]), records([0, 1, 0, 0]))
    assert (found["right"]["value"], found["shuffled"]["value"], found["learnt"]["value"]) == (0.75, 0.25, 0.5)
    assert found["shown"] == 5
    # Newcombe 1998, method 10, of 3/4 and 1/4 by Wilson's intervals (0.3006, 0.9544) and (0.0456, 0.6994)
    assert found["learnt"]["low"] == pytest.approx(0.5 - math.hypot(0.75 - 0.3006, 0.6994 - 0.25), abs=1e-3)
    assert found["learnt"]["high"] == pytest.approx(0.5 + math.hypot(0.9544 - 0.75, 0.25 - 0.0456), abs=1e-3)
    alike = row("task", 5, records([0] * 10), records([0] * 10))["learnt"]
    assert alike["low"] < 0 < alike["high"]
    parts = row("task", 5, records([0.5, 1, 0.2]), records([0, 1, 0]))["learnt"]
    assert parts["value"] == pytest.approx(0.7 / 3)


def test_examples_are_added_until_no_more_fit(tiny, tmp_path):
    task, questions = first_task(("sst2", "two_digit_addition"), Source(seed=0))
    assert task.name == "two_digit_addition"
    rows = shot_rows(tiny, task, questions, tmp_path, limit=2, seed=0, shots=(0, 1, 50, 100))
    assert [one["k"] for one in rows] == [0, 1, 50]
    assert rows[-1]["shown"] < 50
    assert rows[0]["learnt"]["value"] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [({"parts": "windws"}, "did you mean 'windows'"), ({"parts": "canaries"}, "no canaries are named"),
     ({"parts": ["windows"]}, "training=FOLDER")],
)  # fmt: skip
def test_what_cannot_be_is_one_line_where_it_was_asked_for(tiny, tmp_path, monkeypatch, options, words):
    monkeypatch.setattr(Asked, "loaded", lambda asked: tiny)
    with pytest.raises(BadUse, match=words) as error:
        audit(Asked(model="m", out=tmp_path, quiet=True, options=options))
    assert "\n" not in str(error.value)


def test_what_cannot_be_is_left_out_and_said_where_all_is_asked_for(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(Asked, "loaded", lambda asked: tiny)
    found = audit(Asked(model="m", out=tmp_path, limit=2, quiet=True, options={"task": "two_digit_addition"}))
    assert sum("left out" in line for line in found["said"]) == 3
    assert "shots" in found["tables"]
