"""The published sets that a network is fine-tuned on: their shapes, classes, files, metrics (GPT-1's table 1; GLUE).

    classification    sst2 sst5 cola mr subj cr mpqa trec
    entailment        rte snli mnli qnli sick
    similarity        mrpc qqp (classes)   stsb sick_relatedness (a number)
    multiple_choice   copa swag race storycloze arc_easy arc_challenge openbook_qa commonsense_qa siqa

A file is NAME.train and one of NAME.dev, .val, .trial, .validation; NAME alone is split here (labelled.py).
"""

from dataclasses import dataclass
from typing import Literal

from foretell.errors import BadUse, nearest
from foretell.tasks import labelled_rows as rows
from foretell.tasks.labelled_rows import Reader, one_text, two_texts, two_texts_scored
from foretell.tasks.source import Hub

Metric = Literal["accuracy", "matthews", "f1", "pearson", "spearman", "rmse"]

SIDES = ("negative", "positive")
HALVES = ("sentence1", "question1"), ("sentence2", "question2")
NLI = ("entailment", "neutral", "contradiction")
BINARY_NLI = ("entailment", "not_entailment")
PREMISE, HYPOTHESIS = ("premise", "sentence1", "sentence_A"), ("hypothesis", "sentence2", "sentence_B")
HELD = ("dev", "val", "trial", "validation")
NUMBERS: tuple[Metric, ...] = ("pearson", "spearman", "rmse")


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """A published set."""

    name: str
    shape: Literal["classification", "entailment", "similarity", "multiple_choice"]
    about: str
    read: Reader
    classes: tuple[str, ...] = ()
    """none: the label is a number, or which choice is right"""
    metrics: tuple[Metric, ...] = ("accuracy",)
    """the set's own, the one that its table gives first"""
    file: str = ""
    """the beginning of its files' names, where that is not the name"""
    train: tuple[str, ...] = ("train",)
    held: tuple[str, ...] = HELD
    hub: Hub | None = None
    """where its training split is"""
    hub_held: str = "validation"


def single(
    name: str,
    about: str,
    classes: tuple[str, ...],
    hub: Hub | None = None,
    *,
    metrics: tuple[Metric, ...] = ("accuracy",),
    train: tuple[str, ...] = ("train",),
    held: tuple[str, ...] = HELD,
) -> Labelled:
    """A set of single texts."""
    read = one_text(classes, "text", "sentence")
    return Labelled(
        name=name, shape="classification", about=about, read=read, classes=classes, hub=hub, metrics=metrics,
        train=train, held=held,
    )  # fmt: skip


def glue(config: str) -> Hub:
    """The training split of a set of GLUE."""
    return Hub(dataset="nyu-mll/glue", config=config, split="train")


def questions(name: str, about: str, read: Reader, hub: Hub | None = None) -> Labelled:
    """A set of questions with choices."""
    return Labelled(name=name, shape="multiple_choice", about=about, read=read, hub=hub)


