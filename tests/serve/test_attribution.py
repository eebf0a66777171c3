"""The route of a sentence's attribution: the audit's own numbers, a picture of them, and what is refused."""

import pytest

from foretell.audit.attribution import explained
from foretell.report.attribution import attribution_svg
from foretell.serve.api import routed
from foretell.serve.served import Served
from foretell.serve.state import State
from tests.serve.conftest import LIMITS

SENTENCE = "return the value of the key"


@pytest.fixture(scope="module")
def client(models):
    """A client of an application on which two models wait."""
    from starlette.testclient import TestClient

    state = State({name: Served(name, models[name], LIMITS) for name in ("one", "encoder")}, LIMITS)
    app = routed(state, with_keys=False)
    with TestClient(app, base_url="http://testserver") as client:
        yield client


def test_the_answer_is_the_audits(client, models):
    answer = client.post("/attribution", json={"model": "one", "sentence": SENTENCE}).json()
    wanted = explained(models["one"], SENTENCE)
    assert (answer["word"], answer["tokens"]) == (wanted["word"], wanted["tokens"])
    for name in ("integrated", "left out", "rollout"):
        assert answer[name.replace(" ", "_")] == pytest.approx(wanted[name], abs=1e-4)
    assert answer["completeness_error"] < 0.01
    assert sum(answer["integrated"]) == pytest.approx(answer["logprob"] - answer["baseline_logprob"], rel=0.02)
    assert [one["layer"] for one in answer["lens"]] == list(range(1, 1 + models["one"].network.cfg.n_layers))
    assert len(answer["heads"][0]) == models["one"].network.cfg.n_heads


def test_the_answer_is_what_the_picture_is_drawn_from(client):
    answer = client.post("/attribution", json={"model": "one", "sentence": "a <b> c"}).json()
    svg = attribution_svg({**answer, "left out": answer["left_out"]})
    assert svg.startswith("<svg")
    assert "<b>" not in svg


@pytest.mark.parametrize(
    ("model", "sentence", "status", "said"),
    [
        ("one", "word", 400, "has one word"),
        ("one", "many words " * 40, 400, "at most 64 are explained"),
        ("encoder", SENTENCE, 400, "continues no text"),
        ("none", SENTENCE, 404, "no model is called"),
        ("one", 3, 400, "sentence"),
    ],
)
def test_what_cannot_be_explained_is_refused(client, model, sentence, status, said):
    answer = client.post("/attribution", json={"model": model, "sentence": sentence})
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]
