"""What is wrong, too much or meant ill gets a 4xx in OpenAI's shape that says what it is; the server goes on."""

import json

import pytest

from foretell.serve.settings import Limits
from tests.serve.conftest import asked

GOOD = {"model": "one", "prompt": "Return", "max_tokens": 2}
CHAT = {"model": "one", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
FIELDS = [
    ("temperature", -0.1),
    ("temperature", 999999),
    ("temperature", "0.5"),
    ("temperature", True),
    ("top_p", 1.5),
    ("top_k", -1),
    ("min_p", 0.1),
    ("repetition_penalty", 0),
    ("n", 0),
    ("n", 9),
    ("n", 1e9),
    ("best_of", 9),
    ("max_tokens", -1),
    ("max_tokens", 10**30),
    ("max_tokens", 96),
    ("logprobs", -1),
    ("logprobs", 21),
    ("logprobs", True),
    ("stop", ["a"] * 5),
    ("stop", ""),
    ("stop", [""]),
    ("stop", ["x" * 65]),
    ("stop", [1]),
    ("logit_bias", {"7": 101}),
    ("logit_bias", {"99999": 1}),
    ("logit_bias", {"-1": 1}),
    ("logit_bias", {"a": 1}),
    ("logit_bias", {str(i): 1 for i in range(301)}),
    ("seed", 2**64),
    ("seed", 0.5),
    ("suffix", "after"),
    ("prompt", []),
    ("prompt", [[]] * 129),
    ("prompt", [1, "a"]),
    ("prompt", [True]),
    ("prompt", [1.5]),
    ("prompt", [-1]),
    ("prompt", [2**40]),
    ("prompt", [300]),
    ("prompt", [[1, 2], [299, 300]]),
    ("prompt", "word " * 500),
    ("prompt", {"a": 1}),
    ("model", ""),
    ("model", "../../etc/passwd"),
    ("model", ["one"]),
    ("model", "x" * 1000),
    ("stream", "yes"),
    ("stream_options", {"include_usage": 3}),
    ("unheard_of", 1),
    ("presence_penalty", 3),
]
BODIES = [
    b"",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"{",
    b"\xff\xfe{}",
    b"[" * 50_000,
    b'{"a":' * 20_000,
    b'{"model":"one","prompt":"a","max_tokens":' + b"9" * 5000 + b"}",
    b'{"model":"one","prompt":"a","temperature":NaN}',
    b'{"model":"one","prompt":"a","temperature":Infinity}',
    b'{"model":"one","prompt":"a","temperature":1e999}',
    b'{"model":"\\ud800","prompt":"a"}',
    b'{"model":"one","prompt":"\\ud800"}',
    b'{"model":"one","prompt":"a","\\ud800":1}',
    b'{"model":"one","prompt":"a","stop":"\\udfff"}',
]


def refused(answer, *statuses):
    """The error of an answer, which has the shape that clients read."""
    assert answer.status_code in (statuses or (400,)), answer.text
    (error,) = answer.json().values()
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert "\n" not in error["message"]
    assert answer.headers["content-type"] == "application/json"
    return error


@pytest.mark.parametrize(("field", "value"), FIELDS, ids=[f"{field}={str(value)[:20]}" for field, value in FIELDS])
def test_a_wrong_field_is_refused(client, field, value):
    error = refused(client.post("/v1/completions", json={**GOOD, field: value}), 400, 404)
    assert error["param"] is None or error["param"].split(".")[0] == field


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:40]))
@pytest.mark.parametrize("route", ["/v1/completions", "/v1/chat/completions", "/v1/embeddings", "/tokenize"])
def test_a_body_that_is_no_request_is_refused(client, route, body):
    refused(client.post(route, content=body, headers={"content-type": "application/json"}))


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "assistant", "content": "a"}],
        [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
        [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}],
        [{"role": "tool", "content": "a"}],
        [{"role": "user"}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": []}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://10.0.0.1/a.png"}}]}],
        [{"role": "user", "content": [{"type": "text", "text": 1}]}],
        [{"role": "user", "content": "a"}] * 1001,
        [{"role": "user", "content": "a " * 200}],
    ],
    ids=lambda messages: str(messages)[:60],
)
def test_a_conversation_that_cannot_be_answered_is_refused(client, messages):
    refused(client.post("/v1/chat/completions", json={**CHAT, "messages": messages}))


@pytest.mark.parametrize("more", [{"tools": []}, {"top_logprobs": 2}, {"logprobs": 1}, {"max_completion_tokens": 0}])
def test_what_chat_does_not_do_is_refused(client, more):
    refused(client.post("/v1/chat/completions", json={**CHAT, **more}))


