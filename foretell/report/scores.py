"""What the models of each rung were measured on: figures with intervals and baselines, tables, and what they wrote."""

from collections.abc import Sequence
from math import exp

from foretell.report.figures import Dot, Group, attention, bars, intervals
from foretell.report.measured import Measured
from foretell.report.parts import Cell, Head, Missing, Part, Sample, Samples, cell, picture, table
from foretell.report.read import Demo
from foretell.report.results import Attention, Corpus, Finetune, TaskRow, ZeroShot
from foretell.report.training import held_out
from foretell.report.words import count, percent, seeds, share, size, visible

MOST_TOKENS = 40  # of a side of the attention map


def missing(demo: Demo, *titles: str) -> list[Part]:
    """The notices for what was not measured yet."""
    return [Missing(title=title, command=demo.command) for title in titles]


def counted(measures: Sequence[Measured], what: str) -> str:
    """n, interval and seeds, as every figure says them."""
    ns = sorted({m.n for m in measures})
    n = str(ns[0]) if len(ns) == 1 else f"{ns[0]} to {ns[-1]}"
    return f"n = {n} {what}; bars and brackets are 95 % intervals; {seeds(min(m.n_seeds for m in measures))}."


def corpus(demo: Demo) -> list[Part]:
    """What the text is made of, what was dropped, and how far each tokenizer packs it."""
    found = demo.corpus
    if found is None:
        return missing(demo, "Text by source", "Tokenizers")
    return [*by_source(found), *tokenizers(found), *dropped(found)]


def by_source(found: Corpus) -> list[Part]:
    """Bytes by source."""
    rows = sorted(found.by_source, key=lambda row: -row.bytes)
    if not rows:
        return []
    return [
        picture(
            "corpus-sources",
            "Text by source",
            bars([(row.source, row.bytes, f"{size(row.bytes)}, {row.documents:,} documents") for row in rows]),
            f"n = {found.documents:,} documents, {size(found.bytes)}; counts, so no interval.",
            found.command,
            [("source", "documents", "bytes"), *((row.source, row.documents, row.bytes) for row in rows)],
        )
    ]


def tokenizers(found: Corpus) -> list[Part]:
    """Bytes per token of each tokenizer."""
    if not found.tokenizers:
        return []
    heads = [Head(text="tokenizer"), Head(text="vocabulary", number=True), Head(text="bytes per token", number=True)]
    rows = [
        [cell(t.kind), cell(t.n_vocab, f"{t.n_vocab:,}"), cell(t.bytes_per_token, f"{t.bytes_per_token:.2f}")]
        for t in found.tokenizers
    ]
    said = (
        f"n = {size(found.bytes)} of text; the higher, the shorter the text is for the model. Counts, so no interval."
    )
    return [table("corpus-tokenizers", "Tokenizers", heads, rows, said, found.command)]


def dropped(found: Corpus) -> list[Part]:
    """Documents that were left out, by reason."""
    if not found.dropped:
        return []
    heads = [Head(text="reason"), Head(text="documents left out", number=True)]
    rows = [[cell(reason), cell(n, f"{n:,}")] for reason, n in sorted(found.dropped.items(), key=lambda x: -x[1])]
    said = f"n = {found.documents:,} documents kept. Counts, so no interval."
    return [table("corpus-dropped", "Left out of the corpus", heads, rows, said, found.command)]


def translation(demo: Demo) -> list[Part]:
    """BLEU with its baselines, an attention map, translations."""
    found = demo.translation
    if found is None:
        return missing(demo, "BLEU of translation", "Attention of one sentence pair", "Translations")
    dots = [Dot(name="beam search", measured=found.bleu, colour="blue")]
    what = [found.baseline.what]
    if found.copy is not None:
        dots.append(Dot(name="copy of source", measured=found.copy, colour="grey", hollow=True))
    dots.append(Dot(name="constant answer", measured=found.baseline, colour="grey", hollow=True))
    rows = [(dot.name, *row_of(dot.measured)) for dot in dots]
    parts: list[Part] = [
        picture(
            "translation-bleu",
            "BLEU of translation",
            intervals([Group(name="held-out pairs", dots=dots)], "BLEU (0 to 100)", share=False),
            f"{counted([found.bleu], 'held-out pairs')} The constant answer is: {visible(what[0])}.",
            found.command,
            [("output", "BLEU", "low", "high", "n", "seeds"), *rows],
        )
    ]
    parts += (
        attention_map(found.attention, found.command) if found.attention else missing(demo, "Attention of one pair")
    )
    samples = [
        Sample(summary=x.source, texts=(("source", x.source), ("wanted", x.target), ("model", x.output)))
        for x in found.examples
    ]
    said = f"{len(samples)} held-out pairs as they came, not chosen."
    return [*parts, *written("Translations", samples, said, found.command)]


