"""How written answers are compared with the right ones, and how groups and classes are counted.

    exact_answer      the text as it is                         arithmetic, word scrambling
    first_word        the first word, the rest aside            LAMBADA (Paperno et al. 2016)
    exact_match, f1   after SQuAD's normalisation               question answering (Rajpurkar et al. 2016)
    drop_f1           numbers must be right, spans overlap      DROP (Dua et al. 2019)
    group_accuracy    a group is right as a whole or not        MultiRC (Khashabi et al. 2018)
    f1_macro          the mean over classes                     CommitmentBank (Wang et al. 2019)

Each compares one output with all answers that are accepted and gives the best value, 0 to 1.
"""

import re
import string
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence

ARTICLES = re.compile(r"\b(?:a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
WITHIN_WORDS = ("'", "\u2019", "-")
FIRST_WORD = re.compile(r"[\s\"'(\u2018\u2019\u201c\u201d]*(\w+(?:['\u2019-]\w+)*)")
BETWEEN_WORDS = re.compile(r"[ \-]")  # DROP takes the parts of a hyphened word one by one


def exact_answer(output: str, answers: Sequence[str]) -> float:
    """1 if the output is one of the answers, white space at both ends aside."""
    return float(output.strip() in {answer.strip() for answer in answers})


def first_word(output: str, answers: Sequence[str]) -> float:
    """1 if the first word of the output is that of an answer, letter for letter; 0 where either has none.

    Our reading, as no paper tells theirs: quotation marks before a word are no part of it, an apostrophe or hyphen
    within it is.
    """
    word, _ = word_and_rest(output)
    return float(bool(word) and word in {word_and_rest(answer)[0] for answer in answers})


def word_ended(output: str) -> bool:
    """Whether something follows the first word of an output, so that it could not have gone on."""
    word, rest = word_and_rest(output)
    return bool(word) and rest not in ("", *WITHIN_WORDS)


def word_and_rest(text: str) -> tuple[str, str]:
    """The first word without what opens a quotation before it, and what follows; no word if another sign is first."""
    found = FIRST_WORD.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)


def normal_answer(text: str) -> str:
    """The text in lower case without ASCII punctuation, English articles and repeated white space (SQuAD)."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def exact_match(output: str, answers: Sequence[str]) -> float:
    """1 if the normalised output equals a normalised answer.

    Our choice: where nothing is left of both, as of "A" and "", the texts themselves are compared.
    """
    return best_of(same, output, answers)


def f1(output: str, answers: Sequence[str]) -> float:
    """The harmonic mean of precision and recall over normalised words, each counted as often as it occurs.

    Where one side has no words left, it is exact_match.
    """
    return best_of(word_f1, output, answers)


def best_of(measure: Callable[[str, str], float], output: str, answers: Sequence[str]) -> float:
    """The largest value over the answers, 0 where there is none."""
    return max((measure(output, answer) for answer in answers), default=0.0)


def same(output: str, answer: str) -> float:
    """1 if both are the same after normalisation; the texts decide where nothing is left of both."""
    one, other = normal_answer(output), normal_answer(answer)
    if not one and not other:
        return exact_answer(output.lower(), [answer.lower()])
    return float(one == other)


def word_f1(output: str, answer: str) -> float:
    """The F1 of the words of one output and one answer."""
    said, wanted = normal_answer(output).split(), normal_answer(answer).split()
    if not said or not wanted:
        return same(output, answer)
    return overlap_f1(Counter(said), Counter(wanted))


def overlap_f1(said: Counter[str], wanted: Counter[str]) -> float:
    """2 |both| / (|said| + |wanted|), which is the harmonic mean of precision and recall."""
    return 2 * (said & wanted).total() / max(said.total() + wanted.total(), 1)


def drop_f1(output: str, answers: Sequence[str | Sequence[str]]) -> float:
    """DROP's F1 of an output as one span; an answer of several spans is a sequence, of which one can be met.

    Words lose case, punctuation and articles, numbers become one form (7, 7.0); bags of words are compared, and a gold
    span with a number gives 0 unless the output holds one of its numbers. With n gold spans the output meets the best
    one, and the value is a share 1/n of it, as the official script averages over the longer side. Our choice: it is not
    rounded to two digits there.
    """
    said = drop_bag(output)
    spans = [[answer] if isinstance(answer, str) else list(answer) for answer in answers]
    values = [max(drop_span_f1(said, drop_bag(span)) for span in gold) / len(gold) for gold in spans if gold]
    return max(values, default=0.0)


def drop_span_f1(said: frozenset[str], wanted: frozenset[str]) -> float:
    """The F1 of two sets of words, 0 where the gold one has numbers and shares none."""
    numbers = {word for word in wanted if number(word) is not None}
    if numbers and not numbers & said:
        return 0.0
    if not said or not wanted:
        return float(said == wanted)
    return 2 * len(said & wanted) / (len(said) + len(wanted))


def drop_bag(text: str) -> frozenset[str]:
    """The words of a span as DROP's script makes them, as a set."""
    return frozenset(word for part in BETWEEN_WORDS.split(text.lower()) if (word := drop_word(part)))


def drop_word(part: str) -> str:
    """A word without punctuation and articles, or the one form of a number."""
    value = number(part)
    if value is None:
        bare = part.translate(PUNCTUATION)
        value = number(bare)
        part = " ".join(ARTICLES.sub(" ", bare).split())
    return part if value is None else str(value)


def number(text: str) -> float | None:
    """The number that a text is, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def group_accuracy(right: Sequence[bool], groups: Sequence[str]) -> tuple[int, int]:
    """The groups of which every question is right, and the groups."""
    whole: defaultdict[str, bool] = defaultdict(lambda: True)
    for correct, group in zip(right, groups, strict=True):
        whole[group] &= bool(correct)
    return sum(whole.values()), len(whole)


def f1_macro(predicted: Sequence[Hashable], gold: Sequence[Hashable]) -> float:
    """The unweighted mean of F1 over the classes that are predicted or right anywhere; 0 without any."""
    hits = Counter(a for a, b in zip(predicted, gold, strict=True) if a == b)
    size = Counter(predicted) + Counter(gold)  # 2 TP + FP + FN of each class
    return sum(2 * hits[name] / size[name] for name in size) / max(len(size), 1)
