"""Where phone numbers are in a text, told from the other numbers that people write.

    abroad   + or 00, the country and the rest: 9 to 15 digits (ITU-T E.164)
    fixed    North America's 3-3-4 digits and Brazil's with the city in brackets
    pairs    France's five pairs of digits
    trunk    0, the city and the rest in groups, 9 to 12 digits, as most of Europe and Asia write it
    other    7 to 15 digits in any groups, only where a word such as tel stands right before

What an expression matches is judged by what is around it and by its groups; where it is none, the next group may begin
one. A number is judged as if those before it were masked already, and the longest run of groups that is one counts: so
a second look at masked text finds no more.
"""

import re
from collections.abc import Iterator

PHONE_TOKEN = "<phone>"
GAP = "[ .()/\u00a0\u2010-\u2013-]"
RUN = re.compile(rf"[+(0-9](?:[0-9]|{GAP}){{6,}}")
"""where a phone number can be: digits and what is put between them"""
PHONE = re.compile(
    rf"""
      (?P<abroad> \+1(?:{GAP}{{0,3}}[0-9]){{10}}(?![0-9]) | (?:\+|\b00)[1-9](?:{GAP}{{0,3}}[0-9]){{6,14}} )
    | (?P<fixed> (?:\b1[ .-])? (?:\([2-9][0-9]{{2}}\)[ \u00a0]?[0-9]{{3}}[ .-]  # North America
                 | \b[2-9][0-9]{{2}}(?:-[0-9]{{3}}-|\.[0-9]{{3}}\.|[/ ][0-9]{{3}}-)) [0-9]{{4}}
        | \([1-9][0-9]\)[ ]?[0-9]{{4,5}}-[0-9]{{4}}  # Brazil
      )
    | (?P<pairs> \b0[1-9](?P<gap>[ .-])[0-9]{{2}}(?:(?P=gap)[0-9]{{2}}){{3}}(?![0-9]|(?P=gap)[0-9]) )  # France
    | (?P<trunk> (?:\(|\b)0[1-9](?:[0-9]|(?=\)?{GAP}{{1,2}}[0-9]{{3}}))(?:{GAP}{{0,2}}[0-9]){{6,10}} )
    | (?P<other> (?:\(|\b)[0-9](?:{GAP}{{0,2}}[0-9]){{6,14}} )
    """,
    re.VERBOSE,
)
EXTENSION = re.compile(r"[ ,]{0,2}(?:x|ext\.?)[ ]?[0-9]{1,5}\b")
CUE = re.compile(
    r"(?:\b(?:tel|tele?phone|phone|ph|fax|telefax|mobile|mob|cell|call|dial|whatsapp|sms|hotline|helpline|telefon|handy|"
    r"tlf|t\u00e9l|t\u00e9l\u00e9phone|tel\u00e9fono|m\u00f3vil|telefone)\b|"
    + PHONE_TOKEN
    + r"|[\u260e\u2706\U0001f4de])"
    r"[^\w\n]{0,4}(?:\b(?:number|no|nr|us|me|at|on|is|or|and)\b[^\w\n]{0,3}){0,3}\Z",
    re.I,
)
CUE_LENGTH = 48  # more than the longest match of it
HINT = re.compile("[^\\W\\d_]|[>\u260e\u2706\U0001f4de]")  # some such character is near whatever CUE finds
DIGITS = re.compile("[0-9]+")
SHORTEST = 6  # characters that are no number yet
YEAR = re.compile("(?:19|20)[0-9]{2}")
DAY = re.compile("(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9]")


def phones(text: str) -> Iterator[tuple[int, int]]:
    """First and last-plus-one character of each phone number."""
    last = 0
    for run in RUN.finditer(text):
        place, end = run.span()
        while one := PHONE.search(text, place, end):
            found = _phone(text, one, last)
            if found:
                yield found
                place = last = found[1]
            else:
                place = _next_group(text, one.start())


def _phone(text: str, one: re.Match[str], last: int) -> tuple[int, int] | None:
    """The longest phone number that a match begins with, if any; `last` ends the phone number before.

    What comes before counts as if that one was masked already, so that a second look finds no more.
    """
    kind, cue, (begin, stop) = str(one.lastgroup), _has_cue(text, one.start(), last), one.span()
    if kind == "other" and not cue:
        return None
    stop = without_last(text, begin, stop) if text[stop : stop + 1].isdigit() else stop
    while stop - begin > SHORTEST:
        start = begin + (text[begin] == "(" and ")" not in text[begin:stop])
        before = text[max(start - 2, 0) : start] if start - last > 1 or not last else (">" + text[last:start])[-2:]
        if _begins(before, kind) and _ends(text, stop) and _has_form(text[start:stop], kind, cue):
            extension = EXTENSION.match(text, stop)
            return start, extension.end() if extension else stop
        stop = without_last(text, begin, stop) if kind in {"abroad", "trunk", "other"} else begin
    return None


