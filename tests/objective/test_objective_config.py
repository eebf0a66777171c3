import pytest
import torch

from foretell.objective.build import build_objective
from foretell.objective.config import LanguageModel, MaskedLanguageModel, Task, Translation
from foretell.objective.mean import IGNORED, Mean, predicted


@pytest.mark.parametrize(
    ("cfg", "weights"),
    [
        (LanguageModel(), {"lm": 1.0}),
        (MaskedLanguageModel(), {"mlm": 1.0, "next_sentence": 1.0}),
        (MaskedLanguageModel(next_sentence=False), {"mlm": 1.0}),
        (Translation(), {"translation": 1.0}),
        (Task(), {"task": 1.0}),
        (Task(lm_weight=0.5), {"task": 1.0, "lm": 0.5}),
    ],
)
def test_every_config_builds_its_terms(cfg, weights):
    assert build_objective(cfg).weights == weights


@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
def test_label_smoothing_is_a_share(value):
    with pytest.raises(ValueError, match=rf"label_smoothing={value} is not in \[0, 1\); 0 switches it off"):
        Translation(label_smoothing=value)


@pytest.mark.parametrize("value", [-0.5, float("nan")])
def test_lambda_is_no_negative_number(value):
    with pytest.raises(ValueError, match=rf"lm_weight={value} is not at least 0; the paper's lambda is 0.5"):
        Task(lm_weight=value)


def test_a_mean_is_its_total_over_its_count_and_of_nothing_it_is_its_total():
    assert Mean(torch.tensor(6.0), torch.tensor(4)).value == 1.5
    assert Mean(torch.tensor(0.0), torch.tensor(0)).value == 0


def test_ignored_targets_are_not_predicted():
    assert predicted(torch.tensor([[1, IGNORED], [IGNORED, 0]])) == 2
