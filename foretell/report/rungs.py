"""The page's parts in the order of the papers: what each paper claimed, what is tested of it here, what came out."""

from collections.abc import Sequence
from dataclasses import dataclass

from foretell.report import aligned, scores, shots
from foretell.report.claim import Claim
from foretell.report.claims import translates
from foretell.report.gpt4 import gpt4
from foretell.report.parts import Part, Section
from foretell.report.read import Demo
from foretell.report.training import task_curves, trained

GPT_WAYS = (("GPT-1", "pretrained", "pretrained", "blue"), ("GPT-1", "scratch", "from scratch", "orange"))
BERT_WAYS = (("BERT", "pretrained", "BERT", "green"), ("GPT-1", "pretrained", "GPT", "blue"))
BOTH_TASKS = (("gpt1.finetune", "pretrained", "blue"), ("gpt1.scratch", "from scratch", "orange"))
NATS = "loss (nats per token)"


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A paper: its words are the paper's claim and what of it can be tested at this size."""

    key: str
    title: str
    year: int
    paper: str
    claim: str
    tested: str


RUNGS = (
    Rung(
        key="transformer",
        title="Transformer",
        year=2017,
        paper='Vaswani et al. 2017, "Attention Is All You Need"',
        claim="Attention alone, without recurrence or convolution, translates better than the models before it: "
        "28.4 BLEU from English to German, 41.8 to French (WMT 2014).",
        tested="Its translations score above the best answer that needs no model. "
        "The comparison with recurrent models is not repeated.",
    ),
    Rung(
        key="gpt1",
        title="GPT",
        year=2018,
        paper='Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training"',
        claim="A Transformer decoder that first learns to predict text, then a task with almost no new weights, "
        "beats one that learns the task from scratch.",
        tested="The same network on the same tasks, with and without its pretraining.",
    ),
    Rung(
        key="bert",
        title="BERT",
        year=2018,
        paper='Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding"',
        claim="A network that sees both sides of a hidden word understands text better than one of the same size that "
        "reads from left to right.",
        tested="BERT and GPT, both pretrained on the same text and fine-tuned on the same tasks.",
    ),
    Rung(
        key="gpt2",
        title="GPT-2",
        year=2019,
        paper='Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"',
        claim="A language model does tasks that it was never trained for when they are put to it in words, "
        "and does them better the larger it is.",
        tested="The largest model against chance, and against the smallest, without any gradient step.",
    ),
    Rung(
        key="gpt3",
        title="GPT-3",
        year=2020,
        paper='Brown et al. 2020, "Language Models are Few-Shot Learners"',
        claim="Shown some examples in its prompt, a language model does a task without any gradient step, "
        "and the examples help more the larger the model is.",
        tested="What the most examples give over none, to the largest model and to the smallest; "
        "the control shows the same examples with labels drawn at random.",
    ),
    Rung(
        key="instructgpt",
        title="InstructGPT",
        year=2022,
        paper='Ouyang et al. 2022, "Training language models to follow instructions with human feedback"',
        claim="A model of 1.3B parameters that is trained on demonstrations, then by a reward learnt from people's "
        "rankings, is preferred to the 175B model that it comes from; pretraining text mixed into the last step "
        "keeps what it could do before.",
        tested="The same steps with labellers who are simulated, by a quality that was made up for this: it shows that "
        "the machinery does what labels ask for, and nothing of what people want. The smallest aligned model against "
        "the largest that has only read text.",
    ),
    Rung(
        key="gpt4",
        title="GPT-4",
        year=2023,
        paper='OpenAI 2023, "GPT-4 Technical Report"',
        claim="One model reads images and text and writes text. Its final loss and some of its abilities were foretold "
        "from much smaller runs. With a reward by rubric for refusing what is disallowed, and for answering what is "
        "not, it answers 82 % fewer disallowed requests than GPT-3.5. Reinforcement learning hurt its calibration.",
        tested="A small model asked about pictures, with and without seeing them; a run that meets faults; an "
        "assistant that knows people made up for this and must not tell their secrets, before and after reinforcement "
        "learning by a rubric that a program checks: its answers, its obedience to system messages and its "
        "calibration; hindsight neglect by size. The verdict is that of the safety reward.",
    ),
)


def sections(demo: Demo, claims: Sequence[Claim]) -> list[Section]:
    """A section a rung."""
    of_rung = {claim.rung: claim for claim in (*claims, translates(demo)) if claim.rung}
    return [section(demo, number, rung, of_rung[rung.key]) for number, rung in enumerate(RUNGS, 1)]


def section(demo: Demo, number: int, rung: Rung, claim: Claim) -> Section:
    """A rung's section with the verdict on its claim."""
    return Section(
        key=rung.key,
        title=rung.title,
        eyebrow=f"Rung {number}, {rung.year}",
        paper=rung.paper,
        claim=rung.claim,
        tested=rung.tested,
        verdict=claim.verdict,
        result=". ".join(filter(None, (claim.result, claim.caution.capitalize()))) + ".",
        parts=PARTS[rung.key](demo),
    )


def transformer(demo: Demo) -> list[Part]:
    """Training, BLEU, attention, translations."""
    label = "loss (nats per target token, smoothed)"
    return [
        *trained(demo, "transformer", "Translation", "transformer.translate", label),
        *scores.translation(demo),
    ]


def gpt(demo: Demo) -> list[Part]:
    """Pretraining, the four task shapes with and without it, samples."""
    title = "Fine-tuning, pretrained and from scratch"
    return [
        *trained(demo, "gpt1", "Pretraining", "gpt1.pretrain", NATS),
        *scores.fine_tuned(demo, "gpt1", title, GPT_WAYS),
        *task_curves(demo, "gpt1", "How the tasks are learnt", BOTH_TASKS),
        *scores.samples(demo, "gpt1."),
    ]


def bert(demo: Demo) -> list[Part]:
    """Pretraining, against GPT on the same tasks, masked words."""
    label = "loss (nats: masked token + next sentence)"
    return [
        *trained(demo, "bert", "Pretraining", "bert.pretrain", label),
        *scores.fine_tuned(demo, "bert", "BERT against GPT on the same tasks", BERT_WAYS),
        *scores.masked_words(demo),
    ]


def gpt2(demo: Demo) -> list[Part]:
    """Pretraining at every size, zero-shot accuracy, held-out text, samples."""
    return [
        *trained(demo, "gpt2", "Pretraining", "gpt2.pretrain", NATS),
        *scores.zero_shot(demo),
        *scores.samples(demo, "gpt2."),
    ]


def gpt3(demo: Demo) -> list[Part]:
    """Scores against the number of examples, for every size."""
    return shots.few_shot(demo)


PARTS = {
    "transformer": transformer,
    "gpt1": gpt,
    "bert": bert,
    "gpt2": gpt2,
    "gpt3": gpt3,
    "instructgpt": aligned.aligned,
    "gpt4": gpt4,
}
