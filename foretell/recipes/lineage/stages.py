"""The stages of a climb, in the order of the papers: what each trains and measures."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from foretell import recipes
from foretell.corpus.config import TaskData
from foretell.corpus.prepare import prepare_tokens
from foretell.recipes import sources
from foretell.recipes.lineage.filtering import filtered
from foretell.recipes.lineage.measures import (
    corpus_table,
    finetune_rows,
    finetuned,
    masked_words,
    samples,
    translation_table,
    zero_shot,
)
from foretell.recipes.lineage.plan import SCALES, Climb, measured, recipe, run, weights
from foretell.recipes.lineage.shots import few_shot_measured
from foretell.train.loop import Result

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


def transformer(plan: Climb) -> None:
    """Train the translator."""
    run(plan, recipe(plan, TRANSLATE), TRANSLATE)


def transformer_measured(plan: Climb) -> None:
    """BLEU with beam 4, examples, an attention map."""
    measured(plan, "translation", weights(plan, TRANSLATE), lambda: translation_table(plan, TRANSLATE))


def gpt1(plan: Climb) -> None:
    """Pretrain GPT."""
    run(plan, recipe(plan, "gpt1.pretrain"), "gpt1.pretrain")


def bert(plan: Climb) -> None:
    """Pretrain BERT."""
    run(plan, recipe(plan, "bert.pretrain"), "bert.pretrain")


def gpt1_tasks(plan: Climb) -> None:
    """Fine-tune GPT on the four task shapes, from its pretraining and from scratch."""
    for task in sources.TASKS:
        finetune(plan, "gpt1", task, scratch=False)
        finetune(plan, "gpt1", task, scratch=True)


def bert_tasks(plan: Climb) -> None:
    """Fine-tune BERT on the same tasks, and measure what it puts into gaps."""
    for task in sources.TASKS:
        finetune(plan, "bert", task, scratch=False)
    measured(plan, "finetune", weights(plan, *(row[0] for row in finetuned())), lambda: {"rows": finetune_rows(plan)})
    measured(plan, "masked_words", weights(plan, "bert.pretrain"), lambda: masked_words(plan))


def finetune(plan: Climb, rung: str, task: str, *, scratch: bool) -> Result:
    """One fine-tuning run. From scratch means the same run without the pretrained weights."""
    cfg = recipe(plan, f"{rung}.finetune")
    assert isinstance(cfg.data, TaskData), "a fine-tuning recipe reads a task"
    tokens = plan.out / f"{rung}.pretrain" / "model"
    start = "" if scratch else str(plan.out / f"{rung}.pretrain")
    folder = sources.task_folder(task, plan.corpora, plan.text)
    cfg = replace(cfg, data=replace(cfg.data, folder=str(folder), tokens=str(tokens)), start=start)
    return run(plan, cfg, f"{rung}.{'scratch' if scratch else 'finetune'}-{task}")


def gpt2(plan: Climb) -> None:
    """Pretrain GPT-2 at every size of the scale."""
    for each in SCALES[plan.scale]:
        run(plan, recipes.recipe(f"gpt2.pretrain:{each}"), f"gpt2.pretrain-{each}")


def gpt2_measured(plan: Climb) -> None:
    """Zero-shot choices, bits per byte and samples against size."""
    names = [f"gpt2.pretrain-{each}" for each in SCALES[plan.scale]]
    measured(plan, "zero_shot", weights(plan, *names), lambda: zero_shot(plan, names))
    generators = ["gpt1.pretrain", *names]
    measured(plan, "samples", weights(plan, *generators), lambda: {"rows": samples(plan, generators)})


STAGES = (
    Stage(name="corpus", weight=30, do=corpus),
    Stage(name="Transformer: translate", weight=100, do=transformer),
    Stage(name="Transformer: measure", weight=15, do=transformer_measured),
    Stage(name="GPT: pretrain", weight=90, do=gpt1),
    Stage(name="GPT: fine-tune", weight=100, do=gpt1_tasks),
    Stage(name="BERT: pretrain", weight=100, do=bert),
    Stage(name="BERT: fine-tune", weight=60, do=bert_tasks),
    Stage(name="GPT-2: pretrain", weight=120, do=gpt2),
    Stage(name="GPT-2: measure", weight=15, do=gpt2_measured),
    Stage(name="GPT-3: few-shot", weight=40, do=few_shot_measured),
    Stage(name="GPT-3: text", weight=25, do=filtered),
)
