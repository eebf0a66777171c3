"""How GPT-3's text was made, on the text at hand: the funnel, what the quality gate keeps, the mixture."""

from collections.abc import Sequence

from foretell.corpus import shares as mixtures
from foretell.report.figures import bars
from foretell.report.parts import Cell, Head, Missing, Part, Section, cell, picture, table
from foretell.report.read import Demo
from foretell.report.results import Filtering, Share
from foretell.report.words import count, percent, size

TITLE = "From raw text to training text"


def section(demo: Demo) -> Section:
    """The part of the page on the text of GPT-3."""
    found = demo.filtering
    if found is None:
        parts: Sequence[Part] = (Missing(title=TITLE, command=demo.command),)
    else:
        parts = [funnel(found), *sources(found), *mixture(found), paper(found)]
    return Section(key="gpt3-text", title="GPT-3: the text", parts=parts)


def funnel(found: Filtering) -> Part:
    """Documents after each step."""
    rows = [(row.what, row.documents, after(row.documents, row.bytes, row.dropped)) for row in found.steps]
    said = f"n = {found.steps[0].documents:,} documents; counts, so no interval. Recipe {found.recipe}."
    head = ("step", "documents", "bytes", "dropped")
    lines = [(row.step, row.documents, row.bytes, sum(row.dropped.values())) for row in found.steps]
    return picture("gpt3-funnel", TITLE, bars(rows), said, found.alone, [head, *lines])


def after(documents: int, n_bytes: int, dropped: dict[str, int]) -> str:
    """What a step left, in words."""
    gone = sum(dropped.values())
    return f"{documents:,}, {size(n_bytes)}" + (f" ({gone:,} dropped)" if gone else "")


def sources(found: Filtering) -> list[Part]:
    """What came through of each source, and how well the classifier tells them apart."""
    heads = [Head(text="source"), Head(text="role")]
    heads += [Head(text=x, number=True) for x in ("documents read", "kept", "share kept")]
    rows = [
        [
            *(cell(x) for x in (row.source, row.role)),
            *(cell(n, f"{n:,}") for n in (row.read, row.kept)),
            cell(row.kept / row.read if row.read else 0.0, percent(row.kept / row.read if row.read else 0.0)),
        ]
        for row in found.sources
    ]
    said = f"n = {sum(row.read for row in found.sources):,} documents; counts, so no interval."
    if found.gate:
        auc = found.gate.auc
        said += (
            f" The quality classifier tells curated from raw with an area under the curve of {auc.value:.3f} "
            f"[{auc.low:.3f}, {auc.high:.3f}] on n = {auc.n} held-out documents; its gate keeps "
            f"{percent(found.gate.keep_rate)} of the raw and {percent(found.gate.keep_rate_curated)} of the curated "
            "ones there, and curated sources pass without it. One seed."
        )
    return [table("gpt3-sources", "What each source gives", heads, rows, said, found.alone)]


def mixture(found: Filtering) -> list[Part]:
    """Tokens, weight and epochs of each source, as the paper's table 2.2 tells them."""
    if len(found.mixture) < 2:
        return []
    heads = [Head(text="source"), *(Head(text=x, number=True) for x in ("tokens", "weight", "epochs"))]
    budget = sum(row.tokens * row.epochs for row in found.mixture)
    n = sum(row.tokens for row in found.mixture)
    said = f"n = {count(n)} tokens; epochs are counted over {count(budget)}. Counts, so no interval."
    return [table("gpt3-mixture", "The mixture", heads, [shares(row) for row in found.mixture], said, found.alone)]


def shares(row: Share) -> list[Cell]:
    """A source's row."""
    return [
        cell(row.source),
        cell(row.tokens, count(row.tokens)),
        cell(row.weight, percent(row.weight)),
        cell(row.epochs, f"{row.epochs:.2f}"),
    ]


def paper(found: Filtering) -> Part:
    """The paper's own table beside what follows from its tokens and weights."""
    heads = [Head(text="source", paper=True), Head(text="tokens", number=True, paper=True)]
    heads += [Head(text=x, number=True) for x in ("weight, made to sum to 1", "epochs that follow")]
    heads += [Head(text=x, number=True, paper=True) for x in ("weight", "epochs")]
    rows = [
        [*shares(row), cell(row.printed_weight, f"{row.printed_weight:.0%}"), cell(row.printed_epochs)]
        for row in found.paper
    ]
    computed = [mixtures.Share(row.source, row.tokens, row.weight, row.epochs) for row in found.paper]
    printed = {row.source: (row.printed_weight, row.printed_epochs) for row in found.paper}
    said = "Shaded columns are quoted from Brown et al. 2020, table 2.2, over 300 billion tokens; no interval. "
    said += mixtures.disagreement(computed, printed)
    return table("gpt3-printed", "GPT-3's own mixture", heads, rows, said, found.alone)
