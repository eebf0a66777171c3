"""The stages of a climb, in the order of the papers: what each trains and measures, and what it needs before."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from foretell import recipes
from foretell.corpus.config import TaskData, TokenizerKind
from foretell.corpus.prepare import prepare_tokens
from foretell.recipes import sources
from foretell.recipes.lineage import aligned, gpt4
from foretell.recipes.lineage.filtering import filtered
from foretell.recipes.lineage.limits import limits_measured
from foretell.recipes.lineage.measures import (
    corpus_table,
    finetune_rows,
    finetunings,
    masked_words,
    samples,
    translation_table,
    zero_shot,
)
from foretell.recipes.lineage.plan import (
    SCALES,
    TEXT,
    Climb,
    Stage,
    measured,
    recipe,
    result,
    run,
    trains,
    weights,
)
from foretell.recipes.lineage.shots import few_shot_measured
from foretell.train.config import RunConfig

TRANSLATE = "transformer.translate"
KINDS: tuple[TokenizerKind, ...] = ("bpe", "gpt1", "wordpiece")
PRETRAIN, TUNE = "Transformer, GPT, BERT, GPT-2: pretrain", "GPT, BERT: fine-tune"


def tokens(kind: TokenizerKind, plan: Climb) -> Path:
    """The folder of tokens of a kind."""
    n_vocab = recipe(plan, "gpt2.pretrain").model.n_vocab
    return prepare_tokens(plan.text, kind, n_vocab, plan.corpora, quiet=plan.quiet)


def tasks(plan: Climb) -> None:
    """Translation pairs and tasks: a text too poor for them is told before anything is trained."""
    sources.signatures(plan.corpora, plan.text, quiet=plan.quiet)
    for task in sources.TASKS:
        sources.task_folder(task, plan.corpora, plan.text, quiet=plan.quiet)


def corpus(plan: Climb) -> None:
    """What the text is made of."""
    cards = [tokens(kind, plan) / "card.json" for kind in KINDS]
    measured(plan, "corpus", cards, lambda: corpus_table(plan, cards))


def pretrain(name: str, plan: Climb) -> None:
    """Train the translator, or pretrain GPT, BERT, or GPT-2 at a size of the scale."""
    run(plan, config(plan, name), name)


def config(plan: Climb, name: str) -> RunConfig:
    """A pretraining run's config: its own, or for GPT-2 the size that its name ends with."""
    stage, _, each = name.partition("-")
    return recipes.recipe(f"{stage}:{each}") if each else recipe(plan, name)


def transformer_measured(plan: Climb) -> None:
    """BLEU with beam 4, examples, an attention map."""
    measured(plan, "translation", weights(plan, TRANSLATE), lambda: translation_table(plan, TRANSLATE))


def finetune(name: str, rung: str, task: str, start: str, plan: Climb) -> None:
    """Fine-tune GPT, from its pretraining or from scratch, or BERT, on one of the four task shapes."""
    run(plan, finetuning(plan, rung, task, start), name)


def finetuning(plan: Climb, rung: str, task: str, start: str) -> RunConfig:
    """One fine-tuning run. From scratch means the same run without the pretrained weights."""
    cfg = recipe(plan, f"{rung}.finetune")
    assert isinstance(cfg.data, TaskData), "a fine-tuning recipe reads a task"
    before = plan.out / f"{rung}.pretrain"
    folder = sources.task_folder(task, plan.corpora, plan.text)
    data = replace(cfg.data, folder=str(folder), tokens=str(before / "model"))
    return replace(cfg, data=data, start="" if start == "scratch" else str(before))


def finetuned_measured(plan: Climb) -> None:
    """How the fine-tuned runs answer, and what BERT puts into gaps."""
    names = [name for name, *_ in finetunings()]
    measured(plan, "finetune", weights(plan, *names), lambda: {"rows": finetune_rows(plan)})
    measured(plan, "masked_words", weights(plan, "bert.pretrain"), lambda: masked_words(plan))


def gpt2_measured(plan: Climb) -> None:
    """Zero-shot choices, bits per byte and samples against size."""
    names = [f"gpt2.pretrain-{each}" for each in SCALES[plan.scale]]
    measured(plan, "zero_shot", weights(plan, *names), lambda: zero_shot(plan, names))
    generators = ["gpt1.pretrain", *names]
    measured(plan, "samples", weights(plan, *generators), lambda: {"rows": samples(plan, generators)})


