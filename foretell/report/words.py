"""Numbers and tokens as people read them."""

import re
import unicodedata

from foretell.report.measured import Measured

UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def count(n: float) -> str:
    """Three digits and a unit: 980, 12.3k, 1.50M, 175B."""
    for size, unit in UNITS:
        if n >= 0.9995 * size:
            return f"{three_digits(n / size)}{unit}"
    return three_digits(n)


def tick(x: float) -> str:
    """count() without the zeros at its end: 1.2M, 400k, 0.5."""
    digits, unit = re.fullmatch(r"([-\d.]+)(\D?)", count(x)).groups()  # type: ignore[union-attr]
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + unit


def three_digits(x: float) -> str:
    """0.123 of 0.12345, 12.3 of 12.345, 123 of 123.45; what is then whole is written so."""
    x = float(f"{x:.3g}")  # first, so that 0.9996 is 1
    if x == int(x):
        return str(int(x))
    return f"{x:.3f}" if abs(x) < 1 else f"{x:.2f}" if abs(x) < 10 else f"{x:.1f}" if abs(x) < 100 else f"{x:.0f}"


def size(n_bytes: float) -> str:
    """Bytes as people say them, in powers of ten: 9.81 MB."""
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n_bytes >= unit:
            return f"{three_digits(n_bytes / unit)} {name}"
    return f"{n_bytes:.0f} bytes"


def percent(share: float) -> str:
    """61.2 % of 0.612."""
    return f"{100 * share:.1f} %"


def share(m: Measured) -> str:
    """A measured share: 61.2 % [57.0, 65.1]."""
    return f"{percent(m.value)} [{100 * m.low:.1f}, {100 * m.high:.1f}]"


def score(m: Measured) -> str:
    """A measured score: 12.3 [10.1, 14.2]."""
    return f"{m.value:.1f} [{m.low:.1f}, {m.high:.1f}]"


def points(m: Measured) -> str:
    """A measured difference of two shares: +12.3 points [+4.0, +20.1]."""
    return f"{100 * m.value:+.1f} points [{100 * m.low:+.1f}, {100 * m.high:+.1f}]"


def seeds(n: int) -> str:
    """1 seed, 3 seeds."""
    return f"{n} seed" if n == 1 else f"{n} seeds"


def label(text: str, most: int) -> str:
    """The visible text, cut to so many characters, so that a figure keeps its room."""
    shown = visible(text)
    return shown if len(shown) <= most else f"{shown[: most - 2]}.."


def visible(text: str) -> str:
    """The text with control characters written out, so that a figure can hold it: a newline is \\n."""
    return "".join(c if unicodedata.category(c)[0] != "C" else c.encode("unicode_escape").decode() for c in text)