SETS = (
    single("sst2", "is a sentence of a film review favourable? (Socher et al. 2013)", SIDES, glue("sst2")),
    single(
        "sst5", "how favourable is it, in five steps?",
        ("very negative", "negative", "neutral", "positive", "very positive"),
        Hub(dataset="SetFit/sst5", split="train"),
    ),
    single(
        "cola", "is a sentence acceptable English? (Warstadt et al. 2018)", ("unacceptable", "acceptable"),
        glue("cola"), metrics=("matthews", "accuracy"), train=("in_domain_train", "train"),
        held=("in_domain_dev", "dev", "validation"),
    ),
    single("mr", "is a sentence of a film review favourable? (Pang and Lee 2005)", SIDES),
    single("subj", "does a sentence judge, or tell? (Pang and Lee 2004)", ("subjective", "objective")),
    single("cr", "is a sentence of a customer's review favourable? (Hu and Liu 2004)", SIDES),
    single("mpqa", "is an opinion favourable? (Wiebe et al. 2005)", SIDES),
    single(
        "trec", "what does a question ask for? (Li and Roth 2002)",
        ("description", "entity", "abbreviation", "human", "location", "number"), held=("test", "dev"),
    ),
    Labelled(
        name="rte", shape="entailment", about="does a text entail a sentence? (Dagan et al. 2006)", classes=BINARY_NLI,
        read=two_texts(BINARY_NLI, PREMISE, HYPOTHESIS), hub=glue("rte"),
    ),
    Labelled(
        name="qnli", shape="entailment", about="does a sentence answer a question? (Wang et al. 2018)",
        classes=BINARY_NLI, read=two_texts(BINARY_NLI, ("question",), ("sentence",)), hub=glue("qnli"),
    ),
    Labelled(
        name="snli", shape="entailment", about="do captions follow from each other? (Bowman et al. 2015)", classes=NLI,
        read=two_texts(NLI, PREMISE, HYPOTHESIS), hub=Hub(dataset="stanfordnlp/snli", split="train"),
    ),
    Labelled(
        name="mnli", shape="entailment", about="the same in ten genres (Williams et al. 2018)", classes=NLI,
        read=two_texts(NLI, PREMISE, HYPOTHESIS), hub=glue("mnli"), hub_held="validation_matched",
        held=("dev_matched", "validation_matched", "dev", "val", "validation"),
    ),
    Labelled(
        name="sick", shape="entailment", about="the same in plain sentences (Marelli et al. 2014)", classes=NLI,
        read=two_texts(NLI, PREMISE, HYPOTHESIS),
    ),
    Labelled(
        name="mrpc", shape="similarity", about="do two sentences say the same? (Dolan and Brockett 2005)",
        classes=("different", "same"), read=two_texts(("different", "same"), *HALVES), metrics=("f1", "accuracy"),
        hub=glue("mrpc"),
    ),
    Labelled(
        name="qqp", shape="similarity", about="do two questions ask the same?", classes=("different", "same"),
        read=two_texts(("different", "same"), *HALVES), metrics=("f1", "accuracy"), hub=glue("qqp"),
    ),
    Labelled(
        name="stsb", shape="similarity", about="how alike are two sentences, 0 to 5? (Cer et al. 2017)",
        read=two_texts_scored(*HALVES, "score", "label", "similarity_score"), metrics=NUMBERS, hub=glue("stsb"),
    ),
    Labelled(
        name="sick_relatedness", shape="similarity", about="how related are two sentences? (Marelli et al. 2014)",
        read=two_texts_scored(PREMISE, HYPOTHESIS, "relatedness", "relatedness_score"), metrics=NUMBERS, file="sick",
    ),
    questions(
        "copa", "which cause, or effect, is likelier? (Roemmele et al. 2011)", rows.cause_or_effect,
        Hub(dataset="aps/super_glue", config="copa", split="train"),
    ),
    questions("swag", "how does a scene go on? (Zellers et al. 2018)", rows.ending,
              Hub(dataset="allenai/swag", config="regular", split="train")),
    questions("race", "questions of English exams about a text (Lai et al. 2017)", rows.passage,
              Hub(dataset="ehovy/race", config="all", split="train")),
    questions("storycloze", "which sentence ends a story? (Mostafazadeh et al. 2016)", rows.last_sentence),
    questions("arc_easy", "questions of school exams (Clark et al. 2018)", rows.query,
              Hub(dataset="allenai/ai2_arc", config="ARC-Easy", split="train")),
    questions("arc_challenge", "the harder of them", rows.query,
              Hub(dataset="allenai/ai2_arc", config="ARC-Challenge", split="train")),
    questions("openbook_qa", "elementary science (Mihaylov et al. 2018)", rows.query,
              Hub(dataset="allenai/openbookqa", config="main", split="train")),
    questions("commonsense_qa", "common sense (Talmor et al. 2019)", rows.query,
              Hub(dataset="tau/commonsense_qa", split="train")),
    questions("siqa", "what people do and feel (Sap et al. 2019)", rows.social),
)  # fmt: skip


def labelled(name: str) -> Labelled:
    """The set of that name; BadUse with the nearest one."""
    found = next((one for one in SETS if one.name == name), None)
    if found is None:
        raise BadUse(f"no task to fine-tune on is called {name!r}{nearest(name, [one.name for one in SETS])}")
    return found
