"""Completions say what the engine says, in the shape that clients read."""

import json

import pytest
import torch

from foretell.generate.config import Sampling
from foretell.generate.engine import generate
from tests.serve.conftest import asked, events

PROMPT = "Return the value of the"


def post(client, **body):
    answer = client.post("/v1/completions", json={"model": "one", "prompt": PROMPT, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def forward(model, ids):
    """The log-probabilities of one plain pass."""
    with torch.inference_mode():
        return torch.log_softmax(model.network(torch.tensor([ids])).float(), -1)[0]


@pytest.mark.parametrize("prompt", [PROMPT, "", [PROMPT, "Raise"], [5, 9, 11], [[5, 9], [7], []]])
def test_each_prompt_is_continued_as_the_engine_does(client, models, prompt):
    found = post(client, prompt=prompt, max_tokens=9, seed=3, temperature=1.2, top_k=40, top_p=0.9)
    model = models["one"]
    rows = [prompt] if isinstance(prompt, str) or isinstance(prompt[0], int) else prompt
    rows = [model.tokenizer.encode(row) if isinstance(row, str) else row for row in rows]
    how = Sampling(max_new_tokens=9, seed=3, temperature=1.2, top_k=40, top_p=0.9)
    expected = generate(model.network, model.words, rows, how)
    assert [choice["text"] for choice in found["choices"]] == [one.text for one in expected]
    assert [choice["index"] for choice in found["choices"]] == list(range(len(rows)))
    made = sum(len(one.logprobs) for one in expected)
    assert found["usage"] == {
        "prompt_tokens": sum(map(len, rows)),
        "completion_tokens": made,
        "total_tokens": sum(map(len, rows)) + made,
    }


def test_echoed_logprobs_are_those_of_one_plain_pass(client, models):
    model = models["one"]
    found = post(client, max_tokens=4, temperature=0, echo=True, logprobs=3)["choices"][0]
    told, ids = found["logprobs"], model.tokenizer.encode(PROMPT)
    made = generate(model.network, model.words, [ids], Sampling(max_new_tokens=4, temperature=0))[0].ids
    logprobs = forward(model, [*ids, *made])
    assert told["token_logprobs"][0] is None
    assert told["top_logprobs"][0] is None
    for place, token in enumerate([*ids, *made][1:], 1):
        assert told["token_logprobs"][place] == pytest.approx(logprobs[place - 1, token].item(), abs=1e-5)
        best = logprobs[place - 1].topk(3).values.tolist()
        assert sorted(told["top_logprobs"][place].values(), reverse=True)[:3] == pytest.approx(best, abs=1e-5)
    for begins, ends, name in zip(
        told["text_offset"], [*told["text_offset"][1:], len(found["text"])], told["tokens"], strict=True
    ):
        assert name.startswith("bytes:") or found["text"][begins:ends] == name
    assert found["text"].startswith(PROMPT)


def test_without_new_tokens_the_prompt_alone_is_told(client):
    found = post(client, max_tokens=0, echo=True, logprobs=1)["choices"][0]
    assert found["text"] == PROMPT
    assert found["finish_reason"] == "length"
    assert len(found["logprobs"]["tokens"]) == len(found["logprobs"]["token_logprobs"])


def test_prompts_are_read_some_at_a_time_and_told_alike(client, monkeypatch):
    how = {"prompt": [PROMPT, "Raise an", "a", "", PROMPT], "max_tokens": 1, "echo": True, "logprobs": 2}
    whole = post(client, **how, temperature=0)["choices"]
    monkeypatch.setattr("foretell.serve.completions.ALOUD", 8)
    for one, other in zip(post(client, **how, temperature=0)["choices"], whole, strict=True):
        assert one["text"] == other["text"]
        assert one["logprobs"]["token_logprobs"][1:] == pytest.approx(other["logprobs"]["token_logprobs"][1:], abs=1e-5)


def test_parts_of_a_character_are_told_as_bytes(client):
    found = post(client, prompt="\u20ac", max_tokens=0, echo=True, logprobs=0)["choices"][0]
    assert found["logprobs"]["tokens"] == [r"bytes:\xe2", r"bytes:\x82", r"bytes:\xac"]
    assert found["logprobs"]["text_offset"] == [0, 0, 0]
    assert found["text"] == "\u20ac"


def test_the_best_of_several_have_the_likeliest_tokens(client):
    every = post(client, n=6, seed=8, max_tokens=6, logprobs=0)["choices"]
    best = post(client, n=2, best_of=6, seed=8, max_tokens=6, logprobs=0)["choices"]

    def mean(choice):
        return sum(choice["logprobs"]["token_logprobs"]) / len(choice["logprobs"]["token_logprobs"])

    expected = sorted(every, key=mean, reverse=True)[:2]
    assert [choice["text"] for choice in best] == [choice["text"] for choice in expected]
    assert len({choice["text"] for choice in every}) > 1


def test_a_stop_text_ends_it_and_is_cut_off_with_its_tokens(client):
    whole = post(client, seed=2, max_tokens=20)["choices"][0]["text"]
    stop = whole[6:8]
    found = post(client, seed=2, max_tokens=20, stop=["never", stop], logprobs=0)["choices"][0]
    assert found["text"] == whole[: whole.find(stop)]
    assert found["finish_reason"] == "stop"
    assert all(begins < len(PROMPT + found["text"]) for begins in found["logprobs"]["text_offset"])


@pytest.mark.parametrize(
    "more", [{}, {"stop": ["e", "\u20acx"]}, {"logprobs": 2}, {"n": 3}, {"echo": True, "logprobs": 1}]
)
def test_a_stream_adds_up_to_the_answer(client, more):
    how = {"prompt": [PROMPT, "Raise an"], "seed": 6, "max_tokens": 24, "temperature": 1.4, **more}
    whole = post(client, **how)
    streamed = client.post(
        "/v1/completions",
        json={"model": "one", **how, "stream": True, "stream_options": {"include_usage": True}},
    )
    assert streamed.headers["content-type"].startswith("text/event-stream")
    *chunks, done = events(streamed.text)
    assert done == "[DONE]"
    *chunks, last = map(json.loads, chunks)
    assert last["choices"] == []
    assert last["usage"] == whole["usage"]
    for expected in whole["choices"]:
        mine = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == expected["index"]]
        assert "".join(choice["text"] for choice in mine) == expected["text"]
        assert [c["finish_reason"] for c in mine if c["finish_reason"]] == [expected["finish_reason"]]
        if expected["logprobs"]:
            for name, values in expected["logprobs"].items():
                added = [value for choice in mine for value in choice["logprobs"][name]]
                assert added == values if name in ("tokens", "text_offset") else len(added) == len(values)


def test_the_same_seed_gives_the_same_text_whatever_else_runs(client):
    from concurrent.futures import ThreadPoolExecutor

    how = {"seed": 11, "max_tokens": 30, "temperature": 1.3, "n": 2}
    alone = [choice["text"] for choice in post(client, **how)["choices"]]

    def other(i):
        return [
            c["text"]
            for c in post(client, **(how if i % 4 == 0 else {**how, "seed": i, "max_tokens": 5 + i}))["choices"]
        ]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(other, range(24)))
    assert all(texts == alone for i, texts in enumerate(found) if i % 4 == 0)
    assert len({text for texts in found for text in texts}) > 10


