"""Programming problems: the beginning of a function, to be completed, and tests that its rest must pass.

The rows are HumanEval's (Chen et al. 2021, section 2.2). Where its file is not had, a dozen small problems of our own
stand in, so that a suite runs anywhere; they are far easier and compare with nothing published.
"""

from dataclasses import dataclass

from foretell.errors import BadUse
from foretell.tasks.source import Hub, NoData, Row, Source, field, rows

NAME = "humaneval"
HUB = Hub(dataset="openai/openai_humaneval", split="test")
BUILT_IN = "built in"
STOPS = ("\nclass ", "\ndef ", "\n#", "\nif ", "\nprint", "\n@")
"""where a function has ended (Chen et al. 2021, section 2.2), as texts that begin a line of the next statement"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A function to complete. `test` defines check(candidate)."""

    id: str
    prompt: str
    """up to the end of the docstring"""
    entry_point: str
    solution: str
    """a right rest, where one is known"""
    test: str


def problems(source: Source) -> tuple[list[Problem], str]:
    """HumanEval's problems where they are had, else our own; and where they come from."""
    try:
        found, origin = rows(source, NAME, HUB)
    except NoData:
        return list(OWN), BUILT_IN
    return [problem(row, f"row {i} of {origin}") for i, row in enumerate(found)], origin


def problem(row: Row, at: str) -> Problem:
    """A row as a problem. BadUse that names a field which is absent or no text."""
    given = {}
    for name, key in (("id", "task_id"), *((name, name) for name in ("prompt", "entry_point", "test"))):
        value = field(row, key, at)
        if not isinstance(value, str) or not value.strip():
            raise BadUse(f"{key!r} of {at} is {value!r}; it must be a text")
        given[name] = value
    return Problem(**given, solution=str(row.get("canonical_solution", "")))


def program(problem: Problem, completion: str) -> str:
    """What is run: the function as completed, the tests, and their call."""
    return f"{problem.prompt}{completion}\n{problem.test}\ncheck({problem.entry_point})\n"


def own(name: str, given: str, about: str, example: str, solution: str, *asserts: str) -> Problem:
    """A small problem: a function of one line, an example in its docstring, and tests."""
    call, result = example.split(" -> ")
    prompt = f'def {name}({given}):\n    """{about}\n\n    >>> {name}({call})\n    {result}\n    """\n'
    tests = "".join(f"    assert candidate({case.replace(' -> ', ') == ', 1)}\n" for case in (example, *asserts))
    test = f"def check(candidate):\n{tests}"
    return Problem(id=f"own/{name}", prompt=prompt, entry_point=name, solution=f"    {solution}\n", test=test)


OWN = (
    own("add", "a, b", "The sum of two numbers.", "2, 3 -> 5", "return a + b", "-1, 1 -> 0", "10, 32 -> 42"),
    own("last", "items", "The last item of a list.", "[1, 2, 7] -> 7", "return items[-1]", "['a'] -> 'a'"),
    own("double", "items", "Every number times two.", "[1, 4] -> [2, 8]", "return [2 * x for x in items]", "[] -> []"),
    own("is_even", "n", "Whether a number is even.", "4 -> True", "return n % 2 == 0", "7 -> False", "0 -> True"),
    own("largest", "items", "The largest number.", "[3, 9, 2] -> 9", "return max(items)", "[-5, -8] -> -5"),
    own("reverse", "text", "The text backwards.", "'abc' -> 'cba'", "return text[::-1]", "'' -> ''", "'ab' -> 'ba'"),
    own(
        "vowels", "text", "How many of a, e, i, o, u there are.", "'banana' -> 3",
        "return sum(letter in 'aeiou' for letter in text)", "'xyz' -> 0", "'education' -> 5",
    ),
    own(
        "factorial", "n", "The product of 1 to n.", "4 -> 24",
        "return 1 if n < 2 else n * factorial(n - 1)", "0 -> 1", "6 -> 720",
    ),
    own(
        "shared", "a, b", "What both lists have, in order and once.", "[3, 1, 2], [2, 3, 9] -> [2, 3]",
        "return sorted(set(a) & set(b))", "[1], [2] -> []", "[5, 5], [5] -> [5]",
    ),
    own(
        "is_palindrome", "text", "Whether a text reads the same backwards.", "'level' -> True",
        "return text == text[::-1]", "'lever' -> False", "'' -> True", "'ab' -> False",
    ),
)  # fmt: skip
