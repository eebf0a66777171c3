"""A foreign tester reads our OpenAPI and tries to break the server that it describes."""

from collections import Counter

import pytest


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_what_is_made_of_our_openapi_is_answered_as_it_says(client, mode):
    """Schemathesis: requests that fit the schema, and requests that do not.

    That all which fit are accepted is not asked: what a model's context holds is no part of a schema.
    """
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings, strategies
    from schemathesis.specs.openapi.checks import positive_data_acceptance
    from schemathesis.transport.requests import REQUESTS_TRANSPORT

    document = client.get("/openapi.json").json()
    for one in document["components"]["schemas"].values():
        if "model" in one.get("required", []) and one.get("additionalProperties") is False:
            one["properties"]["model"] = {"type": "string", "enum": ["one", "two", "encoder", "translator"]}
    schema = schemathesis.openapi.from_dict(document)
    kind = schemathesis.GenerationMode(mode)
    every = [found.ok() for found in schema.get_all_operations()]
    some = [one for one in every if mode == "positive" or one.method == "post"]
    seen = Counter()

    how = {"max_examples": 60, "deadline": None, "derandomize": True, "database": None, "phases": [Phase.generate]}

    @settings(**how, suppress_health_check=list(HealthCheck))
    @given(strategies.one_of([one.as_strategy(generation_mode=kind) for one in some]))
    def ask(case):
        request = REQUESTS_TRANSPORT.serialize_case(case, base_url="http://testserver")
        body = {name: request[name] for name in ("json", "data") if request.get(name) is not None}
        content = {"content": body["data"]} if "data" in body else body
        headers = {name: value for name, value in (request.get("headers") or {}).items() if value.isascii()}
        answer = client.request(request["method"], request["url"], headers=headers, **content)
        seen[answer.status_code] += 1
        case.validate_response(answer, excluded_checks=[positive_data_acceptance])

    ask()
    assert set(seen) <= {200, 400, 404, 415}, seen
    assert seen[200] + seen[400] > 40, seen
