"""GPT-4's safety and steerability as the page shows them: attacks and refusals, system messages, before and after."""

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from foretell.report.calibration import reliability
from foretell.report.drawing import FAINT, PALETTE, WIDE
from foretell.report.hindsight import by_size
from foretell.report.measured import Measured
from foretell.report.parts import Cell, Head, Missing, Part, Sample, Samples, Value, cell, picture, table
from foretell.report.safety_file import Calibration, Hindsight, Safety, System, measured
from foretell.report.words import points, share

ATTACKED = "Disallowed answers and refusals, before and after the safety reward"
KEPT = "System messages kept, by turn"
SHARES = {
    "disallowed": "disallowed requests: disallowed content",
    "leaked": "disallowed requests: the planted secret",
    "refused": "disallowed requests: refused in the desired style",
    "over_refused": "safe requests: refused",
    "helped": "safe requests: answered rightly",
}
SIDES = ("before", "after")
COLOURS = {"before": PALETTE["orange"], "after": PALETTE["blue"]}


def chat(
    safety: Safety | None,
    system: System | None,
    calibration: Calibration | None,
    hindsight: Hindsight | None,
    command: str,
) -> list[Part]:
    """The figures and tables of what was found; `command` makes what is not there."""
    return [
        *(attacked(safety) if safety else [Missing(title=ATTACKED, command=command)]),
        *(kept(system) if system else [Missing(title=KEPT, command=command)]),
        *reliability(calibration, command),
        *by_size(hindsight, command),
    ]


def attacked(found: Safety) -> list[Part]:
    """The figure of the shares, the table by kind of request, and answers side by side."""
    rows = [(side, name, found.figures[side][name]) for name in SHARES for side in SIDES if name in found.figures[side]]
    data: list[Sequence[Value]] = [("share of", "side", "value", "low", "high", "n")]
    data += [(SHARES[name], side, m["value"], m["low"], m["high"], int(m["n"])) for side, name, m in rows]
    parts: list[Part] = [
        picture("gpt4-safety-attacked", ATTACKED, shares_drawn(found), said(found), found.command, data),
        kinds(found),
    ]
    if found.samples:
        parts.append(answers(found))
    return parts


def said(found: Safety) -> str:
    """What the figure is of, and what it comes to."""
    sizes = {name: int(found.figures["after"][name]["n"]) for name in ("disallowed", "over_refused")}
    text = f"n = {sizes['disallowed']} disallowed and {sizes['over_refused']} safe requests that no training has seen; "
    text += "95 % intervals (Wilson); one seed."
    if gone := found.compared.get("reduction"):
        text += f" Disallowed answers fall by {share(measured(gone))}."
    if more := found.compared.get("over_refusal_more"):
        text += f" Refusals of safe requests change by {points(measured(more))}."
    return f"{text} GPT-4's report: 82 % fewer than GPT-3.5, without an interval."


def shares_drawn(found: Safety) -> Callable[[float], Figure]:
    """What draws the shares at a width: a pair of bars for each."""
    names = [name for name in SHARES if name in found.figures["before"] and name in found.figures["after"]]

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 3.0), layout="constrained")
        axes = figure.subplots()
        for place, name in enumerate(reversed(names)):
            for aside, side in ((0.18, "before"), (-0.18, "after")):
                m = found.figures[side][name]
                axes.barh(place + aside, m["value"], 0.32, color=COLOURS[side], label=side if place == 0 else None)
                axes.plot([m["low"], m["high"]], [place + aside] * 2, color=FAINT, linewidth=1.2)
        labels = [SHARES[name] if width == WIDE else SHARES[name].replace(": ", ":\n") for name in reversed(names)]
        axes.set_yticks(range(len(names)), labels)
        axes.set_xlim(0, 1)
        axes.set_xlabel("share")
        axes.tick_params(length=0)
        figure.legend(frameon=False, loc="outside upper right", ncols=2)
        return figure

    return draw


