"""Where a network is computed: the one place that asks whether there is a GPU."""

import torch

from foretell.errors import BadUse


def choose_device(device: str) -> str:
    """cpu or cuda, as `auto` (a GPU where there is one), `cpu` or `cuda` mean it; BadUse where it is not there."""
    if device not in ("auto", "cpu", "cuda"):
        raise BadUse(f"device {device!r} is not known; give cpu or cuda")
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise BadUse("device cuda: no GPU is visible to torch; give cpu or auto; foretell doctor tells more")
    return "cuda" if there and device != "cpu" else "cpu"
