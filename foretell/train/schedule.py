"""Learning rate and batch size as functions of the step."""

from math import cos, pi

from foretell.train.config import BatchSize, Schedule


def rate(cfg: Schedule, step: int, steps: int) -> float:
    """The share of the peak learning rate at a step, counted from 0, of a run of `steps`.

    Vaswani et al. 2017, eq. 3 is inverse_sqrt with the peak rate d_model^-0.5 warmup^-0.5.
    """
    n = step + 1
    if n < cfg.warmup_steps:
        return n / cfg.warmup_steps
    if cfg.shape == "constant":
        return 1.0
    if cfg.shape == "inverse_sqrt":
        return float((cfg.warmup_steps / n) ** 0.5)
    begin = max(cfg.warmup_steps, cfg.decay_from * steps)
    gone = min(max((step - begin) / max(cfg.decay_to * steps - begin, 1), 0.0), 1.0)  # the last step still moves
    left = 1 - gone if cfg.shape == "linear" else 0.5 * (1 + cos(pi * gone))
    return cfg.floor + (1 - cfg.floor) * left


def rows_before(cfg: BatchSize, step: int) -> int:
    """How many rows the steps before this one have read: where this step's rows begin.

    A ramp is rows(seen) = ramp_from + (rows - ramp_from) * seen / ramp_rows, taken step by step (Brown et al. 2020,
    appendix B: linear in tokens seen).
    """
    if not cfg.ramp_from:
        return step * cfg.rows
    seen = 0
    for done in range(step):
        if seen >= cfg.ramp_rows:
            return seen + (step - done) * cfg.rows
        seen += rows_after(cfg, seen)
    return seen


def rows_after(cfg: BatchSize, seen: int) -> int:
    """The rows of the step that begins when `seen` rows have been read."""
    if not cfg.ramp_from or seen >= cfg.ramp_rows:
        return cfg.rows
    return round(cfg.ramp_from + (cfg.rows - cfg.ramp_from) * seen / cfg.ramp_rows)
