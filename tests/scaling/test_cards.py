"""A card comes first, holds what it says, and is scored; one that was edited or came late counts for nothing."""

import json
from dataclasses import replace
from math import log

import pytest

from foretell.errors import BadUse
from foretell.scaling import cards
from foretell.scaling.cards import admit, check_order, config_hash, read_card, register, score, unmoved
from foretell.scaling.fits import fit_runs, points_of, read_fit, write_fit
from foretell.scaling.forecast import foretell, target
from foretell.scaling.points import cost
from foretell.scaling.sealed import seal
from foretell.train import folder
from tests.scaling.runs import config, ladder, law, written

AIM = config(32)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A fit's file."""
    here = tmp_path_factory.mktemp("ladder")
    write_fit(here / "fit.json", fit_runs(ladder(here, widths=(4, 8, 12, 16, 20)), "val_bits_per_byte"))
    return here / "fit.json"


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(folder, "now", lambda: "2026-01-01T00:00:00+00:00")


def later(path, cfg=AIM, begun="2026-01-02T00:00:00+00:00", **how):
    return written(path, cfg, begun=begun, **how)


def rewritten(path, change):
    """The card with an edit; sealed anew if the edit says so."""
    card = json.loads(path.read_text())
    change(card)
    path.write_text(json.dumps(card))
    return path


def test_a_card_holds_the_forecast_the_target_and_the_hashes(tmp_path, fitted):
    card = register(fitted, AIM, tmp_path / "card.json")
    parameters, tokens, flops = cost(AIM)
    found = foretell(points_of(read_fit(fitted)), target(parameters, tokens, flops))
    assert card["predicted"]["value"] == pytest.approx(found.value)
    assert (card["predicted"]["low"], card["predicted"]["high"]) == pytest.approx((found.low, found.high))
    assert card["target"] == {
        "parameters": parameters,
        "tokens": tokens,
        "flops": flops,
        "config_sha256": config_hash(AIM),
    }
    assert card["fit_sha256"] == read_fit(fitted)["sha256"]
    assert card["registered"] == "2026-01-01T00:00:00+00:00"
    assert read_card(tmp_path / "card.json") == card
    assert card["sha256"] == seal(card)


def test_a_run_that_ends_as_foretold_is_inside(tmp_path, fitted):
    card = register(fitted, AIM, tmp_path / "card.json")
    said = card["predicted"]
    found = score(tmp_path / "card.json", later(tmp_path / "run"))
    assert found["inside"]
    assert found["final"] == pytest.approx(law(card["target"]["flops"]), rel=0.01)
    assert found["relative_error"] == pytest.approx(said["value"] / found["final"] - 1)
    half = log(said["high"] / said["low"]) / 2
    assert found["z"] == pytest.approx(log(found["final"] / said["value"]) / half * 1.96, rel=1e-3)


def test_a_run_that_ends_elsewhere_is_outside(tmp_path, fitted):
    card = register(fitted, AIM, tmp_path / "card.json")
    found = score(tmp_path / "card.json", later(tmp_path / "run", loss=card["predicted"]["high"] * 1.01))
    assert not found["inside"]
    assert found["z"] > 1.95


@pytest.mark.parametrize("name", ["value", "low", "high"])
def test_an_edited_card_is_refused(tmp_path, fitted, name):
    register(fitted, AIM, tmp_path / "card.json")
    rewritten(tmp_path / "card.json", lambda card: card["predicted"].update({name: 1.0}))
    for use in (read_card, lambda path: score(path, later(tmp_path / "run")), lambda path: admit(path, AIM, tmp_path)):
        with pytest.raises(BadUse, match=r"card\.json was edited after it was written"):
            use(tmp_path / "card.json")


def test_an_edited_fit_is_refused(tmp_path, fitted):
    copy = tmp_path / "fit.json"
    copy.write_text(fitted.read_text().replace('"val_bits_per_byte"', '"val_loss"'))
    with pytest.raises(BadUse, match="was edited"):
        register(copy, AIM, tmp_path / "card.json")


def test_a_file_of_another_kind_is_refused(tmp_path, fitted):
    with pytest.raises(BadUse, match=r"fit\.json is no prediction card"):
        read_card(fitted)


def test_a_target_that_has_begun_is_not_foretold(tmp_path, fitted):
    run = written(tmp_path / "run", AIM, ended=False)
    with pytest.raises(BadUse, match="has begun: a prediction of it would know its first losses"):
        register(fitted, AIM, tmp_path / "card.json", run)
    assert not (tmp_path / "card.json").exists()