def row_of(m: Measured) -> tuple[float, float, float, int, int]:
    """A measured value in a CSV row."""
    return m.value, m.low, m.high, m.n, m.n_seeds


def attention_map(found: Attention, command: str) -> list[Part]:
    """The map of one sentence pair."""
    sources, targets = found.source_tokens[:MOST_TOKENS], found.target_tokens[:MOST_TOKENS]
    weights = [row[:MOST_TOKENS] for row in found.weights[:MOST_TOKENS]]
    rows = [
        (t, target, s, source, w)
        for t, (target, row) in enumerate(zip(found.target_tokens, found.weights, strict=True))
        for s, (source, w) in enumerate(zip(found.source_tokens, row, strict=True))
    ]
    every = [w for row in weights for w in row]
    range_said = f" The colours go from {min(every):.4f}, blank, to {max(every):.4f}, full." if every else ""
    cut = "" if len(rows) == len(sources) * len(targets) else f" The first {MOST_TOKENS} tokens of a side are drawn."
    return [
        picture(
            "translation-attention",
            "Attention of one sentence pair",
            attention(sources, targets, weights),
            "n = 1 pair, so no interval: an illustration. The stronger the colour, the more a target token attends "
            f"to a source token, in the last decoder layer, the mean over heads.{range_said}{cut}",
            command,
            [("target place", "target token", "source place", "source token", "weight"), *rows],
        )
    ]


def written(title: str, samples: Sequence[Sample], said: str, command: str) -> list[Part]:
    """Samples, where there are any."""
    return [Samples(title=title, samples=samples, said=said, command=command)] if samples else []


def fine_tuned(demo: Demo, key: str, title: str, ways: Sequence[tuple[str, str, str, str]]) -> list[Part]:
    """Accuracy on every task of some (model, start, name, colour), as a figure and a table."""
    found = demo.finetune
    wanted = {(model, start) for model, start, _, _ in ways}
    if found is None or not any((row.model, row.start) in wanted for row in found.rows):
        return missing(demo, title)
    rows = [row for row in found.rows if (row.model, row.start) in wanted]
    groups = [task_group(task, rows, ways) for task in dict.fromkeys(row.task for row in rows)]
    head = ("task", "shape", "model", "start", "accuracy", "low", "high", "n", "seeds", "majority", "run")
    return [
        picture(
            f"{key}-tasks",
            title,
            intervals(groups, "held-out accuracy", share=True),
            f"{counted([row.accuracy for row in rows], 'held-out examples a task')} "
            "Dashed: the commonest answer. Hollow: what is compared against.",
            found.command,
            [head, *((r.task, r.shape, r.model, r.start, *row_of(r.accuracy), r.majority, r.run) for r in rows)],
        ),
        task_table(key, title, rows, found),
    ]


def task_group(task: str, rows: Sequence[TaskRow], ways: Sequence[tuple[str, str, str, str]]) -> Group:
    """A task's rows in the order of the ways, and its majority answer."""
    mine = {(row.model, row.start): row for row in rows if row.task == task}
    there = [(mine[model, start], name, colour) for model, start, name, colour in ways if (model, start) in mine]
    hollow = there[-1][0] if len(there) > 1 else None
    return Group(
        name=f"{task.replace('_', ' ')} ({there[0][0].shape.replace('_', ' ')})",
        dots=[Dot(name=name, measured=r.accuracy, colour=colour, hollow=r is hollow) for r, name, colour in there],
        baseline=there[0][0].majority,
        baseline_name="majority",
    )


