import gzip
import ipaddress
import json
import random
import time
from collections import Counter

import pytest

from foretell.corpus.pii import NO_HOSTS, TOKENS, is_card, masked

FOUND = [
    ("Write to john.doe@example.com.", "Write to <email>."),
    ("<x+y_z@sub.example.co.uk>", "<<email>>"),
    ("mailto:o'neil@example.museum?subject=x", "mailto:<email>?subject=x"),
    ("https://user:secret@example.org/path", "https://user:<email>/path"),
    ("jos\u00e9@m\u00fcller.de", "<email>"),
    ("\u8054\u7cfbjohn@example.com\u8c22\u8c22", "\u8054\u7cfb<email>\u8c22\u8c22"),
    ("a@xn--bcher-kva.xn--p1ai", "<email>"),
    ("a@example.com,b@example.com;c@example.com", "<email>,<email>;<email>"),
    ("...wait...john@example.com!", "...<email>!"),
    ("from 8.34.56.7 and (134.76.10.46)", "from <ip> and (<ip>)"),
    ("http://8.34.56.78:8080/x, 8.34.56.0/24", "http://<ip>:8080/x, <ip>/24"),
    ("8.34.56.7-8.34.56.19.", "<ip>-<ip>."),
    ("at 2001:4860:4860::8888, [2a00:1450:4001:81B::200e]:80", "at <ip>, [<ip>]:80"),
    ("2001:4860:0:0:0:0:0:8888: up", "<ip>: up"),
    ("2001:4860::134.76.10.46", "<ip>"),
    ("::ffff:134.76.10.46", "::ffff:<ip>"),
    ("card 4111 1111 1111 1111, cvv 123", "card <card>, cvv 123"),
    ("5500-0000-0000-0004 or 5500000000000004", "<card> or <card>"),
    ("3782 822463 10005 378282246310005", "<card> <card>"),
    ("3056 930902 5904", "<card>"),
    ("no. 4222222222222", "no. <card>"),
    ("2019 4111 1111 1111 1111", "2019 <card>"),
    ("6011000990139424 3530111333300000 2223003122003222", "<card> <card> <card>"),
    ("6200 0000 0000 0000 000", "<card>"),
    ("+49 30 1234567", "<phone>"),
    ("+49 (0)30 1234-567, +49/30/1234567", "<phone>, <phone>"),
    ("+442079460958 (+44 20 7946 0958)", "<phone> (<phone>)"),
    ("+1 212 555 0123 24 hours", "<phone> 24 hours"),
    ("+1 (212) 555-0123 +33 1 23 45 67 89", "<phone> <phone>"),
    ("+86\u00a0138\u00a01234\u00a05678", "<phone>"),
    ("0044 20 7946 0958; 001-212-555-0123", "<phone>; <phone>"),
    ("(212) 555-0123", "<phone>"),
    ("212-555-0123/212-555-0124", "<phone>/<phone>"),
    ("212.555.0123", "<phone>"),
    ("212/555-0123 ext. 45", "<phone>"),
    ("212-555-0123x45", "<phone>"),
    ("1-800-555-0199!", "<phone>!"),
    ("020 7946 0958 or (0161) 496 0000 or 07700 900123", "<phone> or <phone> or <phone>"),
    ("030/12345678, 0171-1234567, 044 123 45 67", "<phone>, <phone>, <phone>"),
    ("01 23 45 67 89 / 01.23.45.67.89 / 01-23-45-67-89", "<phone> / <phone> / <phone>"),
    ("03-1234-5678, 090-1234-5678, 02-751-1500", "<phone>, <phone>, <phone>"),
    ("(11) 98765-4321", "<phone>"),
    ("Tel: 555-0123", "Tel: <phone>"),
    ("Call us at 555-0123 or 555-0124", "Call us at <phone> or <phone>"),
    ("Tlf. 22334455, 22334456", "Tlf. <phone>, <phone>"),
    ("T\u00e9l. : 93 123 45 67 / 93 123 45 68", "T\u00e9l. : <phone> / <phone>"),
    ("WhatsApp 9876543210", "WhatsApp <phone>"),
    ("Fax 0 30 1234567, (02) 1234 5678, 0470 12 34 56", "Fax <phone>, <phone>, <phone>"),
    ("Phone (030 1234567)", "Phone (<phone>)"),
    ("\u260e 98765 43210", "\u260e <phone>"),
    ("a@example.com 8.34.56.7 4111111111111111 212-555-0123", "<email> <ip> <card> <phone>"),
]

