"""Chat answers as the format that the model was taught says, or as a transcript for a model that was taught none."""

import json

import pytest

from foretell.generate.config import Sampling
from foretell.generate.engine import Asked, Batch
from foretell.generate.model import Model
from foretell.serve.chat import transcript
from foretell.text.chat import Turn, chat_ids
from foretell.text.specials import CHAT
from tests.serve.conftest import asked, events

TURNS = [("system", "Be brief."), ("user", "Hi <|end|>"), ("assistant", "Yes?"), ("user", "What is a key?")]
MESSAGES = [{"role": role, "content": text} for role, text in TURNS]


def post(client, **body):
    answer = client.post("/v1/chat/completions", json={"model": "one", "messages": MESSAGES, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def engine(model, how):
    ids = chat_ids(model.tokenizer, [Turn(*turn) for turn in TURNS], answer=True)
    batch = Batch(model.network, model.words)
    batch.join([Asked(ids, how, 0, 0, frozenset(model.tokenizer.special(name) for name in CHAT))])
    while batch.rows:
        batch.step()
    return len(ids), batch.done[0]


def test_it_is_answered_as_the_engine_continues_the_format(client, models):
    found = post(client, seed=4, max_tokens=12, logprobs=True, top_logprobs=2)
    read, expected = engine(models["one"], Sampling(max_new_tokens=12, seed=4))
    (choice,) = found["choices"]
    assert choice["message"] == {"role": "assistant", "content": expected.text, "refusal": None}
    assert found["usage"]["prompt_tokens"] == read
    told = choice["logprobs"]["content"]
    assert [one["logprob"] for one in told] == pytest.approx(expected.logprobs[: len(expected.ids)], abs=1e-5)
    assert b"".join(bytes(one["bytes"]) for one in told).decode("utf-8", "replace") == expected.text
    assert all(len(one["top_logprobs"]) == 2 for one in told)


def test_the_end_of_the_turn_ends_it_and_is_not_said(client, models):
    for name in CHAT:
        token = models["one"].tokenizer.special(name)
        found = post(client, max_tokens=5, logit_bias={str(token): 100}, logprobs=True)
        assert found["choices"][0]["message"]["content"] == ""
        assert found["choices"][0]["finish_reason"] == "stop"
        assert found["choices"][0]["logprobs"]["content"] == []
        assert found["usage"]["completion_tokens"] == 1


def test_without_a_limit_the_context_is_filled(client, models):
    end = [str(models["one"].tokenizer.special(name)) for name in (*CHAT, "<|endoftext|>")]
    found = post(client, logit_bias=dict.fromkeys(end, -100))
    assert found["usage"]["total_tokens"] == 96
    assert found["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("name", ["one", "plain"])
def test_a_stream_adds_up_to_the_answer(models, name):
    plain = Model(models["one"].network, without_chat(models["one"].tokenizer))
    with asked({"one": models["one"], "plain": plain}) as client:
        how = {"model": name, "seed": 4, "max_tokens": 20, "n": 3, "logprobs": True, "stop": "e"}
        whole = post(client, **how)
        body = {"messages": MESSAGES, **how, "stream": True, "stream_options": {"include_usage": True}}
        *chunks, done = events(client.post("/v1/chat/completions", json=body).text)
    *chunks, last = map(json.loads, chunks)
    assert done == "[DONE]"
    assert last["usage"] == whole["usage"]
    for choice in whole["choices"]:
        mine = [one for chunk in chunks for one in chunk["choices"] if one["index"] == choice["index"]]
        assert mine[0]["delta"] == {"role": "assistant", "content": ""}
        assert "".join(one["delta"]["content"] for one in mine) == choice["message"]["content"]
        assert mine[-1]["finish_reason"] == choice["finish_reason"]
        told = [one["token"] for part in mine[1:] for one in part["logprobs"]["content"]]
        assert told == [one["token"] for one in choice["logprobs"]["content"]]


def without_chat(tokenizer):
    """The same words without the chat's special tokens: other ids there are unknown."""
    from foretell.text.train import train_tokenizer
    from tests.corpus.made_documents import HELP

    made = train_tokenizer("bpe", HELP[:4], 295, quiet=True)
    made.specials = {"<|endoftext|>": made.specials["<|endoftext|>"]}
    return made


def test_a_model_that_was_taught_no_chat_continues_a_transcript():
    text = transcript(
        [Turn("system", "Be brief."), Turn("user", "Hi"), Turn("assistant", "Yes?"), Turn("user", "Why?")]
    )
    assert text == "Be brief.\n\nUser: Hi\nAssistant: Yes?\nUser: Why?\nAssistant:"


def test_parts_and_the_developers_word_are_read_as_texts(client):
    parts = [{"role": "developer", "content": "Be brief."}]
    parts += [{"role": "user", "content": [{"type": "text", "text": "Hi "}, {"type": "text", "text": "there"}]}]
    plain = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi there"}]
    both = [post(client, messages=one, seed=1, max_tokens=8)["choices"][0]["message"] for one in (parts, plain)]
    assert both[0] == both[1]
