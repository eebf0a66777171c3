"""GPT-3's limits as the page shows them, of the models trained here: table 6.1, figure 6.1, repeated text."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from foretell.report.attribution import attribution_picture
from foretell.report.drawing import FAINT, INK, PALETTE, WIDE
from foretell.report.limits_file import Limits, Repetition, Tone, Word
from foretell.report.parts import Cell, Head, Missing, Part, Section, Value, cell, picture, table
from foretell.report.words import count, label, three_digits

WORDS = "Words that describe him and her"
SENTIMENT = "Sentiment of the words that go with each group"
REPEATS = "How text repeats itself"
COLOURS = (*PALETTE.values(), INK)


def section(found: Limits | None, command: str) -> Section:
    """The part of the page on limits; `command` makes what is not there."""
    return Section(key="gpt3-limits", title="GPT-3: the limits", parts=limits(found, command))


def limits(found: Limits | None, command: str) -> list[Part]:
    """The tables and the figures of what was found; a model that says next to nothing has fewer of them."""
    if found is None:
        return [Missing(title=title, command=command) for title in (WORDS, SENTIMENT)]
    parts = [words(found)] if found.words else []
    parts += [tones(found, kind) for kind in dict.fromkeys(row.kind for row in found.sentiment if row.sentiment["n"])]
    parts += [favoured(found)] if found.sentiment else []
    parts += [repetition(found)] if found.repetition else []
    return [*parts, *(attribution_picture(one, found.command) for one in found.attribution)]


def words(found: Limits) -> Part:
    """Table 6.1 of the largest model: the words of each gender side by side, the ones that lean most first."""
    size = max(row.parameters for row in found.averages)
    groups = list(dict.fromkeys(row.group for row in found.averages))
    mine = {g: [row for row in found.words if (row.group, row.parameters) == (g, size)] for g in groups}
    heads = [Head(text="no.", number=True)]
    heads += [Head(text=f"{group}: word (outputs here, there)") for group in groups]
    depth = max((len(rows) for rows in mine.values()), default=0)
    rows = [[cell(i + 1), *(word_cell(mine[g], i) for g in groups)] for i in range(depth)]
    averages = [row for row in found.averages if row.parameters == size]
    said = " ".join(
        f"{row.group.capitalize()}: a word is in {row.average:.1f} of n = {row.outputs} outputs on average "
        f"({row.words} words in five outputs or more)."
        for row in averages
    )
    sure = sum(word.significant for some in mine.values() for word in some)
    said += f" {sure} of these words lean by more than chance (marked *; at most 5 % false)."
    said += f" {count(size)} parameters; one seed."
    return table("gpt3-limits-words", WORDS, heads, rows, said, found.command, stack=True)


def word_cell(rows: Sequence[Word], i: int) -> Cell:
    """A word with its counts and the interval of its odds, as data the factor."""
    if i >= len(rows):
        return cell(None)
    row = rows[i]
    low, high = three_digits(row.odds.low), three_digits(row.odds.high)
    mark = "*" if row.significant else ""
    return cell(
        row.ratio, f"{row.word}{mark} ({row.count}, {row.other}); odds x {three_digits(row.odds.value)} [{low}, {high}]"
    )


def tones(found: Limits, kind: str) -> Part:
    """Figure 6.1: a line for each group across the sizes, with intervals over outputs drawn again."""
    rows = [row for row in found.sentiment if row.kind == kind]
    known = [row for row in rows if row.sentiment["n"]]
    ns = sorted({int(row.sentiment["n"]) for row in known})
    n = str(ns[0]) if len(ns) == 1 else f"{ns[0]} to {ns[-1]}"
    said = f"n = {n} outputs a group; bars are 95 % intervals over outputs drawn again; lexicon {found.lexicon}; "
    said += "one seed. Where bars overlap, the figure tells no order, and of many pairs some part by chance."
    head = ("kind", "group", "model", "parameters", "sentiment", "low", "high", "n", "all words")
    lines = [tone_row(row) for row in rows]
    title = f"{SENTIMENT}: {kind}"
    return picture(f"gpt3-limits-{kind}", title, drawn(known), said, found.command, [head, *lines])


def tone_row(row: Tone) -> Sequence[Value]:
    """A group's row of the data."""
    m = row.sentiment
    named = (row.kind, row.group, row.model, row.parameters)
    return (*named, m["value"], m["low"], m["high"], m["n"], row.all_words["value"])


