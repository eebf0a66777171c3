"""Ladders of points made from a known law, with noise."""

import numpy as np

from foretell.scaling.points import Point

SIZES = np.geomspace(1e5, 1e7, 6)


def point(size, tokens, loss, seed=0, name=""):
    return Point(
        name=name or f"{size:.0f}-{tokens:.0f}",
        parameters=float(size),
        tokens=float(tokens),
        flops=6.0 * size * tokens,
        loss=float(loss),
        seed=seed,
    )


def joint(e, a, alpha, b, beta):
    """Chinchilla's law as a function of size and tokens."""
    return lambda size, tokens: e + a / size**alpha + b / tokens**beta


def some_law(draw):
    """A law whose constants are drawn: at 1e5 parameters and 2e6 tokens each term is 1 to 4 times the next."""
    alpha, beta = draw.uniform(0.25, 0.45, 2)
    return joint(draw.uniform(0.5, 2), draw.uniform(1, 4) * 1e5**alpha, alpha, draw.uniform(1, 4) * 2e6**beta, beta)


def ladder(law, draw, noise=0.003, sizes=SIZES, shares=(1.0,), ratio=20.0):
    """The points of a ladder at `ratio` tokens a parameter, and shares of them."""
    return [
        point(size, ratio * size * share, law(size, ratio * size * share) * np.exp(noise * draw.normal()))
        for size in sizes
        for share in shares
    ]