def test_without_a_seed_two_answers_differ(client):
    assert len({post(client, max_tokens=20)["choices"][0]["text"] for _ in range(3)}) > 1


def test_a_bias_forbids_and_forces_a_token(client):
    forced = post(client, max_tokens=3, logit_bias={"7": 100}, logprobs=0)["choices"][0]["logprobs"]["tokens"]
    assert len(set(forced)) == 1
    likeliest = post(client, max_tokens=1, temperature=0, logprobs=1)["choices"][0]["logprobs"]["tokens"]
    assert likeliest != forced[:1]


def test_penalties_keep_a_token_from_coming_again(client):
    how = {"max_tokens": 12, "temperature": 0, "logit_bias": {"7": 1.9, "9": 1}, "logprobs": 0}
    for name in ("presence_penalty", "frequency_penalty"):
        plain, less = (post(client, **how, **{name: value})["choices"][0]["logprobs"]["tokens"] for value in (-2, 2))
        assert len(set(less)) > len(set(plain))


def test_ids_that_the_tokenizer_lacks_do_no_harm(client):
    found = client.post(
        "/v1/completions", json={"model": "two", "prompt": [310, 5], "max_tokens": 30, "echo": True, "logprobs": 1}
    )
    assert found.status_code == 200
    assert found.json()["choices"][0]["text"].startswith("\ufffd")


def test_a_translator_translates_and_an_encoder_is_refused(client, models):
    found = client.post("/v1/completions", json={"model": "translator", "prompt": PROMPT, "temperature": 0})
    expected = models["translator"].generate(PROMPT, max_new_tokens=16, temperature=0)[0].text
    assert found.json()["choices"][0]["text"] == expected
    refused = client.post("/v1/completions", json={"model": "encoder", "prompt": PROMPT})
    assert refused.status_code == 400
    assert "kind encoder" in refused.json()["error"]["message"]
    echo = {"model": "translator", "prompt": PROMPT, "echo": True, "logprobs": 1}
    assert client.post("/v1/completions", json=echo).status_code == 400


def test_two_models_answer_at_once(models):
    from concurrent.futures import ThreadPoolExecutor

    with asked({name: models[name] for name in ("one", "two")}) as client, ThreadPoolExecutor(4) as pool:

        def text(name):
            return post(client, model=name, seed=1, max_tokens=20)["choices"][0]["text"]

        alone = {name: text(name) for name in ("one", "two")}
        names = ["one", "two"] * 8
        assert list(pool.map(text, names)) == [alone[name] for name in names]
    assert alone["one"] != alone["two"]
