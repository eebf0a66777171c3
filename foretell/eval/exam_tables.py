"""Score tables: from raw points to the score that is printed, and from that to the share of candidates below.

A table is a list of (from, to) that rises in its first column and never falls in its second. Between two lines the
score is interpolated. A percentile is that of the highest line which the score reaches: where a score covers a range,
the report of GPT-4 gives its lower end too (OpenAI 2023, appendix A).
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from foretell.errors import BadUse
from foretell.eval.measured import Measured, share

Table = tuple[tuple[float, float], ...]


def checked(name: str, lines: Sequence[Sequence[float]], low: float, high: float) -> Table:
    """The lines as a table. BadUse unless it is monotone and goes from `low` or below to `high` or above."""
    for number, line in enumerate(lines, 1):
        numbers = isinstance(line, list | tuple) and all(type(value) in (int, float) for value in line)
        if not numbers or len(line) != 2:
            raise BadUse(f"line {number} of the {name} is {line!r}; it must be [from, to], two numbers")
    table = tuple((float(a), float(b)) for a, b in lines)
    if len(table) < 2:
        raise BadUse(f"the {name} has {len(table)} lines; give two or more")
    for (a, b), (c, d) in pairwise(table):
        if c <= a or d < b:
            raise BadUse(
                f"the {name} goes from [{a:g}, {b:g}] to [{c:g}, {d:g}]; the first must rise, the other not fall"
            )
    if table[0][0] > low or table[-1][0] < high:
        raise BadUse(
            f"the {name} goes from {table[0][0]:g} to {table[-1][0]:g} and must cover {low:g} to {high:g}; add the ends"
        )
    return table


def interpolated(table: Table, value: float) -> float:
    """What a table says of a value, linear between its lines; the nearest end outside of them."""
    above = bisect_right([line[0] for line in table], value)
    if above == 0:
        return table[0][1]
    if above == len(table):
        return table[-1][1]
    (a, b), (c, d) = table[above - 1], table[above]
    return b + (d - b) * (value - a) / (c - a)


def reached(table: Table, value: float) -> float:
    """The second number of the highest line that a value reaches; of the lowest one below it."""
    return table[max(bisect_right([line[0] for line in table], value) - 1, 0)][1]


def weighted(parts: Sequence[tuple[float, float, int]]) -> Measured:
    """The weighted mean of shares, given as (weight, right, n) of each section, with a 95 % interval.

    Wilson's intervals of the sections are combined by the method of variance estimates recovery (Zou and Donner 2008):
    low = mean - sqrt(sum (w (p - l))^2), high likewise. So a section counts by its weight and not by how many of its
    questions were asked, and no section of zero errors makes the interval vanish. n is that of all questions.
    """
    total = sum(weight for weight, _, _ in parts)
    value = below = above = 0.0
    for weight, right, n in parts:
        found, w = share(right, n), weight / total
        value += w * found["value"]
        below += (w * (found["value"] - found["low"])) ** 2
        above += (w * (found["high"] - found["value"])) ** 2
    low, high = max(value - below**0.5, 0.0), min(value + above**0.5, 1.0)
    return {"value": value, "low": low, "high": high, "n": sum(n for _, _, n in parts)}
