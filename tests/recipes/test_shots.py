"""Where the answers of a climb's few-shot curves are kept."""

from types import SimpleNamespace

import pytest

from foretell.eval import few_shot, results
from foretell.recipes import sources
from foretell.recipes.lineage import shots
from foretell.tasks import in_words


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """A function that gives the folders which the curves of a model with these weights are kept in."""
    folders = []
    monkeypatch.setattr(sources, "task_folder", lambda *given: tmp_path)
    monkeypatch.setattr(in_words, "in_words", lambda folder: None)
    monkeypatch.setattr(
        few_shot, "few_shot", lambda model, tasks, source, k, out, quiet: folders.append(out) or {"rows": []}
    )
    monkeypatch.setattr(results, "fingerprint", lambda model: model.weights)
    plan = SimpleNamespace(scale="smoke", out=tmp_path, corpora=tmp_path, text="", quiet=True)

    def curves(weights):
        network = SimpleNamespace(parameters=list)
        monkeypatch.setattr(shots, "model_of", lambda plan, name: SimpleNamespace(weights=weights, network=network))
        folders.clear()
        assert shots.curves(plan, ["gpt2.pretrain-pico"]) == []
        return set(folders)

    return curves


def test_a_model_that_was_trained_anew_has_a_folder_of_its_own(asked):
    first = asked("a" * 16)
    assert len(first) == 2  # right labels, shuffled labels
    assert asked("a" * 16) == first
    assert not asked("b" * 16) & first
