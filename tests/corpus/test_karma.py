import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretell.corpus.karma import LINKS, Linked, links, load_links, merged, save_links
from foretell.corpus.reading import Broken, Submission, submissions
from foretell.corpus.urls import canonical, unfollowed
from foretell.errors import BadUse, Failed


def post(name, url, score=5, created=0, is_self=False, over_18=False):
    return Submission(name, url, score, created, is_self, over_18)


def plainly(posts, min_karma=3):
    """The slow twin: a dictionary of lists."""
    found = {}
    for one in posts:
        if one.score >= min_karma and not one.is_self and not one.over_18 and not unfollowed(one.url):
            found.setdefault(canonical(one.url), []).append(one)
    rows = []
    for key in sorted(found, key=str.encode):
        first = min(found[key], key=lambda one: (one.created, one.id, one.url))
        row = {"key": key, "url": first.url, "karma": max(one.score for one in found[key]), "submission": first.id}
        rows.append({**row, "n_submissions": len(found[key])})
    return rows


def test_each_page_is_there_once_with_its_first_post():
    posts = [
        post("b", "http://a.org/x", 4, 20),
        post("a", "https://www.a.org/x/", 9, 30),
        post("c", "http://a.org/x#y", 2, 10),
        post("d", "http://b.org/?a=1&amp;b=2", 3, 5),
    ]
    found = links(posts)
    assert found.table.schema == LINKS
    assert found.table.to_pylist() == [
        {"key": "a.org/x", "url": "http://a.org/x", "karma": 9, "submission": "b", "n_submissions": 2},
        {"key": "b.org/?a=1&b=2", "url": "http://b.org/?a=1&b=2", "karma": 3, "submission": "d", "n_submissions": 1},
    ]
    assert found.passed_over == {"karma below 3": 1}


def test_posts_are_passed_over_by_reason_and_broken_ones_kept():
    posts = [
        post("a", "http://a.org/", score=2),
        post("b", "http://a.org/", is_self=True),
        post("c", "http://a.org/", over_18=True),
        post("d", "http://i.a.org/x.gif"),
        post("e", "https://redd.it/x"),
        post("f", ""),
        Broken("7", "no JSON"),
    ]
    found = links(posts)
    assert found.table.num_rows == 0
    assert found.broken == [Broken("7", "no JSON")]
    assert found.passed_over == {
        "karma below 3": 1,
        "media or a file": 1,
        "no link: a post of text": 1,
        "no web address": 1,
        "not safe for work": 1,
        "reddit itself": 1,
    }


@pytest.mark.parametrize("held", [1, 7, 1000])
def test_links_are_those_of_the_slow_twin_in_whatever_order_posts_come(held, monkeypatch):
    monkeypatch.setattr("foretell.corpus.karma.HELD", held)
    chance = random.Random(held)
    urls = [f"http://h{chance.randrange(9)}.org/{chance.randrange(4)}" for _ in range(200)]
    posts = [post(f"p{n}", url, chance.randrange(9), chance.randrange(9)) for n, url in enumerate(urls)]
    found = links(posts).table
    assert found.to_pylist() == plainly(posts)
    chance.shuffle(posts)
    assert links(posts).table.equals(found)


def test_months_are_merged_as_if_they_were_read_together():
    posts = [post(f"{n:x}", f"http://a.org/{n % 7}", 3 + n % 5, n) for n in range(300)]
    months = [links(posts[i : i + 100]).table for i in (200, 0, 100)]
    assert merged(months).equals(links(posts).table)
    assert merged([]).num_rows == 0


def test_of_two_ids_the_shorter_is_the_earlier_post():
    late, early = (links([post(name, f"http://a.org/{mark}", 3)]).table for name, mark in (("10", "#a"), ("z", "#b")))
    for tables in ((late, early), (early, late)):
        (row,) = merged(tables).to_pylist()
        assert (row["submission"], row["url"], row["n_submissions"]) == ("z", "http://a.org/#b", 2)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "n"), [("RS_v2_2005-07.xz", 751), ("top_submissions.parquet", 19680)])
def test_real_posts_give_the_links_of_the_slow_twin(shared_data, name, n):
    posts = list(submissions(str(shared_data / "reddit" / name)))
    assert all(isinstance(one, Submission) for one in posts)
    found = links(posts).table
    assert found.to_pylist() == plainly([one._replace(url=one.url.replace("&amp;", "&")) for one in posts])
    assert found.num_rows == n


def test_a_post_is_read_as_the_dumps_of_all_years_have_it(tmp_path):
    rows = [
        {"id": "a", "url": "http://a.org", "score": 7, "created_utc": 5, "is_self": False, "over_18": False},
        {"id": "b", "url": "http://a.org", "score": "7", "created_utc": "5.0", "domain": "self.x"},
        {"id": "c", "score": 7},
        {"id": "d", "url": "http://a.org", "score": None},
        {"id": "e", "url": "http://a.org", "score": float("inf")},
    ]
    (tmp_path / "RS_2010-01").write_text("\n".join([*map(json.dumps, rows), "{cut"]))
    found = list(submissions(str(tmp_path / "RS_2010-01")))
    assert found[:3] == [
        Submission("a", "http://a.org", 7, 5, False, False),
        Submission("b", "http://a.org", 7, 5, True, False),
        Submission("c", "", 7, 0, False, False),
    ]
    assert [one.name for one in found[3:]] == ["4", "5", "6"]
    assert all(isinstance(one, Broken) for one in found[3:])


@pytest.mark.parametrize("packed", ["lines", "Parquet"])
def test_a_flag_is_read_however_it_is_written(tmp_path, packed):
    said = {
        False: ["false", "False", "FALSE ", "0", "0.0", "", "no", None, False, 0, 0.0],
        True: ["true", "True", " TRUE", "1", "1.0", True, 1, 1.0],
    }
    for wanted, values in said.items():
        for value in values:
            row = {"id": "a", "url": "http://a.org", "score": 5, "is_self": value, "over_18": value}
            if packed == "lines":
                path = tmp_path / "RS_2010-01"
                path.write_text(json.dumps(row))
            else:
                path = tmp_path / "RS_2010-01.parquet"
                pq.write_table(pa.Table.from_pylist([row]), path)
            (one,) = submissions(str(path))
            assert (one.is_self, one.over_18) == (wanted, wanted), value


def test_pages_are_those_that_a_link_leads_to():
    table = links([post("a", "http://a.org/x"), post("b", "http://b.org/?q=1")]).table
    urls = ["https://www.a.org/x/", "http://a.org/y", "", "http://b.org?q=1#z"]
    assert [Linked(table).has(url) for url in urls] == [True, False, False, True]
    assert not Linked(LINKS.empty_table()).has("http://a.org/x")


def test_links_are_read_back_as_they_were_saved(tmp_path):
    table = links([post("a", "http://a.org/x")]).table
    save_links(table, tmp_path / "links.parquet")
    assert load_links(tmp_path / "links.parquet").equals(table)
    with pytest.raises(BadUse, match="does not exist"):
        load_links(tmp_path / "none.parquet")
    (tmp_path / "links.parquet").write_bytes(b"PAR1 cut")
    with pytest.raises(Failed, match="no table of links"):
        load_links(tmp_path / "links.parquet")


def test_many_links_are_found_and_others_not():
    keys = sorted(f"h{n}.org/" for n in range(3000))
    linked = Linked(pa.table({"key": pa.chunked_array([keys[:1000], keys[1000:]])}))
    assert all(linked.has(f"http://{key}") for key in keys)
    assert not any(linked.has(f"http://g{n}.org/") for n in range(3000))
