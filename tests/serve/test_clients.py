"""Foreign clients: OpenAI's own, and lm-evaluation-harness."""

import base64
from itertools import pairwise

import numpy as np
import pytest

from foretell.serve.settings import Limits
from tests.serve.conftest import asked

PROMPT = "Return the value of"


@pytest.fixture(scope="module")
def theirs(client):
    """OpenAI's client."""
    openai = pytest.importorskip("openai")
    return openai.OpenAI(base_url="http://testserver/v1", api_key="none", http_client=client, max_retries=0)


def test_openais_client_lists_the_models(theirs, models):
    import openai

    assert {model.id for model in theirs.models.list()} == set(models)
    assert theirs.models.retrieve("two").id == "two"
    with pytest.raises(openai.NotFoundError, match="no model is called 'three'"):
        theirs.models.retrieve("three")


def test_openais_client_reads_completions_and_streams(theirs):
    how = {"model": "one", "prompt": PROMPT, "max_tokens": 20, "seed": 3, "logprobs": 2, "stop": "zz"}
    whole = theirs.completions.create(**how)
    chunks = list(theirs.completions.create(**how, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == whole.choices[0].text
    assert chunks[-1].usage == whole.usage
    tokens = [token for chunk in chunks[:-1] for token in chunk.choices[0].logprobs.tokens]
    assert tokens == whole.choices[0].logprobs.tokens


def test_openais_client_reads_chats_and_streams(theirs):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    how = {"model": "one", "messages": messages, "max_completion_tokens": 20, "seed": 3}
    whole = theirs.chat.completions.create(**how, logprobs=True, top_logprobs=3)
    chunks = list(theirs.chat.completions.create(**how, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
    assert [len(one.top_logprobs) for one in whole.choices[0].logprobs.content] == [3] * len(
        whole.choices[0].logprobs.content
    )


@pytest.mark.parametrize("name", ["one", "encoder", "translator"])
def test_openais_client_reads_embeddings(theirs, name):
    given = ["Return the value", "Raise an error", "Return the value"]
    found = theirs.embeddings.create(model=name, input=given)  # the client asks for base64 and turns it back
    plain = theirs.embeddings.create(model=name, input=given, encoding_format="float")
    vectors = np.array([one.embedding for one in found.data])
    assert vectors == pytest.approx(np.array([one.embedding for one in plain.data]))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-6)
    assert (vectors[0] == vectors[2]).all()
    assert not np.allclose(vectors[0], vectors[1])


def test_an_embedding_is_the_mean_of_the_last_hidden_states(client, models):
    import torch

    ids = [5, 9, 17]
    body = {"model": "one", "input": ids, "encoding_format": "base64"}
    answer = client.post("/v1/embeddings", json=body).json()
    with torch.inference_mode():
        mean = models["one"].network.hidden(torch.tensor([ids]))[0].mean(0)
    found = np.frombuffer(base64.b64decode(answer["data"][0]["embedding"]), "<f4")
    assert found == pytest.approx((mean / mean.norm()).numpy(), abs=1e-6)
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_openais_client_is_told_what_is_wrong(theirs, models):
    import openai

    with pytest.raises(openai.BadRequestError, match="context holds 96 tokens") as error:
        theirs.completions.create(model="one", prompt=PROMPT, max_tokens=500)
    assert error.value.code == "context_length_exceeded"
    assert error.value.param == "max_tokens"
    with asked({"one": models["one"]}, Limits(hosts=("testserver",), rate=1)) as client:
        other = openai.OpenAI(base_url="http://testserver/v1", api_key="k", http_client=client, max_retries=0)
        other.models.list()
        with pytest.raises(openai.RateLimitError) as error:
            other.models.list()
        assert 50 <= int(error.value.response.headers["retry-after"]) <= 60


@pytest.mark.filterwarnings("ignore")
def test_lm_evaluation_harness_scores_as_we_do(client, models):
    """Its own requests and its own reading of the answers; what is between needs packages that it does not bring."""
    completions = pytest.importorskip("lm_eval.models.openai_completions").LocalCompletionsAPI
    theirs = completions.__new__(completions)
    theirs.model = "one"
    model = models["one"]
    pairs = [("Return the", " value"), ("Return the", " default"), ("Raise", " an error"), ("", "a")]
    pairs += [("Return the value of the", model.generate("Return the value of the", temperature=0)[0].text[:9])]
    encoded = [model.encoded(*pair) for pair in pairs]
    request = theirs._create_payload([[*context, *ids] for context, ids in encoded], generate=False, seed=1)
    answer = client.post("/v1/completions", json=request).json()
    found = theirs.parse_logprobs(answer, tokens=None, ctxlens=[len(context) for context, _ in encoded])
    for (logprob, greedy), score in zip(found, model.score(pairs), strict=True):
        assert logprob == pytest.approx(score.logprob, abs=1e-4)
        assert greedy == score.greedy


def test_words_become_tokens_and_tokens_words(client, models):
    text = "Return \u20ac the <|end|> key"
    answer = client.post("/tokenize", json={"model": "one", "prompt": text}).json()
    assert answer["tokens"] == models["one"].tokenizer.encode(text)
    assert answer["count"] == len(answer["tokens"]) == len(answer["token_strs"])
    back = client.post("/detokenize", json={"model": "one", "tokens": answer["tokens"]}).json()
    assert back == {"prompt": text}


def test_what_is_counted_grows(client):
    def counted():
        lines = client.get("/metrics").text.splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}

    seen = [counted()]
    for _ in range(2):
        client.post("/v1/completions", json={"model": "one", "prompt": PROMPT, "max_tokens": 5, "temperature": 0})
        seen.append(counted())
    for before, after in pairwise(seen):
        grown = {name for name in after if after[name] > before.get(name, 0)}
        assert 'foretell_requests_total{route="/v1/completions",status="200"}' in grown
        assert 'foretell_tokens_made_total{model="one"}' in grown
        assert 'foretell_tokens_made_total{model="two"}' not in grown
    assert seen[-1]['foretell_rows_running{model="one"}'] == 0
