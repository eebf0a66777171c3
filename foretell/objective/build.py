"""From an objective's config to its functions."""

from foretell.errors import BadUse
from foretell.model.network import Network
from foretell.objective import config
from foretell.objective.lm import language_model, translation
from foretell.objective.mean import Objective
from foretell.objective.mlm import masked_language_model
from foretell.objective.preference import preference
from foretell.objective.ranking import ranking
from foretell.objective.task import task
from foretell.objective.unlikelihood import unlikely_repeats


def build_objective(cfg: config.ObjectiveConfig, reference: Network | None = None) -> Objective:
    """The objective that a config names; a preference is measured against the reference, which it freezes."""
    match cfg:
        case config.LanguageModel():
            return unlikely_repeats(cfg.unlikelihood) if cfg.unlikelihood else language_model()
        case config.MaskedLanguageModel():
            return masked_language_model(cfg.next_sentence)
        case config.Translation():
            return translation(cfg.label_smoothing)
        case config.Task():
            return task(cfg.lm_weight)
        case config.Ranking():
            return ranking()
        case config.Preference():
            assert reference is not None, "a preference needs the network that the run starts from"
            return preference(cfg.beta, reference)
        case config.PolicyOptimization():
            raise BadUse(f"objective={cfg.kind} needs more than rows; foretell train runs it")
