"""InstructGPT: its data, the reward model, PPO's curves, win rates by size, and what alignment costs elsewhere.

The paper's figures stand beside ours in shaded columns. Those of its figure 3 are read off the drawing (+-0.02); which
of its two GPT curves is the prompted one follows from the printed 85 and 71 %. Ours are of labellers who are simulated.
"""

from collections.abc import Sequence

from foretell.report.aligned_results import Aligned, RateRow, TaxRow
from foretell.report.figures import Dot, Group, Line, Panel, curves, intervals
from foretell.report.measured import Measured
from foretell.report.parts import Cell, Head, Part, Sample, Value, cell, picture, table
from foretell.report.read import Demo, TrainingRun
from foretell.report.scores import counted, missing, row_of, written
from foretell.report.words import count, percent, share

TITLES = ("The data", "The reward model", "PPO", "Win rate by size", "The alignment tax")
COLOURS = {"GPT": "orange", "GPT prompted": "green", "SFT": "purple", "PPO": "blue", "PPO-ptx": "blue"}
SEEN = {"train": "labellers of the training data", "held_out": "labellers held out"}
SIMULATED = "The labellers are simulated: nobody has ranked anything."
MEASURES = (
    ("reward", "reward", "reward", "reward"),
    ("kl", "kl", "KL from the start", "nats per response"),
    ("text", "val_lm", "held-out text", "nats per token"),
)
PAPER_SIZES = {"demonstrations": (12_725, 1_653), "rankings": (33_207, 17_887), "prompts of PPO": (31_144, 16_185)}
PAPER_CASES = {
    "generation": 0.456, "open qa": 0.124, "brainstorming": 0.112, "chat": 0.084, "rewrite": 0.066,
    "summarization": 0.042, "classification": 0.035, "other": 0.035, "closed qa": 0.026, "extract": 0.019,
}  # fmt: skip
PAPER_REWARD = {"train": "72.4 +- 0.4 %", "held_out": "69.6 +- 0.9 %"}  # accuracy, section 4.1
PAPER_RATES = {
    ("GPT", "train"): (0.13, 0.19, 0.23), ("GPT", "held_out"): (0.19, 0.21, 0.24),
    ("GPT prompted", "train"): (0.22, 0.26, 0.41), ("GPT prompted", "held_out"): (0.25, 0.30, 0.42),
    ("SFT", "train"): (0.34, 0.40, 0.49), ("SFT", "held_out"): (0.45, 0.50, 0.50),
    ("PPO", "train"): (0.52, 0.57, 0.62), ("PPO", "held_out"): (0.65, 0.68, 0.70),
    ("PPO-ptx", "train"): (0.52, 0.55, 0.65), ("PPO-ptx", "held_out"): (0.64, 0.68, 0.70),
}  # fmt: skip
PAPER_TAX = {"GPT": (69.75, 35.27), "PPO": (51.95, 27.78), "PPO-ptx": (69.93, 33.34)}  # SQuADv2 and DROP, table 14


def aligned(demo: Demo) -> list[Part]:
    """The chapter's figures and tables."""
    found = demo.aligned
    if found is None:
        return missing(demo, *TITLES)
    return [*tables(found), reward(found), *learning(demo), *rates(found), tax(found), *answers(found)]


def tables(found: Aligned) -> list[Part]:
    """How much was labelled, and what it is for."""
    heads = [Head(text="set"), Head(text="train", number=True), Head(text="held out", number=True)]
    heads += [Head(text=f"{side}, paper", number=True, paper=True) for side in ("train", "held out")]
    rows = [
        [cell(row.set), *(whole(n) for n in (row.train, row.valid, *PAPER_SIZES.get(row.set, (None, None))))]
        for row in found.data.sizes
    ]
    ks = ", ".join(f"{row.rankings} of {row.k}" for row in found.data.outputs)
    lengths = found.data.lengths
    said = (
        f"Counts, so no interval. Rankings by outputs: {ks}; {found.data.pairs:,} pairs, {found.data.ties:,} of them "
    )
    said += f"ties. Prompts have {lengths.mean:.0f} tokens on average (median {lengths.median:.0f}, n = {lengths.n}). "
    said += f"{SIMULATED} The demonstrations are the documentation's own words. Table 6 of the paper, shaded."
    cases = [Head(text="use case"), Head(text="prompts", number=True), Head(text="share", number=True)]
    cases.append(Head(text="share, paper", number=True, paper=True))
    uses = [
        [cell(row.use_case), cell(row.n, f"{row.n:,}"), cell(row.share, percent(row.share)), paper_share(row.use_case)]
        for row in found.data.use_cases
    ]
    n = sum(row.n for row in found.data.use_cases)
    use_said = f"n = {n:,} prompts; counts, so no interval. Table 1 of the paper, shaded."
    return [
        table("instructgpt-data", TITLES[0], heads, rows, said, found.command),
        table("instructgpt-uses", "What the prompts are for", cases, uses, use_said, found.command),
    ]


