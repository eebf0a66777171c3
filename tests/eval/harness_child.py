"""Evaluates a model folder on exported tasks, by our adapter and by the harness' own `hf` model, into both.json.

A process of its own: the harness reads from the environment, as it is imported, that nothing is to be downloaded.
"""

import json
import sys
import warnings
from pathlib import Path

import torch

warnings.simplefilter("ignore")


def told(found):
    """The metrics of each task; of each question the prompts that were sent, and what came back."""
    questions = {
        task: [
            {"sent": [list(args) for args in one["arguments"]], "back": one["resps"], "id": one["doc"]["id"]}
            for one in sorted(samples, key=lambda one: one["doc_id"])
        ]
        for task, samples in found["samples"].items()
    }
    return {"metrics": found["results"], "questions": questions}


def main(model, folder):
    """Both sides on the same files."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    from foretell.eval.harness import evaluate

    torch.set_num_threads(1)
    tasks = sorted(path.stem for path in Path(folder).glob("*.yaml"))
    settings = {"tasks": tasks, "bootstrap_iters": 0, "log_samples": True}
    searched = TaskManager(include_path=folder, include_defaults=False)
    hf = HFLM(pretrained=model, device="cpu", batch_size=3)
    both = {
        "foretell": told(evaluate(model, Path(folder), **settings)),
        "hf": told(simple_evaluate(model=hf, task_manager=searched, **settings)),
    }
    Path(folder, "both.json").write_text(json.dumps(both))


if __name__ == "__main__":
    main(*sys.argv[1:])
