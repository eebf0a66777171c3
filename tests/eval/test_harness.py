"""The harness with our models: the same answers as its own `hf` model gives, and as a direct computation gives."""

import json
import subprocess
import sys
from dataclasses import replace
from math import log
from pathlib import Path

import pytest
import torch

from foretell.errors import BadUse
from foretell.eval.asking import Asking
from foretell.eval.harness_tasks import export_tasks
from foretell.generate.model import Model
from foretell.recipes import bert, gpt2
from foretell.tasks.source import Source
from foretell.text.specials import CHAT_TEMPLATE
from foretell.text.train import train_tokenizer
from tests.eval.made_tasks import ADD, FIT, PICK, TEXTS, WORDS
from tests.generate.conftest import random_network

lm_eval = pytest.importorskip("lm_eval", reason="lm-evaluation-harness is not installed")
from lm_eval.api.instance import Instance  # noqa: E402

from foretell.eval import harness  # noqa: E402
from foretell.eval.harness_model import Foretell  # noqa: E402

ROOT = Path(__file__).parents[2]
TASKS = [f"{task}_{kind}" for task in ("pick", "fit", "add") for kind in ("0shot", "2shot", "drawn")]
LONG = "Return the value of the key, or raise an error if caf\u00e9 is not there. " * 12


@pytest.fixture(scope="module")
def model():
    tokenizer = train_tokenizer("bpe", TEXTS, 300, quiet=True)
    return Model(random_network(replace(gpt2.network("smoke"), n_vocab=300, n_ctx=160)), tokenizer)


@pytest.fixture(scope="module")
def adapter(model):
    return Foretell(model)


@pytest.fixture(scope="module")
def both(model, tmp_path_factory):
    """What both sides say of the same files; nothing may be downloaded."""
    folder = tmp_path_factory.mktemp("harness")
    model.save(folder / "m")
    export_tasks([PICK, FIT, ADD], Source(), folder / "tasks", [Asking(), Asking(shots=2)], model)
    child = [sys.executable, "-m", "tests.eval.harness_child", str(folder / "m"), str(folder / "tasks")]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("DATASETS_OFFLINE", "1"), ("HUB_OFFLINE", "1"), ("HOME", str(folder / "cache"))):
            patch.setenv(f"HF_{name}", value)
        done = subprocess.run(child, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "tasks" / "both.json").read_text())


def asked(kind, *args):
    """A request as the harness makes it."""
    return Instance(request_type=kind, doc={}, arguments=args, idx=0)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_same_questions_get_the_same_answers_as_from_hf(both, task):
    ours, theirs = (both[side]["questions"][f"foretell_{task}"] for side in ("foretell", "hf"))
    assert len(ours) == len(theirs) > 4
    for one, other in zip(ours, theirs, strict=True):
        assert (one["sent"], one["id"]) == (other["sent"], other["id"])
        if task.startswith("add"):
            assert one["back"] == other["back"]
            continue
        for (a,), (b,) in zip(one["back"], other["back"], strict=True):
            assert float(a[0]) == pytest.approx(float(b[0]), abs=1e-4)
            assert a[1] == b[1]


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_same_metrics_come_out_as_from_hf(both, task):
    ours, theirs = (both[side]["metrics"][f"foretell_{task}"] for side in ("foretell", "hf"))
    assert ours == theirs
    metrics = {"pick": ("acc,none", "acc_norm,none", "acc_bytes,none"), "fit": ("acc,none",)}
    for name in metrics.get(task[:4].rstrip("_"), ("exact_match,stripped",)):
        assert 0 <= ours[name] <= 1


@pytest.mark.slow
def test_the_scores_are_those_of_the_exported_prompts_without_the_harness(both, model):
    for name in ("pick_0shot", "pick_2shot", "fit_2shot"):
        for question in both["foretell"]["questions"][f"foretell_{name}"]:
            direct = model.score([(context, option) for context, option in question["sent"]])
            for (answer,), score in zip(question["back"], direct, strict=True):
                assert float(answer[0]) == pytest.approx(score.logprob, abs=1e-4)


@pytest.mark.slow
def test_the_three_accuracies_are_of_sums_characters_and_bytes(both):
    right = {"acc,none": 0, "acc_norm,none": 0, "acc_bytes,none": 0}
    questions = both["foretell"]["questions"]["foretell_pick_2shot"]
    for i, question in enumerate(questions):
        sums = [float(answer[0]) for (answer,) in question["back"]]
        options = PICK.load(Source()).items[i].options
        lengths = {
            "acc,none": [1] * 3,
            "acc_norm,none": [len(option.strip()) for option in options],
            "acc_bytes,none": [len(option.strip().encode()) for option in options],
        }
        for name, by in lengths.items():
            values = [total / length for total, length in zip(sums, by, strict=True)]
            right[name] += values.index(max(values)) == PICK.load(Source()).items[i].gold
    for name, n in right.items():
        assert both["foretell"]["metrics"]["foretell_pick_2shot"][name] == pytest.approx(n / len(questions))