def task_table(key: str, title: str, rows: Sequence[TaskRow], found: Finetune) -> Part:
    """The same numbers as a table that sorts."""
    heads = [Head(text=x) for x in ("task", "shape", "model", "start")]
    heads += [Head(text=x, number=True) for x in ("accuracy [95 % interval]", "majority", "n")]
    cells = [
        [
            *(cell(x) for x in (row.task.replace("_", " "), row.shape.replace("_", " "), row.model, row.start)),
            cell(row.accuracy.value, share(row.accuracy)),
            cell(row.majority, percent(row.majority)),
            cell(row.accuracy.n),
        ]
        for row in rows
    ]
    said = counted([row.accuracy for row in rows], "held-out examples a task")
    return table(f"{key}-task-table", f"{title}: the numbers", heads, cells, said, found.command)


def masked_words(demo: Demo) -> list[Part]:
    """Gaps with BERT's guesses."""
    found = demo.masked_words
    if found is None:
        return missing(demo, "Masked words")
    said = f"n = {len(found.examples)} gaps shown, of the first held-out sentences, not chosen by the result."
    if found.accuracy is not None:
        said += f" The first guess is the word in {share(found.accuracy)} of n = {found.accuracy.n} such gaps."
    heads = [Head(text="text"), Head(text="word"), Head(text="guesses, likeliest first")]
    rows = [
        [
            cell(gap.text),
            cell(gap.answer),
            Cell(text=", ".join(f"{visible(g.token).strip()} {100 * g.probability:.0f} %" for g in gap.guesses)),
        ]
        for gap in found.examples
    ]
    return [table("bert-gaps", "Masked words", heads, rows, f"{said} One seed.", found.command, stack=True)]


def zero_shot(demo: Demo) -> list[Part]:
    """Accuracy against size, without any gradient step, and how well text is predicted."""
    found = demo.zero_shot
    if found is None or not found.rows:
        return missing(demo, "Zero-shot accuracy against model size", "Held-out text against model size")
    tasks = dict.fromkeys(row.task for row in found.rows)
    groups = []
    for task in tasks:
        rows = sorted((row for row in found.rows if row.task == task), key=lambda row: row.parameters)
        dots = [Dot(name=f"{count(row.parameters)} parameters", measured=row.accuracy, colour="blue") for row in rows]
        groups.append(Group(name=task.replace("_", " "), dots=dots, baseline=rows[0].chance, baseline_name="chance"))
    head = ("model", "parameters", "task", "accuracy", "low", "high", "n", "seeds", "chance")
    return [
        picture(
            "gpt2-zero-shot",
            "Zero-shot accuracy against model size",
            intervals(groups, "accuracy without any gradient step", share=True),
            f"{counted([row.accuracy for row in found.rows], 'questions a task')} Dashed: a guess at random.",
            found.command,
            [head, *((r.model, r.parameters, r.task, *row_of(r.accuracy), r.chance) for r in found.rows)],
        ),
        *text_table(demo, found),
    ]


def text_table(demo: Demo, found: ZeroShot) -> list[Part]:
    """Loss, perplexity and bits per byte of held-out text."""
    if not found.text:
        return []
    names = ("parameters", "loss (nats per token)", "perplexity", "bits per byte")
    heads = [Head(text="model"), *(Head(text=name, number=True) for name in names)]
    rows = [
        [
            cell(row.model),
            cell(row.parameters, count(row.parameters)),
            cell(row.loss, f"{row.loss:.3f}"),
            cell(exp(row.loss), f"{exp(row.loss):.1f}"),
            cell(row.bits_per_byte, f"{row.bits_per_byte:.3f}"),
        ]
        for row in sorted(found.text, key=lambda row: row.parameters)
    ]
    of_runs = {held_out(demo.runs[row.model]) for row in found.text if row.model in demo.runs}
    said = f"n = {', '.join(sorted(of_runs)) or 'the held-out rows'}; one seed, so no interval. Lower is better."
    return [table("gpt2-text", "Held-out text against model size", heads, rows, said, found.command)]


def samples(demo: Demo, prefix: str) -> list[Part]:
    """What the models whose name begins so wrote."""
    title = "What it writes"
    if demo.samples is None:
        return missing(demo, title)
    rows = [row for row in demo.samples.rows if row.model.startswith(prefix)]
    found = [
        Sample(
            summary=f"{row.model}: {row.prompt}",
            texts=(("prompt", row.prompt), ("completion", row.text), ("settings", row.settings)),
        )
        for row in rows
    ]
    said = f"n = {len(found)}, one completion a prompt, the first that came; no interval: nothing is measured."
    return written(title, found, said, demo.samples.command)
