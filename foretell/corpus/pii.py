"""Text in which e-mail addresses, network addresses, card and phone numbers are masked by a fixed word each.

    e-mail   name@host.domain; not files such as logo@2x.png
    ip       public IPv4 and IPv6 addresses
    card     13 to 19 digits of a known issuer in its usual groups, whose check digit (Luhn) is right
    phone    +49 30 ..., (212) 555-..., 0161 496 ..., 01 23 45 67 89; of 7 to 15 digits in any shape right after "tel"

They are looked for in this order, each in what the one before has left, so that a card is no phone number.

Our choices. In doubt a number stays: years, dates, versions, prices, identifiers and tables are more frequent than
phone numbers, and text with holes in it is worse to learn from. Addresses of private networks, loopback, netmasks and
those kept free for documentation stay, because they lead to nobody; so does 8.8.8.8, as do all of four digits, which
are mostly sections and versions. Addresses that are spelt out (name at host) are not found.

The time is linear in the length of the text: every expression is bounded, and starts at a character that is rare.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator

from foretell.corpus.phones import PHONE_TOKEN, phones, without_last

TOKENS = {"e-mail": "<email>", "ip": "<ip>", "card": "<card>", "phone": PHONE_TOKEN}

TAILS = tuple(colon + token for token in TOKENS.values() for colon in ("", ":"))
"""after what looks like an IPv6 address: the rest of it was something else"""

LONGEST_NAME = 64  # characters before the @ (RFC 5321, section 4.5.3.1.1)
LETTER = "A-Za-z\u00c0-\u024f\u0370-\u052f"  # not those of scripts without spaces, where words stand beside an address
NAME = re.compile(rf"[{LETTER}0-9_%](?:[{LETTER}0-9_.+%'-]*[{LETTER}0-9_+%-])?\Z")
LABEL = rf"[{LETTER}0-9](?:[{LETTER}0-9_-]{{0,62}})"
HOST = re.compile(rf"(?:{LABEL}\.){{1,8}}(?:xn--[a-z0-9-]{{2,59}}|[{LETTER}]{{2,24}})(?![{LETTER}0-9_@-])")
FILES = frozenset(("png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "html", "php"))

IPV4 = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}")
IPV6 = re.compile(r"[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{1,34}(?:\.[0-9]{1,3}){0,3}")
NO_HOSTS = tuple(
    ipaddress.ip_network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/3", "2001:db8::/32", "3fff::/20"),
    )
)
"""Private, shared, local, documentation and benchmark networks, multicast and reserved (IANA's registries): our own
list, because the one of Python's module changes between versions, and a corpus must not"""
VERSION = re.compile(
    r"(?:\b(?:versions?|ver|rev|release|build|section|sec|chapter|v|firmware|driver)\.?|\u00a7)\s?\Z", re.I
)

CARD = re.compile(r"[2-6][0-9]{3}(?:[0-9]{9,15}|([ -])[0-9]{4,6}\1[0-9]{4,5}(?:\1[0-9]{4}(?:\1[0-9]{3})?)?)(?![0-9])")
ISSUERS = (
    *(("4", sizes) for sizes in ((13, 16, 19),)),
    *((str(n), (16,)) for n in (*range(51, 56), *range(2221, 2721))),
    *((n, (15,)) for n in ("34", "37")),
    *((str(n), (14, 16, 17, 18, 19)) for n in (*range(300, 306), 3095, 36, 38, 39)),
    *((str(n), (16, 17, 18, 19)) for n in (6011, *range(644, 650), 65, *range(3528, 3590), 62)),
    *((str(n), range(13, 20)) for n in (5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763)),
)
SIZES = {prefix: frozenset(sizes) for prefix, sizes in ISSUERS}
"""digits of a card by how its number starts: Visa, Mastercard, American Express, Diners Club, Discover, JCB, UnionPay,
Maestro (ISO/IEC 7812, as the issuers publish their ranges)"""
LUHN = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def masked(text: str) -> tuple[str, Counter[str]]:
    """The text with what it should not tell replaced by words such as <email>, and how many were, by kind.

    The kinds are `e-mail`, `ip`, `card` and `phone`. In the result nothing more is found.
    """
    counts: Counter[str] = Counter()
    for kind, found in (("e-mail", emails), ("ip", ips), ("card", cards), ("phone", phones)):
        text, n = _replaced(text, found(text), TOKENS[kind])
        if n:
            counts[kind] = n
    return text, counts


def _replaced(text: str, spans: Iterator[tuple[int, int]], token: str) -> tuple[str, int]:
    parts, last = [], 0
    for start, end in spans:
        parts += [text[last:start], token]
        last = end
    return ("".join([*parts, text[last:]]), len(parts) // 2) if parts else (text, 0)


def emails(text: str) -> Iterator[tuple[int, int]]:
    """First and last-plus-one character of each e-mail address."""
    end, at = 0, text.find("@")
    while at >= 0:
        low = max(end, at - LONGEST_NAME - 1)
        name = NAME.search(text, low, at)
        host = HOST.match(text, at + 1) if name and at - name.start() <= LONGEST_NAME else None
        if name and host and host.group().rpartition(".")[2].lower() not in FILES:
            yield name.start(), host.end()
            end = host.end()
        at = text.find("@", max(at + 1, end))


def ips(text: str) -> Iterator[tuple[int, int]]:
    """First and last-plus-one character of each public IPv4 or IPv6 address."""
    long = list(_ipv6(text)) if "::" in text or text.count(":") > 6 else []
    inside = {end for _, end in long}  # an IPv4 address may be the end of an IPv6 one
    short = ((one.start(), one.end()) for one in IPV4.finditer(text))
    yield from sorted([*long, *(two for two in short if two[1] not in inside and _is_ipv4(text, *two))])


def _ipv6(text: str) -> Iterator[tuple[int, int]]:
    for one in IPV6.finditer(text):
        start, end = one.span()
        end -= 1 if text[end - 1] == ":" and text[end - 2] != ":" else 0
        before, after = text[start - 1 : start] if start else "", text[end : end + 2]
        if before.isalnum() or before in {":", "_", "."} or after[:1].isalnum() or after[:1] == "_":
            continue
        if (after[:1] == "." and after[1:].isdigit()) or text.startswith(TAILS, end):
            continue
        if _leads_somewhere(text[start:end]):
            yield start, end


def _is_ipv4(text: str, start: int, end: int) -> bool:
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    if before[-1:].isalnum() or before[-1:] in {".", "_"} or after[:1].isalnum() or after[:1] == "_":
        return False
    if (before[-1:] in {"/", "-"} and before[:1].isalpha()) or (after[:1] == "-" and after[1:].isalpha()):
        return False  # Chrome/90.0.12.34, tool-1.2.3.45, 1.2.3.45-rc1
    if end - start == 7 or (after[:1] == "." and after[1:].isalnum()):
        return False  # 1.2.3.4, 1.2.3.45.6
    return not VERSION.search(text, max(start - 12, 0), start) and _leads_somewhere(text[start:end])


def _leads_somewhere(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not any(found in network for network in NO_HOSTS if network.version == found.version)


def cards(text: str) -> Iterator[tuple[int, int]]:
    """First and last-plus-one character of each payment card number."""
    place = 0
    while one := CARD.search(text, place):
        start, end = one.span()
        while end - start > 12 and not _is_card_at(text, start, end):
            end = without_last(text, start, end)
        found = end - start > 12
        if found:
            yield start, end
        place = end if found else start + 4  # the next group may begin a card


def _is_card_at(text: str, start: int, end: int) -> bool:
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    if before[-1:].isalnum() or before[-1:] in {".", "_", "/", "+"} or after[:1].isalnum():
        return False
    if before[-1:] == "-" and (before[:1].isalnum() or before[:1] == ">"):
        return False
    if after[:1] in {".", "-"} and after[1:].isdigit():
        return False
    return is_card(re.sub("[ -]", "", text[start:end]))


def is_card(digits: str) -> bool:
    """Whether an issuer has cards that start so and are so long, and the last digit checks the others (Luhn)."""
    if not any(len(digits) in SIZES.get(digits[:n], ()) for n in range(1, 5)):
        return False
    return (sum(map(int, digits[::-2])) + sum(LUHN[int(digit)] for digit in digits[-2::-2])) % 10 == 0