@pytest.mark.slow
def test_the_harness_draws_anew_for_each_question_and_writes_them_as_we_do(both):
    written, drawn = (both["hf"]["questions"][f"foretell_pick_{kind}"] for kind in ("2shot", "drawn"))
    starts = {question["sent"][0][0].rpartition("\n\n")[0] for question in drawn}
    assert len(starts) > 2
    shown = {line for start in starts for line in start.split("\n\n")[1:]}
    assert shown == {item.context + item.options[item.gold] for item in PICK.load(Source()).pool}
    assert {start.split("\n\n")[0] + "\n\n" for start in starts} == {PICK.instruction}
    assert written[0]["sent"][0][0].startswith(PICK.instruction)


def test_a_whole_text_is_scored_in_windows_each_begun_where_one_ended(adapter, model):
    """Bits per byte against one token at a time."""
    ids, n_ctx = model.tokenizer.encode(LONG), model.network.cfg.n_ctx
    assert len(ids) > 2 * n_ctx
    total = 0.0
    for start in range(0, len(ids), n_ctx):
        rest = ids[start : start + n_ctx]
        if len(rest) == n_ctx:
            before, here = [ids[start - 1] if start else model.tokenizer.end_of_text], rest
        else:  # the last window reads as much as the context holds
            before, here = ids[len(ids) - n_ctx - 1 : start], rest
        for i, token in enumerate(here):
            with torch.no_grad():
                logits = model.network(torch.tensor([[*before, *here[:i]]]))[0, -1].double()
            total += torch.log_softmax(logits, -1)[token].item()
    (found,) = adapter.loglikelihood_rolling([asked("loglikelihood_rolling", LONG)], disable_tqdm=True)
    n_bytes = len(LONG.encode())
    assert -found / n_bytes / log(2) == pytest.approx(-total / n_bytes / log(2), abs=1e-5)


def test_an_empty_context_begins_after_the_end_of_text_and_an_empty_text_is_certain(adapter, model):
    found = adapter.loglikelihood([asked("loglikelihood", "", "Return the key")], disable_tqdm=True)
    assert found[0][0] == pytest.approx(model.score([("", "Return the key")])[0].logprob, abs=1e-4)
    assert adapter.loglikelihood_rolling([asked("loglikelihood_rolling", "")], disable_tqdm=True) == [0]


def test_a_greedy_continuation_is_told_from_another(adapter, model):
    words, found = model.tokenizer, []
    for context in (f"Return the {word}" for word in WORDS):
        ids = words.encode(context)
        best = words.decode([int(model.logits(torch.tensor([ids]))[0, -1].argmax())])
        if len(words.encode(context + best)) == len(ids) + 1:  # not every token's text is cut as that token again
            pairs = [asked("loglikelihood", context, said) for said in (best, " zebra")]
            found.append([greedy for _, greedy in adapter.loglikelihood(pairs, disable_tqdm=True)])
    assert found
    assert all(one == [True, False] for one in found)


def written(adapter, contexts, **settings):
    return adapter.generate_until([asked("generate_until", c, dict(settings)) for c in contexts], disable_tqdm=True)


def test_what_is_written_is_what_the_model_writes(adapter, model):
    contexts = ["Return the value", "Raise an error if", "Return the", "Raise"]
    greedy = [one.text for one in model.generate(contexts, max_new_tokens=9, temperature=0, stop=("e",))]
    assert written(adapter, contexts, until=["e"], max_gen_toks=9, do_sample=False) == greedy
    assert written(adapter, contexts, until="e", max_gen_toks=9, temperature=0.7) != greedy
    beams = [one.text for one in model.generate(contexts, max_new_tokens=9, beam=3, length_penalty=0.6)]
    assert written(adapter, contexts, until=[], max_gen_toks=9, num_beams=3, length_penalty=0.6) == beams


def test_requests_of_other_settings_among_each_other_keep_their_places(adapter):
    both = [asked("generate_until", f"Return {i}", {"until": [], "max_gen_toks": 2 + i % 2}) for i in range(6)]
    found = adapter.generate_until(both, disable_tqdm=True)
    assert found == [written(adapter, [f"Return {i}"], until=[], max_gen_toks=2 + i % 2)[0] for i in range(6)]


