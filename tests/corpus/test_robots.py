import random
import re

import pytest

from foretell.corpus.robots import Robots, is_allowed, robots

LONGEST = """User-Agent: foobot
Allow: /example/page/
Disallow: /example/page/disallowed.gif
"""
GROUPS = """User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


def allowed(text, path, agent="foretell"):
    return is_allowed(robots(text, agent), path)


@pytest.mark.parametrize(
    ("agent", "path", "wanted"),
    [
        ("foobot", "/example/page.html", True),
        ("FooBot", "/example/allowed.gif", True),
        ("foobot", "/example/page", False),
        ("barbot", "/example/page.html", False),
        ("bazbot", "/example/page.html", False),
        ("bazbot", "/example/", True),
        ("quxbot", "/example/page.html", True),
        ("foretell", "/example/x", False),
        ("foretell", "/a.gif", False),
        ("foretell", "/a.gif?x", True),
        ("foretell", "/publications/", True),
    ],
)
def test_the_simple_example_of_the_rfc(agent, path, wanted):  # RFC 9309, section 5.1
    assert allowed(GROUPS, path, agent) is wanted


def test_the_longest_match_of_the_rfc():  # section 5.2
    assert allowed(LONGEST, "/example/page/x", "foobot")
    assert not allowed(LONGEST, "/example/page/disallowed.gif", "foobot")


@pytest.mark.parametrize(
    ("rule", "path", "wanted"),
    [
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz", False),  # the table of section 2.2.2
        ("/foo/bar?baz=http://foo.bar", "/foo/bar?baz=http%3A%2F%2Ffoo.bar", False),
        ("/foo/bar?baz=http%3a%2f%2ffoo.bar", "/foo/bar?baz=http://foo.bar", False),
        ("/foo/bar", "/foo%2Fbar", True),
        ("/foo/bar/\u30c4", "/foo/bar/%E3%83%84", False),
        ("/foo/bar/%E3%83%84", "/foo/bar/%e3%83%84", False),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz", False),
        ("/this/path/exactly$", "/this/path/exactly", False),  # the table of section 2.2.3
        ("/this/path/exactly$", "/this/path/exactly/not", True),
        ("/this/*/exactly", "/this/path/exactly", False),
        ("/this/*/exactly", "/this/or/that/exactly/and/more", False),
        ("/this/*/exactly", "/this/exactly", True),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-%2A.html", False),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-x.html", True),
        ("/a*a$", "/a", True),
        ("*", "/", False),
        ("/$", "/", False),
        ("/$", "/a", True),
    ],
)
def test_stars_ends_and_escapes_are_those_of_the_rfc(rule, path, wanted):
    assert allowed(f"User-agent: *\nDisallow: {rule}", path) is wanted


def test_of_two_rules_as_long_the_one_that_allows_decides_in_whatever_order():
    for rules in ("Allow: /a\nDisallow: /a", "Disallow: /a\nAllow: /a"):
        assert allowed(f"user-agent:*\n{rules}", "/a/b")


def test_groups_of_one_name_are_one_and_what_is_no_rule_ends_none():
    text = "User-agent: foretell/2.0 # us\nSitemap: http://x/\nuser-agent: b\nDisallow: /a\n\n\n"
    text += "USER-AGENT: ForeTell\rDisallow: /b"
    for path in ("/a", "/b"):
        assert not allowed(text, path)
    assert not allowed(text, "/a", "b")
    assert allowed(text, "/b", "b")
    assert allowed("Disallow: /\nUser-agent: *\n", "/a")  # a rule of no group
    assert allowed("User-agent: *\nDisallow: /", "/robots.txt")


@pytest.mark.parametrize(
    ("said", "delay"),
    [("3", 3), ("0.5", 0.5), ("1.", 1), ("\u00b2", 0), ("\u0663", 0), ("1e9", 0), ("-1", 0), ("", 0), ("9" * 99, 0)],
)
def test_a_delay_is_a_plain_number(said, delay):
    text = f"User-agent: foretell\nCrawl-delay: {said}\nUser-agent: *\nCrawl-delay: 7\nDisallow: /"
    assert robots(text, "foretell") == Robots((), delay)
    assert robots(text, "other") == Robots((("/", False),), 7)


@pytest.mark.parametrize("line", ["Disallow: //[", "Disallow", ":", "Allow: \ud800", "User-agent: \ud800", "\0" * 9])
def test_nothing_raises(line):
    assert allowed(f"User-agent: *\n{line}\nUser-agent: *\nDisallow: /a", "/b")


def test_a_pattern_is_matched_as_a_regular_expression_would():
    chance = random.Random(0)
    for _ in range(5000):
        rule = "".join(chance.choices("ab*$", k=chance.randrange(1, 7)))
        path = "".join(chance.choices("ab$", k=chance.randrange(6)))
        pieces = map(re.escape, rule.removesuffix("$").split("*"))
        twin = re.compile(".*".join(pieces) + (r"\Z" if rule.endswith("$") else ""))
        assert is_allowed(Robots(((rule, False),)), path) is (twin.match(path) is None), (rule, path)


def test_many_stars_take_no_time():
    assert allowed("User-agent: *\n" + f"Disallow: /{'*a' * 5000}b\n" * 20, "/" + "a" * 5000)
