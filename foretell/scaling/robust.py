"""Fits of a sum of powers to losses, from many starts and for many weightings at once.

    least over theta of   sum over points of w Huber(ln sum_k exp(Z_k theta) - ln L)  +  1/2 sum m (theta - mean)^2

Huber with delta 1e-3 on the logarithm is Chinchilla's (Hoffmann et al. 2022, section D.3), who took L-BFGS. Ours is
Levenberg-Marquardt with the weights of iteratively reweighted least squares (a quadratic above Huber that touches it),
on arrays that hold all starts side by side: a bootstrap of 200 is one call, and no optimizer is installed for it.

S starts   K terms   R points   P parameters
"""

from typing import NamedTuple

import numpy as np

DELTA = 1e-3
MOST_ROUNDS = 200
SETTLED = 1e-9  # a step of a start that gains less than this share of its objective, and is not the first, is its last


class Problem(NamedTuple):
    """What is fitted: Z, the logarithms of the losses, and what is believed and allowed of the parameters."""

    z: np.ndarray  # (K, R, P)
    y: np.ndarray  # (R,)
    bounds: np.ndarray  # (2, P)
    mean: np.ndarray  # (P,)
    weight: np.ndarray  # (P,)
    delta: float = DELTA


def predicted(z: np.ndarray, theta: np.ndarray) -> np.ndarray:  # (K, R, P), (S, P) -> (S, R)
    """ln L at each point."""
    return np.logaddexp.reduce(np.einsum("krp,sp->skr", z, theta), axis=1)


def objective(problem: Problem, weights: np.ndarray, theta: np.ndarray) -> np.ndarray:  # (S, R), (S, P) -> (S,)
    """What is made least."""
    far = np.abs(predicted(problem.z, theta) - problem.y)
    huber = np.where(far < problem.delta, far**2 / 2, problem.delta * (far - problem.delta / 2))
    return (weights * huber).sum(1) + (problem.weight * (theta - problem.mean) ** 2).sum(1) / 2


def fit(problem: Problem, weights: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """theta (S, P) and the objective (S,) that each start came to; weights are (R,) or (S, R)."""
    weights = np.broadcast_to(weights, (len(starts), len(problem.y)))
    low, high = problem.bounds
    theta = np.clip(starts, low, high).astype(float)
    value, damping = objective(problem, weights, theta), np.full(len(theta), 1e-2)
    moving = np.arange(len(theta))
    for _ in range(MOST_ROUNDS):
        at, w = theta[moving], weights[moving]
        new = np.clip(at + step(problem, w, at, damping[moving]), low, high)
        gained = value[moving] - objective(problem, w, new)
        better = gained > 0
        theta[moving[better]] = new[better]
        small = better & (gained <= SETTLED * value[moving])
        value[moving[better]] -= gained[better]
        damping[moving] = np.where(better, damping[moving] / 4, damping[moving] * 5)
        moving = moving[~small & (damping[moving] < 1e12)]
        if not len(moving):
            break
    return theta, value


def step(problem: Problem, weights: np.ndarray, theta: np.ndarray, damping: np.ndarray) -> np.ndarray:  # -> (S, P)
    """The damped Gauss-Newton step; a parameter that stands at a bound and would leave it stays."""
    parts = np.einsum("krp,sp->skr", problem.z, theta)
    y = np.logaddexp.reduce(parts, axis=1)  # (S, R)
    j = np.einsum("skr,krp->srp", np.exp(parts - y[:, None]), problem.z)
    residual = y - problem.y
    w = weights * np.minimum(1.0, problem.delta / np.maximum(np.abs(residual), 1e-300))
    gradient = np.einsum("sr,srp->sp", w * residual, j) + problem.weight * (theta - problem.mean)
    curve = np.einsum("srp,srq->spq", w[..., None] * j, j) + np.diag(problem.weight)
    low, high = problem.bounds
    stuck = ((theta <= low) & (gradient > 0)) | ((theta >= high) & (gradient < 0))
    gradient[stuck] = 0.0
    curve[stuck[:, :, None] | stuck[:, None, :]] = 0.0
    places = np.arange(theta.shape[1])
    diagonal = curve[:, places, places]
    curve[:, places, places] = diagonal * (1 + damping[:, None]) + 1e-12 + stuck
    found: np.ndarray = np.linalg.solve(curve, -gradient[..., None])[..., 0]
    return found


def best(problem: Problem, weights: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, float]:  # (R,), (S, P) -> (P,)
    """The theta of the start that came lowest, and its objective."""
    theta, value = fit(problem, weights, starts)
    at = int(np.argmin(value))
    return theta[at], float(value[at])