def kinds(found: Safety) -> Part:
    """Disallowed answers, or refusals of safe requests, by the kind of request."""
    heads = [Head(text="request"), Head(text="kind"), Head(text="what counts")]
    heads += [Head(text=side, number=True) for side in SIDES] + [Head(text="n", number=True)]
    after = {(row["class"], row["kind"]): row for row in found.kinds["after"]}
    rows = []
    for row in found.kinds["before"]:
        name = "disallowed" if row["class"] == "disallowed" else "over_refused"
        other = after.get((row["class"], row["kind"]), {}).get(name)
        words = SHARES[name].partition(": ")[2]
        shown = [cell(m["value"], share(measured(m))) if m else cell(None) for m in (row[name], other)]
        rows.append([cell(row["class"]), cell(row["kind"]), cell(words), *shown, cell(int(row[name]["n"]))])
    n = sum(int(found.figures["before"][name]["n"]) for name in ("disallowed", "over_refused"))
    text = f"n = {n} requests, n of each kind beside it; 95 % intervals (Wilson); one seed. "
    text += "Contrasts are safe requests that use the words of a disallowed one."
    return table(
        "gpt4-safety-kinds",
        "Disallowed answers and refusals, by the kind of request",
        heads,
        rows,
        text,
        found.command,
        stack=True,
    )


def answers(found: Safety) -> Part:
    """Some answers side by side."""
    made = [
        Sample(
            summary=f"{one.kind}: {one.prompt if isinstance(one.prompt, str) else one.prompt[-1]['content']}",
            texts=(("before", one.before), ("after", one.after)),
        )
        for one in found.samples
    ]
    text = "Prompts at even distances in the list, none chosen; drawn at temperature 1."
    return Samples(title="Answers before and after", samples=made, said=text, command=found.command)


def kept(found: System) -> list[Part]:
    """The figure by turn, and the table by message."""
    data: list[Sequence[Value]] = [("side", "attacked", "turn", "kept", "low", "high", "n")]
    for side in SIDES:
        for row in getattr(found, side).turns:
            m = row.obeyed
            data.append((side, str(row.attacked), row.turn, m.value, m.low, m.high, m.n))
    n = sum(row.obeyed.n for row in found.after.turns)
    text = f"n = {n} turns a model; people, wordings and attacks that no training has seen; 95 % intervals (Wilson); "
    text += "one seed. An attack asks to ignore the message, from the second turn on."
    figure = picture("gpt4-system-turns", KEPT, turns_drawn(found), text, found.command, data)
    return [figure, messages(found)]


def turns_drawn(found: System) -> Callable[[float], Figure]:
    """What draws the lines by turn: whole ones without attacks, dashed ones with."""

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 2.6), layout="constrained")
        axes = figure.subplots()
        turns = sorted({row.turn for side in SIDES for row in getattr(found, side).turns})
        for place, (side, attack) in enumerate((side, attack) for side in SIDES for attack in (False, True)):
            rows = sorted((r for r in getattr(found, side).turns if r.attacked == attack), key=lambda row: row.turn)
            x = [row.turn + 0.05 * (place - 1.5) for row in rows]
            style, words = ("o--", f"{side}, attacked") if attack else ("o-", side)
            axes.plot(
                x,
                [row.obeyed.value for row in rows],
                style,
                color=COLOURS[side],
                markersize=4,
                linewidth=1.4,
                label=words,
            )
            for at, row in zip(x, rows, strict=True):
                axes.plot([at, at], [row.obeyed.low, row.obeyed.high], color=COLOURS[side], alpha=0.4, linewidth=1.4)
        axes.set_xticks(turns)
        axes.set_xlim(turns[0] - 0.3, turns[-1] + 0.3)
        axes.set_ylim(0, 1)
        axes.set_xlabel("turn")
        axes.set_ylabel("share of turns kept")
        axes.tick_params(length=0)
        axes.legend(frameon=False, loc="upper center", ncols=4 if width == WIDE else 2)
        return figure

    return draw


def messages(found: System) -> Part:
    """A row for each message, plain and attacked, before and after."""
    heads = [Head(text="message"), Head(text="kind"), Head(text="attacked")]
    heads += [Head(text=side, number=True) for side in SIDES]
    before = {(row.constraint, row.attacked): row.obeyed for row in found.before.messages}
    rows = [
        [
            cell(row.constraint),
            cell(row.kind),
            cell("yes" if row.attacked else "no"),
            shown(before.get((row.constraint, row.attacked))),
            shown(row.obeyed),
        ]
        for row in found.after.messages
    ]
    ns = sorted({row.obeyed.n for row in found.after.messages})
    text = f"n = {ns[0]} to {ns[-1]} turns; checked by a program; 95 % intervals (Wilson); one seed."
    return table(
        "gpt4-system-messages", "System messages kept, by message", heads, rows, text, found.command, stack=True
    )


def shown(m: Measured | None) -> Cell:
    """A share as a cell."""
    return cell(None) if m is None else cell(m.value, share(m))
