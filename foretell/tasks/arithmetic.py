"""Arithmetic in words (Brown et al. 2020, section 3.9.1): `Q: What is 48 plus 76?` `A: 124`.

The files of openai/gpt-3's folder `data` are used where they are found. Their rows carry their own separators, so a
prompt is the rows one after the other. Elsewhere the questions are generated as those files are: 2000 different ones,
operands uniform in [0, 10^n), so that about a tenth of the two-digit numbers have one digit; differences may be
negative; the three operands of a composite are 1 to 9 (the paper says [0, 10)), its two operations drawn from + - *.

Six-digit sums and differences and the sum of digits are in that folder and not in the paper: nobody tuned on them.
"""

from collections.abc import Callable
from functools import partial
from random import Random

from foretell.tasks.item import Free
from foretell.tasks.options import option
from foretell.tasks.source import Row, Source, found, text
from foretell.tasks.splits import Split, questions
from foretell.tasks.task import Questions, Task

N_QUESTIONS, N_DEMONSTRATIONS = 2000, 500
SHOTS = 50  # table H.1
WORDS = {"+": "plus", "-": "minus", "*": "times"}
DIGITS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
Make = Callable[[Random], tuple[str, int]]
"""draws an expression as the question says it, and its value"""


def load(name: str, make: Make, source: Source) -> Questions:
    """The rows of the file of that name, else generated questions; demonstrations are other questions."""
    if found(source, name) is not None:
        return questions(source, name, item_of, Split(files=(name,)))
    made = generated(name, make, source.seed)
    return Questions(items=made[:N_QUESTIONS], pool=made[N_QUESTIONS:], origin="generated")


def item_of(row: Row, name: str) -> Free:
    """A row {context, completion} as it stands."""
    return Free(id=name, context=text(row, "context", name), answers=(option(text(row, "completion", name)),))


def generated(name: str, make: Make, seed: int) -> list[Free]:
    """Different questions, the same for a seed on every machine."""
    draw = Random(f"{name} {seed}")
    made: dict[str, int] = {}
    while len(made) < N_QUESTIONS + N_DEMONSTRATIONS:
        expression, value = make(draw)
        made.setdefault(expression, value)
    return [
        Free(id=f"{name}-{seed}-{number}", context=f"\n\nQ: What is {asked}?\n\nA:", answers=(f" {value}",))
        for number, (asked, value) in enumerate(made.items())
    ]


def two_operands(n_digits: int, operation: str, draw: Random) -> tuple[str, int]:
    """`48 plus 76` and 124."""
    a, b = draw.randrange(10**n_digits), draw.randrange(10**n_digits)
    return f"{a} {WORDS[operation]} {b}", value(a, operation, b)


def three_operands(draw: Random) -> tuple[str, int]:
    """`(2 * 4) * 6` and 48: the first operation is always the one in parentheses."""
    a, b, c = (draw.randint(1, 9) for _ in range(3))
    first, second = draw.choice("+-*"), draw.choice("+-*")
    return f"({a} {first} {b}) {second} {c}", value(value(a, first, b), second, c)


def digits_of_number(draw: Random) -> tuple[str, int]:
    """`the sum of the digits of the number 8606` and 20; numbers below 10000."""
    number = draw.randrange(10_000)
    return f"the sum of the digits of the number {number}", sum(map(int, str(number)))


def value(a: int, operation: str, b: int) -> int:
    """a operation b."""
    return a + b if operation == "+" else a - b if operation == "-" else a * b


def _task(name: str, about: str, make: Make) -> Task:
    return Task(
        name=name,
        family="arithmetic",
        about=about,
        load=partial(load, name, make),
        shots=SHOTS,
        metric="exact_answer",
        separator="",
    )


def _sums(digits: str, n_digits: int) -> tuple[Task, Task]:
    unused = "" if n_digits < 6 else "; not in the paper"
    return (
        _task(f"{digits}_digit_addition", f"the sum of two numbers below 10^{n_digits}{unused}", _two(n_digits, "+")),
        _task(
            f"{digits}_digit_subtraction",
            f"the difference, perhaps negative, of two numbers below 10^{n_digits}{unused}",
            _two(n_digits, "-"),
        ),
    )


def _two(n_digits: int, operation: str) -> Make:
    return partial(two_operands, n_digits, operation)


TASKS: tuple[Task, ...] = (
    *(task for digits, n_digits in DIGITS.items() for task in _sums(digits, n_digits)),
    _task("two_digit_multiplication", "the product of two numbers below 100", _two(2, "*")),
    _task("single_digit_three_ops", "two operations on three digits, one in parentheses", three_operands),
    _task("sum_of_digits", "the sum of the digits of a number below 10000; not in the paper", digits_of_number),
)
