"""What a robots.txt allows: RFC 9309, with the Crawl-delay that it leaves to others.

Of the rules for our name, or else of those for `*`, the one with the longest path that matches decides; of two as long,
the one that allows. In a path `*` stands for any characters, and `$` at its end for the end.
"""

import re
from typing import NamedTuple
from urllib.parse import quote

NAME = re.compile(r"[a-zA-Z0-9_-]+|\*(?!\S)")
LINE_END = re.compile(r"\r\n|\r|\n")
NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{0,9})?")
ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")
UNRESERVED = re.compile(r"[a-zA-Z0-9._~-]")
IN_QUERY = re.compile(r"[a-zA-Z0-9._~:/?@-]")  # RFC 9309, section 2.2.2, takes a colon or slash there for its escape
PRINTED = "".join(map(chr, range(33, 127)))


class Robots(NamedTuple):
    """The rules for one crawler: paths, each with whether it is allowed, and the seconds asked for between requests."""

    rules: tuple[tuple[str, bool], ...] = ()
    delay: float = 0.0


def robots(text: str, agent: str) -> Robots:
    """The rules for a crawler of this name; its groups are taken together. What cannot be understood is passed over.

    A Crawl-delay is taken as part of its group, and a User-agent behind it begins another: RFC 9309 does not say.
    """
    groups: dict[str, tuple[list[tuple[str, bool]], list[float]]] = {}
    names: list[str] = []
    is_open = False  # whether another User-agent joins the group
    for line in LINE_END.split(text.removeprefix("\ufeff")):
        field, _, value = line.partition("#")[0].partition(":")
        field, value = field.strip().lower(), value.strip()
        if field == "user-agent":
            found = NAME.match(value)
            names = [*(names if is_open else ()), *([found[0].lower()] if found else ())]
            is_open = True
            for name in names:
                groups.setdefault(name, ([], []))
        elif field in ("allow", "disallow", "crawl-delay"):
            is_open = False
            for rules, delays in (groups[name] for name in names):
                if field != "crawl-delay" and value:
                    rules.append((_plain(value), field == "allow"))
                elif NUMBER.fullmatch(value):
                    delays.append(float(value))
    rules, delays = groups.get(agent.lower()) or groups.get("*") or ([], [])
    return Robots(tuple(rules), max(delays, default=0.0))


def is_allowed(found: Robots, target: str) -> bool:
    """Whether a page may be fetched; `target` is its path with its query, and its escapes as they are in the URL."""
    path = _plain(target)
    if path == "/robots.txt":
        return True
    matching = [(len(pattern), allows) for pattern, allows in found.rules if _matches(pattern, path)]
    return max(matching)[1] if matching else True


def _matches(pattern: str, path: str) -> bool:
    """Whether a path begins as the pattern says: the pieces between stars are found one after the other."""
    first, *pieces = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    is_whole = pattern.endswith("$")
    at = len(first)
    last = pieces.pop() if is_whole and pieces else None
    for piece in pieces:
        if (found := path.find(piece, at)) < 0:
            return False
        at = found + len(piece)
    if last is not None:
        return len(path) - len(last) >= at and path.endswith(last)
    return not is_whole or at == len(path)


def _plain(path: str) -> str:
    """The path with one way to write each character: escapes in capitals, and none of what needs none."""
    before, mark, query = quote(path, safe=PRINTED, errors="replace").partition("?")
    return _unescaped(before, UNRESERVED) + mark + _unescaped(query, IN_QUERY)


def _unescaped(text: str, free: re.Pattern[str]) -> str:
    def written(found: re.Match[str]) -> str:
        character = chr(int(found[0][1:], 16))
        return character if free.fullmatch(character) else found[0].upper()

    return ESCAPE.sub(written, text)
