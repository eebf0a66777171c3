"""Links of posts as a step: the same table however the posts are divided into files."""

import gzip
import json
import random
from collections import Counter

import pyarrow.parquet as pq
import pytest

from foretell.corpus import download
from foretell.corpus.followed import LINKS_FILE, merge_links, pages_downloaded, write_links
from foretell.corpus.inspection import example_lines
from foretell.corpus.karma import load_links
from foretell.corpus.partition import LOST
from foretell.corpus.schema import DROPPED
from tests.corpus.made_documents import made


def post(rng: random.Random, i: int) -> dict:
    url = f"http://{rng.choice('abc')}.example/{rng.randint(0, 9)}" + rng.choice(["", "#x", "?utm_source=y"])
    return {"id": f"{i:05}", "url": url, "score": rng.randint(0, 9), "created_utc": i, "subreddit": "x"}


def table_of(tmp_path, groups: list[list[dict]], name: str, least=3):
    """The rows of all links, and what was told of each file."""
    told, files = [], []
    for i, posts in enumerate(groups):
        file = tmp_path / f"{name}-RS_2016-{i + 1:02}"
        file.write_text("".join(json.dumps(one) + "\n" for one in posts))
        told.append(write_links((str(file),), made(tmp_path / name / str(i)), min_karma=least))
        files.append(str(tmp_path / name / str(i) / LINKS_FILE))
    found = merge_links(tuple(files), made(tmp_path / name / "all"))
    rows = load_links(tmp_path / name / "all" / LINKS_FILE).to_pylist()
    assert found == {"links": len(rows)}
    return rows, told


@pytest.mark.parametrize("seed", range(5))
def test_links_are_the_same_however_posts_are_divided(tmp_path, seed):
    rng = random.Random(seed)
    posts = [post(rng, i) for i in range(80)]
    one, (told,) = table_of(tmp_path, [posts], "one")
    rng.shuffle(posts)
    many, parts = table_of(tmp_path, [posts[:10], posts[10:70], [], posts[70:]], "many")
    assert many == one
    assert sum((Counter(part["passed_over"]) for part in parts), Counter()) == told["passed_over"]
    assert told["links"] == len(one) == len({row["key"] for row in one})
    by_hand = {}
    for one_post in posts:
        if one_post["score"] >= 3:
            page = one_post["url"].partition("#")[0].partition("?")[0]
            by_hand.setdefault(page.removeprefix("http://"), []).append(one_post)
    assert {row["key"]: (row["karma"], row["n_submissions"], row["submission"]) for row in one} == {
        key: (max(p["score"] for p in of), len(of), min(p["id"] for p in of)) for key, of in by_hand.items()
    }


def test_lines_that_are_no_posts_are_counted(tmp_path):
    file = tmp_path / "RS_2016-01"
    good = json.dumps(post(random.Random(0), 1) | {"score": 3})
    file.write_text(f"{good}\n{{broken\n{json.dumps({'url': 'http://a.b', 'score': 'many'})}\n")
    told = write_links((str(file),), tmp_path, min_karma=3)
    assert told == {"links": 1, "passed_over": {}, "broken": 2}
    none = write_links((str(file),), made(tmp_path / "none"), min_karma=4)
    assert none == {"links": 0, "passed_over": {"karma below 4": 1}, "broken": 2}
    assert load_links(tmp_path / "none" / LINKS_FILE).num_rows == 0


def test_what_is_no_post_is_named_in_the_columns_of_what_is_dropped(tmp_path):
    """A dump of which the end is missing, and two files with a broken line of the same number."""
    posts = "".join(json.dumps(post(random.Random(i), i)) + "\n" for i in range(3000))
    whole = gzip.compress(posts.encode())
    (tmp_path / "RS_2016-01.gz").write_bytes(whole[: len(whole) // 2])
    for name in ("RS_2016-02", "RS_2016-03"):
        (tmp_path / name).write_text("{broken" + " x" * 300 + "\n")
    rows, told = [], []
    for name in ("RS_2016-01.gz", "RS_2016-02", "RS_2016-03"):
        told.append(write_links((str(tmp_path / name),), made(tmp_path / "out" / name), min_karma=3))
        found = pq.read_table(tmp_path / "out" / name / LOST)
        assert found.schema == DROPPED
        assert len(found) == told[-1]["broken"] >= 1, "what is missing is told"
        rows += found.to_pylist()
    assert told[0]["links"] > 0, "what came before the end is used"
    assert {(row["source"], row["step"]) for row in rows} == {("links", "links")}
    assert all(row["reason"] and len(row["excerpt"]) <= 200 for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)
    (tmp_path / "good").write_text(posts[: posts.index("\n") + 1])
    write_links((str(tmp_path / "good"),), made(tmp_path / "out" / "good"), min_karma=3)
    assert pq.read_table(tmp_path / "out" / "good" / LOST).num_rows == 0
    assert example_lines(rows)[0].startswith("links: ")


def test_the_pages_of_all_links_are_fetched_into_a_folder_that_stays(tmp_path, monkeypatch):
    rows, _ = table_of(tmp_path, [[post(random.Random(1), i) for i in range(20)]], "one")
    seen = []

    def fetched(urls, where, *_, quiet):
        seen.append((urls, where, quiet))
        return download.Downloaded([], {"fetched": len(urls)})

    monkeypatch.setattr(download, "download", fetched)
    found = pages_downloaded(tmp_path / "one" / "all" / LINKS_FILE, tmp_path / "pages", quiet=True)
    assert found == {"fetched": len(rows)}
    assert seen == [([row["url"] for row in rows], tmp_path / "pages", True)]
