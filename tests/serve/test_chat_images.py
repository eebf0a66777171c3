"""Images in messages, as OpenAI's clients send them: what is answered, how it is counted, what is refused."""

import base64
import io
import json

import pytest
from PIL import Image

from foretell.generate.images import answers
from foretell.serve.settings import Limits
from tests.generate.test_images import image, model_of
from tests.serve.conftest import asked, events

QUESTION = "What colour is the circle?"


@pytest.fixture(scope="module")
def models():
    return {"sees": model_of(), "blind": model_of(vision=False)}


@pytest.fixture(scope="module")
def client(models):
    with asked(models) as client:
        yield client


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def part(data):
    url = data if isinstance(data, str) else f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def body(*parts, **more):
    return {"model": "sees", "messages": [{"role": "user", "content": list(parts)}], "max_tokens": 5} | more


def said(client, *parts, **more):
    answer = client.post("/v1/chat/completions", json=body(*parts, temperature=0, **more))
    assert answer.status_code == 200, answer.text
    return answer.json()


def greedy(model, text, images):
    return answers(model, [(text, images)], max_new_tokens=5)[0].text


def test_a_message_with_an_image_is_answered_as_by_the_engine(client, models):
    words = {"type": "text", "text": QUESTION}
    found = [said(client, part(png(image(n))), words)["choices"][0]["message"]["content"] for n in range(4)]
    assert found == [greedy(models["sees"], QUESTION, [image(n)]) for n in range(4)]
    assert len(set(found)) > 1  # it does look
    between = said(client, {"type": "text", "text": "Is "}, part(png(image(1))), {"type": "text", "text": " red?"})
    assert between["choices"][0]["message"]["content"] == greedy(models["sees"], "Is <image> red?", [image(1)])


def test_an_image_counts_as_its_patches_and_every_choice_sees_it(client):
    words = {"type": "text", "text": QUESTION}
    without, with_one = said(client, words), said(client, part(png(image(0))), words, n=2)
    assert with_one["usage"]["prompt_tokens"] == without["usage"]["prompt_tokens"] + 4
    one, other = (choice["message"] for choice in with_one["choices"])
    assert one == other


def test_a_stream_sees_too_and_text_beside_it_is_as_without(client):
    words = {"type": "text", "text": QUESTION}
    whole = said(client, part(png(image(2))), words)["choices"][0]["message"]["content"]
    streamed = client.post("/v1/chat/completions", json=body(part(png(image(2))), words, temperature=0, stream=True))
    chunks = [json.loads(line) for line in events(streamed.text)[:-1]]
    assert "".join(one["delta"].get("content", "") for chunk in chunks for one in chunk["choices"]) == whole
    assert said(client, words)["choices"] == said(client, words)["choices"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "blind"}, "sees no images"),
        ({"messages": [{"role": "system", "content": [part(b"x")]}]}, "only a user's can hold one"),
        ({"messages": [{"role": "user", "content": [part("http://10.0.0.1/a.png")]}]}, "send the image itself"),
        ({"messages": [{"role": "user", "content": [part("data:image/png;base64,@@")]}]}, "no base64"),
        ({"messages": [{"role": "user", "content": [part(b"no image")]}]}, "image 1"),
        ({"messages": [{"role": "user", "content": [part(png(image(n))) for n in range(30)]}]}, "context holds"),
    ],
)
def test_what_is_wrong_with_an_image_is_told(client, change, words):
    refused = client.post("/v1/chat/completions", json=body(part(png(image(0))), **change))
    assert refused.status_code == 400, refused.text
    assert words in refused.json()["error"]["message"]
    assert refused.json()["error"]["param"]


def test_a_body_that_is_too_large_is_refused_before_it_is_read(models):
    with asked(models, Limits(hosts=("testserver",), body_bytes=2000)) as client:
        assert client.post("/v1/chat/completions", json=body(part(bytes(4000)))).status_code == 413
