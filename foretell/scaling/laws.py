"""The laws of scale, each as a logarithm of a sum of powers, so that one fit serves all.

    power    L = a C^-b
    offset   L = a C^-b + c                      GPT-4 (OpenAI 2023, section 3.1)
    joint    L = E + A / N^alpha + B / D^beta    Chinchilla (Hoffmann et al. 2022, section 3.3)
    prior    the joint law with alpha and beta held near 0.35

ln L is the logarithm of a sum over k of exp(Z_k theta): every term is linear in the parameters. Computes, sizes and
tokens are taken relative to the geometric mean of the ladder's, so that the parameters are of order 1.

K terms   P parameters   R points
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import exp, log

import numpy as np

from foretell.scaling.points import Point

NOISE = 0.003  # how far, as a share of the loss, a run of another seed lies: the scale that a prior is weighed by
EXPONENTS = (0.0, 2.0)
QUANTITIES = {"C": "flops", "N": "parameters", "D": "tokens"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Law:
    """A sum of terms; a term is a constant's logarithm and, but for the last, an exponent of one quantity."""

    name: str
    formula: str
    terms: tuple[tuple[str, str, str], ...]
    """(constant, exponent, quantity), the last two empty where the term is a constant"""
    priors: tuple[tuple[str, float, float], ...] = ()
    """(parameter, mean, standard deviation)"""

    @property
    def names(self) -> list[str]:
        """The parameters in the order of theta."""
        return [name for constant, exponent, _ in self.terms for name in (constant, exponent) if name]

    @property
    def of_compute(self) -> bool:
        """Whether the law knows compute alone, and so holds only along one rule for size and tokens."""
        return all(quantity in ("", "C") for _, _, quantity in self.terms)


POWER = Law(name="power", formula="a C^-b", terms=(("a", "b", "C"),))
OFFSET = Law(name="offset", formula="a C^-b + c", terms=(("a", "b", "C"), ("c", "", "")))
JOINT_TERMS = (("A", "alpha", "N"), ("B", "beta", "D"), ("E", "", ""))
JOINT = Law(name="joint", formula="E + A / N^alpha + B / D^beta", terms=JOINT_TERMS)
PRIOR = Law(
    name="prior",
    formula="E + A / N^alpha + B / D^beta, alpha and beta near 0.35",
    terms=JOINT_TERMS,
    priors=(("alpha", 0.35, 0.1), ("beta", 0.35, 0.1)),
)
LAWS = {law.name: law for law in (POWER, OFFSET, JOINT, PRIOR)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Centre:
    """The geometric means that quantities are taken relative to."""

    flops: float
    parameters: float
    tokens: float


def centre(points: Sequence[Point]) -> Centre:
    """The geometric means of the points' compute, size and tokens."""

    def mean(name: str) -> float:
        return exp(float(np.mean([log(getattr(point, name)) for point in points])))

    return Centre(flops=mean("flops"), parameters=mean("parameters"), tokens=mean("tokens"))


def design(law: Law, points: Sequence[Point], middle: Centre) -> np.ndarray:  # (K, R, P)
    """Z: what each parameter is multiplied by in each term at each point."""
    z = np.zeros((len(law.terms), len(points), len(law.names)))
    for k, (constant, exponent, quantity) in enumerate(law.terms):
        z[k, :, law.names.index(constant)] = 1.0
        if exponent:
            name = QUANTITIES[quantity]
            z[k, :, law.names.index(exponent)] = [-log(getattr(p, name) / getattr(middle, name)) for p in points]
    return z


def starts(law: Law, losses: np.ndarray) -> np.ndarray:  # (R,) -> (S, P)
    """Where a fit begins: every pair of exponents of a grid, with the constant term at several shares of the loss.

    Hoffmann et al. 2022, section D.3 begin at a grid too. Ours: 6 to 80 starts.
    """
    slopes = (0.03, 0.1, 0.2, 0.35, 0.6, 1.0) if law.of_compute else (0.1, 0.25, 0.4, 0.7)
    exponents = [exponent for _, exponent, _ in law.terms if exponent]
    shares = (0.05, 0.4, 0.7, 0.9, 0.98) if len(exponents) < len(law.terms) else (0.0,)
    found = []
    for share, chosen in product(shares, product(slopes, repeat=len(exponents))):
        rest = float(np.mean(losses)) - share * float(np.min(losses))
        values = dict(zip(exponents, chosen, strict=True))
        for constant, exponent, _ in law.terms:
            values[constant] = log(rest / len(exponents) if exponent else share * float(np.min(losses)))
        found.append([values[name] for name in law.names])
    return np.array(found)


def bounds(law: Law, losses: np.ndarray) -> np.ndarray:  # (R,) -> (2, P)
    """Lowest and highest values of the parameters: a loss falls, and no constant is above the lowest by much."""
    top = log(float(np.max(losses)))
    exponents = {exponent for _, exponent, _ in law.terms}
    return np.array([EXPONENTS if name in exponents else (top - 12, top + 3) for name in law.names]).T


def prior(law: Law) -> tuple[np.ndarray, np.ndarray]:  # (P,), (P,)
    """Means and weights of a squared distance from what is believed; weight 0 where nothing is."""
    believed = {name: (mean, (NOISE / sd) ** 2) for name, mean, sd in law.priors}
    pairs = [believed.get(name, (0.0, 0.0)) for name in law.names]
    return np.array([mean for mean, _ in pairs]), np.array([weight for _, weight in pairs])


def as_written(law: Law, theta: np.ndarray, middle: Centre) -> dict[str, float]:  # (P,)
    """The parameters as papers write them: constants for compute, size and tokens in units of 1."""
    values = dict(zip(law.names, theta, strict=True))
    found: dict[str, float] = {}
    for constant, exponent, quantity in law.terms:
        slope = float(values[exponent]) if exponent else 0.0
        scale = slope * log(getattr(middle, QUANTITIES[quantity])) if exponent else 0.0
        found[constant] = exp(float(values[constant]) + scale)
        if exponent:
            found[exponent] = slope
    return found