KEPT = [
    "logo@2x.png, style@3.css",
    "lodash@4.17.21 user@localhost @user a@b @ x.y",
    "me@" + "x" * 70 + ".com",
    "a" * 65 + "@example.com",
    "in 1998, 1999-2000, 2019 2020 2021",
    "2003-01-02, 02.01.2003, 01/02/2003 12:30:45, 20030102T123045Z, 01-02-2003 1234",
    "2020-08-01 18:00:00+00 | 200 | 4084",
    "ISBN 978-0-306-40615-7, 0-306-40615-2, 0306406152, 9780306406157, 99921-58-10-7",
    "ISSN 0317-8471, doi:10.1000/182, 10.1093/oxfordhb/9780199734146.001.0001",
    "version 10.12.13.14, v8.34.56.7, Chrome/90.0.44.212, tool-8.34.56.7, 8.34.56.7-rc1, 8.34.56.7.8",
    "1.2.3.4 Results; 8.8.8.8; \u00a7 12.10.11.12; 300.34.56.7; 08.34.56.07; 1234.5.6.78",
    "192.168.0.1 10.0.0.255 127.0.0.1 172.31.1.1 169.254.10.10 255.255.255.0 192.0.2.44 198.51.100.17 224.0.0.251",
    "fe80::1ff:fe23:4567:890a fd12:3456::1 ::1 2001:db8::1428:57ab",
    "std::vector a::b dead::beef 12:30:45 2001:2:3 00:1b:44:11:3a:b7 2024:1:2:3:4:5:6:7:8",
    "$1,234,567.89 \u20ac 1.234.567,89 \u00a3212-555-0123 1 234 567 890 12.345.678",
    "4111 1111 1111 1112, 1234 5678 9012 3456, 4111-1111 1111-1111, x4111111111111111",
    "https://example.org/status/4111111111111111 0.4111111111111111",
    "+12.345678 +1.2345678901 +100 000 000 +10000000 1+212 555 x+49",
    "0930 1030 1130 1230, 0.123 456 789, 0012 3456 7890 1234",
    "123-45-6789, 12-34-56, 212-555-012, 1212-555-01234, 212-555-0123-4, /212-555-0123/",
    "example.org/01/07/06/04/18637072/5.jpg, 2018/02/1862/1046/store.png",
    "call 1000000 people, phone 2019-2020, call 20190101, dial 1 2 3 4 5 6 7, cell 12.3456789, recall 555-0123",
    "iPhone 5551234, saxophone 555-0123, hotel: 555-0123",
    "3.14159265358979323846264338327950288419716939937510",
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
    "OCLC 897235256, issuecomment-378416911, 128861.128862, 5040 5 1 17 27",
    "03 12 23 34 45 46, 12 03 23 34 45 46",
    "<email> <ip> <card>",
    "",
]


@pytest.mark.parametrize(("text", "wanted"), FOUND)
def test_what_leads_to_a_person_is_masked(text, wanted):
    found, counts = masked(text)
    assert found == wanted
    assert counts == Counter({kind: n for kind, token in TOKENS.items() if (n := wanted.count(token))})


@pytest.mark.parametrize("text", [piece for line in KEPT for piece in (line, *line.split(", "))])
def test_what_only_looks_like_it_is_kept(text):
    assert masked(text) == (text, Counter())


