import random

import pytest

from foretell.corpus.urls import canonical, domain, is_within, unfollowed

SAME = [
    ("http://example.com", "https://www.example.com/"),
    ("http://Example.COM:80/a", "example.com/a/"),
    ("https://example.com:443/a#part", "http://example.com/a"),
    ("http://example.com/%7Ejoe/caf%c3%a9", "http://example.com/~joe/caf\u00e9"),
    ("http://example.com/a/./b/../c", "http://example.com//a/c"),
    ("http://example.com/?b=2&a=1&utm_source=x&fbclid=y", "http://example.com/?a=1&b=2"),
    ("http://example.com/?q=a+b", "http://example.com/?q=a%20b"),
    ("http://b\u00fccher.de/", "http://xn--bcher-kva.de"),
    ("http://user:pass@example.com./", "example.com"),
]
APART = [
    ("http://example.com/?p=1", "http://example.com/?p=2"),  # openwebtext took them for one page
    ("http://example.com/a", "http://example.com/A"),
    ("http://example.com/a%2Fb", "http://example.com/a/b"),
    ("http://example.com:8080/", "http://example.com/"),
    ("http://a.example.com/", "http://example.com/"),
    ("http://example.com/?q=a%2Bb", "http://example.com/?q=a+b"),
]
NONE = [
    "",
    "mailto:a@example.com",
    "javascript:void(0)",
    "ftp://example.com/a",
    "http://",
    "http://[::1",
    "http://a b.c/",
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_a_page_have_one_key(one, other):
    assert canonical(one) == canonical(other) != ""


@pytest.mark.parametrize(("one", "other"), APART)
def test_other_pages_have_other_keys(one, other):
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize("url", [*NONE, "http://x.org:99999/", "http://a..b/", "/r/pics/comments/1/", "no"])
def test_what_is_no_web_page_has_no_key(url):
    assert canonical(url) == ""


def test_a_key_is_its_own_key_whatever_the_characters():
    chance = random.Random(0)
    signs = "abcA09%2F%zz?&=+#/.:;@ ~'\"<>[]\\\u00e9\u4e2d\ud800\t"
    for _ in range(3000):
        key = canonical("http://example.com/" + "".join(chance.choices(signs, k=chance.randrange(25))))
        if key:
            assert key.isascii()
            assert canonical(f"http://{key}") == key


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/article", ""),
        ("http://example.com/a.html?img=b.jpg", ""),
        ("http://example.com/.png", ""),
        ("http://example.com/version-2.0/", ""),
        ("http://i.example.com/cat.JPG?1", "media or a file"),
        ("http://example.com/paper.pdf", "media or a file"),
        ("http://www.reddit.com/r/x", "reddit itself"),
        ("http://old.reddit.com/r/x", "reddit itself"),
        ("https://redd.it/abc", "reddit itself"),
        ("http://notreddit.com/", ""),
        ("/r/x/comments", "no web address"),
    ],
)
def test_links_to_reddit_and_media_are_not_followed(url, why):
    assert unfollowed(url) == why


def test_a_domain_holds_its_subdomains():
    assert domain("https://WWW.en.Wikipedia.org:443/wiki/X") == "en.wikipedia.org"
    assert domain("http://[2001:DB8::1]:80/") == "2001:db8::1"
    assert is_within("en.wikipedia.org", ("wikipedia.org",))
    assert not is_within("notwikipedia.org", ("wikipedia.org",))