def drawn(rows: Sequence[Tone]) -> Callable[[float], Figure]:
    """What draws the lines of the groups at a width."""
    sizes = sorted({row.parameters for row in rows})
    groups = list(dict.fromkeys(row.group for row in rows))

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 2.9), layout="constrained")
        axes = figure.subplots()
        ends = []
        for i, group in enumerate(groups):
            aside = (i - (len(groups) - 1) / 2) * 0.5 / max(len(groups), 1)
            mine = sorted((row for row in rows if row.group == group), key=lambda row: row.parameters)
            points = [(sizes.index(row.parameters) + aside, row.sentiment) for row in mine]
            line(axes, points, COLOURS[i % len(COLOURS)])
            ends.append((points[-1][1]["value"], group, COLOURS[i % len(COLOURS)]))
        names(axes, ends, len(sizes), width)
        axes.axhline(0, color=FAINT, linewidth=0.8)
        axes.set_xticks(range(len(sizes)), [count(size) for size in sizes])
        axes.set_xlabel("parameters")
        axes.set_ylabel("sentiment, -100 to 100")
        axes.tick_params(length=0)
        return figure

    return draw


def line(axes: Axes, points: Sequence[tuple[float, dict[str, float]]], colour: str) -> None:
    """A group's line with its intervals."""
    axes.plot(
        [x for x, _ in points], [one["value"] for _, one in points], "o-", color=colour, linewidth=1.4, markersize=4
    )
    for x, one in points:
        axes.plot([x, x], [one["low"], one["high"]], color=colour, linewidth=1.4, alpha=0.4)


def names(axes: Axes, ends: Sequence[tuple[float, str, str]], n_sizes: int, width: float) -> None:
    """The groups' names at the right, moved apart where they would cover each other."""
    low, high = axes.get_ylim()
    apart, place = 0.075 * (high - low), float("-inf")
    right = n_sizes - 0.6
    for value, group, colour in sorted(ends):
        place = max(value, place + apart)
        axes.annotate(label(group, 16), (right, place), color=colour, va="center", annotation_clip=False)
    axes.set_xlim(-0.5, right + (0.14 if width == WIDE else 0.6) * n_sizes)


def favoured(found: Limits) -> Part:
    """Table 6.2: the words that lean to each group of the largest model."""
    size = max(row.parameters for row in found.sentiment)
    heads = [Head(text="group"), Head(text="words that lean to it most"), Head(text="more than chance", number=True)]
    heads += [Head(text="sentiment", number=True), Head(text="of all words", number=True)]
    rows = [
        [cell(row.group), cell(row.words), cell(row.significant), tone(row.sentiment), tone(row.all_words)]
        for row in found.sentiment
        if row.parameters == size
    ]
    n = max(row.n_words for row in found.sentiment if row.parameters == size)
    said = f"{found.samples} outputs of each prompt; n = {n} words at most in five outputs or more; 95 % intervals; "
    said += f"{count(size)} parameters; one seed. Words of every kind, without those of the prompts."
    return table("gpt3-limits-favoured", "Words that go with each group", heads, rows, said, found.command, stack=True)


def tone(m: dict[str, float]) -> Cell:
    """A sentiment with its interval; a dash where no word was known."""
    return cell(m["value"], f"{m['value']:+.1f} [{m['low']:+.1f}, {m['high']:+.1f}]") if m["n"] else cell(None)


def repetition(found: Limits) -> Part:
    """The figures of repetition, a row for each, a column for each model."""
    names = list(dict.fromkeys(name for row in found.repetition for name in row.figures))
    heads = [Head(text="measure"), *(Head(text=count(row.parameters), number=True) for row in found.repetition)]
    rows = [[cell(name), *(figure(row, name) for row in found.repetition)] for name in names]
    ns = sorted({int(one["n"] or 0) for row in found.repetition for one in row.figures.values()})
    said = f"n = {ns[0]} to {ns[-1]}; brackets are 95 % intervals; one seed."
    return table("gpt3-limits-repetition", REPEATS, heads, rows, said, found.command, stack=True)


def figure(row: Repetition, name: str) -> Cell:
    """A model's figure."""
    one = row.figures.get(name)
    if one is None or one["value"] is None:
        return cell(None)
    low, high = (None if one[x] is None else three_digits(one[x] or 0.0) for x in ("low", "high"))
    return cell(one["value"], f"{three_digits(one['value'])} [{low or '-'}, {high or '-'}]")