@pytest.mark.parametrize(
    "more", [{"input": []}, {"input": [[300]]}, {"input": "a " * 300}, {"dimensions": 3}, {"encoding_format": "x"}]
)
def test_what_cannot_be_embedded_is_refused(client, more):
    refused(client.post("/v1/embeddings", json={"model": "one", "input": "a", **more}))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({f"f{i}": 1 for i in range(20_000)}, "f0"),
        ({"prompt": [[-1] * 50_000]}, "prompt"),
        ({"prompt": [[-1]] * 50_000}, "prompt"),
        ({"logit_bias": {f"x{i}": 1 for i in range(20_000)}}, "logit_bias"),
        ({"stop": [1] * 50_000}, "stop"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_of_thousands_of_errors_one_is_looked_for(more, said):
    from pydantic import ValidationError

    from foretell.serve.wire import CompletionRequest

    with pytest.raises(ValidationError) as error:
        CompletionRequest.model_validate({**GOOD, **more})
    assert error.value.error_count() < 10
    assert said in str(error.value)


def test_a_text_that_cannot_fit_is_not_cut_into_tokens(client, models, monkeypatch):
    monkeypatch.setattr(models["one"].tokenizer, "encode", None)
    longest = "a" * 96 * 64
    for body in ({"prompt": longest}, {"prompt": ["a" * 10_000]}):
        answer = client.post("/v1/completions", json={**GOOD, **body})
        assert refused(answer)["code"] == "context_length_exceeded"
    messages = [{"role": "user", "content": longest}]
    assert refused(client.post("/v1/chat/completions", json={**CHAT, "messages": messages}))["code"]
    assert refused(client.post("/v1/embeddings", json={"model": "one", "input": longest}))["code"]


def test_more_log_probabilities_than_are_told_are_refused(client, monkeypatch):
    monkeypatch.setattr("foretell.serve.completions.MOST_TOLD", 20)
    told = {**GOOD, "prompt": [[1] * 5, [2] * 5], "echo": True, "max_tokens": 0}
    assert client.post("/v1/completions", json={**told, "logprobs": 1}).status_code == 200
    assert refused(client.post("/v1/completions", json={**told, "logprobs": 2}))["param"] == "logprobs"


def test_a_name_is_never_a_path(client):
    for name in ("..%2f..%2fetc%2fpasswd", "one%00", "%2e%2e", "tests"):
        refused(client.get(f"/v1/models/{name}"), 404)


def test_other_pages_and_methods_are_refused(client):
    refused(client.get("/v1/completions"), 405)
    for page in (
        "/docs",
        "/static/x.js",
        "/static/..%2froutes.py",
        "/static/%2fetc%2fpasswd",
        "/redoc",
        "/v2/models",
        "/v1/completions/x",
    ):
        refused(client.get(page), 404)


def test_a_stream_that_cannot_begin_is_an_error_and_no_stream(client):
    refused(client.post("/v1/completions", json={**GOOD, "stream": True, "n": 1, "best_of": 2}))
    refused(client.post("/v1/completions", json={**GOOD, "stream": True, "max_tokens": 99}))
    echo = {"model": "translator", "prompt": "a", "echo": True, "logprobs": 1, "stream": True}
    refused(client.post("/v1/completions", json=echo))


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_of_another_page_is_no_request(client, kind):
    body = json.dumps(GOOD).encode()
    refused(client.post("/v1/completions", content=body, headers={"content-type": kind}), 415)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://testserver:81"},
    ],
)
def test_a_page_of_another_site_may_not_ask(client, headers):
    refused(client.post("/v1/completions", json=GOOD, headers=headers), 403)
    own = {"origin": "http://testserver", "sec-fetch-site": "same-origin"}
    assert client.post("/v1/completions", json=GOOD, headers=own).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "127.0.0.1.evil:80", "testserver:x", ""])
def test_a_name_that_is_not_the_servers_is_refused(client, host):
    refused(client.get("/v1/models", headers={"host": host}), 403)


def test_every_answer_has_safe_headers_and_none_allows_another_site(client):
    for answer in (client.get("/health"), client.get("/nothing"), client.post("/v1/completions", json=GOOD)):
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_body_is_counted_as_it_comes(models):
    with asked({"one": models["one"]}, Limits(hosts=("testserver",), body_bytes=1000)) as client:
        assert client.post("/v1/completions", json=GOOD).status_code == 200
        refused(client.post("/v1/completions", json={**GOOD, "prompt": "a" * 1001}), 413)

        def chunks():  # no Content-Length
            for _ in range(50):
                yield b" " * 100

        answer = client.post("/v1/completions", content=chunks(), headers={"content-type": "application/json"})
        refused(answer, 413)


def test_no_thread_has_ended_and_the_next_request_is_answered(client):
    assert client.get("/health").json() == {"status": "ok"}
    assert client.post("/v1/completions", json=GOOD).status_code == 200
