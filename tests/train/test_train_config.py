import re

import pytest

from foretell.config import dump, load
from foretell.corpus.config import SegmentData, TaskData, TextData, TranslationData
from foretell.model.config import Heads
from foretell.objective.config import MaskedLanguageModel, Task, Translation
from foretell.train.config import AdamW, BatchSize, Machine, Muon, RunConfig, Schedule
from tests.train.in_memory import config, network

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("lr", [NAN, INF, 0.0, -1e-3])
def test_a_learning_rate_is_a_positive_number(lr):
    with pytest.raises(ValueError, match=rf"lr={lr} is not a positive number; the papers use"):
        AdamW(lr=lr)
    with pytest.raises(ValueError, match=rf"lr={lr} is not a positive number"):
        Muon(lr=1e-3, muon_lr=lr)


@pytest.mark.parametrize("decay", [NAN, INF, -0.1])
def test_a_decay_is_no_negative_number(decay):
    with pytest.raises(ValueError, match=rf"weight_decay={decay} is not a number of at least 0; 0 switches it off"):
        AdamW(lr=1e-3, weight_decay=decay)
    with pytest.raises(ValueError, match=rf"weight_decay={decay} is not a number of at least 0"):
        Muon(lr=1e-3, muon_lr=1e-2, muon_weight_decay=decay)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"shape": "linear", "warmup_steps": -1}, "warmup_steps=-1 is negative; 0 means no warm-up"),
        ({"shape": "inverse_sqrt"}, "warmup_steps=0 with shape=inverse_sqrt has no peak; the Transformer used 4000"),
        (
            {"shape": "linear", "decay_from": 0.6, "decay_to": 0.5},
            "decay_from=0.6 and decay_to=0.5 are not 0 <= from < to <= 1",
        ),
        ({"shape": "linear", "decay_to": 1.5}, "decay_to=1.5 are not"),
        ({"shape": "linear", "decay_from": NAN}, "decay_from=nan and"),
        ({"shape": "cosine", "floor": 1.5}, "floor=1.5 is not in [0, 1]; it is a share of the peak rate"),
        ({"shape": "cosine", "floor": NAN}, "floor=nan is not in [0, 1]"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(fields, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Schedule(**fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rows": 0}, "rows=0, micro=0: rows must be at least 1"),
        ({"rows": 4, "micro": -1}, "micro=-1"),
        ({"rows": 4, "ramp_from": 5}, "ramp_from=5 is not in [0, rows=4]"),
        ({"rows": 4, "ramp_from": -1}, "ramp_from=-1"),
        ({"rows": 4, "ramp_from": 1, "ramp_rows": -1}, "ramp_rows is negative"),
        ({"rows": 4, "ramp_from": 2}, "ramp_from=2 and ramp_rows=0: a ramp needs both"),
        ({"rows": 4, "ramp_rows": 9}, "ramp_from=0 and ramp_rows=9: a ramp needs both"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(fields, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        BatchSize(**fields)


def test_threads_are_counted_from_zero():
    with pytest.raises(ValueError, match="threads=-1 is negative; 0 measures"):
        Machine(threads=-1)


@pytest.mark.parametrize("name", ["steps", "evaluate_every", "checkpoint_every", "average"])
def test_counts_below_one_are_refused_by_name(name):
    with pytest.raises(ValueError, match=f"{name}=0 is not positive; give at least 1"):
        config(**{name: 0})


@pytest.mark.parametrize("share", [NAN, 1.0, -0.1])
def test_running_means_are_shares(share):
    for fields in ({"betas": (share, 0.9)}, {"betas": (0.9, share)}):
        with pytest.raises(ValueError, match=rf"betas or momentum={share} is not in \[0, 1\); the papers use"):
            AdamW(lr=1e-3, **fields)
    with pytest.raises(ValueError, match=rf"betas or momentum={share} is not in"):
        Muon(lr=1e-3, muon_lr=1e-2, momentum=share)


@pytest.mark.parametrize("eps", [NAN, INF, 0.0, -1e-8])
def test_eps_is_a_positive_number(eps):
    for make in (lambda: AdamW(lr=1e-3, eps=eps), lambda: Muon(lr=1e-3, muon_lr=1e-2, eps=eps)):
        with pytest.raises(ValueError, match=f"eps={eps} is not a positive number"):
            make()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_fits_into_a_random_stream(seed):
    with pytest.raises(ValueError, match=rf"seed={seed} is not in \[0, 2\^32\)"):
        config(seed=seed)
    config(seed=2**32 - 1)


def test_evaluations_take_rows_or_all():
    with pytest.raises(ValueError, match="evaluate_rows=-1 is negative; 0 takes all"):
        config(evaluate_rows=-1)


@pytest.mark.parametrize("clip", [NAN, INF, -1.0])
def test_clip_is_no_negative_number(clip):
    with pytest.raises(ValueError, match=f"clip={clip} is not at least 0; 0 does not clip"):
        config(clip=clip)


@pytest.mark.parametrize("length", [0, -4])
def test_rows_hold_at_least_a_token(length):
    with pytest.raises(ValueError, match=rf"length={length} is not positive; give the tokens of a row"):
        config(data=TextData(length=length))


ENCODER = network(kind="encoder")
SEGMENTS = SegmentData(length=8)
TASK = TaskData(folder="x", length=8, layout="gpt1")
MISFITS = [
    ({"objective": MaskedLanguageModel()}, "objective=mlm does not read data=text; it reads data=segments"),
    ({"data": SEGMENTS}, "objective=lm does not read data=segments; it reads data=text"),
    ({"objective": Task()}, "objective=task does not read data=text; it reads data=task"),
    ({"model": ENCODER}, "objective=lm needs model.kind=decoder, not encoder"),
    ({"data": SEGMENTS, "objective": MaskedLanguageModel()}, "objective=mlm needs model.kind=encoder, not decoder"),
    (
        {"data": SEGMENTS, "objective": MaskedLanguageModel(), "model": ENCODER},
        "objective.next_sentence=True but model.heads.next_sentence=False; set both or none",
    ),
    (
        {"data": TASK, "objective": Task(lm_weight=0.5), "model": network(kind="encoder", heads=Heads(n_outputs=2))},
        "objective.lm_weight=0.5 needs model.kind=decoder; set it to 0",
    ),
    (
        {"data": TASK, "objective": Task(), "model": network(kind="seq2seq", heads=Heads(n_outputs=2))},
        "objective=task needs model.kind=decoder, not seq2seq",
    ),
    (
        {"data": TASK, "objective": Task(lm_weight=0.5), "model": network(heads=Heads(lm=False, n_outputs=2))},
        "objective=task predicts tokens but model.heads.lm=False; set it to True",
    ),
    ({"model": network(heads=Heads(lm=False))}, "objective=lm predicts tokens but model.heads.lm=False"),
]


@pytest.mark.parametrize(("fields", "said"), MISFITS)
def test_network_data_and_objective_must_fit(fields, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        config(**fields)


def test_what_fits_is_let_through():
    config(data=SEGMENTS, objective=MaskedLanguageModel(next_sentence=False), model=ENCODER)
    both = {"lm": False, "n_outputs": 2}
    for kind in ("decoder", "encoder"):
        config(data=TASK, objective=Task(), model=network(kind=kind, heads=Heads(**both)))
    pairs = TranslationData(length=8, tokens_per_bucket=16)
    config(data=pairs, objective=Translation(), model=network(kind="seq2seq"))


def test_rows_fit_into_the_context():
    with pytest.raises(ValueError, match=r"data\.length=9 is above model\.n_ctx=8; lower it"):
        config(data=TextData(length=9))


def test_a_task_needs_a_head():
    task = {"data": TaskData(folder="x", length=8, layout="gpt1"), "objective": Task()}
    with pytest.raises(ValueError, match=r"model\.heads\.n_outputs=0; give the number of classes"):
        config(**task)
    config(**task, model=network(heads=Heads(n_outputs=2)))


def test_a_config_survives_its_file():
    for cfg in (config(), config(optim=Muon(lr=1 / 3, muon_lr=2e-2)), config(steps=10**9, clip=0.1 + 0.2)):
        assert load(RunConfig, dump(cfg)) == cfg


def test_a_task_that_is_read_at_its_first_token_needs_both_sides():
    data = TaskData(folder="task", length=8, layout="bert")
    with pytest.raises(ValueError, match=r"data\.layout=bert is read at its first token, .*; take the other layout"):
        config(data=data, objective=Task(), model=network(heads=Heads(n_outputs=2)))