def test_a_card_is_written_once(tmp_path, fitted):
    register(fitted, AIM, tmp_path / "card.json")
    with pytest.raises(BadUse, match="a card is written once"):
        register(fitted, AIM, tmp_path / "card.json")


def test_a_card_registered_after_the_beginning_foretells_nothing(tmp_path, fitted):
    register(fitted, AIM, tmp_path / "card.json")
    run = later(tmp_path / "run", begun="2025-12-31T23:59:59+00:00")
    for use in (score, lambda path, run: admit(path, AIM, run)):
        with pytest.raises(BadUse, match=r"registered .*, after .* began"):
            use(tmp_path / "card.json", run)


def test_a_target_of_other_data_or_schedule_is_not_foretold(tmp_path, fitted):
    other = replace(AIM, schedule=replace(AIM.schedule, floor=0.1))
    with pytest.raises(BadUse, match=r"schedule\.floor is 0\.0 in the ladder"):
        register(fitted, other, tmp_path / "card.json")


def test_a_target_that_reads_more_for_its_size_is_not_foretold(tmp_path, fitted):
    with pytest.raises(BadUse, match="tokens a parameter, the ladder"):
        register(fitted, replace(AIM, steps=AIM.steps * 10), tmp_path / "card.json")


def test_the_trainer_keeps_a_copy_that_an_exchanged_card_does_not_match(tmp_path, fitted):
    card, run = tmp_path / "card.json", tmp_path / "run"
    register(fitted, AIM, card)
    admit(card, AIM, run)
    assert (run / cards.COPY).read_text() == card.read_text()
    assert not folder.has_begun(run)
    later(run)
    assert score(card, run)["held_by_the_run"]

    def move(content):
        content["predicted"]["value"] *= 1.001
        content["sha256"] = seal(content)

    rewritten(card, move)
    with pytest.raises(BadUse, match=r"is not the card that .*run began with"):
        score(card, run)


def test_a_run_that_began_without_a_card_goes_on_with_none(tmp_path, fitted):
    register(fitted, AIM, tmp_path / "card.json")
    run = written(tmp_path / "run", AIM, ended=False)
    with pytest.raises(BadUse, match="has begun without a card"):
        admit(tmp_path / "card.json", AIM, run)


def test_a_run_goes_on_under_its_card(tmp_path, fitted):
    card, run = tmp_path / "card.json", tmp_path / "run"
    register(fitted, AIM, card)
    admit(card, AIM, run)
    written(run, AIM, ended=False)
    admit(card, AIM, run)


def test_another_config_is_refused_and_another_seed_is_not(tmp_path, fitted):
    register(fitted, AIM, tmp_path / "card.json")
    admit(tmp_path / "card.json", replace(AIM, seed=5, evaluate_every=3), tmp_path / "one")
    with pytest.raises(BadUse, match="foretells a run with another steps"):
        admit(tmp_path / "card.json", replace(AIM, steps=AIM.steps + 5), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_an_unfinished_target_is_not_scored(tmp_path, fitted):
    register(fitted, AIM, tmp_path / "card.json")
    with pytest.raises(BadUse, match="its schedule is unfinished"):
        score(tmp_path / "card.json", later(tmp_path / "run", ended=False))


def test_the_hash_is_of_what_moves_the_loss():
    same = replace(AIM, seed=3, recipe="x", checkpoint_every=1, machine=replace(AIM.machine, threads=2))
    assert unmoved(same) == unmoved(AIM)
    assert config_hash(same) == config_hash(AIM)
    assert config_hash(replace(AIM, clip=1.0)) != config_hash(AIM)


def test_times_of_other_zones_are_compared_as_times(tmp_path, fitted):
    register(fitted, AIM, tmp_path / "card.json")
    run = later(tmp_path / "run", begun="2026-01-01T01:00:00+02:00")  # an hour before midnight in UTC
    with pytest.raises(BadUse, match="after"):
        check_order(read_card(tmp_path / "card.json"), tmp_path / "card.json", run)


def test_other_data_than_the_cards_is_refused(tmp_path, fitted, monkeypatch):
    monkeypatch.setattr(folder, "parents", lambda cfg: {"data": "a" * 64})
    register(fitted, AIM, tmp_path / "card.json")
    monkeypatch.setattr(folder, "parents", lambda cfg: {"data": "b" * 64})
    with pytest.raises(BadUse, match="foretells a run on other data"):
        admit(tmp_path / "card.json", AIM, tmp_path / "run")
