"""The stages of a climb, in the order of the papers: what each trains and measures."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from foretell import recipes
from foretell.corpus.config import TaskData
from foretell.corpus.prepare import prepare_tokens
from foretell.recipes import sources
from foretell.recipes.lineage import aligned
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
from foretell.recipes.lineage.plan import SCALES, Climb, measured, recipe, weights
from foretell.recipes.lineage.shots import few_shot_measured
from foretell.recipes.lineage.together import run_together
from foretell.train.config import RunConfig

TRANSLATE = "transformer.translate"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One step of the climb. `weight` is its share of the time at nano scale, for telling the time that is left."""

    name: str
    weight: float
    do: Callable[[Climb], None]


def corpus(plan: Climb) -> None:
    """Text, tokenizers, tokens, pairs and tasks for all rungs."""
    cards = []
    for kind in ("bpe", "gpt1", "wordpiece"):
        n_vocab = recipe(plan, "gpt2.pretrain").model.n_vocab
        folder = prepare_tokens(plan.text, kind, n_vocab, plan.corpora, quiet=plan.quiet)
        cards.append(folder / "card.json")
    sources.signatures(plan.corpora, plan.text, quiet=plan.quiet)  # a text too poor for them is told before training
    for task in sources.TASKS:
        sources.task_folder(task, plan.corpora, plan.text, quiet=plan.quiet)
    measured(plan, "corpus", cards, lambda: corpus_table(plan, cards))


def pretrained(plan: Climb) -> None:
    """Train the translator, and pretrain GPT, BERT, and GPT-2 at every size of the scale."""
    names = [TRANSLATE, "gpt1.pretrain", "bert.pretrain"]
    gpt2 = [(recipes.recipe(f"gpt2.pretrain:{each}"), f"gpt2.pretrain-{each}") for each in SCALES[plan.scale]]
    run_together(plan, [*((recipe(plan, name), name) for name in names), *gpt2])


def transformer_measured(plan: Climb) -> None:
    """BLEU with beam 4, examples, an attention map."""
    measured(plan, "translation", weights(plan, TRANSLATE), lambda: translation_table(plan, TRANSLATE))


def finetuned(plan: Climb) -> None:
    """Fine-tune GPT, from its pretraining and from scratch, and BERT, on the four task shapes."""
    run_together(plan, [(finetuning(plan, *one), name) for name, *one in finetunings()])


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


STAGES = (
    Stage(name="text", weight=30, do=corpus),
    Stage(name="Transformer, GPT, BERT, GPT-2: pretrain", weight=300, do=pretrained),
    Stage(name="Transformer: measure", weight=5, do=transformer_measured),
    Stage(name="GPT, BERT: fine-tune", weight=200, do=finetuned),
    Stage(name="GPT, BERT: measure", weight=2, do=finetuned_measured),
    Stage(name="GPT-2: measure", weight=4, do=gpt2_measured),
    Stage(name="GPT-3: few-shot", weight=22, do=few_shot_measured),
    Stage(name="GPT-3: text", weight=20, do=filtered),
    Stage(name="GPT-3: limits", weight=45, do=limits_measured),
    *(Stage(name=name, weight=weight, do=do) for name, weight, do in aligned.PARTS),
)
