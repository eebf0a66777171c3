"""Answers that depend on nothing but the model, the prompt and the seed; the three ways to put a prompt."""

import json
from dataclasses import replace

import pytest
import torch

from foretell.align.answering import (
    Answering,
    answers,
    asked_ids,
    draw_number,
    fits,
    prefix_of,
    style_of,
)
from foretell.errors import BadUse
from foretell.generate.pick import pick, uniform
from foretell.text.chat import Turn, prompt_ids
from foretell.text.specials import END_OF_TURN
from tests.align.talkers import prompts, talker

HOW = Answering(max_new_tokens=10, temperature=1.0, seed=4)


@pytest.fixture(scope="module")
def model():
    return talker()


def slowly(model, prompt, how, one=0):
    """The answer in the chat style by reading all tokens again for each new one."""
    ids, new = asked_ids(model, prompt, how), []
    while len(new) < how.max_new_tokens:
        logits = model.logits(torch.tensor([ids + new]))[:, -1].float()
        draw = uniform(how.seed, draw_number(prompt, one), len(new))
        new.append(int(pick(logits, how.temperature, 0, 1.0, [draw])))
        if new[-1] in model.tokenizer.specials.values():
            return model.tokenizer.decode(new[:-1])
    return model.tokenizer.decode(new)


def test_answers_are_those_of_sampling_token_by_token(model):
    some = prompts(7)
    found = answers(model, some, HOW, [2] * 7)
    assert found == [[slowly(model, one, HOW, n) for n in range(2)] for one in some]
    assert len({text for texts in found for text in texts}) > 10


def test_no_answer_depends_on_the_other_prompts_their_order_or_how_many_are_wanted(model):
    some = prompts(80, "Return it {}")
    whole = answers(model, some, HOW)
    assert answers(model, some[::-1], HOW) == whole[::-1]
    assert answers(model, some[3:5], HOW, [1, 3])[1][:1] == whole[4]
    assert answers(model, some, replace(HOW, seed=5)) != whole
    assert answers(model, [], HOW) == []


def test_each_answer_is_told(model):
    told = []
    answers(model, prompts(3), HOW, [1, 0, 2], done=told.append)
    assert sorted(told) == [0, 2, 2]


def test_prompts_that_share_an_id_are_refused(model):
    with pytest.raises(BadUse, match="2 prompts have 1 ids"):
        answers(model, prompts(1) * 2, HOW)


def test_a_chat_is_put_in_the_chat_format_and_plain_text_without_a_mark(model):
    prompt = {"prompt_id": "p", "text": "Return it"}
    chat = asked_ids(model, prompt, HOW)
    assert chat == prompt_ids(model.tokenizer, (Turn("user", "Return it"),))
    plain = asked_ids(model, prompt, replace(HOW, style="plain"))
    assert model.tokenizer.decode(plain) == "Return it\n\n"
    assert not set(plain) & set(model.tokenizer.specials.values())
    turns = {"prompt_id": "p", "text": [{"role": "system", "content": "Be"}, {"role": "user", "content": "Go"}]}
    assert END_OF_TURN in model.tokenizer.decode(asked_ids(model, turns, HOW))
    assert model.tokenizer.decode(asked_ids(model, turns, replace(HOW, style="plain"))) == "Be\nGo\n\n"


def test_a_prefix_loses_its_last_examples_where_the_context_is_short():
    model = talker(n_ctx=160)
    shown = [{"prompt": f"Say {n}", "completion": "the value " * n} for n in (9, 1, 2)]
    prefix = prefix_of([*shown, {"prompt": "long", "completion": "x" * 500}])
    assert prefix.count("User: ") == 3
    assert prefix.index("Say 1") < prefix.index("Say 2") < prefix.index("Say 9")
    how = replace(HOW, style="prompted", prefix=prefix)
    lengths = []
    for words in range(0, 100, 4):
        prompt = {"prompt_id": "p", "text": "Return " + "key " * words}
        if fits(model, prompt, how):
            text = model.tokenizer.decode(asked_ids(model, prompt, how))
            assert text.endswith(f"User: {prompt['text']}\n\nAssistant:")
            lengths.append(text.count("User: "))
    assert lengths == sorted(lengths, reverse=True)
    assert set(lengths) == {2, 3, 4}
    with pytest.raises(BadUse, match="no demonstrations"):
        prefix_of([])


def test_a_prompt_without_room_for_an_answer_is_named(model):
    long = {"prompt_id": "p9", "text": "Return the value " * 40}
    assert not fits(model, long, HOW)
    for style, prefix in (("chat", ""), ("plain", ""), ("prompted", "User: a\n\nAssistant: b\n\n")):
        with pytest.raises(BadUse, match=r"prompt p9 has .* the context holds 96"):
            asked_ids(model, long, replace(HOW, style=style, prefix=prefix))


def test_transcripts_end_where_the_user_would_speak_and_carry_no_spaces(model):
    how = replace(HOW, style="prompted", prefix="User: a\n\nAssistant: b\n\n", max_new_tokens=30, temperature=2.0)
    for (text,) in answers(model, prompts(30), how):
        assert "\n\nUser:" not in text
        assert text == text.strip()
        assert "<|" not in text


def test_a_run_on_plain_text_is_asked_plainly(tmp_path):
    assert style_of(tmp_path) == "chat"
    for kind, style in (("text", "plain"), ("demonstrations", "chat"), ("prompts", "chat")):
        (tmp_path / "config.json").write_text(json.dumps({"data": {"kind": kind}}))
        assert style_of(tmp_path) == style
    (tmp_path / "config.json").write_text("[]")
    assert style_of(tmp_path) == "chat"


def test_a_prefix_is_of_the_prompted_style_alone():
    for wrong in ({"style": "prompted"}, {"prefix": "x"}, {"style": "loud"}):
        with pytest.raises(ValueError, match="style="):
            Answering(**wrong)
