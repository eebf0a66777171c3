"""An exam that is always there: two sections by letter, with explanations. Written here, of no institution.

    arithmetic    30 questions, the same on every machine for a seed; wrong options are near misses
    knowledge     30 questions that were written for this file

The right letter is each of A to D as often as the others.
"""

from collections.abc import Sequence
from random import Random

from foretell.tasks.exam_questions import Question, question_id
from foretell.tasks.source import Source

N_ARITHMETIC, N_EXAMPLES, N_OPTIONS = 30, 5, 4
ARITHMETIC, KNOWLEDGE = "arithmetic", "common knowledge"
STEPS = (1, 2, 10)  # from the right option to the near misses
Written = tuple[str, str, tuple[str, str, str], str]


def arithmetic(source: Source) -> tuple[list[Question], list[Question], str]:
    """The questions, those for demonstrations, and `generated`."""
    draw = Random(f"exam arithmetic {source.seed}")
    made: dict[str, Written] = {}
    while len(made) < N_ARITHMETIC + N_EXAMPLES:
        written = sum_question(draw, len(made))
        made.setdefault(written[0], written)
    questions = placed("exam_arithmetic", list(made.values()))
    return questions[N_EXAMPLES:], questions[:N_EXAMPLES], "generated"


def sum_question(draw: Random, number: int) -> Written:
    """A sum, a difference or a product in turn, with three near misses."""
    kind = number % 3
    if kind == 0:
        a, b = draw.randint(10, 99), draw.randint(10, 99)
        text, value = f"{a} plus {b}", a + b
    elif kind == 1:
        a, b = sorted((draw.randint(10, 99), draw.randint(10, 99)), reverse=True)
        text, value = f"{a} minus {b}", a - b
    else:
        a, b = draw.randint(2, 12), draw.randint(2, 12)
        text, value = f"{a} times {b}", a * b
    below = [value - step for step in STEPS if value >= step]
    n_below = min(draw.randrange(N_OPTIONS), len(below))  # so that the right one is no more often in the middle
    misses = below[:n_below] + [value + step for step in STEPS[: N_OPTIONS - 1 - n_below]]
    first, second, third = map(str, draw.sample(misses, len(misses)))
    return f"What is {text}?", str(value), (first, second, third), f"{text} is {value}."


def knowledge(source: Source) -> tuple[list[Question], list[Question], str]:
    """The questions, those for demonstrations, and `written here`."""
    questions = placed("exam_knowledge", written(QUESTIONS))
    return questions[N_EXAMPLES:], questions[:N_EXAMPLES], "written here"


def written(text: str) -> list[Written]:
    """The questions of a text: a line of `question | right | three wrong ones`, and a line that explains it."""
    lines = text.splitlines()
    found: list[Written] = []
    for asked, explanation in zip(lines[::2], lines[1::2], strict=True):
        question, right, first, second, third = asked.split(" | ")
        found.append((question, right, (first, second, third), explanation.strip()))
    return found


