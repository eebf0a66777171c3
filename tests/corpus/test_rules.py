import gzip
import json
import random
import time
from collections import Counter
from dataclasses import replace

import pytest

from foretell.corpus.rules import STOP_WORDS, RulesConfig, reasons
from foretell.errors import BadUse

DEFAULT = RulesConfig()
LAX = RulesConfig(
    min_words=0,
    max_words=10**9,
    min_mean_word=0,
    max_mean_word=10**9,
    max_symbols=10**9,
    max_bullets=1,
    max_ellipses=1,
    min_lettered=0,
    min_stop_words=0,
    lorem_ipsum=True,
    curly_brackets=True,
    min_sentences=0,
    max_repeated_lines=1,
    max_repeated_paragraphs=1,
    max_line_copies=1,
    max_paragraph_copies=1,
    max_top_runs=(1, 1, 1),
    max_run_copies=(1, 1, 1, 1, 1, 1),
)


def word(i):
    """The i-th of a million words of five letters."""
    return "".join(chr(ord("a") + i // 26**place % 26) for place in (0, 1, 2)) + "xy"


def prose(n, first=0, a_line=10):
    """Lines of words that are all different, each line a sentence."""
    words = [word(first + i) for i in range(n)]
    return [" ".join(words[i : i + a_line]) + "." for i in range(0, n, a_line)]


def page(*lines):
    """A page that breaks no rule, and some lines."""
    return "\n".join(["the of and", *prose(97), *lines])


def joined(texts, between="\n"):
    return between.join(texts)


def symbols(n, mark):
    return "the of " + " ".join(joined(prose(98), " ").split()[: 98 - n]) + f" {mark}" * n


def letterless(n):
    words = joined(prose(98 - n), " ").split() + [str(10000 + i) for i in range(n)]
    return "The of, " + " ".join(words) + " a. b. c."


def bulleted(n, of):
    lines = prose(10 * of)
    return joined([("\u2022 " if i < n else "the of ") + line for i, line in enumerate(lines)])


def elliptic(n, of):
    return joined([line + ("..." if i < n else "") for i, line in enumerate(["the of a.", *prose(10 * of - 10)])])


def copied_lines(n, of, long):
    """n of all lines are copies of the first, which has `long` words where the others have 20."""
    first = " ".join(word(5000 + i) for i in range(long)) + "."
    return joined([first] * (n + 1) + prose(20 * (of - n - 1), a_line=20))


def top_run(times, n, of):
    """One run of n words that occurs so many times among words that occur once."""
    words, run = [word(i) for i in range(of - times * n)], [word(9000 + i) for i in range(n)]
    step = len(words) // times
    cut = [words[i * step : (i + 1) * step if i < times - 1 else None] for i in range(times)]
    return " ".join(w for part in cut for w in (*run, *part))


def copied_runs(n, copied, of):
    """Runs of n words of which so many words stand a second time, apart from each other."""
    assert copied % n == 0
    words = [word(i) for i in range(of - copied)]
    copies = [[*words[i : i + n], word(9000 + i)] for i in range(0, copied // n * (n + 1), n + 1)]
    return " ".join([*words[: len(words) - len(copies)], *(w for one in copies for w in one)])


def lone(**limits):
    return replace(LAX, **limits)


MEAN = {"min_mean_word": 3.0, "max_mean_word": 10.0}
CASES = [
    ("too few words", {"min_words": 50}, joined(prose(49)), joined(prose(50))),
    ("too many words", {"max_words": 100_000}, "of " * 100_001, "of " * 100_000),
    ("short words", MEAN, "abc " * 99 + "ab", "abc " * 100),
    ("long words", MEAN, "abcdefghij " * 99 + "abcdefghijk", "abcdefghij " * 100),
    ("many symbols", {"max_symbols": 0.1}, symbols(11, "#"), symbols(10, "#")),
    ("many symbols", {"max_symbols": 0.1}, symbols(11, "\u2026"), symbols(10, "...")),
    ("few words with letters", {"min_lettered": 0.8}, letterless(21), letterless(20)),
    ("few stop words", {"min_stop_words": 2}, "there, THE, the bee. have-not"[:20], "there, THE, bee. (WITH)"),
    ("bulleted lines", {"max_bullets": 0.9}, bulleted(10, 11), bulleted(9, 10)),
    ("lines that end with an ellipsis", {"max_ellipses": 0.3}, elliptic(4, 13), elliptic(3, 10)),
    ("lorem ipsum", {"lorem_ipsum": False}, "Lorem Ipsum dolor", "Lorem dolor ipsum"),
    ("curly bracket", {"curly_brackets": False}, "if (x) {", "if (x) }"),
    ("few sentences", {"min_sentences": 3}, 'One 1.5 x. "Two!"', 'One. "Two!" Three?'),
    ("few sentences", {"min_sentences": 3}, "A.\nB.\nSwitch JavaScript on.", "A.\nB.\nC.\nOur Privacy Policy"),
    ("repeated lines", {"max_repeated_lines": 0.3}, copied_lines(4, 13, 20), copied_lines(3, 10, 20)),
    ("characters in repeated lines", {"max_line_copies": 0.2}, copied_lines(1, 5, 21), copied_lines(1, 5, 20)),
    *[
        (
            f"most frequent run of {n} words",
            {"max_top_runs": DEFAULT.max_top_runs},
            top_run(a, n, of),
            top_run(b, n, of),
        )
        for n, a, b, of in ((2, 11, 10, 100), (3, 7, 6, 100), (4, 5, 4, 100))
    ],
    *[
        (f"repeated runs of {n} words", {"max_run_copies": (1.0,) * (n - 5) + DEFAULT.max_run_copies[n - 5 :]}, *two)
        for n, two in {
            n: (copied_runs(n, n * 7, round(n * 7 / limit - 0.51)), copied_runs(n, n * 7, round(n * 7 / limit + 0.51)))
            for n, limit in zip(range(5, 11), DEFAULT.max_run_copies, strict=True)
        }.items()
    ],
]


@pytest.mark.parametrize(("rule", "limits", "broken", "kept"), CASES)
def test_a_rule_drops_beyond_its_published_limit_and_keeps_on_it(rule, limits, broken, kept):
    assert reasons(broken, lone(**limits)).split(": ")[0] == rule
    assert reasons(broken, LAX) == ""
    assert reasons(kept, lone(**limits)) == ""
    for name, value in limits.items():
        if name != "max_run_copies":
            assert getattr(DEFAULT, name) == value


@pytest.mark.parametrize("kind", ["paragraphs", "characters"])
def test_paragraphs_are_judged_as_lines_are(kind):
    limits = lone(**{"max_repeated_paragraphs" if kind == "paragraphs" else "max_paragraph_copies": 0.3})
    name = "repeated paragraphs" if kind == "paragraphs" else "characters in repeated paragraphs"
    made = [copied_lines(n, of, 20).replace("\n", "\n \n") for n, of in ((4, 13), (3, 10))]
    assert [reasons(text, limits).split(": ")[0] for text in made] == [name, ""]
    assert reasons(copied_lines(4, 13, 20), limits) == "", "without blank lines there is one paragraph"


def test_the_limits_are_the_papers():
    found = (DEFAULT.max_repeated_lines, DEFAULT.max_repeated_paragraphs)
    assert found == (0.3, 0.3)
    assert (DEFAULT.max_line_copies, DEFAULT.max_paragraph_copies) == (0.2, 0.2)
    assert DEFAULT.max_top_runs == (0.2, 0.18, 0.16)
    assert DEFAULT.max_run_copies == (0.15, 0.14, 0.13, 0.12, 0.11, 0.1)


def test_an_ordinary_page_is_kept():
    assert reasons(page(), DEFAULT) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "too few words: 0"),
        ("{ lorem ipsum", "too few words: 3"),
        (page("Lorem ipsum {"), "lorem ipsum"),
        (page("{"), "curly bracket"),
        (page(*["The same words."] * 30), "repeated lines: 0.71"),
        (page().replace("of and", "off"), "few stop words: 1"),
        (" ".join(["with that"] * 30), "few sentences: 0"),
        (" ".join(["with that."] * 30), "most frequent run of 2 words: 1.00"),
    ],
)
def test_the_first_broken_rule_is_told_with_what_was_measured(text, reason):
    assert reasons(text, DEFAULT) == reason


def test_a_page_without_words_passes_where_no_words_are_asked():
    assert reasons("", LAX) == reasons(" \n\t", LAX) == reasons("x", LAX) == ""


def test_stop_words_are_asked_of_english_only():
    german = page().replace("the of and", "der von und")
    assert reasons(german, DEFAULT) == reasons(german, DEFAULT, "en") == "few stop words: 0"
    assert reasons(german, DEFAULT, "de") == ""


def test_languages_without_spaces_are_not_asked_for_words():
    text = "".join(chr(0x4E00 + i) for i in range(300)) + "\u3002\u4e00\uff01\u4e01\uff1f"
    assert reasons(text, DEFAULT, "zh") == ""
    assert reasons(text, DEFAULT) == "too few words: 1"
    assert reasons(text.replace("\u3002", ""), DEFAULT, "ja") == "few sentences: 2"
    assert reasons("\u0e01" * 300, DEFAULT, "th") == ""


def test_bad_words_are_whole_words_or_phrases_of_the_given_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("Zounds\n\nodd bodkins\n", encoding="utf-8")
    cfg = lone(bad_words=str(path))
    for text in ("ZOUNDS!", "(odd\nBodkins)"):
        assert reasons(text, cfg) == "bad word"
    assert reasons("zoundsy, an odd thing, bodkins", cfg) == ""


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_of_bad_words_that_cannot_be_read_is_told(tmp_path, content):
    path = tmp_path / "no.txt"
    if content:
        path.write_bytes(content)
    with pytest.raises(BadUse, match=r"no\.txt.*UTF-8"):
        reasons("any", lone(bad_words=str(path)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_bullets", 1.5),
        ("min_lettered", -1),
        ("max_line_copies", 2),
        ("max_top_runs", (0.2, 2.0)),
        ("min_words", 10**6),
        ("min_mean_word", 11),
        ("min_stop_words", 9),
        ("min_words", -1),
        ("max_words", -1),
        ("min_mean_word", -0.1),
        ("max_mean_word", float("nan")),
        ("max_symbols", -0.1),
        ("max_symbols", float("nan")),
        ("min_sentences", -1),
        ("min_lettered", float("nan")),
    ],
)
def test_limits_that_mean_nothing_are_refused(field, value):
    with pytest.raises(ValueError, match=r"0 to 8|share|swap|is no limit"):
        RulesConfig(**{field: value})


def plainly(text, cfg):
    """The slow twin of the rules on words, lines, paragraphs and runs."""
    words = text.split()
    n = len(words)
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    blocks = [[]]
    for line in text.split("\n"):
        if line.strip():
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    blocks = ["\n".join(block).strip() for block in blocks if block]
    letters = sum(any(c.isalpha() for c in one) for one in words) / n
    if letters < cfg.min_lettered:
        return f"few words with letters: {letters:.2f}"
    in_lines, in_blocks = copies_of(lines), copies_of(blocks)
    for name, share, limit in (
        ("repeated lines", in_lines[0], cfg.max_repeated_lines),
        ("repeated paragraphs", in_blocks[0], cfg.max_repeated_paragraphs),
        ("characters in repeated lines", in_lines[1], cfg.max_line_copies),
        ("characters in repeated paragraphs", in_blocks[1], cfg.max_paragraph_copies),
    ):
        if share > limit:
            return f"{name}: {share:.2f}"
    for size, limit in zip((2, 3, 4), cfg.max_top_runs, strict=True):
        share = top(words, size)
        if share > limit:
            return f"most frequent run of {size} words: {share:.2f}"
    for size, limit in zip(range(5, 11), cfg.max_run_copies, strict=True):
        share = covered(words, size, lambda run, seen: run in seen)
        if share > limit:
            return f"repeated runs of {size} words: {share:.2f}"
    return ""


def copies_of(parts):
    seen, number, characters = [], 0, 0
    for part in parts:
        if part in seen:
            number, characters = number + 1, characters + len(part)
        seen.append(part)
    return number / len(parts), characters / sum(map(len, parts))


def covered(words, size, counts):
    inside, seen = [False] * len(words), set()
    for i in range(len(words) - size + 1):
        run = tuple(words[i : i + size])
        if counts(run, seen):
            inside[i : i + size] = [True] * size
        seen.add(run)
    return sum(len(w) for w, yes in zip(words, inside, strict=True) if yes) / sum(map(len, words))


def top(words, size):
    runs = Counter(tuple(words[i : i + size]) for i in range(len(words) - size + 1))
    most = max(runs.values(), default=0)
    if most < 2:
        return 0.0
    return max(covered(words, size, lambda run, _, one=one: run == one) for one in runs if runs[one] == most)


def test_random_texts_are_judged_as_by_the_slow_twin():
    rng, found = random.Random(3), Counter()
    for _ in range(600):
        pool = [rng.choice(("a", "bc", "def", "12", "g,", "hij-k"[: rng.randint(1, 5)], word(i))) for i in range(999)]
        pool = pool[: rng.choice((2, 5, 40, 999))]
        words = rng.choices(pool, k=rng.randint(1, 150))
        if rng.random() < 0.6:
            at, size = rng.randrange(len(words)), rng.randint(1, 25)
            words[rng.randrange(len(words)) : 0] = words[at : at + size]
        between = rng.choices((" ", "\n", "\n\n", " \n\t\n"), (rng.choice((1, 20)), 1, 1, 0.5), k=len(words))
        text = "".join(w + b for w, b in zip(words, between, strict=True))
        limits = {
            "min_lettered": rng.choice((0, 0.8)),
            "max_repeated_lines": rng.choice((0.3, 1)),
            "max_repeated_paragraphs": rng.choice((0.3, 1)),
            "max_line_copies": rng.choice((0.2, 1)),
            "max_paragraph_copies": rng.choice((0.2, 1)),
            "max_top_runs": tuple(rng.choice((x, 1.0)) for x in DEFAULT.max_top_runs),
            "max_run_copies": tuple(rng.choice((x, 1.0)) for x in DEFAULT.max_run_copies),
        }
        cfg = lone(**limits)
        wanted = plainly(text, cfg)
        assert reasons(text, cfg) == wanted, text
        found[wanted.split(": ")[0]] += 1
    assert len(found) >= 12, found


def test_stop_words_are_counted_whatever_their_case():
    rng = random.Random(4)
    for _ in range(50):
        chosen = rng.sample(sorted(STOP_WORDS), rng.randint(0, 8))
        words = [
            rng.choice((str.upper, str.lower, str.title))(one) + rng.choice(("", ",", "'s", "!")) for one in chosen
        ]
        found = reasons(" ".join([*words, "other", "words"]), lone(min_stop_words=8))
        assert found == ("" if len(chosen) == 8 else f"few stop words: {len(chosen)}")


def million(kind):
    rng = random.Random(5)
    if kind == "words":
        return " ".join(word(rng.randrange(9000)) for _ in range(170_000))
    return {
        "one word": "a " * 500_000,
        "no space": "a" * 10**6,
        "marks": "!" * 10**6,
        "brackets": "." + ")" * 10**6,
    }.get(kind, "\n " * 500_000)


@pytest.mark.parametrize("kind", ["words", "one word", "no space", "marks", "brackets", "blank lines"])
def test_a_megabyte_of_anything_is_judged_in_a_second(kind):
    text, cfg = million(kind), lone(min_sentences=10**7)
    for one in (cfg, lone()):
        begun = time.process_time()
        reasons(text, one)
        assert time.process_time() - begun < 1.0


def test_real_web_text_is_mostly_kept(shared_data):
    path = shared_data / "c4-sample" / "c4.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    found = Counter(reasons(text, DEFAULT).split(": ")[0] for text in texts)
    assert found[""] > 0.8 * len(texts)
    assert not found["lorem ipsum"] + found["curly bracket"], "C4 has dropped these itself"
    assert found["few sentences"] < 0.02 * len(texts)