def whole(n: int | None) -> Cell:
    """A count."""
    return cell(n, None if n is None else f"{n:,}")


def paper_share(name: str) -> Cell:
    """A use case's share in the paper."""
    value = PAPER_CASES.get(name)
    return cell(value, None if value is None else percent(value))


def reward(found: Aligned) -> Part:
    """Accuracy on held-out prompts, beside always preferring the longer output."""
    heads = [Head(text="rankings of"), *(Head(text=x, number=True) for x in ("accuracy", "longer output", "log-loss"))]
    heads += [Head(text="pairs", number=True), Head(text="accuracy, paper", paper=True)]
    rows = [
        [
            cell(SEEN[row.group]),
            cell(row.accuracy.value, share(row.accuracy)),
            cell(row.longer.value, share(row.longer)),
            cell(row.log_loss.value, f"{row.log_loss.value:.3f} [{row.log_loss.low:.3f}, {row.log_loss.high:.3f}]"),
            cell(row.accuracy.n),
            cell(PAPER_REWARD[row.group]),
        ]
        for row in found.reward
    ]
    prompts = max((row.prompts for row in found.reward), default=0)
    said = f"n = pairs without ties of {prompts} held-out prompts; brackets are 95 % intervals by prompt; 1 seed. "
    said += "Longer output: how often it is the preferred one. "
    if found.agreement:
        said += f"Two labellers order a pair alike in {share(found.agreement)} (n = {found.agreement.n}); the paper's "
        said += "in 72.6 +- 1.5 %. "
    return table("instructgpt-reward", TITLES[1], heads, rows, said + SIMULATED, found.command, stack=True)


def learning(demo: Demo) -> list[Part]:
    """Reward, KL and held-out text loss of PPO's runs against iterations, a panel a size."""
    runs = {name: run for name, run in demo.runs.items() if run.config.objective.kind == "ppo" and run.lines}
    if not runs:
        return missing(demo, TITLES[2])
    return [measure(demo, runs, *one) for one in MEASURES]


def measure(demo: Demo, runs: dict[str, TrainingRun], key: str, name: str, label: str, unit: str) -> Part:
    """One measure's curves."""
    sizes = dict.fromkeys(run.config.recipe.partition(":")[2] for run in runs.values())
    panels, rows = [], list[Sequence[Value]]([("run", "iteration", name)])
    for size in sizes:
        lines = []
        for run in runs.values():
            if run.config.recipe.partition(":")[2] == size:
                points = [(x["step"], x[name]) for x in run.lines if x.get(name) is not None]
                mixed = run.config.objective.ptx_weight > 0  # type: ignore[union-attr]
                role, colour = ("PPO-ptx", "blue") if mixed else ("PPO", "orange")
                lines.append(Line(name=role, points=points, colour=colour))
                rows += [(run.name, step, value) for step, value in points]
        panels.append(Panel(title=size, lines=lines))
    some = next(iter(runs.values())).config
    said = f"n = {some.batch.rows} episodes an iteration; one seed, so no interval. A panel a size of the policy; "
    said += "PPO-ptx has pretraining text mixed in."
    return picture(
        f"instructgpt-ppo-{key}", f"{TITLES[2]}: {label}", curves(panels, "iteration", unit), said, demo.command, rows
    )


def rates(found: Aligned) -> list[Part]:
    """Win rates against the largest SFT model, as a figure and as a table beside the paper's."""
    groups = []
    for group in SEEN:
        for n in sorted({row.parameters for row in found.win_rates}):
            mine = [row for row in found.win_rates if (row.group, row.parameters) == (group, n)]
            dots = [
                Dot(name=row.role, measured=row.rate, colour=COLOURS[row.role], hollow=row.role == "PPO")
                for row in mine
            ]
            groups.append(Group(name=f"{count(n)}, {SEEN[group]}", dots=dots, baseline=0.5, baseline_name="as good"))
    said = counted([row.rate for row in found.win_rates], "judgements")
    said += " By prompt and labeller, ties as half, against the largest SFT model with other draws. " + SIMULATED
    head = ("role", "size", "parameters", "labellers", "win rate", "low", "high", "n", "seeds", "ties", "words")
    rows = [(r.role, r.size, r.parameters, r.group, *row_of(r.rate), r.ties, r.words) for r in found.win_rates]
    draw = intervals(groups, "preferred to the largest SFT model", share=True)
    return [picture("instructgpt-rates", TITLES[3], draw, said, found.command, [head, *rows]), rate_table(found)]


