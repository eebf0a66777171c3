"""Tables for a terminal: columns as wide as their widest cell, numbers to the right."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table; a column that is empty throughout is left out."""
    kept = [i for i in range(len(header)) if any(row[i] for row in rows)]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in kept]
    right = [all(not row[i] or row[i][0].isdigit() or row[i][0] == "-" for row in rows) for i in kept]
    lines = []
    for row in [header, *rows]:
        cells = zip(kept, widths, right, strict=True)
        lines.append("  ".join(row[i].rjust(w) if r else row[i].ljust(w) for i, w, r in cells).rstrip())
    return lines
