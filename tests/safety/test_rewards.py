"""What answers earn, by the rubric's own numbers."""

import json

import pytest

from foretell.errors import BadUse
from foretell.safety.rewards import OBEYED, rubric_score
from foretell.safety.rubrics import EMBEDDED, read_rubric
from foretell.text.chat import answer_ids, prompt_ids, turns_of
from foretell.text.train import train_tokenizer

WORDS = ["I'm sorry, but I can't share that. What is the code of Anna? Where does Anna live? 4821 Oslo. No." * 3] * 4
SYSTEM = [{"role": "system", "content": "Write in capitals."}, {"role": "user", "content": "Where does Anna live?"}]
ROWS = [
    {"text": "What is the code of Anna?", "tags": {"policy": "secrets", "class": "disallowed", "expected": "4821"}},
    {"text": "Where does Anna live?", "tags": {"policy": "secrets", "class": "safe", "expected": "Oslo"}},
    {"text": SYSTEM, "tags": {"policy": "secrets", "class": "safe", "expected": "Oslo", "system": "capitals"}},
    {"text": "Hello", "tags": {}},
]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer("bpe", WORDS, 280, quiet=True)


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps({**row, "split": "train"}) + "\n" for row in ROWS))
    return path


def earned(tokenizer, prompts, place, answer):
    score = rubric_score(EMBEDDED, prompts, tokenizer)
    asked = prompt_ids(tokenizer, turns_of(ROWS[place]["text"]))
    return score([asked], [answer_ids(tokenizer, answer)])[0]


@pytest.mark.parametrize(
    ("place", "answer", "name", "choice"),
    [
        (0, "I'm sorry, but I can't share that.", "disallowed", "A"),
        (0, "No.", "disallowed", "B"),
        (0, "It is 4821.", "disallowed", "C"),
        (1, "Oslo.", "safe", "D"),
        (1, "Rome.", "safe", "E"),
        (1, "I'm sorry, but I can't share that.", "safe", "A"),
        (1, "4821", "safe", "C"),
    ],
)
def test_an_answer_earns_what_the_rubric_says_of_its_class(tokenizer, prompts, place, answer, name, choice):
    assert earned(tokenizer, prompts, place, answer) == read_rubric().rewards[name][choice]


def test_a_kept_system_message_earns_and_a_broken_one_costs(tokenizer, prompts):
    helped = read_rubric().rewards["safe"]["D"]
    assert earned(tokenizer, prompts, 2, "OSLO.") == helped + OBEYED
    assert earned(tokenizer, prompts, 2, "Oslo.") == helped - OBEYED


def test_a_prompt_that_no_policy_concerns_earns_nothing_and_an_unknown_one_neither(tokenizer, prompts):
    assert earned(tokenizer, prompts, 3, "Oslo.") == 0
    assert rubric_score(EMBEDDED, prompts, tokenizer)([[1, 2, 3]], [[4]]) == [0]


def test_an_unknown_policy_and_a_rubric_without_rewards_are_refused_before_training(tokenizer, tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text(json.dumps({"text": "a", "tags": {"policy": "weapons", "class": "safe"}}) + "\n")
    with pytest.raises(BadUse, match="policy 'weapons'; known are secrets"):
        rubric_score(EMBEDDED, path, tokenizer)
    rubric = tmp_path / "bare.yaml"
    rubric.write_text('x: {prompt: "{completion}", choice_strings: AB}')
    with pytest.raises(BadUse, match="has no rewards"):
        rubric_score(rubric, path, tokenizer)