def rate_table(found: Aligned) -> Part:
    """The same numbers, with the lengths, beside the paper's."""
    heads = [Head(text="model"), Head(text="parameters", number=True), Head(text="labellers")]
    heads += [Head(text=x, number=True) for x in ("win rate", "ties", "words", "at like lengths")]
    heads += [Head(text=f"{size}, paper", number=True, paper=True) for size in ("1.3B", "6B", "175B")]
    rows = [[*rate_cells(row), *paper_rates(row)] for row in found.win_rates]
    words = {row.baseline_words for row in found.win_rates}
    said = counted([row.rate for row in found.win_rates], "judgements")
    said += f" The baseline's answers have {min(words, default=0):.1f} words. At like lengths: of all labellers, where "
    said += (
        "neither answer has more than 1.25 times the other's words. The paper's, shaded, are of people, against its "
    )
    said += "175B SFT model, read off figure 3 (+-0.02)."
    title = f"{TITLES[3]}: the numbers"
    return table("instructgpt-rate-table", title, heads, rows, said, found.command, stack=True)


def rate_cells(row: RateRow) -> list[Cell]:
    """Our part of a row."""
    like = row.like_lengths
    return [
        cell(row.role),
        cell(row.parameters, count(row.parameters)),
        cell(row.group.replace("_", " ")),
        cell(row.rate.value, share(row.rate)),
        cell(row.ties, percent(row.ties)),
        cell(row.words, f"{row.words:.1f}"),
        cell(None if like is None else like.value, None if like is None else f"{share(like)} (n = {like.n})"),
    ]


def paper_rates(row: RateRow) -> list[Cell]:
    """The paper's part of a row."""
    return [cell(value, percent(value)) for value in PAPER_RATES[row.role, row.group]]


def tax(found: Aligned) -> Part:
    """Held-out text and public tasks, with what the mix takes back."""
    tasks = list(dict.fromkeys(one.task for row in found.tax for one in row.tasks))
    heads = [Head(text="model"), Head(text="parameters", number=True), Head(text="bits per byte", number=True)]
    heads += [Head(text="more than GPT", number=True), *(Head(text=t.replace("_", " "), number=True) for t in tasks)]
    heads += [Head(text=f"{name}, paper", number=True, paper=True) for name in ("SQuADv2 F1", "DROP F1")]
    rows = [[*tax_cells(row, tasks), *(cell(x) for x in PAPER_TAX.get(row.model, (None, None)))] for row in found.tax]
    n = sorted({row.bits_per_byte.n for row in found.tax})
    said = (
        f"n = {n[-1] if n else 0} held-out rows of text; brackets are 95 % intervals by row, or by question; 1 seed. "
    )
    said += "`start` is where PPO begins. " + " ".join(taken_back(found))
    said += " The paper's, shaded, are of 175B (table 14)."
    return table("instructgpt-tax", TITLES[4], heads, rows, said, found.command, stack=True)


def tax_cells(row: TaxRow, tasks: Sequence[str]) -> list[Cell]:
    """Our part of a row."""
    scores = {one.task: one for one in row.tasks}
    rise = row.rise
    cells = [cell(row.model), cell(row.parameters, count(row.parameters))]
    cells.append(cell(row.bits_per_byte.value, bits(row.bits_per_byte)))
    cells.append(cell(None if rise is None else rise.value, None if rise is None else bits(rise)))
    for name in tasks:
        one = scores.get(name)
        text = None if one is None else f"{percent(one.value)} [{100 * one.low:.1f}, {100 * one.high:.1f}]"
        cells.append(cell(None if one is None else one.value, text))
    return cells


def bits(m: Measured) -> str:
    """A measured number of bits per byte."""
    return f"{m.value:.3f} [{m.low:.3f}, {m.high:.3f}]"


def taken_back(found: Aligned) -> list[str]:
    """What the mix recovers at each size, in a sentence each."""
    told = []
    for row in found.recovered:
        if row.recovered is None:
            told.append(f"At {count(row.parameters)} parameters PPO alone raises the loss by nothing that can be told.")
        else:
            said = f"At {count(row.parameters)} parameters the mix takes back {share(row.recovered)}"
            told.append(f"{said} of the rise in loss that PPO alone causes.")
    return told


def answers(found: Aligned) -> list[Part]:
    """What every model answered to the first prompts."""
    some = [
        Sample(summary=one.prompt, texts=(("prompt", one.prompt), *((x.model, x.text) for x in one.answers)))
        for one in found.samples
    ]
    said = f"n = {len(some)} held-out prompts, the first that came; one answer of each model, temperature 1."
    return written("What they answer", some, said, found.command)