@pytest.mark.parametrize(("text", "wanted"), FOUND)
@pytest.mark.parametrize(
    "around", [("", ""), ("\u4f60\u597d ", " \u2014 \u0416"), ("(", ")"), ("\u00ab", "\u00bb"), ("\n", "\n")]
)
def test_marks_and_other_scripts_around_change_nothing(text, wanted, around):
    found = masked(around[0] + text + around[1])[0]
    assert found.replace("((", "(") == (around[0] + wanted + around[1]).replace("((", "(")


@pytest.mark.parametrize("text", [*(a for a, _ in FOUND), *(b for _, b in FOUND), *KEPT])
def test_masked_text_has_nothing_left_to_mask(text):
    once = masked(text)[0]
    assert masked(once) == (once, Counter())


def test_random_mixtures_are_masked_once_for_all():
    rng = random.Random(11)
    pieces = [piece for text, _ in FOUND for piece in text.split(" ")] + [text for text, _ in FOUND]
    pieces += [
        *TOKENS.values(),
        "tel",
        "version",
        "call us at",
        "1",
        "2019",
        "0",
        "555",
        "8.34.56.7",
        "4111",
        "212",
        "a",
    ]
    between = (" ", "", "-", ".", "/", ":", "@", ", ", "(", ")", "+", "::", "\n", " x ")
    for _ in range(6000):
        text = "".join(rng.choice(pieces) + rng.choice(between) for _ in range(rng.randint(1, 9)))
        once = masked(text)[0]
        assert masked(once) == (once, Counter()), text
    for _ in range(6000):
        text = "".join(rng.choices("0123456789", k=3) + rng.choices("0123456789 .-()/+:@x<>\n", k=rng.randint(1, 60)))
        once = masked(text)[0]
        assert masked(once) == (once, Counter()), text


def luhn(digits):
    """The slow twin: every second digit from the right is doubled, and its own digits are added up."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += sum(int(one) for one in str(value))
    return total % 10 == 0


def test_a_card_has_the_check_digit_of_the_slow_twin():
    rng = random.Random(12)
    for prefix, n in (("4", 16), ("51", 16), ("2720", 16), ("37", 15), ("36", 14), ("6011", 19), ("6304", 13)):
        body = prefix + "".join(rng.choices("0123456789", k=n - len(prefix) - 1))
        assert [is_card(body + last) for last in "0123456789"] == [luhn(body + last) for last in "0123456789"]
        assert sum(is_card(body + last) for last in "0123456789") == 1
    for digits in ("0" * 16, "4" + "0" * 11, "2721" * 4, "1" * 16, "91" * 8, ""):
        assert not is_card(digits)


def test_addresses_that_stay_are_those_that_python_calls_not_global():
    rng = random.Random(13)
    for _ in range(3000):
        address = ipaddress.IPv4Address(rng.getrandbits(32))
        ours = not any(address in network for network in NO_HOSTS if network.version == 4)
        assert ours == (address.is_global and not address.is_multicast), address
    for network in NO_HOSTS:
        for address in (network[0], network[-1]):
            assert masked(f"x {address} y")[1]["ip"] == 0


def planted(rng):
    """A value of each kind with the token that it must become."""

    def digits(n):
        return "".join(rng.choices("0123456789", k=n))

    body = rng.choice(("4", "52", "55")) + digits(14)
    card = next(c for last in "0123456789" if is_card(c := (body + digits(1))[:15] + last))
    groups = rng.choice((" ", "-", "")).join(card[i : i + 4] for i in range(0, 16, 4))
    names = rng.choice(("ann", "bo.li", "x_y", "o'neil", "a+b")), rng.choice(("mail", "post-1", "a.b"))
    return [
        ("<email>", f"{names[0]}@{names[1]}.{rng.choice(('org', 'co.uk', 'example.de'))}"),
        ("<ip>", f"{rng.randint(11, 99)}.{rng.randint(70, 99)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}"),
        ("<card>", groups),
        ("<phone>", f"+{rng.choice((44, 49, 33, 81))} {rng.randint(10, 99)} {digits(4)} {digits(4)}"),
        ("<phone>", f"{rng.randint(200, 999)}{(sep := rng.choice('-.'))}{digits(3)}{sep}{digits(4)}"),
        ("<phone>", f"0{rng.randint(100, 999)} {digits(3)} {digits(4)}"),
    ]


def prose(rng, n):
    """Words, numbers, dates and prices that are none of anybody's business."""
    numbers = (
        lambda: str(rng.randint(0, 10**6)),
        lambda: f"{rng.randint(1900, 2030)}-{rng.randint(10, 12)}-{rng.randint(10, 28)}",
        lambda: f"${rng.randint(1, 999)}.{rng.randint(10, 99)}",
        lambda: f"{rng.randint(1, 9)}.{rng.randint(0, 99)}",
        lambda: f"{rng.randint(0, 23)}:{rng.randint(10, 59)}",
    )
    return [
        rng.choice(numbers)() if rng.random() < 0.1 else rng.choice(("the", "na\u00efve", "\u0436\u0443\u043a", "cat."))
        for _ in range(n)
    ]


