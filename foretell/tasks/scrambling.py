"""Words whose letters are moved or mixed with symbols (Brown et al. 2020, section 3.9.2): `asinoc =` ` casino`.

    cycle_letters_in_word       its letters rotated                        lyinevitab = inevitably
    mid_word_1_anagrams         all but the first and last letter mixed    criroptuon = corruption
    mid_word_2_anagrams         all but the first and last two mixed       opoepnnt = opponent
    random_insertion_in_word    a symbol or space between all letters      s.u!c/c!e.s s i/o/n = succession
    reversed_words              written backwards                          stcejbo = objects

The files of openai/gpt-3's folder `data` are used where they are found: 10000 rows of words of 6 to 15 letters (5 to 15
for the first anagrams; the paper says more than 4 and fewer than 15). Elsewhere the commonest words of the same lengths
in the documentation of this machine are scrambled: their number and choice differ a little between machines.

In the files a rotation or an anagram differs from its word wherever that can be, which we do too: what stays as it was
are words such as `summer` for the second anagrams, and a model that copies scores them (1.93 % of the original file).
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from random import Random

from foretell.errors import Failed
from foretell.tasks.item import Free
from foretell.tasks.options import option
from foretell.tasks.source import Row, Source, found, text
from foretell.tasks.splits import Split, questions
from foretell.tasks.task import Questions, Task

INSTRUCTION = "Please unscramble the letters into a word, and write that word:"
N_QUESTIONS, N_DEMONSTRATIONS = 2000, 500
SHOTS = 100  # table H.1
SYMBOLS = " ./!"  # each a quarter of those in the file
TEXT_BYTES = 2_000_000  # of documentation: some 2800 words of 6 letters or more that stand in two documents
LEAST_DOCUMENTS = 2  # that a word stands in, or it is somebody's identifier
WORD = re.compile(r"(?<![\w.\-/'])[a-z]{5,15}(?![\w\-/(='])")
"""a small word that is no part of a name, a path or code"""
Scramble = Callable[[str, Random], str]


def load(name: str, scramble: Scramble, shortest: int, source: Source) -> Questions:
    """The rows of the file of that name, else scrambled words of this machine; demonstrations are other words."""
    if found(source, name) is not None:
        return questions(source, name, item_of, Split(files=(name,)))
    made = generated(name, scramble, shortest, source.seed)
    return Questions(items=made[N_DEMONSTRATIONS:], pool=made[:N_DEMONSTRATIONS], origin="generated")


def item_of(row: Row, name: str) -> Free:
    """A row {context, completion} as it stands; its source is what stands before ` =`."""
    context = text(row, "context", name)
    shown = context.removeprefix("\n").removesuffix(" =")
    return Free(id=name, context=context, answers=(option(text(row, "completion", name)),), source=shown)


def generated(name: str, scramble: Scramble, shortest: int, seed: int) -> list[Free]:
    """Demonstrations and questions of different words; the same for a seed on a machine."""
    draw = Random(f"{name} {seed}")
    words = [word for word in common_words() if len(word) >= shortest][: N_QUESTIONS + N_DEMONSTRATIONS]
    if len(words) <= N_DEMONSTRATIONS:
        raise Failed(f"this machine's documentation has {len(words)} words to scramble; give --data with {name}.jsonl")
    draw.shuffle(words)
    made = [(scramble(word, draw), word) for word in words]
    return [
        Free(id=f"{name}-{seed}-{number}", context=f"\n{mixed} =", answers=(f" {word}",), source=mixed)
        for number, (mixed, word) in enumerate(made)
    ]


@cache
def common_words() -> tuple[str, ...]:
    """The words of 5 to 15 letters that stand in the most documents of this machine's documentation, those first.

    Gathering the text takes two to three seconds, so it is read once in a process.
    """
    from foretell.corpus.documents import documentation

    documents: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for one in documentation(TEXT_BYTES, quiet=True):
        words = WORD.findall(one.text)
        documents.update(set(words))
        times.update(words)
    often = [word for word, n in documents.items() if n >= LEAST_DOCUMENTS]
    return tuple(sorted(often, key=lambda word: (-documents[word], -times[word], word)))


def rotated(word: str, draw: Random) -> str:
    """The word from a later letter on, its beginning at the end."""
    at = draw.randrange(1, len(word))
    return word[at:] + word[:at]


def middle_mixed(kept: int, word: str, draw: Random) -> str:
    """The word with its first and last `kept` letters in place; the others in another order, where there is one."""
    middle = list(word[kept:-kept])
    while len(set(middle)) > 1 and "".join(middle) == word[kept:-kept]:
        draw.shuffle(middle)
    return word[:kept] + "".join(middle) + word[-kept:]


def with_symbols(word: str, draw: Random) -> str:
    """The word with one symbol between every two letters."""
    return "".join(letter + draw.choice(SYMBOLS) for letter in word[:-1]) + word[-1]


def backwards(word: str, draw: Random) -> str:
    """The word from its last letter to its first; nothing is drawn."""
    return word[::-1]


def _task(name: str, about: str, scramble: Scramble, shortest: int = 6) -> Task:
    return Task(
        name=name,
        family="scrambling",
        about=about,
        load=partial(load, name, scramble, shortest),
        shots=SHOTS,
        metric="exact_answer",
        instruction=INSTRUCTION,
        separator="",
    )


TASKS: tuple[Task, ...] = (
    _task("cycle_letters_in_word", "the word whose letters were rotated", rotated),
    _task("mid_word_1_anagrams", "the word of which only the first and last letter stay", partial(middle_mixed, 1), 5),
    _task(
        "mid_word_2_anagrams", "the word of which only the first and last two letters stay", partial(middle_mixed, 2)
    ),
    _task("random_insertion_in_word", "the word with a symbol or space between its letters", with_symbols),
    _task("reversed_words", "the word that was written backwards", backwards),
)
