import json
from math import inf, nan

import pytest

from foretell.errors import BadUse, Failed
from foretell.eval.results import as_json, fingerprint, opened, save_results


def test_a_models_fingerprint_follows_its_weights(tiny):
    before = fingerprint(tiny)
    weight = next(tiny.network.parameters())
    kept = weight.data.clone()
    weight.data[0, 0] += 1
    assert fingerprint(tiny) != before
    weight.data.copy_(kept)
    assert fingerprint(tiny) == before


def test_a_folder_is_of_one_model_one_suite_and_one_way_of_asking(tmp_path, tiny):
    out = tmp_path / "a" / "b"
    with opened(out, tiny, "perplexity", {"seed": 0}):
        save_results(out, {"rows": []})
    with opened(out, tiny, "perplexity", {"seed": 0}):
        pass
    with pytest.raises(BadUse, match="holds answers of perplexity, not of programs"), opened(out, tiny, "programs"):
        pass
    with pytest.raises(BadUse, match="with seed 0, not 1"), opened(out, tiny, "perplexity", {"seed": 1}):
        pass


def test_a_folder_is_held_against_a_second_evaluation(tmp_path, tiny):
    refused = pytest.raises(BadUse, match="is being written by another evaluation")
    with opened(tmp_path, tiny, "exams"), refused, opened(tmp_path, tiny, "exams"):
        pass


def test_a_folder_that_cannot_be_is_one_line(tmp_path, tiny):
    (tmp_path / "file").write_text("")
    with pytest.raises(Failed, match=r"cannot write .*file"), opened(tmp_path / "file" / "out", tiny, "exams"):
        pass


def test_numbers_that_json_does_not_know_are_null():
    found = as_json({"a": [1.5, inf, (-inf, nan)], "b": {"c": "ö", "d": None, "e": 2}})
    refuse = pytest.fail
    assert json.loads(found, parse_constant=refuse) == {
        "a": [1.5, None, [None, None]],
        "b": {"c": "ö", "d": None, "e": 2},
    }