def test_a_long_prompt_loses_its_beginning_and_it_is_said(adapter, capsys):
    said = adapter.generate_until([asked("generate_until", LONG, {"until": [], "max_gen_toks": 5})])
    assert "1 of 1 prompts do not fit into 155 tokens" in capsys.readouterr().err
    ids = adapter.tok_encode(LONG)[-155:]
    with torch.no_grad():
        first = int(adapter.model.network(torch.tensor([ids]))[0, -1].argmax())
    assert said[0].startswith(adapter.model.tokenizer.decode([first]))


@pytest.mark.parametrize("size", [1, "auto", "7"])
def test_any_batch_size_gives_the_same_answers(model, adapter, size):
    pairs = [asked("loglikelihood", f"Return {'the ' * i}", f"key {i}") for i in range(9)]
    theirs = Foretell(model, batch_size=size).loglikelihood(pairs, disable_tqdm=True)
    for one, other in zip(theirs, adapter.loglikelihood(pairs, disable_tqdm=True), strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_a_chat_is_made_of_special_tokens_as_the_template_writes_it(model):
    adapter, tokenizer = Foretell(model), model.tokenizer
    assert adapter.tok_encode("<|user|>") == tokenizer.encode("<|user|>") != [tokenizer.special("<|user|>")]
    jinja2 = pytest.importorskip("jinja2")
    turns = [{"role": "user", "content": "Return"}, {"role": "assistant", "content": "the"}]
    assert adapter.chat_template(True) == CHAT_TEMPLATE
    text = adapter.apply_chat_template(turns)
    assert text == jinja2.Template(CHAT_TEMPLATE).render(messages=turns, add_generation_prompt=True)
    assert adapter.apply_chat_template(turns, add_generation_prompt=False).endswith("<|assistant|>the")
    names = ("<|user|>", "Return", "<|end|>", "<|assistant|>", "the", "<|end|>", "<|assistant|>")
    parts = [[tokenizer.special(name)] if name.startswith("<|") else tokenizer.encode(name) for name in names]
    assert adapter.tok_encode(text) == [i for part in parts for i in part]


def test_our_models_are_in_the_harness_table_beside_its_own():
    from lm_eval.api.registry import get_model

    harness.register()
    harness.register()
    assert get_model("foretell") is Foretell
    from lm_eval.api.registry import model_registry

    assert "hf" in model_registry


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_gen_toks": 160}, "max_gen_toks=160 leaves no room for a prompt"),
        ({"repetition_penalty": 2}, "repetition_penalty is no setting of ours"),
        ({"num_beams": 4, "do_sample": True, "temperature": 1.0}, "searches and draws nothing"),
    ],
)
def test_what_cannot_be_asked_is_one_line(adapter, settings, words):
    with pytest.raises(BadUse, match=words):
        written(adapter, ["Return"], until=["e"], **settings)


def test_every_answer_is_told_to_the_harness_cache_so_that_a_stopped_evaluation_goes_on(model, monkeypatch):
    monkeypatch.setattr("foretell.eval.harness_model.AT_ONCE", 2)
    adapter, told = Foretell(model), {}
    monkeypatch.setattr(adapter.cache_hook, "add_partial", lambda kind, key, answer: told.update({(kind, key): answer}))
    pairs = [("Return", f" the {word}") for word in WORDS]
    scores = adapter.loglikelihood([asked("loglikelihood", *pair) for pair in pairs], disable_tqdm=True)
    (rolled,) = adapter.loglikelihood_rolling([asked("loglikelihood_rolling", LONG)], disable_tqdm=True)
    assert told == {("loglikelihood", pair): score for pair, score in zip(pairs, scores, strict=True)} | {
        ("loglikelihood_rolling", (LONG,)): rolled
    }
    for one, (context, option) in zip(scores, pairs, strict=True):
        assert one[0] == pytest.approx(model.score([(context, option)])[0].logprob, abs=1e-4)


@pytest.mark.parametrize("device", ["cuda:0", "cpu", None])
def test_the_device_that_the_harness_names_unasked_need_not_be_there(model, device):
    answers = Foretell(model, device=device).loglikelihood([asked("loglikelihood", "Return", " the")], True)
    assert answers[0][0] < 0


def test_a_model_that_cannot_score_a_text_is_refused(model):
    encoder = Model(random_network(replace(bert.network("smoke"), n_vocab=300)), model.tokenizer)
    with pytest.raises(BadUse, match="of kind encoder and cannot answer lm-evaluation-harness"):
        Foretell(encoder)