def _has_form(shown: str, kind: str, cue: bool) -> bool:
    if kind in {"fixed", "pairs"}:
        return True
    groups = DIGITS.findall(shown)
    return _can_be_dialled(groups, shown) if cue else FORMS[kind](groups, shown)


def _next_group(text: str, start: int) -> int:
    """Where the next number may begin after one that begins at `start` and is none."""
    digits = DIGITS.match(text, start)
    return digits.end() if digits else start + 1


def without_last(text: str, start: int, stop: int) -> int:
    """Where a match ends without its last group of digits and what is before that."""
    while stop > start and text[stop - 1].isdigit():
        stop -= 1
    while stop > start and not text[stop - 1].isdigit():
        stop -= 1
    return stop


def _begins(before: str, kind: str) -> bool:
    """Whether what is before a match makes it no part of a longer number, name, price or address of a page."""
    near, far = before[-1:], before[:-1]
    if near.isalnum() or near in {".", "_", "$", "#", "%", "+", "-", "@", "\u20ac", "\u00a3", "\u00a5"}:
        return False
    if near == "/" and far != ">":  # a path, if no phone number is before it
        return False
    return not (far.isdigit() and (near == ":" or (kind == "pairs" and near == " ")))


def _ends(text: str, stop: int) -> bool:
    """Whether what is after a match makes it no part of a longer number, name, time or decimal."""
    near, far = text[stop : stop + 1], text[stop + 1 : stop + 2]
    if near in {"-", ".", ":"} and far.isdigit():
        return False
    return not (near.isalnum() or near in {"_", "%", "@"}) or bool(EXTENSION.match(text, stop))


def _has_cue(text: str, start: int, last: int) -> bool:
    """Whether a word such as tel stands right before, or a phone number does and a mark or two."""
    low = max(start - CUE_LENGTH, last)
    if not HINT.search(text, max(start - 5, low), start) and not 0 < last <= start <= last + 4:
        return False
    return bool(CUE.search(PHONE_TOKEN + text[last:start] if last and low == last else text[low:start]))


def _is_abroad(groups: list[str], shown: str) -> bool:
    """Of a number that starts with + or 00; counts such as +100 000 000 and decimals such as +1.234567890 are none."""
    n, sizes = sum(map(len, groups)), [len(group) for group in groups]
    if shown.startswith("00"):
        return n >= 10 and 3 <= sizes[0] <= 5 and len(sizes) > 1 and set(sizes) != {4}
    if n < 9 + (len(sizes) == 1) or (shown.startswith("+1") and n != 11) or (len(sizes) == 2 and "." in shown):
        return False
    return n > 10 or sizes[0] > 3 or set(sizes[1:]) != {3}


def _is_trunk(groups: list[str], shown: str) -> bool:
    """Of a number that starts with one 0; timetables, dates and numbers in one piece are none."""
    n, sizes = sum(map(len, groups)), tuple(map(len, groups))
    if not 9 <= n <= 12 or len(sizes) < 2 or "." in shown:
        return False
    if sizes[0] == 2:
        return sizes in {(2, 4, 4), (2, 3, 4), (2, 7), (2, 8)}
    return sizes[0] in {3, 4, 5} and min(sizes) > 1 and set(sizes) != {4}


def _can_be_dialled(groups: list[str], shown: str) -> bool:
    """Of any number after a cue; years, dates, decimals and single digits are none."""
    n, sizes = sum(map(len, groups)), [len(group) for group in groups]
    if not 7 + (len(sizes) == 1) <= n <= 15 or sizes.count(1) > 2 or (len(sizes) == 2 and "." in shown):
        return False
    years = [bool(YEAR.fullmatch(group)) for group in groups[:3]]
    dated = (years[0] and sizes[1:3] == [2, 2]) or (len(sizes) > 2 and years[2] and max(sizes[:2]) <= 2)
    return not (all(years) or dated or (len(sizes) == 1 and DAY.fullmatch(groups[0])))


FORMS = {"abroad": _is_abroad, "trunk": _is_trunk}