def placed(exam: str, made: Sequence[Written]) -> list[Question]:
    """The questions with the right option at each place in turn."""
    found = []
    for i, (text, right, wrong, explanation) in enumerate(made):
        gold = (i * 3 + i // N_OPTIONS) % N_OPTIONS  # each letter once in four questions, in no fixed cycle
        options = (*wrong[:gold], right, *wrong[gold:])
        name = question_id(exam, text, options)
        found.append(Question(id=name, question=text, options=options, gold=gold, explanation=explanation))
    return found


QUESTIONS = """\
How many legs does a spider have? | eight | four | six | ten
    Spiders are arachnids, and arachnids have eight legs.
Which planet is nearest to the sun? | Mercury | Venus | Mars | Jupiter
    From the sun outwards the planets are Mercury, Venus, Earth and Mars.
At how many degrees Celsius does water boil at sea level? | 100 | 0 | 50 | 212
    The Celsius scale puts the boiling point of water at 100 degrees.
What do bees make from nectar? | honey | milk | silk | paper
    Bees carry nectar to the hive and thicken it to honey.
Which of these words is an adjective? | quiet | quickly | run | table
    An adjective says what a noun is like, as in a quiet room.
Which gas do people need to breathe? | oxygen | helium | neon | methane
    The body burns food with oxygen.
What is the largest ocean on Earth? | the Pacific | the Atlantic | the Indian Ocean | the Arctic Ocean
    The Pacific covers about a third of the surface of the Earth.
How many days are there in a leap year? | 366 | 364 | 365 | 367
    A leap year adds the 29th of February to 365 days.
Which shape has exactly three sides? | a triangle | a square | a circle | a pentagon
    The word says it: three angles, and as many sides.
Who wrote the play Hamlet? | William Shakespeare | Charles Dickens | Jane Austen | Mark Twain
    Hamlet is a tragedy by Shakespeare from about 1600.
Which metal is liquid at room temperature? | mercury | iron | copper | gold
    Mercury melts at 39 degrees below zero Celsius.
What is the capital of France? | Paris | Lyon | Madrid | Rome
    The government of France sits in Paris.
Which animal is a mammal? | a whale | a shark | a penguin | a frog
    Whales breathe air and feed their young with milk.
Which part of a plant takes up water from the soil? | the root | the leaf | the flower | the fruit
    Roots grow in the soil and take up water.
How many minutes are there in two hours? | 120 | 60 | 100 | 200
    An hour has 60 minutes, and twice 60 is 120.
On which continent is Egypt? | Africa | Europe | South America | Australia
    Egypt is in the north-east of Africa.
What is frozen water called? | ice | steam | fog | dew
    Water below zero degrees Celsius is solid, and solid water is ice.
Which colour do blue and yellow paint make together? | green | purple | orange | brown
    Blue paint takes red away and yellow paint takes blue away, so that green is left.
In which season do leaves fall from many trees? | autumn | spring | summer | midsummer
    Many trees shed their leaves in autumn, before the cold.
Which instrument has keys, strings and pedals? | the piano | the flute | the drum | the trumpet
    The keys of a piano strike strings, and pedals change the sound.
What does a thermometer measure? | temperature | weight | length | time
    Thermo means heat: it measures temperature.
What is the opposite of ancient? | modern | old | broken | huge
    Ancient means very old, and modern means of our time.
How many sides do two squares have together? | eight | four | six | twelve
    A square has four sides, and twice four is eight.
Which organ pumps blood through the body? | the heart | the liver | the lung | the stomach
    The heart is a muscle that drives the blood.
In which direction does the sun rise? | in the east | in the north | in the south | in the west
    The Earth turns towards the east, so that the sun comes up there.
Which of these numbers is prime? | 13 | 9 | 15 | 21
    9, 15 and 21 can be divided by 3; 13 by 1 and itself alone.
Anna is older than Ben, and Ben is older than Carl. Who is the youngest? | Carl | Anna | Ben | It cannot be known.
    Anna is older than Ben and Ben older than Carl, so Carl is younger than both.
All roses are flowers. This is a rose. What is it for certain? | a flower | a red flower | a tree | no flower
    What is true of all roses is true of this one.
Which unit is used for distance? | the kilometre | the litre | the kilogram | the second
    Litres measure volume, kilograms mass and seconds time.
Which of these is the smallest? | an ant | a cat | a horse | an elephant
    An ant is a few millimetres long.
What is the past tense of to go? | went | goed | gone | goes
    The verb is irregular: go, went, gone.
What falls from clouds in winter as flakes? | snow | hail | sand | dust
    Snow is made of crystals of ice that hang together as flakes.
How many letters are there in the word garden? | six | four | five | seven
    The letters are g, a, r, d, e and n, which are six.
If it is Monday today, which day is it in three days? | Thursday | Tuesday | Wednesday | Friday
    One day after Monday is Tuesday, two days Wednesday, three days Thursday.
What do plants need light for? | to make sugar from air and water | to keep warm | to scare insects | to pull up water
    With the energy of light, plants make sugar from water and carbon dioxide of the air.
"""