def test_planted_values_are_masked_and_nothing_else_is():
    rng = random.Random(14)
    for _ in range(400):
        text, wanted, counts = [], [], Counter()
        for token, value in rng.sample(planted(rng), 4):
            before, mark = prose(rng, rng.randint(1, 30)), rng.choice(("", ".", ",", "!", ")"))
            text += [*before, "so", value + mark, "and"]
            wanted += [*before, "so", token + mark, "and"]
            counts[{token: kind for kind, token in TOKENS.items()}[token]] += 1
        between = rng.choice((" ", "\n"))
        assert masked(between.join(text)) == (between.join(wanted), counts)


HARD = [
    "a",
    "@",
    "a@",
    "a.",
    "a@a.",
    "1",
    "1 ",
    "(",
    "(1",
    "+",
    "+1",
    "0",
    "01 ",
    "4111 ",
    "4",
    "1.",
    "1.1.1.1",
    ":",
    "2001:",
]
HARD += [
    "2",
    "23",
    "tel ",
    "tel 1",
    "-",
    "555-",
    "555-0123 ",
    "x@y.z ",
    "<phone>",
    "<phone>1 2",
    "8.34.56.7",
    " ",
    "'",
    "1-",
    "1\u00a0",
]


@pytest.mark.parametrize("piece", HARD)
def test_hard_text_takes_no_more_time_than_other(piece):
    text = (piece * (100_000 // len(piece) + 1))[:100_000]
    begun = time.process_time()
    masked(text)
    assert time.process_time() - begun < 1.0


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["4111 ", "(1"])
def test_a_megabyte_of_anything_takes_seconds(piece):
    text = piece * (10**6 // len(piece))
    begun = time.process_time()
    masked(text)
    assert time.process_time() - begun < 10


def test_time_grows_with_the_length_of_the_text():
    rng = random.Random(15)
    alphabet = "0123456789 .-()/+:@ax"
    times = []
    for n in (50_000, 200_000):
        text = "".join(rng.choices(alphabet, k=n))
        begun = time.process_time()
        masked(text)
        times.append(time.process_time() - begun)
    assert times[1] < 10 * times[0] + 0.1


def test_real_web_text_has_phone_numbers_and_is_masked_once_for_all(shared_data):
    with gzip.open(shared_data / "c4-sample" / "c4.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    counts = sum((masked(text)[1] for text in texts), Counter())
    assert counts == {"phone": 24, "e-mail": 7}, "each of these was looked at"
    assert not any(masked(masked(text)[0])[1] for text in texts)


def test_real_encyclopaedia_articles_have_nothing_to_mask(shared_data):
    with gzip.open(shared_data / "wiki-articles" / "wiki_articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        assert not any(masked(json.loads(line)["text"])[1] for line in lines)