def stages(plan: Climb) -> tuple[Stage, ...]:
    """Every stage of a climb at its scale, each after those that it needs."""
    gpt2 = gpt2_runs(plan)
    return (
        *text_stages(plan),
        *pretraining_stages(plan),
        Stage(
            name="translation", chapter="Transformer: measure", weight=3, do=transformer_measured,
            needs=(TRANSLATE,), makes=result("translation"),
        ),
        *finetuning_stages(),
        Stage(
            name="GPT-2: measure", chapter="GPT-2: measure", weight=3, do=gpt2_measured,
            needs=("gpt1.pretrain", *gpt2), makes=(*result("zero_shot"), *result("samples")),
        ),
        Stage(
            name="few-shot", chapter="GPT-3: few-shot", weight=22, do=few_shot_measured, needs=gpt2,
            makes=result("few_shot"),
        ),
        Stage(
            name="GPT-3's text", chapter="GPT-3: text", weight=22, do=filtered, needs=("tasks",),
            makes=result("filtering"), alone=True,
        ),
        Stage(
            name="limits", chapter="GPT-3: limits", weight=40, do=limits_measured, needs=gpt2, makes=result("limits")
        ),
        *aligned.stages(plan),
        *gpt4.stages(plan),
    )  # fmt: skip


def gpt2_runs(plan: Climb) -> tuple[str, ...]:
    """GPT-2's runs, the smallest first."""
    return tuple(f"gpt2.pretrain-{each}" for each in SCALES[plan.scale])


def text_stages(plan: Climb) -> list[Stage]:
    """Tokens of every kind, pairs and tasks, and what is told of the text."""
    name, n_vocab = sources.name_of(plan.text), recipe(plan, "gpt2.pretrain").model.n_vocab
    found = [
        Stage(
            name=f"{kind} tokens", chapter=TEXT, weight=10, do=partial(tokens, kind),
            makes=(f"corpora/{name}-{kind}-{n_vocab}/card.json",),
        )
        for kind in KINDS
    ]  # fmt: skip
    made = tuple(f"corpora/{name}-{task}/card.json" for task in sources.TASKS)
    found.append(Stage(name="tasks", chapter=TEXT, weight=9, do=tasks, makes=made))
    needs = tuple(stage.name for stage in found)
    return [*found, Stage(name="corpus", chapter=TEXT, weight=1, do=corpus, needs=needs, makes=result("corpus"))]


def pretraining_stages(plan: Climb) -> list[Stage]:
    """The runs that begin with nothing but text."""
    reads = {TRANSLATE: "bpe", "gpt1.pretrain": "gpt1", "bert.pretrain": "wordpiece"}
    reads |= dict.fromkeys(gpt2_runs(plan), "bpe")
    seconds = {TRANSLATE: 105, "gpt1.pretrain": 135, "bert.pretrain": 122, "gpt2.pretrain-pico": 43}
    return [
        Stage(
            name=name, chapter=PRETRAIN, weight=seconds.get(name, 135), do=partial(pretrain, name),
            needs=(f"{kind} tokens", "tasks"), makes=trains(name),
        )
        for name, kind in reads.items()
    ]  # fmt: skip


def finetuning_stages() -> list[Stage]:
    """Every fine-tuning run, what came of them, and BERT's gaps."""
    seconds = {"topic": 38, "describes": 20, "same_text": 42, "which_description": 90}
    runs = [
        Stage(
            name=name, chapter=TUNE, weight=seconds[task] * (0.6 if rung == "bert" else 1.0),
            do=partial(finetune, name, rung, task, start), needs=(f"{rung}.pretrain",), makes=trains(name),
        )
        for name, rung, task, start in finetunings()
    ]  # fmt: skip
    names = tuple(stage.name for stage in runs)
    makes = (*result("finetune"), *result("masked_words"))
    told = "GPT, BERT: measure"
    return [*runs, Stage(name=told, chapter=told, weight=3, do=finetuned_measured, needs=names, makes=makes)]
