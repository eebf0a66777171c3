import json
from random import Random

import pytest

from foretell.errors import Failed
from foretell.tasks import scrambling
from foretell.tasks.item import Free
from foretell.tasks.scrambling import TASKS, backwards, common_words, middle_mixed, rotated, with_symbols
from foretell.tasks.source import Source
from tests.tasks.made_rows import real
from tests.tasks.prompts import few_shot, zero_shot

BY_NAME = {task.name: task for task in TASKS}
SHORTEST = {name: 5 if name == "mid_word_1_anagrams" else 6 for name in BY_NAME}


def unscrambles(name, mixed, word):
    """The slow twin: whether this scramble is one of this word."""
    if name == "cycle_letters_in_word":
        return mixed in {word[at:] + word[:at] for at in range(1, len(word))}
    if name == "reversed_words":
        return "".join(reversed(mixed)) == word
    if name == "random_insertion_in_word":
        return len(mixed) == 2 * len(word) - 1 and mixed[::2] == word and set(mixed[1::2]) <= set(" ./!")
    kept = 1 if name == "mid_word_1_anagrams" else 2
    same_ends = (mixed[:kept], mixed[-kept:]) == (word[:kept], word[-kept:])
    moved = mixed != word or len(set(word[kept:-kept])) == 1
    return same_ends and sorted(mixed) == sorted(word) and moved


@pytest.fixture(scope="module")
def generated():
    return {task.name: task.load(Source()) for task in TASKS}


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_NAME)
def test_every_generated_scramble_is_one_of_its_word(generated, name):
    found = generated[name]
    assert len(found.items) > 1000
    assert len(found.pool) == 500
    for item in (*found.items, *found.pool):
        word = item.answers[0].removeprefix(" ")
        assert item.context == f"\n{item.source} ="
        assert unscrambles(name, item.source, word), item
        assert SHORTEST[name] <= len(word) <= 15
        assert word.isascii()
        assert word.isalpha()
        assert word.islower()


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_NAME)
def test_no_word_is_asked_and_demonstrated(generated, name):
    items, pool = ({item.answers for item in side} for side in (generated[name].items, generated[name].pool))
    assert len(items) + len(pool) == len(generated[name].items) + len(generated[name].pool)
    assert not items & pool


@pytest.mark.slow
def test_a_seed_gives_the_same_scrambles_and_another_seed_others(generated):
    task = BY_NAME["mid_word_1_anagrams"]
    assert task.load(Source()) == generated[task.name]
    assert task.load(Source(seed=1)).items != generated[task.name].items


@pytest.mark.slow
def test_the_words_are_common_english_words():
    words = common_words()
    assert len(set(words)) == len(words) > 2500
    assert {"value", "which", "function", "between"} <= set(words[:400])


def test_a_machine_without_text_says_which_file_to_give(monkeypatch):
    monkeypatch.setattr(scrambling, "common_words", lambda: ("corruption",))
    with pytest.raises(Failed, match=r"1 words to scramble; give --data with reversed_words.jsonl"):
        BY_NAME["reversed_words"].load(Source())


@pytest.mark.parametrize("word", ["summer", "abcdefg", "aabbaabb", "corruption"])
def test_each_way_to_scramble_keeps_to_its_definition(word):
    draw = Random(0)
    ways = {
        "cycle_letters_in_word": rotated,
        "mid_word_1_anagrams": lambda word, draw: middle_mixed(1, word, draw),
        "mid_word_2_anagrams": lambda word, draw: middle_mixed(2, word, draw),
        "random_insertion_in_word": with_symbols,
        "reversed_words": backwards,
    }
    assert set(ways) == set(BY_NAME)
    for name, scramble in ways.items():
        assert all(unscrambles(name, scramble(word, draw), word) for _ in range(50)), name


def test_all_rotations_and_all_other_orders_of_the_middle_occur():
    draw = Random(0)
    assert {rotated("abcdef", draw) for _ in range(200)} == {"bcdefa", "cdefab", "defabc", "efabcd", "fabcde"}
    orders = {middle_mixed(1, "abcde", draw) for _ in range(200)}
    assert orders == {"abdce", "acbde", "acdbe", "adbce", "adcbe"}
    assert {middle_mixed(2, "abccde", draw) for _ in range(20)} == {"abccde"}  # no other order there


def test_symbols_are_uniform():
    found = "".join(with_symbols("aaaaaaaaaaaaaaa", Random(seed))[1::2] for seed in range(300))
    assert all(abs(found.count(symbol) - 1050) < 4.5 * 28 for symbol in " ./!")


def test_the_prompt_is_the_papers():
    task = BY_NAME["cycle_letters_in_word"]
    one = Free(id="0", context="\nasinoc =", answers=(" casino",))
    two = Free(id="1", context="\nlyinevitab =", answers=(" inevitably",))
    start = "Please unscramble the letters into a word, and write that word:\n"
    assert zero_shot(task, one) == f"{start}asinoc ="
    assert few_shot(task, [one], two) == f"{start}asinoc = casino\nlyinevitab ="


def test_what_a_copying_model_would_answer_goes_with_each_row(tmp_path):
    rows = [{"context": "\ns.u!m m/e.r =", "completion": " summer"}]
    (tmp_path / "random_insertion_in_word.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (item,) = BY_NAME["random_insertion_in_word"].load(Source(folders=(tmp_path,))).items
    assert (item.source, item.answers) == ("s.u!m m/e.r", (" summer",))


@pytest.mark.parametrize("name", BY_NAME)
def test_every_real_row_keeps_to_the_definition(shared_data, name):
    items = real(name, shared_data / "gpt3-tasks").items
    assert len(items) > 1000
    for item in items:
        word = item.answers[0].removeprefix(" ")
        assert unscrambles(name, item.source, word), item
        assert SHORTEST[name] <= len(word) <= 15


def test_a_model_that_copies_scores_what_the_files_give_away(shared_data):
    copied = {}
    for name, task in BY_NAME.items():
        items = real(task.name, shared_data / "gpt3-tasks").items
        copied[name] = sum(f" {item.source}" == item.answers[0] for item in items) / len(items)
    assert 0.015 < copied.pop("mid_word_2_anagrams") < 0.023  # 1.93 % of the 10000 rows
    assert set(copied.values()) == {0.0}
