"""A conversation as pure functions, and answers that come piece by piece and are those that come at once."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretell.errors import BadUse
from foretell.generate.chat import (
    TRANSCRIPT_STOPS,
    Chat,
    answer,
    answered,
    asked,
    end_of,
    kept,
    reset,
    room_for_answers,
    settled,
    stops_of_chat,
    undone,
    with_system,
)
from foretell.generate.config import Sampling
from foretell.generate.engine import generate
from foretell.generate.model import Model
from foretell.generate.stops import Ending
from foretell.recipes import gpt2
from foretell.text.chat import Turn, prompt_ids
from foretell.text.specials import CHAT
from foretell.text.train import train_tokenizer
from tests.generate.conftest import random_network

TEXT = [
    "Return the value of the key, or the default. Caf\u00e9 \u4f60\u597d \U0001f600 naive. " * 3,
    "Raise it " * 9,
] * 4


def model_with(n_vocab=300, n_ctx=64, chat=True, spread=0.4):
    tokenizer = train_tokenizer("bpe", TEXT, n_vocab, quiet=True)
    if not chat:
        tokenizer = without_chat(tokenizer)
    cfg = replace(gpt2.network("smoke"), n_vocab=n_vocab, n_ctx=n_ctx)
    return Model(random_network(cfg, spread=spread), tokenizer)


def without_chat(tokenizer):
    for name in CHAT:
        del tokenizer.specials[name]
    return tokenizer


@pytest.fixture(scope="module")
def talker():
    return model_with()


@pytest.fixture(scope="module")
def plain():
    return model_with(chat=False)


def test_a_conversation_is_asked_answered_undone_and_reset():
    chat = answered(asked(Chat(system="Be brief."), "Hello!"), "Hi.")
    assert chat.said == (Turn("system", "Be brief."), Turn("user", "Hello!"), Turn("assistant", "Hi."))
    again = asked(chat, "And now?")
    assert undone(again) == chat
    assert undone(chat).turns == ()
    assert undone(undone(chat)).turns == ()
    assert reset(again) == Chat(system="Be brief.")
    assert with_system(chat, "  ").said == chat.turns


def test_a_message_is_refused_where_it_is_empty_or_an_answer_is_due():
    with pytest.raises(BadUse, match="empty"):
        asked(Chat(), " \n")
    with pytest.raises(BadUse, match="no answer yet"):
        asked(asked(Chat(), "One"), "Two")


@pytest.mark.parametrize("which", ["talker", "plain"])
@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.0])
def test_the_pieces_of_an_answer_are_what_the_engine_generates_at_once(which, temperature, request):
    model = request.getfixturevalue(which)
    ids = prompt_ids(model.tokenizer, (Turn("user", "Return it"),))
    for seed in range(6):
        sampling = Sampling(max_new_tokens=24, temperature=temperature, seed=seed, stop=stops_of_chat(model))
        pieces = list(answer(model, ids, sampling, number=0))
        whole = generate(model.network, Ending(end_of(model), model.tokenizer.decode), [ids], sampling)[0]
        specials = set(model.tokenizer.specials.values())
        cut = next((i for i, one in enumerate(whole.ids) if one in specials), len(whole.ids))
        assert "".join(piece.text for piece in pieces) == pieces[-1].completion.text
        assert pieces[-1].completion.ids == whole.ids[:cut]
        assert [piece.completion is None for piece in pieces] == [True] * (len(pieces) - 1) + [False]


def test_what_was_shown_never_changes_though_the_text_of_the_tokens_so_far_does(talker):
    ids = prompt_ids(talker.tokenizer, (Turn("user", "\U0001f600"),))
    changed = 0
    for seed in range(8):
        sampling, shown, shows = Sampling(max_new_tokens=30, temperature=2.0, seed=seed), "", []
        for piece in answer(talker, ids, sampling):
            shown += piece.text
            shows.append(shown)
        ids_of, text = piece.completion.ids, piece.completion.text
        assert all(text.startswith(one) for one in shows)
        changed += sum(not text.startswith(talker.tokenizer.decode(ids_of[:n])) for n in range(len(ids_of)))
    assert changed > 0


@given(st.text(max_size=12), st.sampled_from([(), ("\n\nUser:",), ("ab", "b c")]), st.data())
def test_what_is_settled_is_the_start_of_every_text_that_follows(text, stop, data):
    whole = text.encode("utf-8", "replace")
    some = whole[: data.draw(st.integers(0, len(whole)))].decode("utf-8", "replace")
    end = text.encode("utf-8", "replace").decode()
    cut = min([end.find(one) for one in stop if one in end], default=len(end))
    if not any(one in some for one in stop):
        assert end[:cut].startswith(settled(some, stop))


def test_a_special_token_ends_an_answer_so_that_no_model_speaks_as_the_user(talker):
    ids = prompt_ids(talker.tokenizer, (Turn("user", "Return it"),))
    ended = [list(answer(talker, ids, Sampling(max_new_tokens=50, temperature=3.0, seed=n)))[-1] for n in range(30)]
    names = [name for name in talker.tokenizer.specials if any(name in one.completion.text for one in ended)]
    assert not names
    assert {one.completion.finish for one in ended} >= {"end"}


def test_turns_of_a_conversation_draw_differently(talker):
    ids = prompt_ids(talker.tokenizer, (Turn("user", "Return it"),))
    sampling = Sampling(max_new_tokens=20, temperature=1.0, seed=1)
    first, again, next_turn = (list(answer(talker, ids, sampling, number=n))[-1].completion.ids for n in (0, 0, 1))
    assert first == again != next_turn


def test_the_beginning_is_cut_by_pairs_and_the_system_message_stays(talker):
    chat = Chat(system="Be brief.")
    for n in range(6):
        chat = answered(asked(chat, f"Return the value {n}"), f"The key {n}")
    chat = asked(chat, "And the default?")
    found = kept(talker, chat, 10)
    assert found.left_out in (2, 4, 6, 8, 10, 12)
    ids = prompt_ids(talker.tokenizer, (Turn("system", "Be brief."), *chat.turns[found.left_out :]))
    assert found.ids == ids
    assert len(ids) + 10 <= 64
    more = prompt_ids(talker.tokenizer, (Turn("system", "Be brief."), *chat.turns[found.left_out - 2 :]))
    assert len(more) + 10 > 64
    assert kept(talker, asked(Chat(), "Return"), 10).left_out == 0


def test_a_message_that_does_not_fit_alone_is_refused_with_its_length(talker):
    with pytest.raises(BadUse, match="the context holds 64"):
        kept(talker, asked(Chat(), "Return the value of the key " * 30), 10)
    with pytest.raises(BadUse, match="needs at least one"):
        kept(talker, Chat(), 10)


def test_room_for_answers_is_half_of_a_small_context(talker):
    assert room_for_answers(talker, None) == 32
    assert room_for_answers(talker, 5) == 5
    for wrong in (0, 64):
        with pytest.raises(BadUse, match="give 1 to 63"):
            room_for_answers(talker, wrong)


def test_a_transcript_stops_where_the_model_would_speak_as_the_user(plain):
    assert stops_of_chat(plain) == TRANSCRIPT_STOPS
    assert settled("Hello.\n\nUs", TRANSCRIPT_STOPS) == "Hello."
    assert settled("Hello.\n\nUse it", TRANSCRIPT_STOPS) == "Hello.\n\nUse it"
